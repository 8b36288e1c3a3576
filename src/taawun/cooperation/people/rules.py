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
    from uuid import UUID

    from taawun.cooperation.people.actors import Actor

__all__ = ["Answer", "Granted", "Refused", "ensure", "has_permission", "may_see_address", "require"]


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


def may_see_address(actor: PersonActor, person_id: UUID) -> bool:
    """Whether the actor may see the e-mail address by which a person signs in: their own, or who manages people."""
    return person_id == actor.id or "manage:people" in actor.permissions


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
