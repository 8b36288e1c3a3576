"""What the pages of agreements ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import ANY, MAX_DAYS, MAX_PURPOSE, Clause, Document, Onward
from taawun.cooperation.agreements.drafting import TEMPLATES
from taawun.cooperation.agreements.kinds import KindWords
from taawun.cooperation.agreements.presenting.terms import last_day
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now
from taawun.foundation.multilingual import LANGUAGES, MAX_CHARACTERS, Text, is_fit
from taawun.foundation.strict_json import JsonRefused, parse
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.forms import western

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.forms import BoundField
    from django.utils.functional import _StrOrPromise

__all__ = [
    "AgreementFilters",
    "ClauseForm",
    "CompareForm",
    "NewForm",
    "NoteForm",
    "TermsForm",
    "first_instant",
    "first_instant_after",
]

_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_KIND: Final = re.compile(r"\*|[a-z][a-z0-9-]*\.(\*|[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*)")
_TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9-]*:\S{1,120}")
_ADDRESS: Final = re.compile(r"https?://[a-z0-9.\-\[\]:]+/?")
_PAIR: Final = 2


def _check_fit(words: str) -> None:
    if not is_fit(words):
        raise ValidationError(
            _("This holds a control character, or one that turns the direction of text. Remove it.")
        )


def first_instant(of: date) -> datetime:
    """The first instant of a day in UTC: when something that begins on that day begins."""
    return datetime.combine(of, time(), UTC)


def first_instant_after(of: date) -> datetime:
    """The first instant after a day in UTC: when something whose last day this is ends."""
    return first_instant(of + timedelta(days=1))


class _Day(forms.DateField):
    """A day; the browser shows its calendar."""

    def __init__(self, **kwargs: Any) -> None:  # what Django's field takes
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **kwargs)


# ---- lists ------------------------------------------------------------------------------------------------------
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


# ---- a new one --------------------------------------------------------------------------------------------------
if TYPE_CHECKING:
    _Choice = forms.ModelChoiceField[Partner]
else:
    _Choice = forms.ModelChoiceField  # Django's own takes its model only in the stubs


class _PartnerField(_Choice):
    """Chooses a partner by its name in the reader's language."""

    def label_from_instance(self, obj: Partner) -> str:
        """Its name, its nation's letters, and whether it is compared."""
        name = obj.name.in_language(get_language() or "en").value
        shown = f"{name} ({obj.nation})" if obj.nation else name
        if obj.state == Partner.State.VERIFIED:
            return shown
        return _("%(name)s, not yet compared") % {"name": shown}


def _possible_partners() -> QuerySet[Partner]:
    met = Partner.objects.filter(state__in=(Partner.State.MET, Partner.State.VERIFIED))
    return met.exclude(kid="").order_by("nation", "node")


