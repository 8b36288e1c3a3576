"""What the talk lane carries: messages, each handed to the room that knows its kind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction

from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.exchange.receiving import UNVERIFIED_MESSAGES
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.purposes import Outcome
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation import strict_json
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.partners.logs.chain import Header

__all__ = [
    "accepts",
    "acknowledge",
    "lane_stopped_there",
    "look_again",
    "readable",
    "receive",
    "regain",
    "set_aside",
]

log = logging.getLogger(__name__)


def readable(lane: Lane, entries: Sequence[LaneEntry], reader: Partner | None) -> list[bool]:
    """What was said to a reader is the reader's to read."""
    del lane
    return [reader is not None] * len(entries)


def accepts(lane: Lane, header: Header) -> Outcome | None:
    """Messages of kinds nobody here knows are kept unopened, as are an unverified partner's beyond its quota."""
    if header.kind == "lane.opened":
        return None
    if registry.find(messages.MessageKind, header.kind) is None:
        return Outcome(LaneEntry.State.UNOPENED, "unknown-kind")
    sender = lane.sender
    if sender and sender.state != Partner.State.VERIFIED and header.seq > UNVERIFIED_MESSAGES:
        return Outcome(LaneEntry.State.PENDING, "unverified-quota")
    return None


def look_again() -> int:
    """Let what was said in kinds that nobody here knew wait again, where they are known by now: after an update.

    Returns:
        How many messages wait again; contents that were not kept are fetched.
    """
    unheard = LaneEntry.objects.filter(
        lane__part_of=None,
        lane__purpose=Lane.Purpose.TALK,
        lane__sender__isnull=False,
        state=LaneEntry.State.UNOPENED,
        reason="unknown-kind",
        kind__in=[kind.name for kind in registry.all(messages.MessageKind)],
    )
    return unheard.update(state=LaneEntry.State.PENDING, reason="", attempts=0, not_before=None)


def acknowledge(lane: Lane, partner: Partner) -> None:
    """A message is answered by messages, not by receipts: receipts of receipts would never end."""
    del partner
    Lane.objects.filter(id=lane.id).update(acknowledged_seq=lane.head_seq)


def receive(entry: LaneEntry, header: Header, content: bytes | None) -> Outcome:
    """Hand a message to the room that knows its kind."""
    if header.kind == "lane.opened" or content is None:
        return Outcome(LaneEntry.State.DONE)
    if header.to != settings.BASE_URL:
        return Outcome(LaneEntry.State.REFUSED, "not-to-us")
    try:
        message = _message(entry, content)
    except (AttributeError, strict_json.JsonRefused, KeyError, TypeError, ValueError):
        return Outcome(LaneEntry.State.REFUSED, "malformed")
    if message is None:
        return Outcome(LaneEntry.State.REFUSED, "not-to-us")
    try:
        with transaction.atomic():
            registry.get(messages.MessageKind, header.kind).receive(message)
    except MessageRefused as refused:
        if refused.alarm:
            refused.alarm()
        return Outcome(LaneEntry.State.REFUSED, refused.code)
    return Outcome(LaneEntry.State.DONE)


def regain(entry: LaneEntry, header: Header, content: bytes | None) -> None:
    """What a message of ours said, for the room that knows its kind; what that cannot read is told in the log."""
    kind = registry.find(messages.MessageKind, header.kind)
    if kind is None or kind.regain is None or content is None:
        return
    try:
        with transaction.atomic():
            kind.regain(strict_json.parse(content), header)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # the header stands all the same: it is what the next one follows
        log.exception("entry %s of our talk lane %s cannot be known again", entry.seq, entry.lane_id)


def _message(entry: LaneEntry, content: bytes) -> messages.Message | None:
    """The message that an entry brought; None where it is not for us."""
    payload = strict_json.parse(content)
    message_id, partner = UUID(payload["id"]), entry.lane.sender
    if partner is None or payload["to"] != settings.BASE_URL:
        return None
    is_cleared = entry.cleared is not None
    return messages.Message(
        partner, entry.kind, message_id, payload, entry.issued, entry.recorded, is_cleared
    )


def set_aside(entry: LaneEntry, for_good: bool) -> None:  # noqa: FBT001 - as LanePurpose names it
    """Let the room that took a message in take out again what it brought."""
    kind = registry.find(messages.MessageKind, entry.kind)
    if for_good or kind is None or kind.set_aside is None or not contents.has(entry.content_digest):
        return
    message = _message(entry, contents.get(entry.content_digest))
    if message is not None:
        kind.set_aside(message)


def lane_stopped_there(message: messages.Message) -> None:
    """A partner tells that it stopped a lane of ours: our administrator sees it too."""
    try:
        lane_id = UUID(str(message.payload.get("lane")))
    except ValueError:
        raise MessageRefused("malformed", "lane is no UUID") from None
    lane = Lane.objects.filter(id=lane_id, sender=None, readers__partner=message.partner).first()
    if lane is None:
        raise MessageRefused("unknown-lane", "there is no such lane here")
    notice = raise_notice(
        "partners.lane-stopped-there",
        f"urn:uuid:{lane.id}",
        Notice.Level.ALARM,
        {
            "lane": str(lane.id),
            "node": message.partner.node,
            "partner": str(message.partner.id),
            "reason": str(message.payload.get("reason", ""))[:40],
            "detail": str(message.payload.get("detail", ""))[:300],
        },
    )
    # a lane stops once: who says it again and again is counted in the notice, and does not fill the trail
    if notice.times == 1:
        party = PartyActor(message.partner.node, message.partner.name.in_language("en").value)
        record(party, "partners.lane-stopped-there", f"urn:uuid:{lane.id}", {})
