"""Dates, numbers and sizes as the reader's language writes them.

Babel's data (CLDR) decides, and what the reader chose (:mod:`taawun.platform.web.reader`): their time zone, whether
the Hijri date stands beside the Gregorian, and with which digits Arabic is written. By default those of the territory:
where it uses Arabic-Indic digits, everything a person reads as prose, dates and counts gets them, and technical values
never do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal
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
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from taawun.foundation.clock import now
from taawun.foundation.zones import are_alike, is_zone, names_of_zone
from taawun.platform.web.access import doorkeeper
from taawun.platform.web.hijri import MONTHS, hijri
from taawun.platform.web.reader import Calendar, Digits, Reader, reader
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.functional import _StrOrPromise

    from taawun.foundation.multilingual import Text

__all__ = [
    "EventTime",
    "OtherDay",
    "ago",
    "called",
    "day",
    "days_of_week",
    "digits",
    "either",
    "event_time",
    "filesize",
    "hijri_day",
    "hour_of_day",
    "hours_here",
    "hours_of_week",
    "language_name",
    "lately",
    "listed",
    "local",
    "moment",
    "month",
    "narrow_day",
    "number",
    "other_day",
    "other_day_beside",
    "percent",
    "reader_locale",
    "short_day",
    "time_in",
    "time_of_day",
    "weekday",
    "with_names",
    "zone",
    "zone_name",
]

_ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_STEP = 1024
_SHORT = "d MMM y"
_DAYS = 7
# so many days in a row are told by the first and the last of them
_A_RANGE = 3


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


def _has_own_digits(locale: Locale) -> bool:
    if locale.language == "ar" and (chosen := reader().digits) != Digits.TERRITORY:
        return chosen == Digits.ARABIC_INDIC
    return bool(locale.default_numbering_system == "arab")


def digits(text: object) -> str:
    """A number or numbering as written (``2.1``), in the reader's digits."""
    return _digits(text, reader_locale())


def _digits(text: object, locale: Locale) -> str:
    return str(text).translate(_ARABIC_INDIC) if _has_own_digits(locale) else str(text)


def number(value: float) -> str:
    """A number with the reader's digits and separators."""
    # Babel sets the separators of the numbering system, and leaves the digits as they are
    locale = reader_locale()
    system: Literal["arab", "latn"] = "arab" if _has_own_digits(locale) else "latn"
    return _digits(_written_number(value, locale, system), locale)


def with_names(sentence: str, **names: object) -> SafeString:
    """A sentence for a page with names in it, each isolated: its own direction turns nothing around it.

    Args:
        sentence: holds each name as ``%(name)s``.
        names: as people wrote them.
    """
    isolated = {key: format_html("<bdi>{}</bdi>", name) for key, name in names.items()}
    return SafeString(escape(sentence) % isolated)


def called(name: Text) -> str:
    """What somebody or something is called in the reader's language, or in the nearest that it has a name in."""
    return name.in_language(get_language() or settings.LANGUAGE_CODE).value


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
    locale = reader_locale()
    shown = _digits(format_percent(share, locale=locale), locale)
    return shown.replace("%", "٪") if _has_own_digits(locale) else shown


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


def zone() -> str:
    """The IANA name of the zone in which times are shown: the reader's, else the node's (``TAAWUN_TIME_ZONE``)."""
    return _zone_of(reader())


def _zone_of(reading: Reader) -> str:
    chosen = reading.zone
    # the machine's list of zones may be older than the one from which it was chosen
    return chosen if chosen and is_zone(chosen) else str(settings.DISPLAY_TIME_ZONE)


def local(at: datetime) -> datetime:
    """An instant in the reader's :func:`zone`, or as it is where that has none."""
    return _in_zone(at, zone())


def _in_zone(at: datetime, name: str) -> datetime:
    try:
        return at.astimezone(ZoneInfo(name))
    except OverflowError:  # the first and the last day of the calendar, which an imported file may well name
        return at


def day(of: date, *, with_hijri: bool = False, with_weekday: bool = False) -> str:
    """A day in full: 22 November 2026, or Sunday 22 November 2026.

    Args:
        of: the day.
        with_hijri: whether the Hijri date stands behind a comma also where the reader did not ask for it.
        with_weekday: whether it begins with the day of the week, as a line does.
    """
    shown = _day(of, "EEEE d MMMM y" if with_weekday else "d MMMM y")
    return _with_hijri(shown[:1].upper() + shown[1:], of, is_asked=with_hijri)


def begins(of: date) -> datetime:
    """The first instant of a day where the reader is."""
    return datetime.combine(of, time(), ZoneInfo(zone()))


def short_day(of: date) -> str:
    """A day as narrow places have it, in one calendar: 22 Nov 2026."""
    return _day(of, _SHORT)


