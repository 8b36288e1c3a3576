"""What the frame around every page shows: whose node it is, who is here, and where one can go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse

from taawun.platform.web.access import doorkeeper
from taawun.platform.web.help import help_of
from taawun.platform.web.navigation import groups_for

if TYPE_CHECKING:
    from django.http import HttpRequest

    from taawun.platform.web.access import Host, Visitor
    from taawun.platform.web.navigation import ShownEntry, ShownGroup

__all__ = ["THEMES", "THEME_COOKIE", "Shell", "shell_of"]

THEME_COOKIE = "taawun-theme"
THEMES = ("light", "dark")


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
    """

    host: Host | None = None
    visitor: Visitor | None = None
    groups: tuple[ShownGroup, ...] = ()
    theme: str = ""
    home: str = "/"
    search: str = ""
    help: str = ""

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
    theme = request.COOKIES.get(THEME_COOKIE, "")
    framed = replace(bare, host=door.host(), theme=theme if theme in THEMES else "")
    visitor = door.visitor(request)
    if visitor is None:
        return framed
    groups = groups_for(visitor.permissions, request.path, visitor.actor)
    return replace(framed, visitor=visitor, groups=groups)


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
