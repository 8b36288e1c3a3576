"""How forms are shown: one view of a field for one template, and the filters of a list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
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

__all__ = [
    "FaultyPart",
    "FieldView",
    "FilterView",
    "address",
    "filter_views",
    "sentences",
    "understood",
    "western",
]

# what is asked of a list for once: the next link asks for something else
_PASSING = frozenset({"after", "before", "format", "chosen", "columns"})

# what a person writes in one direction whatever the page's is
_TECHNICAL = frozenset({"email", "url", "password", "number", "datetime-local", "date", "time", "tel"})
# errors of Django whose only variable parts are counts, which it writes in Western digits
_COUNTS = frozenset({"min_value", "max_value", "min_length", "max_length", "step_size"})


def address(asked: QueryDict, **changes: str) -> str:
    """The address of the list that is shown, from its beginning, as a link of its own page.

    Args:
        asked: ``request.GET``; its search, filters and order stay.
        changes: what is asked otherwise; empty for no longer.
    """
    query = asked.copy()
    for name in _PASSING | changes.keys():
        query.pop(name, None)
    for name, value in changes.items():
        if value:
            query[name] = value
    return f"?{query.urlencode()}"


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


@dataclass(frozen=True)
class FilterView:
    """A filter of a list as the template ``web/components/filters.html`` draws it.

    Args:
        bound: its field, bound to the address.
        without: the address of the list without it; empty where it does not narrow the list now.
    """

    bound: BoundField
    without: str

    @property
    def is_select(self) -> bool:
        """Whether it offers a choice of what there is."""
        return isinstance(self.bound.field.widget, forms.Select)

    @property
    def control(self) -> SafeString:
        """The control itself; while nothing is chosen, what stands for all of it is called as the filter is."""
        widget = self.bound.field.widget
        if isinstance(widget, forms.Select) and not self.without:
            label = str(self.bound.label)
            widget.choices = [(value, label if value == "" else words) for value, words in widget.choices]
        return self.bound.as_widget(widget)


def filter_views(form: BaseForm, asked: QueryDict) -> list[FilterView]:
    """The filters of a list; a field named ``q`` is its search and none of them.

    Args:
        form: the filter form, bound to the address.
        asked: ``request.GET``.
    """
    found = []
    for bound in form:
        without = ""
        if asked.get(bound.name) and bound.name not in form.errors:
            without = address(asked, **{bound.name: ""})
        if bound.name != "q" and not bound.is_hidden:
            found.append(FilterView(bound, without))
    return found


def understood(form: forms.Form) -> dict[str, Any]:
    """What the filters of a list found in the address, those left out that hold what they do not know.

    An old link may name a choice that is gone. It narrows nothing, and the filters beside it, which the page shows as
    chosen, narrow the list all the same.

    Args:
        form: bound to ``request.GET``.
    """
    form.is_valid()
    # Any: what each field makes of its part
    return form.cleaned_data
