"""The form about oneself: name, language and writing, time, appearance."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.forms.utils import flatatt
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from taawun.foundation.clock import now
from taawun.foundation.multilingual import OWN_NAMES
from taawun.foundation.zones import CANONICAL
from taawun.platform.web import formats
from taawun.platform.web.reader import Addressed, Calendar, Digits, Reader, Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.forms import BoundField
    from django.utils.functional import _StrOrPromise

    from taawun.cooperation.people.models import Person

__all__ = ["ProfileForm"]

# what the form sends for an empty zone: a choice is always made
_OF_THE_NODE: Final = "node"
# the first part of a zone's name; Arctic has one city, which lies in Europe
_AREAS: Final[Mapping[str, _StrOrPromise]] = {
    "Africa": pgettext_lazy("time zones", "Africa"),
    "America": pgettext_lazy("time zones", "The Americas"),
    "Antarctica": pgettext_lazy("time zones", "Antarctica"),
    "Asia": pgettext_lazy("time zones", "Asia"),
    "Atlantic": pgettext_lazy("time zones", "Atlantic Ocean"),
    "Australia": pgettext_lazy("time zones", "Australia"),
    "Europe": pgettext_lazy("time zones", "Europe"),
    "Indian": pgettext_lazy("time zones", "Indian Ocean"),
    "Pacific": pgettext_lazy("time zones", "Pacific Ocean"),
}


@lru_cache(maxsize=16)
def _cities(_locale: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The zones by their cities, area by area; some four hundred names of one language, which the argument is."""
    found: dict[str, list[tuple[str, str]]] = {area: [] for area in _AREAS}
    for name in CANONICAL:
        area = name.partition("/")[0].replace("Arctic", "Europe")
        if area in found:
            found[area].append((name, formats.zone_name(name)))
    return tuple(
        (str(_AREAS[area]), tuple(sorted(zones, key=lambda each: each[1]))) for area, zones in found.items()
    )


def _zones(current: str) -> list[tuple[str, Any]]:  # Any: a name, or a group of choices
    node = gettext("that of this node: %(zone)s") % {"zone": formats.zone_name(settings.DISPLAY_TIME_ZONE)}
    others = {"UTC", current} - {""}
    if current in CANONICAL:
        others = {"UTC"}
    own = [(name, formats.zone_name(name)) for name in sorted(others)]
    return [(_OF_THE_NODE, node), *own, *_cities(str(formats.reader_locale()))]


class _LongSelect(forms.Select):
    """A select of hundreds of choices: Django's own renders two templates for each of them."""

    def render(
        self,
        name: str,
        value: object,
        attrs: dict[str, Any] | None = None,  # Any: what Django passes
        renderer: object = None,
    ) -> SafeString:
        """The element with its choices, in groups where they have some."""
        del renderer
        attributes = flatatt(self.build_attrs(self.attrs, attrs) | {"name": name})
        drawn = "".join(_option(choice, words, str(value)) for choice, words in self.choices)
        return SafeString(f"<select{attributes}>{drawn}</select>")


def _option(choice: object, words: object, chosen: str) -> str:
    # by hand: this stands four hundred times in a page
    if isinstance(words, list | tuple):
        inside = "".join(_option(each, said, chosen) for each, said in words)
        return f'<optgroup label="{escape(choice)}">{inside}</optgroup>'
    selected = " selected" if choice == chosen else ""
    return f'<option value="{escape(choice)}"{selected}>{escape(words)}</option>'


class ProfileForm(forms.Form):
    """What a person changes about themself."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=200,
        help_text=_("As colleagues and partners should see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=tuple(OWN_NAMES.items()))
    digits = forms.ChoiceField(
        label=_("Digits in Arabic"),
        choices=Digits.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "English and French are written with 0 to 9, and so are technical values in every language."
        ),
    )
    addressed = forms.ChoiceField(
        label=_("How you are addressed"),
        choices=Addressed.choices,
        widget=forms.RadioSelect,
        help_text=_("In languages that have two forms. Your roles are named so, for others as well."),
    )
    calendar = forms.ChoiceField(label=_("Calendar"), choices=Calendar.choices, widget=forms.RadioSelect)
    theme = forms.ChoiceField(
        label=_("Light or dark"),
        choices=Theme.choices,
        widget=forms.RadioSelect,
        help_text=_("Kept in this browser too, for the page where you sign in."),
    )

    def __init__(self, data: Any, person: Person) -> None:  # Any: what Django passes
        reading = person.reading
        begin = {
            "name": person.name,
            "language": person.language,
            "zone": reading.zone or _OF_THE_NODE,
            "calendar": reading.calendar,
            "digits": reading.digits,
            "addressed": reading.addressed,
            "theme": reading.theme,
        }
        super().__init__(data, initial=begin)
        self.fields["zone"] = forms.ChoiceField(
            label=_("Time zone"),
            choices=_zones(reading.zone),
            widget=_LongSelect,
            help_text=gettext("As you are set now, it is %(moment)s.") % {"moment": formats.moment(now())},
        )

    @property
    def writing(self) -> list[BoundField]:
        """What is asked about language and writing."""
        return [self[name] for name in ("language", "digits", "addressed")]

    @property
    def time(self) -> list[BoundField]:
        """What is asked about time."""
        return [self[name] for name in ("zone", "calendar")]

    @property
    def reading(self) -> Reader:
        """How they want to read, of a form that is valid."""
        given = self.cleaned_data
        return Reader(
            zone="" if given["zone"] == _OF_THE_NODE else given["zone"],
            calendar=Calendar(given["calendar"]),
            digits=Digits(given["digits"]),
            addressed=Addressed(given["addressed"]),
            theme=Theme(given["theme"]),
        )
