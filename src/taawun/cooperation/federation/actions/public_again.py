"""What stood for everybody before a restore: putting it back, or leaving it off.

Whoever read the public lane without a name could not be asked how it went on. So the node asks its own people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.cooperation.federation.actions.publishing import ensure_public, stand, urn
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.exchange.public import ask_no_more
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.queries import stood_for_everybody, waiting_for_everybody
from taawun.cooperation.partners.logs import contents, lanes
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.files.errors import FileGone
from taawun.platform.work.actions import enqueue
from taawun.platform.work.schedules import JobKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from taawun.cooperation.federation.models import Passage
    from taawun.cooperation.people.actors import Actor, PersonActor
    from taawun.platform.work.models import Job
    from taawun.platform.work.schedules import Reporter

__all__ = ["PUBLIC_AGAIN", "DecidedAgain", "Verb", "decide_about_all", "leave_off", "put_back", "refusals"]

MAY: Final = "publish:public"
_KIND: Final = "federation.public-again"
Verb = Literal["put-back", "leave-off"]


@dataclass(frozen=True, slots=True)
class DecidedAgain:
    """What became of a decision.

    Args:
        count: of how many releases it was carried out.
        kept: how many could not be put back, and wait on; the list says why of each.
    """

    count: int
    kept: int


def _nobody_watches(_done: int, _total: int | None = None) -> None:
    """Nobody asked how far it is."""


def put_back(
    actor: Actor,
    releases: Collection[UUID] | None,
    told: Callable[[int, int | None], None] = _nobody_watches,
) -> DecidedAgain:
    """Let what stood for everybody before a restore stand there again, each in a transaction of its own.

    Whether it may is asked anew.

    Args:
        actor: who decides; needs ``publish:public``.
        releases: their ids; None for all that wait.
        told: how many of how many are dealt with, after each.

    Raises:
        NotAllowed: the actor may not.
        ReleaseRefused: ``not-waiting`` where somebody has decided about one of these by now; nothing is changed.
        NodeReturning: the node still waits for its partners.
    """
    return _each(actor, releases, _put_back, told)


def leave_off(
    actor: Actor,
    releases: Collection[UUID] | None,
    told: Callable[[int, int | None], None] = _nobody_watches,
) -> DecidedAgain:
    """Leave what stood for everybody before a restore off the public lane.

    Nobody is told: who had it keeps it until it is withdrawn.

    Args:
        actor: who decides; needs ``publish:public``.
        releases: their ids; None for all that wait.
        told: how many of how many are dealt with, after each.

    Raises:
        NotAllowed, ReleaseRefused: as for :func:`put_back`.
    """
    return _each(actor, releases, _leave_off, told)


def decide_about_all(actor: PersonActor, verb: Verb) -> Job:
    """Have all that waits put back, or left off, in the background: it may be much.

    Args:
        actor: who decides; needs ``publish:public``.
        verb: ``put-back`` or ``leave-off``.

    Returns:
        The job; its result says of how many it was done.

    Raises:
        NotAllowed: the actor may not.
    """
    require(actor, MAY)
    return enqueue(_KIND, f"{verb} {actor.id}")


def refusals(releases: Iterable[Release]) -> dict[UUID, str]:
    """Why those among releases that may not go to everybody again may not, in the reader's language.

    Args:
        releases: with their topics and parties prefetched, where they are many.
    """
    found = list(releases)
    held = contents.held_among({each.digest for each in found})
    why = {}
    for each in found:
        if sentence := _refusal(each, is_held=each.digest in held):
            why[each.id] = sentence
    return why


def _refusal(release: Release, *, is_held: bool) -> str:
    try:
        ensure_public(release.facts(), release.behalf)
    except ReleaseRefused as refused:
        return str(refused)
    return "" if is_held else _("Its content is gone here, and no partner has brought it again.")


def _each(
    actor: Actor,
    releases: Collection[UUID] | None,
    decide: Callable[[Actor, UUID], bool],
    told: Callable[[int, int | None], None],
) -> DecidedAgain:
    require(actor, MAY)
    wait = waiting_for_everybody()
    chosen = list((wait if releases is None else wait.filter(id__in=releases)).values_list("id", flat=True))
    if releases is not None and len(chosen) != len(set(releases)):
        raise ReleaseRefused(
            "not-waiting", _("Somebody has decided about one of these already. Look at the list again.")
        )
    count = 0
    for done, each in enumerate(chosen, start=1):
        count += decide(actor, each)
        told(done, len(chosen))
    ask_no_more()
    return DecidedAgain(count, len(chosen) - count)


@transaction.atomic
def _put_back(actor: Actor, release_id: UUID) -> bool:
    held = Release.objects.select_for_update().get(id=release_id)
    undecided = _undecided(held)
    if not undecided or _refusal(held, is_held=contents.has(held.digest)):
        return False
    try:
        stand(held, _item(undecided[0]))
    except FileGone:
        # it is named by the database and lost on the disk, which the doctor says
        return False
    record(actor, "federation.put-back", urn(held), _told(held))
    return True


def _item(passage: Passage) -> lanes.Item:
    """What its header said, to be said once more."""
    header = said_in(passage.entry.header)
    return lanes.Item(
        kind=header.kind,
        subject=header.subject,
        version=header.version,
        action="publish",
        tlp=header.tlp,
        content=contents.get(header.digest),
        topics=header.topics,
        licence=header.licence,
        languages=header.languages,
        origin=header.origin,
    )


@transaction.atomic
def _leave_off(actor: Actor, release_id: UUID) -> bool:
    held = Release.objects.select_for_update().get(id=release_id)
    if not _undecided(held):
        return False
    stood_for_everybody().filter(release=held).update(left_off=now())
    record(actor, "federation.left-off", urn(held), _told(held))
    return True


def _undecided(held: Release) -> list[Passage]:
    """Where it waits; nowhere, if it was withdrawn, or decided about, at this moment."""
    if held.state != Release.State.LIVE:
        return []
    return list(stood_for_everybody().filter(release=held, left_off=None).select_related("entry"))


def _told(held: Release) -> dict[str, object]:
    return {"kind": held.kind, "subject": held.subject, "tlp": Tlp(held.tlp).label}


def _run(reporter: Reporter, subject: str) -> dict[str, object]:
    verb, person_id = subject.split()
    actor = actor_of(Person.objects.get(id=UUID(person_id)))
    done = (put_back if verb == "put-back" else leave_off)(actor, None, reporter.progress)
    return {"count": done.count, "kept": done.kept}


def _is_visible(actor: PersonActor, _subject: str) -> bool:
    return MAY in actor.permissions


PUBLIC_AGAIN: Final = JobKind(
    _KIND, gettext_lazy("Deciding about what stood for everybody"), _run, visible=_is_visible
)
