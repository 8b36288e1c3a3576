"""What a partner's guests read of ours, by their host's signed word on the talk lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from taawun.cooperation.agreements.document import REF
from taawun.cooperation.federation.bounds import MOST_IN_A_MESSAGE
from taawun.cooperation.federation.models import GuestCopy, Passage
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs.joining import first_of, were_named
from taawun.cooperation.partners.models import LaneReader
from taawun.foundation.clock import parse_timestamp
from taawun.foundation.strict_json import as_count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["READ"]


def receive_readings(message: messages.Message) -> None:
    """A reader of one of our lanes signs that a guest of it read some of its entries."""
    lane_id, guest, said = _read(message.payload)
    # only who was sent something speaks of it
    reader = LaneReader.objects.filter(lane_id=lane_id, lane__sender=None, partner=message.partner).first()
    if reader is None:
        raise MessageRefused("unknown-lane", "the host of this guest does not read that lane")
    key = f"{message.partner.node}#{guest}"
    if key not in were_named(lane_id):
        raise MessageRefused("unknown-guest", "the lane is not for this guest")
    passages = {
        each.entry.seq: each
        for each in Passage.objects.filter(
            # who joined the lane later was served nothing that stands before
            entry__lane_id=lane_id,
            entry__seq__in=said,
            entry__seq__gte=first_of(reader),
        ).select_related("entry")
    }
    if any(
        seq not in passages or passages[seq].entry.digest != digest for seq, (digest, _at) in said.items()
    ):
        raise MessageRefused("other-head", "the guest read other entries than those that were sent")
    GuestCopy.objects.bulk_create(
        (
            GuestCopy(
                passage=passages[seq],
                guest=key,
                read=max(min(message.believed(at), message.sent), passages[seq].entry.issued),
                said=message.id,
            )
            for seq, (_digest, at) in said.items()
        ),
        ignore_conflicts=True,
    )


def put_away_readings(message: messages.Message) -> None:
    """What came so proves nothing: by this word no guest has read anything."""
    own = GuestCopy.objects.filter(said=message.id, passage__entry__lane__sender=None)
    own.filter(guest__startswith=f"{message.partner.node}#").delete()


def _read(payload: Mapping[str, Any]) -> tuple[UUID, str, dict[int, tuple[str, datetime]]]:
    # Any: JSON at the edge
    try:
        lane, guest, entries = UUID(payload["lane"]), str(payload["guest"]), payload["entries"]
        if (
            not isinstance(entries, list)
            or not 0 < len(entries) <= MOST_IN_A_MESSAGE
            or not REF.fullmatch(guest)
        ):
            raise ValueError  # noqa: TRY301 - one answer for every malformed statement
        said = {as_count(each["seq"]): (str(each["digest"]), parse_timestamp(each["at"])) for each in entries}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MessageRefused("malformed", "the statement is malformed") from None
    return lane, guest, said


READ: Final = messages.MessageKind("read", receive_readings, set_aside=put_away_readings)
