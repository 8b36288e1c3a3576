"""A receiver's signed statement of what it keeps no more, on the talk lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from taawun.cooperation.federation.bounds import MOST_IN_A_MESSAGE
from taawun.cooperation.federation.models import Deletion, Release
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.models import LaneEntry, LaneReader
from taawun.foundation.clock import parse_timestamp
from taawun.foundation.strict_json import as_count

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DELETED"]

_REASONS: Final = frozenset({Release.Gone.RETENTION.value, Release.Gone.AGREEMENT.value})


def receive_deletions(message: messages.Message) -> None:
    """A reader of one of our lanes signs that it keeps some of its entries no more."""
    lane_id, why, at, said = _read(message.payload)
    # only who was sent something speaks of it
    if not LaneReader.objects.filter(lane_id=lane_id, lane__sender=None, partner=message.partner).exists():
        raise MessageRefused("unknown-lane", "the sender of this statement does not read that lane")
    entries = {
        each.seq: each
        for each in LaneEntry.objects.filter(lane_id=lane_id, seq__in=said, action="publish").defer("header")
    }
    if any(seq not in entries or entries[seq].digest != digest for seq, (digest, _held) in said.items()):
        raise MessageRefused("other-head", "the statement is of other entries than those that were sent")
    when = min(message.believed(at), message.sent)
    Deletion.objects.bulk_create(
        (
            Deletion(
                entry=entries[seq],
                partner=message.partner,
                why=why,
                is_held=held,
                at=max(when, entries[seq].issued),
                said=message.id,
            )
            for seq, (_digest, held) in said.items()
        ),
        ignore_conflicts=True,
    )
    # what it kept by another way may go later; what is gone does not come back under this entry
    gone = [entries[seq].id for seq, (_digest, held) in said.items() if not held]
    Deletion.objects.filter(partner=message.partner, entry__in=gone, is_held=True).update(
        is_held=False, at=when, said=message.id
    )


def _read(payload: Mapping[str, Any]) -> tuple[UUID, str, Any, dict[int, tuple[str, bool]]]:
    # Any: JSON at the edge
    try:
        lane, why, at = UUID(payload["lane"]), payload["why"], parse_timestamp(payload["at"])
        entries = payload["entries"]
        if not isinstance(entries, list) or not 0 < len(entries) <= MOST_IN_A_MESSAGE or why not in _REASONS:
            raise ValueError  # noqa: TRY301 - one answer for every malformed statement
        said = {
            as_count(each["seq"]): (str(each["digest"]), each.get("held", False) is True) for each in entries
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MessageRefused("malformed", "the statement is malformed") from None
    return lane, why, at, said


def put_away_deletions(message: messages.Message) -> None:
    """A thief's statement proves nothing: what it says is owed again. Who is robbed signs anew what it had said."""
    Deletion.objects.filter(partner=message.partner, said=message.id).delete()


# what this node forgot that it said, it says again; of two statements the first counts
DELETED: Final = messages.MessageKind("deleted", receive_deletions, set_aside=put_away_deletions)
