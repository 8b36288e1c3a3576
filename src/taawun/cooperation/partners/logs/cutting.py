"""Where a lane goes on from an earlier entry: what it leaves behind stays as proof and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Holding, Lane, LaneEntry, ToldHead

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["cut"]


def cut(lane: Lane, seq: int, digest: str) -> int:
    """Let a partner's lane go on from an entry; inside the caller's transaction, who has the turn to speak.

    The entries after it move to a lane of their own as they are, with their contents and all that names them.

    Args:
        lane: locked; stopped.
        seq: the entry's number; -1 for the lane's beginning.
        digest: the entry's; 64 zeros for the lane's beginning.

    Returns:
        How many entries were left behind.
    """
    left = _leave_behind(lane, seq)
    lane.head_seq, lane.head_digest, lane.known_seq = seq, digest, seq
    lane.acknowledged_seq = min(lane.acknowledged_seq, seq)
    # which keys have had their turn is seen anew from here on
    lane.newest_kid, lane.older_until, lane.vouched_seq = "", -1, min(lane.vouched_seq, seq)
    lane.state, lane.stop_reason, lane.stop_detail, lane.stopped_at = Lane.State.RUNNING, "", "", None
    lane.save()
    # what others were shown was compared with what is left behind
    ToldHead.objects.filter(lane=lane).delete()
    return left


def _leave_behind(lane: Lane, seq: int) -> int:
    dropped = LaneEntry.objects.select_for_update().filter(lane=lane, seq__gt=seq)
    ids = list(dropped.values_list("id", flat=True))
    if not ids:
        return 0
    part = Lane.objects.create(
        purpose=lane.purpose,
        sender=lane.sender,
        agreement=lane.agreement,
        clause=lane.clause,
        audience_digest=lane.audience_digest,
        head_seq=lane.head_seq,
        head_digest=lane.head_digest,
        known_seq=lane.head_seq,
        acknowledged_seq=lane.head_seq,
        state=Lane.State.LEFT,
        stop_reason=lane.stop_reason,
        stop_detail=lane.stop_detail,
        stopped_at=lane.stopped_at,
        opened=lane.opened,
        last_entry=lane.last_entry,
        part_of=lane,
    )
    digests = set(dropped.exclude(content_digest="").values_list("content_digest", flat=True))
    # what is in quarantine is not opened either; a withdrawal in it is still for a person to decide
    waiting = dropped.filter(state=LaneEntry.State.PENDING) | dropped.filter(
        state=LaneEntry.State.QUARANTINED, action="publish"
    )
    unopened = set(waiting.filter(size__gt=contents.KEPT_UNOPENED).values_list("content_digest", flat=True))
    waiting.update(state=LaneEntry.State.UNOPENED, reason="left-behind", not_before=None)
    LaneEntry.objects.filter(lane=lane, seq__gt=seq).update(lane=part)
    _hold_for(part, lane, digests)
    for digest in sorted(unopened):
        contents.drop_unused(digest)
    return len(ids)


def _hold_for(part: Lane, lane: Lane, digests: Collection[str]) -> None:
    """The bytes came for the entries that are left behind; the lane keeps those that it has for others."""
    held = Holding.objects.filter(lane=lane, content__in=digests)
    Holding.objects.bulk_create(
        [Holding(lane=part, content_id=each.content_id) for each in held.order_by("content_id")],
        ignore_conflicts=True,
    )
    needed = LaneEntry.objects.filter(lane=lane, content_digest__in=digests).values("content_digest")
    held.exclude(content__in=needed).delete()
