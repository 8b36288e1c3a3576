"""Pages of our own lanes, as they are served or delivered: what of them a reader may have is decided anew each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, joining, lanes
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from taawun.cooperation.partners.models import Partner
    from taawun.foundation.signing import SigningKey

__all__ = ["MOST", "is_public", "lines", "may_have", "offer", "page"]

MOST: Final = 500
_BYTES: Final = 8 * 1024 * 1024


def offer(
    lane: Lane, key: SigningKey, *, is_urgent: bool = False, newcomer: LaneReader | None = None
) -> dict[str, object]:
    """How a lane of ours is named to those who may read it, with its signed head.

    Args:
        lane: as it was read after the key.
        key: the node's key.
        is_urgent: whether something urgent waits on it.
        newcomer: a reader that joined it later, which is told from where it reads; None for any other.
    """
    said: dict[str, object] = {
        "lane": str(lane.id),
        "purpose": lane.purpose,
        "agreement": str(lane.agreement) if lane.agreement else None,
        "clause": lane.clause,
        "head": lanes.head_of(lane, key),
    }
    if newcomer is not None:
        said["floor"] = joining.floor_of(lane, newcomer, key)
    return said | ({"urgent": True} if is_urgent else {})


def page(lane: Lane, after: int, *, limit: int = MOST, most: int | None = None) -> list[LaneEntry]:
    """The entries that follow one, as many as fit; never none where there is one.

    Args:
        lane: a lane of ours.
        after: the last entry that the reader holds.
        limit: how many.
        most: how many bytes of headers and of contents that go in their lines; about 8 MiB by default.
    """
    found: list[LaneEntry] = []
    size, room = 0, _BYTES if most is None else most
    for entry in LaneEntry.objects.filter(lane=lane, seq__gt=after).order_by("seq")[:limit]:
        size += len(entry.header) + (entry.size if entry.size <= chain.INLINE_BYTES else 0)
        if found and size > room:
            break
        found.append(entry)
    return found


def lines(lane: Lane, entries: Sequence[LaneEntry], reader: Partner | None) -> Iterator[bytes]:
    """A page as it goes out: its entries, each with its content if the reader may have that now, and a head.

    Args:
        lane: a lane of ours.
        entries: as :func:`page` reads them.
        reader: None for somebody of whom nothing is known.
    """
    readable = registry.get(LanePurpose, lane.purpose).readable(lane, entries, reader)
    wanted = {
        entry.content_digest
        for entry, may in zip(entries, readable, strict=True)
        if may and entry.content_digest and entry.size <= chain.INLINE_BYTES
    }
    bodies = contents.find(wanted)
    for entry, may in zip(entries, readable, strict=True):
        yield chain.write_line(entry.header, bodies.get(entry.content_digest) if may else None)
    # the head is read after the entries, so that it never ends before the last of them, and after the key
    key = node_key()
    lane.refresh_from_db(fields=["head_seq", "head_digest"])
    yield chain.write_head_line(lanes.head_of(lane, key))


def may_have(reader: Partner, digest: str) -> bool:
    """Whether a reader may have the bytes of a digest now, over any lane of ours."""
    carrying = Lane.objects.filter(entries__content_digest=digest).distinct()
    entries = LaneEntry.objects.select_related("lane").filter(
        content_digest=digest, lane__in=lanes.read_by(reader, carrying)
    )
    newcomers = joining.newcomers(reader, [entry.lane_id for entry in entries])
    known = [entry for entry in entries if entry.seq >= joining.first_of(newcomers.get(entry.lane_id))]
    return _is_readable(known, reader)


def is_public(digest: str) -> bool:
    """Whether anybody may have the bytes of a digest now."""
    found = LaneEntry.objects.filter(content_digest=digest, lane__in=lanes.own_public_lanes())
    return _is_readable(found.select_related("lane"), None)


def _is_readable(entries: Iterable[LaneEntry], reader: Partner | None) -> bool:
    return any(
        registry.get(LanePurpose, entry.lane.purpose).readable(entry.lane, [entry], reader)[0]
        for entry in entries
    )
