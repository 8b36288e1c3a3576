"""The parts a room registers so that the first page answers: what is new, what waits, what is at risk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise
    from django.utils.safestring import SafeString

__all__ = ["Check", "HomePanel", "HomeSource", "Line", "nothing"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a short list: what it is, about whom, since when. Drawn by ``web/lines.html``.

    Args:
        title: what it is or what is to be done.
        url: where to read or do it; empty for a line that leads nowhere.
        detail: a second line; may be markup made with ``format_html`` (chips, a name).
        at: when it happened or arrived; None shows none.
        code: two letters of the nation it is about, or empty.
        nation: that nation's name, for the tile.
        fresh: whether it is new to the reader; shown as a dot.
        kind: the name of the ``NewsKind`` (``platform/notices/news.py``) that it is of: to whom wants none of that, it
            is not shown on the first page. Empty for what is always shown.
    """

    title: _StrOrPromise
    url: str = ""
    detail: _StrOrPromise = ""
    at: datetime | None = None
    code: str = ""
    nation: str = ""
    fresh: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether one thing is as it should be, for those who keep the node.

    Args:
        sentence: what is the case.
        is_well: whether that is as it should be.
        mend: what to do about it; empty where it is well.
        url: where; may be empty.
        console: the command that helps, exactly; may be empty.
    """

    sentence: _StrOrPromise
    is_well: bool
    mend: _StrOrPromise = ""
    url: str = ""
    console: str = ""


@dataclass(frozen=True, slots=True)
class HomePanel:
    """A sheet of the first page for those whose work it is.

    Args:
        name: the room and what it is, for example ``agreements.standings``.
        title: its heading.
        permission: who sees it.
        draw: its content for an actor; empty where there is nothing to show.
        order: its place among the others, lowest first.
        is_flush: whether its content reaches the edges, as lists do.
    """

    name: str
    title: _StrOrPromise
    permission: str
    # Any: an actor, whose type the room of people knows
    draw: Callable[[Any], SafeString]
    order: int = 100
    is_flush: bool = False


def nothing(_actor: object, _since: datetime | None = None) -> tuple[()]:
    """For a question that a room has no answer to."""
    return ()


def uncounted(_actor: object) -> Mapping[str, int]:
    """For a room that leaves nothing out."""
    return {}


@dataclass(frozen=True, slots=True)
class HomeSource:
    """What a room tells on the first page. Each function is given the actor and shows what that actor may see.

    Those that tell what is new are given since when: the actor's last visit, or None where this is the first.

    Args:
        name: the room, for example ``agreements``.
        permission: who is asked for at all.
        fresh: what arrived lately, newest first.
        waiting: what waits for this actor to do it, the most pressing first; of much, no more than a page shows.
        counts: how many things of each kind of line wait, where ``waiting`` may leave some out.
        sentences: what is the case, in whole sentences; the page opens with them.
        checks: whether all is as it should be, for those who keep the node.
    """

    name: str
    permission: str
    # Any: an actor, whose type the room of people knows
    fresh: Callable[[Any, datetime | None], Sequence[Line]] = nothing
    waiting: Callable[[Any], Sequence[Line]] = nothing
    counts: Callable[[Any], Mapping[str, int]] = uncounted
    sentences: Callable[[Any, datetime | None], Sequence[str]] = nothing
    checks: Callable[[Any], Sequence[Check]] = nothing