def narrow_day(of: date) -> str:
    """A day of about this time, where there is room for little: 22 Nov."""
    return _day(of, "d MMM")


def lately(at: datetime) -> str:
    """When something was, as people say it soon after: “08:40 today”, “Thursday 16:40”; later the day alone."""
    days = (local(now()).date() - local(at).date()).days
    if days >= _DAYS:
        return short_day(at)
    if days < 1:
        return _("%(time)s today") % {"time": time_of_day(at)}
    return _("%(weekday)s %(time)s") % {"weekday": weekday(local(at).weekday()), "time": time_of_day(at)}


def month(of: str) -> str:
    """A month, given as ``2026-11``: November 2026."""
    year, count = of.split("-")
    return _day(date(int(year), int(count), 1), "LLLL y")


def hijri_day(of: date) -> str:
    """The same day in the Hijri calendar: 12 Jumada al-Akhirah 1448.

    Raises:
        ValueError: the day is before the calendar began.
    """
    found = hijri(_as_day(of))
    month: _StrOrPromise = MONTHS[found.month - 1]
    return digits(_("%(day)s %(month)s %(year)s") % {"day": found.day, "month": month, "year": found.year})


def other_day(of: date) -> str:
    """The Hijri date of a day for a reader who wants it beside the Gregorian; else empty."""
    return _hijri_or_nothing(of) if reader().calendar == Calendar.WITH_HIJRI else ""


@dataclass(frozen=True, slots=True)
class OtherDay:
    """The other calendar beside a field for a day, and what it takes to write it while one types.

    Args:
        shown: the Hijri date of what stands in the field; empty where that is no day.
        pattern: how day, month and year stand to each other: ``{day} {month} {year}``.
        months: their names, from the first.
        digits: the ten digits, from zero.
    """

    shown: str
    pattern: str
    months: Sequence[str]
    digits: str


def other_day_beside(typed: str) -> OtherDay | None:
    """The other calendar beside a field for a day, for a reader who wants it.

    Args:
        typed: what stands in the field, as in ``2026-11-22``.
    """
    if reader().calendar != Calendar.WITH_HIJRI:
        return None
    try:
        shown = other_day(date.fromisoformat(typed))
    except ValueError:
        shown = ""
    pattern = _("%(day)s %(month)s %(year)s") % {"day": "{day}", "month": "{month}", "year": "{year}"}
    return OtherDay(shown, pattern, [str(each) for each in MONTHS], digits("0123456789"))


def _hijri_or_nothing(of: date) -> str:
    try:
        return hijri_day(of)
    except ValueError:  # before the calendar began
        return ""


def _with_hijri(gregorian: str, of: date, *, is_asked: bool = False) -> str:
    other = _hijri_or_nothing(of) if is_asked else other_day(of)
    if not other:
        return gregorian
    # a line breaks at the comma and nowhere else, so that neither date comes to stand above a part of the other
    unbroken = other.replace(" ", "\u00a0")
    return _("%(gregorian)s, %(hijri)s") % {"gregorian": gregorian, "hijri": unbroken}


def time_of_day(at: datetime) -> str:
    """The time on a clock of 24 hours, in the reader's zone: 07:58."""
    return _clock(local(at))


def time_in(at: datetime, name: str) -> str:
    """The time on a clock of 24 hours in another zone, by its IANA name: 07:58."""
    return _clock(_in_zone(at, name))


def _clock(at: datetime | time) -> str:
    locale = reader_locale()
    return _digits(_on_clock(at, locale), locale)


def _on_clock(at: datetime | time, locale: Locale) -> str:
    # in Arabic a leading zero is a dot before the hour
    pattern = "H:mm" if locale.language == "ar" else "HH:mm"
    return _written_time(time(at.hour, at.minute), pattern, locale)


def hour_of_day(hour: int) -> str:
    """A full hour, 0 to 23, on a clock of 24 hours: 08:00."""
    return _clock(time(hour))


def hours_of_week(days: Sequence[int], opens: time | None, closes: time | None) -> str:
    """On which days of the week and at which hours: “Mon, Tue and Wed, 08:00 to 16:00”.

    Args:
        days: 0 is Monday; none for every hour of every day, as is no time.
        opens: from when.
        closes: until when.
    """
    if not days or opens is None or closes is None:
        return _("at any hour")
    return _("%(days)s, %(begin)s to %(end)s") % {
        "days": days_of_week(days),
        "begin": _clock(opens),
        "end": _clock(closes),
    }


