"""Who acts: always a person, a party or the system itself, never a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taawun.platform.audit.actors import AuditIdentity

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["Actor", "PartyActor", "PersonActor", "SystemActor"]


@dataclass(frozen=True, slots=True)
class PersonActor:
    """A person of this node, with what they may do right now.

    Args:
        id: the person's id.
        label: their name.
        permissions: what their roles give, narrowed by the scopes of the token they came with, if any.
        organisations: ids of the organisations they belong to.
        everywhere: those of the permissions that they hold in the organisation that runs the node.
        within: the others, each with the id of an organisation in which they hold it.
    """

    id: UUID
    label: str
    permissions: frozenset[str]
    organisations: frozenset[UUID] = frozenset()
    everywhere: frozenset[str] = frozenset()
    within: frozenset[tuple[str, UUID]] = frozenset()

    @property
    def audit_identity(self) -> AuditIdentity:
        """The person as the audit trail names them."""
        return AuditIdentity("person", str(self.id), self.label)


@dataclass(frozen=True, slots=True)
class PartyActor:
    """A partner node that proved itself by a signature.

    Args:
        node: its base address.
        label: its name as its descriptor gives it.
    """

    node: str
    label: str

    @property
    def audit_identity(self) -> AuditIdentity:
        """The party as the audit trail names it."""
        return AuditIdentity("party", self.node, self.label)


@dataclass(frozen=True, slots=True)
class SystemActor:
    """The node itself: a schedule, a sweep, or the operator at its console.

    Args:
        part: which part of it acts, for example ``partners.sync``.
    """

    part: str

    @property
    def audit_identity(self) -> AuditIdentity:
        """The part as the audit trail names it."""
        return AuditIdentity("system", self.part, self.part)


Actor = PersonActor | PartyActor | SystemActor
