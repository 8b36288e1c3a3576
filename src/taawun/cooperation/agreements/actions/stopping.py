"""Saying no, stopping, narrowing and ending: decline, suspend, resume, declare, lift, leave, terminate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.actions.speaking import is_ours, say
from taawun.cooperation.agreements.document import check_narrowings, narrowing_json
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.rules import can_declare, own_ref
from taawun.cooperation.people.rules import ensure, require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taawun.cooperation.agreements.document import Narrowing
    from taawun.cooperation.people.actors import Actor

__all__ = ["declare", "decline", "leave", "lift", "resume", "suspend", "terminate"]


def decline(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Say no to the version that was proposed.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: nothing is proposed.
    """
    return _step(actor, agreement, PartyInstrument.Kind.DECLINED, note)


def suspend(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Suspend the agreement at once: nothing more flows under it until this node resumes it.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is not in force, or is suspended by us already.
    """
    return _step(actor, agreement, PartyInstrument.Kind.SUSPENDED, note)


def resume(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Lift our own suspension.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: we did not suspend it.
    """
    return _step(actor, agreement, PartyInstrument.Kind.RESUMED, note)


def terminate(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Give notice. The agreement ends when the days of notice in it are over.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is not in force.
    """
    return _step(actor, agreement, PartyInstrument.Kind.TERMINATED, note)


@transaction.atomic
def _step(actor: Actor, agreement: Agreement, kind: PartyInstrument.Kind, note: str) -> PartyInstrument:
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    ensure(can_declare(standing, kind))
    lifts = None
    if kind == PartyInstrument.Kind.RESUMED:
        lifts = next(each.name for each in standing.suspensions if is_ours(standing.current, each.party))
    about = (standing.pending if kind == PartyInstrument.Kind.DECLINED else None) or standing.current
    if about is None:
        raise StepRefused("no-version", _("No version was proposed yet."))
    return say(actor, held, about, kind, note=note, lifts=lifts)


def leave(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Give notice of leaving. The agreement goes on among the others when the days of notice in it are over.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: this node is not bound, is its depositary, or has given notice already.
    """
    return _step(actor, agreement, PartyInstrument.Kind.LEFT, note)


@transaction.atomic
def declare(actor: Actor, agreement: Agreement, narrows: Sequence[Narrowing], note: str) -> PartyInstrument:
    """Declare that this node gives or takes less than the clauses allow; it counts at once.

    Args:
        actor: an officer.
        agreement: which.
        narrows: what is left out, clause by clause.
        note: a word to the other parties.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: one of them would widen a clause, or narrows nothing; it names the place.
        StepRefused: this node is not bound.
    """
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    ensure(can_declare(standing, PartyInstrument.Kind.DECLARED))
    about = standing.current
    if about is None or not narrows:
        raise StepRefused("nothing-narrowed", _("Say which clause it narrows, and how."))
    check_narrowings(about, own_ref(about), narrows)
    more = {"narrows": [narrowing_json(each) for each in narrows]}
    return say(actor, held, about, PartyInstrument.Kind.DECLARED, note=note, more=more)


@transaction.atomic
def lift(actor: Actor, agreement: Agreement, declaration: UUID, note: str) -> PartyInstrument:
    """Lift a declaration of this node.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: there is no such open declaration of ours.
    """
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    about = standing.current
    ours = {each.id: each.name for each in standing.declared if is_ours(about, each.party)}
    if about is None or declaration not in ours:
        raise StepRefused("no-declaration", _("This is no open declaration of this node."))
    return say(actor, held, about, PartyInstrument.Kind.LIFTED, note=note, lifts=ours[declaration])
