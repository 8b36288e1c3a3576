"""What one party's clauses say about one kind, laid out so that a refusal is as quick as a yes. Pure.

Between two instants at which one of the clauses begins or ends, each marking has one answer for releases without
topics, and one for each topic that some clause lists. A decision compares these and looks at no clause again.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements.decision import (
    FOREVER,
    Allowed,
    Denied,
    closed_by,
    kind_matches,
    stage,
)
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taawun.cooperation.agreements.decision import Decision, Facts, Grant

__all__ = ["Layout", "Proposal", "lay_out", "narrowest_pattern"]

_YES: Final = 0
_NO: Final = 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """A version that never was in force. It gives nothing, so one reason for all of it is enough.

    Args:
        refusal: why nothing flows under it.
        receivers: party keys to which it would let us send.
        kinds: patterns of the clauses that would.
    """

    refusal: Denied
    receivers: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A decision with its place among others: the least is given."""

    order: tuple[int, int, int]
    decision: Decision


@dataclass(frozen=True, slots=True)
class _Lot:
    """Clauses that list one topic, or that list none.

    Args:
        answers: what they say about each marking.
        held: those that hold, each with its place in the order of strictness.
        levels: the highest marking of each of these, ascending.
    """

    answers: tuple[_Answer, ...]
    held: tuple[tuple[int, Grant], ...]
    levels: tuple[Tlp, ...]

    def allowing(self, tlp: Tlp) -> Iterable[tuple[int, Grant]]:
        return self.held[bisect_left(self.levels, tlp) :]


class Layout:
    """The answers for one party and one kind.

    Args:
        span: instants (seconds since the epoch) between which no clause begins or ends.
        free: clauses on all topics, and the most helpful refusal where none of those on some topics says more.
        by_topic: clauses on some topics, each with its place in the order of strictness, for each of their topics.
        closed: places of those that hold for nothing in this span, each with why.
    """

    __slots__ = ("_by_topic", "_closed", "_free", "_lots", "closes", "opens")

    def __init__(
        self,
        span: tuple[float, float],
        free: _Lot,
        by_topic: Mapping[str, Sequence[tuple[int, Grant]]],
        closed: Mapping[int, str],
    ) -> None:
        self.opens, self.closes = span
        self._free, self._by_topic, self._closed = free, by_topic, closed
        # most topics are never asked for
        self._lots: dict[str, _Lot] = {}

    def decide(self, release: Facts) -> Decision:
        """The strictest yes, or the no that came furthest."""
        tlp = release.tlp
        best = self._free.answers[tlp]
        if self._by_topic:
            for lot in self._about(release.topics):
                if lot.answers[tlp].order < best.order:
                    best = lot.answers[tlp]
        return best.decision

    def allowing(self, release: Facts) -> tuple[Grant, ...]:
        """Every clause that says yes, strictest first."""
        found = self._free.allowing(release.tlp)
        lots = self._about(release.topics)
        if lots:
            # a clause that lists two of the topics is still one
            by_place = dict(found)
            for lot in lots:
                by_place.update(lot.allowing(release.tlp))
            found = sorted(by_place.items(), key=itemgetter(0))
        return tuple(grant for _place, grant in found)

    def _about(self, topics: Iterable[str]) -> list[_Lot]:
        found = []
        for topic in topics:
            lot = self._lots.get(topic)
            if lot is None and topic in self._by_topic:
                lot = self._lots[topic] = _lot(self._by_topic[topic], self._closed)
            if lot is not None:
                found.append(lot)
        return found


