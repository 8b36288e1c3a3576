"""How one wants to be told of things, as a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.models import Letterbox
from taawun.platform.notices.news import Topic
from taawun.platform.web.formats import hour_of_day, weekday

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.forms import BoundField

    from taawun.cooperation.people.wishes import Chosen

__all__ = ["SummaryForm", "WishesForm"]


class WishesForm(forms.Form):
    """A choice for each kind of thing that one may be told of.

    Args:
        wishes: the kinds, with how they are told now.
    """

    def __init__(self, *args: Any, wishes: Sequence[Chosen], **kwargs: Any) -> None:  # any: as Django's own
        super().__init__(*args, **kwargs)
        self._wishes = wishes
        for each in wishes:
            self.fields[each.kind.name] = forms.ChoiceField(
                label=each.kind.label,
                choices=[(way.value, way.label) for way in each.kind.ways],
                initial=each.way.value,
            )

    @property
    def topics(self) -> list[tuple[Topic, list[tuple[str, list[BoundField]]]]]:
        """The fields of each topic that has some, by room."""
        found: list[tuple[Topic, list[tuple[str, list[BoundField]]]]] = []
        for topic in Topic:
            rooms: dict[str, list[BoundField]] = {}
            for each in self._wishes:
                if each.kind.topic == topic:
                    rooms.setdefault(each.kind.room, []).append(self[each.kind.name])
            if rooms:
                found.append((topic, list(rooms.items())))
        return found


def _hours() -> list[tuple[int, str]]:
    return [(hour, hour_of_day(hour)) for hour in range(24)]


def _days() -> list[tuple[int, str]]:
    return [(day, weekday(day)) for day in range(7)]


class SummaryForm(forms.Form):
    """When the summary comes."""

    rhythm = forms.ChoiceField(label=_("The summary comes"), choices=Letterbox.Rhythm.choices)
    hour = forms.TypedChoiceField(label=_("At what hour"), coerce=int, choices=_hours)
    days = forms.TypedMultipleChoiceField(
        label=_("Working days"),
        coerce=int,
        choices=_days,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Choose a day at least. Without a summary choose that it never comes.")
        },
    )
