"""The part a room registers so that agreements can speak of the kinds of release it publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["KindWords"]


@dataclass(frozen=True, slots=True)
class KindWords:
    """How a release kind is called inside a clause.

    Args:
        name: the kind, for example ``intel.report``.
        plural: many of them, as in “… may send threat reports”; a lazy translation.
    """

    name: str
    plural: Any  # a lazy translation
