"""The store: versions, whose word is current, sources, markings, and taking back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taawun.capabilities.intel.models import Import, NamedReader, Reference, Source, StixObject
from taawun.capabilities.intel.preparing import Origin, Prepared, prepare, version_key
from taawun.capabilities.intel.stix import read
from taawun.capabilities.intel.store import Counts, remove_release, store
from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.models import Organisation
from taawun.foundation.identifiers import uuid7
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import current, indicator, marked, report
from tests.capabilities.intel.stix.examples import bundle, identifier, sco, sdo
from tests.cast import PartnerNode, partner, person

pytestmark = pytest.mark.django_db

DAYS = [f"2024-02-{day:02d}T00:00:00.000Z" for day in range(1, 29)]


@dataclass
class Node:
    """This node with two partners, and what each brings."""

    organisation: Organisation
    south: PartnerNode
    east: PartnerNode
    count: int = 0

    def ours(self, *objects: dict[str, Any], tlp: Tlp = Tlp.CLEAR, readers: Any = ()) -> Counts:
        held = Import.objects.create(
            name="file", file="", size=1, default_tlp=tlp, organisation=self.organisation
        )
        return self._store(objects, tlp, Origin(self.organisation, imported=held, readers=readers))

    def release(self, sender: PartnerNode, tlp: Tlp = Tlp.AMBER) -> Release:
        self.count += 1
        return Release.objects.create(
            kind="intel.report",
            tlp=tlp,
            subject=f"urn:{self.count}",
            version="1",
            digest="0" * 64,
            size=1,
            origin=sender.row,
        )

    def theirs(
        self, sender: PartnerNode, *objects: dict[str, Any], tlp: Tlp = Tlp.AMBER, readers: Any = ()
    ) -> Release:
        release = self.release(sender, tlp)
        self._store(
            objects, tlp, Origin(self.organisation, release=release, node=sender.node, readers=readers)
        )
        return release

    def _store(self, objects: tuple[dict[str, Any], ...], tlp: Tlp, origin: Origin) -> Counts:
        return list(store(prepared(*objects, tlp=tlp), origin))[-1]


def prepared(*objects: dict[str, Any], tlp: Tlp = Tlp.CLEAR) -> list[Prepared]:
    reading = read(bundle(*objects), default_tlp=tlp)
    found = [prepare(each) for each in reading.objects]
    assert reading.issues.errors == 0
    return found


@pytest.fixture
def at(node: Organisation) -> Node:
    return Node(node, partner("South", nation="XS"), partner("East", nation="XE"))


def held(stix_id: str) -> list[tuple[str, str, bool]]:
    rows = StixObject.objects.filter(stix_id=stix_id).order_by("id")
    return [(row.origin, row.version, row.is_current) for row in rows]


def version(day: int, **properties: Any) -> dict[str, Any]:
    return indicator(1, created=DAYS[0], modified=DAYS[day], **properties)


FIRST = identifier("indicator", 1)


# ---- versions ---------------------------------------------------------------------------------------------------


def test_every_version_is_kept_and_the_newest_is_current(at: Node) -> None:
    counts = at.ours(version(2))
    counts_again = at.ours(version(1), version(3))
    assert (counts.new, counts.known, counts_again.new) == (1, 0, 2)
    assert [(row[1], row[2]) for row in held(FIRST)] == [
        (version_key(DAYS[2]), False),
        (version_key(DAYS[1]), False),
        (version_key(DAYS[3]), True),
    ]


def test_an_older_version_that_comes_later_does_not_become_current(at: Node) -> None:
    at.ours(version(5))
    at.ours(version(4))
    assert current(FIRST).version == version_key(DAYS[5])


def test_the_same_text_again_is_the_same_row_with_one_more_source(at: Node) -> None:
    at.ours(version(1))
    counts = at.ours(version(1))
    assert (counts.new, counts.known, counts.differing) == (0, 1, [])
    assert StixObject.objects.count() == 1
    assert list(Source.objects.order_by("id").values_list("is_first", flat=True)) == [True, False]


def test_another_text_under_the_same_version_is_kept_beside_the_first_which_stays_current(at: Node) -> None:
    at.ours(version(1, name="said first"))
    counts = at.ours(version(1, name="said later"))
    assert (counts.new, counts.known, counts.differing) == (1, 0, [FIRST])
    assert current(FIRST).name == "said first"
    assert StixObject.objects.filter(stix_id=FIRST).count() == 2


def test_an_observable_has_one_version(at: Node) -> None:
    at.ours(sco("domain-name", 7, value="host.example"))
    counts = at.ours(sco("domain-name", 7, value="host.example"))
    row = current(identifier("domain-name", 7))
    assert (counts.new, row.version, row.name) == (0, "", "host.example")


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00.000000Z"),
        ("2024-01-31T12:00:00.5Z", "2024-01-31T12:00:00.500000Z"),
        ("2024-01-31T12:00:00.123456789Z", "2024-01-31T12:00:00.123456789Z"),
        ("2024-01-31T12:00:00." + "1" * 60 + "Z", "2024-01-31T12:00:00." + "1" * 18 + "Z"),
        ("", ""),
    ],
)
def test_one_instant_is_one_version_key_however_it_is_written(written: str, key: str) -> None:
    assert version_key(written) == key


def test_what_an_object_names_is_kept_but_not_who_made_it(at: Node) -> None:
    made = identifier("identity", 9)
    tie = sdo(
        "relationship",
        1,
        relationship_type="indicates",
        source_ref=FIRST,
        target_ref=identifier("malware", 2),
        created_by_ref=made,
    )
    at.ours(tie)
    row = current(tie["id"])
    assert row.creator == made
    assert sorted(Reference.objects.filter(source=row).values_list("relation", "target")) == [
        ("source_ref", FIRST),
        ("target_ref", identifier("malware", 2)),
    ]


# ---- whose word is current --------------------------------------------------------------------------------------


def test_a_partner_does_not_replace_what_is_ours_by_a_newer_version(at: Node) -> None:
    at.ours(version(1))
    at.theirs(at.south, version(9, name="replaced"))
    assert held(FIRST) == [("", version_key(DAYS[1]), True), (at.south.node, version_key(DAYS[9]), False)]


def test_a_partner_does_not_replace_what_another_partner_said(at: Node) -> None:
    at.theirs(at.south, version(1))
    at.theirs(at.east, version(9))
    assert held(FIRST) == [
        (at.south.node, version_key(DAYS[1]), True),
        (at.east.node, version_key(DAYS[9]), False),
    ]


def test_a_partner_renews_its_own_object(at: Node) -> None:
    at.theirs(at.south, version(1))
    at.theirs(at.south, version(2))
    assert current(FIRST).version == version_key(DAYS[2])


def test_our_own_word_takes_precedence_whenever_it_comes(at: Node) -> None:
    at.theirs(at.south, version(9))
    at.ours(version(1))
    assert held(FIRST) == [(at.south.node, version_key(DAYS[9]), False), ("", version_key(DAYS[1]), True)]


def test_a_partner_who_says_it_first_cannot_pre_empt_our_own_text_of_the_same_version(at: Node) -> None:
    at.theirs(at.south, version(1, name="poisoned"))
    at.ours(version(1, name="genuine"))
    assert current(FIRST).name == "genuine"


def test_what_we_bring_ourselves_after_a_partner_becomes_our_word(at: Node) -> None:
    at.ours(version(1))
    at.theirs(at.south, version(2))
    at.ours(version(2))
    assert held(FIRST) == [("", version_key(DAYS[1]), False), ("", version_key(DAYS[2]), True)]


def test_a_stub_without_a_creator_never_displaces_the_object_of_a_named_one(at: Node) -> None:
    creator = identifier("identity", 5)
    at.ours(version(1, name="whole", created_by_ref=creator))
    at.ours(version(9, name="stub"))
    assert current(FIRST).name == "whole"
    at.ours(version(3, name="renewed", created_by_ref=creator))
    assert current(FIRST).name == "renewed"


def test_the_object_of_a_named_creator_displaces_a_stub_that_came_first(at: Node) -> None:
    at.ours(version(9, name="stub"))
    at.ours(version(1, name="whole", created_by_ref=identifier("identity", 5)))
    assert current(FIRST).name == "whole"


def test_a_made_up_creator_does_not_displace_what_another_partner_said(at: Node) -> None:
    at.theirs(at.east, version(1, name="theirs"))
    at.theirs(at.south, version(1, name="mine", created_by_ref=identifier("identity")))
    assert current(FIRST).name == "theirs"


# ---- markings ---------------------------------------------------------------------------------------------------


def test_the_stricter_of_two_markings_holds(at: Node) -> None:
    at.ours(version(1), tlp=Tlp.AMBER)
    at.ours(version(1), tlp=Tlp.GREEN)
    assert current(FIRST).tlp == Tlp.AMBER
    assert StixObject.objects.count() == 1


@pytest.mark.parametrize("tlp", [Tlp.AMBER_STRICT, Tlp.RED])
def test_what_is_for_fewer_is_a_row_of_its_own_with_a_current_version_of_its_own(at: Node, tlp: Tlp) -> None:
    one = person()
    at.ours(version(1), tlp=Tlp.GREEN)
    counts = at.ours(version(1), version(2), tlp=tlp, readers=[one])
    again = at.ours(version(1), tlp=tlp, readers=[one])
    rows = StixObject.objects.order_by("id").values_list("version", "tlp", "is_current")
    assert list(rows) == [
        (version_key(DAYS[1]), Tlp.GREEN, True),
        (version_key(DAYS[1]), tlp, False),
        (version_key(DAYS[2]), tlp, True),
    ]
    assert (counts.new, again.new, again.known) == (2, 0, 1)


def test_who_is_named_makes_the_audience_of_what_is_red(at: Node) -> None:
    one, other = person(), person()
    at.ours(version(1), tlp=Tlp.RED, readers=[one, other])
    at.ours(version(1), tlp=Tlp.RED, readers=[other, one])
    at.ours(version(1), tlp=Tlp.RED, readers=[one])
    assert StixObject.objects.values("audience").distinct().count() == StixObject.objects.count() == 2


def test_what_others_hold_for_themselves_is_neither_known_nor_differing(at: Node) -> None:
    at.ours(version(1, name="secret"), tlp=Tlp.RED, readers=[person()])
    counts = at.ours(version(1), tlp=Tlp.GREEN)
    assert (counts.new, counts.known, counts.differing) == (1, 0, [])
    # what everybody holds is compared with what is for fewer, but one text does not differ from itself
    same = at.ours(version(1), tlp=Tlp.AMBER_STRICT)
    other = at.ours(version(1, name="other"), tlp=Tlp.RED, readers=[person()])
    assert (same.differing, other.differing) == ([], [FIRST])


def test_what_a_partner_raised_and_took_back_is_as_it_was(at: Node) -> None:
    at.theirs(at.east, version(1), tlp=Tlp.GREEN)
    again = at.theirs(at.south, version(1), tlp=Tlp.RED, readers=[person()])
    remove_release(again)
    row = current(FIRST)
    assert (row.origin, row.tlp) == (at.east.node, Tlp.GREEN)
    assert held(FIRST)[1:] == [(at.south.node, version_key(DAYS[1]), False)]


def test_what_a_partner_sent_is_not_lowered_by_importing_it_again(at: Node) -> None:
    at.theirs(at.south, version(1), tlp=Tlp.AMBER)
    at.ours(version(1), tlp=Tlp.CLEAR)
    assert current(FIRST).tlp == Tlp.AMBER


def test_a_partner_cannot_take_our_own_objects_out_of_our_hands_by_marking_them_red(at: Node) -> None:
    at.ours(version(1), tlp=Tlp.CLEAR)
    at.theirs(at.south, version(1), tlp=Tlp.RED)
    at.theirs(at.south, version(1), tlp=Tlp.AMBER)
    rows = StixObject.objects.filter(stix_id=FIRST).order_by("tlp")
    assert [(row.origin, row.tlp) for row in rows] == [("", Tlp.CLEAR), (at.south.node, Tlp.RED)]


def test_a_partners_object_is_raised_by_another_partner(at: Node) -> None:
    at.theirs(at.south, version(1), tlp=Tlp.GREEN)
    at.theirs(at.east, version(1), tlp=Tlp.AMBER)
    assert current(FIRST).tlp == Tlp.AMBER


def test_a_red_object_names_the_persons_of_each_source(at: Node) -> None:
    one, other = person(), person()
    at.theirs(at.south, version(1), tlp=Tlp.RED, readers=[one])
    gone = at.theirs(at.east, version(1), tlp=Tlp.RED, readers=[other])
    assert set(NamedReader.objects.values_list("person_id", flat=True)) == {one.pk, other.pk}
    remove_release(gone)
    assert set(NamedReader.objects.values_list("person_id", flat=True)) == {one.pk}


def test_nobody_is_named_on_what_is_not_red(at: Node) -> None:
    at.ours(version(1), tlp=Tlp.AMBER_STRICT, readers=[person()])
    assert not NamedReader.objects.exists()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ours", "south", "east", "withdraw"]),
        st.integers(0, 3),  # which version
        st.sampled_from(["plain", "other words"]),
        st.sampled_from(list(Tlp)),
        st.booleans(),  # whether the object bears the marking itself
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_comes_and_goes_no_marking_is_lowered_and_one_version_is_current(
    at: Node, steps: list[tuple[str, int, str, Tlp, bool]]
) -> None:
    with transaction.atomic():
        levels: dict[int, int] = {}
        releases: list[Release] = []
        for who, day, words, tlp, bears in steps:
            value = version(day, name=words)
            value = marked(value, tlp) if bears else value
            if who == "withdraw":
                if releases:
                    remove_release(releases.pop(day % len(releases)))
            elif who == "ours":
                at.ours(value, tlp=tlp)
            else:
                releases.append(at.theirs(getattr(at, who), value, tlp=tlp))
            _holds(levels)
        transaction.set_rollback(True)


def _holds(levels: dict[int, int]) -> None:
    rows = list(StixObject.objects.order_by("id"))
    live = [row for row in rows if row.state == StixObject.State.LIVE]
    for row in rows:
        assert row.tlp >= levels.get(row.id, Tlp.CLEAR), "a marking was lowered"
        levels[row.id] = row.tlp
        assert (row.text == "") == (row.state == StixObject.State.WITHDRAWN)
        assert row.sources.exists() == (row.state == StixObject.State.LIVE)
    for audience in {row.audience for row in rows}:
        among = [row for row in live if row.audience == audience]
        chosen = [row for row in rows if row.is_current and row.audience == audience]
        assert len(chosen) == min(1, len(among))
        if any(not row.origin for row in among):
            assert not chosen[0].origin, "a partner's word stands before ours"
    imported = {each.object_id for each in Source.objects.filter(imported__isnull=False)}
    assert {row.id for row in live if not row.origin} == imported


# ---- taking back ------------------------------------------------------------------------------------------------


def test_withdrawal_removes_the_content_and_leaves_the_identifier(at: Node) -> None:
    release = at.theirs(at.south, version(1), report(1, FIRST))
    assert remove_release(release) == 2
    row = StixObject.objects.get(stix_id=FIRST)
    assert (row.state, row.is_current) == (StixObject.State.WITHDRAWN, False)
    assert (row.name, row.summary, row.search, row.text, row.received) == ("", "", "", "", "")
    assert not Reference.objects.exists()
    assert not Source.objects.exists()


def test_content_that_another_release_brought_too_stays_and_is_that_partners_word(at: Node) -> None:
    release = at.theirs(at.south, version(1))
    at.theirs(at.east, version(1))
    assert remove_release(release) == 0
    assert held(FIRST) == [(at.east.node, version_key(DAYS[1]), True)]


def test_content_that_we_imported_too_stays_ours(at: Node) -> None:
    release = at.theirs(at.south, version(1))
    at.ours(version(1))
    remove_release(release)
    assert held(FIRST) == [("", version_key(DAYS[1]), True)]
    assert current(FIRST).text != ""


def test_after_a_withdrawal_the_version_before_is_current_again(at: Node) -> None:
    at.theirs(at.south, version(1))
    newer = at.theirs(at.south, version(2))
    remove_release(newer)
    assert current(FIRST).version == version_key(DAYS[1])


def test_after_the_first_speaker_took_its_word_back_the_second_is_heard(at: Node) -> None:
    first = at.theirs(at.south, version(9))
    at.theirs(at.east, version(1))
    remove_release(first)
    assert current(FIRST).origin == at.east.node


def test_what_was_withdrawn_comes_back_whole_when_it_is_sent_again(at: Node) -> None:
    tie = sdo(
        "relationship",
        4,
        relationship_type="indicates",
        source_ref=FIRST,
        target_ref=identifier("malware", 2),
        description="came back",
    )
    remove_release(at.theirs(at.south, tie))
    at.theirs(at.east, tie)
    row = current(tie["id"])
    assert (row.state, row.origin, row.summary) == (StixObject.State.LIVE, at.east.node, "came back")
    assert "came" in row.search
    assert Reference.objects.filter(source=row).count() == 2
    assert StixObject.objects.filter(stix_id=tie["id"]).count() == 1


def test_many_objects_are_taken_back_in_a_few_statements(
    at: Node, django_assert_max_num_queries: Any
) -> None:
    release = at.theirs(at.south, *(indicator(number) for number in range(1, 1201)))
    with django_assert_max_num_queries(60):
        assert remove_release(release) == 1200


# ---- batches and writers ----------------------------------------------------------------------------------------


def test_more_than_one_batch_is_stored_and_counted_on_the_way(at: Node) -> None:
    imported = Import.objects.create(
        name="file", file="", size=1, default_tlp=0, organisation=at.organisation
    )
    origin = Origin(at.organisation, imported=imported)
    objects = prepared(*(indicator(number) for number in range(1, 1102)))
    assert [each.new for each in store(objects, origin)][-1] == 1101
    assert StixObject.objects.filter(is_current=True).count() == 1101
    assert Source.objects.filter(is_first=True).count() == 1101


def test_the_longest_names_that_stix_allows_are_stored(at: Node) -> None:
    kind = "x-" + "a" * 248
    value = sdo(kind, 1, **{"b" * 246 + "_ref": f"{kind}--{uuid7()}"})
    at.ours(value)
    row = current(value["id"])
    assert row.type == kind
    assert Reference.objects.get(source=row).target.startswith(kind)


def test_a_reference_longer_than_any_identifier_is_cut_and_not_refused(at: Node) -> None:
    at.ours(sdo("x-thing", 1, other_ref="y" * 5000))
    assert len(Reference.objects.get().target) == 300


def test_a_source_is_an_import_or_a_release_and_never_both_or_neither(at: Node) -> None:
    at.ours(version(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Source.objects.create(object=current(FIRST))
