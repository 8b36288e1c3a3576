"""The part a room registers so that the search of the header finds its things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Found", "SearchSource"]


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
        find: ``find(actor, text, limit)`` gives what this actor may see, best first.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    find: Callable[[object, str, int], list[Found]]
