"""What a restored node took back under a key of its own that proves to be revoked: it may be a thief's word.

Nothing is taken before everybody who is waited for had a say on the keys, so there is something of the kind only where
one of them shows late that a key was revoked, or where an administrator revokes it during the return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Min

from taawun.cooperation.partners.identity.keys import own_lineage
from taawun.cooperation.partners.models import Awaited, Lane, LaneEntry
from taawun.cooperation.partners.restored import returning
from taawun.foundation.signing import peek
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor

__all__ = ["close_doubted"]

_NAMED: Final = 200


def close_doubted(actor: Actor) -> int:
    """Never continue lanes of ours of which something under a revoked key was taken back, and alarm the administrators.

    Headers stay, as all do; what they brought a person looks through.

    Args:
        actor: by whom it became known.

    Returns:
        How many entries it is about.
    """
    revoked = {each.kid for each in own_lineage().keys if each.revoked_since}
    if not revoked or not returning.is_returning():
        return 0
    began = Awaited.objects.aggregate(began=Min("since"))["began"]
    # while it returns, a node appends nothing of its own
    regained = LaneEntry.objects.filter(lane__sender=None, recorded__gte=began).order_by("id")
    doubted = [
        (lane, seq)
        for lane, seq, header in regained.values_list("lane_id", "seq", "header").iterator()
        if peek(header).kid in revoked
    ]
    if doubted:
        returning.close_lanes(Lane.objects.filter(id__in={lane for lane, _seq in doubted}))
        facts = {"count": str(len(doubted))}
        raise_notice("partners.return-doubted", returning.SUBJECT, Notice.Level.ALARM, facts)
        named = [f"{lane} {seq}" for lane, seq in doubted[:_NAMED]]
        record(actor, "partners.return-doubted", returning.SUBJECT, {"count": len(doubted), "entries": named})
    return len(doubted)
