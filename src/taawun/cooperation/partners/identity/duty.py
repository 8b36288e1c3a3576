"""Whom to call at a partner: the duty contacts of its descriptor, which are its word and nothing more.

Everything here came from the other side: it is read with bounds, what does not fit is left out, and a fingerprint is
reckoned from the key itself and never taken from what stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from taawun.foundation.clock import parse_timestamp
from taawun.foundation.multilingual import Text, TextRefused
from taawun.foundation.openpgp import KeyRefused, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MOST", "Contact", "read"]

MOST: Final = 6
_LONGEST: Final = 254
_MAX_LANGUAGES: Final = 10
_DAYS: Final = range(7)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at a partner.

    Args:
        name: a name or a function.
        zone: the time zone in which days and hours are meant; None where it is unknown here.
        days: days of the week, 0 is Monday; empty together with no hours: at any hour.
        opens: from when.
        closes: until when.
        languages: language tags.
        phone: a telephone number, or empty.
        email: an e-mail address, or empty.
        fingerprint: of the PGP key that came along, or empty.
        tested: when they last tried it, by their own word.
    """

    name: Text
    zone: ZoneInfo | None
    days: tuple[int, ...]
    opens: time | None
    closes: time | None
    languages: tuple[str, ...]
    phone: str
    email: str
    fingerprint: str
    tested: datetime | None


def read(told: Sequence[Mapping[str, object]]) -> list[Contact]:
    """The contacts that can be understood, at most six.

    Args:
        told: the member ``contacts`` of a descriptor.
    """
    found = []
    for each in told[:MOST]:
        try:
            name = Text.from_json(each.get("name"))
        except TextRefused:
            continue
        found.append(_contact(name, each))
    return found


def _contact(name: Text, told: Mapping[str, object]) -> Contact:
    hours = told.get("hours")
    hours = hours if isinstance(hours, dict) else {}
    zone, days = _plain(hours.get("zone")), hours.get("days")
    languages = told.get("languages")
    tested = _plain(told.get("tested"))
    return Contact(
        name=name,
        zone=ZoneInfo(zone) if zone in available_timezones() else None,
        days=tuple(day for day in days[:7] if type(day) is int and day in _DAYS)
        if isinstance(days, list)
        else (),
        opens=_time(hours.get("from")),
        closes=_time(hours.get("until")),
        languages=tuple(filter(None, map(_plain, languages[:_MAX_LANGUAGES])))
        if isinstance(languages, list)
        else (),
        phone=_plain(told.get("phone")),
        email=_plain(told.get("email")),
        fingerprint=_fingerprint(told.get("pgp")),
        tested=_moment(tested),
    )


def _plain(value: object) -> str:
    """A short text without a control character or one that turns the direction of text; anything else is empty."""
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        return ""
    return value


def _time(value: object) -> time | None:
    try:
        return time.fromisoformat(_plain(value))
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return parse_timestamp(text) if text else None
    except ValueError:
        return None


def _fingerprint(pgp: Any) -> str:
    # Any: JSON of the other side, of any shape
    key = pgp.get("key") if isinstance(pgp, dict) else None
    try:
        return fingerprint(key) if isinstance(key, str) else ""
    except KeyRefused:
        return ""
