"""The back button after every step that changes a page in its place, and after one that failed.

Such a step asks for a part of a page, at the page's own address or at another, and a browser may mix the two up when
one goes back: it then shows a part where a whole page was, or another page than its address says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import Error, expect

from taawun.capabilities.intel import actions as intel
from taawun.capabilities.intel.models import Report
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import bring, indicator
from tests.capabilities.intel.stix.examples import bundle, identifier, sdo
from tests.capabilities.intel.test_picturing import tie
from tests.cast import Cast
from tests.platform.web.test_listing import five

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    Visit = Callable[..., Page]

__all__ = ["five"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pages")]
SOURCE: Final = Path(__file__).parents[3] / "src" / "taawun"
BEFORE: Final = "/en/help/"
LIST: Final = "/en/intel/"
NEW: Final = "/en/intel/reports/new/"
OBJECT: Final = f"/en/intel/objects/{identifier('malware', 9)}/"
TOKENS: Final = "/en/people/tokens/"
# how long ago something was goes on while one reads, and how many rows are chosen a script writes
WORDS: Final = """() => {
  const main = document.querySelector("main").cloneNode(true);
  for (const each of main.querySelectorAll("time, .list-acts")) each.remove();
  return main.textContent.replace(/\\s+/g, " ").trim();
}"""
# what the browser and htmx say on the console of a request that failed
ON_PURPOSE: Final = ("Failed to load resource", "htmx:", "Response Status Error Code")


@dataclass(frozen=True)
class Step:
    """Something that asks for a part of a page.

    Attributes:
        start: the page it is taken on; empty for that of an import that runs.
        take: takes it.
        brings: what is to be seen after it.
        moves: whether it leads to an address of its own, from which one goes back to the start.
    """

    start: str
    take: Callable[[Page], object]
    brings: str
    moves: bool = True


def _search(page: Page) -> None:
    page.locator("#list-search").fill("delta")
    page.keyboard.press("Enter")


def _choose_columns(page: Page) -> None:
    page.locator(".list-columns summary").click()
    page.locator(".list-columns [value=state]").uncheck()
    page.locator(".list-columns [type=submit]").click()


def _poll(page: Page) -> None:
    part = "document.querySelector('[data-part]')"
    with page.expect_response(lambda told: told.status in {200, 304}):
        page.evaluate(f"void htmx.ajax('GET', location.href, {{source: {part}, swap: 'outerHTML'}})")


def _wait_for_a_poll(page: Page) -> None:
    with page.expect_response(lambda told: "/intel/imports/" in told.url):
        pass


STEPS: Final = {
    "another order": Step(LIST, lambda page: page.click("#sort-title"), "th[aria-sort=ascending]"),
    "the next page": Step(LIST, lambda page: page.click("#list-next"), "#list-previous"),
    "a search": Step(LIST, _search, ".clear-filters"),
    "a filter": Step(LIST, lambda page: page.select_option("#id_state", "draft"), ".take-away"),
    "no filter": Step(
        f"{LIST}?state=draft", lambda page: page.click(".take-away"), "#list:not(:has(.take-away))"
    ),
    "a search narrowed": Step(
        "/en/search/?q=delta",
        lambda page: page.locator(".narrowing select").first.select_option(index=1),
        ".take-away",
    ),
    "other columns": Step(LIST, _choose_columns, "thead:not(:has(#sort-state))", moves=False),
    "a box unfolded": Step(
        OBJECT,
        lambda page: page.get_by_label("Show what").first.click(),
        "[aria-label^='Hide what']",
        moves=False,
    ),
    "the help": Step(LIST, lambda page: page.keyboard.press("?"), "#help[open] #help-text h2", moves=False),
    "a question": Step(
        TOKENS, lambda page: page.locator("a[data-asks]").first.click(), "#asking[open] h1", moves=False
    ),
    "a live part": Step("/en/", _poll, "[data-part]", moves=False),
    "a page that asks again by itself": Step("", _wait_for_a_poll, "h1", moves=False),
}
# where the source asks for a part of a page, and the steps above that are of its kind
ASKING: Final = {
    "platform/web/templates/web/components/listing.html": {"another order", "the next page", "other columns"},
    "platform/web/templates/web/components/filterbar.html": {"a search", "a filter", "no filter"},
    "platform/web/templates/web/components/filters.html": {"no filter"},
    "platform/web/templates/web/base.html": {"the help"},
    "platform/web/templatetags/components.py": {"a live part"},
    "platform/web/charts/graphs.py": {"a box unfolded"},
    "platform/web/static/web/asking.js": {"a question"},
    "platform/web/static/web/floats.js": {"a question"},  # repeats what failed
    "cooperation/agreements/templates/agreements/paper.html": {"a page that asks again by itself"},
    "cooperation/partners/templates/partners/lane_brought.html": {"a page that asks again by itself"},
    "node/templates/node/search.html": {"a search narrowed"},
}


def test_whatever_asks_for_a_part_of_a_page_is_followed_by_back_here() -> None:
    """A new one needs a line above."""
    asks = re.compile(r"hx-(get|post|put|patch|delete)=|htmx\.ajax\(")
    files = [each for ending in ("html", "py", "js") for each in SOURCE.rglob(f"*.{ending}")]
    found = {str(each.relative_to(SOURCE)) for each in files if asks.search(each.read_text(encoding="utf-8"))}
    assert found - set(ASKING) == set()
    assert set().union(*ASKING.values()) == set(STEPS)


def seen(page: Page) -> tuple[str, str, int]:
    """Where one is, what stands there, and whether it is a whole page: the address, the text, the headers."""
    return page.url, page.evaluate(WORDS), page.locator("header.cover").count()


def until(page: Page, wanted: tuple[str, str, int]) -> None:
    """Wait until one is there: what comes back in its place comes a moment after its address."""
    end = time.monotonic() + 20
    found: tuple[str, str, int] | None = None
    while found != wanted and time.monotonic() < end:
        page.wait_for_timeout(50)
        # between two pages there is none to look at
        with suppress(Error):
            found = seen(page)
    assert found == wanted


@pytest.fixture
def everything(cast: Cast, five: list[Report]) -> str:
    """What the steps are taken on; the address of an import that runs for ever."""
    digger = sdo("malware", 9, name="Digger", is_family=False)
    bring(indicator(8), digger, tie(1, identifier("indicator", 8), digger["id"]))
    cast.analyst.browser().post(TOKENS, {"name": "Another", "scopes": ["read:people"], "days": "7"})
    held = intel.begin_import(cast.analyst.actor, bundle(indicator(7)), name="f", default_tlp=Tlp.CLEAR)
    return f"{LIST}imports/{held.id}/"


def test_after_every_step_back_shows_the_page_before_it_whole(
    cast: Cast, visit: Visit, everything: str
) -> None:
    page = visit(BEFORE, cast.analyst)
    before = seen(page)
    for name, step in STEPS.items():
        page.goto(BEFORE)
        page.goto(step.start or everything)
        start = seen(page)
        step.take(page)
        expect(page.locator(step.brings).first, name).to_be_visible()
        after = seen(page)
        assert (after[0] != start[0]) is step.moves, name
        if step.moves:
            page.go_back()
            until(page, start)
            page.go_forward()
            until(page, after)
        # away from it and back: the whole page, as it is when it is opened anew
        page.evaluate("location.assign('/en/people/')")
        page.wait_for_url("**/people/")
        page.go_back()
        if name not in {"other columns", "a live part"}:  # what was chosen is kept; what is new is shown
            until(page, after if step.moves else start)
        expect(page).to_have_url(after[0])
        expect(page.locator("header.cover"), name).to_have_count(1)
        for _step in range(2 if step.moves else 1):
            page.go_back()
        until(page, before)


@pytest.mark.parametrize("status", [413, 429, 0], ids=["too large", "too often", "no line"])
def test_after_a_step_that_failed_one_is_where_one_was_and_back_leads_to_the_page_before(
    cast: Cast, visit: Visit, everything: str, status: int
) -> None:
    page = visit(BEFORE, cast.analyst, forgives=ON_PURPOSE)
    before = seen(page)

    def refuse(route: Route) -> None:
        if status:
            route.fulfill(status=status, content_type="text/html", body="<!DOCTYPE html><h1>Not now</h1>")
        else:
            route.abort()

    for start, asked, take in (
        (LIST, "**/intel/?sort=title", STEPS["another order"].take),
        (TOKENS, "**/revoke/", STEPS["a question"].take),
    ):
        page.goto(start)
        held = seen(page)
        page.route(asked, refuse)
        take(page)
        expect(page.locator("#standing [data-retry]")).to_be_visible()
        assert seen(page) == held
        page.unroute(asked)
        page.go_back()
        until(page, before)

    page.goto(NEW)
    refused = f"**{NEW}" if status else "**/*"
    page.route(refused, refuse)
    page.fill("[name=title]", "Wave 9")
    page.click("button[value=save]")
    if status:
        expect(page.locator("h1")).to_have_text("Not now")
        page.unroute(refused)
        page.go_back()
        page.wait_for_url(f"**{NEW}")
    if page.input_value("[name=title]") != "Wave 9":
        page.click("text=Go on with it")
    assert page.input_value("[name=title]") == "Wave 9"
