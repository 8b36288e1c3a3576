"""Who did something, in the neutral form the trail keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["AuditIdentity", "Auditable"]


@dataclass(frozen=True, slots=True)
class AuditIdentity:
    """An actor as the trail names it.

    Args:
        kind: ``person``, ``party`` or ``system``.
        id: a person's UUID, a party's node address, or the part of the system.
        label: what a reader sees; kept because names change and rows do not.
    """

    kind: str
    id: str
    label: str


class Auditable(Protocol):
    """Anything that can stand in the trail as the one who acted."""

    @property
    def audit_identity(self) -> AuditIdentity:
        """The actor as the trail names it."""
        ...
