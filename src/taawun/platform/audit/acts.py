"""What rooms register so that people read the trail in words: of verbs, of parts of the system, of things."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from taawun.platform.registry import registry

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = ["Act", "SystemPart", "Thing", "Things", "find_things", "uuid_of", "words_of"]

_URN = "urn:uuid:"


@dataclass(frozen=True, slots=True)
class Act:
    """A verb that a room writes into the trail.

    Args:
        name: the verb, for example ``agreements.signed``.
        words: what was done, in the reader's language: “Agreement signed”.
    """

    name: str
    words: _StrOrPromise


@dataclass(frozen=True, slots=True)
class SystemPart:
    """A part of the system that acts by itself.

    Args:
        name: its id in the trail, for example ``partners.sync``.
        words: what people call it.
    """

    name: str
    words: _StrOrPromise


@dataclass(frozen=True, slots=True)
class Thing:
    """What a row is about.

    Args:
        label: its name; for marked content only what kind of thing it is.
        url: its page; empty where it has none, or none for the reader.
    """

    label: _StrOrPromise
    url: str = ""


def _none(_urns: Collection[str], _permissions: frozenset[str]) -> Mapping[str, Thing]:
    """For a room whose things all have UUIDs."""
    return {}


@dataclass(frozen=True, slots=True)
class Things:
    """How a room names its things.

    Args:
        name: the room's name.
        find: ``find(ids, permissions)`` gives those of these ids that are its own, as one who holds these
            permissions may see them.
        find_named: the same for things that rows know by another URN: ``find_named(urns, permissions)``.
    """

    name: str
    find: Callable[[Collection[UUID], frozenset[str]], Mapping[UUID, Thing]]
    find_named: Callable[[Collection[str], frozenset[str]], Mapping[str, Thing]] = _none


def words_of(verb: str) -> str:
    """A verb in the reader's language; one that no room registered (any more) as it stands."""
    act = registry.find(Act, verb)
    return str(act.words) if act else verb


def uuid_of(urn: str) -> UUID | None:
    """The UUID in a URN or an id, or None where it has none."""
    try:
        return UUID(urn.removeprefix(_URN))
    except ValueError:
        return None


def find_things(names: Collection[str], permissions: frozenset[str]) -> dict[str, Thing]:
    """Things by what rows call them, whichever room's they are; those that are gone are left out.

    Args:
        names: URNs, or ids.
        permissions: of the reader.

    Returns:
        The things, each under the name that was asked for.
    """
    ids = {name: key for name in names if (key := uuid_of(name)) is not None}
    urns = {name for name in names if name not in ids}
    by_id: dict[UUID, Thing] = {}
    found: dict[str, Thing] = {}
    for things in registry.all(Things):
        by_id |= things.find(set(ids.values()), permissions)
        found |= things.find_named(urns, permissions)
    return found | {name: by_id[key] for name, key in ids.items() if key in by_id}
