"""Raising and resolving notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from taawun.foundation.clock import now
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["raise_notice", "reopen", "resolve", "settle"]


@transaction.atomic
def raise_notice(kind: str, subject: str, level: Notice.Level, params: Mapping[str, str]) -> Notice:
    """Tell the people concerned. The same kind about the same subject, while open, is counted, not repeated.

    Args:
        kind: name of a registered :class:`NoticeKind`.
        subject: URN of the thing it is about.
        level: how much it matters.
        params: what the kind's sentences are made of; never marked content.

    Raises:
        NotRegistered: there is no such kind.
    """
    registry.get(NoticeKind, kind)
    # locked, so that one which a person settles at this moment is not taken for open
    notice, created = Notice.objects.select_for_update().get_or_create(
        kind=kind, subject=subject, resolved=None, defaults={"level": level, "params": dict(params)}
    )
    if not created:
        Notice.objects.filter(id=notice.id).update(
            last_seen=now(), times=F("times") + 1, params=dict(params), level=level
        )
        notice.refresh_from_db()
    return notice


def resolve(kind: str, subject: str) -> int:
    """Close what is open of this kind about this subject.

    Returns:
        How many notices were closed (0 or 1).
    """
    return Notice.objects.filter(kind=kind, subject=subject, resolved=None).update(resolved=now())


@transaction.atomic
def settle(notice: Notice, record: Callable[[str, str], object]) -> bool:
    """A person says that a notice has been dealt with.

    Args:
        notice: which; whoever may see it and mark it was asked before.
        record: ``record(verb, subject)`` writes the audit row for that person.

    Returns:
        Whether it was open.
    """
    closed = Notice.objects.filter(id=notice.id, resolved=None).update(resolved=now())
    if closed:
        record("notices.resolved", f"urn:uuid:{notice.id}")
    return closed > 0


@transaction.atomic
def reopen(notice: Notice, record: Callable[[str, str], object]) -> bool:
    """A person says that a notice has not been dealt with after all.

    Where the same has been told anew since, that one is open already, and this stays in the history.

    Args:
        notice: which; whoever may see it and mark it was asked before.
        record: ``record(verb, subject)`` writes the audit row for that person.

    Returns:
        Whether it was opened.
    """
    told_anew = Notice.objects.select_for_update().filter(
        kind=notice.kind, subject=notice.subject, resolved=None
    )
    if told_anew.exists():
        return False
    opened = Notice.objects.filter(id=notice.id, resolved__isnull=False).update(resolved=None)
    if opened:
        record("notices.reopened", f"urn:uuid:{notice.id}")
    return opened > 0
