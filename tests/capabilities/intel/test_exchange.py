"""What arrives from partners: taken in, refused whole, renewed, taken out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from taawun.capabilities.intel import actions, exchange, queries
from taawun.capabilities.intel.composing import identity_id, stix_time
from taawun.capabilities.intel.models import Report, ReportReader, Sighting, StixObject
from taawun.cooperation.federation import home
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import now
from taawun.foundation.folding import search_text
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import Sender, bring, current, indicator, marked, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier, sco, sdo
from tests.cast import Cast, clause, person

pytestmark = pytest.mark.django_db

DONE, REFUSED, UNOPENED = LaneEntry.State.DONE, LaneEntry.State.REFUSED, LaneEntry.State.UNOPENED
FIRST = identifier("indicator", 1)
TOLD = report(1, FIRST, description="What happened.", lang="fr")


def later(value: dict[str, Any], day: int, **changes: Any) -> dict[str, Any]:
    return {**value, "modified": f"2024-03-{day:02d}T00:00:00.000Z", **changes}


def sighting(number: int = 1, **properties: Any) -> dict[str, Any]:
    given = {"sighting_of_ref": FIRST, "count": 4, "first_seen": "2024-02-01T00:00:00Z"}
    return sdo("sighting", number, **{**given, **properties})


@pytest.fixture
def south(cast: Cast) -> Sender:
    return sender("South", "XS")


# ---- taken in ---------------------------------------------------------------------------------------------------


def test_a_report_arrives_with_its_objects_as_the_partners(cast: Cast, south: Sender) -> None:
    outcome = south.publish(TOLD, indicator(1), topics=("attack:T1566",), tlp=Tlp.AMBER)
    assert outcome.state == DONE
    came = Report.objects.get()
    assert (came.state, came.origin, came.title) == (Report.State.RECEIVED, south.node, "Report 1")
    assert (came.summary, came.topics, came.languages) == ("What happened.", ["attack:T1566"], ["fr"])
    assert came.release is not None
    assert (came.release.title, came.release.origin) == ("Report 1", south.partner.row)
    assert Passage.objects.filter(release=came.release, clause="1").count() == 1
    assert [each.stix_id for each in queries.objects_of(cast.analyst.actor, came)] == [FIRST]
    assert current(FIRST).origin == south.node


def test_what_travelled_under_a_marking_is_not_held_under_a_weaker_one(cast: Cast, south: Sender) -> None:
    south.publish(marked(TOLD, Tlp.CLEAR), indicator(1), tlp=Tlp.AMBER)
    assert Report.objects.get().tlp == Tlp.AMBER
    assert current(TOLD["id"]).tlp == Tlp.AMBER
    assert current(FIRST).tlp == Tlp.AMBER


def test_an_object_that_says_itself_that_it_is_clear_stays_clear(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, marked(indicator(1), Tlp.CLEAR), tlp=Tlp.AMBER)
    assert current(FIRST).tlp == Tlp.CLEAR


def test_the_same_arrival_twice_changes_nothing(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, indicator(1))
    south.publish(TOLD, indicator(1))
    assert (Report.objects.count(), Release.objects.count(), StixObject.objects.count()) == (1, 1, 2)
    assert Passage.objects.count() == 2


def test_a_newer_version_renews_the_report(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, indicator(1))
    south.publish(later(TOLD, 2, name="Renewed", object_refs=[identifier("indicator", 2)]), indicator(2))
    came = Report.objects.get()
    assert (came.title, current(TOLD["id"]).name) == ("Renewed", "Renewed")
    assert list(came.named_objects.values_list("stix_id", flat=True)) == [identifier("indicator", 2)]


def test_an_older_version_that_arrives_late_does_not_replace_the_newer(cast: Cast, south: Sender) -> None:
    south.publish(later(TOLD, 2, name="Newer"), indicator(1))
    south.publish(TOLD, indicator(1))
    came = Report.objects.get()
    assert (came.title, came.release and came.release.version) == ("Newer", later(TOLD, 2)["modified"])
    assert Release.objects.count() == 2


def test_a_red_report_is_for_the_persons_it_names_here(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    named = cast.analyst.row.email.upper()
    south.publish(TOLD, indicator(1), tlp=Tlp.RED, persons=(named, "far@south.example"))
    assert list(ReportReader.objects.values_list("person_id", flat=True)) == [cast.analyst.row.pk]
    assert queries.object_named(cast.analyst.actor, FIRST) is not None
    assert queries.object_named(cast.officer.actor, FIRST) is None
    assert queries.reports(cast.analyst.actor).count() == 1
    assert queries.reports(cast.officer.actor).count() == 0


def test_an_account_that_another_organisation_gave_to_whom_a_red_report_names_reads_none_of_it(
    cast: Cast,
) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    university = Organisation.objects.create(names={"en": "University"}, kind="university")
    taken = person("analyst", organisation=university)
    south.publish(TOLD, indicator(1), tlp=Tlp.RED, persons=(taken.email, cast.analyst.row.email))
    assert list(ReportReader.objects.values_list("person_id", flat=True)) == [cast.analyst.row.pk]
    assert queries.reports(actor_of(taken)).count() == 0
    assert queries.object_named(actor_of(taken), FIRST) is None


def test_a_red_version_that_names_fewer_persons_is_for_fewer_and_the_one_before_stays(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    both = (cast.analyst.row.email, cast.officer.row.email)
    south.publish(TOLD, indicator(1), tlp=Tlp.RED, persons=both)
    south.publish(later(TOLD, 2), indicator(1), tlp=Tlp.RED, persons=both[:1])
    first, second = queries.reports(cast.analyst.actor).order_by("id")
    assert list(queries.reports(cast.officer.actor)) == [first]
    south.withdraw(later(TOLD, 2), tlp=Tlp.RED)
    assert [Report.objects.get(pk=each.pk).state for each in (first, second)] == [
        Report.State.RECEIVED,
        Report.State.WITHDRAWN,
    ]


def test_a_red_report_that_names_one_person_twice_is_renewed_like_any_other(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    email = cast.analyst.row.email
    for told, persons in ((TOLD, (email, email.upper())), (later(TOLD, 2, name="Renewed"), (email,))):
        assert south.publish(told, indicator(1), tlp=Tlp.RED, persons=persons).state == DONE
    came = Report.objects.get()
    assert (came.title, came.readers.count()) == ("Renewed", 1)


def test_the_persons_that_a_red_report_names_are_looked_up_once(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    many = (cast.analyst.row.email, *(f"{number}@far.example" for number in range(99)))
    with django_assert_max_num_queries(100):
        assert south.publish(TOLD, indicator(1), tlp=Tlp.RED, persons=many).state == DONE
    assert Report.objects.get().readers.count() == 1


def test_a_partners_report_under_the_identifier_of_ours_stands_beside_it(cast: Cast, south: Sender) -> None:
    bring(indicator(1), TOLD)
    south.publish(later(TOLD, 9, name="Replaced"), indicator(1, name="Replaced"))
    ours, theirs = Report.objects.order_by("origin")
    assert (ours.origin, ours.title, ours.state) == ("", "Report 1", Report.State.DRAFT)
    assert (theirs.origin, theirs.title) == (south.node, "Replaced")
    assert (current(TOLD["id"]).name, current(FIRST).name) == ("Report 1", "Indicator 1")


def test_each_report_shows_the_words_it_came_with(cast: Cast, south: Sender) -> None:
    east = sender("East", "XE")
    south.publish(TOLD, indicator(1, name="south's words"))
    east.publish(TOLD, indicator(1, name="east's words"))
    shown = {
        came.origin: [each.name for each in queries.objects_of(cast.analyst.actor, came)]
        for came in Report.objects.all()
    }
    assert shown == {south.node: ["south's words"], east.node: ["east's words"]}
    for came in Report.objects.all():
        texts = [json.loads(text) for text in queries.texts_with(cast.analyst.actor, came)]
        assert [text["id"] for text in texts] == [TOLD["id"], FIRST]


def test_twenty_thousand_objects_arrive_whole(cast: Cast, south: Sender) -> None:
    objects = [indicator(number) for number in range(1, 20_001)]
    told = report(1, *(each["id"] for each in objects))
    assert south.publish(told, *objects).state == DONE
    assert StixObject.objects.filter(is_current=True).count() == 20_001
    assert Report.objects.get().named_objects.count() == 20_000
    assert south.withdraw(told).state == DONE
    assert not StixObject.objects.filter(state=StixObject.State.LIVE).exists()


def test_more_objects_than_a_release_may_carry_are_refused(
    cast: Cast, south: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_MOST", 10)
    assert south.publish(TOLD, *(indicator(number) for number in range(1, 10))).state == DONE
    more = later(TOLD, 2)
    outcome = south.publish(more, *(indicator(number) for number in range(1, 11)))
    assert (outcome.state, outcome.reason) == (REFUSED, "too-many-objects")


# ---- refused whole ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"raw": b"{"}, "not-json"),
        ({"raw": b'{"type":"bundle","id":"x","objects":[{"a":1,"a":2}]}'}, "duplicate-key"),
        ({"raw": b'{"hello":"world"}'}, "not-intelligence"),
        ({"raw": b'{"Event":{"info":"an event of MISP"}}'}, "not-stix-2.1"),
        ({"raw": bundle(TOLD, indicator(1), spec_version="2.0")}, "not-stix-2.1"),
        ({"raw": bundle(indicator(1))}, "no-report"),
        ({"raw": bundle(indicator(1), report(2, FIRST))}, "no-report"),
        ({"raw": bundle(TOLD, {**indicator(1), "valid_from": "yesterday"})}, "not-valid"),
        ({"raw": bundle(TOLD, marked(indicator(1), Tlp.AMBER_STRICT))}, "marking"),
        (
            {"raw": bundle(TOLD, {**indicator(1), "object_marking_refs": ["marking-definition--x"]})},
            "not-valid",
        ),
        (
            {
                "raw": bundle(
                    TOLD, {**indicator(1), "object_marking_refs": [identifier("marking-definition", 99)]}
                )
            },
            "marking",
        ),
        ({"raw": bundle(TOLD, indicator(1)), "version": "2020-01-01T00:00:00.000Z"}, "other-version"),
        ({"raw": bundle(TOLD, indicator(1), indicator(1, name="twice"))}, "not-valid"),
    ],
)
def test_a_bundle_that_is_not_what_its_header_says_is_refused_whole(
    cast: Cast, south: Sender, members: dict[str, Any], reason: str
) -> None:
    given = {"about": TOLD["id"], "version": TOLD["modified"], **members}
    outcome = south.publish(**given)
    assert (outcome.state, outcome.reason) == (REFUSED, reason)
    assert not StixObject.objects.exists()
    assert not Report.objects.exists()
    assert not Release.objects.exists()


def us(**properties: Any) -> dict[str, Any]:
    """This node's organisation as somebody else would have it."""
    given = {"id": identity_id(), "name": "Northern CERT (official)", "identity_class": "organization"}
    return sdo("identity", 1, **{**given, **properties})


