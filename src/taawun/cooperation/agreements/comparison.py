"""What differs between two texts of an agreement, member by member. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from taawun.foundation.json_places import pointer_segment
from taawun.foundation.strict_json import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Change", "compare"]

_ABSENT: Final = object()
# these differ in every version and say nothing of what was agreed
_OF_THE_VERSION: Final = frozenset({"version", "supersedes"})


@dataclass(frozen=True, slots=True)
class Change:
    """One member that differs.

    Args:
        place: its path; clauses and parties are named by their refs, which do not move when one is put between.
        before: its value in the first text; None where it was not there.
        after: its value in the second; None where it is no longer there.
    """

    place: str
    before: Any  # whatever JSON value the member has
    after: Any


def compare(before: bytes, after: bytes) -> tuple[Change, ...]:
    """The differences from one text to another, in the order of their places.

    Args:
        before: a document's exact text.
        after: another's.

    Returns:
        One change for each member; where a whole clause came or went, one for it.

    Raises:
        JsonRefused: one of them is no JSON.
    """
    first, second = parse(before), parse(after)
    return tuple(
        change
        for change in _differences("", first, second)
        if change.place.removeprefix("/") not in _OF_THE_VERSION
    )


def _differences(place: str, before: Any, after: Any) -> Iterator[Change]:
    # Any: two JSON values of whatever kind, told apart here
    first, second = _members(before), _members(after)
    if first is None or second is None:
        if before != after:
            yield Change(place, _shown(before), _shown(after))
        return
    for name in sorted(first.keys() | second.keys()):
        yield from _differences(
            place + pointer_segment(name), first.get(name, _ABSENT), second.get(name, _ABSENT)
        )


def _members(value: Any) -> Mapping[str, Any] | None:
    """The named parts of a value; of a list those of its entries that bear a ref. None for a plain value."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(each, dict) and "ref" in each for each in value):
        return {str(each["ref"]): each for each in value}
    return None


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
