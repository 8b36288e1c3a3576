"""What goes first on a slow line: early warnings, and what is withdrawn.

A lane is a chain, so nothing overtakes on it; but of two lanes that with something urgent on it is read and delivered
first, and of the contents that wait those of urgent entries. Urgent is what its kind says that it is, and every
withdrawal: until it has come, what was withdrawn is still believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q

from taawun.cooperation.partners.logs.chain import INLINE_BYTES
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.models import LaneEntry
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from taawun.cooperation.partners.models import Lane, Partner

__all__ = ["is_urgent", "urgent_lanes"]


def is_urgent() -> Q:
    """The condition on entries. What does not fit into its line waits with the rest, whatever its sender calls it."""
    kinds = {kind for purpose in registry.all(LanePurpose) for kind in purpose.urgent_kinds()}
    return Q(action="withdraw") | Q(kind__in=sorted(kinds), size__lte=INLINE_BYTES)


def urgent_lanes(reader: Partner, lanes: Collection[Lane]) -> set[UUID]:
    """Those of our lanes on which something urgent is that a reader has not signed for.

    Args:
        reader: who reads them.
        lanes: lanes of ours.
    """
    unsigned = LaneEntry.objects.filter(
        lane__in=[lane.id for lane in lanes],
        lane__readers__partner=reader,
        seq__gt=F("lane__readers__receipt_seq"),
    )
    return set(unsigned.filter(is_urgent()).values_list("lane_id", flat=True).distinct())
