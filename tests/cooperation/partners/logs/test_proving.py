"""Nothing in a lane that is kept here can be changed unseen, whether it is ours or a partner's."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.partners.logs import chain, contents, lanes
from taawun.cooperation.partners.logs.proving import BrokenLane, LanesProof, prove_lanes
from taawun.cooperation.partners.models import Content, Holding, Lane, LaneEntry, Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from tests.cast import PartnerNode, partner
from tests.lanes import TheirLane, clause_lane, talk_lane

LARGE = b'"' + b"x" * chain.INLINE_BYTES + b'"'


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    return partner()


@pytest.fixture
def ours(south: PartnerNode) -> Lane:
    """A lane of ours with five entries."""
    lane = lanes.open_clause_lane(
        agreement=uuid4(), document="d" * 64, clause="1", readers=[south.row], audience=[south.node]
    )
    lanes.append(lane, [_item(number) for number in range(1, 5)])
    return lane


@pytest.fixture
def theirs(south: PartnerNode) -> TheirLane:
    """A lane of a partner with five entries, all of them taken."""
    lane = clause_lane(south, None)
    for number in range(1, 5):
        lane.write(kind="tests.note", content=b'{"theirs":%d}' % number)
    assert lane.take() == 5
    return lane


def _item(number: int, content: bytes | None = None, action: str = "publish") -> lanes.Item:
    body = b'{"ours":%d}' % number if content is None else content
    return lanes.Item(
        kind="tests.note",
        subject=f"urn:test:{number}",
        version="1",
        action=action,
        tlp=Tlp.GREEN,
        content=None if action == "withdraw" else body,
    )


def _only_break(proof: LanesProof) -> tuple[int, str]:
    (broken,) = proof.broken
    return broken.seq, broken.code


# ---- what holds -------------------------------------------------------------------------------------------------


def test_a_node_without_lanes_has_nothing_that_could_be_broken(node: Organisation) -> None:
    assert prove_lanes() == LanesProof(0, 0, ())


def test_lanes_of_ours_and_of_partners_hold(south: PartnerNode, ours: Lane, theirs: TheirLane) -> None:
    lanes.talk_lane(south.row)
    talk = talk_lane(partner("West", nation="XW"))
    talk.say("tests.said", {})
    talk.take()
    Lane.objects.create(purpose=Lane.Purpose.TALK, sender=south.row)
    assert prove_lanes() == LanesProof(5, 5 + 5 + 1 + 2, ())


def test_a_lane_under_another_id_than_its_sender_gave_it_holds(south: PartnerNode) -> None:
    row = Lane.objects.create(purpose=Lane.Purpose.CLAUSE, sender=south.row, alias=uuid4())
    lane = TheirLane(south, row)
    lane.open()
    lane.take()
    assert prove_lanes() == LanesProof(1, 1, ())


def test_what_was_withdrawn_and_what_never_came_is_missed_by_nobody(ours: Lane, theirs: TheirLane) -> None:
    lanes.append(ours, [_item(2, action="withdraw")])
    gone = LaneEntry.objects.get(lane=ours, seq=2)
    LaneEntry.objects.filter(id=gone.id).update(state=LaneEntry.State.WITHDRAWN)
    assert contents.drop_unused(gone.content_digest)
    large = theirs.write(content=LARGE)
    theirs.take([chain.write_line(large.token, None), chain.write_head_line(theirs.head())])
    assert prove_lanes() == LanesProof(2, 12, ())


def test_a_large_content_is_read_from_its_file(ours: Lane) -> None:
    lanes.append(ours, [_item(5, LARGE)])
    assert Content.objects.get(digest=sha256(LARGE)).body is None
    assert prove_lanes() == LanesProof(1, 6, ())


def test_what_is_appended_during_the_walk_is_left_for_the_next(
    ours: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = contents.measured

    def append_and_measure(*given: Any) -> Any:
        monkeypatch.setattr(contents, "measured", measured)
        lanes.append(ours, [_item(5)])
        return measured(*given)

    monkeypatch.setattr(contents, "measured", append_and_measure)
    assert prove_lanes() == LanesProof(1, 5, ())
    assert prove_lanes() == LanesProof(1, 6, ())


# ---- what does not ----------------------------------------------------------------------------------------------


def _cut_out(rows: Any) -> None:
    rows.filter(seq=2).delete()


def _cut_off(rows: Any) -> None:
    rows.filter(seq__gte=3).delete()


def _empty(rows: Any) -> None:
    rows.all().delete()


def _renumber(rows: Any) -> None:
    for seq in (4, 3):
        rows.filter(seq=seq).update(seq=seq + 1)


def _exchange(rows: Any) -> None:
    two, three = rows.get(seq=2), rows.get(seq=3)
    for seq, taken in ((2, three), (3, two)):
        rows.filter(seq=seq).update(header=taken.header, digest=taken.digest)


def _change_a_letter(rows: Any) -> None:
    row = rows.get(seq=2)
    head, payload, signature = row.header.split(".")
    changed = payload[:-2] + ("A" if payload[-2] != "A" else "B") + payload[-1]
    rows.filter(seq=2).update(header=f"{head}.{changed}.{signature}")


@pytest.mark.parametrize("whose", ["ours", "theirs"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_cut_out, (2, "gap")),
        (_cut_off, (3, "truncated")),
        (_empty, (0, "truncated")),
        (_renumber, (3, "gap")),
        (_exchange, (2, "gap")),
        (_change_a_letter, (2, "signature")),
        (lambda rows: rows.filter(seq=2).update(header="junk"), (2, "signature")),
        (lambda rows: rows.filter(seq=2).update(digest="d" * 64), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(kind="tests.other"), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(subject="urn:test:other"), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(version="2"), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(action="withdraw"), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(content_digest=""), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(size=F("size") + 1), (2, "altered")),
        (lambda rows: rows.filter(seq=2).update(issued=F("issued") + timedelta(seconds=1)), (2, "altered")),
    ],
)
def test_a_change_breaks_the_lane_at_its_entry(
    south: PartnerNode,
    ours: Lane,
    theirs: TheirLane,
    whose: str,
    change: Callable[[Any], None],
    expected: tuple[int, str],
) -> None:
    lane = ours if whose == "ours" else theirs.row
    change(LaneEntry.objects.filter(lane=lane))
    proof = prove_lanes()
    assert (_only_break(proof), proof.lanes, proof.entries) == (expected, 2, 5 + expected[0])
    sender = settings.BASE_URL if whose == "ours" else south.node
    assert (proof.broken[0].lane, proof.broken[0].sender) == (lane.id, sender)


def test_a_head_that_names_another_header_than_the_last_is_told(ours: Lane) -> None:
    Lane.objects.filter(id=ours.id).update(head_digest="d" * 64)
    assert _only_break(prove_lanes()) == (5, "truncated")


def test_an_entry_that_another_key_signed_is_told(theirs: TheirLane) -> None:
    forged = theirs.forged(theirs.entries[4], SigningKey.generate())
    LaneEntry.objects.filter(lane=theirs.row, seq=4).update(header=forged.token, digest=forged.digest)
    assert _only_break(prove_lanes()) == (4, "signature")


def test_an_entry_that_the_sender_signed_anew_breaks_the_chain_after_it(theirs: TheirLane) -> None:
    forged = theirs.forged(theirs.entries[2], subject="urn:test:other")
    LaneEntry.objects.filter(lane=theirs.row, seq=2).update(
        header=forged.token, digest=forged.digest, subject="urn:test:other"
    )
    assert _only_break(prove_lanes()) == (3, "fork")


def test_an_entry_of_another_lane_is_told(south: PartnerNode, theirs: TheirLane) -> None:
    other = clause_lane(south, None, clause="2")
    other.take()
    LaneEntry.objects.filter(lane=theirs.row, seq=0).update(
        header=other.entries[0].token, digest=other.entries[0].digest
    )
    assert _only_break(prove_lanes()) == (0, "sender")


def test_a_sender_whose_key_is_none_is_told(south: PartnerNode, theirs: TheirLane) -> None:
    Partner.objects.filter(id=south.row.id).update(jwk={})
    assert _only_break(prove_lanes()) == (0, "signature")


@pytest.mark.parametrize("body", [b'{"ours":3}', b"", b'{"ours":2} '])
def test_a_content_with_other_bytes_is_told(ours: Lane, body: bytes) -> None:
    digest = LaneEntry.objects.get(lane=ours, seq=2).content_digest
    Content.objects.filter(digest=digest).update(body=body)
    assert _only_break(prove_lanes()) == (2, "digest")


@pytest.mark.parametrize("left", [None, LARGE[:-1], LARGE.replace(b"xx", b"xy", 1)])
def test_a_file_that_was_changed_or_lost_is_told(ours: Lane, left: bytes | None) -> None:
    lanes.append(ours, [_item(5, LARGE)])
    digest = sha256(LARGE)
    place = f"{digest[:2]}/{digest[2:4]}/{digest}"
    default_storage.delete(place)
    if left is not None:
        default_storage.save(place, ContentFile(left))
    try:
        (broken,) = prove_lanes().broken
        found = f"{len(left)} bytes of the digest {sha256(left)[:12]}… are" if left else "they are not"
        assert broken == BrokenLane(
            ours.id,
            settings.BASE_URL,
            5,
            "digest",
            f"its content is {len(LARGE)} bytes of the digest {digest[:12]}…, and {found} kept here",
        )
    finally:
        default_storage.delete(place)


def test_every_broken_lane_is_told_each_at_its_first_break(ours: Lane, theirs: TheirLane) -> None:
    LaneEntry.objects.filter(seq__in=(1, 3)).update(kind="tests.other")
    proof = prove_lanes()
    assert {(each.lane, each.seq) for each in proof.broken} == {(ours.id, 1), (theirs.row.id, 1)}
    assert proof.entries == 2


def test_a_lane_that_goes_with_its_sender_during_the_walk_is_not_broken(
    theirs: TheirLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(*_given: object) -> dict[str, tuple[int, str]]:
        Holding.objects.all().delete()
        Lane.objects.all().delete()
        return {}

    monkeypatch.setattr("taawun.cooperation.partners.logs.proving._BATCH", 2)
    monkeypatch.setattr(contents, "measured", forget)
    assert prove_lanes().broken == ()


# ---- how much it reads ------------------------------------------------------------------------------------------


def test_a_long_lane_is_read_in_small_batches(ours: Lane) -> None:
    lanes.append(ours, [_item(number, b'"%0100000d"' % number) for number in range(5, 400)])
    told: list[int] = []
    tracemalloc.start()
    try:
        with CaptureQueriesContext(connection) as queries:
            assert prove_lanes(told.append) == LanesProof(1, 400, ())
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told == [100, 200, 300, 400]
    # of 40 MB of contents a batch of 10 MB is held, and never more than two
    assert most < 25_000_000
    assert len(queries) == 1 + 1 + 5 + 4
