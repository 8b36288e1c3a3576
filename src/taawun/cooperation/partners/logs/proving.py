"""Walking the lanes that are kept here, ours and our partners', to prove that nothing in them was changed.

What a lane is held to is what a reader holds it to (docs/protocol.md, "Lanes"), and that our own rows still say what
the signed headers say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Q

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.logs import chain, contents, floors
from taawun.cooperation.partners.models import GENESIS, Lane, LaneEntry
from taawun.foundation.signing import SignatureRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from taawun.cooperation.partners.identity.lineage import Lineage

__all__ = ["BrokenLane", "LanesProof", "prove_lanes"]

# entries in memory at once; with each of them comes a content of at most `chain.INLINE_BYTES`
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class BrokenLane:
    """Where a lane does not hold.

    Args:
        lane: its id here.
        sender: whose it is: a base address.
        seq: the first entry that does not fit.
        code: as in :class:`~taawun.cooperation.partners.errors.ChainBroken`, or ``altered`` where a row here says
            something else than its header.
        detail: one English sentence without its full stop.
    """

    lane: UUID
    sender: str
    seq: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class LanesProof:
    """What a walk over all lanes found.

    Args:
        lanes: how many there are.
        entries: how many entries were read and fit.
        broken: the first break of each lane that has one.
    """

    lanes: int
    entries: int
    broken: tuple[BrokenLane, ...]


def prove_lanes(progress: Callable[[int], None] = lambda _entries: None) -> LanesProof:
    """Walk every lane from its first entry and verify each: place, chain, signature, content, and our row of it.

    It reads a small batch at a time, however long a lane is, and what is appended meanwhile is left for the next walk.

    Args:
        progress: told every now and then how many entries were read.

    Raises:
        KeyUnusable: this node's own key is not there to verify with.
    """
    lanes, entries, broken = 0, 0, list[BrokenLane]()
    for lane in list(Lane.objects.select_related("sender", "part_of").order_by("opened", "id")):
        lanes += 1
        sender = lane.sender.node if lane.sender else settings.BASE_URL
        try:
            for _entry in _walk(lane, sender):
                entries += 1
                if entries % _BATCH == 0:
                    progress(entries)
        except ChainBroken as found:
            # with a stranger that is forgotten its lanes go, and that may be just now
            if Lane.objects.filter(id=lane.id).exists():
                broken.append(BrokenLane(lane.id, sender, found.seq, found.code, str(found)))
    return LanesProof(lanes, entries, tuple(broken))


def _walk(lane: Lane, sender: str) -> Iterator[chain.Header]:
    """Every entry that fits, in order.

    Raises:
        ChainBroken: at the first that does not.
    """
    if lane.head_seq < 0:
        return
    keys = _keys_of(lane)
    seq, digest = _beginning(lane)
    # entries and head are committed together: up to the head that was read all must be there
    rows = LaneEntry.objects.filter(lane=lane, seq__lte=lane.head_seq).order_by("seq")
    while batch := list(rows.filter(seq__gt=seq)[:_BATCH]):
        held = contents.measured(lane, {row.content_digest for row in batch if row.content_digest})
        for row in batch:
            header = _verified(row, keys, expected=seq + 1)
            chain.check_next(header, lane=lane.wire_id, sender=sender, head_seq=seq, head_digest=digest)
            seq, digest = header.seq, chain.digest_of(row.header)
            _check_row(row, header, digest)
            _check_content(header, held.get(header.digest))
            yield header
    if (seq, digest) != (lane.head_seq, lane.head_digest):
        raise ChainBroken("truncated", seq + 1, f"the lane should end at {lane.head_seq} and ends at {seq}")


def _beginning(lane: Lane) -> tuple[int, str]:
    """Before which entry a lane's rows begin: what a restart left behind follows an entry of the lane that went on."""
    if lane.part_of is None:
        return _floor_of(lane)
    first = LaneEntry.objects.filter(lane=lane).order_by("seq").values_list("seq", flat=True).first()
    if not first:
        return -1, GENESIS
    # where that lane was cut again, further back, the entry was left behind too
    same = Q(lane=lane.part_of) | Q(lane__part_of=lane.part_of)
    held = LaneEntry.objects.filter(same, seq=first - 1)
    header = chain.read_header(LaneEntry.objects.get(lane=lane, seq=first).header, _keys_of(lane))
    if not held.filter(digest=header.prev).exists():
        raise ChainBroken("gap", first, f"the entry before {first} is missing")
    return first - 1, header.prev


def _floor_of(lane: Lane) -> tuple[int, str]:
    """What stands before a lane's first entry here: nothing, or what its sender signed where this node joined later."""
    if lane.floor:
        floor = floors.read(lane.floor, _keys_of(lane))
        if (floor.seq, floor.prev) != (lane.floor_seq, lane.floor_digest):
            raise ChainBroken("altered", lane.floor_seq, "its floor here is not the one that was signed")
    elif (lane.floor_seq, lane.floor_digest) != (0, GENESIS):
        raise ChainBroken("gap", 0, "its first entries are missing, and no signed floor says why")
    return lane.floor_seq - 1, lane.floor_digest


def _keys_of(lane: Lane) -> Lineage:
    if lane.sender is None:
        return own_lineage()
    try:
        return lineage_of(lane.sender)
    except SignatureRefused as refused:
        raise ChainBroken("signature", 0, f"the key of its sender cannot be used: {refused}") from None


def _verified(row: LaneEntry, keys: Lineage, *, expected: int) -> chain.Header:
    if row.seq != expected:
        raise ChainBroken("gap", expected, f"entry {expected} is missing; the next that is held is {row.seq}")
    try:
        return chain.read_header(row.header, keys)
    except ChainBroken as broken:
        raise ChainBroken(broken.code, row.seq, str(broken).rstrip(".")) from None


def _check_row(row: LaneEntry, header: chain.Header, digest: str) -> None:
    """What is looked up by its columns must be what was signed."""
    said = {
        "digest": digest,
        "kind": header.kind,
        "subject": header.subject,
        "version": header.version,
        "action": header.action,
        "content_digest": header.digest,
        "size": header.size,
        "issued": header.issued,
    }
    for column, value in said.items():
        if getattr(row, column) != value:
            raise ChainBroken("altered", row.seq, f"its {column} here is not that of its signed header")


def _check_content(header: chain.Header, held: tuple[int, str] | None) -> None:
    """What is held of its content, byte for byte; what was withdrawn, or has not come, is not held."""
    if held is None or held == (header.size, header.digest):
        return
    size, digest = held
    found = f"{size} bytes of the digest {digest[:12]}… are" if digest else "they are not"
    raise ChainBroken(
        "digest",
        header.seq,
        f"its content is {header.size} bytes of the digest {header.digest[:12]}…, and {found} kept here",
    )
