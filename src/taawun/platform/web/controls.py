"""Draws the controls of forms that pages are full of: fields of one line, boxes, and lists to choose from.

Django draws each from templates that include each other, a list one option at a time: a tenth of a page with a filter
bar, a third of one with a long form. What is written here is what these templates write (``django/forms/widgets/``), to
which a test holds it; all other controls are still drawn by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

__all__ = ["Controls"]

# Any, here and below: what a widget tells its template, of whatever type each has


class Controls(DjangoTemplates):
    """The setting ``FORM_RENDERER``."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> SafeString:
        """The control that the template of this name would draw."""
        widget = context.get("widget", {})
        if template_name in _INPUTS and not widget.get("wrap_label"):
            return mark_safe(_input(widget))  # noqa: S308 - escaped part by part
        if template_name == "django/forms/widgets/select.html":
            return mark_safe(_select(widget))  # noqa: S308 - escaped part by part
        return mark_safe(super().render(template_name, context, request))  # noqa: S308 - a template escapes


_INPUTS: Final = frozenset(
    f"django/forms/widgets/{name}.html"
    for name in (
        "text", "search", "email", "password", "number", "url", "tel", "date", "time", "hidden",
        "checkbox", "checkbox_option", "radio_option",
    )
)  # fmt: skip


def _input(widget: Mapping[str, Any]) -> str:
    value = widget["value"]
    shown = "" if value is None else f' value="{_escaped(value)}"'
    return f'<input type="{_escaped(widget["type"])}" name="{_escaped(widget["name"])}"{shown}{_attributes(widget)}>'


def _select(widget: Mapping[str, Any]) -> str:
    parts = [f'<select name="{_escaped(widget["name"])}"{_attributes(widget)}>']
    for group, options, _index in widget["optgroups"]:
        drawn = [
            f'\n  <option value="{_escaped(option["value"])}"{_attributes(option)}>{_escaped(option["label"])}</option>'
            for option in options
        ]
        parts += [f'\n  <optgroup label="{_escaped(group)}">', *drawn, "\n  </optgroup>"] if group else drawn
    return "".join([*parts, "\n</select>"])


def _attributes(widget: Mapping[str, Any]) -> str:
    return "".join(
        f" {_escaped(name)}" if value is True else f' {_escaped(name)}="{_escaped(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _escaped(value: object) -> str:
    return conditional_escape(value if isinstance(value, SafeString) else str(value))