@pytest.mark.parametrize("said", ["identity", "object", "report"])
def test_a_partner_does_not_speak_in_our_name(cast: Cast, south: Sender, said: str) -> None:
    told = {**TOLD, "created_by_ref": identity_id()} if said == "report" else TOLD
    seen = indicator(1, created_by_ref=identity_id()) if said == "object" else indicator(1)
    outcome = south.publish(told, seen, *([us()] if said == "identity" else []))
    assert (outcome.state, outcome.reason) == (REFUSED, "our-name")
    assert not StixObject.objects.exists()
    assert not Release.objects.exists()


def test_a_partner_names_what_we_said_and_sends_it_along(cast: Cast, south: Sender) -> None:
    ours = indicator(1, created_by_ref=identity_id())
    bring(ours, us(name="As we say it"))
    again = (marked(ours, Tlp.AMBER), us(name="As they say it", modified="2024-06-01T00:00:00.000Z"))
    assert south.publish(TOLD, *again).state == DONE
    assert [current(each).origin for each in (FIRST, identity_id())] == ["", ""]
    assert current(identity_id()).name == "As we say it"
    came = Report.objects.get(origin=south.node)
    assert [each.stix_id for each in queries.objects_of(cast.analyst.actor, came)] == [FIRST]


@pytest.mark.parametrize(("tlp", "state"), [(Tlp.AMBER_STRICT, REFUSED), (Tlp.AMBER, DONE)])
def test_what_we_keep_to_some_is_not_said_to_all_in_our_name(cast: Cast, tlp: Tlp, state: str) -> None:
    south = sender("South", "XS")
    ours = indicator(1, created_by_ref=identity_id())
    bring(ours, actor=cast.analyst.actor, tlp=tlp)
    assert south.publish(TOLD, ours).state == state


