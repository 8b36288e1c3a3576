"""Delivering: a node that nobody can call brings its partners what they would fetch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.db.models import F, Q

from taawun.cooperation.partners import contents, lanes, pages, wire
from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.keys import node_key
from taawun.cooperation.partners.models import Content, Lane, LaneReader
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.cooperation.partners.models import Partner

__all__ = ["deliver"]

log = logging.getLogger(__name__)

# of a page as it is before it is compressed; a request has at most two megabytes
_PAGE_BYTES: Final = 1536 * 1024


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
    due = LaneReader.objects.filter(is_due, partner=partner, lane__sender=None)
    served = {lane.id: lane for lane in lanes.read_by(partner, Lane.objects.filter(readers__in=due))}
    readers = [
        reader for reader in due.order_by("-lane__purpose", "lane__opened") if reader.lane_id in served
    ]
    for reader in readers:
        reader.lane = served[reader.lane_id]
    return readers


def _deliver_lane(partner: Partner, reader: LaneReader, may_go_on: Callable[[], bool]) -> wire.Held:
    """Bring what follows what the partner holds, by its own word: it may have lost some, or have it from a file."""
    lane, is_corrected = reader.lane, False
    while True:
        entries = pages.page(lane, reader.delivered_seq, most=_PAGE_BYTES)
        key = node_key()
        lane.refresh_from_db(fields=["head_seq", "head_digest"])
        try:
            held = wire.deliver(
                partner,
                [canonical(pages.offer(lane, key)) + b"\n", *pages.lines(lane, entries, partner)],
            )
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
        try:
            held = wire.deliver_piece(
                partner, wanted.digest, contents.part(content, start, wire.PIECE), start=start
            )
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
