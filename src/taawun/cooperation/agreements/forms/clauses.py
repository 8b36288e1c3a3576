"""The editor's fields for one clause."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import (
    ANY,
    KIND,
    MAX_DAYS,
    MAX_PURPOSE,
    REF,
    TOPIC,
    Clause,
    Document,
    Onward,
)
from taawun.cooperation.agreements.forms.terms import InLanguages, check_fit, filled_in
from taawun.cooperation.agreements.kinds import ROOMS_TO_COME, KindWords
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.foundation.strict_json import JsonRefused, parse
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.forms import western

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = ["ClauseForm"]

_ADDRESS: Final = re.compile(r"https?://[a-z0-9.\-\[\]:]+/?")
_PAIR: Final = 2


class ClauseForm(InLanguages):
    """One clause."""

    def __init__(
        self,
        *args: Any,
        base: Document,
        clause: Clause | None = None,
        languages: Sequence[str] = LANGUAGES,
        **kwargs: Any,
    ) -> None:
        self.base = base
        if clause is not None:
            kwargs.setdefault("initial", self.filled(clause))
        super().__init__(*args, languages=languages, **kwargs)
        self.fields["ref"] = forms.CharField(
            label=_("Number"),
            max_length=40,
            widget=forms.TextInput(attrs={"dir": "ltr"}),
            help_text=_("As people cite it, for example 2.1."),
        )
        self.add_text("title", _("What it is about"))
        self._add_flow()
        self._add_limits()

    def _add_flow(self) -> None:
        if self.is_between_two:
            self.fields["direction"] = forms.ChoiceField(
                label=_("From whom to whom"),
                choices=_directions(self.base, str(self.initial.get("direction", ""))),
            )
        else:
            self._add_side("senders", _("Who may send"))
            self._add_side("receivers", _("Who may receive"))
        self.fields["kinds"] = forms.MultipleChoiceField(
            label=_("What may flow"),
            choices=_kind_choices(),
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )
        self.fields["other_kinds"] = forms.CharField(
            label=_("Other kinds"),
            required=False,
            max_length=2000,
            widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
            help_text=_("Names of kinds, separated by spaces, for example learning.course or drills.*"),
        )
        self.fields["topics"] = forms.CharField(
            label=_("Only about these topics"),
            required=False,
            max_length=20_000,
            widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
            help_text=_("Terms like attack:T1566, separated by spaces. Leave it empty for all."),
        )
        self.fields["tlp_max"] = forms.ChoiceField(
            label=_("Up to this marking"), choices=[(each.label, each.label) for each in Tlp]
        )

    def _add_side(self, name: str, label: _StrOrPromise) -> None:
        self.fields[name] = forms.MultipleChoiceField(
            label=label,
            choices=[(ANY, _("every party")), *_names(self.base).items()],
            widget=forms.CheckboxSelectMultiple,
            error_messages={"required": _("Tick “every party”, or at least one of them.")},
        )

    def _add_limits(self) -> None:
        self.fields["onward"] = forms.ChoiceField(
            label=_("May the receiver share it onward?"),
            choices=[
                ("none", _("no")),
                ("named", _("with the nodes named below")),
                ("parties", _("with the parties of this agreement")),
                ("public", _("with anybody")),
            ],
        )
        self.fields["named"] = forms.CharField(
            label=_("Nodes it may be shared with"),
            required=False,
            max_length=20_000,
            widget=forms.Textarea(attrs={"dir": "ltr", "rows": 2, "spellcheck": "false"}),
            help_text=_("Addresses, one a line, for example https://cert.example. Only for named nodes."),
        )
        self.fields["retention_days"] = forms.IntegerField(
            label=_("Days the receiver keeps it"),
            required=False,
            min_value=1,
            max_value=MAX_DAYS,
            help_text=_("Leave it empty for no limit."),
        )
        self.fields["on_termination"] = forms.ChoiceField(
            label=_("When the agreement ends"),
            choices=[
                ("delete", _("the receiver deletes it")),
                ("keep", _("the receiver may keep it")),
            ],
        )
        self.fields["history"] = forms.ChoiceField(
            label=_("A party that joins later may read"),
            choices=[
                ("from-accession", _("what is sent after it joined")),
                ("all", _("everything sent before, too")),
            ],
        )
        self.fields["purpose"] = forms.CharField(
            label=_("Purposes"),
            required=False,
            max_length=20_000,
            widget=forms.Textarea(attrs={"rows": 2}),
            help_text=_("One a line. They are shown to people, not enforced by the nodes."),
        )
        self.fields["recognises"] = forms.CharField(
            required=False, max_length=200_000, widget=forms.HiddenInput
        )

    @property
    def is_between_two(self) -> bool:
        """Whether the agreement has two parties: who sends to whom is then one choice of few."""
        return len(self.base.parties) == _PAIR

    @staticmethod
    def filled(clause: Clause) -> dict[str, Any]:
        """The fields as a clause fills them."""
        known = {value for value, _label in _kind_choices()}
        return {
            **filled_in("title", clause.title),
            "ref": clause.ref,
            "direction": _side_value(clause.senders, clause.receivers),
            "senders": list(clause.senders),
            "receivers": list(clause.receivers),
            "kinds": [kind for kind in clause.kinds if kind in known],
            "other_kinds": " ".join(kind for kind in clause.kinds if kind not in known),
            "topics": " ".join(clause.topics),
            "tlp_max": clause.tlp_max.label,
            "onward": clause.onward.rule,
            "named": "\n".join(clause.onward.named),
            "retention_days": clause.retention_days,
            "on_termination": clause.on_termination,
            "history": clause.history,
            "purpose": "\n".join(_purpose_line(each) for each in clause.purpose),
            "recognises": json.dumps([dict(each) for each in clause.recognises]) if clause.recognises else "",
        }

    # ---- what was written -----------------------------------------------------------------------------------
    def clean_ref(self) -> str:
        """A number that can be cited and compared."""
        # an Arabic keyboard writes other digits; the document holds one spelling of a number
        ref = western(self.cleaned_data["ref"].strip())
        if not REF.fullmatch(ref):
            raise ValidationError(_("Use letters, digits, dots, dashes or underscores, for example 2.1."))
        return ref

    def clean_senders(self) -> list[str]:
        """Every party, or some of them."""
        return self._side("senders")

    def clean_receivers(self) -> list[str]:
        """Every party, or some of them."""
        return self._side("receivers")

    def _side(self, name: str) -> list[str]:
        found: list[str] = self.cleaned_data[name]
        if ANY in found and len(found) > 1:
            raise ValidationError(
                _("“Every party” means all of them already. Tick it alone, or only the parties you mean.")
            )
        return found

    def clean_other_kinds(self) -> list[str]:
        """Names of kinds, each once."""
        return _terms(
            self.cleaned_data["other_kinds"],
            KIND,
            _("“%(term)s” is no kind; write one like learning.course."),
        )

    def clean_topics(self) -> list[str]:
        """Terms of vocabularies, each once."""
        return _terms(
            self.cleaned_data["topics"], TOPIC, _("“%(term)s” is no topic; write one like attack:T1566.")
        )

    def clean_named(self) -> list[str]:
        """Base addresses, each once."""
        given = self.cleaned_data["named"].lower()
        found = _terms(
            given, _ADDRESS, _("“%(term)s” is no address of a node; write one like https://cert.example.")
        )
        return [address.rstrip("/") for address in found]

    def clean_purpose(self) -> list[Text | str]:
        """A purpose a line; one that was not touched keeps its other languages."""
        lines = [" ".join(line.split()) for line in self.cleaned_data["purpose"].splitlines()]
        purposes = list(dict.fromkeys(line for line in lines if line))
        held = [each for clause in self.base.clauses for each in clause.purpose if isinstance(each, Text)]
        known = {" ".join(words.split()): each for each in held for words in each.by_language.values()}
        if any(len(purpose) > MAX_PURPOSE and purpose not in known for purpose in purposes):
            raise ValidationError(
                _("A purpose has at most %(most)s characters.") % {"most": formats.number(MAX_PURPOSE)}
            )
        for purpose in purposes:
            check_fit(purpose)
        return list(dict.fromkeys(known.get(purpose, purpose) for purpose in purposes))

    def clean_recognises(self) -> list[dict[str, Any]]:
        """What the form carried along, unchanged."""
        carried = self.cleaned_data["recognises"]
        try:
            found = parse(carried.encode()) if carried else []
        except JsonRefused:
            found = None
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise ValidationError(
                _("What this clause recognises was changed on the way. Load the page again.")
            )
        return found

    def clean(self) -> dict[str, Any]:
        """Something must be able to flow, and named nodes need names."""
        found = super().clean() or {}
        self.require_text(found, "title")
        if not found.get("kinds") and not found.get("other_kinds") and "other_kinds" not in self.errors:
            self.add_error("kinds", _("Choose what may flow; without a kind nothing ever could."))
        if found.get("onward") == "named" and not found.get("named") and "named" not in self.errors:
            self.add_error("named", _("Name the nodes, or choose another answer above."))
        return found

    def clause(self) -> Clause:
        """The clause as it was written; only of a valid form."""
        found = self.cleaned_data
        if self.is_between_two:
            senders, receivers = (side.split(",") for side in found["direction"].split(">"))
        else:
            senders, receivers = found["senders"], found["receivers"]
        named = tuple(found["named"]) if found["onward"] == "named" else ()
        return Clause(
            ref=found["ref"],
            title=self.text(found, "title") or Text.of(en=found["ref"]),
            senders=tuple(senders),
            receivers=tuple(receivers),
            kinds=tuple(dict.fromkeys([*found["kinds"], *found["other_kinds"]])),
            topics=tuple(found["topics"]),
            tlp_max=Tlp.parse(found["tlp_max"]),
            purpose=tuple(found["purpose"]),
            onward=Onward(found["onward"], named),
            history=found["history"],
            retention_days=found["retention_days"],
            on_termination=found["on_termination"],
            recognises=tuple(found["recognises"]),
        )


def _purpose_line(purpose: Text | str) -> str:
    """A purpose as the reader edits it."""
    if isinstance(purpose, str):
        return purpose
    return " ".join(called(purpose).split())


def _terms(given: str, pattern: re.Pattern[str], complaint: str) -> list[str]:
    found = list(dict.fromkeys(given.replace(",", " ").replace("،", " ").split()))
    for term in found:
        if not pattern.fullmatch(term):
            raise ValidationError(complaint % {"term": term[:60]})
    return found


def _side_value(senders: Sequence[str], receivers: Sequence[str]) -> str:
    return f"{','.join(senders)}>{','.join(receivers)}"


def _names(base: Document) -> dict[str, str]:
    """The parties by their short names, in the reader's language."""
    return {party.ref: called(party.organisation) for party in base.parties}