def test_what_no_clause_covers_is_not_even_opened(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.GREEN),))
    assert south.publish(TOLD, indicator(1), tlp=Tlp.AMBER).state == UNOPENED
    assert not StixObject.objects.exists()


def test_of_a_refused_newer_version_nothing_stays_and_the_older_one_stands(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, indicator(1))
    bad = {**indicator(2), "valid_from": "yesterday"}
    assert south.publish(later(TOLD, 2, name="Bad"), bad).state == REFUSED
    assert Report.objects.get().title == "Report 1"
    assert StixObject.objects.count() == 2


# ---- taken out --------------------------------------------------------------------------------------------------


def test_a_withdrawn_report_loses_its_content_title_and_objects(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, indicator(1))
    assert Release.objects.get().words == f" {search_text(TOLD['name'])}"
    assert south.withdraw(TOLD).state == DONE
    gone = Report.objects.get()
    assert (gone.state, gone.title, gone.summary, gone.search) == (Report.State.WITHDRAWN, "", "", "")
    assert gone.named_objects.count() == 0
    assert gone.release is not None
    assert (gone.release.state, gone.release.title, gone.release.words) == (Release.State.WITHDRAWN, "", "")
    assert set(StixObject.objects.values_list("state", "text")) == {(StixObject.State.WITHDRAWN, "")}


