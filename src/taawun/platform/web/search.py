"""The part a room registers so that the search of the header finds its things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from taawun.foundation.tlp import Tlp

__all__ = ["Found", "Narrowing", "SearchSource", "Wanted"]


class Narrowing(StrEnum):
    """By what a search may be narrowed besides its words."""

    KIND = "kind"
    MARKING = "marking"
    TIME = "time"
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for; what is not told narrows nothing.

    Args:
        text: words.
        kind: one of the kinds that a room tells its things apart by.
        tlp: the marking.
        since: what was here at this instant or later.
        until: what was here before this instant.
        origin: empty for what is this node's own, else the address of the partner that gave it; None for all.
    """

    text: str = ""
    kind: str = ""
    tlp: Tlp | None = None
    since: datetime | None = None
    until: datetime | None = None
    origin: str | None = None

    @property
    def narrowings(self) -> frozenset[Narrowing]:
        """By what it is narrowed."""
        told = {
            Narrowing.KIND: bool(self.kind),
            Narrowing.MARKING: self.tlp is not None,
            Narrowing.TIME: self.since is not None or self.until is not None,
            Narrowing.ORIGIN: self.origin is not None,
        }
        return frozenset(each for each, is_told in told.items() if is_told)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a search found.

    Args:
        title: what it is called, plain text.
        url: where it is.
        kind_label: what it is, in the reader's language, for example “Report”.
        snippet: a line that tells why it was found; may be empty.
        tlp: its marking as ``TLP:…``; empty where it has none.
    """

    title: str
    url: str
    kind_label: str
    snippet: str = ""
    tlp: str = ""


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A room's answer to a search.

    Args:
        name: the room, for example ``intel``.
        label: the heading over its findings; a lazy translation.
        permission: who may search it.
        find: ``find(actor, wanted, limit)`` gives what this actor may see, best first.
        narrows: by what its findings can be narrowed; it is not asked where something else narrows the search.
        kinds: names of the kinds that it tells its things apart by, each with its word in the reader's language.
        order: where it stands among the others, the least first; those of the same stand as they were registered.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    find: Callable[[object, Wanted, int], list[Found]]
    narrows: frozenset[Narrowing] = frozenset()
    kinds: Callable[[], Sequence[tuple[str, str]]] = tuple
    order: int = 0

    def answers(self, wanted: Wanted) -> bool:
        """Whether it can answer: it has such a kind, and tells apart by all that narrows the search."""
        if not wanted.narrowings <= self.narrows:
            return False
        return not wanted.kind or any(wanted.kind == name for name, _word in self.kinds())
