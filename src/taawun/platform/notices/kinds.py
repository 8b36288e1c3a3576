"""The part a room registers for each kind of notice it can raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["NoticeKind"]


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How a kind of notice speaks.

    Args:
        name: ``room.what-happened``, for example ``partners.lane-stopped``.
        permission: who sees it.
        sentence: what happened, made from the notice's parameters in the reader's language.
        mend: what to do about it, likewise.
        address: where to do it, likewise; empty when there is no page for it.
    """

    name: str
    permission: str
    sentence: Callable[[Mapping[str, str]], str]
    mend: Callable[[Mapping[str, str]], str]
    address: Callable[[Mapping[str, str]], str]
