"""The navigation: what a room registers so that the shell leads to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.utils.functional import _StrOrPromise

__all__ = [
    "HEADINGS",
    "Group",
    "NavigationEntry",
    "ShownEntry",
    "ShownGroup",
    "SideNote",
    "groups_for",
    "notes_for",
]


class Group(Enum):
    """The groups of the navigation, in their order."""

    HOME = "home"
    COOPERATE = "cooperate"
    DEFEND = "defend"
    BUILD = "build"
    CONVENE = "convene"
    NODE = "node"


# the first group stands without a heading
HEADINGS: dict[Group, _StrOrPromise] = {
    Group.COOPERATE: _("Cooperate"),
    Group.DEFEND: _("Defend"),
    Group.BUILD: _("Build"),
    Group.CONVENE: _("Convene"),
    Group.NODE: _("This node"),
}


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """One line of the navigation.

    Args:
        name: unique, for example ``intel.reports``.
        group: under which heading it stands.
        label: one or two words; a lazy translation.
        url_name: name of the page without arguments.
        permission: who sees it; empty is everybody who is signed in.
        order: its place in the group, lowest first.
        icon: name of an icon of :mod:`taawun.platform.web.icons`.
        count: ``count(actor)`` tells how many things wait there for this actor; None shows no number.
    """

    name: str
    group: Group
    label: Any  # a lazy translation
    url_name: str
    permission: str = ""
    order: int = 100
    icon: str = "dot"
    count: Callable[[Any], int] | None = None


@dataclass(frozen=True, slots=True)
class SideNote:
    """What a room says at the foot of the navigation, on every page.

    Args:
        name: the room.
        permission: who sees it.
        read: gives sentences of a few words; every page asks, so it is cheap.
    """

    name: str
    permission: str
    read: Callable[[], list[str]]


def notes_for(permissions: Collection[str]) -> tuple[str, ...]:
    """What stands at the foot of the navigation of somebody with these permissions."""
    notes = [each for each in registry.all(SideNote) if each.permission in permissions]
    return tuple(sentence for note in notes for sentence in note.read())


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry as one reader gets it.

    Args:
        name: the entry's name.
        label: its words.
        url: where it leads.
        icon: its icon.
        current: whether the reader is there, or on a page below it.
        count: how many things wait there; 0 shows no number.
    """

    name: str
    label: Any  # a lazy translation
    url: str
    icon: str
    current: bool
    count: int


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A heading with its entries."""

    label: Any  # a lazy translation
    entries: tuple[ShownEntry, ...]


def groups_for(permissions: Collection[str], path: str, actor: object) -> tuple[ShownGroup, ...]:
    """The navigation of somebody with these permissions on the page at this path.

    Raises:
        NoReverseMatch: an entry leads to no address; a check refuses to start such a node.
    """
    found: list[tuple[NavigationEntry, str]] = []
    for entry in sorted(registry.all(NavigationEntry), key=lambda each: (each.order, each.name)):
        if entry.permission and entry.permission not in permissions:
            continue
        found.append((entry, reverse(entry.url_name)))
    current = _current(path, [url for _entry, url in found])
    return tuple(
        ShownGroup(HEADINGS.get(group, ""), entries)
        for group in Group
        if (
            entries := tuple(
                _shown(entry, url, current, actor) for entry, url in found if entry.group is group
            )
        )
    )


def _current(path: str, urls: list[str]) -> str:
    """The longest address that the path is, or lies below; home is only itself."""
    home = min(urls, key=len, default="")
    below = [url for url in urls if url == path or (path.startswith(url) and url != home)]
    return max(below, key=len, default="")


def _shown(entry: NavigationEntry, url: str, current: str, actor: object) -> ShownEntry:
    count = entry.count(actor) if entry.count else 0
    return ShownEntry(entry.name, entry.label, url, entry.icon, url == current, count)
