"""Sightings: recorded here, and sent back to whoever told us, and to nobody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.composing import stix_time
from taawun.capabilities.intel.errors import SightingRefused
from taawun.capabilities.intel.models import Sighting, StixObject
from taawun.capabilities.intel.queries import object_named
from taawun.capabilities.intel.stix import validate
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.cooperation.partners.restored import held, returning
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp, stix_marking_definition
from taawun.platform.audit.models import Entry
from taawun.platform.registry import registry
from tests.capabilities.intel.factories import Sender, bring, current, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier, sco, sdo
from tests.cast import Cast, clause, person
from tests.restored import forget

pytestmark = pytest.mark.django_db

FIRST = identifier("indicator", 1)
THEN = datetime(2024, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def analyst(cast: Cast) -> PersonActor:
    return cast.analyst.actor


@pytest.fixture
def south(cast: Cast) -> Sender:
    return sender("South", "XS")


def readers() -> list[list[str]]:
    """Who may read each sighting that left."""
    entries = LaneEntry.objects.filter(kind="intel.sighting", lane__sender=None).order_by("id")
    return [sorted(entry.lane.readers.values_list("partner__node", flat=True)) for entry in entries]


def test_a_sighting_of_our_own_object_stays_here(analyst: PersonActor, south: Sender) -> None:
    bring(indicator(1))
    outcome = actions.sight(analyst, FIRST, count=3, first_seen=THEN, note=" At the gateway. ")
    assert (outcome.sources, outcome.sent_to, outcome.preview.receivers) == ((), (), ())
    kept = Sighting.objects.get()
    assert (kept.of, kept.count, kept.note, kept.seen_by) == (FIRST, 3, "At the gateway.", "")
    assert (kept.first_seen, kept.last_seen, kept.person_id) == (THEN, THEN, analyst.id)
    assert not Release.objects.exists()
    row = current(kept.stix_id)
    assert json.loads(row.text)["sighting_of_ref"] == FIRST
    assert (row.type, row.origin, row.tlp, row.sources.get().sighting_id) == (
        "sighting",
        "",
        Tlp.CLEAR,
        kept.id,
    )
    assert Entry.objects.get(verb="intel.sighted").details == {"of": FIRST, "count": 3}


def test_a_sighting_goes_back_to_its_source_and_to_no_other_partner(
    analyst: PersonActor, south: Sender
) -> None:
    sender("East", "XE")
    south.publish(report(1, FIRST), indicator(1), tlp=Tlp.AMBER, topics=("attack:T1566",))
    outcome = actions.sight(analyst, FIRST, count=2, first_seen=THEN, last_seen=THEN + timedelta(hours=1))
    assert (outcome.sources, outcome.sent_to) == ((south.node,), (south.node,))
    assert readers() == [[south.node]]
    release = Release.objects.get(kind="intel.sighting")
    left = {each["type"]: each for each in json.loads(contents.get(release.digest))["objects"]}
    assert left["sighting"]["sighting_of_ref"] == FIRST
    assert (left["sighting"]["count"], left["sighting"]["first_seen"]) == (2, "2024-03-01T08:00:00.000Z")
    assert (release.tlp, sorted(release.topics.values_list("topic", flat=True))) == (
        Tlp.AMBER,
        ["attack:T1566"],
    )
    assert current(left["sighting"]["id"]).text == json.dumps(
        left["sighting"], separators=(",", ":"), ensure_ascii=False
    )


def test_a_sighting_of_something_without_a_name_is_called_by_its_pattern(
    analyst: PersonActor, south: Sender
) -> None:
    nameless = {name: value for name, value in indicator(1).items() if name != "name"}
    south.publish(report(1, FIRST), nameless)
    actions.sight(analyst, FIRST, count=1)
    assert Release.objects.get(kind="intel.sighting").title == nameless["pattern"]


def test_a_red_sighting_is_an_object_for_who_recorded_it_alone(cast: Cast, analyst: PersonActor) -> None:
    bring(indicator(1), actor=analyst, tlp=Tlp.RED)
    made = actions.sight(analyst, FIRST).sighting
    assert object_named(analyst, made.stix_id) is not None
    assert object_named(cast.officer.actor, made.stix_id) is None


def test_a_sighting_that_a_partner_repeats_and_takes_back_stays_ours(
    analyst: PersonActor, south: Sender
) -> None:
    bring(indicator(1))
    made = actions.sight(analyst, FIRST).sighting
    repeated = report(1, made.stix_id)
    south.publish(repeated, json.loads(current(made.stix_id).text))
    south.withdraw(repeated)
    assert (current(made.stix_id).origin, current(made.stix_id).state) == ("", StixObject.State.LIVE)


def test_what_became_of_a_sighting_is_told_again_later(analyst: PersonActor, south: Sender) -> None:
    west = sender("West", "XW", clauses=(clause(kinds=("intel.report",)),))
    south.publish(report(1, FIRST), indicator(1))
    west.publish(report(2, FIRST), indicator(1, name="in other words"))
    outcome = actions.sight(analyst, FIRST)
    again = actions.sighting_outcome(analyst, outcome.sighting)
    assert (again.sources, again.sent_to) == (outcome.sources, (south.node,))
    assert [(each.party, each.decision.reason) for each in again.preview.others] == [(west.node, "kind")]  # type: ignore[union-attr]  # denied


def test_every_partner_that_told_us_is_told(analyst: PersonActor, south: Sender) -> None:
    east = sender("East", "XE")
    south.publish(report(1, FIRST), indicator(1))
    east.publish(report(2, FIRST), indicator(1, name="in other words"))
    outcome = actions.sight(analyst, FIRST)
    assert outcome.sent_to == tuple(sorted([south.node, east.node]))


def test_a_partner_that_took_its_word_back_is_not_told(analyst: PersonActor, south: Sender) -> None:
    bring(indicator(1))
    told = report(1, FIRST)
    south.publish(told, indicator(1))
    south.withdraw(told)
    assert actions.sight(analyst, FIRST).sources == ()


def test_where_no_clause_lets_it_back_it_is_recorded_with_the_reason(
    analyst: PersonActor, cast: Cast
) -> None:
    south = sender("South", "XS", clauses=(clause(kinds=("intel.report",)),))
    south.publish(report(1, FIRST), indicator(1))
    outcome = actions.sight(analyst, FIRST)
    assert (outcome.sources, outcome.sent_to) == ((south.node,), ())
    assert [(each.party, each.decision.reason) for each in outcome.preview.others] == [(south.node, "kind")]  # type: ignore[union-attr]  # denied
    assert Sighting.objects.count() == 1


def test_who_may_not_publish_records_a_sighting_without_sending_it(
    analyst: PersonActor, south: Sender
) -> None:
    south.publish(report(1, FIRST), indicator(1))
    narrowed = PersonActor(
        analyst.id, analyst.label, analyst.permissions - {"publish:intel"}, analyst.organisations
    )
    outcome = actions.sight(narrowed, FIRST)
    assert ([each.party for each in outcome.preview.receivers], outcome.sent_to) == ([south.node], ())
    assert not Release.objects.filter(kind="intel.sighting").exists()


def test_a_sighting_is_marked_as_strictly_as_any_of_those_who_told_us(
    analyst: PersonActor, south: Sender
) -> None:
    bring(indicator(1, name="ours"), tlp=Tlp.CLEAR)
    south.publish(report(1, FIRST), indicator(1), tlp=Tlp.AMBER)
    assert actions.sight(analyst, FIRST).sighting.tlp == Tlp.AMBER


def test_times_default_to_each_other_and_to_now(analyst: PersonActor) -> None:
    bring(indicator(1))
    only_last = actions.sight(analyst, FIRST, last_seen=THEN).sighting
    neither = actions.sight(analyst, FIRST).sighting
    assert (only_last.first_seen, only_last.last_seen) == (THEN, THEN)
    assert abs(neither.first_seen - now()) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"count": 0}, "count", "count"),
        ({"count": 1_000_000_000}, "count", "count"),
        ({"first_seen": THEN, "last_seen": THEN - timedelta(seconds=1)}, "times", "last_seen"),
        ({"last_seen": datetime(2999, 1, 1, tzinfo=UTC)}, "times", "last_seen"),
        ({"note": "x" * 10_001}, "note", "note"),
    ],
)
def test_a_sighting_that_makes_no_sense_is_refused(
    analyst: PersonActor, members: dict[str, Any], code: str, field: str
) -> None:
    bring(indicator(1))
    with pytest.raises(SightingRefused) as caught:
        actions.sight(analyst, FIRST, **members)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert not Sighting.objects.exists()


def test_what_is_not_here_or_not_for_ones_eyes_cannot_be_sighted(analyst: PersonActor) -> None:
    bring(indicator(1), tlp=Tlp.RED, actor=actor_of(person("analyst")))
    for stix_id in (FIRST, identifier("indicator", 2)):
        with pytest.raises(SightingRefused) as caught:
            actions.sight(analyst, stix_id)
        assert caught.value.code == "unknown-object"


def test_what_was_withdrawn_cannot_be_sighted(analyst: PersonActor, south: Sender) -> None:
    told = report(1, FIRST)
    south.publish(told, indicator(1))
    south.withdraw(told)
    assert StixObject.objects.filter(stix_id=FIRST).exists()
    with pytest.raises(SightingRefused):
        actions.sight(analyst, FIRST)


@pytest.mark.parametrize("who", ["administrator", "officer", "observer", "trainee", "stranger", "former"])
def test_who_may_not_write_cannot_sight(cast: Cast, who: str) -> None:
    bring(indicator(1))
    with pytest.raises(NotAllowed):
        actions.sight(dict(cast)[who].actor, FIRST)


# ---- what can be seen -------------------------------------------------------------------------------------------

TIE = {"relationship_type": "related-to", "source_ref": FIRST, "target_ref": identifier("malware", 2)}


@pytest.mark.parametrize(
    "value",
    [
        dict(stix_marking_definition(Tlp.GREEN)),
        sdo("relationship", 1, **TIE),
        sdo("sighting", 1, sighting_of_ref=FIRST),
        sdo("identity", 1, name="A bank"),
        sdo("note", 1, content="x", object_refs=[FIRST]),
        sdo("location", 1, region="northern-africa"),
        report(1, FIRST),
    ],
    ids=lambda value: value["type"],
)
def test_what_nobody_can_see_is_not_sighted(cast: Cast, value: dict[str, Any]) -> None:
    bring(value)
    with pytest.raises(SightingRefused) as caught:
        actions.sight(cast.analyst.actor, value["id"])
    assert (caught.value.code, caught.value.field) == ("not-sightable", "of")
    assert not Sighting.objects.exists()


@pytest.mark.parametrize(
    "value",
    [
        sco("domain-name", 1, value="host.example"),
        sco("file", 1, name="lure.docm"),
        {"type": "x-thing", "spec_version": "2.1", "id": identifier("x-thing", 1), "value": "seen"},
        sdo("x-thing", 1, name="thing"),
        sdo("tool", 1, name="Scanner"),
        sdo("vulnerability", 1, name="Overflow"),
        indicator(1),
    ],
    ids=["domain-name", "file", "custom observable", "custom", "tool", "vulnerability", "indicator"],
)
def test_what_is_sighted_is_valid_for_whoever_reads_it_and_names_what_was_seen_at_both_ends(
    cast: Cast, south: Sender, value: dict[str, Any]
) -> None:
    south.publish(report(1, value["id"]), value)
    outcome = actions.sight(cast.analyst.actor, value["id"], count=3, last_seen=THEN)
    assert (outcome.sighting.of, outcome.sent_to) == (value["id"], (south.node,))
    release = Release.objects.get(kind="intel.sighting")
    content = contents.get(release.digest)
    left = {each["type"]: each for each in json.loads(content)["objects"]}
    for each in left.values():
        assert [found for found in validate(each, size=500) if found.severity == "error"] == []
    of = left["sighting"]["sighting_of_ref"]
    is_observable = "created" not in value
    assert of.partition("--")[0] == ("observed-data" if is_observable else value["type"])
    if is_observable:
        seen = left["observed-data"]
        assert (seen["id"], seen["object_refs"], seen["number_observed"]) == (of, [value["id"]], 3)
        assert (seen["first_observed"], left["sighting"]["observed_data_refs"]) == (stix_time(THEN), [of])
        assert current(of).sources.filter(sighting=outcome.sighting).exists()


def test_a_partners_sighting_through_observed_data_is_of_what_it_names(cast: Cast, south: Sender) -> None:
    name = sco("domain-name", 1, value="host.example")
    bring(name)
    times = {"first_observed": "2024-02-01T00:00:00Z", "last_observed": "2024-02-01T00:00:00Z"}
    one = sdo("observed-data", 1, number_observed=1, object_refs=[name["id"]], **times)
    two = sdo("observed-data", 2, number_observed=1, object_refs=[name["id"], FIRST], **times)
    for number, observed in enumerate((one, two), 1):
        south.publish(
            sdo("sighting", number, sighting_of_ref=observed["id"]), observed, kind="intel.sighting"
        )
    assert list(Sighting.objects.order_by("created").values_list("of", flat=True)) == [name["id"], two["id"]]


def test_a_node_that_was_restored_knows_its_own_sightings_again(analyst: PersonActor, south: Sender) -> None:
    south.publish(report(1, FIRST), indicator(1))
    sighting = actions.sight(analyst, FIRST, count=3, first_seen=THEN, note="At the gateway.").sighting
    before = Sighting.objects.filter(id=sighting.id).values(
        "of", "count", "first_seen", "note", "tlp", "seen_by"
    )
    said, lane = before.get(), Lane.objects.get(sender=None, purpose="clause")
    StixObject.objects.filter(sources__release=sighting.release).delete()
    Sighting.objects.all().delete()
    told = forget(lane, 0)
    returning.begin(SystemActor("tests"))
    try:
        assert held.take(south.partner.row, lane.id, told.lines[1:]) == 1
    finally:
        returning._Known.is_over = False
    again = Sighting.objects.get(stix_id=sighting.stix_id)
    assert {name: getattr(again, name) for name in said} == said
    assert (again.release, again.person) == (Release.objects.get(origin=None), None)
    assert current(again.stix_id).origin == ""
    kind = registry.get(ReleaseKind, "intel.sighting")
    assert again.release is not None
    assert kind.address(again.release) == reverse("object", kwargs={"stix_id": FIRST})
