"""Days of an agreement as forms ask for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _

__all__ = ["Day", "check_order", "first_instant", "first_instant_after"]


# what a document may name (foundation/clock.py): the calendar of Python ends with the year 9999
_FIRST: Final = date(1900, 1, 1)
_LAST: Final = date(8999, 12, 30)


def first_instant(of: date) -> datetime:
    """The first instant of a day in UTC: when something that begins on that day begins."""
    return datetime.combine(of, time(), UTC)


def first_instant_after(of: date) -> datetime:
    """The first instant after a day in UTC: when something whose last day this is ends."""
    return first_instant(of + timedelta(days=1))


class Day(forms.DateField):
    """A day that leaves room for zones and for the day after it; the browser shows its calendar."""

    def __init__(self, **kwargs: Any) -> None:  # what Django's field takes
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **kwargs)
        self.validators += [MinValueValidator(_FIRST), MaxValueValidator(_LAST)]


def check_order(form: forms.Form, found: dict[str, Any]) -> None:
    """Complain where the last day lies before the first."""
    begin, end = found.get("valid_from"), found.get("last_day")
    if begin and end and end < begin:
        form.add_error("last_day", _("The last day lies before the first. Choose a later one."))
