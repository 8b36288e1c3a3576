"""Lists: searched, sorted, turned over, chosen from and saved, on the list of reports, which has all of it."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import Client, RequestFactory
from playwright.sync_api import Page, expect

from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.views.reports import REPORTS
from taawun.platform.notices.models import Notice
from taawun.platform.web.listing import Held, Outcome, Stored, act_on_each
from taawun.platform.web.paging import BadCursor, page_of
from tests.capabilities.intel.factories import bring, indicator, report
from tests.capabilities.intel.stix.examples import identifier
from tests.cast import Cast
from tests.pages import Markup, judge, pages, read, visit

__all__ = ["pages", "visit"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]
LIST = "/en/intel/"
TITLES = ("Delta", "alpha", "Echo", "Bravo", "Charlie")


@pytest.fixture
def five(monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """Five reports in the order in which they came, on pages of two."""
    one = identifier("indicator", 1)
    bring(indicator(1), *(report(at, one, name=title) for at, title in enumerate(TITLES, start=1)))
    # the room's door is a function of the same name
    room = sys.modules["taawun.capabilities.intel.views.reports"]
    monkeypatch.setattr(room, "REPORTS", replace(REPORTS, limit=2))
    return list(Report.objects.order_by("id"))


def shown(client: Client, query: str = "") -> Markup:
    return read(client.get(LIST + query))


def titles(markup: Markup) -> list[str]:
    return sorted((each for each in TITLES if each in markup.text), key=markup.text.index)


def link(markup: Markup, **attributes: str) -> str:
    [found] = markup.all("a", **attributes)
    return found["href"]


# ---- orders -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "first_two"),
    [
        ("", ["Charlie", "Bravo"]),
        ("?sort=-created", ["Charlie", "Bravo"]),
        ("?sort=created", ["Delta", "alpha"]),
        ("?sort=-title", ["alpha", "Echo"]),
        ("?sort=no-such-order", ["Charlie", "Bravo"]),
        ("?sort=--title", ["Charlie", "Bravo"]),
    ],
)
def test_a_list_is_in_the_order_that_its_address_asks_for(
    cast: Cast, five: list[Report], query: str, first_two: list[str]
) -> None:
    assert len(five) == 5
    if query == "?sort=-title" and Report.objects.order_by("-title").first() != five[1]:
        first_two = ["Echo", "Delta"]  # PostgreSQL sorts as the language of the database does
    assert titles(shown(cast.analyst.browser(), query)) == first_two


def test_a_head_leads_to_its_order_and_then_to_the_other_way_round(cast: Cast, five: list[Report]) -> None:
    client = cast.analyst.browser()
    markup = shown(client, "?tlp=TLP:CLEAR&after=")
    assert link(markup, id="sort-title") == "?tlp=TLP%3ACLEAR&sort=title"
    assert [has for has in markup.all("th") if "aria-sort" in has] == []
    markup = shown(client, "?sort=title")
    assert [has["aria-sort"] for has in markup.all("th") if "aria-sort" in has] == ["ascending"]
    assert link(markup, id="sort-title") == "?sort=-title"
    assert link(markup, id="sort-changed") == "?sort=-changed"
    markup = shown(client, "?sort=-changed")
    assert [has["aria-sort"] for has in markup.all("th") if "aria-sort" in has] == ["descending"]


# ---- pages ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sort", ["", "sort=title", "sort=-changed"])
def test_one_turns_pages_forth_and_back_and_sees_the_same_rows(
    cast: Cast, five: list[Report], sort: str
) -> None:
    client, ways = cast.analyst.browser(), []
    markup = shown(client, f"?{sort}")
    ways.append(titles(markup))
    assert "First page" not in markup.text
    while following := markup.all("a", rel="next"):
        markup = shown(client, following[0]["href"])
        ways.append(titles(markup))
    assert [len(each) for each in ways] == [2, 2, 1]
    assert sorted(title for way in ways for title in way) == sorted(each.title for each in five)
    assert "End of the list" in markup.text
    back = [titles(markup)]
    while earlier := markup.all("a", rel="prev"):
        markup = shown(client, earlier[0]["href"])
        back.append(titles(markup))
    assert back == ways[::-1]
    assert link(shown(client, link(markup, rel="next")), id="list-first") == (f"?{sort}" if sort else "?")


def test_the_page_before_a_row_near_the_beginning_is_the_first_page_whole(
    cast: Cast, five: list[Report]
) -> None:
    client = cast.analyst.browser()
    second = link(shown(client), rel="next")
    before = link(shown(client, second), rel="prev")
    five[4].delete()  # it stood on the first page
    assert titles(shown(client, before)) == ["Bravo", "Echo"]


@pytest.mark.parametrize("mark", ["after=nonsense", "before=nonsense", "before=WzFd"])
def test_a_mark_that_no_list_gave_begins_the_list_anew_with_its_filters(
    cast: Cast, five: list[Report], mark: str
) -> None:
    client = cast.analyst.browser()
    assert client.get(f"{LIST}?{mark}")["Location"] == LIST
    assert client.get(f"{LIST}?q=delta&{mark}")["Location"] == "?q=delta"


def test_what_can_be_said_of_how_many_there_are_is_said_without_counting(
    cast: Cast, five: list[Report]
) -> None:
    client = cast.analyst.browser()
    assert "2 on this page" in shown(client).text
    assert "1 in all" in shown(client, "?q=delta").text


def test_a_short_list_in_memory_is_turned_over_in_the_same_way() -> None:
    held = [
        Notice(kind=kind, level=level) for kind, level in (("b", "x"), ("a", "y"), ("c", "x"), ("d", "y"))
    ]
    order = ("-level", "kind")
    first = page_of(held, order=order, after=None, before=None, limit=3)
    assert [each.kind for each in first.items] == ["a", "d", "b"]
    last = page_of(held, order=order, after=first.next, before=None, limit=3)
    assert ([each.kind for each in last.items], last.next) == (["c"], None)
    again = page_of(held, order=order, after=None, before=last.previous, limit=3)
    assert (again.items, again.next, again.previous) == (first.items, first.next, None)
    with pytest.raises(BadCursor):
        page_of(held[1:2], order=order, after=first.next, before=None, limit=3)


# ---- columns ----------------------------------------------------------------------------------------------------
def heads(markup: Markup) -> list[str]:
    return [has["data-label"] for has in markup.all("td") if "data-label" in has][
        : len(markup.all("th", scope="col")) - 1
    ]


def test_the_columns_that_one_chose_are_kept_for_this_list_and_the_first_is_always_there(
    cast: Cast, five: list[Report]
) -> None:
    client = cast.analyst.browser()
    assert heads(shown(client)) == ["From", "Marking", "By", "State", "Changed"]
    answer = client.get(f"{LIST}?sort=title&columns=title&columns=created&columns=state&columns=nonsense")
    assert answer["Location"] == "?sort=title"
    kept = client.cookies["taawun-columns-reports"]
    assert (kept.value, kept["httponly"], kept["samesite"]) == ("title.state.created", True, "Lax")
    markup = shown(client, "?sort=title")
    assert heads(markup) == ["State", "Here since"]
    assert len(markup.all("th", scope="row")) == 2
    client.get(f"{LIST}?columns=title")
    assert heads(shown(client)) == []
    client.cookies["taawun-columns-reports"] = "<script>.x"
    assert heads(shown(client)) == []


def test_to_choose_columns_keeps_what_the_list_is_narrowed_by_and_its_order(
    cast: Cast, five: list[Report]
) -> None:
    markup = shown(cast.analyst.browser(), "?tlp=TLP:CLEAR&sort=title")
    assert markup.all("input", type="hidden", name="tlp", value="TLP:CLEAR")
    # in the form of the filters, and in that of the columns
    assert len(markup.all("input", type="hidden", name="sort", value="title")) == 2


# ---- files and what was chosen ----------------------------------------------------------------------------------
def saved(client: Client, query: str) -> str:
    return b"".join(client.get(LIST + query)).decode("utf-8-sig")


def test_a_file_holds_all_that_fits_or_what_was_chosen_whatever_columns_are_shown(
    cast: Cast, five: list[Report]
) -> None:
    client = cast.analyst.browser()
    client.get(f"{LIST}?columns=title")
    rows = list(csv.DictReader(io.StringIO(saved(client, "?format=csv"))))
    assert [each["title"] for each in rows] == [each.title for each in five[::-1]]
    assert list(rows[0])[:4] == ["id", "stix_id", "title", "tlp"]
    chosen = f"?chosen={five[0].id}&chosen={five[2].id}&chosen=nonsense&format=json"
    told: list[dict[str, Any]] = json.loads(saved(client, chosen))
    assert [each["title"] for each in told] == ["Echo", "Delta"]
    assert saved(client, "?chosen=nonsense&format=json") == "[]\n"


def test_nobody_saves_by_choosing_what_they_may_not_see(cast: Cast, five: list[Report]) -> None:
    Report.objects.filter(id=five[0].id).update(tlp=4, state="received")
    hidden = f"?chosen={five[0].id}&format=json"
    assert saved(cast.analyst.browser(), hidden) == "[]\n"


def test_chosen_rows_of_a_source_are_told_by_their_key() -> None:
    kept = [Notice.objects.create(kind="k", level="alarm", subject=f"urn:{at}") for at in range(3)]
    keys = [str(kept[0].id), "nonsense", str(kept[2].id)]
    assert set(Stored(Notice.objects.all()).among("id", keys)) == {kept[0], kept[2]}
    assert list(Held(kept).among("id", keys)) == [kept[0], kept[2]]


def test_what_is_refused_leaves_the_others_done_and_is_told_with_its_reason() -> None:
    outcome = act_on_each(range(4), lambda at: "It is odd." if at % 2 else "", lambda at: f"number {at}")
    assert (outcome.done, outcome.refused) == (2, ["number 1: It is odd.", "number 3: It is odd."])


@pytest.mark.parametrize(
    ("done", "refused", "told"),
    [
        (2, [], "Two are done."),
        (2, ["a: why"], "Two are done. a: why"),
        (0, ["a: why"], "a: why"),
        (0, [f"{at}: why" for at in range(7)], "0: why 1: why 2: why 3: why 4: why 2 more were refused."),
        (0, [], "Nothing was chosen. Tick the boxes of the rows first."),
    ],
)
def test_what_came_of_the_chosen_rows_is_one_message(
    rf: RequestFactory, done: int, refused: list[str], told: str
) -> None:
    request = rf.get("/")
    request._messages = kept = CookieStorage(request)  # type: ignore[attr-defined]  # as the middleware sets it
    Outcome(done, refused).tell(request, "Two are done.")
    assert [str(each) for each in kept] == [told]


# ---- what stands in the place of rows ---------------------------------------------------------------------------
def test_a_list_without_rows_says_what_to_do_first_and_one_that_nothing_fits_how_to_see_more(
    cast: Cast, five: list[Report]
) -> None:
    client = cast.analyst.browser()
    markup = shown(client, "?q=zulu&sort=title")
    assert "No report fits" in markup.text
    assert {has["href"] for has in markup.all("a") if has["href"].startswith("?")} == {"?sort=title"}
    assert markup.all("form", role="search", method="get")
    Report.objects.all().delete()
    markup = shown(client)
    assert "No report yet" in markup.text
    assert [has["class"] for has in markup.all("a", href=f"{LIST}imports/new/")] == ["button primary"]
    assert "CSV" not in markup.text


# ---- in the browser ---------------------------------------------------------------------------------------------
def test_a_list_is_drawn_anew_in_its_place_and_one_goes_back_step_by_step(
    cast: Cast, visit: Callable[..., Page], five: list[Report]
) -> None:
    page = visit(LIST, cast.analyst)
    page.evaluate("window.unchanged = true")
    rows = page.locator("#list tbody th")
    expect(rows).to_have_text(["Charlie", "Bravo"])
    page.locator("#sort-title").focus()
    page.keyboard.press("Enter")
    expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    assert page.url.endswith("/intel/?sort=title")
    expect(page.locator("#sort-title")).to_be_focused()
    titles_of_page = rows.all_text_contents()
    page.locator("#list-next").click()
    expect(page.locator("#list-previous")).to_be_visible()
    expect(page.locator("#list-next")).to_be_focused()
    page.locator("#id_state").select_option("received")
    expect(page.get_by_text("No report fits")).to_be_visible()
    assert page.url.endswith("/intel/?sort=title&state=received")
    page.go_back()
    expect(page.locator("#list-previous")).to_be_visible()
    page.go_back()
    expect(rows).to_have_text(titles_of_page)
    expect(page.locator("#list-previous")).to_have_count(0)
    page.go_back()
    expect(rows).to_have_text(["Charlie", "Bravo"])
    assert page.url.endswith("/intel/")
    page.locator("#list-search").fill("delta")
    page.keyboard.press("Enter")
    expect(rows).to_have_text(["Delta"])
    expect(page.locator("#list-search")).to_be_focused()
    assert page.url.endswith("/intel/?q=delta")
    assert page.evaluate("window.unchanged")
    assert judge(page, "list") == []


def test_rows_are_chosen_by_their_boxes_and_a_session_that_ended_leads_to_the_door(
    cast: Cast, visit: Callable[..., Page], five: list[Report]
) -> None:
    page = visit("/ar/intel/", cast.analyst, width=1200, forgives=("status of 401",))
    bar = page.locator(".list-acts")
    expect(bar).to_be_hidden()
    page.locator(".choose-all").check()
    expect(bar).to_be_visible()
    assert page.locator(".list-chosen b").text_content() == "٢"
    page.get_by_role("checkbox", name="Charlie").uncheck()
    assert page.locator(".list-chosen b").text_content() == "١"
    assert page.locator(".choose-all").evaluate("box => box.indeterminate")
    assert judge(page, "chosen") == []
    page.locator(".list-acts [type=reset]").click()
    expect(bar).to_be_hidden()
    page.locator(".list-columns summary").click()
    page.get_by_role("checkbox", name="الوسم").uncheck()
    page.locator(".list-columns [type=submit]").click()
    expect(page.locator("td[data-label='الوسم']")).to_have_count(0)
    assert page.url.endswith("/ar/intel/")
    page.context.clear_cookies()
    page.locator("#list-next").click()
    page.wait_for_url("**/login/**")


def test_without_scripts_one_chooses_rows_and_saves_them(
    cast: Cast, visit: Callable[..., Page], five: list[Report]
) -> None:
    page = visit(LIST, cast.analyst, scripts=False)
    page.get_by_role("checkbox", name="Bravo").check()
    with page.expect_download() as saving:
        page.locator(".list-acts [value=json]").click()
    assert saving.value.suggested_filename == "reports.json"
    assert [each["title"] for each in json.loads(saving.value.path().read_bytes())] == ["Bravo"]
    page.locator("#id_state").select_option("received")
    page.get_by_role("button", name="Show", exact=True).click()
    assert "No report fits" in page.inner_text("main")


def test_a_file_is_not_made_of_a_filter_that_is_not_understood(cast: Cast, five: list[Report]) -> None:
    client = cast.analyst.browser()
    answer = client.get(LIST + "?tlp=TLP:GREY&q=alpha&format=csv")
    assert answer.status_code == 302
    assert answer["Location"] == "?tlp=TLP%3AGREY&q=alpha"
    assert titles(shown(client, answer["Location"])) == ["alpha"]
