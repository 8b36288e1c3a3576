"""Who reads an entry of ours: who joined a lane later reads nothing that stands before its floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q

from taawun.cooperation.partners.logs.joining import first_of

if TYPE_CHECKING:
    from uuid import UUID

    from taawun.cooperation.partners.models import LaneEntry, Partner

__all__ = ["is_reader", "readers_of"]


def is_reader(partner: Partner | F | UUID | str, *, lane: str = "lane__", entry: str = "entry__") -> Q:
    """The condition that a partner reads an entry of ours; it is one condition, for one ``filter``.

    Args:
        partner: who; a partner, its id, or an expression.
        lane: how the lane is reached from the rows that are asked for; from passages by default.
        entry: the same for the entry.
    """
    reader = f"{lane}readers__"
    begun = Q(**{f"{reader}first_seq": None}) | Q(**{f"{reader}first_seq__lte": F(f"{entry}seq")})
    return Q(**{f"{reader}partner": partner}) & begun


def readers_of(entry: LaneEntry) -> list[Partner]:
    """The partners that read an entry of ours; its lane's readers are read with it (prefetch them for many)."""
    return [each.partner for each in entry.lane.readers.all() if first_of(each) <= entry.seq]
