"""What a partner sends that no honest node sends: other words on what is held, other documents, other times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from taawun.cooperation.agreements.document import Document, write
from taawun.cooperation.agreements.document import parse as read
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.federation.models import Passage, Receipt, Release
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import frozen, now
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, document, partner, sign_version
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import DONE, note
from tests.lanes import TheirLane, clause_lane, talk_lane

C, D = "https://c.example", "https://d.example"
AT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


@pytest.fixture
def two(south: PartnerNode) -> tuple[TheirLane, TheirLane]:
    """Lanes of two clauses of one agreement."""
    clauses = tuple(clause(ref, tlp_max=Tlp.RED) for ref in ("1", "2"))
    agreement = agreement_in_force(south, clauses=clauses)
    return clause_lane(south, agreement, "1"), clause_lane(south, agreement, "2")


# ---- the same bytes again, with other words on them -----------------------------------------------------------------

RED = {"tlp": Tlp.RED, "persons": ("a@cert.example",)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"tlp": Tlp.GREEN}, {"tlp": Tlp.AMBER_STRICT}),
        ({"tlp": Tlp.AMBER}, {"tlp": Tlp.GREEN}),
        (RED, RED | {"persons": ("b@cert.example",)}),
        (RED, RED | {"persons": ("a@cert.example", "b@cert.example")}),
        ({"topics": ("attack:T1566",)}, {"topics": ("attack:T1059",)}),
        ({"topics": ("attack:T1566",)}, {}),
        ({}, {"audience": (settings.BASE_URL, C)}),
        ({"audience": (settings.BASE_URL, C)}, {}),
    ],
)
def test_one_version_with_other_words_on_it_over_another_clause_is_refused_with_an_alarm(
    two: tuple[TheirLane, TheirLane], notes: Notes, first: dict[str, Any], second: dict[str, Any]
) -> None:
    held, again = two
    note(held, **first)
    assert held.deliver()[1] == DONE
    note(again, **second)
    assert again.deliver()[1] == ("refused", "conflict")
    assert [each.tlp for each in Release.objects.all()] == [first.get("tlp", Tlp.GREEN)]
    assert Passage.objects.get().clause == "1"
    assert len(notes.received) == 1
    notice = Notice.objects.get(kind="federation.conflict")
    assert (notice.level, notice.params["version"]) == ("alarm", "1")


def test_what_is_said_in_another_order_or_in_other_letters_is_the_same(
    two: tuple[TheirLane, TheirLane], notes: Notes
) -> None:
    persons, topics = ("a@cert.example", "b@cert.example"), ("attack:T1566", "attack:T1059")
    for lane, named, about in zip(
        two, (persons, ("B@cert.example", "a@cert.example")), (topics, topics[::-1]), strict=True
    ):
        note(lane, tlp=Tlp.RED, persons=named, topics=about)
        assert lane.deliver()[1] == DONE
    assert Release.objects.get().passages.count() == 2


def test_what_came_over_two_lanes_to_other_readers_goes_on_within_the_bounds_of_both(
    two: tuple[TheirLane, TheirLane], notes: Notes
) -> None:
    """A node and its guest may have one release by two clauses: an honest sender names others on each lane."""
    for lane, others in zip(two, ((C, D), (C,)), strict=True):
        note(lane, audience=(settings.BASE_URL, *others))
        assert lane.deliver()[1] == DONE
    release = Release.objects.get()
    assert release.facts().origin.bound == frozenset({settings.BASE_URL, C})
    assert release.passages.count() == 2


# ---- the document it is sent under ----------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["ab" * 32, ""])
def test_what_names_a_document_that_nobody_agreed_to_waits_for_it(
    south: PartnerNode, notes: Notes, document: str
) -> None:
    lane = clause_lane(south, agreement_in_force(south))
    note(lane, agreement=document)
    assert lane.deliver()[1] == ("pending", "unknown-agreement")
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    ("gave", "outcome"), [("from-accession", ("unopened", "before-accession")), ("all", ("done", ""))]
)
def test_what_was_sent_before_this_node_joined_is_opened_where_its_clause_gave_history_then(
    south: PartnerNode, notes: Notes, gave: str, outcome: tuple[str, str]
) -> None:
    east = partner("Eastern CERT", nation="XE")
    with frozen(now() - timedelta(days=2)) as clock:
        both = document(south, east, depositary=south, clauses=(clause(history="all"),))
        others = tuple(each for each in both.parties if each.node != settings.BASE_URL)
        first = read(write(replace(both, parties=others, clauses=(clause(history=gave),))))
        agreement = Agreement.objects.create(id=first.id, number=1, titles=first.title.to_json())
        _signed_by(agreement, first, south, east)
        clock.advance(timedelta(hours=1))
        lane = clause_lane(south, agreement)
        note(lane)
    next_one = read(write(replace(both, version=2, supersedes=first.digest)))
    held = _signed_by(agreement, next_one, south, east)
    sign_version(held, settings.BASE_URL, node_key())
    assert lane.deliver()[-1] == outcome


def _signed_by(agreement: Agreement, text: Document, *nodes: PartnerNode) -> Version:
    version = Version.objects.create(
        agreement=agreement,
        number=text.version,
        text=text.text,
        digest=text.digest,
        depositary=text.depositary.node,
    )
    for each in nodes:
        sign_version(version, each.node, each.key)
    return version


def test_what_was_sent_under_the_version_before_is_taken_in_under_the_next(
    south: PartnerNode, notes: Notes
) -> None:
    """Whoever was off for a month catches up: the clause lives on in the version that is in force now."""
    agreement = agreement_in_force(south)
    lane = clause_lane(south, agreement)
    first = Version.objects.get(agreement=agreement)
    text = read(write(replace(first.document(), version=2)))
    second = Version.objects.create(agreement=agreement, number=2, text=text.text, digest=text.digest)
    sign_version(second, settings.BASE_URL, node_key())
    sign_version(second, south.node, south.key)
    note(lane, 1)
    note(lane, 2, agreement=second.digest)
    assert lane.deliver() == [DONE, DONE, DONE]
    assert list(Passage.objects.order_by("entry__seq").values_list("document", flat=True)) == [
        first.digest,
        second.digest,
    ]


# ---- receipts -------------------------------------------------------------------------------------------------------


def _given(cast: Cast, south: PartnerNode) -> LaneEntry:
    """An entry of ours on a lane of a clause, which the partner reads."""
    agreement_in_force(south)
    draft = Draft("tests.note", "urn:test:1", "1", "Note", Tlp.GREEN, b"{}")
    publish(cast.analyst.actor, draft)
    return LaneEntry.objects.get(lane__sender=None, kind="tests.note")


def _sign_for(south: PartnerNode, entry: LaneEntry, outcome: str = "", **changes: Any) -> tuple[str, str]:
    talk = talk_lane(south)
    exceptions = [{"seq": entry.seq, "outcome": outcome, "reason": "x"}] if outcome else []
    said = {"lane": str(entry.lane_id), "from": 0, "to_seq": entry.seq, "head": entry.digest}
    talk.say("receipt", {**said, "exceptions": exceptions}, **changes)
    return talk.deliver()[-1]


@pytest.mark.parametrize(
    ("issued", "heard", "told"),
    [
        # not before what it signs for
        (timedelta(days=-9_000), None, timedelta()),
        (timedelta(seconds=-30), None, timedelta()),
        # nor before it was last asked, and had not said it
        (timedelta(seconds=1), timedelta(hours=2), timedelta(hours=2, seconds=-120)),
        # what is honest is left as it is
        (timedelta(hours=3), timedelta(hours=2), timedelta(hours=3)),
        (timedelta(hours=3), None, timedelta(hours=3)),
    ],
)
def test_a_receipt_is_dated_as_far_as_its_sender_is_to_be_believed(
    cast: Cast, south: PartnerNode, issued: timedelta, heard: timedelta | None, told: timedelta
) -> None:
    Partner.objects.update(descriptor_valid_until=AT + timedelta(days=9))
    with frozen(AT) as clock:
        entry = _given(cast, south)
        clock.advance(timedelta(hours=3))
        Partner.objects.filter(id=south.row.id).update(heard_until=AT + heard if heard else None)
        south.row.refresh_from_db()
        assert _sign_for(south, entry, issued=AT + issued) == DONE
    assert Receipt.objects.get(entry=entry).at == AT + told


def test_nobody_signs_for_what_still_waits(cast: Cast, south: PartnerNode) -> None:
    entry = _given(cast, south)
    assert _sign_for(south, entry, "pending") == ("refused", "malformed")
    assert not Receipt.objects.exists()


@pytest.mark.parametrize("outcome", ["unopened", "refused", "withdrawn"])
def test_what_became_of_an_entry_is_signed_for(cast: Cast, south: PartnerNode, outcome: str) -> None:
    entry = _given(cast, south)
    assert _sign_for(south, entry, outcome) == DONE
    found = Receipt.objects.get(entry=entry)
    assert (found.outcome, found.reason, found.at <= now()) == (outcome, "x", True)
