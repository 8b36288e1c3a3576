"""How one wants to be told of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people.errors import WishRefused
from taawun.cooperation.people.models import Letterbox, Untold, Wish
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.wishes import letterbox_of, wishes_of
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.notices.news import Way

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from taawun.cooperation.people.actors import PersonActor
    from taawun.cooperation.people.models import Person

__all__ = ["choose_notifications", "stop_letters", "stop_summary"]


@transaction.atomic
def choose_notifications(  # noqa: PLR0913 - each argument is one choice
    actor: PersonActor,
    person: Person,
    *,
    ways: Mapping[str, str],
    rhythm: str,
    hour: int,
    days: Sequence[int] | None,
) -> None:
    """Say how one wants to be told, and when the summary comes.

    Args:
        actor: who, for the trail; it is their own.
        person: the same as a row.
        ways: a ``Way`` for each kind by its name; what is left out is as it is for whoever chose nothing. What one may
            not be told of now stays as it was chosen.
        rhythm: a ``Letterbox.Rhythm``.
        hour: of the summary, 0 to 23, in the person's zone.
        days: of the week, 0 is Monday; None for the working week of the nation.

    Raises:
        WishRefused: there is no such kind for them, or it cannot be told in that way.
    """
    offered = {each.kind.name: each for each in wishes_of(actor)}
    for name, way in ways.items():
        if name not in offered:
            raise WishRefused(
                _("You are not told of “%(kind)s”: it is unknown, or for others.") % {"kind": name}
            )
        if way not in offered[name].kind.ways:
            raise WishRefused(_("“%(kind)s” is not told as “%(way)s”.") % {"kind": name, "way": way})
    Wish.objects.filter(person=person, kind__in=offered).delete()
    Wish.objects.bulk_create(
        Wish(person=person, kind=name, way=way) for name, way in ways.items() if way != offered[name].default
    )
    of_week = None if days is None else sorted(set(days))
    # the first one by the new hours is the next, and none is made up for
    wanted = {"rhythm": rhythm, "hour": hour, "days": of_week, "summarised": now()}
    had_summary = letterbox_of(person).rhythm != Letterbox.Rhythm.NEVER
    Letterbox.objects.update_or_create(person=person, defaults=wanted)
    # what was not to be told until now is no news by now
    kept = [each.kind.name for each in wishes_of(actor) if had_summary and each.way == Way.SUMMARY]
    Untold.objects.filter(person=person, at_once=False).exclude(kind__in=kept).delete()
    record(actor, "people.notifications-chosen", f"urn:uuid:{person.id}", {})


@transaction.atomic
def stop_letters(person: Person, kinds: Collection[str]) -> int:
    """End the letters at once about some kinds; they stand on the pages from then on. Asked twice it is done once.

    Args:
        person: whose letters they are, as a link in one of them proves.
        kinds: names of the kinds that the letter told of.

    Returns:
        How many kinds were told at once until now.
    """
    actor = actor_of(person)
    ended = [each for each in wishes_of(actor) if each.kind.name in kinds and each.way == Way.AT_ONCE]
    for each in ended:
        Wish.objects.update_or_create(person=person, kind=each.kind.name, defaults={"way": Way.PAGE})
    if ended:
        record(actor, "people.letters-stopped", f"urn:uuid:{person.id}", {"kinds": len(ended)})
    return len(ended)


@transaction.atomic
def stop_summary(person: Person) -> bool:
    """End the summary of a person, as a link in one of them asks.

    Returns:
        Whether it came until now.
    """
    box, _created = Letterbox.objects.get_or_create(person=person)
    if box.rhythm == Letterbox.Rhythm.NEVER:
        return False
    Letterbox.objects.filter(person=person).update(rhythm=Letterbox.Rhythm.NEVER)
    record(actor_of(person), "people.letters-stopped", f"urn:uuid:{person.id}", {"kinds": "summary"})
    return True
