"""Both journeys in a real browser, by clicking: a report comes and goes, and so does an agreement.

Each is walked through in Arabic and in English, on a desk and on a phone: the words turn the page, and the phone has
another navigation, other tables and other places for the same buttons, so that neither stands for the other. Whoever
walks gets about as a person does, by what the pages show: no address is typed but the first.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from taawun.node.demo import sample
from taawun.node.demo.nodes import wait_for
from tests.journeys.conftest import Pair

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

    from taawun.node.demo.nodes import ApiClient, RunningNode

pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.parametrize("width", [pytest.param(1440, id="desk"), pytest.param(390, id="phone")]),
    pytest.mark.parametrize("language", ["ar", "en"]),
]

# what is read off the pages; the rest is found by its place, whatever the language
WORDS: Final = {
    "ar": {
        "dir": "rtl",
        "clause": "البند ١",
        "to one": "طرف واحد",
        "in force": "نافذة",
        "suspended": "معلّقة",
        "terminated": "أُنهيت",
        "withdrawn": "مسحوب",
        "days": "٦٠",
        "one": "١",
        "both clauses": "البندين ١ و٢",
        "proven": "١ من ١",
    },
    "en": {
        "dir": "ltr",
        "clause": "§ 1",
        "to one": "to 1 party",
        "in force": "in force",
        "suspended": "suspended",
        "terminated": "terminated",
        "withdrawn": "withdrawn",
        "days": "60",
        "one": "1",
        "both clauses": "clauses 1 and 2",
        "proven": "1 of 1",
    },
}
# longer than whatever a page shows of the other node takes to come
PATIENCE: Final = 60.0
RUNS_OVER: Final = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass(frozen=True)
class Seat:
    """Somebody who has signed in, before a browser of their own."""

    page: Page
    home: str

    def go(self, place: str) -> None:
        """Go where the navigation leads: on a phone it is a sheet that opens from the bar at the bottom."""
        opens = self.page.locator(".bottom-bar a[href='#menu']")
        if opens.is_visible():
            opens.click()
        self.page.locator(f"nav.side a[href$='/{place}']").first.click()
        self.page.wait_for_url(f"**/{place}")
        assert not self.page.evaluate(RUNS_OVER), f"{self.page.url} runs over"

    def go_home(self) -> None:
        """Go to the first page, by the mark in the corner."""
        if self.page.url != self.home:
            self.page.locator("a.brand").click()
            self.page.wait_for_url(self.home)

    def until(self, wanted: Locator) -> Locator:
        """Load the page again until it shows this, as a person does who waits for news."""
        end = time.monotonic() + PATIENCE
        while not wanted.count():
            assert time.monotonic() < end, f"{wanted} did not appear on {self.page.url}"
            self.page.wait_for_timeout(300)
            self.page.reload()
        return wanted.first

    def until_shown(self, text: str) -> None:
        """The same for a text."""
        self.until(self.page.locator("main").get_by_text(text))

    def answer(self) -> None:
        """Say yes to the question, over its page or on one of its own, and wait for the page that comes of it.

        That page may have the address of the one beneath the question, so it is not known by it.
        """
        assert not self.page.evaluate(RUNS_OVER), f"{self.page.url} runs over"
        with self.page.expect_event("load"):
            self.page.locator(".dialog-foot button[type=submit]").click()

    def press(self, selector: str) -> None:
        """Click what leads to another page, or opens a question."""
        self.page.locator(selector).first.click()

    def open_report(self, title: str) -> None:
        """Find a report in the list, which it may yet have to reach, and open it."""
        self.go("intel/")
        self.until(self.page.get_by_role("link", name=title)).click()
        self.page.wait_for_url("**/intel/reports/*/")

    def open_agreement(self, agreement: str) -> None:
        """Find an agreement in the list and open it."""
        self.go("agreements/")
        self.press(f"main a[href$='/agreements/{agreement}/']")
        self.page.wait_for_url(f"**/agreements/{agreement}/")

    def ask_who_would_receive(self) -> Locator:
        """Ask who would receive a warning that stays within the receiving organisation; the answer."""
        self.go("agreements/")
        self.press("main a[href$='/who-would-receive/']")
        self.page.select_option("[name=kind]", "intel.warning")
        self.page.select_option("[name=tlp]", "TLP:AMBER+STRICT")
        self.press("main form button[type=submit]")
        answer = self.page.locator(".publish-preview")
        expect(answer).to_be_visible()
        return answer


@pytest.fixture
def sit(pair: Pair, browser: Browser, language: str, width: int) -> Iterator[Callable[..., Seat]]:
    """Lets people sit down, sign in by the door and land on their first page: ``sit(node, "officer", 1)``."""
    with ExitStack() as stack:
        errors: list[str] = []

        def sit_down(node: RunningNode, role: str, which: int = 0) -> Seat:
            is_phone = width < 720
            context = browser.new_context(
                viewport={"width": width, "height": 844 if is_phone else 900},
                is_mobile=is_phone,
                has_touch=is_phone,
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE * 1000)
            page, home = context.new_page(), f"{node.base}/{language}/"
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(home)
            page.fill("input[name=login]", node.nation.player(role, which).email)
            page.fill("input[name=password]", pair.story.password)
            page.locator("form:has(input[name=password]) button[type=submit]").first.click()
            page.wait_for_url(home)
            assert page.locator("html").get_attribute("dir") == WORDS[language]["dir"]
            return Seat(page, home)

        # two nodes and a browser may have little of a machine to themselves
        expect.set_options(timeout=PATIENCE * 1000)
        try:
            yield sit_down
        finally:
            expect.set_options(timeout=None)
        assert errors == []


def test_a_report_is_published_received_sighted_and_withdrawn_by_clicking(
    pair: Pair, sit: Callable[..., Seat], language: str, width: int
) -> None:
    words, title = WORDS[language], f"clicked in {language} on {width}"
    pair.new_report(title)
    north, south = sit(pair.north, "analyst"), sit(pair.south, "analyst")

    north.open_report(title)
    north.press("a[href$='/publish/']")
    expect(north.page.locator(".dialog").get_by_text(words["clause"])).to_have_count(1)
    button = north.page.locator(".dialog-foot button[type=submit]")
    expect(button).to_contain_text(words["to one"])
    button.click()
    north.page.wait_for_url("**/intel/reports/*/")

    south.open_report(title)
    received = south.page.locator("main")
    expect(received.get_by_text("AG-001")).not_to_have_count(0)
    expect(received.get_by_text(words["clause"])).not_to_have_count(0)
    south.press("a[href$='/sighting/']")
    south.page.fill("input[name=count]", "7")
    south.page.fill("textarea[name=note]", f"seen while {title}")
    south.press("main form button[type=submit]")
    says = "the page says by which clause the sighting goes back"
    expect(received.get_by_text("AG-001"), says).to_have_count(1)
    south.open_report(title)

    north.until_shown(f"seen while {title}")
    north.press("a[href$='/withdraw/']")
    north.page.fill("[name=reason]", "named a shared server")
    north.answer()
    expect(north.page.locator("main").get_by_text(words["withdrawn"])).not_to_have_count(0)

    south.until_shown(words["withdrawn"])
    # a page that is put together while the withdrawal is taken in shows some of what was before
    south.page.reload()
    expect(south.page.locator("a[href$='/sighting/']"), "its objects are gone").to_have_count(0)


def test_an_agreement_is_negotiated_signed_used_paused_and_ended_by_clicking(
    pair: Pair, sit: Callable[..., Seat], language: str, width: int
) -> None:
    words = WORDS[language]
    writer, partner = sit(pair.north, "officer"), sit(pair.south, "officer")
    expect(writer.ask_who_would_receive().locator(".receiver-group")).to_have_count(0)

    agreement = draft(writer)
    counter(partner, agreement, words)
    adopt(writer, agreement, words)
    sign(writer, partner, sit(pair.north, "officer", 1), sit(pair.south, "officer", 1), agreement=agreement)
    for officer in (writer, partner):
        officer.open_agreement(agreement)
        officer.until_shown(words["in force"])

    receivers = writer.ask_who_would_receive().locator(".receiver-group")
    expect(receivers).to_have_count(1)
    expect(receivers.get_by_text(words["clause"])).to_have_count(1)

    pause(writer, agreement, words)
    give(pair, f"{language} {width}")
    see_what_was_given(writer, agreement, words)
    end(writer, partner, agreement, words)
    expect(writer.ask_who_would_receive().locator(".receiver-group")).to_have_count(0)
    delete(pair, writer, agreement, words)


def draft(writer: Seat) -> str:
    """Draft it from a template and propose it; its id."""
    writer.go("agreements/")
    writer.press("main a[href$='/agreements/new/']")
    writer.page.locator("[name=partner]").first.check()
    writer.page.locator("[name=template][value=early-warning]").check()
    writer.press("main form button.primary")
    writer.page.wait_for_url("**/edit/")
    found = re.search(r"/agreements/([0-9a-f-]{36})/", writer.page.url)
    assert found
    writer.press("main button[value=send]:visible")
    writer.page.wait_for_url("**/propose/")
    writer.answer()
    return found[1]


def counter(partner: Seat, agreement: str, words: dict[str, str]) -> None:
    """Find on the first page that it waits, and answer it with a text that keeps warnings for sixty days only."""
    partner.go_home()
    partner.until(partner.page.locator(f"main a[href*='{agreement}'][href*='/approve/']"))
    partner.open_agreement(agreement)
    partner.press("main .acts a[href$='/edit/']")
    partner.page.fill("[name=c0-retention_days]", "60")
    partner.press("main button[value=send]:visible")
    partner.page.wait_for_url("**/counter/")
    expect(partner.page.locator(".differences ins").get_by_text(words["days"])).not_to_have_count(0)
    partner.page.fill("[name=note]", "Two months serve us both.")
    partner.answer()


def adopt(writer: Seat, agreement: str, words: dict[str, str]) -> None:
    """See what the other side would change, make it one's own text and propose that."""
    writer.go_home()
    writer.until(writer.page.locator(f"main a[href*='{agreement}/compare/']")).click()
    expect(writer.page.locator(".differences ins").get_by_text(words["days"])).not_to_have_count(0)
    writer.press("main a[href*='/adopt/']")
    writer.answer()
    writer.open_agreement(agreement)
    writer.press("main a[href$='/propose/']")
    writer.answer()