def test_a_withdrawal_leaves_what_we_imported_ourselves(cast: Cast, south: Sender) -> None:
    bring(indicator(1))
    south.publish(TOLD, indicator(1))
    south.withdraw(TOLD)
    assert current(FIRST).name == "Indicator 1"


def test_when_the_newest_version_is_withdrawn_the_one_before_is_shown(cast: Cast, south: Sender) -> None:
    newer = later(TOLD, 2, name="Newer", object_refs=[identifier("indicator", 2)])
    south.publish(TOLD, indicator(1), topics=("attack:T1566",))
    south.publish(newer, indicator(2))
    south.withdraw(newer)
    came = Report.objects.get()
    assert (came.state, came.title, came.topics) == (Report.State.RECEIVED, "Report 1", ["attack:T1566"])
    assert [each.stix_id for each in queries.objects_of(cast.analyst.actor, came)] == [FIRST]
    south.withdraw(TOLD)
    came.refresh_from_db()
    assert came.state == Report.State.WITHDRAWN


def test_when_an_older_version_is_withdrawn_the_newest_stands(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, indicator(1))
    south.publish(later(TOLD, 2, name="Newer"), indicator(1))
    south.withdraw(TOLD)
    came = Report.objects.get()
    assert (came.state, came.title) == (Report.State.RECEIVED, "Newer")
    assert current(FIRST).state == StixObject.State.LIVE


def test_a_report_that_was_withdrawn_may_be_published_anew(cast: Cast, south: Sender) -> None:
    south.publish(TOLD, indicator(1))
    south.withdraw(TOLD)
    south.publish(later(TOLD, 5, name="Corrected"), indicator(1))
    came = Report.objects.get()
    assert (came.state, came.title) == (Report.State.RECEIVED, "Corrected")
    assert current(FIRST).text != ""


# ---- sightings --------------------------------------------------------------------------------------------------


def test_a_partners_sighting_is_kept_with_whose_eyes_it_was(cast: Cast, south: Sender) -> None:
    bring(indicator(1))
    value = sighting(last_seen="2024-02-02T00:00:00.123456789Z", description="At the gateway.")
    assert south.publish(value, kind="intel.sighting").state == DONE
    seen = queries.sightings_of(cast.analyst.actor, [FIRST]).get()
    assert (seen.count, seen.seen_by, seen.note) == (4, south.node, "At the gateway.")
    assert (seen.first_seen.isoformat(), seen.last_seen.isoformat()) == (
        "2024-02-01T00:00:00+00:00",
        "2024-02-02T00:00:00.123456+00:00",
    )


def test_a_corrected_sighting_replaces_the_number_and_a_withdrawn_one_goes(cast: Cast, south: Sender) -> None:
    bring(indicator(1))
    south.publish(sighting(), kind="intel.sighting")
    corrected = later(sighting(count=9), 2)
    south.publish(corrected, kind="intel.sighting")
    assert [each.count for each in queries.sightings_of(cast.analyst.actor, [FIRST])] == [9]
    south.withdraw(corrected, kind="intel.sighting")
    assert not queries.sightings_of(cast.analyst.actor, [FIRST]).exists()


