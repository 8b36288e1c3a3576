"""How whoever reads now wants to read: time zone, calendar, digits, address and appearance.

What a page shows follows it through :mod:`taawun.platform.web.formats`. What leaves for others (a letter, a printed
agreement) is written :func:`for_everybody`, and what machines read knows no reader at all.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "ANYBODY",
    "Addressed",
    "Calendar",
    "Digits",
    "Reader",
    "Theme",
    "for_everybody",
    "read_by",
    "reader",
]


class Calendar(TextChoices):
    """In which calendars days are told."""

    GREGORIAN = "gregorian", pgettext_lazy("a calendar", "Gregorian")
    WITH_HIJRI = "with-hijri", pgettext_lazy("a calendar", "Gregorian, with the Hijri date beside it")


class Digits(TextChoices):
    """With which digits Arabic is written; other languages of the house have only 0 to 9."""

    TERRITORY = "territory", _("as the nation of this node writes them")
    WESTERN = "western", "0123456789"
    ARABIC_INDIC = "arabic-indic", "٠١٢٣٤٥٦٧٨٩"


class Addressed(TextChoices):
    """How one is addressed, and one's role named, where a language has two forms for it."""

    NEUTRAL = "neutral", pgettext_lazy("how one is addressed", "not said: neutrally")
    FEMININE = "feminine", pgettext_lazy("how one is addressed", "in the feminine")
    MASCULINE = "masculine", pgettext_lazy("how one is addressed", "in the masculine")


class Theme(TextChoices):
    """The appearance of pages."""

    DEVICE = "device", _("as this device")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


@dataclass(frozen=True, slots=True)
class Reader:
    """How somebody wants to read.

    Args:
        zone: IANA name of their time zone; empty for the node's.
        calendar: in which calendars days are told.
        digits: with which digits Arabic is written.
        addressed: how they are addressed.
        theme: the appearance of pages.
    """

    zone: str = ""
    calendar: Calendar = Calendar.GREGORIAN
    digits: Digits = Digits.TERRITORY
    addressed: Addressed = Addressed.NEUTRAL
    theme: Theme = Theme.DEVICE


ANYBODY = Reader()
_asked: ContextVar[Callable[[], Reader]] = ContextVar("taawun_reader", default=lambda: ANYBODY)


def reader() -> Reader:
    """Who reads now; :data:`ANYBODY` where nobody is known to."""
    return _asked.get()()


@contextmanager
def read_by(ask: Callable[[], Reader]) -> Iterator[None]:
    """While it lasts, what is written is for one reader.

    Args:
        ask: tells who; called when it is first asked, and again each time.
    """
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def for_everybody() -> Iterator[None]:
    """While it lasts, what is written is for others than who reads now: as the node writes it."""
    with read_by(lambda: ANYBODY):
        yield
