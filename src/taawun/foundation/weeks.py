"""On which days of the week a nation works, where nobody has said otherwise.

CLDR (by Babel) knows most; what it has no data for, or old data, stands in a table here. An organisation that works on
other days says so itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from babel import Locale, UnknownLocaleError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WEEK", "in_order", "working_days"]

# 0 is Monday
WEEK: Final = tuple(range(7))
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
# where CLDR 44 to 46 (supplemental data, weekData) gives the weekend of the world, Saturday and Sunday, or one day
_WEEKENDS: Final[dict[str, frozenset[int]]] = {
    # the ministry of public administration lists Friday and Saturday as the weekly holidays, in its yearly order on
    # public holidays
    "BD": frozenset({_FRIDAY, _SATURDAY}),
    # the department of labour counts Friday and Sunday as rest days: a holiday on either moves to the day after
    "BN": frozenset({_FRIDAY, _SUNDAY}),
    # python-holidays, holidays/countries/djibouti.py
    "DJ": frozenset({_FRIDAY, _SATURDAY}),
    # the monetary authority's calendar of business days; python-holidays, holidays/countries/maldives.py
    "MV": frozenset({_FRIDAY, _SATURDAY}),
    # CLDR knows Sunday alone; public offices keep Saturday too (public service standing orders, hours of work)
    "UG": frozenset({_SATURDAY, _SUNDAY}),
}


def working_days(code: str) -> tuple[int, ...]:
    """The days of the week on which a nation works; 0 is Monday.

    Args:
        code: ISO 3166-1 alpha-2; for one that nobody has data for, Monday to Friday.
    """
    off = _WEEKENDS.get(code) or _weekend(code)
    return tuple(day for day in WEEK if day not in off)


def in_order(days: Sequence[int]) -> tuple[int, ...]:
    """Working days as those who work on them count: the week begins after a day of rest.

    Args:
        days: 0 is Monday.
    """
    begin = next((day for day in sorted(days) if (day - 1) % 7 not in days), 0)
    return tuple(sorted(days, key=lambda day: (day - begin) % 7))


@cache
def _weekend(code: str) -> frozenset[int]:
    try:
        found = Locale.parse(f"und_{code}", resolve_likely_subtags=True)
    except (UnknownLocaleError, ValueError):
        return frozenset({_SATURDAY, _SUNDAY})
    first, last = found.weekend_start, found.weekend_end
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