def lay_out(
    grants: Sequence[Grant], proposals: Iterable[Proposal], nothing: Denied, kind: str, at: float
) -> Layout:
    """Answer all releases of one kind for one party.

    Args:
        grants: its clauses, strictest first.
        proposals: versions that name it and never were in force.
        nothing: the refusal where it has neither.
        kind: a release kind.
        at: an instant, in seconds since the epoch.
    """
    opens, closes = -FOREVER, FOREVER
    matches: dict[tuple[str, ...], bool] = {}
    refused: dict[str, tuple[int, Grant]] = {}
    free: list[tuple[int, Grant]] = []
    by_topic: dict[str, list[tuple[int, Grant]]] = {}
    closed: dict[int, str] = {}
    for each in enumerate(grants):
        place, grant = each
        kinds = grant.clause.kinds
        covers = matches.get(kinds)
        if covers is None:
            covers = matches[kinds] = kind_matches(kinds, kind)
        if not covers:
            refused.setdefault("kind", each)
            continue
        for moment in (
            grant.opens,
            grant.closes,
            grant.lapses,
            grant.terminates,
            grant.suspended_until,
        ):
            if moment <= at:
                opens = max(opens, moment)
            else:
                closes = min(closes, moment)
        if reason := closed_by(grant, at):
            closed[place] = reason
        if grant.clause.topics:
            refused.setdefault("topics", each)
            for topic in grant.clause.topics:
                by_topic.setdefault(topic, []).append(each)
        else:
            free.append(each)
    refusals = [_no(nothing, 0), *(_no(_proposed(each, kind), 0) for each in proposals)]
    least = min([*refusals, *_refusals(refused)], key=_order)
    return Layout((opens, closes), _lot(free, closed, least), by_topic, closed)


def _proposed(proposal: Proposal, kind: str) -> Denied:
    covers = narrowest_pattern(proposal.kinds, kind) != ""
    return proposal.refusal if covers else Denied("kind", proposal.refusal.grant)


def _lot(among: Sequence[tuple[int, Grant]], closed: Mapping[int, str], least: _Answer | None = None) -> _Lot:
    still = [each for each in among if each[0] not in closed]
    held = tuple(each for each in still if not each[1].is_narrowed)
    narrowed = [each for each in still if each[1].is_narrowed]
    levels = tuple(grant.clause.tlp_max for _place, grant in held)
    refused: dict[str, tuple[int, Grant]] = {}
    for each in among:
        if each[0] in closed:
            refused.setdefault(closed[each[0]], each)
    refusals = [*_refusals(refused), *([least] if least else [])]
    if held:
        place, grant = held[-1]
        # of clauses with too low a marking the highest comes nearest
        refusals.append(_no(Denied("tlp", grant), -place))
    answers: list[_Answer] = []
    for tlp in Tlp:
        first = bisect_left(levels, tlp)
        if first < len(held):
            place, grant = held[first]
            answers.append(_Answer((_YES, 0, place), Allowed(grant)))
        else:
            answers.append(min([*refusals, *_narrowings(narrowed, tlp)], key=_order))
    return _Lot(tuple(answers), held, levels)


def _narrowings(narrowed: Iterable[tuple[int, Grant]], tlp: Tlp) -> list[_Answer]:
    """What clauses of which a declaration leaves less say about what that less does not allow."""
    return [
        _no(Denied("narrowed", grant), place)
        if tlp <= grant.clause.tlp_max
        else _no(Denied("tlp", grant), -place)
        for place, grant in narrowed
    ]


def _refusals(refused: Mapping[str, tuple[int, Grant]]) -> list[_Answer]:
    """The first clause, by strictness, that refuses for each of some reasons."""
    return [_no(Denied(reason, grant), place) for reason, (place, grant) in refused.items()]


def _no(refusal: Denied, place: int) -> _Answer:
    return _Answer((_NO, -stage(refusal.reason), place), refusal)


def _order(answer: _Answer) -> tuple[int, int, int]:
    return answer.order


def narrowest_pattern(patterns: frozenset[str], kind: str) -> str:
    """Which of these names a kind most narrowly, or empty: kinds with the same one are named by the same patterns."""
    if kind in patterns:
        return kind
    dot = kind.rfind(".")
    while dot >= 0:
        if (pattern := f"{kind[:dot]}.*") in patterns:
            return pattern
        dot = kind.rfind(".", 0, dot)
    return "*" if "*" in patterns else ""
