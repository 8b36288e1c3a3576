"""How a draft comes back into its form, and what it says otherwise than what is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.forms import BaseForm, BoundField
    from django.http import QueryDict

__all__ = ["Difference", "differences", "refill", "words_in"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which what was typed differs from what is saved.

    Args:
        label: of the field.
        saved: what is saved, in words.
        typed: what was typed, in words.
    """

    label: str
    saved: str
    typed: str


def refill(form: BaseForm, typed: QueryDict) -> None:
    """Show in an unbound form what was typed; nothing is judged before it is sent.

    Hidden fields stay as the page has them: they say which edition it is about.

    Args:
        form: not bound; fields of it that were drawn already are drawn anew.
        typed: as the form would have been sent.
    """
    for bound in _asked(form):
        bound.initial = form.initial[bound.name] = _given(form, bound.name, typed)


def differences(form: BaseForm, typed: QueryDict) -> list[Difference]:
    """Field by field, what was typed otherwise than what a form shows.

    Args:
        form: not bound, with what is saved in it.
        typed: as the form would have been sent.
    """
    found = []
    for bound in _asked(form):
        saved, written = _in_words(bound, bound.value()), _in_words(bound, _given(form, bound.name, typed))
        if saved != written:
            found.append(Difference(str(bound.label).rstrip("."), saved, written))
    return found


def words_in(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What of a form's values people write: those of more than one word, or of letters beyond ASCII."""
    return (value for _name, value in fields if len(value.split()) > 1 or not value.isascii())


def _asked(form: BaseForm) -> list[BoundField]:
    """The fields that a person fills in, but for files and passwords."""
    never = (forms.FileInput, forms.PasswordInput)
    return [bound for bound in form if not bound.is_hidden and not isinstance(bound.field.widget, never)]


def _given(form: BaseForm, name: str, typed: QueryDict) -> Any:
    # Any: what a widget makes of what was sent
    return form.fields[name].widget.value_from_datadict(typed, {}, form.add_prefix(name))


def _in_words(bound: BoundField, value: Any) -> str:
    # Any: as above
    widget = bound.field.widget
    if isinstance(widget, forms.CheckboxInput):
        return "✓" if value else ""
    if isinstance(widget, forms.Select | forms.RadioSelect | forms.CheckboxSelectMultiple):
        chosen = {str(each) for each in (value if isinstance(value, list | tuple) else [value])}
        words = [str(said) for each, said in _choices(widget) if str(each) in chosen and str(each)]
        return "\n".join(words)
    shown = widget.format_value(bound.field.prepare_value(value))
    return str("" if shown is None else shown).replace("\r\n", "\n").strip()


def _choices(widget: forms.widgets.ChoiceWidget) -> list[tuple[Any, Any]]:
    # Any: values and words of any kind
    found: list[tuple[Any, Any]] = []
    for value, words in widget.choices:
        found += words if isinstance(words, list | tuple) else [(value, words)]
    return found
