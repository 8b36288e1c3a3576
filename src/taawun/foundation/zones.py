"""Time zones by their IANA names, and those in which a nation lives (CLDR, by Babel)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global

from taawun.foundation.clock import now

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["CANONICAL", "are_alike", "is_zone", "names_of_zone", "zone_of_nation", "zones_of_nation"]


# where the first of several names is not that by which people know the time of the nation
_CAPITALS: Final = {"CY": "Asia/Nicosia"}


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether it is the name of a time zone that this machine knows."""
    return name in _known()


def names_of_zone(name: str) -> tuple[str, ...]:
    """The name of a zone, then those that it had: data of languages may know it by one of them."""
    return (name, *_former().get(name, ()))


@cache
def _former() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for former, name in sorted(get_global("zone_aliases").items()):
        found.setdefault(name, []).append(former)
    return {name: tuple(formers) for name, formers in found.items()}


def zones_of_nation(code: str) -> tuple[str, ...]:
    """The time zones of a nation, in the order of their names; none for a code that nobody lives under.

    Args:
        code: ISO 3166-1 alpha-2.
    """
    return tuple(sorted(name for name in get_global("territory_zones").get(code, ()) if is_zone(name)))


def zone_of_nation(code: str) -> str:
    """The time zone of a nation, where all its clocks show the same time; empty where they do not, or it has none.

    Args:
        code: ISO 3166-1 alpha-2.
    """
    found = zones_of_nation(code)
    first = _CAPITALS.get(code, found[0] if found else "")
    return first if all(are_alike(first, each) for each in found) else ""


def are_alike(first: str, second: str, at: datetime | None = None) -> bool:
    """Whether the clocks of two zones show the same time at an instant.

    Args:
        first: IANA name.
        second: IANA name.
        at: the instant; now where None.
    """
    moment = at or now()
    return moment.astimezone(ZoneInfo(first)).utcoffset() == moment.astimezone(ZoneInfo(second)).utcoffset()


# each zone that somebody lives in, once, under the name that it has now; and that of the world
CANONICAL: Final = (
    "UTC",
    *sorted(
        {
            name
            for code, names in get_global("territory_zones").items()
            for name in names
            if code != "001" and is_zone(name) and not name.startswith("Etc/")
        }
    ),
)
