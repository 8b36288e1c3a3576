"""Saying again what this node had signed under a key that it revokes: to partners that is no proof any more.

What it said about agreements the room of agreements repeats; here are its receipts, its statements of what it keeps no
more and of what its guests read, and its counts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from taawun.cooperation.federation.models import Deletion, GuestCopy, ToldReach
from taawun.cooperation.partners.identity.keys import own_lineage
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.foundation.strict_json import parse

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

__all__ = ["nothing_to_put_away", "repeat"]

# what was said before the instant of the revocation reached a partner after it, if that was away so long
_AWAY: Final = timedelta(days=7)


def repeat(at: datetime) -> int:
    """Let all that was said since a key is not to be believed be said again; the sweeps say it.

    Args:
        at: the instant at which it is revoked.

    Returns:
        How many messages are said again.
    """
    revoked = [known.revoked_since for known in own_lineage().keys if known.revoked_since]
    if not revoked:
        return 0
    since = min(revoked) - _AWAY
    said = LaneEntry.objects.filter(lane__sender=None, lane__purpose=Lane.Purpose.TALK, action="publish")
    said = said.filter(issued__gt=since, issued__lte=at)
    deletions, readings = _ids(said, "deleted"), _ids(said, "read")
    Deletion.objects.filter(partner=None, said__in=deletions).update(said=None)
    theirs = GuestCopy.objects.filter(said__in=readings, passage__entry__lane__sender__isnull=False)
    theirs.update(said=None, is_unsaid=True)
    counted, _of_what = ToldReach.objects.filter(at__gt=since).delete()
    receipts = said.filter(kind="receipt").select_related("lane")
    return len(deletions) + len(readings) + counted + sum(_sign_again(each) for each in receipts)


def _ids(said: QuerySet[LaneEntry], kind: str) -> list[UUID]:
    """The ids of messages of a kind."""
    subjects = said.filter(kind=kind).values_list("subject", flat=True)
    return [UUID(each.rpartition(":")[2]) for each in subjects]


def _sign_again(receipt: LaneEntry) -> bool:
    """Go back to before what a receipt signed for."""
    if not contents.has(receipt.content_digest):
        return False
    payload = parse(contents.get(receipt.content_digest))
    sender = Partner.objects.filter(node=payload["to"]).first()
    lane = Lane.called(sender, UUID(payload["lane"])) if sender else None
    first = int(payload["from"])
    return bool(
        lane
        and Lane.objects.filter(id=lane.id, acknowledged_seq__gte=first).update(acknowledged_seq=first - 1)
    )


def nothing_to_put_away(partner: Partner, kid: str, since: datetime) -> int:
    """What a partner says of releases it says itself: nobody passes it on."""
    del partner, kid, since
    return 0
