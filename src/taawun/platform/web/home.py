"""The parts a room registers so that the first page answers: what is new, what waits, what is at risk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = ["Hint", "HomeSource", "Line", "nothing"]


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
class Hint:
    """A first step on a node where nothing has happened yet.

    Args:
        title: the step, as an invitation.
        why: one sentence that says what it leads to.
        action: words of the button.
        url: where it is done.
        order: its place among the first steps, lowest first.
    """

    title: _StrOrPromise
    why: _StrOrPromise
    action: _StrOrPromise
    url: str
    order: int = 100


def nothing(_actor: object) -> tuple[()]:
    """For a question that a room has no answer to."""
    return ()


@dataclass(frozen=True, slots=True)
class HomeSource:
    """What a room tells on the first page. Each function is given the actor and shows what that actor may see.

    Args:
        name: the room, for example ``agreements``.
        permission: who is asked for at all.
        fresh: what arrived lately, newest first.
        waiting: what waits for this actor to do it, the most pressing first.
        hints: first steps that nobody has taken yet.
        sentences: what is the case, in whole sentences; the page opens with them.
    """

    name: str
    permission: str
    # Any: an actor, whose type the room of people knows
    fresh: Callable[[Any], Sequence[Line]] = nothing
    waiting: Callable[[Any], Sequence[Line]] = nothing
    hints: Callable[[Any], Sequence[Hint]] = nothing
    sentences: Callable[[Any], Sequence[str]] = nothing
