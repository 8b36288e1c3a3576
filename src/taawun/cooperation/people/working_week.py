"""In which zone somebody lives, and on which days people of a nation work."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from django.conf import settings

if TYPE_CHECKING:
    from taawun.cooperation.people.models import Person

__all__ = ["working_week", "zone_of"]

_WEEK: Final = 7
_MONDAY_TO_FRIDAY: Final = (0, 1, 2, 3, 4)


def zone_of(person: Person) -> ZoneInfo:
    """The time zone in which a person's hours are meant: that of the node, as long as nobody has one of their own."""
    del person
    return ZoneInfo(settings.DISPLAY_TIME_ZONE)


@cache
def working_week(nation: str) -> tuple[int, ...]:
    """The days on which people of a nation work, in the order of its week; 0 is Monday.

    Args:
        nation: its two letters; Monday to Friday where CLDR knows nothing of it, or where there are none.
    """
    try:
        week = Locale.parse(f"und_{nation}")
    except (UnknownLocaleError, ValueError):
        return _MONDAY_TO_FRIDAY
    length = (week.weekend_end - week.weekend_start) % _WEEK + 1
    off = {(week.weekend_start + each) % _WEEK for each in range(length)}
    # it begins after the weekend, whichever day a calendar of that nation prints first
    days = ((week.weekend_end + 1 + each) % _WEEK for each in range(_WEEK))
    return tuple(day for day in days if day not in off)
