"""The lanes a partner offers, in its list or with what it delivers, as this node keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange import wire
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.logs import chain, joining
from taawun.cooperation.partners.models import Lane, Partner
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from uuid import UUID

    from taawun.cooperation.partners.logs.floors import Floor

__all__ = ["Offered"]


class Offered:
    """The lanes a partner offers in one list, as we keep them.

    Args:
        partner: whose list it is.
    """

    def __init__(self, partner: Partner) -> None:
        self.partner = partner
        self._room = wire.MOST_LANES - Lane.objects.filter(sender=partner, part_of=None).count()
        self._is_told = False
        # what is wrong with the first new lane whose head is not the partner's word
        self.fault = ""

    def lane_of(self, offer: wire.LaneOffer) -> Lane | None:
        """The lane of an offer, begun when it is first offered; None for one that is not to be read."""
        partner = self.partner
        if offer.purpose not in Lane.Purpose.values:
            return None
        if partner.state != Partner.State.VERIFIED and (
            offer.purpose != Lane.Purpose.TALK or _has_other_lane(partner, offer.lane)
        ):
            return None
        held = Lane.called(partner, offer.lane)
        if held is None and offer.purpose == Lane.Purpose.PUBLIC and not partner.is_followed:
            # one that was followed is read on: what came over it may be withdrawn
            return None
        lane = held or self._begin(offer)
        # a lane does not change its purpose
        return lane if lane and lane.purpose == offer.purpose else None

    def _begin(self, offer: wire.LaneOffer) -> Lane | None:
        if self._room <= 0:
            self._tell_of_too_many()
            return None
        # a name costs a partner nothing, a lane costs us a row and an alarm: there is one once a head was signed for it
        fault = self._fault_of(offer)
        if fault:
            self.fault = self.fault or f"lane {offer.lane}: {fault}"
            return None
        self._room -= 1
        return _begin_lane(self.partner, offer, joining.offered_floor(offer, lineage_of(self.partner)))

    def _fault_of(self, offer: wire.LaneOffer) -> str:
        try:
            head = chain.read_head(offer.head, lineage_of(self.partner))
            joining.offered_floor(offer, lineage_of(self.partner))
        except ChainBroken as broken:
            return str(broken)
        return "" if head.lane == offer.lane else f"the head is of lane {head.lane}"

    def _tell_of_too_many(self) -> None:
        """Once for a list, however many there are."""
        if self._is_told:
            return
        self._is_told = True
        partner = self.partner
        facts = {"node": partner.node, "partner": str(partner.id), "most": str(wire.MOST_LANES)}
        raise_notice("partners.too-many-lanes", actions.urn(partner), Notice.Level.ALARM, facts)


@transaction.atomic
def _begin_lane(partner: Partner, offer: wire.LaneOffer, floor: Floor | None) -> Lane:
    # an id is its sender's own word: where another lane has it here, ours or another partner's, this one takes another
    is_taken = Lane.objects.filter(id=offer.lane).exists()
    names = {"alias": offer.lane} if is_taken else {"id": offer.lane}
    begins = {}
    if floor:
        # it is verified from there on, against what its sender signed that stands before
        begins = {
            "floor_seq": floor.seq,
            "floor_digest": floor.prev,
            "floor": offer.floor,
            "head_seq": floor.seq - 1,
            "head_digest": floor.prev,
            "known_seq": floor.seq - 1,
            "acknowledged_seq": floor.seq - 1,
        }
    return Lane.objects.create(
        **names,
        **begins,
        purpose=offer.purpose,
        sender=partner,
        agreement=offer.agreement,
        clause=offer.clause[:40],
    )


def _has_other_lane(partner: Partner, wire_id: UUID) -> bool:
    held = Lane.objects.filter(sender=partner, purpose=Lane.Purpose.TALK)
    return any(lane.wire_id != wire_id for lane in held)
