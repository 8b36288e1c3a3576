"""The part a room registers for each kind of thing that people are told by e-mail, if they want to be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import open_notices
from taawun.platform.registry import registry
from taawun.platform.web import formats

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.functional import _StrOrPromise

__all__ = ["NewsKind", "Topic", "Way", "risks_of"]


class Way(models.TextChoices):
    """How somebody wants to be told of a kind of thing. On the page it stands unless it is not at all."""

    AT_ONCE = "at-once", _("by e-mail at once")
    SUMMARY = "summary", _("in the summary")
    PAGE = "page", _("on the pages only")
    NEVER = "never", _("not at all")


class Topic(models.TextChoices):
    """Which of the three questions of the first page a kind belongs to."""

    RISK = "risk", _("What is at risk")
    WAITING = "waiting", _("What waits for you")
    NEWS = "news", _("What is new")


@dataclass(frozen=True, slots=True)
class NewsKind:
    """A kind of thing that people are told of. A letter says how many there are of it and where, and no more.

    Args:
        name: ``room.what``, for example ``federation.received``; the room's label stands before its words.
        topic: what kind of question it answers.
        label: what it is, as one chooses how to be told of it.
        permission: who may be told at all.
        counted: so many of it, as a whole sentence in the reader's language; it names no single thing.
        page: the name of the address, without arguments, where they are found.
        stirred: whether anything of it began after one instant and not after another, whoever may see it; cheap.
        began: how many of it that an actor may see began between the two.
        standing: how many of it there are for an actor now; what is over meanwhile is not told. None for what stays.
        way: how those who can act are told unless they chose; the others see it on the pages.
        acts: permissions of which one lets somebody act; empty where everybody who is told can.
    """

    name: str
    topic: Topic
    label: _StrOrPromise
    permission: str
    counted: Callable[[int], str]
    page: str
    stirred: Callable[[datetime, datetime], bool]
    # Any: an actor, whose type the room of people knows
    began: Callable[[Any, datetime, datetime], int]
    standing: Callable[[Any], int] | None = None
    way: Way = Way.PAGE
    acts: frozenset[str] = frozenset()

    @property
    def room(self) -> str:
        """What the room is called that tells it."""
        return str(next(each.label for each in registry.capabilities() if each.name == self._room))

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways one may choose. What is at risk stands on the page for everybody who may see it."""
        return tuple(each for each in Way if each != Way.NEVER or self.topic != Topic.RISK)

    def way_for(self, permissions: Collection[str]) -> Way:
        """How somebody with these permissions is told who chose nothing."""
        return self.way if not self.acts or not self.acts.isdisjoint(permissions) else Way.PAGE

    @property
    def _room(self) -> str:
        return self.name.partition(".")[0]


def risks_of(room: str, permission: str, acts: Collection[str]) -> tuple[NewsKind, NewsKind]:
    """What a room's notices are as news: its alarms, and the rest.

    Args:
        room: with which the names of its notices begin.
        permission: of those who see any of them; each notice is told to whom it is for.
        acts: permissions of which one lets somebody do something about them.
    """
    can_act = frozenset({*acts, "manage:notices"})
    alarms = NewsKind(
        f"{room}.alarms",
        Topic.RISK,
        _("Alarms"),
        permission,
        lambda count: (
            ngettext("there is %(count)s new alarm.", "there are %(count)s new alarms.", count)
            % {"count": formats.number(count)}
        ),
        "notices",
        lambda after, until: _notices(room, after, until, is_alarm=True).exists(),
        lambda actor, after, until: _seen_by(actor, _notices(room, after, until, is_alarm=True)),
        lambda actor: _seen_by(actor, _notices(room, is_alarm=True)),
        Way.AT_ONCE,
        can_act,
    )
    others = NewsKind(
        f"{room}.notices",
        Topic.RISK,
        _("Other notices"),
        permission,
        lambda count: (
            ngettext("there is %(count)s new notice.", "there are %(count)s new notices.", count)
            % {"count": formats.number(count)}
        ),
        "notices",
        lambda after, until: _notices(room, after, until, is_alarm=False).exists(),
        lambda actor, after, until: _seen_by(actor, _notices(room, after, until, is_alarm=False)),
        lambda actor: _seen_by(actor, _notices(room, is_alarm=False)),
        Way.SUMMARY,
        can_act,
    )
    return alarms, others


def _notices(
    room: str, after: datetime | None = None, until: datetime | None = None, *, is_alarm: bool
) -> QuerySet[Notice]:
    found = Notice.objects.filter(kind__startswith=f"{room}.", resolved=None)
    if after is not None and until is not None:
        found = found.filter(created__gt=after, created__lte=until)
    return found.filter(level=Notice.Level.ALARM) if is_alarm else found.exclude(level=Notice.Level.ALARM)


def _seen_by(actor: Any, found: QuerySet[Notice]) -> int:  # Any: as above
    return open_notices(actor.permissions).filter(id__in=found.values("id")).order_by().count()
