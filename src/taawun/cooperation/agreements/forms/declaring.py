"""What a declaration asks for on a page; kinds and topics are declared over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import get_language, gettext_lazy

from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats

if TYPE_CHECKING:
    from taawun.cooperation.agreements.document import Document

__all__ = ["DeclarationForm"]


class DeclarationForm(forms.Form):
    """One clause, one direction, and what is left of it."""

    clause = forms.ChoiceField(label=gettext_lazy("Clause"))
    direction = forms.ChoiceField(
        label=gettext_lazy("Direction"),
        choices=[
            ("gives", gettext_lazy("what this node gives")),
            ("takes", gettext_lazy("what this node takes")),
        ],
    )
    tlp_max = forms.ChoiceField(label=gettext_lazy("Up to"), required=False)
    without = forms.MultipleChoiceField(
        label=gettext_lazy("Not with"), required=False, widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(
        label=gettext_lazy("A word to the other parties"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )

    def __init__(self, *args: Any, document: Document, me: str, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        language = get_language() or "en"
        choices: dict[str, list[tuple[str, Any]]] = {
            "clause": [
                (each.ref, f"{formats.digits(each.ref)}. {each.title.in_language(language).value}")
                for each in document.clauses
            ],
            "tlp_max": [("", gettext_lazy("as the clause says")), *((tlp.label, tlp.label) for tlp in Tlp)],
            "without": [
                (party.ref, party.organisation.in_language(language).value)
                for party in document.parties
                if party.ref != me
            ],
        }
        for name, offered in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = offered
