"""What an invitation to accede asks for on a page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import ANY, REF, Part, Party
from taawun.cooperation.agreements.forms.days import Day, first_instant_after
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from taawun.cooperation.agreements.document import Clause, Document

__all__ = ["InvitationForm"]


class InvitationForm(forms.Form):
    """Whom, as what, to which clauses, and until when.

    Args:
        document: what it is invited to.
        open_days: for how long an invitation is open where nobody says otherwise.
    """

    def __init__(self, *args: Any, document: Document, open_days: int, **kwargs: Any) -> None:  # Django's
        super().__init__(*args, **kwargs)
        self._document = document
        self._guests = {str(each.id): each for each in _possible(document)}
        language = get_language() or "en"
        self.fields["partner"] = forms.ChoiceField(
            label=_("Partner"),
            choices=[
                (key, each.name.in_language(language).value + (f" ({each.nation})" if each.nation else ""))
                for key, each in self._guests.items()
            ],
            help_text=_("Nodes whose fingerprint was compared and that are no party yet."),
        )
        self.fields["ref"] = forms.RegexField(
            rf"\A{REF.pattern}\Z",
            label=_("Short name"),
            max_length=40,
            widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
            help_text=_("By which clauses and declarations name it, for example xs. No other party has it."),
            error_messages={
                "invalid": _("Use Latin letters, digits, dots and hyphens, and begin with a letter or digit.")
            },
        )
        offered = list(_offered(document, language))
        self._all_parts = frozenset(value for value, _label in offered)
        self.fields["parts"] = forms.MultipleChoiceField(
            label=_("Takes part in"),
            choices=offered,
            initial=[value for value, _label in offered],
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Only clauses that speak of any party can be joined; the others name theirs."),
            error_messages={"required": _("Choose at least one clause.")},
        )
        self.fields["ratifies"] = forms.BooleanField(
            label=_("It ratifies: its accession binds it only once it has"), required=False
        )
        self.fields["last_day"] = Day(
            label=_("Can be answered until"),
            required=False,
            initial=(now() + timedelta(days=open_days)).date(),
        )
        self.fields["note"] = forms.CharField(
            label=_("A word to it and to the other parties"),
            required=False,
            max_length=4000,
            widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        )

    @property
    def is_possible(self) -> bool:
        """Whether there is somebody to invite."""
        return bool(self._guests)

    def clean_ref(self) -> str:
        """No other party has it."""
        ref = str(self.cleaned_data["ref"])
        if ref == ANY or self._document.party(ref):
            raise forms.ValidationError(_("Another party has this short name. Choose another one."))
        return ref

    def clean_last_day(self) -> date | None:
        """It can be answered still."""
        last: date | None = self.cleaned_data["last_day"]
        if last is not None and first_instant_after(last) <= now():
            raise forms.ValidationError(_("This day is over. Choose a later one."))
        return last

    # ---- what was asked for -----------------------------------------------------------------------------------
    def partner(self) -> Partner:
        """Whom; only after :meth:`is_valid` said yes, as the others."""
        return self._guests[self.cleaned_data["partner"]]

    def party(self) -> Party:
        """As what; address and key are the partner's."""
        guest = self.partner()
        return Party(
            ref=self.cleaned_data["ref"],
            kind="node",
            node="",
            host="",
            nation=guest.nation,
            organisation=guest.name,
            kid="",
            ratifies=self.cleaned_data["ratifies"],
        )

    def parts(self) -> list[Part] | None:
        """To which clauses; None for all that can be joined."""
        chosen = frozenset(self.cleaned_data["parts"])
        if chosen == self._all_parts:
            return None
        found: dict[str, list[str]] = {}
        for clause in self._document.clauses:
            for direction in ("gives", "takes"):
                if f"{clause.ref} {direction}" in chosen:
                    found.setdefault(clause.ref, []).append(direction)
        return [Part(ref, tuple(directions)) for ref, directions in found.items()]

    def until(self) -> datetime | None:
        """Until when it can be answered; None where nobody said."""
        last = self.cleaned_data["last_day"]
        return first_instant_after(last) if last else None


def _possible(document: Document) -> list[Partner]:
    nodes = [party.node for party in document.parties if party.kind == "node"]
    compared = Partner.objects.filter(state=Partner.State.VERIFIED).exclude(node__in=nodes)
    return list(compared.order_by("nation", "node"))


def _offered(document: Document, language: str) -> Iterator[tuple[str, str]]:
    for clause in document.clauses:
        if ANY in clause.senders:
            yield f"{clause.ref} gives", _("%(clause)s: gives") % {"clause": _name_of(clause, language)}
        if ANY in clause.receivers:
            yield f"{clause.ref} takes", _("%(clause)s: takes") % {"clause": _name_of(clause, language)}


def _name_of(clause: Clause, language: str) -> str:
    return f"{formats.digits(clause.ref)} {clause.title.in_language(language).value}"