class NewForm(forms.Form):
    """With whom, from which template, from when until when."""

    partner = _PartnerField(
        label=gettext_lazy("Partner"),
        empty_label=gettext_lazy("Choose one"),
        queryset=Partner.objects.none(),
        help_text=gettext_lazy(
            "You can draft and negotiate before its fingerprint is compared, but not sign."
        ),
    )
    template = forms.ChoiceField(
        label=gettext_lazy("Template"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "A start, not a standard form: every word can be changed before it is proposed."
        ),
    )
    valid_from = _Day(label=gettext_lazy("In force from"))
    last_day = _Day(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Leave it empty for no end.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # what Django passes
        super().__init__(*args, **kwargs)
        partner, template = self.fields["partner"], self.fields["template"]
        if isinstance(partner, forms.ModelChoiceField):
            partner.queryset = _possible_partners()
        if isinstance(template, forms.ChoiceField):
            template.choices = [
                (each.name, format_html("<b>{}</b><br>{}", each.label, each.purpose)) for each in TEMPLATES
            ]
        self.fields["valid_from"].initial = now().astimezone(UTC).date()
        self.fields["template"].initial = TEMPLATES[0].name

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        found = super().clean() or {}
        _check_order(self, found)
        return found


def _check_order(form: forms.Form, found: dict[str, Any]) -> None:
    begin, end = found.get("valid_from"), found.get("last_day")
    if begin and end and end < begin:
        form.add_error("last_day", _("The last day lies before the first. Choose a later one."))


# ---- editing ----------------------------------------------------------------------------------------------------
class _InLanguages(forms.Form):
    """A form with texts that are written in several languages, a field for each."""

    def __init__(self, *args: Any, languages: Sequence[str], **kwargs: Any) -> None:  # what Django passes
        self.languages = tuple(languages)
        super().__init__(*args, **kwargs)

    def add_text(self, name: str, label: _StrOrPromise, *, rows: int = 0, required: bool = True) -> None:
        """One field a language; where the text is required, one of them must be filled."""
        names = formats.reader_locale().languages
        for language in self.languages:
            attrs = {"lang": language, "dir": "auto"}
            widget = forms.Textarea(attrs={**attrs, "rows": rows}) if rows else forms.TextInput(attrs=attrs)
            self.fields[f"{name}_{language}"] = forms.CharField(
                label=_("%(field)s (%(language)s)")
                % {"field": label, "language": names.get(language.partition("-")[0], language)},
                required=False,
                max_length=MAX_CHARACTERS,
                validators=[_check_fit],
                widget=widget,
            )
        if required:
            self.fields[f"{name}_{self.languages[0]}"].help_text = _("At least one language.")

    def fields_of(self, name: str) -> list[BoundField]:
        """The fields of a text, one a language."""
        return [self[f"{name}_{language}"] for language in self.languages]

    @property
    def title_fields(self) -> list[BoundField]:
        """The fields of the title, one a language."""
        return self.fields_of("title")

    def text(self, found: dict[str, Any], name: str) -> Text | None:
        """What was written, or None where nothing was."""
        written = {each: found.get(f"{name}_{each}", "").strip() for each in self.languages}
        filled = {language: words for language, words in written.items() if words}
        return Text(filled) if filled else None

    def require_text(self, found: dict[str, Any], name: str) -> None:
        """Complain where a text is empty in every language."""
        names = [f"{name}_{each}" for each in self.languages]
        if not any(found.get(each) or each in self.errors for each in names):
            self.add_error(names[0], _("Write it in at least one language."))


def _filled_in(name: str, text: Text | None) -> dict[str, str]:
    return {f"{name}_{language}": words for language, words in (text.by_language if text else {}).items()}


class TermsForm(_InLanguages):
    """Everything of an agreement besides its clauses that can be edited here."""

    def __init__(
        self, *args: Any, base: Document, languages: Sequence[str] = LANGUAGES, **kwargs: Any
    ) -> None:
        self.base = base
        kwargs.setdefault("initial", self.filled(base))
        super().__init__(*args, languages=languages, **kwargs)
        self.add_text("title", _("Title"))
        self.fields["valid_from"] = _Day(label=_("In force from"), help_text=_hijri(base.valid_from))
        self.fields["last_day"] = _Day(
            label=_("Last day"), required=False, help_text=_("Leave it empty for no end.")
        )
        self.fields["notice_days"] = forms.IntegerField(
            label=_("Days of notice before a termination takes effect"), min_value=0, max_value=MAX_DAYS
        )
        self.add_text("preamble", _("Preamble"), rows=3, required=False)

    @property
    def preamble_fields(self) -> list[BoundField]:
        """The fields of the preamble, one a language."""
        return self.fields_of("preamble")

    @staticmethod
    def filled(base: Document) -> dict[str, Any]:
        """The fields as a document fills them."""
        end = base.valid_until
        return {
            **_filled_in("title", base.title),
            **_filled_in("preamble", base.preamble),
            "valid_from": base.valid_from.astimezone(UTC).date(),
            "last_day": last_day(end).date() if end else None,
            "notice_days": base.notice_days,
        }

    def clean(self) -> dict[str, Any]:
        """A title there must be, and the last day is not before the first."""
        found = super().clean() or {}
        self.require_text(found, "title")
        _check_order(self, found)
        return found

    def apply(self) -> Document:
        """The base with what was written. Instants whose day was not touched keep their time of day."""
        found, before = self.cleaned_data, self.filled(self.base)
        begin, end = found["valid_from"], found["last_day"]
        until = (
            self.base.valid_until if end == before["last_day"] else first_instant_after(end) if end else None
        )
        return replace(
            self.base,
            title=self.text(found, "title") or self.base.title,
            preamble=self.text(found, "preamble"),
            valid_from=self.base.valid_from if begin == before["valid_from"] else first_instant(begin),
            valid_until=until,
            notice_days=found["notice_days"],
        )


def _hijri(at: datetime) -> str:
    return formats.hijri_day(at.astimezone(UTC).date())


class ClauseForm(_InLanguages):
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
        sides = str(self.initial.get("direction", ""))
        self.fields["direction"] = forms.ChoiceField(
            label=_("From whom to whom"), choices=_directions(self.base, sides)
        )
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

    @staticmethod
    def filled(clause: Clause) -> dict[str, Any]:
        """The fields as a clause fills them."""
        known = {value for value, _label in _kind_choices()}
        return {
            **_filled_in("title", clause.title),
            "ref": clause.ref,
            "direction": _side_value(clause.senders, clause.receivers),
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
        if not _REF.fullmatch(ref):
            raise ValidationError(_("Use letters, digits, dots, dashes or underscores, for example 2.1."))
        return ref

    def clean_other_kinds(self) -> list[str]:
        """Names of kinds, each once."""
        return _terms(
            self.cleaned_data["other_kinds"],
            _KIND,
            _("“%(term)s” is no kind; write one like learning.course."),
        )

    def clean_topics(self) -> list[str]:
        """Terms of vocabularies, each once."""
        return _terms(
            self.cleaned_data["topics"], _TOPIC, _("“%(term)s” is no topic; write one like attack:T1566.")
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
            _check_fit(purpose)
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
        senders, _arrow, receivers = found["direction"].partition(">")
        named = tuple(found["named"]) if found["onward"] == "named" else ()
        return Clause(
            ref=found["ref"],
            title=self.text(found, "title") or Text.of(en=found["ref"]),
            senders=tuple(senders.split(",")),
            receivers=tuple(receivers.split(",")),
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
    return " ".join(purpose.in_language(get_language() or "en").value.split())


def _terms(given: str, pattern: re.Pattern[str], complaint: str) -> list[str]:
    found = list(dict.fromkeys(given.replace(",", " ").replace("،", " ").split()))
    for term in found:
        if not pattern.fullmatch(term):
            raise ValidationError(complaint % {"term": term[:60]})
    return found


def _side_value(senders: Sequence[str], receivers: Sequence[str]) -> str:
    return f"{','.join(senders)}>{','.join(receivers)}"


def _directions(base: Document, present: str) -> list[tuple[str, str]]:
    """Who may send to whom: every direction between two parties, and what the clause has now."""
    names = {
        party.ref: party.organisation.in_language(get_language() or "en").value for party in base.parties
    }
    between = [(f"{ANY}>{ANY}", _("both ways") if len(names) == _PAIR else _("every party to every other"))]
    if len(names) == _PAIR:
        one, other = names
        between += [(f"{a}>{b}", _arrow(names[a], names[b])) for a, b in ((one, other), (other, one))]
    else:
        between += [(f"{ref}>{ANY}", _arrow(name, _("every other party"))) for ref, name in names.items()]
        between += [(f"{ANY}>{ref}", _arrow(_("every other party"), name)) for ref, name in names.items()]
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
    return [*choices, ("*", _("everything, of any kind"))]


# ---- steps ------------------------------------------------------------------------------------------------------
class NoteForm(forms.Form):
    """Why; the other parties read it."""

    note = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("It is signed and sent to the other parties."),
    )