def hours_here(days: Sequence[int], opens: time | None, closes: time | None, there: str) -> str:
    """Hours of another zone on the reader's clock, with the days where they are others there.

    Empty where the clock shows the same, or where there are no hours.

    Args:
        days: 0 is Monday, in that zone.
        opens: from when, there.
        closes: until when, there.
        there: IANA name of the zone in which they are meant.
    """
    if not days or opens is None or closes is None or not is_zone(there) or are_alike(there, zone()):
        return ""
    today = _in_zone(now(), there).date()
    begin, end = (local(datetime.combine(today, each, ZoneInfo(there))) for each in (opens, closes))
    shift = (begin.date() - today).days
    if not shift:
        return pgettext("hours", "%(begin)s to %(end)s") % {"begin": _clock(begin), "end": _clock(end)}
    return hours_of_week([(each + shift) % _DAYS for each in days], begin.time(), end.time())


def days_of_week(days: Sequence[int]) -> str:
    """Days of the week by their short names: “Sun to Thu” where they follow one another, else “Mon, Wed, and Sat”.

    Args:
        days: 0 is Monday.
    """
    names = reader_locale().days["stand-alone"]["abbreviated"]
    held = set(days)
    first = [each for each in sorted(held) if (each - 1) % _DAYS not in held]
    if len(first) == 1 and len(held) >= _A_RANGE:
        last = (first[0] + len(held) - 1) % _DAYS
        return _("%(first)s to %(last)s") % {"first": names[first[0]], "last": names[last]}
    return listed([names[each] for each in sorted(held)])


def weekday(day_of_week: int) -> str:
    """A day of the week by its name; 0 is Monday."""
    return str(reader_locale().days["stand-alone"]["wide"][day_of_week])


def language_name(tag: str) -> str:
    """A language by its tag, as the reader's language calls it; the tag where it does not."""
    return str(reader_locale().languages.get(tag.partition("-")[0].lower(), tag))


def moment(at: datetime) -> str:
    """Day and time in the reader's zone: 22 Nov 2026, 07:58; with the Hijri date before the time where they want it."""
    # a page may have hundreds: who reads, and with whose digits, is asked once for each
    reading, locale = reader(), reader_locale()
    here = _in_zone(at, _zone_of(reading))
    of = here.date()
    shown = _written_day(of, _SHORT, locale)
    if reading.calendar == Calendar.WITH_HIJRI:
        shown = _with_hijri(shown, of)
    return _digits(_("%(day)s, %(time)s") % {"day": shown, "time": _on_clock(here, locale)}, locale)


@dataclass(frozen=True, slots=True)
class EventTime:
    """When something happens elsewhere.

    Args:
        there: day and time where it happens: 22 Nov 2026, 15:00.
        place: what the zone there is called by its city; empty where the reader's clock shows the same.
        here: the time on the reader's clock, with the day where that differs; empty likewise.
    """

    there: str
    place: str = ""
    here: str = ""


def event_time(at: datetime, there: str) -> EventTime:
    """When something happens, on the clock where it happens and on the reader's.

    Args:
        at: the instant.
        there: IANA name of the zone where it happens; one that nobody knows is passed over.
    """
    if not is_zone(there) or are_alike(there, zone(), at):
        return EventTime(moment(at))
    event, mine = _in_zone(at, there), local(at)
    day_there = _with_hijri(short_day(event.date()), event.date())
    is_same_day = event.date() == mine.date()
    return EventTime(
        _("%(day)s, %(time)s") % {"day": day_there, "time": _clock(event)},
        zone_name(there),
        _clock(mine) if is_same_day else moment(at),
    )


def zone_name(name: str) -> str:
    """What a time zone is called, by its city in the reader's language: Kuala Lumpur."""
    known = reader_locale().time_zones
    called = (known[each]["city"] for each in names_of_zone(name) if "city" in known.get(each, {}))
    return str(next(called, name.rpartition("/")[2].replace("_", " ")))


def ago(at: datetime) -> str:
    """How long ago, or until when: “3 hours ago”, “in 2 days”."""
    distance = at - now()
    if abs(distance) < timedelta(minutes=1):
        return _("now")
    return digits(format_timedelta(distance, add_direction=True, locale=reader_locale(), threshold=1.5))


def _day(of: date, pattern: str) -> str:
    locale = reader_locale()
    return _digits(_written_day(_as_day(of), pattern, locale), locale)


# a list has a moment in each row, most of them of a few days; Babel takes half of the time of writing one
@lru_cache(maxsize=4096)
def _written_day(of: date, pattern: str, locale: Locale) -> str:
    return str(babel_date(of, pattern, locale=locale))


@lru_cache(maxsize=4096)
def _written_time(at: time, pattern: str, locale: Locale) -> str:
    return str(babel_time(at, pattern, locale=locale))


# typed: where they are not told apart, one and true are equal
@lru_cache(maxsize=4096, typed=True)
def _written_number(value: float, locale: Locale, system: Literal["arab", "latn"]) -> str:
    return str(format_decimal(value, locale=locale, numbering_system=system))


def _as_day(of: date) -> date:
    return local(of).date() if isinstance(of, datetime) else of
