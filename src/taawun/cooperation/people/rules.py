"""Who may: small answers that carry their reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.permissions import Permission
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.models import Membership, Organisation, Person

__all__ = [
    "Answer",
    "Granted",
    "Refused",
    "begins_anew",
    "ends_ways_in",
    "ensure",
    "has_permission",
    "holds_everywhere",
    "holds_in",
    "is_anothers",
    "may_manage",
    "may_see_address",
    "organisations_of",
    "places_of",
    "require",
]


@dataclass(frozen=True, slots=True)
class Granted:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why.

    Args:
        reason: stable code.
        sentence: the reason and the mend, in the reader's language.
    """

    reason: str
    sentence: str


Answer = Granted | Refused


def has_permission(actor: Actor, permission: str) -> Answer:
    """Whether the actor holds a permission. The system does; a party never does, it has agreements instead."""
    if isinstance(actor, SystemActor):
        return Granted()
    if isinstance(actor, PersonActor) and permission in actor.permissions:
        return Granted()
    label = registry.get(Permission, permission).label
    return Refused(
        "permission-missing",
        _(
            "This needs the permission “%(label)s” (%(name)s). Ask an administrator for a role that includes it."
        )
        % {"label": label, "name": permission},
    )


def holds_everywhere(actor: Actor, permission: str) -> Answer:
    """Whether the actor holds a permission by a role in the organisation that runs the node."""
    held = has_permission(actor, permission)
    if isinstance(held, Refused) or not isinstance(actor, PersonActor) or permission in actor.everywhere:
        return held
    return Refused(
        "not-of-the-host",
        _(
            "You may do this for your own organisation only. Ask an administrator of the organisation that runs this"
            " node."
        ),
    )


def holds_in(actor: Actor, permission: str, organisation: UUID) -> Answer:
    """Whether the actor holds a permission in an organisation: by a role in it, or in the one that runs the node."""
    if isinstance(actor, PersonActor) and (permission, organisation) in actor.within:
        return Granted()
    return holds_everywhere(actor, permission)


def organisations_of(person: Person) -> frozenset[UUID]:
    """Ids of the organisations in which a person has a role."""
    return frozenset(each.organisation_id for each in person.memberships.all())


def may_manage(actor: Actor, person: Person) -> Answer:
    """Whether the actor may manage a person as a whole: who manages people in every organisation of theirs.

    An administrator of one organisation does not disable, or make a password for, somebody who works for another
    as well.
    """
    theirs = organisations_of(person)
    if theirs and theirs <= places_of(actor, "manage:people"):
        return Granted()
    return holds_everywhere(actor, "manage:people")


def places_of(actor: Actor, permission: str) -> frozenset[UUID]:
    """Ids of the organisations, but for the one that runs the node, by a role in which the actor holds a permission."""
    if not isinstance(actor, PersonActor):
        return frozenset()
    return frozenset(organisation for held, organisation in actor.within if held == permission)


def begins_anew(person: Person, organisation: Organisation) -> bool:
    """Whether somebody who comes to an organisation gets new ways to sign in.

    An administrator made the account, or a link for its password, who manages people of another organisation alone:
    what opened it until now must not open what it may do here. The organisation that runs the node manages everybody.

    Args:
        person: who comes, with the memberships of until now.
        organisation: where they are given a role.
    """
    belongs = any(each.organisation_id == organisation.id for each in person.memberships.all())
    return is_anothers(person) and not belongs


def is_anothers(person: Person) -> bool:
    """Whether somebody belongs to other organisations of this node alone, and not to the one that runs it."""
    held = [each.organisation.is_host for each in person.memberships.all()]
    return bool(held) and not any(held)


def ends_ways_in(person: Person, taken: Collection[Membership]) -> bool:
    """Whether somebody signs in no more by what there is once these roles are taken from them.

    They belong to no organisation then, and wherever they come to next it is not by what an administrator of the last
    one may know; unless that was the one that runs the node, which manages everybody.
    """
    is_anothers = any(not each.organisation.is_host for each in taken)
    return is_anothers and not person.memberships.exclude(id__in=[each.id for each in taken]).exists()


def may_see_address(actor: PersonActor, person: Person) -> bool:
    """Whether the actor may see the e-mail address by which a person signs in: their own, or who manages them."""
    if person.id == actor.id or "manage:people" in actor.everywhere:
        return True
    return not organisations_of(person).isdisjoint(places_of(actor, "manage:people"))


def ensure(answer: Answer) -> None:
    """Go on only if the answer is yes.

    Raises:
        NotAllowed: with the answer's reason.
    """
    if isinstance(answer, Refused):
        raise NotAllowed(answer.reason, answer.sentence)


def require(actor: Actor, permission: str) -> None:
    """Go on only if the actor holds the permission.

    Raises:
        NotAllowed: otherwise.
    """
    ensure(has_permission(actor, permission))
