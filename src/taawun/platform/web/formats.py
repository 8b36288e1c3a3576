"""Dates, numbers and sizes as the reader's language writes them.

Babel's data (CLDR) decides; where the reader's territory uses Arabic-Indic digits, everything a person reads as
prose, dates and counts gets them, and technical values never do.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date as babel_date
from babel.dates import format_time as babel_time
from babel.dates import format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from django.conf import settings
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.foundation.clock import now
from taawun.platform.web.access import doorkeeper
from taawun.platform.web.hijri import MONTHS, hijri
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.functional import _StrOrPromise

__all__ = [
    "ago",
    "day",
    "digits",
    "either",
    "filesize",
    "hijri_day",
    "hour_of_day",
    "hours_of_week",
    "language_name",
    "listed",
    "local",
    "moment",
    "month",
    "number",
    "percent",
    "reader_locale",
    "short_day",
    "time_of_day",
    "weekday",
    "with_names",
]

_ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_STEP = 1024


def reader_locale() -> Locale:
    """The locale of the reader: the language of the page, in the territory of the node's nation where CLDR has it."""
    language = get_language() or settings.LANGUAGE_CODE
    return _locale(language.partition("-")[0], once("web.territory", _territory, str))


def _territory() -> str:
    door = doorkeeper()
    host = door.host() if door else None
    return host.code if host else ""


@cache
def _locale(language: str, territory: str) -> Locale:
    if territory:
        try:
            return Locale.parse(f"{language}_{territory}")
        except (UnknownLocaleError, ValueError):
            pass  # user-assigned codes, and pairs without data of their own
    # CLDR gives Arabic without a territory Latin digits; most nations that write it use its own
    return Locale("ar", "EG") if language == "ar" else Locale(language)


def _has_own_digits() -> bool:
    return bool(reader_locale().default_numbering_system == "arab")


def digits(text: object) -> str:
    """A number or numbering as written (``2.1``), in the reader's digits."""
    return str(text).translate(_ARABIC_INDIC) if _has_own_digits() else str(text)


def number(value: float) -> str:
    """A number with the reader's digits and separators."""
    # Babel sets the separators of the numbering system, and leaves the digits as they are
    return digits(format_decimal(value, locale=reader_locale(), numbering_system="default"))


def with_names(sentence: str, **names: object) -> SafeString:
    """A sentence for a page with names in it, each isolated: its own direction turns nothing around it.

    Args:
        sentence: holds each name as ``%(name)s``.
        names: as people wrote them.
    """
    isolated = {key: format_html("<bdi>{}</bdi>", name) for key, name in names.items()}
    return SafeString(escape(sentence) % isolated)


def listed(parts: Sequence[object]) -> str:
    """Things in a row as the reader's language joins them: “a, b, and c”, “أ وب وج”; empty without any."""
    return str(format_list([str(part) for part in parts], locale=reader_locale()))


def either(parts: Sequence[object]) -> str:
    """Things one may choose from as the reader's language joins them: “a, b, or c”, “a, b ou c”; empty without any."""
    # no territory joins them in a way of its own, so the database is not asked for it
    language = (get_language() or settings.LANGUAGE_CODE).partition("-")[0]
    return str(format_list([str(part) for part in parts], style="or", locale=_locale(language, "")))


def percent(share: float) -> str:
    """A share (0.62) as a percentage without decimals (62%)."""
    shown = digits(format_percent(share, locale=reader_locale()))
    return shown.replace("%", "٪") if _has_own_digits() else shown


def filesize(size: int) -> str:
    """A count of bytes in the largest unit that keeps it at or above one (1 KiB is 1,024 bytes)."""
    if size < _STEP:
        return _("%(size)s B") % {"size": number(size)}
    scaled = float(size)
    for unit in (_("%(size)s KiB"), _("%(size)s MiB"), _("%(size)s GiB")):  # noqa: B007 - the last one is used
        scaled /= _STEP
        if scaled < _STEP:
            break
    return unit % {"size": number(round(scaled, 1))}


def local(at: datetime) -> datetime:
    """An instant in the zone in which this node shows times (``TAAWUN_TIME_ZONE``), or as it is where that has none."""
    try:
        return at.astimezone(ZoneInfo(settings.DISPLAY_TIME_ZONE))
    except OverflowError:  # the first and the last day of the calendar, which an imported file may well name
        return at


def day(of: date) -> str:
    """A day in full: 22 November 2026."""
    return _day(of, "d MMMM y")


def short_day(of: date) -> str:
    """A day as tables have it: 22 Nov 2026."""
    return _day(of, "d MMM y")


def month(of: str) -> str:
    """A month, given as ``2026-11``: November 2026."""
    year, count = of.split("-")
    return _day(date(int(year), int(count), 1), "LLLL y")


def hijri_day(of: date) -> str:
    """The same day in the Hijri calendar: 12 Jumada al-Akhirah 1448."""
    found = hijri(_as_day(of))
    month: _StrOrPromise = MONTHS[found.month - 1]
    return digits(_("%(day)s %(month)s %(year)s") % {"day": found.day, "month": month, "year": found.year})


def time_of_day(at: datetime) -> str:
    """The time on a clock of 24 hours, in the node's zone: 07:58."""
    # in Arabic a leading zero is a dot before the hour
    pattern = "H:mm" if reader_locale().language == "ar" else "HH:mm"
    return digits(babel_time(local(at), pattern, locale=reader_locale()))


def hour_of_day(hour: int) -> str:
    """A full hour, 0 to 23, on a clock of 24 hours: 08:00."""
    pattern = "H:mm" if reader_locale().language == "ar" else "HH:mm"
    return digits(babel_time(time(hour), pattern, locale=reader_locale()))


def hours_of_week(days: Sequence[int], opens: time | None, closes: time | None) -> str:
    """On which days of the week and at which hours: “Mon, Tue and Wed, 08:00 to 16:00”.

    Args:
        days: 0 is Monday; none for every hour of every day, as is no time.
        opens: from when.
        closes: until when.
    """
    if not days or opens is None or closes is None:
        return _("at any hour")
    names = reader_locale().days["stand-alone"]["abbreviated"]
    pattern = "H:mm" if reader_locale().language == "ar" else "HH:mm"
    begin, end = (digits(babel_time(each, pattern, locale=reader_locale())) for each in (opens, closes))
    return _("%(days)s, %(begin)s to %(end)s") % {
        "days": listed([names[each] for each in days]),
        "begin": begin,
        "end": end,
    }


def weekday(day_of_week: int) -> str:
    """A day of the week by its name; 0 is Monday."""
    return str(reader_locale().days["stand-alone"]["wide"][day_of_week])


def language_name(tag: str) -> str:
    """A language by its tag, as the reader's language calls it; the tag where it does not."""
    return str(reader_locale().languages.get(tag.partition("-")[0].lower(), tag))


def moment(at: datetime) -> str:
    """Day and time in the node's zone: 22 Nov 2026, 07:58."""
    return _("%(day)s, %(time)s") % {"day": short_day(at), "time": time_of_day(at)}


def ago(at: datetime) -> str:
    """How long ago, or until when: “3 hours ago”, “in 2 days”."""
    distance = at - now()
    if abs(distance) < timedelta(minutes=1):
        return _("now")
    return digits(format_timedelta(distance, add_direction=True, locale=reader_locale(), threshold=1.5))


def _day(of: date, pattern: str) -> str:
    return digits(babel_date(_as_day(of), pattern, locale=reader_locale()))


def _as_day(of: date) -> date:
    return local(of).date() if isinstance(of, datetime) else of
