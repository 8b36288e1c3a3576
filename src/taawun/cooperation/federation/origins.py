"""How far something made of several received things may go: as far as the strictest of them. Pure."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from taawun.cooperation.agreements.decision import ONWARD_RANK
from taawun.cooperation.agreements.policy import Origin
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.agreements.policy import Policy

__all__ = ["narrowest"]


def narrowest(origins: Iterable[Origin], policy: Policy, at: float | None = None) -> Origin:
    """The origin under which only that may go which each of these lets go.

    The widest rule is kept and bounded by the reach of the others, not the other way round: ``named`` lets
    TLP:AMBER through, which ``parties`` and ``public`` do not.

    Args:
        origins: of every part; our own parts narrow nothing.
        policy: tells the signatories where an origin speaks of the parties of its agreement.
        at: the instant at which they are asked for, in seconds since the epoch; now by default.

    Returns:
        One origin that stands for all of them.
    """
    moment = now().timestamp() if at is None else at
    received = sorted(
        (each for each in origins if each.rule != "own"), key=lambda each: ONWARD_RANK[each.rule]
    )
    if not received:
        return Origin()
    *others, widest = received
    if received[0].rule == "none":
        return Origin(rule="none")
    bounds = [*(each.bound for each in received), *(_reach(each, policy, moment) for each in others)]
    return Origin(widest.rule, widest.agreement, widest.named, reduce(_narrower, bounds))


def _reach(origin: Origin, policy: Policy, at: float) -> frozenset[str] | None:
    """Whom an origin's own rule can reach; None for everybody."""
    if origin.rule == "named":
        return origin.named
    if origin.rule == "parties":
        return policy.signatories(origin.agreement, at) if origin.agreement else frozenset()
    return None


def _narrower(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
