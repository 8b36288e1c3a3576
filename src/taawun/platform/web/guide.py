"""The steps that a room registers for a new node: what is to be done first, and whether it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = ["GuideStep"]


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One of the first steps of a node. It is ticked by what is the case, never by a click.

    Args:
        name: unique, for example ``partners.compare``.
        order: its place among the steps, lowest first.
        title: the step, as an invitation.
        why: one sentence that says what it is for.
        is_done: whether that is so already, for this actor; cheap, for the first page asks it.
        action: words of the button; empty where it is done at the console.
        url: where it is done.
        permission: who may do it; empty is everybody.
        after: the name of the step that comes first; empty for none.
        by_hand: what the operator does at the console, where no page can.
        console: the command or setting for it, exactly.
    """

    name: str
    order: int
    title: _StrOrPromise
    why: _StrOrPromise
    # Any: an actor, whose type the room of people knows
    is_done: Callable[[Any], bool]
    action: _StrOrPromise = ""
    url: Callable[[], str] = str
    permission: str = ""
    after: str = ""
    by_hand: _StrOrPromise = ""
    console: str = ""
