"""The Hijri date beside the Gregorian one.

Computed by the tabular Islamic calendar (civil epoch, leap years 2 5 7 10 13 16 18 21 24 26 29 of each thirty:
E. M. Reingold and N. Dershowitz, "Calendrical Calculations", chapter 7). Where a nation goes by the sighted moon
or by the calendar of Umm al-Qura, its date may differ by a day; a page that decides anything shows the Gregorian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from datetime import date

__all__ = ["MONTHS", "HijriDate", "hijri"]

# date.toordinal() of 1 Muharram 1, Friday 16 July 622 in the Julian calendar
_EPOCH = 227015
_DAYS_OF_CYCLE, _YEARS_OF_CYCLE = 10_631, 30

MONTHS = (
    _("Muharram"),
    _("Safar"),
    _("Rabi al-Awwal"),
    _("Rabi al-Thani"),
    _("Jumada al-Ula"),
    _("Jumada al-Akhirah"),
    _("Rajab"),
    _("Shaban"),
    _("Ramadan"),
    _("Shawwal"),
    _("Dhu al-Qadah"),
    _("Dhu al-Hijjah"),
)


@dataclass(frozen=True, slots=True, order=True)
class HijriDate:
    """A day of the tabular Islamic calendar; months and days count from 1."""

    year: int
    month: int
    day: int


def hijri(day: date) -> HijriDate:
    """The Hijri date of a Gregorian day (the part before its evening).

    Raises:
        ValueError: the day is before the calendar began.
    """
    ordinal = day.toordinal()
    if ordinal < _EPOCH:
        raise ValueError(f"{day.isoformat()} is before the Hijri calendar began")
    year = (_YEARS_OF_CYCLE * (ordinal - _EPOCH) + _DAYS_OF_CYCLE + 15) // _DAYS_OF_CYCLE
    into_year = ordinal - _first_of(year, 1)
    month = min(12, (11 * into_year + 330) // 325)
    return HijriDate(year, month, ordinal - _first_of(year, month) + 1)


def _first_of(year: int, month: int) -> int:
    """The ordinal of the first day of a month: months have 30 and 29 days in turn."""
    return _EPOCH + 354 * (year - 1) + (3 + 11 * year) // 30 + 29 * (month - 1) + month // 2
