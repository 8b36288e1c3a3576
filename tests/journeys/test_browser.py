"""The loop in a real browser, by clicking, in Arabic and in English: publish, receive, sight, suspend, withdraw."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Pair

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from taawun.node.demo.cast import Player
    from taawun.node.demo.nodes import RunningNode

pytestmark = [pytest.mark.journey, pytest.mark.browser]

# what is read off the pages; the rest is found by its place, whatever the language
WORDS = {
    "ar": {
        "dir": "rtl",
        "clause": "البند ١",
        "to one": "طرف واحد",
        "suspended": "معلّقة",
        "withdrawn": "مسحوب",
    },
    "en": {
        "dir": "ltr",
        "clause": "§ 1",
        "to one": "to 1 party",
        "suspended": "suspended",
        "withdrawn": "withdrawn",
    },
}


@contextmanager
def signed_in(
    browser: Browser, pair: Pair, node: RunningNode, player: Player, language: str
) -> Iterator[Page]:
    """A page on which somebody has signed in, who lands on their home."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    page = context.new_page()
    try:
        page.goto(f"{node.base}/{language}/")
        page.fill("input[name=login]", player.email)
        page.fill("input[name=password]", pair.story.password)
        page.locator("form:has(input[name=password]) button[type=submit]").first.click()
        page.wait_for_url(f"{node.base}/{language}/")
        yield page
    finally:
        context.close()


def until_shown(page: Page, text: str, seconds: float = 30) -> None:
    """Load the page again until it shows a text, as a person waiting for news would."""
    end = time.monotonic() + seconds
    while not page.get_by_text(text).count():
        assert time.monotonic() < end, f"{text!r} did not appear on {page.url}"
        page.wait_for_timeout(300)
        page.reload()


def answer(page: Page) -> None:
    """Answer a question that stands over its page, and wait for the page that comes of it.

    That page has the address of the one beneath the question, so it is not known by it.
    """
    with page.expect_event("load"):
        page.locator(".dialog-foot button[type=submit]").click()


def open_report(page: Page, title: str) -> None:
    page.locator("nav a[href$='/intel/']").first.click()
    until_shown(page, title)
    page.get_by_role("link", name=title).first.click()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_report_is_published_received_sighted_and_withdrawn_by_clicking(
    pair: Pair, browser: Browser, language: str
):
    words, title = WORDS[language], f"clicked in {language}"
    pair.new_report(title)
    north, south = pair.north.nation.player("analyst"), pair.south.nation.player("analyst")

    with signed_in(browser, pair, pair.north, north, language) as page:
        assert page.locator("html").get_attribute("dir") == words["dir"]
        open_report(page, title)
        page.locator("a[href$='/publish/']").click()
        expect(page.locator(".dialog").get_by_text(words["clause"])).to_have_count(1)
        button = page.locator(".dialog-foot button[type=submit]")
        expect(button).to_contain_text(words["to one"])
        button.click()
        page.wait_for_url("**/intel/reports/*/")

    with signed_in(browser, pair, pair.south, south, language) as page:
        open_report(page, title)
        expect(page.get_by_text("AG-001")).not_to_have_count(0)
        expect(page.get_by_text(words["clause"])).not_to_have_count(0)
        received = page.url
        page.locator("a[href$='/sighting/']").first.click()
        page.fill("input[name=count]", "7")
        page.fill("textarea[name=note]", f"seen while {title}")
        page.locator("main form button[type=submit]").click()
        says = "the page says by which clause the sighting goes back"
        expect(page.get_by_text("AG-001"), says).to_have_count(1)

    with signed_in(browser, pair, pair.north, north, language) as page:
        open_report(page, title)
        until_shown(page, f"seen while {title}")
        page.locator("a[href$='/withdraw/']").click()
        page.fill("[name=reason]", "named a shared server")
        answer(page)
        expect(page.locator("main").get_by_text(words["withdrawn"])).not_to_have_count(0)

    with signed_in(browser, pair, pair.south, south, language) as page:
        page.goto(received)
        until_shown(page, words["withdrawn"])
        assert page.locator("a[href$='/sighting/']").count() == 0, "its objects are gone"


@pytest.mark.parametrize("language", ["ar", "en"])
def test_an_officer_suspends_and_resumes_and_the_answer_changes_at_once(
    pair: Pair, browser: Browser, language: str
):
    words, officer = WORDS[language], pair.north.nation.player("officer")

    with signed_in(browser, pair, pair.north, officer, language) as page:
        page.goto(f"{pair.north.base}/{language}/agreements/{pair.story.agreement}/")
        page.locator("a[href$='/suspend/']").click()
        page.fill("[name=note]", "we look into something")
        answer(page)
        expect(page.locator("main").get_by_text(words["suspended"])).not_to_have_count(0)

        page.goto(
            f"{pair.north.base}/{language}/releases/who-would-receive/?kind=intel.report&tlp=TLP%3AGREEN"
        )
        expect(page.locator("main").get_by_text(words["suspended"])).not_to_have_count(0)

        page.goto(f"{pair.north.base}/{language}/agreements/{pair.story.agreement}/")
        page.locator("a[href$='/resume/']").click()
        page.fill("[name=note]", "all is well")
        answer(page)
        expect(page.locator("a[href$='/suspend/']")).to_have_count(1)
