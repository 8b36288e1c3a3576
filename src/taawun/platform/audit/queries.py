"""Reading the trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Count

from taawun.platform.audit.models import Entry
from taawun.platform.web.questions import Question

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["Chain", "Filters", "chain", "entries", "pulse"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader of the trail asks for; empty means all.

    Args:
        verb: the verb, or its room when it ends in a dot (``agreements.``).
        subject: the URN acted on.
        actor: the actor's id.
    """

    verb: str = ""
    subject: str = ""
    actor: str = ""


def entries(filters: Filters) -> QuerySet[Entry]:
    """Rows of the trail, newest first. Who may ask is the caller's question (``read:audit``)."""
    rows = Entry.objects.order_by("-id")
    if filters.verb.endswith("."):
        rows = rows.filter(verb__startswith=filters.verb)
    elif filters.verb:
        rows = rows.filter(verb=filters.verb)
    if filters.subject:
        rows = rows.filter(subject=filters.subject)
    if filters.actor:
        rows = rows.filter(actor_id=filters.actor)
    return rows


LONGEST_WALK: Final = 50_000


@dataclass(frozen=True, slots=True)
class Chain:
    """Where the chain stands, without walking it.

    Args:
        rows: sealed rows.
        head: digest of the last one; empty before the first.
        waiting: rows that the sweep has not sealed yet.
    """

    rows: int
    head: str
    waiting: int

    @property
    def is_long(self) -> bool:
        """Whether a walk over it takes longer than somebody who asks should wait; the console walks any."""
        return self.rows > LONGEST_WALK


def chain() -> Chain:
    """Where the chain stands. That it is whole is only known to :func:`taawun.platform.audit.actions.verify`."""
    last = Entry.objects.filter(seq__isnull=False).order_by("-seq").first()
    waiting = Entry.objects.filter(seq__isnull=True).count()
    return Chain(last.seq or 0, last.digest, waiting) if last else Chain(0, "", waiting)


_SEALED: Final = Question(
    lambda: Entry.objects.filter(seq__isnull=False).order_by("-seq").values_list("seq")[:1]
)
_WAITING: Final = Question(
    lambda: (
        Entry.objects.filter(seq__isnull=True)
        .order_by()
        .values("seq")
        .annotate(rows=Count("id"))
        .values_list("rows")
    )
)


def pulse(_of: str = "") -> str:
    """How many rows there are: every write of the node leaves one. Every poll of a page asks it."""
    sealed, waiting = _SEALED.ask(), _WAITING.ask()
    return str((sealed[0][0] if sealed else 0) + (waiting[0][0] if waiting else 0))
