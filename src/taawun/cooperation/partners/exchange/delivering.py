"""Delivering: a node that nobody can call brings its partners what they would fetch."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from django.db.models import F, Q

from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.exchange import wire
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents, lanes, pages
from taawun.cooperation.partners.logs.urgency import urgent_lanes
from taawun.cooperation.partners.models import Content, Lane, LaneReader
from taawun.foundation.outbound import OutboundFailed
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from taawun.cooperation.partners.models import Partner

__all__ = ["deliver"]

log = logging.getLogger(__name__)

# of a page as it is before it is compressed; a request has at most two megabytes
_PAGE_BYTES: Final = 1536 * 1024
# who takes bodies in gives up on those that come too slowly: on such a line smaller ones go
_LEAST_BYTES: Final = 32 * 1024
_SOON_SECONDS: Final = 5.0
# a partner that takes in what it was just brought is done with it in a moment, mostly
_TRIES: Final = 5
_MOMENT_SECONDS: Final = 2.0

T = TypeVar("T")


class _Sizes:
    """How much a request to each partner may bring, as its line has shown; in the memory of one process."""

    def __init__(self) -> None:
        self._most: dict[UUID, int] = {}

    def most(self, partner: Partner, limit: int) -> int:
        """Bytes of one request."""
        return min(limit, self._most.get(partner.id, limit))

    @contextmanager
    def tried(self, partner: Partner) -> Iterator[None]:
        """Learn from a request whether the next may bring more."""
        held, begun = self._most.get(partner.id, _PAGE_BYTES), time.monotonic()
        try:
            yield
        except OutboundFailed:
            self._most[partner.id] = max(_LEAST_BYTES, held // 2)
            raise
        if time.monotonic() - begun < _SOON_SECONDS:
            self._most[partner.id] = min(_PAGE_BYTES, held * 2)


_SIZES: Final = _Sizes()


def deliver(partner: Partner, may_go_on: Callable[[], bool]) -> bool:
    """Bring a partner what is new on the lanes that it reads, the talk first, and the contents that it waits for.

    The talk is brought also where nothing is new on it: its head says that nothing was said. What it may have of the
    contents is decided at this moment, exactly as when it reads.

    Args:
        partner: one that can be called.
        may_go_on: asked before each page and each piece.

    Returns:
        Whether all was brought.

    Raises:
        OutboundFailed, OutboundRefused, PartnerRefused, AskedTooOften: the partner cannot be reached, or takes nothing.
    """
    wanted: tuple[wire.Wanted, ...] = ()
    for reader in _readers(partner):
        if not may_go_on():
            return False
        try:
            held = _deliver_lane(partner, reader, may_go_on)
        except AskedTooOften:
            raise
        except PartnerRefused as refused:
            if refused.facts.get("type") not in {"lane-stopped", "not-taken", "not-to-us"}:
                raise
            # of this lane it takes nothing more; both administrators know, and the others go on
            log.info("lane %s is not taken by %s: %s", reader.lane_id, partner.node, refused)
            continue
        wanted = held.wanted
    return all(_deliver_content(partner, each, may_go_on) for each in wanted)


def _readers(partner: Partner) -> list[LaneReader]:
    is_due = Q(lane__purpose=Lane.Purpose.TALK) | Q(lane__head_seq__gt=F("delivered_seq"))
    due = LaneReader.objects.filter(is_due, partner=partner, lane__sender=None, lane__is_closed=False)
    served = {lane.id: lane for lane in lanes.read_by(partner, Lane.objects.filter(readers__in=due))}
    urgent = urgent_lanes(partner, served.values())
    readers = [reader for reader in due.order_by("lane__opened") if reader.lane_id in served]
    for reader in readers:
        reader.lane = served[reader.lane_id]
    # the talk first: agreements, receipts and the reasons of withdrawals are small, and more waits for them
    readers.sort(key=lambda each: (each.lane.purpose != Lane.Purpose.TALK, each.lane_id not in urgent))
    return readers


def _deliver_lane(partner: Partner, reader: LaneReader, may_go_on: Callable[[], bool]) -> wire.Held:
    """Bring what follows what the partner holds, by its own word: it may have lost some, or have it from a file."""
    lane, is_corrected = reader.lane, False
    while True:
        after = max(reader.delivered_seq, (reader.first_seq or 0) - 1)
        entries = pages.page(lane, after, most=_SIZES.most(partner, _PAGE_BYTES))
        key = node_key()
        lane.refresh_from_db(fields=["head_seq", "head_digest"])
        newcomer = None if reader.first_seq is None else reader
        offer = pages.offer(lane, key, newcomer=newcomer)
        page = [canonical(offer) + b"\n", *pages.lines(lane, entries, partner)]
        try:
            with _SIZES.tried(partner):
                held = _patiently(partial(wire.deliver, partner, page))
        except PartnerRefused as refused:
            if refused.facts.get("type") != "gap" or is_corrected:
                raise
            is_corrected = True
            _note(reader, int(refused.facts.get("held", "-1")))
            continue
        brought = entries[-1].seq if entries else reader.delivered_seq
        before = reader.delivered_seq
        _note(reader, held.seq)
        if held.seq < brought and not is_corrected and held.seq != before:
            is_corrected = True
            continue
        # who takes nothing more (it has compared nobody yet, for example) is not asked again and again
        if held.seq >= lane.head_seq or held.seq <= before or not may_go_on():
            return held


def _patiently(send: Callable[[], T]) -> T:
    """Send again after a moment what met the partner at work on what came just before."""
    for _again in range(_TRIES):
        try:
            return send()
        except AskedTooOften as asked:
            if asked.facts.get("type") != "busy":
                raise
            time.sleep(min(asked.wait, _MOMENT_SECONDS))
    return send()


def _note(reader: LaneReader, seq: int) -> None:
    reader.delivered_seq = max(-1, min(seq, reader.lane.head_seq))
    LaneReader.objects.filter(id=reader.id).update(delivered_seq=reader.delivered_seq)


def _deliver_content(partner: Partner, wanted: wire.Wanted, may_go_on: Callable[[], bool]) -> bool:
    """Bring the rest of a content, if the partner may have it now."""
    if not pages.may_have(partner, wanted.digest):
        return True
    content = Content.objects.filter(digest=wanted.digest).first()
    if content is None:
        return True
    start, is_corrected = wanted.held, False
    while 0 <= start < content.size:
        if not may_go_on():
            return False
        piece = contents.part(content, start, _SIZES.most(partner, wire.PIECE))
        try:
            with _SIZES.tried(partner):
                held = _patiently(partial(wire.deliver_piece, partner, wanted.digest, piece, start=start))
        except AskedTooOften:
            raise
        except PartnerRefused as refused:
            if refused.facts.get("type") == "not-wanted":
                return True
            if "held" not in refused.facts or is_corrected:
                raise
            is_corrected = True
            start = int(refused.facts["held"])
            continue
        if held <= start:
            return True
        start = held
    return True
