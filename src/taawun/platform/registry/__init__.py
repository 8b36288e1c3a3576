"""The registry: how wings are joined upward without imports.

A capability announces itself once, in its ``apps.py``, as a :class:`Capability` with parts. A part is any
frozen dataclass that has a ``name``; its class is defined by the room that consumes it (navigation by the web
shell, release kinds by federation, permissions by people), so this module knows no word of the domain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AlreadyRegistered", "Capability", "NotRegistered", "Part", "Registry", "registry"]


class Part(Protocol):
    """Something a capability announces; unique by class and name."""

    @property
    def name(self) -> str:
        """The part's name, unique among parts of its class."""
        ...


# A part's class is the key under which its consumer finds it.
P = TypeVar("P", bound=Part)


class AlreadyRegistered(LookupError):
    """Two capabilities announce the same part."""


class NotRegistered(LookupError):
    """No capability announced the part that was asked for."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What one Django app brings to the node.

    Args:
        name: the app's label, for example ``intel``.
        label: what a person reads; a lazy translation.
        parts: everything it announces.
    """

    name: str
    label: Any  # a str or a lazy translation, which Django types as an opaque proxy
    parts: tuple[Part, ...] = ()


class Registry:
    """All capabilities of the process, filled while Django starts and only read afterwards."""

    def __init__(self) -> None:
        self._capabilities: dict[str, Capability] = {}
        self._parts: dict[type[Part], dict[str, Part]] = {}

    def register(self, capability: Capability) -> None:
        """Take in a capability and its parts.

        Raises:
            AlreadyRegistered: the capability, or a part of the same class and name, is there already.
        """
        if capability.name in self._capabilities:
            raise AlreadyRegistered(f"capability {capability.name!r} is registered twice")
        brought: set[tuple[type[Part], str]] = set()
        for part in capability.parts:
            if part.name in self._parts.get(type(part), {}) or (type(part), part.name) in brought:
                raise AlreadyRegistered(f"{type(part).__name__} {part.name!r} is registered twice")
            brought.add((type(part), part.name))
        for part in capability.parts:
            self._parts.setdefault(type(part), {})[part.name] = part
        self._capabilities[capability.name] = capability

    def capabilities(self) -> tuple[Capability, ...]:
        """Every capability, in the order of registration (the order of ``INSTALLED_APPS``)."""
        return tuple(self._capabilities.values())

    def all(self, part: type[P]) -> tuple[P, ...]:
        """Every part of a class, in the order of registration."""
        return tuple(self._of(part))

    def get(self, part: type[P], name: str) -> P:
        """The part of a class with this name.

        Raises:
            NotRegistered: no capability announced it.
        """
        found = self._parts.get(part, {}).get(name)
        if not isinstance(found, part):
            raise NotRegistered(f"no {part.__name__} named {name!r} is registered")
        return found

    def find(self, part: type[P], name: str) -> P | None:
        """The part of a class with this name, or None."""
        found = self._parts.get(part, {}).get(name)
        return found if isinstance(found, part) else None

    def _of(self, part: type[P]) -> Iterable[P]:
        for found in self._parts.get(part, {}).values():
            if isinstance(found, part):
                yield found


registry = Registry()
