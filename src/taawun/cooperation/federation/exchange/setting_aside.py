"""What a clause lane brought under a key that was revoked: out of sight until somebody here decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.federation.ending import leave_to_guests, set_out_of_sight, take_back
from taawun.cooperation.federation.models import Passage, Receipt, Release
from taawun.cooperation.federation.ways import bound_by_its_ways, own_ways, provenances
from taawun.cooperation.partners.models import LaneReader
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.models import LaneEntry

__all__ = ["put_away_receipt", "set_aside"]


def set_aside(entry: LaneEntry, for_good: bool) -> None:  # noqa: FBT001 - named in the part that a room registers
    """Take out what an entry brought, unless another provenance of it stands; taken in again, it is as it was.

    Args:
        entry: of a partner's clause lane, locked.
        for_good: whether it was dropped: then it is gone like something that was withdrawn.
    """
    passage = Passage.objects.filter(entry=entry).first()
    if passage is None:
        return
    # whoever shares it onward at this moment is done before it goes
    passage.release = Release.objects.select_for_update().get(id=passage.release_id)
    if passage.ended is None:
        passage.ended, passage.why_ended = now(), Release.Gone.ASIDE
        passage.save(update_fields=["ended", "why_ended"])
    release = passage.release
    if own_ways(release).exists():
        bound_by_its_ways(release)
        return
    if provenances(release).exists():
        leave_to_guests(release)
        return
    set_out_of_sight(release)
    if for_good and release.state == Release.State.ASIDE:
        Release.objects.filter(id=release.id).update(state=Release.State.WITHDRAWN, withdrawn=now())
    if for_good:
        # to whom it was shared onward meanwhile it is taken back as well
        take_back(release)


def put_away_receipt(message: Message) -> None:
    """A receipt that came so proves nothing: what it signed for is not signed for."""
    lane, first, last = (str(message.payload.get(name)) for name in ("lane", "from", "to_seq"))
    reader = LaneReader.objects.filter(lane_id=lane, lane__sender=None, partner=message.partner).first()
    if reader is None:
        return
    signed = Receipt.objects.filter(entry__lane_id=lane, partner=message.partner)
    signed.filter(entry__seq__gte=first, entry__seq__lte=last).delete()
    LaneReader.objects.filter(id=reader.id, receipt_seq__gte=first).update(receipt_seq=int(first) - 1)
