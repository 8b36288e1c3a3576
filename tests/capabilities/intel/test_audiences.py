"""What one colleague marks strictly takes nothing from the others, and tells them nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taawun.capabilities.intel import actions, queries, ties
from taawun.capabilities.intel.actions import ReportFields
from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import Import, Report, StixObject
from taawun.capabilities.intel.queries import ObjectFilters
from taawun.capabilities.intel.rules import can_edit, can_publish, can_withdraw
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Membership, Organisation
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import SYSTEM, bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier, sco, sdo
from tests.cast import Cast, Member, clause, person, token_of

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor

pytestmark = pytest.mark.django_db

FIRST = identifier("indicator", 1)
TOLD = report(1, FIRST)
LATER = "2026-01-01T00:00:00.000Z"
STRICT = [Tlp.AMBER_STRICT, Tlp.RED]


@pytest.fixture
def outsider(cast: Cast) -> Member:
    """An analyst of another organisation of the node."""
    del cast  # the node is made
    ministry = Organisation.objects.create(names={"en": "Ministry"}, kind="ministry")
    row = person(Role.ANALYST, name="Outsider", organisation=ministry)
    return Member(row, token_of(row))


def shown(actor: Actor, stix_id: str = FIRST) -> tuple[str, int] | None:
    """The name and marking of what shows to somebody, which is one row wherever it is asked."""
    held = queries.object_named(actor, stix_id)
    listed = list(queries.objects(actor, ObjectFilters(text=stix_id)))
    assert listed == ([held] if held else [])
    assert list(queries.current_among(actor, [stix_id]).values()) == listed
    return (held.name, held.tlp) if held else None


# ---- objects ----------------------------------------------------------------------------------------------------


def test_what_is_listed_by_itself_stands_in_no_other_query(cast: Cast) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.AMBER_STRICT)
    assert shown(cast.analyst.actor) == ("Indicator 1", Tlp.AMBER_STRICT)
    listed = queries.objects(cast.analyst.actor, ObjectFilters())
    with pytest.raises(TypeError, match="ask for current_objects"):
        list(StixObject.objects.filter(id__in=listed.values("id")))


@pytest.mark.parametrize("tlp", STRICT)
def test_importing_the_same_file_more_strictly_takes_it_from_nobody(
    cast: Cast, outsider: Member, tlp: Tlp
) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.GREEN)
    bring(indicator(1), actor=outsider.actor, tlp=tlp)
    assert {shown(each) for each in (cast.analyst.actor, outsider.actor, SYSTEM)} == {
        ("Indicator 1", Tlp.GREEN)
    }
    assert queries.versions_of(outsider.actor, FIRST).count() == 2
    assert queries.versions_of(cast.analyst.actor, FIRST).count() == 1


@pytest.mark.parametrize("tlp", STRICT)
def test_a_newer_version_that_is_for_fewer_shows_to_those_alone(
    cast: Cast, outsider: Member, tlp: Tlp
) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.GREEN)
    bring(indicator(1, modified=LATER, name="Newer"), actor=outsider.actor, tlp=tlp)
    assert shown(cast.analyst.actor) == ("Indicator 1", Tlp.GREEN)
    assert shown(outsider.actor) == ("Newer", tlp)


@pytest.mark.parametrize("tlp", STRICT)
def test_the_same_text_that_others_hold_for_themselves_is_mine_after_my_import(
    cast: Cast, outsider: Member, tlp: Tlp
) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=tlp)
    held = bring(indicator(1), actor=outsider.actor, tlp=Tlp.GREEN)
    assert held.counts["new"] == 1
    assert shown(outsider.actor) == shown(cast.analyst.actor) == ("Indicator 1", Tlp.GREEN)


def test_counts_and_issues_of_an_import_do_not_tell_what_somebody_else_holds(
    cast: Cast, outsider: Member
) -> None:
    address = sco("ipv4-addr", 7, value="198.51.100.7")
    bring(address, actor=cast.analyst.actor, tlp=Tlp.RED)
    held = bring({**address, "x_probe": "1"}, actor=outsider.actor, tlp=Tlp.GREEN)
    assert (held.counts["new"], held.counts["known"], held.counts["differing"]) == (1, 0, 0)
    assert "held-differs" not in {each.code for each in queries.issues_of(SYSTEM, held)}


def test_a_partner_does_not_replace_what_is_ours_by_a_version_for_certain_persons(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    bring(indicator(1), tlp=Tlp.GREEN)
    south.publish(
        report(2, FIRST),
        indicator(1, modified=LATER, name="Replaced"),
        tlp=Tlp.RED,
        persons=(cast.analyst.row.email,),
    )
    assert queries.versions_of(cast.analyst.actor, FIRST).count() == 2
    assert shown(cast.analyst.actor) == ("Indicator 1", Tlp.GREEN)


def test_a_partner_does_not_replace_what_another_said_by_a_version_for_certain_persons(cast: Cast) -> None:
    east = sender("East", "XE")
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    east.publish(report(2, FIRST), indicator(1, name="East's"), tlp=Tlp.GREEN)
    newer = indicator(1, modified=LATER, name="South's")
    south.publish(report(3, FIRST), newer, tlp=Tlp.RED, persons=(cast.analyst.row.email,))
    assert shown(cast.analyst.actor) == ("East's", Tlp.GREEN)
    renewed = indicator(1, modified=LATER, name="East's, renewed")
    east.publish(report(4, FIRST), renewed, tlp=Tlp.AMBER)
    assert shown(cast.analyst.actor) == ("East's, renewed", Tlp.AMBER)


def test_a_partner_renews_its_own_object_for_certain_persons(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    south.publish(report(2, FIRST), indicator(1), tlp=Tlp.GREEN)
    newer = indicator(1, modified=LATER, name="Newer")
    south.publish(report(3, FIRST), newer, tlp=Tlp.RED, persons=(cast.analyst.row.email,))
    assert shown(cast.analyst.actor) == ("Newer", Tlp.RED)
    assert shown(cast.officer.actor) == ("Indicator 1", Tlp.GREEN)


# ---- reports ----------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(cast: Cast) -> Report:
    bring(indicator(1), TOLD, actor=cast.analyst.actor, tlp=Tlp.GREEN)
    return Report.objects.get()


def test_a_version_that_is_for_fewer_does_not_block_the_report_of_others(
    cast: Cast, outsider: Member, draft: Report
) -> None:
    bring({**TOLD, "modified": LATER}, actor=outsider.actor, tlp=Tlp.RED)
    assert actions.preview_report(cast.analyst.actor, draft).objects == 1


def test_a_report_goes_with_the_version_that_its_marking_allows(cast: Cast, draft: Report) -> None:
    bring(indicator(1, modified=LATER, name="Newer"), actor=cast.analyst.actor, tlp=Tlp.AMBER_STRICT)
    assert shown(cast.analyst.actor) == ("Newer", Tlp.AMBER_STRICT)
    named = queries.objects_of(cast.analyst.actor, draft)
    assert [(each.name, each.tlp) for each in named] == [("Indicator 1", Tlp.GREEN)]
    assert actions.preview_report(cast.analyst.actor, draft).objects == 1


def test_a_report_that_a_colleague_holds_for_themselves_is_not_lost_for_the_next(
    cast: Cast, outsider: Member
) -> None:
    bring(indicator(1), TOLD, actor=outsider.actor, tlp=Tlp.RED)
    held = bring(indicator(1), {**TOLD, "description": "other"}, actor=cast.analyst.actor, tlp=Tlp.GREEN)
    assert held.state == Import.State.DONE
    (made,) = queries.reports(cast.analyst.actor)
    assert (made.stix_id, made.summary, made.organisation) == (TOLD["id"], "other", held.organisation)
    assert queries.reports(outsider.actor).count() == 2


def test_a_newer_version_from_another_organisation_leaves_a_draft_as_it_is(
    outsider: Member, draft: Report
) -> None:
    bring({**TOLD, "modified": LATER, "name": "Defaced"}, actor=outsider.actor, tlp=Tlp.GREEN)
    draft.refresh_from_db()
    assert draft.title == "Report 1"


def test_under_one_identifier_one_report_leaves_and_each_takes_back_its_own(
    cast: Cast, outsider: Member, draft: Report
) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    bring(indicator(1), TOLD, actor=outsider.actor, tlp=Tlp.AMBER_STRICT)
    other = Report.objects.exclude(pk=draft.pk).get()
    other = actions.publish_report(outsider.actor, other)
    assert actions.preview_report(cast.analyst.actor, draft).leaves_as == "derived"
    made = actions.publish_report(cast.analyst.actor, draft)
    assert (other.stix_id, made.stix_id == other.stix_id) == (TOLD["id"], False)
    actions.withdraw_report(outsider.actor, other, "It was wrong.")
    assert made.release is not None
    made.release.refresh_from_db()
    assert made.release.state == "live"
    assert [each.party for each in actions.preview_report(cast.analyst.actor, made).receivers] == [south.node]


def test_a_marking_under_which_the_same_readers_have_the_report_already_is_refused(
    cast: Cast, draft: Report
) -> None:
    bring(TOLD, actor=cast.analyst.actor, tlp=Tlp.AMBER_STRICT)
    given = ReportFields("Report 1", "", Tlp.AMBER_STRICT, object_ids=(FIRST,))
    with pytest.raises(ReportRefused) as refused:
        actions.edit_report(cast.analyst.actor, draft, given, edition=draft.edition)
    assert (refused.value.code, refused.value.field) == ("held-already", "tlp")


def test_what_a_partner_told_first_stays_bound_by_its_clause_also_in_a_copy_for_fewer(cast: Cast) -> None:
    told = sender("South", "XS")
    sender("East", "XE", clauses=(clause(tlp_max=Tlp.RED),))
    told.publish(report(2, FIRST), indicator(1), tlp=Tlp.GREEN)
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.AMBER_STRICT)
    copy = StixObject.objects.get(stix_id=FIRST, tlp=Tlp.AMBER_STRICT)
    assert copy.origin == ""
    given = ReportFields("Onward", "", Tlp.AMBER_STRICT, object_ids=(FIRST,))
    made = actions.create_report(cast.analyst.actor, given)
    with pytest.raises(NobodyReceives):
        actions.publish_report(cast.analyst.actor, made)


def test_red_is_read_by_nobody_who_left_the_organisation_that_has_it(cast: Cast) -> None:
    ministry = Organisation.objects.create(names={"en": "Ministry"}, kind="ministry")
    named, author = person(Role.ANALYST, name="Named"), person(Role.ANALYST, name="Author")
    bring(indicator(1), actor=actor_of(author), tlp=Tlp.RED)
    given = ReportFields("For one", "", Tlp.RED, object_ids=(FIRST,), persons=(named.email, author.email))
    held = actions.create_report(actor_of(author), given)
    assert shown(actor_of(author)) == ("Indicator 1", Tlp.RED)
    assert {queries.report_named(actor_of(each), held.id) for each in (named, author)} == {held}
    for each in (named, author):
        each.memberships.all().delete()
        Membership.objects.create(person=each, organisation=ministry, role=Role.ANALYST)
    assert shown(actor_of(author)) is None
    assert {queries.report_named(actor_of(each), held.id) for each in (named, author)} == {None}


# ---- whose report it is -----------------------------------------------------------------------------------------


def test_a_report_is_its_organisations_to_edit_publish_and_withdraw(
    cast: Cast, outsider: Member, draft: Report
) -> None:
    for rule in (can_edit, can_publish):
        assert isinstance(rule(cast.analyst.actor, draft), Granted)
        assert isinstance(rule(SYSTEM, draft), Granted)
        answer = rule(outsider.actor, draft)
        assert isinstance(answer, Refused)
        assert answer.reason == "not-yours"
    sender("South", "XS")
    published = actions.publish_report(cast.analyst.actor, draft)
    assert isinstance(can_withdraw(cast.analyst.actor, published), Granted)
    refused = can_withdraw(outsider.actor, published)
    assert isinstance(refused, Refused)
    assert refused.reason == "not-yours"


def test_who_is_an_analyst_of_another_organisation_alone_changes_nothing_of_the_one_that_runs_the_node(
    cast: Cast, outsider: Member, draft: Report
) -> None:
    Membership.objects.create(person=outsider.row, organisation=draft.organisation, role=Role.TRAINEE)
    two_hats = outsider.actor
    assert {"write:intel", "publish:intel"} <= two_hats.permissions
    assert draft.organisation_id in two_hats.organisations
    for rule in (can_edit, can_publish):
        refused = rule(two_hats, draft)
        assert isinstance(refused, Refused)
        assert refused.reason == "not-yours"
    sender("South", "XS")
    published = actions.publish_report(cast.analyst.actor, draft)
    with pytest.raises(NotAllowed):
        actions.withdraw_report(two_hats, published, "a mistake")
    # what they bring is brought in the name of the organisation whose analyst they are
    assert queries.home_of(two_hats).id in two_hats.organisations - {draft.organisation_id}
    # a role in the one that runs the node is one in all that they belong to
    Membership.objects.create(person=outsider.row, organisation=draft.organisation, role=Role.ANALYST)
    assert isinstance(can_publish(outsider.actor, published), Granted)
    assert queries.home_of(outsider.actor).id == draft.organisation_id


@pytest.mark.usefixtures("pages")
def test_every_way_to_change_anothers_report_is_closed(cast: Cast, outsider: Member, draft: Report) -> None:
    sender("South", "XS")
    held = actions.publish_report(cast.analyst.actor, draft)
    given = ReportFields("Defaced", "", Tlp.GREEN, object_ids=(FIRST,))
    acts: list[Any] = [
        lambda: actions.edit_report(outsider.actor, held, given, edition=held.edition),
        lambda: actions.preview_report(outsider.actor, held),
        lambda: actions.publish_report(outsider.actor, held),
        lambda: actions.withdraw_report(outsider.actor, held, "x"),
    ]
    for act in acts:
        with pytest.raises(NotAllowed, match="another organisation"):
            act()
    api, browser = outsider.api, outsider.browser()
    assert api.post(f"/intel/reports/{held.id}/preview", {}).status_code == 403
    assert api.post(f"/intel/reports/{held.id}/withdraw", {"reason": "x"}).status_code == 403
    assert browser.get(f"/en/intel/reports/{held.id}/").status_code == 200
    for page in ("edit", "publish", "withdraw"):
        assert browser.get(f"/en/intel/reports/{held.id}/{page}/").status_code == 403


# ---- pages and sightings ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("pages")
def test_the_page_of_an_object_lists_its_versions_with_their_markings(cast: Cast) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.GREEN)
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.RED)
    html = cast.analyst.browser().get(f"/en/intel/objects/{FIRST}/").content.decode()
    versions = html.partition("Versions</h2>")[2]
    assert [versions.count(each) for each in ("TLP:GREEN", "TLP:RED", "shown")] == [1, 1, 1]
    listed = cast.analyst.api.get(f"/intel/objects/{FIRST}/versions").json()["items"]
    assert [(each["tlp"], each["is_current"]) for each in listed] == [("TLP:RED", False), ("TLP:GREEN", True)]


@pytest.mark.parametrize("tlp", STRICT)
def test_a_copy_of_ones_own_does_not_open_the_sightings_of_others(
    cast: Cast, outsider: Member, tlp: Tlp
) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=tlp)
    actions.sight(cast.analyst.actor, FIRST)
    bring(indicator(1), actor=outsider.actor, tlp=tlp)
    assert shown(outsider.actor) == ("Indicator 1", tlp)
    assert queries.sightings(outsider.actor).count() == 0
    assert queries.sightings(cast.analyst.actor).count() == 1


def test_a_sighting_of_what_names_several_persons_is_for_all_of_them(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    both = (cast.analyst.row.email, cast.officer.row.email)
    south.publish(report(2, FIRST), indicator(1), tlp=Tlp.RED, persons=both)
    actions.sight(cast.analyst.actor, FIRST)
    assert queries.sightings(cast.officer.actor).count() == 1


def test_a_tie_that_is_held_for_two_audiences_is_told_once(cast: Cast) -> None:
    target = identifier("malware", 1)
    malware = sdo("malware", 1, name="m", is_family=False)
    tie = sdo("relationship", 1, relationship_type="indicates", source_ref=FIRST, target_ref=target)
    tied = [indicator(1), malware, tie]
    for tlp in (Tlp.GREEN, Tlp.AMBER_STRICT):
        bring(*tied, actor=cast.analyst.actor, tlp=tlp)
    held = queries.object_named(cast.analyst.actor, target)
    assert held is not None
    assert [each.relation for each in ties.references_of(cast.analyst.actor, held)] == ["target_ref"]
