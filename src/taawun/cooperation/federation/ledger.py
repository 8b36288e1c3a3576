"""The ledger: what each party gave and received, by agreement, partner, kind and month, and how far it reached.

It is counted from the log, in the database, and says how much went where, never what. A month is that in which an entry
was recorded here, in UTC. What went to one partner over two clauses was given twice, as each clause asks for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Case, CharField, Count, DateTimeField, F, IntegerField, Model, Sum, When

from taawun.cooperation.federation.models import Passage, Reach, Receipt
from taawun.cooperation.federation.readers import is_reader
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader
from taawun.platform.web.questions import Question, given

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

__all__ = ["DIMENSIONS", "Cell", "Sums", "Wanted", "Week", "cells", "flowed", "grouped", "total", "weeks"]

_M = TypeVar("_M", bound=Model)

DIMENSIONS: Final = ("agreement", "partner", "kind", "month")
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the ledger.

    Args:
        agreement: only under this one.
        partner: only to and from this one.
        kind: only of this kind.
        since: first month, as ``2026-11``; empty for the beginning.
        until: last month; empty for now.
    """

    agreement: UUID | None = None
    partner: UUID | None = None
    kind: str = ""
    since: str = ""
    until: str = ""


@dataclass(slots=True)
class Sums:
    """What was given and received.

    Args:
        given: releases that we sent.
        deliveries: to partners, each release once for each of them.
        signed: of these deliveries, those that the partner signed to have taken in.
        given_bytes: size of what we sent, before compression.
        given_back: of what we sent, what was withdrawn since.
        onward: parties that partners say they passed it on to; None where nobody told.
        received: releases that partners sent.
        received_bytes: their size.
        received_back: of these, what was withdrawn since.
    """

    given: int = 0
    deliveries: int = 0
    signed: int = 0
    given_bytes: int = 0
    given_back: int = 0
    onward: int | None = None
    received: int = 0
    received_bytes: int = 0
    received_back: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """The smallest part of the ledger.

    Args:
        agreement: id; None for public lanes.
        partner: id; None for what only guests of this node received, or nobody who said so over the public lane.
        kind: of release.
        month: as ``2026-11``.
        lane: over which it went: what one lane carries to several partners was given once.
        sums: what was given and received.
    """

    agreement: UUID | None
    partner: UUID | None
    kind: str
    month: str
    lane: UUID
    sums: Sums


@dataclass(frozen=True, slots=True)
class Week:
    """What passed within seven days.

    Args:
        ends: their last instant.
        given: releases that we sent, each once over every lane.
        received: releases that partners sent, likewise.
    """

    ends: datetime
    given: int
    received: int


@dataclass(slots=True)
class _Group:
    sums: Sums = field(default_factory=Sums)
    lanes: set[tuple[UUID, str, str]] = field(default_factory=set)


def cells(wanted: Wanted) -> list[Cell]:
    """The ledger in its smallest parts; a few questions to the database, however much there is."""
    carried = _carried(wanted)
    readers, late = _readers(wanted, {each.lane for each in carried if each.sender is None})
    signed, unread = _signed(wanted), _before_floors(wanted, late) if late else {}
    found = []
    for agreement, lane, kind, month, count, size, back, sender in carried:
        if sender is not None:
            got = Sums(received=count, received_bytes=size, received_back=back)
            found.append(Cell(agreement, sender, kind, month, lane, got))
            continue
        for partner in readers.get(lane, [None] if wanted.partner is None else []):
            cell = (lane, partner, kind, month)
            # who joined a lane later comes after whom it was opened for: what these got stands for what was given
            before = unread.get(cell, (0, 0, 0))
            if before[0] == count:
                continue
            gave = Sums(
                given=count - before[0],
                deliveries=count - before[0] if partner else 0,
                signed=signed.get(cell, 0),
                given_bytes=size - before[1],
                given_back=back - before[2],
            )
            found.append(Cell(agreement, partner, kind, month, lane, gave))
    _add_onward(found, wanted)
    return found


