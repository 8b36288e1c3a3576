"""Gathers what began since the last time, for everybody who is to be told of it by e-mail.

A schedule asks every kind of news what began. What it finds it counts for each person as that person may see it, and
the counts are written together with how far was looked, so that after a crash nothing is counted twice or left out.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from taawun.cooperation.people.models import Gathered, Person, Untold, Wish
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import now
from taawun.platform.notices.news import NewsKind, Way
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

__all__ = ["gather"]

log = logging.getLogger(__name__)

# a row is dated when it is made and seen when its transaction commits, which is this much later at the most
_SETTLED: Final = timedelta(minutes=1)
# what began longer ago is no news: the node was off, or had no mail server
_NEWS_FOR: Final = timedelta(days=1)
# how far was looked is written down as often as that where there is nothing
_WRITTEN: Final = timedelta(minutes=10)
_BY_MAIL: Final = frozenset({Way.AT_ONCE, Way.SUMMARY})


def gather() -> int:
    """Count what began of every kind, for everybody who is to be told of it by e-mail.

    Returns:
        For how many persons there is something new, once for each kind.
    """
    # without mail nothing waits for letters that nobody sends
    if not settings.EMAIL_URL:
        return 0
    until = now() - _SETTLED
    found = 0
    for kind in registry.all(NewsKind):
        try:
            found += _gather(kind, until)
        except Exception:  # a room that cannot tell keeps no other from it
            log.exception("what began of %s could not be gathered", kind.name)
    Untold.objects.filter(Q(told=None) | Q(told__lt=until - _NEWS_FOR), count=0).delete()
    return found


def _gather(kind: NewsKind, until: datetime) -> int:
    row, is_first = Gathered.objects.get_or_create(kind=kind.name, defaults={"until": until})
    after = max(row.until, until - _NEWS_FOR)
    if is_first or after >= until:
        return 0
    counts: dict[UUID, tuple[int, bool]] = {}
    if kind.stirred(after, until):
        counts = _counted(kind, after, until)
    elif until - row.until < _WRITTEN:
        return 0
    with transaction.atomic():
        # whoever else gathers meanwhile has counted the same
        if not Gathered.objects.filter(kind=kind.name, until=row.until).update(until=until):
            return 0
        for person, (count, at_once) in counts.items():
            Untold.objects.get_or_create(person_id=person, kind=kind.name)
            Untold.objects.filter(person_id=person, kind=kind.name).update(
                count=F("count") + count, at_once=at_once
            )
    return len(counts)


def _counted(kind: NewsKind, after: datetime, until: datetime) -> dict[UUID, tuple[int, bool]]:
    """How many began for each person who is told of it by e-mail, and whether at once."""
    wishes = dict(Wish.objects.filter(kind=kind.name).values_list("person", "way"))
    found = {}
    for person in Person.objects.filter(is_active=True).order_by("id"):
        actor = actor_of(person)
        if kind.permission not in actor.permissions:
            continue
        way = wishes.get(person.id, kind.way_for(actor.permissions))
        if way in _BY_MAIL and (count := kind.began(actor, after, until)):
            found[person.id] = (count, way == Way.AT_ONCE)
    return found
