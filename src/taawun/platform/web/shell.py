"""What the frame around every page shows: whose node it is, who is here, and where one can go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse

from taawun.platform.web.access import doorkeeper
from taawun.platform.web.help import help_of
from taawun.platform.web.navigation import groups_for, notes_for
from taawun.platform.web.reader import Theme, reader

if TYPE_CHECKING:
    from django.http import HttpRequest

    from taawun.platform.web.access import Host, Visitor
    from taawun.platform.web.navigation import ShownEntry, ShownGroup

__all__ = ["RAIL_COOKIE", "THEME_COOKIE", "Shell", "shell_of"]

THEME_COOKIE = "taawun-theme"
# set by the button that folds the navigation to a rail of icons; read here, so that no page moves as it loads
RAIL_COOKIE = "taawun-rail"


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of one page.

    Args:
        host: who runs the node; None before it was initialised.
        visitor: who is signed in, or None.
        groups: the navigation.
        theme: ``light`` or ``dark`` where the person chose one, else empty.
        home: address of the first page.
        search: address of the search; empty where there is none.
        help: where the help of this page is.
        notes: what stands at the foot of the navigation.
        is_rail: whether the navigation is folded to its icons.
    """

    host: Host | None = None
    visitor: Visitor | None = None
    groups: tuple[ShownGroup, ...] = ()
    theme: str = ""
    home: str = "/"
    search: str = ""
    help: str = ""
    notes: tuple[str, ...] = ()
    is_rail: bool = False

    @property
    def current(self) -> ShownEntry | None:
        """Where the reader is, unless that is home."""
        entries = (entry for group in self.groups for entry in group.entries)
        return next((entry for entry in entries if entry.current and entry.url != self.home), None)

    @property
    def notices(self) -> ShownEntry | None:
        """The entry of the notices, which the header repeats while any are open."""
        entries = (entry for group in self.groups for entry in group.entries)
        return next((entry for entry in entries if entry.name == "notices"), None)


def shell_of(request: HttpRequest | None) -> Shell:
    """The frame for a request; without a request (a fault before there was one), the bare frame."""
    door = doorkeeper()
    bare = Shell(home=_address("home") or "/", search=_address("search"), help=help_of(request))
    if request is None or door is None:
        return bare
    framed = replace(bare, host=door.host())
    visitor = door.visitor(request)
    if visitor is None:
        # before the door only this browser knows what was chosen in it
        return replace(framed, theme=_drawn(request.COOKIES.get(THEME_COOKIE, "")))
    groups = groups_for(visitor.permissions, request.path, visitor.actor)
    return replace(
        framed,
        visitor=visitor,
        groups=groups,
        theme=_drawn(reader().theme),
        notes=notes_for(visitor.permissions),
        is_rail=request.COOKIES.get(RAIL_COOKIE) == "yes",
    )


def _drawn(theme: str) -> str:
    return theme if theme in {Theme.LIGHT, Theme.DARK} else ""


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
