"""Who reads a partner's lane beside this node: whom it was opened for, as far as the room that fills it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.models import Partner
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from taawun.cooperation.partners.models import Lane

__all__ = ["fellow_readers", "readers_of"]


def readers_of(lanes: Collection[Lane]) -> dict[UUID, frozenset[str]]:
    """For each lane of a partner, the base addresses of those who may know of it; ours may stand among them."""
    found: dict[UUID, frozenset[str]] = {}
    for purpose in {lane.purpose for lane in lanes}:
        these = [lane for lane in lanes if lane.purpose == purpose]
        found.update(registry.get(LanePurpose, purpose).readers(these))
    return found


def fellow_readers(lane: Lane) -> list[Partner]:
    """The partners whom a partner's lane is for too, as far as somebody here compared them."""
    nodes = readers_of([lane]).get(lane.id, frozenset())
    compared = Partner.objects.filter(node__in=nodes, state=Partner.State.VERIFIED)
    return list(compared.exclude(sends=lane).order_by("id"))
