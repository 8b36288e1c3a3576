"""Who sees what: every person of the cast, every marking."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.capabilities.intel import actions, queries, ties
from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.queries import ObjectFilters, ReportFilters
from taawun.cooperation.people.actors import Actor, PartyActor, SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.web.paging import BadCursor
from tests.capabilities.intel.factories import bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier, sco, sdo
from tests.cast import Cast, clause, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.platform.web.paging import Page

pytestmark = pytest.mark.django_db


@dataclass
class World:
    """One object, report and import a marking, all brought by the analyst; and a colleague from elsewhere."""

    cast: Cast
    outsider: Actor

    def actors(self) -> dict[str, Actor]:
        members = {name: member.actor for name, member in self.cast if member.person}
        return {
            **members,
            "outsider": self.outsider,
            "partner": PartyActor("https://xs.example", "South"),
            "system": SystemActor("tests"),
        }


@pytest.fixture
def world(cast: Cast) -> World:
    for tlp in Tlp:
        value = report(10 + tlp, identifier("indicator", 10 + tlp), name=f"Report {tlp.name}")
        bring(indicator(10 + tlp), value, actor=cast.analyst.actor, tlp=tlp)
    sector = Organisation.objects.create(names={"en": "Sector CERT"})
    return World(cast, actor_of(person("analyst", organisation=sector)))


ALL = ["CLEAR", "GREEN", "AMBER", "AMBER_STRICT", "RED"]
EYES = {
    "analyst": ALL,
    "officer": ALL[:4],
    "outsider": ALL[:3],
    "administrator": [],
    "observer": [],
    "trainee": [],
    "stranger": [],
    "former": [],
    "partner": [],
    "system": ALL,
}


@pytest.mark.parametrize("who", EYES)
def test_each_sees_the_objects_and_reports_that_their_marking_lets_them(world: World, who: str) -> None:
    actor = world.actors()[who]
    objects = queries.objects(actor, ObjectFilters(type="indicator"))
    assert [Tlp(each.tlp).name for each in objects.order_by("tlp")] == EYES[who]
    assert [Tlp(each.tlp).name for each in queries.reports(actor).order_by("tlp")] == EYES[who]


@pytest.mark.parametrize("who", EYES)
def test_what_one_may_not_see_is_not_found_by_its_name_either(world: World, who: str) -> None:
    actor = world.actors()[who]
    red, stix_id = Report.objects.get(tlp=Tlp.RED), identifier("indicator", 10 + Tlp.RED)
    may = "RED" in EYES[who]
    assert (queries.object_named(actor, stix_id) is not None) is may
    assert (queries.report_named(actor, red.id) is not None) is may
    assert queries.versions_of(actor, stix_id).exists() is may
    assert queries.objects(actor, ObjectFilters(text=stix_id)).exists() is may
    assert queries.reports_naming(actor, stix_id).exists() is may
    assert (list(queries.current_among(actor, [stix_id])) == [stix_id]) is may
    assert (len(list(queries.texts_with(actor, red))) == 2) is may


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("analyst", ALL),
        ("officer", []),
        ("outsider", []),
        ("observer", []),
        ("partner", []),
        ("system", ALL),
    ],
)
def test_imports_are_for_the_analysts_of_the_organisation(world: World, who: str, sees: list[str]) -> None:
    found = queries.imports(world.actors()[who]).order_by("default_tlp")
    assert [Tlp(each.default_tlp).name for each in found] == sees


def test_a_red_import_is_for_the_person_who_brought_it(world: World) -> None:
    colleague = actor_of(person("analyst"))
    found = queries.imports(colleague).order_by("default_tlp")
    assert [Tlp(each.default_tlp).name for each in found] == ALL[:4]


def test_a_red_draft_is_its_authors_even_when_it_does_not_name_them(cast: Cast) -> None:
    bring(indicator(1))
    made = actions.create_report(
        cast.analyst.actor,
        actions.ReportFields(
            "Secret", "", Tlp.RED, object_ids=(identifier("indicator", 1),), persons=("far@x.example",)
        ),
    )
    assert queries.report_named(cast.analyst.actor, made.id) == made
    assert queries.report_named(cast.officer.actor, made.id) is None


def test_a_sighting_is_seen_by_who_sees_its_object_and_may_read_its_own_marking(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.AMBER_STRICT),))
    bring(indicator(1), tlp=Tlp.CLEAR)
    value = sdo("sighting", 1, sighting_of_ref=identifier("indicator", 1))
    south.publish(value, kind="intel.sighting", tlp=Tlp.AMBER_STRICT)
    actions.sight(cast.analyst.actor, identifier("indicator", 1))
    sector = Organisation.objects.create(names={"en": "Sector CERT"})
    outsider = actor_of(person("analyst", organisation=sector))
    assert queries.sightings(cast.analyst.actor).count() == 2
    assert [each.seen_by for each in queries.sightings(outsider)] == [""]
    assert queries.sightings(cast.trainee.actor).count() == 0
    assert queries.sightings(cast.analyst.actor, of=identifier("indicator", 2)).count() == 0


def test_objects_are_filtered_by_words_type_and_marking_newest_first(cast: Cast) -> None:
    bring(indicator(1, name="alpha"), indicator(2, name="beta"), tlp=Tlp.CLEAR)
    bring(sco("domain-name", 3, value="alpha.example"), tlp=Tlp.GREEN)

    def found(**filters: object) -> list[str]:
        rows = queries.objects(cast.analyst.actor, ObjectFilters(**filters))  # type: ignore[arg-type]  # a table's columns
        return [each.stix_id for each in rows]

    domain = identifier("domain-name", 3)
    assert found() == [domain, identifier("indicator", 2), identifier("indicator", 1)]
    assert found(text="alpha") == [domain, identifier("indicator", 1)]
    assert found(text="alpha", type="indicator") == [identifier("indicator", 1)]
    assert found(tlp=Tlp.GREEN) == [domain]
    assert found(tlp=Tlp.CLEAR, type="domain-name") == []


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (ObjectFilters(type="indicator"), "intel_by_type"),
        (ObjectFilters(tlp=Tlp.CLEAR), "intel_by_tlp"),
        (ObjectFilters(origin="https://far.example"), "intel_by_origin"),
    ],
)
def test_the_newest_of_a_kind_or_marking_are_read_from_its_index_however_many_others_came_last(
    cast: Cast, filters: ObjectFilters, index: str
) -> None:
    bring(*(indicator(number) for number in range(1, 41)), tlp=Tlp.CLEAR)
    bring(
        *(sco("domain-name", number, value=f"a{number}.example") for number in range(41, 61)), tlp=Tlp.GREEN
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE intel_stixobject")
        if connection.vendor == "postgresql":  # of so few rows it would read and sort all
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
    plan = queries.objects(cast.analyst.actor, filters)[:11].explain()
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_objects_and_reports_are_filtered_by_whose_they_are_and_by_when_they_came(cast: Cast) -> None:
    south = sender("South", "XS")
    bring(indicator(1, name="alpha"), report(2, identifier("indicator", 1), name="Wave 1"))
    time.sleep(0.01)  # keys of reports tell time by the millisecond
    between = now()
    south.publish(report(3, identifier("indicator", 4), name="Wave 2"), indicator(4, name="alpha"))

    def found(**filters: object) -> tuple[list[str], list[str]]:
        actor = cast.analyst.actor
        # Any: what a table holds
        given: dict[str, Any] = filters
        every, first_behind = queries.objects_and_first(actor, ObjectFilters(type="indicator", **given))
        kept = (every, *(first_behind(None) if first_behind else ()))
        objects = {tuple(each.origin for each in rows) for rows in kept}
        (origins,) = objects
        reports = queries.reports(actor, ReportFilters(**given))
        return list(origins), [each.title for each in reports]

    ours, theirs = ([""], ["Wave 1"]), ([south.node], ["Wave 2"])
    both = ([south.node, ""], ["Wave 2", "Wave 1"])
    day = timedelta(days=1)
    assert found() == found(since=between - day, until=between + day) == both
    assert found(origin="") == found(until=between) == ours
    assert found(origin=south.node) == found(since=between) == theirs
    assert found(since=between, origin="") == found(since=between + day) == ([], [])
    assert found(until=between - day) == ([], [])
    assert found(text="alpha", until=between)[0] == [""]


def test_reports_are_filtered_by_words_state_and_marking(cast: Cast) -> None:
    south = sender("South", "XS")
    bring(indicator(1), report(1, identifier("indicator", 1), name="حملة على الوزارات"))
    south.publish(report(2, identifier("indicator", 1), name="Wave 2"), indicator(1))

    def found(**filters: object) -> list[str]:
        rows = queries.reports(cast.analyst.actor, ReportFilters(**filters))  # type: ignore[arg-type]  # a table's columns
        return [each.title for each in rows]

    assert found() == ["Wave 2", "حملة على الوزارات"]
    assert found(text="وزارات") == ["حملة على الوزارات"]
    assert found(state="received") == ["Wave 2"]
    assert found(tlp=Tlp.AMBER) == ["Wave 2"]
    assert found(text="wave", state="draft") == []


def test_the_ties_of_an_object_go_both_ways_and_only_as_far_as_one_sees(cast: Cast) -> None:
    malware = sdo("malware", 3, name="Bad", is_family=False)
    tie = sdo(
        "relationship",
        4,
        relationship_type="indicates",
        source_ref=identifier("indicator", 1),
        target_ref=malware["id"],
    )
    hidden = {**tie, "id": identifier("relationship", 5)}
    bring(indicator(1), malware, tie)
    bring(hidden, actor=actor_of(person("analyst")), tlp=Tlp.RED)
    held = queries.object_named(cast.analyst.actor, malware["id"])
    assert held is not None
    found = ties.references_of(cast.analyst.actor, held)
    assert [(each.source.stix_id, each.relation) for each in found] == [(tie["id"], "target_ref")]


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ("analyst", "Northern CERT"),
        ("outsider", "Sector CERT"),
        ("system", "Northern CERT"),
        ("stranger", "Northern CERT"),
    ],
)
def test_what_one_brings_is_brought_in_the_name_of_ones_organisation(
    world: World, who: str, name: str
) -> None:
    assert queries.home_of(world.actors()[who]).names["en"] == name


@pytest.mark.django_db
def test_the_first_ties_of_an_object_that_names_very_many_are_the_first_of_all(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [identifier("indicator", number) for number in range(1, 6)]
    held = report(1, *named, name="Wide")
    tie = sdo("relationship", 9, relationship_type="related-to", source_ref=named[0], target_ref=held["id"])
    bring(*(indicator(number) for number in range(1, 6)), held, tie)
    wide = queries.object_named(cast.analyst.actor, held["id"])
    assert wide is not None
    every = list(ties.references_of(cast.analyst.actor, wide))
    assert len(every) > 5
    assert list(ties.first_references_of(cast.analyst.actor, wide, 3)(None)) == []
    monkeypatch.setattr(ties, "_LONG", 1)
    first = ties.first_references_of(cast.analyst.actor, wide, 3)
    for behind, rest in ((None, every), *((each.pk, every[at + 1 :]) for at, each in enumerate(every))):
        [found] = first(behind)
        assert list(found)[:3] == rest[:3]


@pytest.mark.django_db
def test_the_first_of_a_list_by_a_common_word_are_the_first_of_the_whole_list(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(
        *(indicator(number, name=f"Common {'even' if number % 2 == 0 else 'odd'}") for number in range(1, 13))
    )
    monkeypatch.setattr(queries, "_NEWEST", 3)
    monkeypatch.setattr(queries, "_NEXT_NEWEST", 5)
    for text, first in (("common", 5), ("comm", 5), ("common even", 5), ("odd", 5), ("nothing", 0)):
        rows, first_behind = queries.objects_and_first(cast.analyst.actor, queries.ObjectFilters(text=text))
        assert first_behind is not None
        sooner = list(first_behind(None))
        if connection.vendor == "postgresql":  # it begins with the newest by itself
            assert sooner == []
            continue
        assert [list(each) for each in sooner] == [list(rows)[: min(first, most)] for most in (3, 5)]
        # and so on behind each of them
        for at, row in enumerate(list(rows)):
            behind = [list(each) for each in first_behind(row.pk)]
            assert behind == [list(rows)[at + 1 : at + 1 + most] for most in (3, 5)]
    _rows, first_behind = queries.objects_and_first(cast.analyst.actor, queries.ObjectFilters())
    assert first_behind is not None
    assert list(first_behind(None)) == []


TEXTS = (
    "",
    "report",
    "rep red",
    "indicator",
    "؟",
    "100%",
    "a_b",
    "\\",
    identifier("indicator", 10),
    "nothing",
)
ROW = TypeVar("ROW", queries.ListedObject, queries.ListedReport)


def all_pages(ask: Callable[..., Page[ROW]]) -> list[ROW]:
    found = ask(after=None)
    rows = list(found.items)
    while found.next:
        found = ask(after=found.next)
        rows += found.items
    return rows


@pytest.mark.parametrize("newest", [500, 1])
def test_a_program_reads_the_objects_that_a_page_shows_whoever_asks_for_whatever(
    world: World, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_NEWEST", newest)
    monkeypatch.setattr(queries, "_NEWEST_PER_ROW", min(newest, 4))
    bring(indicator(1, name="100% a_b \\ of it"), indicator(2, name="100 ab"))
    for text, (type_, tlp) in product(TEXTS, [("", None), ("indicator", None), ("", 3), ("'", 1)]):
        filters = ObjectFilters(text=text, type=type_, tlp=tlp)
        for name, actor in world.actors().items():
            read = all_pages(partial(queries.page_of_objects, actor, filters, limit=2))
            shown = [(each.id, each.tlp) for each in queries.objects(actor, filters)]
            assert [(each.id, each.tlp) for each in read] == shown, (name, filters)


def test_a_program_reads_the_reports_that_a_page_shows_whoever_asks_for_whatever(world: World) -> None:
    Report.objects.filter(tlp__in=[1, 4]).update(is_warning=True, search="100% a_b report")
    others = [
        ("", None, True),
        ("draft", None, False),
        ("", 4, False),
        ("published", 1, False),
        ("'", 1, True),
    ]
    for text, (state, tlp, is_warning) in product(TEXTS, others):
        filters = ReportFilters(text=text, state=state, tlp=tlp, only_warnings=is_warning)
        for name, actor in world.actors().items():
            read = all_pages(partial(queries.page_of_reports, actor, filters, limit=2))
            shown = [(each.id, each.title) for each in queries.reports(actor, filters)]
            assert [(each.id, each.title) for each in read] == shown, (name, filters)


def test_each_page_of_a_common_word_is_read_among_the_newest_behind_its_mark(cast: Cast) -> None:
    bring(*(indicator(number, name="Common") for number in range(1, 14)))
    ask = partial(queries.page_of_objects, cast.analyst.actor, ObjectFilters(text="common"), limit=2)
    first = ask(after=None)
    with CaptureQueriesContext(connection) as asked:
        rows = all_pages(lambda after: ask(after=after or first.next))
    assert [each.id for each in (*first.items, *rows)] == [
        each.id for each in queries.objects(cast.analyst.actor, ObjectFilters())
    ]
    lists = [each["sql"] for each in asked if "MATCH" in each["sql"]]
    # the last page alone is not filled, and all are asked for; PostgreSQL begins with the newest by itself
    asked_for = [] if connection.vendor == "postgresql" else [True] * 6 + [False]
    assert ["LIMIT 500" in sql for sql in lists] == asked_for


@pytest.mark.parametrize("text", ["", "common", "؟", identifier("indicator", 1)])
def test_a_mark_that_no_list_gave_is_refused_whatever_is_asked_for(cast: Cast, text: str) -> None:
    with pytest.raises(BadCursor):
        queries.page_of_objects(cast.analyst.actor, ObjectFilters(text=text), after="no mark", limit=2)
    with pytest.raises(BadCursor):
        queries.page_of_reports(cast.analyst.actor, ReportFilters(text=text), after="no mark", limit=2)
