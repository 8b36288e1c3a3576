"""A lane of a partner that this node joined later: begun at a signed floor, verified from there on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.exchange import acknowledge
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange import receiving
from taawun.cooperation.partners.exchange.receiving import known_head
from taawun.cooperation.partners.exchange.wire import LaneOffer
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, floors, witness
from taawun.cooperation.partners.logs.offers import Offered
from taawun.cooperation.partners.logs.proving import prove_lanes
from taawun.cooperation.partners.models import Lane, LaneEntry, ToldHead
from taawun.cooperation.partners.wording import stop_reason
from taawun.foundation.clock import now
from taawun.foundation.strict_json import canonical, parse
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.lanes import TheirLane

BEGINS = 3


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT", nation="XS")


@pytest.fixture
def agreement(south: PartnerNode) -> Agreement:
    return agreement_in_force(south, clauses=(clause(history="all"),))


def _floor(lane: TheirLane, seq: int = BEGINS) -> floors.Floor:
    return floors.Floor(
        lane=lane.row.id,
        reader=settings.BASE_URL,
        agreement=lane.row.agreement or uuid4(),
        clause="1",
        seq=seq,
        prev=lane.entries[seq - 1].digest if seq else "0" * 64,
        at=now(),
    )


def _their_lane(south: PartnerNode, agreement: Agreement, entries: int = 6) -> TheirLane:
    """A lane of theirs that is not kept here yet."""
    version = agreement.versions.get()
    row = Lane(purpose=Lane.Purpose.CLAUSE, sender=south.row, agreement=agreement.id, clause="1")
    lane = TheirLane(south, row, agreement=version.digest, clause="1")
    lane.open()
    for number in range(1, entries):
        lane.write(kind="tests.note", subject=f"urn:test:{number}", version="1", content=b'{"n":%d}' % number)
    return lane


def _offer(lane: TheirLane, floor: str = "", **changes: Any) -> LaneOffer:
    said = {
        "lane": lane.row.id,
        "purpose": "clause",
        "agreement": lane.row.agreement,
        "clause": "1",
        "head": lane.head(),
        "floor": floor,
        **changes,
    }
    return LaneOffer(**said)


def _begun(lane: TheirLane, seq: int = BEGINS) -> TheirLane:
    """The same lane, begun here at a floor."""
    floor = floors.write(_floor(lane, seq), lane.sender.key)
    row = Offered(lane.sender.row).lane_of(_offer(lane, floor))
    assert row is not None
    lane.row = row
    return lane


def test_a_lane_begins_at_the_floor_that_its_sender_signed_and_goes_on_from_there(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _begun(_their_lane(south, agreement))
    assert (lane.row.head_seq, lane.row.head_digest) == (BEGINS - 1, lane.entries[BEGINS - 1].digest)
    assert lane.deliver() == [("done", "")] * 3
    assert [subject for subject, _version, _content in notes.received] == [f"urn:test:{n}" for n in (3, 4, 5)]
    lane.row.refresh_from_db()
    assert (lane.row.state, lane.row.head_seq) == ("running", 5)
    # what is read again, also from before the floor, is nothing new
    assert lane.take(lane.page()) == 0
    proof = prove_lanes()
    assert (proof.entries, proof.broken) == (3, ())


def test_history_from_the_beginning_has_a_floor_of_nought(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _begun(_their_lane(south, agreement), seq=0)
    assert lane.deliver() == [("done", "")] * 6


def test_a_lane_that_says_again_and_again_who_joined_it_is_stopped(
    south: PartnerNode, agreement: Agreement, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MOST_JOINED", 3)
    lane = _begun(_their_lane(south, agreement, entries=2), seq=0)
    for number in range(5):
        said = canonical({"joined": [], "audience": [settings.BASE_URL, f"{south.node}#{number}"]})
        lane.write(kind="lane.joined", content=said, audience=(settings.BASE_URL, south.node))
        if number == 1:
            # what came with an earlier page counts
            assert lane.take() == 4
    with pytest.raises(ChainBroken) as broken:
        lane.take()
    assert (broken.value.code, broken.value.seq) == ("too-many-joined", 5)
    lane.row.refresh_from_db()
    # what came before is kept
    assert lane.row.head_seq == 4
    assert stop_reason("too-many-joined") == "it announces new readers more often than a lane may"


@pytest.mark.parametrize(
    "fault",
    [
        {"reader": "https://elsewhere.example"},
        {"lane": uuid4()},
        {"clause": "2"},
        {"agreement": uuid4()},
        {"prev": "0" * 64},
        {"seq": 0},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_a_floor_that_is_not_for_this_node_and_lane_begins_none(
    south: PartnerNode, agreement: Agreement, fault: dict[str, Any]
) -> None:
    lane = _their_lane(south, agreement)
    offered = Offered(south.row)
    floor = floors.write(replace(_floor(lane), **fault), south.key)
    assert offered.lane_of(_offer(lane, floor)) is None
    assert offered.fault
    assert not Lane.objects.exists()


def test_a_floor_that_another_signed_begins_no_lane(south: PartnerNode, agreement: Agreement) -> None:
    lane = _their_lane(south, agreement)
    forged = floors.write(_floor(lane), partner("Other").key)
    assert Offered(south.row).lane_of(_offer(lane, forged)) is None
    assert Offered(south.row).lane_of(_offer(lane, "no token")) is None
    assert Offered(south.row).lane_of(_offer(lane, "x" * 5000)) is None
    assert not Lane.objects.exists()


def test_what_does_not_follow_the_signed_floor_is_a_fork(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _begun(_their_lane(south, agreement))
    other = _their_lane(south, agreement)
    other.row = lane.row
    with pytest.raises(ChainBroken) as broken:
        lane.take([lane.forged(lane.entries[BEGINS], prev="d" * 64).line, chain.write_head_line(lane.head())])
    assert (broken.value.code, broken.value.seq) == ("fork", BEGINS)
    assert not LaneEntry.objects.filter(lane=lane.row).exists()


def test_a_head_below_the_floor_is_a_lane_cut_short_and_one_at_it_is_compared(
    south: PartnerNode, agreement: Agreement
) -> None:
    lane = _begun(_their_lane(south, agreement))
    assert known_head(lane.row, south.row, lane.head(BEGINS - 1)).seq == BEGINS - 1
    with pytest.raises(ChainBroken) as broken:
        known_head(lane.row, south.row, lane.head(0))
    assert broken.value.code == "truncated"
    wrong = chain.write_head(chain.Head(lane.row.id, BEGINS - 1, "d" * 64, now()), south.key)
    with pytest.raises(ChainBroken) as broken:
        known_head(lane.row, south.row, wrong)
    assert broken.value.code == "fork"


def test_heads_that_others_show_of_what_stands_before_the_floor_alarm_nobody(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _begun(_their_lane(south, agreement))
    west = partner("Western CERT", nation="XW")
    lane.deliver()
    # whom the lane was opened for: they are named by an entry that is held here
    lane.write(kind="lane.joined", content=b"{}", audience=(settings.BASE_URL, west.node))
    lane.take()
    token = lane.head(1, at=now() - timedelta(minutes=5))
    ToldHead.objects.create(
        lane=lane.row,
        teller=west.row,
        seq=1,
        digest=lane.entries[1].digest,
        token=token,
        signed=now(),
        heard=now(),
    )
    assert witness.compare() == 0
    lane.row.refresh_from_db()
    assert lane.row.state == "running"


def test_an_altered_floor_is_found_by_the_proof(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _begun(_their_lane(south, agreement))
    lane.deliver()
    Lane.objects.filter(id=lane.row.id).update(floor="", floor_digest="d" * 64)
    assert [each.code for each in prove_lanes().broken] == ["gap"]
    Lane.objects.filter(id=lane.row.id).update(floor=floors.write(_floor(lane), south.key))
    assert [each.code for each in prove_lanes().broken] == ["altered"]


def test_it_is_receipted_from_the_floor_on(south: PartnerNode, agreement: Agreement, notes: Notes) -> None:
    lane = _begun(_their_lane(south, agreement))
    lane.deliver()
    acknowledge(lane.row, south.row)
    sent = LaneEntry.objects.get(lane__sender=None, kind="receipt")
    said = parse(contents.get(sent.content_digest))
    assert (said["from"], said["to_seq"]) == (BEGINS, 5)
    assert chain.read_header(sent.header, node_key().public).to == south.node


# ---- brought by who cannot be called -----------------------------------------------------------------------------


def _delivered(lane: TheirLane, first: int, floor: str) -> tuple[int, object]:
    """What a node that cannot be called is answered to a page that begins at an entry."""
    said = {
        "lane": str(lane.row.id),
        "purpose": "clause",
        "agreement": str(lane.row.agreement),
        "clause": "1",
        "head": lane.head(),
        "floor": floor,
    }
    lines = [entry.line for entry in lane.entries[first:]]
    body = b"".join([canonical(said), b"\n", *lines, chain.write_head_line(lane.head())])
    path = "/federation/inbox"
    headers = lane.sender.sign("POST", path, body)
    answer = Client().generic("POST", path, body, content_type="application/jsonl", headers=headers)
    return answer.status_code, answer.json()["held"] if answer.status_code in {200, 409} else None


def test_a_lane_that_is_brought_begins_at_its_floor_too(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _their_lane(south, agreement)
    floor = floors.write(_floor(lane), south.key)
    # what is later than the floor leaves a gap, and says where to go on
    assert _delivered(lane, BEGINS + 1, floor) == (409, BEGINS - 1)
    assert _delivered(lane, BEGINS, floors.write(_floor(lane), partner("Other").key))[0] == 400
    assert not Lane.objects.filter(purpose="clause").exists()
    assert _delivered(lane, BEGINS, floor) == (200, 5)
    held = Lane.objects.get(purpose="clause")
    assert (held.floor_seq, held.head_seq, held.state) == (BEGINS, 5, "running")


def test_the_beginning_of_a_lane_that_was_opened_for_others_is_taken_with_a_floor_alone(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _their_lane(south, agreement, entries=0)
    lane.entries.clear()
    opening = {
        "sender": south.node,
        "purpose": "clause",
        "agreement": str(agreement.id),
        "clause": "1",
        "audience": ["https://west.example"],
        "whole": True,
    }
    lane.write(kind="lane.opened", content=canonical(opening), audience=("https://west.example",))
    assert _delivered(lane, 0, "")[0] == 403
    assert _delivered(lane, 0, floors.write(_floor(lane, 0), south.key)) == (200, 0)
