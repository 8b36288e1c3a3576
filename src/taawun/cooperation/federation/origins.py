"""How far something made of several received things may go: as far as the strictest of them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements.policy import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.agreements.policy import Policy

__all__ = ["narrowest"]

_RANK: Final = {"none": 0, "named": 1, "parties": 2, "public": 3, "own": 4}


def narrowest(origins: Iterable[Origin], policy: Policy) -> Origin:
    """The origin under which everything may go that each of these lets go.

    Args:
        origins: of every part; our own parts narrow nothing.
        policy: tells the signatories where an origin speaks of the parties of its agreement.

    Returns:
        The strictest rule of all, bounded by what the others allow.
    """
    result = Origin()
    for each in sorted(origins, key=lambda origin: _RANK[origin.rule]):
        result = each if result.rule == "own" else _both(result, each, policy)
    return result


def _both(strict: Origin, other: Origin, policy: Policy) -> Origin:
    bound = _narrower(strict.bound, other.bound)
    if strict.rule == other.rule == "named":
        return replace(strict, named=strict.named & other.named, bound=bound)
    return replace(strict, bound=_narrower(bound, _reach(other, policy)))


def _reach(origin: Origin, policy: Policy) -> frozenset[str] | None:
    """Whom an origin's own rule can reach; None for everybody."""
    if origin.rule == "named":
        return origin.named
    if origin.rule == "parties":
        return policy.signatories(origin.agreement) if origin.agreement else frozenset()
    return frozenset() if origin.rule == "none" else None


def _narrower(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
