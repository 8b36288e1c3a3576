"""How people want to be told of things, and when their summary comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from taawun.cooperation.people.models import Letterbox, Organisation, Wish
from taawun.foundation.weeks import in_order, working_days
from taawun.platform.notices.news import NewsKind, Topic, Way
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import PersonActor
    from taawun.cooperation.people.models import Person

__all__ = [
    "Chosen",
    "days_of",
    "kinds_for",
    "last_due",
    "letterbox_of",
    "not_wanted",
    "standard_week",
    "wishes_of",
]

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Chosen:
    """A kind of thing, and how somebody is told of it.

    Args:
        kind: which.
        way: how they are told.
        default: how they would be who chose nothing.
    """

    kind: NewsKind
    way: Way
    default: Way


def kinds_for(actor: PersonActor) -> list[NewsKind]:
    """The kinds of things that an actor may be told of, by topic."""
    found = [each for each in registry.all(NewsKind) if each.permission in actor.permissions]
    return sorted(found, key=lambda each: list(Topic).index(each.topic))


def wishes_of(actor: PersonActor) -> list[Chosen]:
    """Every kind that an actor may be told of, with how they are."""
    told = dict(Wish.objects.filter(person_id=actor.id).values_list("kind", "way"))
    found = []
    for kind in kinds_for(actor):
        default = kind.way_for(actor.permissions)
        found.append(Chosen(kind, Way(told.get(kind.name, default)), default))
    return found


def not_wanted(actor: PersonActor) -> frozenset[str]:
    """Names of the kinds of which a person wants to hear nothing, on the first page neither."""
    return frozenset(Wish.objects.filter(person_id=actor.id, way=Way.NEVER).values_list("kind", flat=True))


def letterbox_of(person: Person) -> Letterbox:
    """When a person gets letters, whether they chose it or not."""
    return Letterbox.objects.filter(person=person).first() or Letterbox(person=person)


def days_of(box: Letterbox, week: tuple[int, ...]) -> tuple[int, ...]:
    """On which days of the week a summary may come, in the order of the working week; 0 is Monday.

    Args:
        box: whose.
        week: as :func:`standard_week` tells it.
    """
    if box.days is None:
        return week
    begin = week[0]
    return tuple(sorted(box.days, key=lambda day: (day - begin) % _WEEK))


def last_due(box: Letterbox, week: tuple[int, ...], at: datetime) -> datetime | None:
    """When the summary was due last, up to an instant; None where none comes.

    Args:
        box: whose summary.
        week: as :func:`standard_week` tells it.
        at: the instant.
    """
    days = days_of(box, week)
    if box.rhythm == Letterbox.Rhythm.NEVER or not days:
        return None
    wanted = days[:1] if box.rhythm == Letterbox.Rhythm.WEEKLY else days
    zone = box.person.clock
    today = at.astimezone(zone).date()
    for back in range(_WEEK + 1):
        day = today - timedelta(days=back)
        due = datetime.combine(day, time(box.hour), zone)
        if day.weekday() in wanted and due <= at:
            return due
    return None


def standard_week() -> tuple[int, ...]:
    """The working week of whoever runs this node, in its order; 0 is Monday."""
    host = Organisation.objects.filter(is_host=True).first()
    return in_order(host.week if host else working_days(""))
