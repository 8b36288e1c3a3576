"""What a declaration asks for on a page; kinds and topics are declared over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import get_language, gettext_lazy

from taawun.cooperation.agreements.document import Narrowing, check_meant, check_narrowings
from taawun.cooperation.agreements.errors import DocumentRefused
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
    closes = forms.BooleanField(
        label=gettext_lazy("close the clause entirely"),
        required=False,
        help_text=gettext_lazy("Then this node gives or takes nothing under it in that direction."),
    )
    note = forms.CharField(
        label=gettext_lazy("A word to the other parties"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )

    def __init__(self, *args: Any, document: Document, me: str, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        self._document, self._me = document, me
        language = get_language() or "en"
        choices: dict[str, list[tuple[str, Any]]] = {
            "clause": [
                (each.ref, f"{formats.digits(each.ref)}. {each.title.in_language(language).value}")
                for each in document.clauses
            ],
            "tlp_max": [
                ("", gettext_lazy("no change of the marking")),
                *((tlp.label, tlp.label) for tlp in Tlp),
            ],
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

    def clean(self) -> dict[str, Any] | None:
        """Whether something is changed: a form that was left as it was closes no clause."""
        if not self.errors:
            try:
                check_narrowings(self._document, self._me, [self.narrowing])
                check_meant(self._document, self.narrowing, "", closes=self.cleaned_data["closes"])
            except DocumentRefused as refused:
                field = refused.place.removeprefix("/narrows/0/").partition("/")[0]
                self.add_error(field if field in self.fields else None, refused.message)
        return self.cleaned_data

    @property
    def narrowing(self) -> Narrowing:
        """What is to be declared; only of fields that are each valid."""
        found = self.cleaned_data
        return Narrowing(
            clause=found["clause"],
            direction=found["direction"],
            tlp_max=Tlp.parse(found["tlp_max"]) if found["tlp_max"] else None,
            without=tuple(found["without"]),
        )
