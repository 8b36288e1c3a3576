"""How forms are shown: one view of a field for one template, and the filters of a list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import decimal

from django import forms
from django.utils.safestring import SafeString

from taawun.platform.web.formats import digits, other_day_beside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.forms import BaseForm, BoundField
    from django.forms.utils import ErrorList
    from django.http import QueryDict

    from taawun.platform.web.formats import OtherDay

__all__ = ["ActiveFilter", "FaultyPart", "FieldView", "active_filters", "sentences", "western"]

# what a person writes in one direction whatever the page's is
_TECHNICAL = frozenset({"email", "url", "password", "number", "datetime-local", "date", "time", "tel"})
# errors of Django whose only variable parts are counts, which it writes in Western digits
_COUNTS = frozenset({"min_value", "max_value", "min_length", "max_length", "step_size"})


def western(typed: str) -> str:
    """What was typed with its digits as 0 to 9, whatever digits the keyboard wrote."""
    return "".join(str(decimal(letter)) if letter.isdecimal() else letter for letter in typed)


def sentences(errors: ErrorList) -> list[str]:
    """What is wrong, a sentence each, with counts in the reader's digits and values as they were given."""
    return [
        digits(sentence) if error.code in _COUNTS else str(sentence)
        for error in errors.as_data()
        for sentence in error
    ]


@dataclass(frozen=True)
class FieldView:
    """A bound field as the template ``web/components/field.html`` draws it."""

    bound: BoundField
    extra_hint: str = ""

    @cached_property
    def kind(self) -> str:
        """``group`` for several boxes or radios, ``box`` for one, ``select``, or ``plain``."""
        widget = self.bound.field.widget
        if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
            return "group"
        if isinstance(widget, forms.CheckboxInput):
            return "box"
        if isinstance(widget, forms.Select) and not isinstance(widget, forms.SelectMultiple):
            return "select"
        return "plain"

    @property
    def name(self) -> str:
        """Its label as it stands before a colon: that of a box may be a sentence, which ends in a stop."""
        return str(self.bound.label).rstrip(".")

    @cached_property
    def other_day(self) -> OtherDay | None:
        """The other calendar at the end of a field for a day, for a reader who wants it."""
        widget = self.bound.field.widget
        if widget.attrs.get("type", getattr(widget, "input_type", "")) != "date":
            return None
        return other_day_beside(str(self.bound.value() or ""))

    @cached_property
    def hint(self) -> str:
        """What is said below the field."""
        return self.extra_hint or str(self.bound.help_text)

    @property
    def hint_id(self) -> str:
        """The id of the hint, as Django's widgets point to it."""
        return f"{self.bound.auto_id}_helptext"

    @property
    def error_id(self) -> str:
        """The id of the error, as Django's widgets point to it."""
        return f"{self.bound.auto_id}_error"

    @cached_property
    def errors(self) -> list[str]:
        """What is wrong with it, a sentence each."""
        return sentences(self.bound.errors)

    @cached_property
    def control(self) -> SafeString:
        """The control itself, told what describes it and in which direction one writes in it."""
        widget = _in_any_digits(self.bound.field.widget)
        attributes: dict[str, str | bool] = {}
        described = [self.hint_id] if self.hint else []
        described += [self.error_id] if self.bound.errors else []
        if described:
            attributes["aria-describedby"] = " ".join(described)
        if self.bound.errors:
            attributes["aria-invalid"] = "true"
        kind = widget.attrs.get("type", getattr(widget, "input_type", ""))
        # it vanishes when one writes; what it would say stands in the label or the hint
        if "placeholder" in widget.attrs:
            attributes["placeholder"] = ""
        if "dir" not in widget.attrs and self.kind == "plain":
            if kind in _TECHNICAL:
                attributes["dir"] = "ltr"
            elif self.bound.value():  # an empty one would stand left-to-right on an Arabic page
                attributes["dir"] = "auto"
        return self.bound.as_widget(widget, attrs=attributes)


def _in_any_digits(widget: forms.Widget) -> forms.Widget:
    # a browser's control for numbers takes no Arabic or Persian digits, and Python's int() takes them all
    if not isinstance(widget, forms.NumberInput):
        return widget
    attributes = {name: value for name, value in widget.attrs.items() if name not in {"min", "max", "step"}}
    return forms.TextInput({"inputmode": "numeric", "dir": "ltr", **attributes})


@dataclass(frozen=True, slots=True)
class FaultyPart:
    """What is wrong with one part of a page's form.

    Args:
        whole: sentences about the part as a whole.
        views: its fields; those with nothing wrong are passed over.
        label: what the part is called; empty where the form has no parts.
        anchor: id of the part.
    """

    whole: Sequence[str]
    views: Sequence[FieldView] = ()
    label: str = ""
    anchor: str = ""

    @classmethod
    def of(cls, form: forms.BaseForm, label: str = "", anchor: str = "") -> FaultyPart:
        """The part that a form is."""
        return cls(sentences(form.non_field_errors()), [FieldView(bound) for bound in form], label, anchor)


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """A filter that narrows the list now.

    Args:
        label: its field's label.
        value: what is asked for, in words.
        without: the address of the list without it.
    """

    label: str
    value: str
    without: str


def active_filters(form: BaseForm, asked: QueryDict) -> list[ActiveFilter]:
    """The filters of a list that are in its address, except the search.

    Args:
        form: the filter form, bound to the address.
        asked: ``request.GET``.
    """
    found = []
    for name, field in form.fields.items():
        value = asked.get(name, "")
        if name == "q" or not value or name in form.errors:
            continue
        without = asked.copy()
        del without[name]
        without.pop("after", None)
        found.append(
            ActiveFilter(str(field.label or name), _in_words(field, value), f"?{without.urlencode()}")
        )
    return found


def _in_words(field: forms.Field, value: str) -> str:
    for choice, words in getattr(field, "choices", ()):
        for each, said in words if isinstance(words, list | tuple) else ((choice, words),):
            if str(each) == value:
                return str(said)
    return value
