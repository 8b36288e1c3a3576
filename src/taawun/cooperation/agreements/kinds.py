"""The part a room registers so that agreements can speak of the kinds of release it publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy

__all__ = ["ROOMS_TO_COME", "KindWords"]


@dataclass(frozen=True, slots=True)
class KindWords:
    """How a release kind is called inside a clause.

    Args:
        name: the kind, for example ``intel.report``.
        plural: many of them, as in “… may send threat reports”; a lazy translation.
    """

    name: str
    plural: Any  # a lazy translation


# Nations agree on training and drills years ahead of the software. The names of these two rooms are the house's, so an
# agreement may name them whole; a node without them sends nothing under such a clause and keeps what comes unopened.
# Who builds one of the rooms takes its line out here and registers its own words.
ROOMS_TO_COME: Final = (
    KindWords("learning.*", gettext_lazy("courses and other learning resources")),
    KindWords("drills.*", gettext_lazy("drills and their reports")),
)
