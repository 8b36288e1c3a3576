"""Further ways to sign in, which rooms offer on the sign-in page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SignInWays", "Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """One further way to sign in.

    Args:
        label: the words of its button, as whoever keeps it wrote them.
        url: where it leads.
    """

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class SignInWays:
    """What a room offers on the sign-in page.

    Args:
        name: unique.
        read: the ways there are now.
    """

    name: str
    read: Callable[[], Sequence[Way]]
