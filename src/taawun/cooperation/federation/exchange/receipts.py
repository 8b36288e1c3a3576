"""Signing for what was taken in, and receivers' signatures for what is ours."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction

from taawun.cooperation.federation.exchange.regaining import regain_receipt
from taawun.cooperation.federation.exchange.setting_aside import put_away_receipt
from taawun.cooperation.federation.models import Receipt
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs.joining import first_of
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.foundation.strict_json import as_count

__all__ = ["RECEIPT", "acknowledge"]

_MOST_RECEIPTS: Final = 5000


@transaction.atomic
def acknowledge(lane: Lane, partner: Partner) -> None:
    """Sign for everything that was dealt with since the last receipt, in one message."""
    one_speaker()
    held = Lane.objects.select_for_update().get(id=lane.id)
    since = LaneEntry.objects.filter(lane=held, seq__gt=held.acknowledged_seq).order_by("seq")
    waiting = since.filter(state=LaneEntry.State.PENDING).values_list("seq", flat=True).first()
    last = min(
        (waiting if waiting is not None else held.head_seq + 1) - 1, held.acknowledged_seq + _MOST_RECEIPTS
    )
    if last <= held.acknowledged_seq:
        return
    exceptions = since.filter(seq__lte=last).exclude(state=LaneEntry.State.DONE)
    messages.send(
        partner,
        "receipt",
        {
            "lane": str(held.wire_id),
            "from": held.acknowledged_seq + 1,
            "to_seq": last,
            "head": since.get(seq=last).digest,
            "exceptions": [
                {"seq": seq, "outcome": state, "reason": reason}
                for seq, state, reason in exceptions.values_list("seq", "state", "reason")
            ],
        },
    )
    held.acknowledged_seq = last
    held.save(update_fields=["acknowledged_seq"])


def receive_receipt(message: messages.Message) -> None:
    """A receiver signs for entries of one of our lanes."""
    try:
        lane_id, first, last = (
            UUID(message.payload["lane"]),
            as_count(message.payload["from"]),
            as_count(message.payload["to_seq"]),
        )
        exceptions = {
            as_count(each["seq"]): (LaneEntry.State(each["outcome"]), str(each["reason"])[:80])
            for each in message.payload["exceptions"]
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MessageRefused("malformed", "the receipt is malformed") from None
    if any(outcome == LaneEntry.State.PENDING for outcome, _reason in exceptions.values()):
        raise MessageRefused("malformed", "nobody signs for what still waits")
    if not 0 <= first <= last:
        raise MessageRefused("malformed", "the receipt covers no entry")
    reader = LaneReader.objects.filter(lane_id=lane_id, lane__sender=None, partner=message.partner).first()
    if reader is None:
        raise MessageRefused("unknown-lane", "the sender of this receipt does not read that lane")
    if first < first_of(reader):
        raise MessageRefused("malformed", "the receipt covers entries that its sender does not read")
    if last - first >= _MOST_RECEIPTS:
        raise MessageRefused("malformed", "the receipt covers too many entries at once")
    head = LaneEntry.objects.filter(lane_id=lane_id, seq=last).first()
    if head is None or head.digest != message.payload.get("head"):
        raise MessageRefused("other-head", "the receipt is for another history than the one that was sent")
    entries = LaneEntry.objects.filter(lane_id=lane_id, seq__gte=first, seq__lte=last)
    at = message.believed(message.sent)
    Receipt.objects.bulk_create(
        (
            Receipt(
                **Receipt.place_of(entry),
                entry=entry,
                partner=message.partner,
                outcome=exceptions.get(entry.seq, (LaneEntry.State.DONE, ""))[0],
                reason=exceptions.get(entry.seq, ("", ""))[1],
                at=max(at, entry.issued),
            )
            for entry in entries
        ),
        ignore_conflicts=True,
    )
    LaneReader.objects.filter(id=reader.id, receipt_seq__lt=last).update(receipt_seq=last)


RECEIPT: Final = messages.MessageKind("receipt", receive_receipt, regain_receipt, put_away_receipt)
