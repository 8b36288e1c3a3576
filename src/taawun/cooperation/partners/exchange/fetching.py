"""Having the contents that are too large for their lines: fetched, going on from what lies here, or delivered."""

from __future__ import annotations

import time
from functools import partial as partial_of
from typing import TYPE_CHECKING

from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange import wire
from taawun.cooperation.partners.exchange.partials import Partial
from taawun.cooperation.partners.logs.chain import INLINE_BYTES
from taawun.cooperation.partners.logs.contents import OtherContent
from taawun.foundation.outbound import OutboundFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from uuid import UUID

    from taawun.cooperation.partners.models import Partner

__all__ = ["NOT_DELIVERED", "delivered", "fetched"]

NOT_DELIVERED = "not-delivered"


def fetched(
    partner: Partner, digest: str, size: int, *, seconds: float, of_lane: UUID | None = None
) -> Iterator[bytes]:
    """A content of a partner that can be called.

    Args:
        partner: who sent the entry.
        digest: SHA-256 of the content.
        size: its size as the header states it.
        seconds: by when it must be read; what came until then lies here for the next time.
        of_lane: a lane of our own over which the partner received it; what it says itself when left out.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: it cannot be had now.
        AskedTooOften: the partner says when to ask again.
        OtherContent: more, or fewer, bytes came than the header states.
    """
    ask = partial_of(wire.read_blob, partner, digest, size, of_lane=of_lane)
    if size <= INLINE_BYTES:
        with ask(seconds=seconds) as (_is_part, pieces):
            yield from pieces
        return
    partial = Partial(partner, digest, size)
    lay_here = partial.held
    try:
        _complete(partial, ask, size, seconds=seconds)
        is_right = not lay_here or partial.is_right()
    except OtherContent:
        if not lay_here:
            raise
        is_right = False
    if not is_right:
        # it may be what lay here that is wrong, after a crash for example: the sender is judged by what it sends now
        partial.drop()
        _complete(partial, ask, size, seconds=seconds)
    yield from partial.pieces()
    partial.drop()


def _complete(
    partial: Partial,
    ask: Callable[..., AbstractContextManager[tuple[bool, Iterator[bytes]]]],
    size: int,
    *,
    seconds: float,
) -> None:
    """Ask for the rest until all is here: who breaks off, or serves in parts, is asked on while something comes."""
    ends = time.monotonic() + seconds
    while (before := partial.held) < size:
        is_part = True
        try:
            with ask(start=before, seconds=ends - time.monotonic()) as (is_part, pieces):
                if before and not is_part:
                    # it serves the whole only
                    partial.drop()
                for piece in pieces:
                    partial.append(piece)
        except OutboundFailed:
            if partial.held <= before or time.monotonic() >= ends:
                raise
            continue
        came = partial.held
        if came < size and not is_part:
            partial.drop()
            raise OtherContent(f"{came} bytes came instead of {size}")
        if came <= before and is_part:
            raise PartnerRefused("bad-range", "The node answered with a part that is empty.")


def delivered(partner: Partner, digest: str, size: int) -> Iterator[bytes]:
    """A content of a partner that cannot be called: what it delivered of it.

    Raises:
        PartnerRefused: ``not-delivered`` while it has not come as a whole.
    """
    partial = Partial(partner, digest, size)
    if not partial.is_whole:
        raise PartnerRefused(NOT_DELIVERED, "The partner has not delivered the content yet.")
    if not partial.is_right():
        partial.drop()
        raise PartnerRefused(NOT_DELIVERED, "What was delivered is another content; it is asked for again.")
    yield from partial.pieces()
    partial.drop()