def _directions(base: Document, present: str) -> list[tuple[str, str]]:
    """Who may send to whom between two: both, one to the other, and what the clause has now."""
    names = _names(base)
    one, other = names
    between = [(f"{ANY}>{ANY}", _("both ways"))]
    between += [(f"{a}>{b}", _arrow(names[a], names[b])) for a, b in ((one, other), (other, one))]
    senders, _gt, receivers = present.partition(">")
    named = {*senders.split(","), *receivers.split(",")}
    if present not in {value for value, _label in between} and named <= {*names, ANY}:
        between.append(
            (present, _arrow(*(formats.listed(_called(side, names)) for side in (senders, receivers))))
        )
    return between


def _called(side: str, names: dict[str, str]) -> list[str]:
    return [_("any party") if ref == ANY else names.get(ref, ref) for ref in side.split(",")]


def _arrow(sender: str, receiver: str) -> str:
    return _("from %(sender)s to %(receiver)s") % {"sender": sender, "receiver": receiver}


def _kind_choices() -> list[tuple[str, _StrOrPromise]]:
    choices: list[tuple[str, _StrOrPromise]] = []
    known = registry.all(KindWords)
    for capability in registry.capabilities():
        own = [kind for kind in known if kind.name.partition(".")[0] == capability.name]
        choices += [(kind.name, kind.plural) for kind in own]
        if own:
            every = _("everything under “%(room)s”") % {"room": capability.label}
            choices.append((f"{capability.name}.*", every))
    # rooms that agreements may speak of before this node has them
    choices += [(kind.name, kind.plural) for kind in ROOMS_TO_COME]
    return [*choices, ("*", _("everything, of any kind"))]
