"""The bytes of entries: kept once, for each lane that brought them, and gone with the last that needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

import pytest
from django.apps import apps

from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.chain import INLINE_BYTES
from taawun.cooperation.partners.models import Content, Holding, Lane, LaneEntry
from taawun.cooperation.people.models import Organisation
from taawun.foundation.digests import sha256
from tests.cast import partner
from tests.lanes import TheirLane, talk_lane

SMALL, LARGE = b'{"small":1}', b"x" * (INLINE_BYTES + 1)


@pytest.fixture
def lane(node: Organisation) -> Lane:
    return talk_lane(partner()).row


def _pieces(body: bytes) -> list[bytes]:
    return [body[:7], b"", body[7:]]


@pytest.mark.parametrize("body", [b"", SMALL, b"x" * INLINE_BYTES, LARGE], ids=len)
def test_what_comes_piece_by_piece_is_kept_as_what_comes_at_once(lane: Lane, body: bytes) -> None:
    taken = contents.take(lane, _pieces(body), digest=sha256(body), size=len(body))
    assert (taken.digest, taken.size, taken.body is None) == (
        sha256(body),
        len(body),
        len(body) > INLINE_BYTES,
    )
    assert contents.get(taken.digest) == body
    assert contents.put(lane, body) == taken
    assert (Content.objects.count(), Holding.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("came", "size"),
    [
        (b"y" * 20, 20),  # other bytes
        (b"x" * 19, 20),  # fewer
        (b"x" * 20, 19),  # more than was said
        (LARGE + b"x", len(LARGE)),
    ],
    ids=["other", "fewer", "more", "much more"],
)
def test_other_bytes_than_were_asked_for_are_not_kept(lane: Lane, came: bytes, size: int) -> None:
    with pytest.raises(contents.OtherContent):
        contents.take(lane, _pieces(came), digest=sha256(b"x" * 20), size=size)
    assert not Content.objects.exists()
    assert not Holding.objects.exists()


def test_what_is_longer_than_was_said_is_not_read_to_its_end(lane: Lane) -> None:
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield b"x" * 10

    with pytest.raises(contents.OtherContent):
        contents.take(lane, endless(), digest="ab" * 32, size=95)
    assert len(read) == 10


def _named(lane: TheirLane, body: bytes, *, state: str) -> None:
    entry = lane.write(content=body)
    lane.take()
    LaneEntry.objects.filter(lane=lane.row, seq=entry.header.seq).update(state=state)


def _held(lanes: Iterable[TheirLane]) -> list[set[str]]:
    return [set(Holding.objects.filter(lane=lane.row).values_list("content", flat=True)) for lane in lanes]


def test_what_was_kept_before_it_was_known_for_whom_is_kept_for_every_lane_that_names_it(
    node: Organisation,
) -> None:
    one, two = talk_lane(partner()), talk_lane(partner(nation="XE"))
    _named(one, b"both", state="done")
    _named(one, b"both", state="pending")
    _named(one, b"withdrawn here", state="withdrawn")
    _named(two, b"both", state="unopened")
    _named(two, b"gone", state="done")
    before = [{sha256(b"both"), lane.entries[0].header.digest} for lane in (one, two)]
    Content.objects.filter(digest=sha256(b"gone")).delete()
    Holding.objects.all().delete()
    migration = import_module("taawun.cooperation.partners.migrations.0005_by_sender")
    migration._hold_what_is_here(apps, None)
    assert _held((one, two)) == before