def flowed(agreement: UUID) -> dict[str, int]:
    """How many releases went and came under each clause of an agreement, by the refs of its clauses; one question.

    What went over several lanes of one clause counts once.

    Args:
        agreement: its lineage.
    """
    rows = Passage.objects.filter(agreement=agreement).values("clause")
    return {
        row["clause"]: row["count"] for row in rows.annotate(count=Count("release", distinct=True)).order_by()
    }


def weeks(until: datetime, count: int) -> list[Week]:
    """What passed in each of the last weeks, the oldest first.

    Args:
        until: where the last of them ends.
        count: so many.
    """
    after = [until - (count - at) * _WEEK for at in range(count)]
    sums = [[0, 0] for _ in after]
    begun = {f"begun{at}": each for at, each in enumerate(after)}
    for at, sender, n in _by_week(count).ask(month=f"{after[0].astimezone(UTC):%Y-%m}", until=until, **begun):
        sums[at][sender is not None] += n
    return [Week(begins + _WEEK, *each) for begins, each in zip(after, sums, strict=True)]


@lru_cache(maxsize=8)
def _by_week(count: int) -> Question:
    """How many passages there were in each week, counted from the first, by who sent them."""
    begun = [given(f"begun{at}", DateTimeField()) for at in range(count)]

    def write() -> QuerySet[Passage, Any]:
        # the month stands in the index of the passages, the instant in the log
        found = Passage.objects.filter(
            month__gte=given("month", CharField()),
            entry__recorded__gt=begun[0],
            entry__recorded__lte=given("until", DateTimeField()),
        )
        newest_first = (When(entry__recorded__gt=each, then=at) for at, each in reversed([*enumerate(begun)]))
        week = Case(*newest_first, output_field=IntegerField())
        rows = found.annotate(week=week).values_list("week", "lane__sender").annotate(n=Count("id"))
        return rows.order_by()

    return Question(write)


def grouped(found: Iterable[Cell], by: str) -> dict[Any, Sums]:
    """The sums by one of :data:`DIMENSIONS`, the largest first; months in their order.

    Args:
        found: the ledger.
        by: which dimension.
    """
    # Any: an id, a kind or a month
    groups: dict[Any, _Group] = defaultdict(_Group)
    for cell in found:
        _add(groups[getattr(cell, by)], cell)
    sums = {key: group.sums for key, group in groups.items()}
    if by == "month":
        return dict(sorted(sums.items()))
    return dict(sorted(sums.items(), key=lambda row: -(row[1].given + row[1].received)))


def total(found: Iterable[Cell]) -> Sums:
    """The sums of all."""
    group = _Group()
    for cell in found:
        _add(group, cell)
    return group.sums


def _add(group: _Group, cell: Cell) -> None:
    sums, more = group.sums, cell.sums
    sums.deliveries += more.deliveries
    sums.signed += more.signed
    sums.received += more.received
    sums.received_bytes += more.received_bytes
    sums.received_back += more.received_back
    if more.onward is not None:
        sums.onward = (sums.onward or 0) + more.onward
    once = (cell.lane, cell.kind, cell.month)
    if once not in group.lanes:
        # what one lane carried to many was given once
        group.lanes.add(once)
        sums.given += more.given
        sums.given_bytes += more.given_bytes
        sums.given_back += more.given_back


# ---- counted in the database ------------------------------------------------------------------------------------
class _Carried(NamedTuple):
    """How much a lane carried of a kind in a month, under an agreement; sent by a partner, or by us for None."""

    agreement: UUID | None
    lane: UUID
    kind: str
    month: str
    releases: int
    bytes: int
    back: int
    sender: UUID | None


def _carried(wanted: Wanted) -> list[_Carried]:
    found = _within(Passage.objects.all(), wanted)
    if wanted.agreement:
        found = found.filter(agreement=wanted.agreement)
    rows = found.values_list("agreement", "lane", "kind", "month").annotate(
        count=Count("id"), bytes=Sum("size"), back=Count("ended")
    )
    senders = dict(Lane.objects.exclude(purpose=Lane.Purpose.TALK).values_list("id", "sender"))
    carried = (
        _Carried(agreement, lane, kind, month, count, size, back, senders[lane])
        for agreement, lane, kind, month, count, size, back in rows.order_by()
    )
    return [each for each in carried if wanted.partner is None or each.sender in {None, wanted.partner}]


