"""What is asked for to name one more party in a draft: a guest, or the node of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import ANY, REF, Document, Party
from taawun.cooperation.agreements.forms.drafting import label_of, possible_partners
from taawun.cooperation.agreements.forms.terms import InLanguages
from taawun.foundation.multilingual import LANGUAGES
from taawun.foundation.nations import is_code
from taawun.platform.web.forms import western

if TYPE_CHECKING:
    from taawun.cooperation.partners.models import Partner

__all__ = ["GuestForm", "NodeForm"]


class GuestForm(InLanguages):
    """A guest: a party without a node, for which a node party speaks.

    Args:
        document: the draft in which it is named.
    """

    prefix = "guest"

    def __init__(self, *args: Any, document: Document, **kwargs: Any) -> None:  # what Django passes
        self._document = document
        super().__init__(*args, languages=LANGUAGES, **kwargs)
        self.add_text("name", _("Name"))
        self.fields["ref"] = _ref_field(
            _("By which clauses name it, for example uni. No other party has it.")
        )
        self.fields["nation"] = forms.CharField(
            label=_("Code of the nation"),
            required=False,
            max_length=2,
            widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
            help_text=_("Two capital letters of ISO 3166-1, as in MY. Leave it empty for an organisation."),
        )
        language = get_language() or "en"
        self.fields["host"] = forms.ChoiceField(
            label=_("Its host"),
            choices=[
                (party.ref, party.organisation.in_language(language).value)
                for party in document.parties
                if party.kind == "node"
            ],
            help_text=_("The party that signs for it, sends what it gives, and serves what is given to it."),
        )

    def clean_ref(self) -> str:
        """A short name that no other party has."""
        return _free_ref(self.cleaned_data["ref"], self._document)

    def clean_nation(self) -> str:
        """The letters of a nation, or none."""
        code = self.cleaned_data["nation"].strip().upper()
        if code and not is_code(code):
            raise forms.ValidationError(
                _("This is no nation’s code. Write its two letters, or leave it empty.")
            )
        return str(code)

    def clean(self) -> dict[str, Any]:
        """A name there must be."""
        found = super().clean() or {}
        self.require_text(found, "name")
        return found

    def party(self) -> Party:
        """The guest as it was named; only of a valid form."""
        found = self.cleaned_data
        name = self.text(found, "name")
        if name is None:
            raise ValueError("a form without a name is not valid")
        return Party(
            ref=found["ref"],
            kind="guest",
            node="",
            host=found["host"],
            nation=found["nation"],
            organisation=name,
            kid="",
        )


class NodeForm(forms.Form):
    """The node of a partner that is no party yet.

    Args:
        document: the draft in which it is named.
    """

    prefix = "node"

    def __init__(self, *args: Any, document: Document, **kwargs: Any) -> None:  # what Django passes
        self._document = document
        super().__init__(*args, **kwargs)
        named = [party.node for party in document.parties if party.kind == "node"]
        self._possible = {str(each.id): each for each in possible_partners().exclude(node__in=named)}
        self.fields["partner"] = forms.ChoiceField(
            label=_("Partner"),
            choices=[("", _("choose…")), *((key, label_of(each)) for key, each in self._possible.items())],
        )
        self.fields["ref"] = _ref_field(
            _("By which clauses name it. Leave it empty for its nation’s letters."), required=False
        )

    @property
    def is_possible(self) -> bool:
        """Whether there is a partner that is no party yet."""
        return bool(self._possible)

    def clean_ref(self) -> str:
        """A short name that no other party has, or none."""
        typed = self.cleaned_data["ref"]
        return _free_ref(typed, self._document) if typed.strip() else ""

    def party(self) -> Party:
        """The partner as a party; only of a valid form."""
        partner = self._possible[self.cleaned_data["partner"]]
        return Party(
            ref=self.cleaned_data["ref"] or _ref_of(partner, self._document),
            kind="node",
            node=partner.node,
            host="",
            nation=partner.nation,
            organisation=partner.name,
            kid=partner.kid,
        )


def _ref_field(help_text: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=_("Short name"),
        required=required,
        max_length=40,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
        help_text=help_text,
    )


def _free_ref(typed: str, document: Document) -> str:
    # an Arabic keyboard writes other digits; the document holds one spelling of a name
    ref = western(typed.strip())
    if not REF.fullmatch(ref):
        raise forms.ValidationError(
            _("Use Latin letters, digits, dots and hyphens, and begin with a letter or digit.")
        )
    if ref == ANY or document.party(ref):
        raise forms.ValidationError(_("Another party has this short name. Choose another one."))
    return ref


def _ref_of(partner: Partner, document: Document) -> str:
    """The nation's letters, with a number where another party has them or there are none."""
    if partner.nation and not document.party(partner.nation):
        return partner.nation
    stem = partner.nation or "P"
    numbers = range(len(document.parties) + 1, 2 * len(document.parties) + 2)
    return next(ref for number in numbers if not document.party(ref := f"{stem}-{number}"))
