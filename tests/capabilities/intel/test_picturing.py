"""The pictures of a report and of an object: which ties are drawn, and that a file of very many ties costs little."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.urls import reverse

from taawun.capabilities.intel import picturing, queries
from taawun.capabilities.intel.models import Reference, Report, StixObject
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import SYSTEM, bring, indicator, marked, report
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.capabilities.intel.viewing import page_of, shown
from tests.cast import Cast, person
from tests.pages import pages, stranger_client

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
    asked = str(queries.references_of(SYSTEM, held).query).partition(" FROM ")[0]
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
    svg = str(picture.svg)
    assert "It is tied to 2 objects." in svg
    assert "Indicator, indicates" in svg
    assert "Tool, uses" in svg
    assert f"/intel/objects/{tool['id']}/" in svg
    assert f"/intel/objects/{malware['id']}/" not in svg


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
    assert "50 of them" in str(picture.svg)
