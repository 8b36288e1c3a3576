"""Who calls the machine interface: how APIs of the platform know their caller without importing people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from taawun.platform.registry import registry

__all__ = ["Bearer", "Recorder", "TokenDoor", "token_door"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody who came with an API token that is good.

    Args:
        actor: as who they act; what rules and actions take.
        token: id of the token.
        expires: when the token ends.
        permissions: what they may do: that of their roles which the token's scopes include.
        secret: the token itself, to seal what only its owner may read again.
    """

    actor: Any  # the room of people knows its type
    token: UUID
    expires: datetime
    permissions: frozenset[str]
    secret: str = field(repr=False)


class Recorder(Protocol):
    """Writes a row of the audit trail, which a sibling room of the platform does not import."""

    def __call__(
        self, actor: Any, verb: str, subject: str, details: Mapping[str, object] | None = None
    ) -> object:
        """As :func:`taawun.platform.audit.actions.record`; the actor is of the type people know."""
        ...


@dataclass(frozen=True, slots=True)
class TokenDoor:
    """What the room of people registers, once, for the APIs of the platform: whose tokens open an address.

    Args:
        name: ``people``; a room whose tokens are of another kind registers a door of its own.
        bearer: who a token belongs to, or None when it opens nothing. It also notes that the token was used.
        require: ``require(actor, permission)`` goes on, or raises the refusal that people's API answers with 403.
        record: writes an audit row.
        source: a sentence that says where such a token comes from; a lazy translation.
    """

    name: str
    bearer: Callable[[str], Bearer | None]
    require: Callable[[Any, str], None]
    record: Recorder
    source: Any  # a lazy translation


def token_door(name: str = "people") -> TokenDoor:
    """A door of this node; a token of one opens nothing behind another.

    Args:
        name: of the door.

    Raises:
        NotRegistered: a composition without people, in which nobody can have a token.
    """
    return registry.get(TokenDoor, name)
