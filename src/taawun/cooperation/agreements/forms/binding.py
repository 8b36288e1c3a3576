"""The editor's fields for who is bound by an agreement, from when on, and whether others may join it later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.agreements.document import MAX_PARTIES, Document
from taawun.platform.web import formats
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.document import Party

__all__ = ["BindingForm"]

# it takes two to agree
_LEAST: Final = 2


class BindingForm(forms.Form):
    """Accession, entry into force, the least number of parties, and who ratifies.

    Args:
        base: the document that is edited.
    """

    def __init__(self, *args: Any, base: Document, **kwargs: Any) -> None:  # what Django passes
        self.base = base
        self._signing = [party for party in base.parties if party.kind == "node"]
        kwargs.setdefault("initial", self.filled(base))
        super().__init__(*args, **kwargs)
        self._add_begin()
        self.fields["min_signatories"] = forms.IntegerField(
            label=_("Parties it needs at least"),
            min_value=_LEAST,
            max_value=MAX_PARTIES,
            help_text=_("With fewer parties bound it does not enter into force; when fewer remain, it ends."),
        )
        self.fields["ratifies"] = forms.MultipleChoiceField(
            label=_("Parties that ratify"),
            choices=[(party.ref, _name_of(party)) for party in self._signing],
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Their signature binds them only once two of their officers have ratified it too."),
        )
        self.fields["accession"] = forms.ChoiceField(
            label=_("May others join later?"),
            choices=[
                ("closed", _("no: it stays among the parties it names")),
                ("by-invitation", _("yes: by accession, whom the depositary invites")),
            ],
            help_text=_("What a newcomer may read of what was sent before, each clause says for itself."),
        )

    def _add_begin(self) -> None:
        self.fields["begins"] = forms.ChoiceField(
            label=_("Enters into force"),
            choices=[
                ("all", _("once all its parties are bound")),
                ("some", _("once the number of parties beside it is bound")),
                ("date", _("on its first day, with the least number of parties")),
            ],
            help_text=_("Never before its first day, and never without the depositary."),
        )
        self.fields["begins_with"] = forms.IntegerField(
            label=_("Number of parties"),
            required=False,
            min_value=_LEAST,
            max_value=MAX_PARTIES,
            help_text=_("Only where a number is to decide. Others may be bound later."),
        )

    @property
    def is_unusual(self) -> bool:
        """Whether something here is other than an agreement of few has it, or wrong: what one must see."""
        if self.is_bound and self.errors:
            return True
        usual = (("begins", "all"), ("min_signatories", str(_LEAST)), ("accession", "closed"))
        return bool(self["ratifies"].value()) or any(str(self[name].value()) != held for name, held in usual)

    @staticmethod
    def filled(base: Document) -> dict[str, Any]:
        """The fields as a document fills them."""
        begins = base.entry_into_force
        return {
            "begins": "some" if isinstance(begins, int) else begins,
            "begins_with": begins if isinstance(begins, int) else None,
            "min_signatories": base.min_signatories,
            "ratifies": [party.ref for party in base.parties if party.ratifies],
            "accession": base.accession,
        }

    def clean(self) -> dict[str, Any]:
        """The numbers fit the parties and each other; what stood there already is left as it is."""
        found = super().clean() or {}
        least, needed = found.get("min_signatories"), found.get("begins_with")
        self._check_count("min_signatories", least)
        if found.get("begins") != "some":
            return found
        if needed is None and "begins_with" not in self.errors:
            self.add_error("begins_with", _("Say how many parties must be bound."))
        self._check_count("begins_with", needed)
        if needed and least and needed < least and self._is_changed(found):
            self.add_error(
                "begins_with",
                _("It needs at least %(least)s parties, as you say here. Choose that many or more.")
                % {"least": formats.number(least)},
            )
        return found

    def _check_count(self, name: str, count: int | None) -> None:
        """More parties than sign it can never be bound."""
        most = len(self._signing)
        if count is None or count <= most or count == self.filled(self.base)[name]:
            return
        sentence = ngettext(
            "Only %(most)s party can sign this agreement. Choose no more.",
            "Only %(most)s parties can sign this agreement. Choose no more.",
            most,
        )
        self.add_error(name, sentence % {"most": formats.number(most)})

    def _is_changed(self, found: dict[str, Any]) -> bool:
        before = self.filled(self.base)
        return any(found.get(name) != before[name] for name in ("begins", "begins_with", "min_signatories"))

    def apply(self, document: Document) -> Document:
        """A document with what was chosen here."""
        found = self.cleaned_data
        begins = found["begins"]
        return replace(
            document,
            parties=_ratifying(document.parties, frozenset(found["ratifies"])),
            accession=found["accession"],
            min_signatories=found["min_signatories"],
            entry_into_force=found["begins_with"] if begins == "some" else begins,
        )


def _ratifying(parties: Sequence[Party], refs: frozenset[str]) -> tuple[Party, ...]:
    return tuple(replace(each, ratifies=each.ref in refs) for each in parties)


def _name_of(party: Party) -> str:
    return called(party.organisation)