def _signed(wanted: Wanted) -> dict[tuple[UUID, UUID | None, str, str], int]:
    """How much of what a lane carried each partner took in, by kind and month."""
    found = _within(Receipt.objects.filter(outcome=LaneEntry.State.DONE), wanted)
    if wanted.partner:
        found = found.filter(partner=wanted.partner)
    if wanted.agreement:
        found = found.filter(lane__in=Lane.objects.filter(agreement=wanted.agreement).values("id"))
    rows = found.values_list("lane", "partner", "kind", "month").annotate(count=Count("id"))
    return {(lane, partner, kind, month): count for lane, partner, kind, month, count in rows.order_by()}


def _before_floors(
    wanted: Wanted, late: list[int]
) -> dict[tuple[UUID, UUID | None, str, str], tuple[int, int, int]]:
    """How much a lane had carried before a reader joined it, by kind and month: count, bytes, and withdrawn since."""
    found = _within(Passage.objects.filter(lane__readers__in=late), wanted)
    if wanted.agreement:
        found = found.filter(agreement=wanted.agreement)
    rows = (
        found.filter(lane__readers__first_seq__gt=F("entry__seq"))
        .values("lane", "kind", "month", partner=F("lane__readers__partner"))
        .annotate(count=Count("id"), bytes=Sum("size"), back=Count("ended"))
    )
    return {
        (row["lane"], row["partner"], row["kind"], row["month"]): (row["count"], row["bytes"], row["back"])
        for row in rows.order_by()
    }


def _readers(wanted: Wanted, lanes: set[UUID]) -> tuple[dict[UUID, list[UUID | None]], list[int]]:
    """The partners that read each lane of ours, and the readers that joined one after it had begun."""
    found = LaneReader.objects.filter(lane__sender=None, lane__purpose__in=["clause", "public"])
    if wanted.partner:
        found = found.filter(partner=wanted.partner)
    readers: dict[UUID, list[UUID | None]] = defaultdict(list)
    late = []
    for reader, lane, partner, first in found.order_by("id").values_list(
        "id", "lane", "partner", "first_seq"
    ):
        if lane in lanes:
            readers[lane].append(partner)
            late += [reader] if first else []
    return readers, late


def _within(found: QuerySet[_M], wanted: Wanted) -> QuerySet[_M]:
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.since:
        found = found.filter(month__gte=wanted.since)
    if wanted.until:
        found = found.filter(month__lte=wanted.until)
    return found


# ---- how far partners say it went on ----------------------------------------------------------------------------
def _add_onward(found: Iterable[Cell], wanted: Wanted) -> None:
    told = _told(wanted)
    for cell in found:
        key = (cell.agreement, cell.partner, cell.kind, cell.month)
        if key in told:
            # two lanes of one agreement to one partner are told of together
            cell.sums.onward = told.pop(key)


def _told(wanted: Wanted) -> dict[tuple[UUID | None, UUID | None, str, str], int]:
    """How many parties each partner says that it passed ours on to, under the agreement by which it had it."""
    passages = "release__passages__"
    found = Reach.objects.filter(
        is_reader(F("partner"), lane=f"{passages}lane__", entry=f"{passages}entry__"),
        **{f"{passages}lane__sender": None},
    )
    if wanted.partner:
        found = found.filter(partner=wanted.partner)
    rows = found.values(
        "partner",
        agreement=F(f"{passages}agreement"),
        kind=F(f"{passages}kind"),
        month=F(f"{passages}month"),
    ).annotate(count=Sum("parties"))
    return {
        (row["agreement"], row["partner"], row["kind"], row["month"]): row["count"] for row in rows.order_by()
    }
