"""The pictures of a report and of an object: which ties are drawn, and that a file of very many ties costs little."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from taawun.capabilities.intel import picturing, queries, ties
from taawun.capabilities.intel.models import Reference, Report, StixObject
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.tlp import Tlp
from taawun.platform.web.charts import Graph, Reader
from tests.capabilities.intel.factories import SYSTEM, bring, indicator, marked, report
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.capabilities.intel.viewing import page_of, shown
from tests.cast import Cast, person
from tests.pages import Markup, judge, pages, stranger_client

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["pages", "stranger_client"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]


def tie(number: int, source: str, target: str, **properties: Any) -> dict[str, Any]:
    given = {"relationship_type": "indicates", "source_ref": source, "target_ref": target}
    return sdo("relationship", number, **{**given, **properties})


def test_relationships_and_properties_that_name_another_are_ties(cast: Cast) -> None:
    first, second, malware = identifier("indicator", 1), identifier("indicator", 2), identifier("malware", 3)
    bring(
        indicator(1, x_next_ref=second),
        indicator(2, x_next_ref=second),
        sdo("malware", 3, name="Loader", is_family=False),
        tie(1, first, malware),
        tie(2, first, identifier("malware", 9)),
        marked(tie(3, second, malware), Tlp.RED),
        report(1, first, second, malware),
        actor=cast.analyst.actor,
        tlp=Tlp.GREEN,
    )
    # what is for somebody else only is not drawn for this reader
    made = picturing.picture_of(cast.officer.actor, Report.objects.get())
    assert made is not None
    assert [(each.source.name, each.relation, each.target.name) for each in made.ties] == [
        ("Indicator 1", "indicates", "Loader"),
        ("Indicator 1", "x next", "Indicator 2"),
    ]
    assert (made.more, made.is_cut) == (0, False)


def test_ties_beyond_the_limit_are_not_drawn_and_the_page_says_so(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "_MOST_TIES", 5)
    stix_ids = [identifier("x-thing", number) for number in range(1, 4)]
    things = [sdo("x-thing", number, name="n", x_refs=stix_ids) for number in range(1, 4)]
    bring(*things, report(1, *stix_ids[:2]), report(2, *stix_ids), actor=cast.analyst.actor)
    says = "It ties its objects more often than a picture can tell"
    for held, cut in zip(Report.objects.order_by("id"), (False, True), strict=True):
        made = picturing.picture_of(cast.analyst.actor, held)
        assert made is not None
        assert (len(made.ties), made.is_cut) == (5 if cut else 2, cut)
        assert (says in shown(cast.analyst.browser(), page_of(held)).text) == cut


# how long drawing takes; what is drawn is asked of both databases by the others here
@pytest.mark.any_database
@pytest.mark.slow
def test_a_report_whose_400_objects_all_name_each_other_opens_in_a_moment(cast: Cast) -> None:
    stix_ids = [identifier("x-thing", number) for number in range(1, 401)]
    things = [sdo("x-thing", number, name="n", x_refs=stix_ids) for number in range(1, 401)]
    bring(*things, report(1, *stix_ids), actor=cast.analyst.actor)
    assert Reference.objects.count() == 160_400
    # the first page of a process reads the addresses and templates of all of them
    shown(cast.analyst.browser(), reverse("reports"))
    begun = time.process_time()
    shown(cast.analyst.browser(), page_of(Report.objects.get()))
    assert time.process_time() - begun < 1


def test_ties_are_read_without_the_texts_of_the_objects_they_begin_at(cast: Cast) -> None:
    held = StixObject(pk=1, stix_id=identifier("report", 1))
    asked = str(ties.references_of(SYSTEM, held).query).partition(" FROM ")[0]
    assert '"stix_id"' in asked
    for name in ("text", "received", "search", "summary"):
        assert f'"{name}"' not in asked


# ---- around one object ------------------------------------------------------------------------------------------
def test_an_object_is_drawn_with_what_it_is_tied_to_and_how(cast: Cast) -> None:
    malware = sdo("malware", 3, name="Bad", is_family=False)
    tool = sdo("tool", 4, name="Digger")
    bring(
        indicator(1),
        malware,
        tool,
        sdo(
            "relationship",
            5,
            relationship_type="indicates",
            source_ref=identifier("indicator", 1),
            target_ref=malware["id"],
        ),
        sdo("relationship", 6, relationship_type="uses", source_ref=malware["id"], target_ref=tool["id"]),
    )
    held = queries.object_named(cast.analyst.actor, malware["id"])
    assert held is not None
    picture = picturing.picture_around(cast.analyst.actor, held)
    assert picture is not None
    assert picture.chart is not None
    assert picture.chart.finding == "It is tied to 2 objects."
    svg = str(picture.chart.picture.draw(Reader()).body)
    assert "Indicator, indicates" in svg
    assert "Tool, uses" in svg
    assert f'/intel/objects/{tool["id"]}/"' in svg
    assert f'/intel/objects/{malware["id"]}/"' not in svg


def test_what_somebody_may_not_see_is_not_drawn_around_an_object(cast: Cast) -> None:
    malware = sdo("malware", 3, name="Bad", is_family=False)
    tool = sdo("tool", 4, name="Hidden digger")
    tie = sdo("relationship", 6, relationship_type="uses", source_ref=malware["id"], target_ref=tool["id"])
    bring(malware)
    bring(tool, tie, actor=actor_of(person("analyst")), tlp=Tlp.RED)
    held = queries.object_named(cast.analyst.actor, malware["id"])
    assert held is not None
    assert picturing.picture_around(cast.analyst.actor, held) is None


def test_an_object_of_many_ties_is_drawn_by_kinds_and_says_that_there_are_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "_MOST_AROUND", 50)
    malware = sdo("malware", 999, name="Bad", is_family=False)
    tools = [sdo("tool", number, name=f"Tool {number}") for number in range(1, 61)]
    ties = [
        sdo(
            "relationship",
            1000 + number,
            relationship_type="uses",
            source_ref=malware["id"],
            target_ref=tool["id"],
        )
        for number, tool in enumerate(tools)
    ]
    bring(malware, *tools, *ties)
    held = queries.object_named(cast.analyst.actor, malware["id"])
    assert held is not None
    picture = picturing.picture_around(cast.analyst.actor, held)
    assert picture is not None
    assert (picture.is_gathered, picture.is_cut) == (True, True)
    assert picture.chart is not None
    assert "50 of them" in picture.chart.picture.draw(Reader()).body


# ---- unfolding --------------------------------------------------------------------------------------------------
HTMX = {"HX-Request": "true"}


def chain(cast: Cast) -> tuple[str, str, str]:
    """A malware tied to a tool, which is tied to a domain name and to what one person alone may see."""
    malware, tool = sdo("malware", 3, name="Bad", is_family=False), sdo("tool", 4, name="Digger")
    domain, hidden = sdo("x-thing", 5, name="host.example"), sdo("x-thing", 6, name="Hidden")
    uses, reaches = tie(7, malware["id"], tool["id"]), tie(8, tool["id"], domain["id"])
    bring(
        malware,
        tool,
        domain,
        uses,
        reaches,
        report(1, malware["id"]),
        actor=cast.analyst.actor,
        tlp=Tlp.GREEN,
    )
    bring(hidden, tie(9, tool["id"], hidden["id"]), actor=actor_of(person("analyst")), tlp=Tlp.RED)
    return malware["id"], tool["id"], domain["id"]


def named(markup: Markup) -> list[str]:
    return [each["aria-label"] for each in markup.all("a") if "hx-get" not in each and "aria-label" in each]


def test_a_box_unfolds_what_it_is_tied_to_in_place_and_folds_it_again(cast: Cast) -> None:
    malware, tool, domain = chain(cast)
    client = cast.analyst.browser()
    page = shown(client, reverse("object", args=[malware]))
    (handle,) = page.all("a", id=f"unfold-{tool}")
    # without scripts it leads where its box does
    assert handle["href"] == reverse("object", args=[tool])
    assert handle["aria-label"] == "Show what Digger is tied to"
    assert [each for each in named(page) if "host.example" in each] == []
    part = Markup("<h1></h1>" + client.get(handle["hx-get"], headers=HTMX).content.decode())
    assert part.faults == []
    assert [each for each in named(part) if "host.example" in each] != []
    assert "Hidden" not in part.text
    assert "Digger indicates host.example" in part.text.partition("As a table")[2]
    (again,) = part.all("a", id=f"unfold-{tool}")
    assert again["aria-label"] == "Hide what Digger is tied to"
    assert again["hx-get"].endswith("/picture/?")
    # what came with it unfolds too, and keeps the first one open
    (next_one,) = part.all("a", id=f"unfold-{domain}")
    assert next_one["hx-get"].endswith(f"?open={tool}&open={domain}")


def test_in_a_report_too_and_nothing_else_is_drawn_for_names_that_are_not_there(cast: Cast) -> None:
    malware, tool, _domain = chain(cast)
    client, held = cast.analyst.browser(), Report.objects.get()
    address = reverse("report-picture", args=[held.id])
    asked = {"open": [malware, "malware--none", tool, tool, "<b>"]}
    part = Markup("<h1></h1>" + client.get(address, asked, headers=HTMX).content.decode())
    assert len([each for each in named(part) if "Digger" in each or "host.example" in each]) == 2
    # opened by itself the address leads to the page that it is a part of
    assert client.get(address).headers["Location"] == reverse("report", args=[held.id])
    assert client.get(reverse("object-picture", args=[malware])).headers["Location"] == reverse(
        "object", args=[malware]
    )


def test_a_box_of_many_ties_brings_a_few_and_one_that_says_how_many_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "_MOST_FRESH", 3)
    monkeypatch.setattr(picturing, "_MOST_UNFOLDED", 1)
    malware = sdo("malware", 999, name="Bad", is_family=False)
    tools = [sdo("tool", number, name=f"Tool {number}") for number in range(1, 9)]
    ties = [tie(1000 + number, malware["id"], tool["id"]) for number, tool in enumerate(tools)]
    bring(malware, *tools, *ties, report(1, malware["id"]), actor=cast.analyst.actor)
    made = picturing.picture_of(cast.analyst.actor, Report.objects.get(), [malware["id"]])
    assert made is not None
    assert made.chart is not None
    graph = made.chart.picture
    assert isinstance(graph, Graph)
    assert [node.name for node in graph.nodes] == ["Bad", "Tool 1", "Tool 2", "Tool 3", "5 of them"]
    # no more are unfolded, and this one can be folded
    assert [bool(node.unfold) for node in graph.nodes] == [True, False, False, False, False]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_in_a_browser_the_drawing_and_its_table_grow_in_place_and_the_focus_stays(
    cast: Cast, visit: Callable[..., Page]
) -> None:
    malware, tool, _domain = chain(cast)
    page = visit(reverse("object", args=[malware]), cast.analyst)
    address = page.url
    page.get_by_label("Show what Digger is tied to").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Hide what Digger is tied to")).to_be_focused()
    assert page.url == address
    expect(page.locator("#picture-table")).to_contain_text("host.example")
    assert judge(page, "unfolded") == []
    page.get_by_label("Hide what Digger is tied to").click()
    expect(page.locator("#picture-table")).not_to_contain_text("host.example")
    # without scripts the same link opens the object's page
    bare = visit(reverse("object", args=[malware]), cast.analyst, scripts=False)
    bare.get_by_label("Show what Digger is tied to").click()
    assert bare.url.endswith(reverse("object", args=[tool]))
