"""Declarations that only narrow: whether they do, and what is left of a clause. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document.nouns import ANY
from taawun.cooperation.agreements.errors import DocumentRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from taawun.cooperation.agreements.document.nouns import Clause, Document, Narrowing

__all__ = ["check_meant", "check_narrowings", "narrowed"]


def check_meant(document: Document, narrowing: Narrowing, place: str, *, closes: bool) -> None:
    """Whether somebody here who is about to declare this has said what changes.

    By the protocol a narrowing without limits closes its clause. So that nobody closes one by leaving a form as it was,
    a person or a program says so.

    Args:
        document: the version that it speaks about.
        narrowing: what they would declare.
        place: of it in what they sent.
        closes: whether they said that the clause is to be closed.

    Raises:
        DocumentRefused: nothing is changed, or the clause is to be closed and narrowed at once.
    """
    if closes and not narrowing.closes:
        raise DocumentRefused(
            place, _("A clause that is closed has nothing left to narrow: choose one of the two.")
        )
    clause = document.clause(narrowing.clause)
    limits = replace(narrowing, tlp_max=None)
    is_same = clause is not None and limits.closes and narrowing.tlp_max == clause.tlp_max
    if is_same or (narrowing.closes and not closes):
        raise DocumentRefused(
            place,
            _("Nothing is changed: choose a lower marking, a party to leave out, or close the clause."),
        )


def check_narrowings(document: Document, author: str, narrowings: Sequence[Narrowing]) -> None:
    """Whether each of these takes something from what the author gives or takes, and adds nothing.

    Args:
        document: the version that they speak about, with whoever acceded to it.
        author: ref of the party that declares them.
        narrowings: in order.

    Raises:
        DocumentRefused: naming the place of the first one that does not.
    """
    for index, each in enumerate(narrowings):
        place = f"/narrows/{index}"
        clause = document.clause(each.clause)
        if clause is None:
            raise DocumentRefused(f"{place}/clause", _("is no clause of this version"))
        side = clause.senders if each.direction == "gives" else clause.receivers
        if ANY not in side and author not in side:
            raise DocumentRefused(
                f"{place}/direction",
                _("this party does not stand there in the clause, so nothing is narrowed"),
            )
        _check_limits(clause, each, place)
        for position, ref in enumerate(each.without):
            if document.party(ref) is None or ref == author:
                raise DocumentRefused(f"{place}/without/{position}", _("is no other party of this version"))


def _check_limits(clause: Clause, narrowing: Narrowing, place: str) -> None:
    if narrowing.tlp_max is not None and narrowing.tlp_max > clause.tlp_max:
        raise DocumentRefused(
            f"{place}/tlp_max",
            _("would widen the clause, which goes up to %(tlp)s") % {"tlp": clause.tlp_max.label},
        )
    for index, kind in enumerate(narrowing.kinds):
        if not any(_covers(pattern, kind) for pattern in clause.kinds):
            raise DocumentRefused(
                f"{place}/kinds/{index}", _("would widen the clause, which does not cover this kind")
            )
    for index, topic in enumerate(narrowing.topics):
        if clause.topics and topic not in clause.topics:
            raise DocumentRefused(
                f"{place}/topics/{index}", _("would widen the clause, which does not cover this topic")
            )


def narrowed(clause: Clause, others: Collection[str], narrowings: Iterable[Narrowing]) -> Clause | None:
    """What some declarations leave of a clause.

    Of several, what all of them leave: the lowest marking, and only kinds and topics that each of them names.

    Args:
        clause: as it was signed.
        others: ref of the party at the other end, and of its host where it is a guest.
        narrowings: of one party on this clause in the direction in question.

    Returns:
        The clause with less in it; None where nothing is left for that other party.
    """
    left: Clause | None = clause
    for each in narrowings:
        if left is None or not set(others).isdisjoint(each.without):
            return None
        if each.closes:
            return None
        left = _less(left, each)
    return left


def _less(clause: Clause, narrowing: Narrowing) -> Clause | None:
    kinds, topics, tlp = clause.kinds, clause.topics, clause.tlp_max
    if narrowing.tlp_max is not None:
        tlp = min(tlp, narrowing.tlp_max)
    if narrowing.kinds:
        kinds = _common_kinds(clause.kinds, narrowing.kinds)
    if narrowing.topics:
        topics = (
            tuple(each for each in narrowing.topics if each in clause.topics)
            if clause.topics
            else narrowing.topics
        )
        if not topics:
            return None  # an empty list of topics would mean all of them
    return replace(clause, kinds=kinds, topics=topics, tlp_max=tlp) if kinds else None


def _common_kinds(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The patterns of what both cover: of two that meet, the narrower one."""
    found = [
        other if _covers(one, other) else one
        for one in some
        for other in others
        if _covers(one, other) or _covers(other, one)
    ]
    return tuple(dict.fromkeys(found))


def _covers(wide: str, narrow: str) -> bool:
    """Whether one pattern of kinds names everything that another names."""
    return wide in ("*", narrow) or (wide.endswith(".*") and narrow.startswith(wide[:-1]))
