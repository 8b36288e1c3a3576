"""The first page: what is new for this person, what waits for them, what is at risk. Composed from the registry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from taawun.cooperation.people import actions
from taawun.cooperation.people.sessions import person_of, signed_in
from taawun.cooperation.people.wishes import not_wanted
from taawun.foundation.clock import now
from taawun.node.guide import concerns, guide_for
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import open_notices
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.access import doorkeeper
from taawun.platform.web.formats import called
from taawun.platform.web.home import HomePanel, HomeSource
from taawun.platform.web.live import PART
from taawun.platform.web.reader import reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.home import Line

__all__ = ["Risk", "home"]

_MOST_FRESH: Final = 8
_MOST_WAITING: Final = 8
_MOST_RISKS: Final = 6
_NOON, _EVENING = 12, 17


@dataclass(frozen=True, slots=True)
class Risk:
    """A notice as the first page shows it.

    Args:
        sentence: what happened.
        mend: what to do about it.
        address: where; may be empty.
        is_alarm: whether it is more than a warning.
        last_seen: when it last happened.
    """

    sentence: str
    mend: str
    address: str
    is_alarm: bool
    last_seen: datetime


@require_safe
@signed_in()
def home(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What is the case, for this person."""
    person = person_of(request)
    if request.method == "GET" and PART not in request.headers:
        # a part that asks by itself is no visit
        actions.look(person)
    since = person.looked_before
    sources = [each for each in registry.all(HomeSource) if each.permission in actor.permissions]
    silent = not_wanted(actor)
    lines = (each for source in sources for each in source.fresh(actor, since))
    fresh = sorted((each for each in lines if each.kind not in silent), key=_newest_first, reverse=True)
    asked = (each for source in sources for each in source.waiting(actor))
    waiting = [each for each in asked if each.kind not in silent]
    # a room lists as many as a page shows, and counts all
    counted = Counter(each.kind for each in waiting)
    for source in sources:
        counted |= Counter({kind: n for kind, n in source.counts(actor).items() if kind not in silent})
    waits = counted.total()
    notices = open_notices(actor.permissions)
    at_risk = notices.count()
    at = now()
    context: dict[str, object] = {
        "greeting": _time_of_day(at),
        "now": at,
        "time": formats.time_of_day(at),
        "place": _place(),
        "sentences": _sentences(actor, since, sources, waits, at_risk),
        "fresh": fresh[:_MOST_FRESH],
        "waiting": waiting[:_MOST_WAITING],
        "waits": waits,
        "waiting_more": max(0, waits - _MOST_WAITING),
        "risks": [_risk(each) for each in notices[:_MOST_RISKS]],
        "at_risk": at_risk,
        "panels": _panels(actor),
        "checks": sorted(
            (each for source in sources for each in source.checks(actor)), key=lambda each: each.is_well
        ),
        "has_roles": bool(actor.permissions),
        "hides_guide": person.hides_guide,
    }
    if concerns(actor):
        context["guide"] = guide_for(actor)
    return render(request, "node/home.html", context)


def _panels(actor: PersonActor) -> list[tuple[HomePanel, SafeString]]:
    """The sheets for those whose work it is, without those that have nothing to show."""
    found = sorted(registry.all(HomePanel), key=lambda each: each.order)
    drawn = ((each, each.draw(actor)) for each in found if each.permission in actor.permissions)
    return [(each, content) for each, content in drawn if content]


def _newest_first(line: Line) -> datetime:
    return line.at or now()


def _place() -> str:
    """Where it is that time: the reader's own zone, or the node's nation."""
    if reader().zone:
        return formats.zone_name(reader().zone)
    door = doorkeeper()
    host = door.host() if door else None
    return called(host.nation) if host and host.nation else ""


def _time_of_day(at: datetime) -> str:
    hour = formats.local(at).hour
    if hour < _NOON:
        return _("This morning")
    return _("This afternoon") if hour < _EVENING else _("This evening")


def _sentences(
    actor: PersonActor, since: datetime | None, sources: Sequence[HomeSource], waiting: int, at_risk: int
) -> list[str]:
    """The page opens with what is the case, before any list."""
    told = [str(sentence) for source in sources for sentence in source.sentences(actor, since)]
    if waiting:
        words = ngettext("%(count)s thing waits for you.", "%(count)s things wait for you.", waiting)
        told.append(words % {"count": formats.number(waiting)})
    if at_risk:
        words = ngettext("%(count)s thing is at risk.", "%(count)s things are at risk.", at_risk)
        told.append(words % {"count": formats.number(at_risk)})
    if told:
        return told
    return [_("Nothing new came in, nothing waits for you, and nothing is at risk.")]


def _risk(notice: Notice) -> Risk:
    kind = registry.get(NoticeKind, notice.kind)
    return Risk(
        kind.sentence(notice.params),
        kind.mend(notice.params),
        kind.address(notice.params),
        notice.level == Notice.Level.ALARM,
        notice.last_seen,
    )
