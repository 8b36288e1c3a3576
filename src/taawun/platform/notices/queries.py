"""Reading notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from django.db.models import Count, Func, IntegerField, Subquery, Value
from django.db.models.functions import Coalesce

from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from taawun.platform.web.kept import Kept
from taawun.platform.web.questions import Question

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

__all__ = ["Reader", "count_open", "open_notices", "pulse", "resolved_notices"]


class Reader(Protocol):
    """Anybody who reads notices: an actor with permissions."""

    @property
    def permissions(self) -> Collection[str]:
        """What they may do."""
        ...


def open_notices(permissions: Collection[str], level: str = "") -> QuerySet[Notice]:
    """What is open and meant for somebody with these permissions, newest first.

    Args:
        permissions: what they may do.
        level: a ``Notice.Level`` value; empty for any.
    """
    # as an expression, so that the database walks the index of what is newest and does not sort every kind anew
    found = Notice.objects.alias(told=Coalesce("kind", Value("")))
    found = found.filter(told__in=_kinds(permissions), resolved=None).order_by("-last_seen", "-id")
    return found.filter(level=level) if level else found


def resolved_notices(permissions: Collection[str], level: str = "") -> QuerySet[Notice]:
    """What is over and was meant for somebody with these permissions, what was resolved last first.

    Args:
        permissions: what they may do.
        level: a ``Notice.Level`` value; empty for any.
    """
    found = Notice.objects.filter(kind__in=_kinds(permissions), resolved__isnull=False)
    found = found.order_by("-resolved", "-id")
    return found.filter(level=level) if level else found


def count_open(reader: Reader) -> int:
    """How many notices wait for this reader."""
    kinds = _kinds(reader.permissions)
    return sum(rows for kind, rows in _OPEN_BY_KIND.get() if kind in kinds)


def _open_by_kind() -> list[tuple[str, int]]:
    found = Notice.objects.filter(resolved__isnull=True).order_by().values("kind").annotate(rows=Count("id"))
    return list(found.values_list("kind", "rows"))


# every page asks, and it takes as long as there are open ones
_OPEN_BY_KIND: Final = Kept(_open_by_kind, watches="notices")


def _kinds(permissions: Collection[str]) -> list[str]:
    return [kind.name for kind in registry.all(NoticeKind) if kind.permission in permissions]


def _open_and_newest() -> QuerySet[Notice, tuple[int, datetime, datetime | None]]:
    found = Notice.objects.filter(resolved__isnull=True)
    # as a function, for an aggregate would be grouped, and would read each row for that
    counted = found.order_by().annotate(rows=Func("id", function="COUNT")).values("rows")
    over = Notice.objects.filter(resolved__isnull=False).order_by("-resolved", "-id").values("resolved")[:1]
    newest = found.order_by("-last_seen", "-id").annotate(
        rows=Subquery(counted, output_field=IntegerField()), over=Subquery(over)
    )
    return newest.values_list("rows", "last_seen", "over")[:1]


_OPEN: Final = Question(_open_and_newest)


def pulse(_of: str = "") -> str:
    """How many notices are open, and when the newest was seen and the last was over.

    Most are raised by no act of the trail. One that is over may be opened again, which leaves as many open, and the
    same one the newest, where another was settled before.
    """
    return ":".join(
        f"{rows}@{newest.timestamp()}-{over.timestamp() if over else ''}"
        for rows, newest, over in _OPEN.ask()
    ).replace(".", "_")