def test_a_sighting_of_observed_data_is_called_by_what_was_observed(cast: Cast, south: Sender) -> None:
    domain = sco("domain-name", 5, value="bad.example")
    observed = sdo(
        "observed-data",
        6,
        first_observed="2024-02-01T00:00:00Z",
        last_observed="2024-02-01T00:00:00Z",
        number_observed=1,
        object_refs=[domain["id"]],
    )
    bring(observed, domain)
    south.publish(sighting(sighting_of_ref=observed["id"]), kind="intel.sighting")
    assert Release.objects.get(kind="intel.sighting").title == "bad.example"


@pytest.mark.parametrize(
    ("held", "title"),
    [
        ([indicator(1)], "Indicator 1"),
        ([marked(indicator(1, name="Of ours alone"), Tlp.RED)], ""),
        ([marked(indicator(1, name="Inside"), Tlp.AMBER_STRICT)], ""),
        ([], ""),
    ],
)
def test_a_sighting_is_called_by_what_was_seen_as_far_as_everybody_may_know(
    cast: Cast, south: Sender, held: list[dict[str, Any]], title: str
) -> None:
    if held:
        bring(*held, actor=cast.analyst.actor)
    south.publish(sighting(), kind="intel.sighting")
    assert Release.objects.get().title == title


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (indicator(1), "no-sighting"),
        (sighting(count=-1), "not-valid"),
        (marked(sighting(), Tlp.RED), "marking"),
        (sighting(last_seen="2024-13-45T00:00:00Z"), "not-valid"),
        (sighting(first_seen="9999-12-31T23:59:59Z", last_seen="9999-12-31T23:59:59Z"), "not-valid"),
        (sighting(last_seen="9999-12-31T23:59:59Z"), "not-valid"),
        (sighting(first_seen="2024-02-02T00:00:00Z", last_seen="2024-02-01T00:00:00Z"), "not-valid"),
    ],
)
def test_a_sighting_that_is_none_is_refused(
    cast: Cast, south: Sender, value: dict[str, Any], reason: str
) -> None:
    outcome = south.publish(value, kind="intel.sighting")
    assert (outcome.state, outcome.reason) == (REFUSED, reason)
    assert not Sighting.objects.exists()


def test_a_sighting_by_a_clock_that_is_a_little_ahead_is_taken_in(cast: Cast, south: Sender) -> None:
    """Five minutes as here, and one between two nodes, as its own node took it in."""
    for number, (ahead, state) in enumerate([(5.9, DONE), (6.1, REFUSED)], start=1):
        seen = stix_time(now() + timedelta(minutes=ahead))
        value = sighting(number, first_seen=seen, last_seen=seen)
        assert south.publish(value, kind="intel.sighting").state == state


def test_nobody_speaks_under_the_identifier_of_anothers_sighting(cast: Cast, south: Sender) -> None:
    bring(indicator(1))
    ours = actions.sight(cast.analyst.actor, FIRST).sighting
    value = {**sighting(), "id": ours.stix_id}
    assert south.publish(value, kind="intel.sighting").reason == "not-theirs"
    assert Sighting.objects.get().seen_by == ""


# ---- addresses --------------------------------------------------------------------------------------------------


def test_a_release_leads_to_the_page_of_what_it_brought(cast: Cast, south: Sender) -> None:
    bring(indicator(1))
    south.publish(TOLD, indicator(1))
    south.publish(sighting(), kind="intel.sighting")
    kinds = {kind.name: kind for kind in exchange.RELEASE_KINDS}
    came = Report.objects.get()
    assert came.release is not None
    seen = Sighting.objects.get()
    assert seen.release is not None
    expected = reverse("report", kwargs={"report_id": came.id})
    assert kinds["intel.report"].address(came.release) == expected
    assert kinds["intel.sighting"].address(seen.release) == reverse("object", kwargs={"stix_id": FIRST})
    # whoever may not read intelligence is led to the release, and to no page that refuses them
    may, may_not = cast.analyst.actor, cast.trainee.actor
    assert "read:intel" not in may_not.permissions
    to_report, to_release = expected, reverse("release", args=[came.release_id])
    assert to_report in [line.url for line in home.fresh(may, None)]
    assert to_release in [line.url for line in home.fresh(may_not, None)]
    assert to_report not in [line.url for line in home.fresh(may_not, None)]
