"""Reports: written, previewed, published, renewed, withdrawn."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import strategies as st

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.actions import ReportFields, reporting
from taawun.capabilities.intel.composing import identity_id
from taawun.capabilities.intel.errors import EditedMeanwhile, ReportRefused
from taawun.capabilities.intel.models import NamedReader, Report, ReportReader, StixObject
from taawun.capabilities.intel.queries import object_named
from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from tests.capabilities.intel.factories import (
    SYSTEM,
    Sender,
    bring,
    current,
    indicator,
    marked,
    report,
    sender,
)
from tests.capabilities.intel.stix.examples import identifier, sco, sdo
from tests.cast import Cast, agreement_in_force, clause, partner, person

pytestmark = pytest.mark.django_db

FIRST, SECOND = identifier("indicator", 1), identifier("indicator", 2)


def fields(**changes: Any) -> ReportFields:
    given = {"title": "Wave 3", "summary": "What happened.", "tlp": Tlp.GREEN, "object_ids": (FIRST,)}
    return ReportFields(**{**given, **changes})


@pytest.fixture
def analyst(cast: Cast) -> Any:
    bring(indicator(1), indicator(2))
    return cast.analyst.actor


@pytest.fixture
def south(cast: Cast) -> Sender:
    return sender("South", "XS")


def published(release: Release) -> dict[str, dict[str, Any]]:
    """The objects that left, by identifier."""
    objects = json.loads(contents.get(release.digest))["objects"]
    return {each["id"]: each for each in objects}


# ---- writing ----------------------------------------------------------------------------------------------------


def test_a_report_begins_as_a_draft_of_its_author(cast: Cast, analyst: Any) -> None:
    made = actions.create_report(analyst, fields(topics=("attack:T1566", "attack:T1566"), languages=("en",)))
    assert (made.state, made.edition, made.author_id) == (Report.State.DRAFT, 1, cast.analyst.row.pk)
    assert (made.topics, made.languages, made.origin) == (["attack:T1566"], ["en"], "")
    assert list(made.named_objects.values_list("stix_id", flat=True)) == [FIRST]
    assert Entry.objects.filter(verb="intel.report-created", subject=f"urn:uuid:{made.id}").count() == 1


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"title": "   "}, "title", "title"),
        ({"title": "x" * 301}, "title", "title"),
        ({"summary": "x" * 100_001}, "summary", "summary"),
        ({"topics": ("T1566",)}, "topics", "topics"),
        ({"topics": ("Attack:T1566",)}, "topics", "topics"),
        ({"topics": ("attack:T1566 x",)}, "topics", "topics"),
        ({"topics": tuple(f"a:{number}" for number in range(501))}, "topics", "topics"),
        ({"languages": ("en US",)}, "languages", "languages"),
        ({"languages": ("en",) * 101}, "languages", "languages"),
        ({"object_ids": ("indicator--none",)}, "objects", "objects"),
        ({"tlp": Tlp.RED}, "persons", "persons"),
        ({"tlp": Tlp.RED, "persons": ("nobody",)}, "persons", "persons"),
        ({"tlp": Tlp.RED, "persons": ("a b@cert.example",)}, "persons", "persons"),
        ({"tlp": Tlp.RED, "persons": ("a@cert.example",) * 101}, "persons", "persons"),
    ],
)
def test_what_is_wrong_in_a_report_is_refused_with_its_field(
    analyst: Any, changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(ReportRefused) as caught:
        actions.create_report(analyst, fields(**changes))
    assert (caught.value.code, caught.value.field) == (code, field)
    assert not Report.objects.exists()


def test_an_object_that_the_author_may_not_see_cannot_be_named(cast: Cast, analyst: Any) -> None:
    bring(indicator(9), tlp=Tlp.RED, actor=actor_of(person("analyst")))
    with pytest.raises(ReportRefused):
        actions.create_report(analyst, fields(object_ids=(identifier("indicator", 9),)))


def test_an_edit_replaces_all_fields_and_counts_the_edition(analyst: Any) -> None:
    made = actions.create_report(analyst, fields(topics=("attack:T1566",)))
    edited = actions.edit_report(
        analyst, made, fields(title="Wave 4", object_ids=(SECOND,), summary=""), edition=1
    )
    assert (edited.title, edited.summary, edited.topics, edited.edition) == ("Wave 4", "", [], 2)
    assert list(edited.named_objects.values_list("stix_id", flat=True)) == [SECOND]


def test_of_two_editors_the_second_is_told_and_loses_nothing_of_the_first(analyst: Any) -> None:
    made = actions.create_report(analyst, fields())
    actions.edit_report(analyst, made, fields(title="First"), edition=1)
    with pytest.raises(EditedMeanwhile):
        actions.edit_report(analyst, made, fields(title="Second"), edition=1)
    assert Report.objects.get().title == "First"


def test_a_red_report_names_persons_and_stops_naming_them(cast: Cast, analyst: Any) -> None:
    named = cast.officer.row.email.upper()
    made = actions.create_report(analyst, fields(tlp=Tlp.RED, persons=(named, "far@partner.example")))
    assert list(ReportReader.objects.values_list("person_id", flat=True)) == [cast.officer.row.pk]
    actions.edit_report(analyst, made, fields(tlp=Tlp.RED, persons=("far@partner.example",)), edition=1)
    assert not ReportReader.objects.exists()


def test_whom_a_red_report_names_twice_it_names_once(cast: Cast, analyst: Any) -> None:
    email = cast.officer.row.email
    made = actions.create_report(analyst, fields(tlp=Tlp.RED, persons=(email, email.upper())))
    assert made.persons == [email.upper()]
    assert ReportReader.objects.filter(report=made).count() == 1


@pytest.mark.parametrize("who", ["administrator", "officer", "observer", "trainee", "stranger", "former"])
def test_who_may_not_write_neither_begins_nor_edits_a_report(cast: Cast, analyst: Any, who: str) -> None:
    made = actions.create_report(analyst, fields())
    actor = dict(cast)[who].actor
    with pytest.raises(NotAllowed):
        actions.create_report(actor, fields())
    with pytest.raises(NotAllowed):
        actions.edit_report(actor, made, fields(), edition=1)
    with pytest.raises(NotAllowed):
        actions.preview_report(actor, made)
    with pytest.raises(NotAllowed):
        actions.publish_report(actor, made)
    with pytest.raises(NotAllowed):
        actions.withdraw_report(actor, made, "why")


# ---- markings ---------------------------------------------------------------------------------------------------


def test_a_drafts_marking_may_be_lowered_until_it_was_published(analyst: Any, south: Sender) -> None:
    made = actions.create_report(analyst, fields(tlp=Tlp.AMBER))
    made = actions.edit_report(analyst, made, fields(tlp=Tlp.CLEAR), edition=1)
    made = actions.publish_report(analyst, made)
    made = actions.edit_report(analyst, made, fields(tlp=Tlp.AMBER), edition=made.edition)
    with pytest.raises(ReportRefused) as caught:
        actions.edit_report(analyst, made, fields(tlp=Tlp.GREEN), edition=made.edition)
    assert (caught.value.code, caught.value.field) == ("tlp-lowered", "tlp")


def test_the_marking_of_an_imported_report_is_never_lowered(analyst: Any, south: Sender) -> None:
    bring(marked(report(1, FIRST), Tlp.AMBER))
    made = Report.objects.get()
    with pytest.raises(ReportRefused) as caught:
        actions.edit_report(analyst, made, fields(tlp=Tlp.GREEN), edition=1)
    assert caught.value.code == "tlp-lowered"


def test_a_report_whose_object_was_raised_meanwhile_is_not_published_under_the_old_marking(
    analyst: Any, south: Sender
) -> None:
    bring(report(1, FIRST))
    made = Report.objects.get()
    newer = {**report(1, FIRST), "modified": "2024-02-01T00:00:00.000Z"}
    Report.objects.update(edition=2)
    bring(marked(newer, Tlp.AMBER))
    made.refresh_from_db()
    with pytest.raises(ReportRefused) as caught:
        actions.publish_report(analyst, made)
    assert (caught.value.code, Report.objects.get().tlp) == ("tlp-lowered", Tlp.CLEAR)


WALK = st.lists(
    st.tuples(
        st.sampled_from(["import", "edit", "publish", "receive", "withdraw theirs"]),
        st.sampled_from(list(Tlp)[:4]),
        st.booleans(),  # whether the object bears its marking itself
    ),
    max_size=8,
)


@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(steps=WALK)
def test_however_a_report_is_imported_edited_published_and_received_no_marking_is_lowered(
    analyst: Any, south: Sender, steps: list[tuple[str, Tlp, bool]]
) -> None:
    with transaction.atomic():
        levels: dict[object, int] = {}
        theirs: list[dict[str, Any]] = []
        for day, (step, tlp, bears) in enumerate(steps, start=1):
            value = {**report(1, FIRST), "modified": f"2024-02-{day:02d}T00:00:00.000Z"}
            value = marked(value, tlp) if bears else value
            if step == "import":
                bring(value, tlp=tlp)
            elif step == "receive":
                if south.publish(value, indicator(1), tlp=Tlp.AMBER).state == LaneEntry.State.DONE:
                    theirs.append(value)
            elif step == "withdraw theirs":
                if theirs:
                    south.withdraw(theirs.pop())
            else:
                _edit_or_publish(analyst, step, tlp)
            _no_level_sank(levels)
        transaction.set_rollback(True)


def _edit_or_publish(analyst: Any, step: str, tlp: Tlp) -> None:
    held = Report.objects.filter(origin="").order_by("-id").first()
    if held is None:
        return
    with contextlib.suppress(ReportRefused, NobodyReceives, NotAllowed):
        if step == "edit":
            actions.edit_report(analyst, held, fields(tlp=tlp), edition=held.edition)
        else:
            actions.publish_report(analyst, held)


def _no_level_sank(levels: dict[object, int]) -> None:
    for row in StixObject.objects.all():
        assert row.tlp >= levels.get(row.id, Tlp.CLEAR)
        levels[row.id] = row.tlp
    for held in Report.objects.all():
        assert held.tlp >= levels.get(held.id, Tlp.CLEAR)
        # what an author raised in a draft they may take back; below what it speaks of it cannot be published
        if held.state != Report.State.DRAFT:
            levels[held.id] = held.tlp
        versions = StixObject.objects.filter(stix_id=held.stix_id, origin=held.origin)
        if held.origin:
            assert held.state == Report.State.WITHDRAWN or held.tlp == Tlp.AMBER
        elif held.state == Report.State.PUBLISHED:
            assert held.release is not None
            assert held.release.tlp <= held.tlp
            assert versions.filter(version__gte=held.release.version[:19], tlp__gte=held.release.tlp).exists()


def test_a_report_does_not_carry_what_is_marked_more_strictly(
    cast: Cast, analyst: Any, south: Sender
) -> None:
    bring(indicator(5), tlp=Tlp.AMBER)
    made = actions.create_report(analyst, fields(object_ids=(FIRST, identifier("indicator", 5))))
    for step in (actions.preview_report, actions.publish_report):
        with pytest.raises(ReportRefused) as caught:
            step(analyst, made)
        assert caught.value.code == "stricter-objects"
        name = StixObject.objects.get(stix_id=identifier("indicator", 5)).name
        assert f"marked more strictly than the report: {name}. Raise" in str(caught.value)
    assert not Release.objects.exists()


# ---- previewing and publishing ----------------------------------------------------------------------------------


def test_a_preview_tells_who_would_receive_what_by_which_clause_and_changes_nothing(
    analyst: Any, south: Sender
) -> None:
    east = partner("East", nation="XE")
    made = actions.create_report(analyst, fields())
    agreement_in_force(east, clauses=(clause(tlp_max=Tlp.CLEAR),))
    found = actions.preview_report(analyst, made)
    assert [(each.party, each.grant.clause.ref) for each in found.receivers if each.grant] == [
        (south.node, "1")
    ]
    assert [(each.party, each.decision.reason) for each in found.others] == [(east.node, "tlp")]  # type: ignore[union-attr]  # denied
    assert (found.objects, found.missing) == (1, ())
    assert not Release.objects.exists()
    assert Report.objects.get().state == Report.State.DRAFT


def test_a_published_report_leaves_with_what_it_names_what_that_needs_and_the_ties_between(
    analyst: Any, south: Sender
) -> None:
    malware = sdo("malware", 3, name="Bad", is_family=False, created_by_ref=identifier("identity", 7))
    tie = sdo("relationship", 4, relationship_type="indicates", source_ref=FIRST, target_ref=malware["id"])
    loose = sdo("relationship", 5, relationship_type="indicates", source_ref=SECOND, target_ref=malware["id"])
    maker = sdo("identity", 7, name="Maker", identity_class="organization")
    bring(malware, tie, loose, maker)
    made = actions.create_report(analyst, fields(object_ids=(FIRST, malware["id"])))
    made = actions.publish_report(analyst, made)
    assert made.release is not None
    left = published(made.release)
    assert {FIRST, malware["id"], tie["id"], maker["id"], made.stix_id} <= left.keys()
    assert SECOND not in left
    assert loose["id"] not in left
    assert left[made.stix_id]["object_refs"] == [FIRST, malware["id"], tie["id"]]
    assert left[made.stix_id]["name"] == "Wave 3"
    assert (made.state, made.edition, made.release.version) == (
        Report.State.PUBLISHED,
        2,
        left[made.stix_id]["modified"],
    )


def test_a_published_version_is_kept_as_it_left(cast: Cast, analyst: Any, south: Sender) -> None:
    made = actions.publish_report(analyst, actions.create_report(analyst, fields()))
    row = current(made.stix_id)
    assert made.release is not None
    assert json.loads(row.text) == published(made.release)[made.stix_id]
    assert (row.origin, row.tlp) == ("", Tlp.GREEN)
    assert StixObject.objects.filter(type="identity", tlp=Tlp.CLEAR, name="Northern CERT").count() == 1


def test_each_publication_is_a_later_version_and_only_the_newest_is_current(
    analyst: Any, south: Sender
) -> None:
    made = actions.publish_report(analyst, actions.create_report(analyst, fields()))
    made = actions.edit_report(analyst, made, fields(title="Renewed"), edition=2)
    made = actions.publish_report(analyst, made)
    versions = list(StixObject.objects.filter(stix_id=made.stix_id).order_by("version"))
    assert [row.name for row in versions] == ["Wave 3", "Renewed"]
    assert [row.is_current for row in versions] == [False, True]
    assert Release.objects.filter(subject=f"urn:taawun:stix:{made.stix_id}").count() == 2
    assert json.loads(versions[0].text)["created"] == json.loads(versions[1].text)["created"]


def test_a_second_click_does_not_publish_a_second_version(analyst: Any, south: Sender) -> None:
    made = actions.create_report(analyst, fields())
    actions.publish_report(analyst, made, edition=1)
    with pytest.raises(EditedMeanwhile):
        actions.publish_report(analyst, made, edition=1)
    assert Release.objects.count() == 1


# ---- whose report it is (STIX 2.1, section 3.6.2) ----------------------------------------------------------------

AUTHOR = identifier("identity", 9)


def _theirs(**properties: Any) -> dict[str, Any]:
    given = {"created_by_ref": AUTHOR, "description": "They saw it.", "x_own": 123456789012345678901234567890}
    return report(1, FIRST, **{**given, **properties})


@pytest.mark.parametrize("author", [{}, {"created_by_ref": None}])
def test_an_imported_report_that_nobody_changed_is_passed_on_to_the_letter(
    analyst: Any, south: Sender, author: dict[str, Any]
) -> None:
    value = {name: said for name, said in _theirs(**author).items() if said is not None}
    bring(value)
    held = Report.objects.get()
    assert actions.preview_report(analyst, held).leaves_as == "passed-on"
    # topics and languages stand in the header, so they change nothing of what the author wrote
    said = fields(title="Report 1", summary="They saw it.", tlp=Tlp.CLEAR, languages=("en",))
    held = actions.edit_report(analyst, held, said, edition=1)
    made = actions.publish_report(analyst, held)
    assert made.release is not None
    assert (made.stix_id, made.release.version) == (value["id"], value["modified"])
    assert current(made.stix_id).text.encode() in contents.get(made.release.digest)
    assert published(made.release)[made.stix_id] == value
    assert made.release.subject == f"urn:taawun:stix:{value['id']}"
    assert StixObject.objects.filter(stix_id=value["id"]).count() == 1


def test_an_imported_report_that_was_changed_leaves_as_ours_derived_from_theirs(
    analyst: Any, south: Sender
) -> None:
    value = _theirs(report_types=["campaign"], revoked=False)
    bring(value)
    held = actions.edit_report(analyst, Report.objects.get(), fields(title="In our words"), edition=1)
    assert actions.preview_report(analyst, held).leaves_as == "derived"
    made = actions.publish_report(analyst, held)
    assert made.release is not None
    left = published(made.release)
    own = left[made.stix_id]
    assert made.stix_id != value["id"]
    assert value["id"] not in left
    assert (own["created_by_ref"], own["name"]) == (identity_id(), "In our words")
    assert own["created"] == own["modified"] == own["published"] == made.release.version
    assert (own["report_types"], own["x_own"]) == (["campaign"], value["x_own"])
    assert "revoked" not in own
    (tie,) = (each for each in left.values() if each["type"] == "relationship")
    assert (tie["relationship_type"], tie["source_ref"], tie["target_ref"]) == (
        "derived-from",
        made.stix_id,
        value["id"],
    )
    assert tie["created_by_ref"] == identity_id()
    assert json.loads(current(value["id"]).text) == value

    made = actions.edit_report(analyst, made, fields(title="In better words"), edition=made.edition)
    assert actions.preview_report(analyst, made).leaves_as == "own"
    renewed = actions.publish_report(analyst, made)
    assert renewed.release is not None
    assert renewed.stix_id == made.stix_id
    assert published(renewed.release)[tie["id"]] == tie
    assert published(renewed.release)[made.stix_id]["created"] == own["created"]


def test_a_change_does_not_free_a_report_from_the_marking_of_what_it_was_made_from(
    analyst: Any, south: Sender
) -> None:
    bring(marked(_theirs(), Tlp.AMBER))
    said = fields(title="In our words", tlp=Tlp.AMBER)
    held = actions.edit_report(analyst, Report.objects.get(), said, edition=1)
    made = actions.publish_report(analyst, held)
    with pytest.raises(ReportRefused) as caught:
        actions.edit_report(analyst, made, fields(tlp=Tlp.GREEN), edition=made.edition)
    assert caught.value.code == "tlp-lowered"


def test_what_was_passed_on_is_neither_changed_nor_passed_on_twice_and_follows_its_author(
    analyst: Any, south: Sender
) -> None:
    bring(_theirs())
    made = actions.publish_report(analyst, Report.objects.get())
    with pytest.raises(NotAllowed, match="as its author wrote it"):
        actions.edit_report(analyst, made, fields(title="In our words"), edition=made.edition)
    with pytest.raises(ReportRefused) as caught:
        actions.preview_report(analyst, made)
    assert caught.value.code == "passed-on"
    newer = {**_theirs(name="Now we know"), "modified": "2024-02-01T00:00:00.000Z"}
    bring(newer)
    made.refresh_from_db()
    assert (made.title, made.state) == ("Now we know", Report.State.PUBLISHED)
    made = actions.publish_report(analyst, made)
    assert made.release is not None
    assert published(made.release)[made.stix_id] == newer
    assert Report.objects.count() == 1


def test_a_report_of_ours_that_is_imported_again_stays_ours(analyst: Any, south: Sender) -> None:
    made = actions.publish_report(analyst, actions.create_report(analyst, fields()))
    bring(json.loads(current(made.stix_id).text))
    made = actions.edit_report(analyst, made, fields(title="Renewed"), edition=made.edition)
    renewed = actions.publish_report(analyst, made)
    assert (renewed.stix_id, Report.objects.count()) == (made.stix_id, 1)


def test_what_a_partner_wrote_first_is_not_freed_by_importing_it(analyst: Any, south: Sender) -> None:
    sender("East", "XE")
    south.publish(_theirs(), tlp=Tlp.CLEAR)
    bring(_theirs())
    held = Report.objects.get(origin="")
    assert actions.preview_report(analyst, held).receivers == ()


def test_only_the_chosen_audience_receives(analyst: Any, south: Sender) -> None:
    east = sender("East", "XE")
    made = actions.create_report(analyst, fields())
    made = actions.publish_report(analyst, made, [east.node])
    entries = LaneEntry.objects.filter(kind="intel.report", lane__sender=None)
    assert [list(entry.lane.readers.values_list("partner__node", flat=True)) for entry in entries] == [
        [east.node]
    ]


@pytest.mark.parametrize("audience", [[], ["https://unknown.example"]])
def test_an_empty_or_unknown_audience_reaches_nobody(
    analyst: Any, south: Sender, audience: list[str]
) -> None:
    made = actions.create_report(analyst, fields())
    with pytest.raises(NobodyReceives):
        actions.publish_report(analyst, made, audience)
    assert Report.objects.get().state == Report.State.DRAFT
    assert not StixObject.objects.filter(stix_id=made.stix_id).exists()


def test_without_an_agreement_nothing_is_published(analyst: Any) -> None:
    made = actions.create_report(analyst, fields())
    with pytest.raises(NobodyReceives):
        actions.publish_report(analyst, made)


def test_a_report_without_objects_is_not_published(analyst: Any, south: Sender) -> None:
    made = actions.create_report(analyst, fields(object_ids=()))
    with pytest.raises(ReportRefused) as caught:
        actions.publish_report(analyst, made)
    assert caught.value.code == "no-objects"


def test_a_report_larger_than_a_partner_accepts_is_not_published(analyst: Any, south: Sender) -> None:
    made = actions.create_report(analyst, fields())
    with override_settings(MAX_UPLOAD_BYTES=500), pytest.raises(ReportRefused) as caught:
        actions.publish_report(analyst, made)
    assert caught.value.code == "too-large"


def test_more_objects_than_a_partner_takes_in_one_release_are_not_published(
    analyst: Any, south: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "MOST_TRAVELLING", 1)
    made = actions.create_report(analyst, fields(object_ids=(FIRST, SECOND)))
    with pytest.raises(ReportRefused) as caught:
        actions.preview_report(analyst, made)
    assert (caught.value.code, caught.value.field) == ("too-many-objects", "objects")


def test_what_the_publisher_may_not_see_any_more_stays_behind_and_is_told(
    analyst: Any, south: Sender
) -> None:
    hidden = indicator(9)
    bring(hidden, tlp=Tlp.RED, actor=actor_of(person("analyst")))
    made = actions.create_report(SYSTEM, fields(object_ids=(FIRST, hidden["id"])))
    assert actions.preview_report(analyst, made).missing == (hidden["id"],)
    made = actions.publish_report(analyst, made)
    assert made.release is not None
    assert published(made.release)[made.stix_id]["object_refs"] == [FIRST]


def test_a_red_report_goes_with_its_persons_named_and_its_author_still_sees_it(
    cast: Cast, analyst: Any
) -> None:
    south = sender("South", "XS", clauses=(clause(tlp_max=Tlp.RED),))
    made = actions.create_report(analyst, fields(tlp=Tlp.RED, persons=("far@partner.example",)))
    assert [each.party for each in actions.preview_report(analyst, made).receivers] == [south.node]
    made = actions.publish_report(analyst, made)
    assert made.release is not None
    assert made.release.persons == ["far@partner.example"]
    assert object_named(analyst, made.stix_id) is not None
    assert list(NamedReader.objects.values_list("person_id", flat=True)) == [cast.analyst.row.pk]


# ---- what came from others --------------------------------------------------------------------------------------


@pytest.fixture
def told(analyst: Any, south: Sender) -> dict[str, Any]:
    """An object that the south told us of, over a clause that allows nothing onward."""
    value = indicator(30)
    assert south.publish(report(30, value["id"]), value, tlp=Tlp.GREEN).state == LaneEntry.State.DONE
    return value


def test_a_partners_report_is_neither_edited_nor_published_nor_withdrawn_by_us(
    analyst: Any, told: dict[str, Any]
) -> None:
    received = Report.objects.get(state=Report.State.RECEIVED)
    with pytest.raises(NotAllowed, match="partner's"):
        actions.edit_report(analyst, received, fields(), edition=received.edition)
    with pytest.raises(NotAllowed, match="partner's"):
        actions.publish_report(analyst, received)
    with pytest.raises(NotAllowed, match="this node published"):
        actions.withdraw_report(analyst, received, "why")


def test_what_a_partner_does_not_allow_onward_goes_to_nobody(analyst: Any, told: dict[str, Any]) -> None:
    sender("East", "XE")
    made = actions.create_report(analyst, fields(object_ids=(FIRST, told["id"])))
    found = actions.preview_report(analyst, made)
    assert found.receivers == ()
    assert {each.decision.reason for each in found.others} == {"onward"}  # type: ignore[union-attr]  # all denied
    with pytest.raises(NobodyReceives):
        actions.publish_report(analyst, made)


def test_importing_what_a_partner_told_us_first_does_not_free_it(analyst: Any, told: dict[str, Any]) -> None:
    sender("East", "XE")
    bring(told, tlp=Tlp.CLEAR)
    made = actions.create_report(analyst, fields(object_ids=(told["id"],)))
    assert actions.preview_report(analyst, made).receivers == ()


def test_what_we_had_before_a_partner_told_us_stays_free(analyst: Any, south: Sender) -> None:
    east = sender("East", "XE")
    bring(indicator(40))
    south.publish(report(40, identifier("indicator", 40)), indicator(40), tlp=Tlp.GREEN)
    made = actions.create_report(analyst, fields(object_ids=(identifier("indicator", 40),)))
    found = actions.preview_report(analyst, made)
    assert {each.party for each in found.receivers} == {south.node, east.node}


def test_what_a_clause_allows_onward_to_its_parties_reaches_them_alone(cast: Cast, analyst: Any) -> None:
    east, west = partner("East", nation="XE"), partner("West", nation="XW")
    south = sender(
        "South",
        "XS",
        clauses=(clause(onward=Onward("named", (east.node,))),),
    )
    agreement_in_force(east)
    agreement_in_force(west)
    value = indicator(50)
    south.publish(report(50, value["id"]), value, tlp=Tlp.GREEN)
    made = actions.create_report(analyst, fields(object_ids=(value["id"],)))
    found = actions.preview_report(analyst, made)
    assert [each.party for each in found.receivers] == [east.node]


# ---- withdrawing ------------------------------------------------------------------------------------------------


def test_a_withdrawn_report_is_taken_back_in_all_versions(analyst: Any, south: Sender) -> None:
    made = actions.publish_report(analyst, actions.create_report(analyst, fields()))
    made = actions.publish_report(analyst, made)
    gone = actions.withdraw_report(analyst, made, "  It named a shared server.  ")
    assert (gone.state, gone.edition) == (Report.State.WITHDRAWN, 4)
    releases = Release.objects.filter(subject=f"urn:taawun:stix:{made.stix_id}")
    assert [(each.state, each.withdrawal_reason) for each in releases] == [
        (Release.State.WITHDRAWN, "It named a shared server.")
    ] * 2
    assert LaneEntry.objects.filter(action="withdraw", kind="intel.report").count() == 2
    assert Entry.objects.filter(verb="intel.report-withdrawn").count() == 1


def test_a_withdrawal_needs_a_reason_and_the_edition_that_was_looked_at(analyst: Any, south: Sender) -> None:
    made = actions.publish_report(analyst, actions.create_report(analyst, fields()))
    with pytest.raises(ReportRefused) as caught:
        actions.withdraw_report(analyst, made, "  ")
    assert caught.value.field == "reason"
    with pytest.raises(EditedMeanwhile):
        actions.withdraw_report(analyst, made, "why", edition=1)
    assert Report.objects.get().state == Report.State.PUBLISHED


def test_a_draft_cannot_be_withdrawn_and_a_withdrawn_report_cannot_go_on(analyst: Any, south: Sender) -> None:
    made = actions.create_report(analyst, fields())
    with pytest.raises(NotAllowed):
        actions.withdraw_report(analyst, made, "why")
    gone = actions.withdraw_report(analyst, actions.publish_report(analyst, made), "why")
    with pytest.raises(NotAllowed):
        actions.edit_report(analyst, gone, fields(), edition=gone.edition)
    with pytest.raises(NotAllowed):
        actions.publish_report(analyst, gone)
    with pytest.raises(NotAllowed):
        actions.withdraw_report(analyst, gone, "again")


def test_an_observable_that_a_report_names_travels_as_it_was_received(
    node: Organisation, analyst: Any, south: Sender
) -> None:
    seen = sco("file", 8, hashes={"SHA-256": "a" * 64})
    data = sdo(
        "observed-data",
        9,
        first_observed="2024-01-31T12:00:00Z",
        last_observed="2024-01-31T12:00:00Z",
        number_observed=1,
        object_refs=[seen["id"]],
    )
    bring(seen, data)
    made = actions.publish_report(analyst, actions.create_report(analyst, fields(object_ids=(data["id"],))))
    assert made.release is not None
    # and bears the marking it was imported under, which its own text does not tell
    assert published(made.release)[seen["id"]] == marked(seen, Tlp.CLEAR)
