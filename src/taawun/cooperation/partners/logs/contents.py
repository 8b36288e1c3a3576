"""The bytes of entries: small ones in the database, large ones as files, both by digest."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from taawun.cooperation.partners.logs.chain import INLINE_BYTES
from taawun.cooperation.partners.models import Content, Holding, LaneEntry
from taawun.foundation.digests import Sha256Stream, sha256
from taawun.platform.files import actions as files
from taawun.platform.files.errors import FileGone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from taawun.cooperation.partners.models import Lane

__all__ = [
    "KEPT_UNOPENED",
    "OtherContent",
    "drop_unused",
    "find",
    "find_held",
    "get",
    "has",
    "held_among",
    "measured",
    "part",
    "put",
    "put_all",
    "take",
]

_PIECE: Final = 1024 * 1024
# Of what is not opened, or not yet, and of what is refused, more than this is not kept: nobody reads it here, and its
# sender, who signed for it, still has it.
KEPT_UNOPENED: Final = 4096


class OtherContent(ValueError):
    """The bytes that came are not those of the digest and size that were asked for."""


def put(lane: Lane, body: bytes) -> Content:
    """Keep bytes for a lane they came over, or are to go out over; what is there already is not stored again."""
    return _hold(lane, sha256(body), len(body), body if len(body) <= INLINE_BYTES else None, [body])


@transaction.atomic(savepoint=False)
def put_all(lane: Lane, bodies: Mapping[str, bytes]) -> None:
    """Keep the contents of many entries at once.

    Args:
        lane: which brought them.
        bodies: by their digests, which were compared with the bytes already.
    """
    # in one order everywhere: two lanes that bring the same ones wait for each other in no circle
    for each in sorted(bodies):
        if len(bodies[each]) > INLINE_BYTES:
            put(lane, bodies[each])
    digests = sorted(each for each, body in bodies.items() if len(body) <= INLINE_BYTES)
    locked = Content.objects.select_for_update().filter(digest__in=digests).order_by("digest")
    held = set(locked.values_list("digest", flat=True))
    Content.objects.bulk_create(
        (
            Content(digest=each, size=len(bodies[each]), body=bodies[each])
            for each in digests
            if each not in held
        ),
        ignore_conflicts=True,
    )
    Holding.objects.bulk_create(
        (Holding(lane=lane, content_id=each) for each in digests), ignore_conflicts=True
    )


def take(lane: Lane, pieces: Iterable[bytes], *, digest: str, size: int) -> Content:
    """Keep bytes that come piece by piece over a lane, without having them all in memory.

    Args:
        lane: the lane.
        pieces: the bytes, in order; not read further than they may be long.
        digest: their SHA-256.
        size: how many they are.

    Raises:
        OtherContent: other bytes came, or more; none are kept.
    """
    with tempfile.SpooledTemporaryFile(max_size=INLINE_BYTES) as spool:
        stream = Sha256Stream()
        for piece in pieces:
            stream.update(piece)
            if stream.size > size:
                raise OtherContent(f"more than {size} bytes came")
            spool.write(piece)
        if (stream.size, stream.hexdigest()) != (size, digest):
            raise OtherContent(f"{stream.size} bytes of another digest came")
        spool.seek(0)
        body = spool.read() if size <= INLINE_BYTES else None
        return _hold(lane, digest, size, body, iter(lambda: spool.read(_PIECE), b""))


@transaction.atomic(savepoint=False)
def _hold(lane: Lane, digest: str, size: int, body: bytes | None, pieces: Iterable[bytes]) -> Content:
    # locked until the lane holds it: what is found unused at this moment is not removed under our hands
    content = Content.objects.select_for_update().filter(digest=digest).first()
    if content is None:
        if body is None:
            files.store(pieces, owner=_owner(digest), limit=size)
        content, _created = Content.objects.get_or_create(
            digest=digest, defaults={"size": size, "body": body}
        )
    Holding.objects.get_or_create(lane=lane, content=content)
    return content


def get(digest: str) -> bytes:
    """The bytes with this digest.

    Raises:
        Content.DoesNotExist: they are not, or no longer, here.
        FileGone: they should be in a file and are not.
    """
    content = Content.objects.get(digest=digest)
    return files.read(digest) if content.body is None else bytes(content.body)


def part(content: Content, start: int, most: int) -> bytes:
    """Some of the bytes of a content.

    Args:
        content: the row.
        start: how many bytes are left out at its beginning.
        most: how many follow.

    Raises:
        FileGone: they should be in a file and are not.
    """
    if content.body is not None:
        return bytes(content.body)[start : start + most]
    with files.open_file(content.digest) as handle:
        handle.seek(start)
        return handle.read(most)


def find(digests: Collection[str]) -> dict[str, bytes]:
    """The small contents among these digests, in one query; large ones are fetched by digest instead."""
    rows = Content.objects.filter(digest__in=digests, body__isnull=False).values_list("digest", "body")
    return {digest: bytes(body) for digest, body in rows if body is not None}


def find_held(lane: Lane, digests: Collection[str]) -> dict[str, bytes]:
    """The small contents among these digests that a lane brought, in one query."""
    rows = Content.objects.filter(held_for__lane=lane, digest__in=digests, body__isnull=False)
    return {digest: bytes(body) for digest, body in rows.values_list("digest", "body") if body is not None}


def has(digest: str, lane: Lane | None = None) -> bool:
    """Whether the bytes are here.

    Args:
        digest: their SHA-256.
        lane: over which they must have come; over any when left out. What one partner sent is not taken as though
            another had.
    """
    if lane is None:
        return Content.objects.filter(digest=digest).exists()
    return Holding.objects.filter(lane=lane, content=digest).exists()


def held_among(digests: Collection[str]) -> set[str]:
    """Those among digests of which the bytes are here, in one query."""
    return set(Content.objects.filter(digest__in=digests).values_list("digest", flat=True))


def measured(lane: Lane, digests: Collection[str]) -> dict[str, tuple[int, str]]:
    """Read what is held for a lane among these digests.

    Args:
        lane: the lane.
        digests: of small contents no more than fit into memory together; large ones are read piece by piece.

    Returns:
        Size in bytes and digest of the bytes that are there, by the digest they should have; (0, "") for what should
        be in a file and is not.
    """
    found: dict[str, tuple[int, str]] = {}
    for content in Content.objects.filter(held_for__lane=lane, digest__in=digests):
        if content.body is not None:
            body = bytes(content.body)
            found[content.digest] = len(body), sha256(body)
            continue
        try:
            found[content.digest] = _measured_file(content.digest)
        except FileGone:
            # withdrawn since it was looked up, or lost
            if has(content.digest, lane):
                found[content.digest] = 0, ""
    return found


def _measured_file(digest: str) -> tuple[int, str]:
    stream = Sha256Stream()
    with files.open_file(digest) as handle:
        while piece := handle.read(_PIECE):
            stream.update(piece)
    return stream.size, stream.hexdigest()


@transaction.atomic
def drop_unused(digest: str) -> bool:
    """Remove bytes that no lane needs any more: whatever it brought them for is withdrawn or refused, or never opened.

    Who names a digest and never brought its bytes keeps nothing here. Nor does what is not opened, unless it is small.

    Returns:
        Whether they were removed.
    """
    if not digest:
        return False
    list(Content.objects.select_for_update().filter(digest=digest).values_list("digest"))
    gone = (LaneEntry.State.WITHDRAWN, LaneEntry.State.REFUSED)
    is_shut = Q(state=LaneEntry.State.UNOPENED, size__gt=KEPT_UNOPENED)
    needing = (
        LaneEntry.objects.filter(content_digest=digest).exclude(is_shut | Q(state__in=gone)).values("lane")
    )
    held = Holding.objects.filter(content=digest)
    held.exclude(lane__in=needing).delete()
    if held.exists():
        return False
    removed, _ = Content.objects.filter(digest=digest).delete()
    files.let_go(_owner(digest))
    return removed > 0


def _owner(digest: str) -> str:
    return f"urn:taawun:content:{digest}"
