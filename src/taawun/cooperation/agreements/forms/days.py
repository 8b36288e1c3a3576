"""Days of an agreement as forms ask for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _

__all__ = ["Day", "check_order", "first_instant", "first_instant_after"]


def first_instant(of: date) -> datetime:
    """The first instant of a day in UTC: when something that begins on that day begins."""
    return datetime.combine(of, time(), UTC)


def first_instant_after(of: date) -> datetime:
    """The first instant after a day in UTC: when something whose last day this is ends."""
    return first_instant(of + timedelta(days=1))


class Day(forms.DateField):
    """A day; the browser shows its calendar."""

    def __init__(self, **kwargs: Any) -> None:  # what Django's field takes
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **kwargs)


def check_order(form: forms.Form, found: dict[str, Any]) -> None:
    """Complain where the last day lies before the first."""
    begin, end = found.get("valid_from"), found.get("last_day")
    if begin and end and end < begin:
        form.add_error("last_day", _("The last day lies before the first. Choose a later one."))
