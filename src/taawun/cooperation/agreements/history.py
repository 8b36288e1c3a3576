"""The part that the room which sends registers: what of it a newcomer reads that was sent before it joined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from taawun.cooperation.agreements.models import Agreement
    from taawun.foundation.tlp import Tlp

__all__ = ["Earlier", "History"]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a newcomer would read of what was sent before, under one clause.

    Args:
        clause: the clause's ref.
        kind: of the releases.
        tlp: their marking.
        count: how many there are.
        since: when the oldest of them was sent.
    """

    clause: str
    kind: str
    tlp: Tlp
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class History:
    """How a room keeps what was sent under agreements, and opens it to who joins them.

    Args:
        name: the room, for example ``federation``.
        open: lets who joined an agreement read as far back as its clauses and whom somebody here confirmed say;
            idempotent, inside a transaction.
        earlier: what a party, by its key, would read once it is confirmed.
        has_begun: whether a party reads from some place on already.
        has_read: whether a party has signed for anything that was sent to it.
    """

    name: str
    open: Callable[[Agreement], object]
    earlier: Callable[[Agreement, str], Sequence[Earlier]]
    has_begun: Callable[[Agreement, str], bool]
    has_read: Callable[[Agreement, str], bool]
