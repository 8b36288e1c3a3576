"""A form with each kind of field, one of them wrong."""

from __future__ import annotations

from django import forms

from taawun.platform.web.showcase.words import said

__all__ = ["sample_form"]


class _Sample(forms.Form):
    title = forms.CharField()
    address = forms.URLField(assume_scheme="https")
    clause = forms.ChoiceField()
    until = forms.DateField(widget=forms.DateInput({"type": "date"}))
    text = forms.CharField(widget=forms.Textarea({"rows": 3}), required=False)
    rules = forms.BooleanField(required=False)
    who = forms.ChoiceField(widget=forms.RadioSelect)

    def clean_address(self) -> str:
        """A node is reached over https alone."""
        raise forms.ValidationError(said("address_wrong"))


def sample_form() -> forms.Form:
    """The form as somebody sent it, with an address that cannot be."""
    form = _Sample(
        {
            "title": said("title_value"),
            "address": "http://south.cert.example",
            "clause": "2.1",
            "until": "2026-12-22",
            "rules": "on",
            "who": "all",
        }
    )
    for name, field in form.fields.items():
        field.label = said(name)
    form.fields["title"].help_text = said("title_hint")
    _offer(form, "clause", [("2.1", said("clause_one"))])
    _offer(form, "who", [("all", said("all")), ("chosen", said("chosen"))])
    return form


def _offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        field.choices = choices
