"""Controls that are drawn without a template are what Django's templates draw."""

from __future__ import annotations

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates, get_default_renderer
from django.utils.safestring import mark_safe

from taawun.platform.web.controls import Controls

_ODD = {
    "id": "x",
    "required": True,
    "disabled": False,
    "maxlength": 3,
    "title": "\"<&>'",
    "data-x": mark_safe("&amp;"),
}
_CHOICES = [
    ("", "all"),
    ("<b>", '<b> & "c"'),
    (3, mark_safe("<i>three</i>")),
    ("Of it", [("d", "D"), ("e", 5)]),
]
_GROUPS = (forms.RadioSelect, forms.CheckboxSelectMultiple)


@pytest.mark.parametrize("value", [None, "", "<b>", 3, mark_safe("&lt;"), True, ["<b>", "3"]])
@pytest.mark.parametrize(
    "widget",
    [
        forms.TextInput(),
        forms.TextInput({"type": "search", "dir": "auto"}),
        forms.EmailInput(),
        forms.PasswordInput(render_value=True),
        forms.NumberInput({"min": 0}),
        forms.DateInput({"type": "date"}),
        forms.HiddenInput(),
        forms.CheckboxInput(),
        forms.Select(choices=_CHOICES),
        forms.SelectMultiple(choices=_CHOICES),
        forms.Textarea(),
        forms.RadioSelect(choices=_CHOICES),
        forms.CheckboxSelectMultiple(choices=_CHOICES),
    ],
    ids=lambda widget: type(widget).__name__,
)
def test_a_control_is_drawn_as_djangos_templates_draw_it(widget: forms.Widget, value: object) -> None:
    def drawn(renderer: DjangoTemplates) -> list[str]:
        whole = widget.render("na<me", value, dict(_ODD), renderer=renderer)
        parts = widget.subwidgets("na<me", value, dict(_ODD)) if isinstance(widget, _GROUPS) else ()
        # a box of a group by itself, as a field draws it
        single = [
            renderer.render(each["template_name"], {"widget": {**each, "wrap_label": False}})
            for each in parts
        ]
        return [" ".join(each.split()) for each in (whole, *single)]

    assert drawn(Controls()) == drawn(DjangoTemplates())


def test_the_node_draws_its_controls_so() -> None:
    assert isinstance(get_default_renderer(), Controls)
