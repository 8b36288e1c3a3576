"""What lists and comparisons of agreements ask for, and the reason for a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, pgettext_lazy

__all__ = ["AgreementFilters", "CompareForm", "NoteForm"]


class AgreementFilters(forms.Form):
    """Search and filter of the list of agreements."""

    q = forms.CharField(label=gettext_lazy("Title, party or code"), required=False, max_length=200)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("all")),
            ("waiting", gettext_lazy("waiting for us")),
            ("draft", gettext_lazy("draft")),
            ("proposed", gettext_lazy("proposed")),
            ("countered", gettext_lazy("countered")),
            ("signed", gettext_lazy("signed")),
            ("in-force", gettext_lazy("in force")),
            ("suspended", gettext_lazy("suspended")),
            ("expired", gettext_lazy("expired")),
            ("terminated", gettext_lazy("terminated")),
            ("declined", gettext_lazy("declined")),
        ],
    )


class CompareForm(forms.Form):
    """Which two texts to compare."""

    old = forms.ChoiceField(label=pgettext_lazy("two texts", "Compare"))
    new = forms.ChoiceField(label=pgettext_lazy("two texts", "with"))

    def __init__(
        self, *args: Any, texts: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        for name in ("old", "new"):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = list(texts)


class NoteForm(forms.Form):
    """Why; the other parties read it."""

    note = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("It is signed and sent to the other parties."),
    )