def sign(*officers: Seat, agreement: str) -> None:
    """Two officers on each side find that it waits for them, and approve it; the nodes sign."""
    for each in officers:
        each.go_home()
        each.until(each.page.locator(f"main a[href*='{agreement}/versions/2/approve/']")).click()
        each.answer()


def pause(writer: Seat, agreement: str, words: dict[str, str]) -> None:
    """Suspend it, see that the answer has changed at once, and lift the suspension."""
    writer.open_agreement(agreement)
    writer.press("main a[href$='/suspend/']")
    writer.page.fill("[name=note]", "we look into something")
    writer.answer()
    expect(writer.page.locator("main").get_by_text(words["suspended"])).not_to_have_count(0)
    expect(writer.ask_who_would_receive().locator(".receiver-group")).to_have_count(0)
    writer.open_agreement(agreement)
    writer.press("main a[href$='/resume/']")
    writer.page.fill("[name=note]", "all is well")
    writer.answer()
    expect(writer.page.locator("main a[href$='/suspend/']")).to_have_count(1)


def give(pair: Pair, name: str) -> None:
    """Let the analysts of both sides warn each other; how one publishes by clicking, the other journey shows."""
    for node in (pair.north, pair.south):
        analyst = pair.analyst(node)
        # of its own: what the other side sent would bring its clauses along
        own = next(each for each in json.loads(sample.bundle())["objects"] if each["type"] == "indicator")
        own["id"] = f"indicator--{uuid4()}"
        bundle = json.dumps({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": [own]}).encode()
        begun = analyst.call(
            "POST", "/intel/imports", params={"name": name, "tlp": "TLP:GREEN"}, content=bundle
        )
        wait_for("the import", partial(ended, analyst, begun["id"]))
        body = {"title": name, "summary": name, "tlp": "TLP:AMBER+STRICT", "is_warning": True}
        report = analyst.post("/intel/reports", {**body, "object_ids": [own["id"]]})["id"]
        analyst.post(f"/intel/reports/{report}/publish")


def ended(analyst: ApiClient, identifier: str) -> bool | None:
    """Whether an import has come to its end; None before that."""
    return analyst.get(f"/intel/imports/{identifier}")["state"] == "done" or None


def see_what_was_given(writer: Seat, agreement: str, words: dict[str, str]) -> None:
    """Read in the ledger what each side gave."""
    writer.go("releases/")
    writer.press("main a[href$='/ledger/']")
    cells = writer.page.locator(f"main tbody tr:has(a[href*='{agreement}']) td.number")
    given, received = cells.nth(0), cells.nth(4)
    writer.until(received.filter(has_text=words["one"]))
    expect(given).to_have_text(words["one"])
    expect(received).to_have_text(words["one"])


def end(writer: Seat, partner: Seat, agreement: str, words: dict[str, str]) -> None:
    """Read what follows from ending it, and end it."""
    writer.open_agreement(agreement)
    writer.press("main a[href$='/terminate/']")
    expect(writer.page.locator(".dialog").get_by_text(words["both clauses"])).not_to_have_count(0)
    writer.page.fill("[name=note]", "it is over")
    writer.answer()
    expect(writer.page.locator("main").get_by_text(words["terminated"])).not_to_have_count(0)
    partner.open_agreement(agreement)
    partner.until_shown(words["terminated"])


def delete(pair: Pair, writer: Seat, agreement: str, words: dict[str, str]) -> None:
    """A day later each side has deleted what the other gave, and has signed that it did."""
    pair.move_clocks(timedelta(hours=25))
    writer.open_agreement(agreement)
    writer.until_shown(words["proven"])
