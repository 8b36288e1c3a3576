"""The editor's fields for everything of an agreement besides its clauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import MAX_DAYS, Document
from taawun.cooperation.agreements.forms.days import Day, check_order, first_instant, first_instant_after
from taawun.cooperation.agreements.presenting.terms import last_day
from taawun.foundation.multilingual import LANGUAGES, MAX_CHARACTERS, Prose, Text, is_fit
from taawun.platform.web import formats

if TYPE_CHECKING:
    from django.forms import BoundField
    from django.utils.functional import _StrOrPromise

__all__ = ["InLanguages", "TermsForm", "check_fit", "filled_in"]


def check_fit(words: str) -> None:
    """Complain of characters that turn the direction of a text."""
    if not is_fit(words):
        raise ValidationError(
            _("This holds a control character, or one that turns the direction of text. Remove it.")
        )


class InLanguages(forms.Form):
    """A form with texts that are written in several languages, a field for each."""

    def __init__(self, *args: Any, languages: Sequence[str], **kwargs: Any) -> None:  # what Django passes
        self.languages = tuple(languages)
        super().__init__(*args, **kwargs)

    def add_text(
        self,
        name: str,
        label: _StrOrPromise,
        *,
        rows: int = 0,
        required: bool = True,
        longest: int = MAX_CHARACTERS,
    ) -> None:
        """One field a language; where the text is required, one of them must be filled."""
        for language in self.languages:
            attrs = {"lang": language, "dir": "auto"}
            widget = forms.Textarea(attrs={**attrs, "rows": rows}) if rows else forms.TextInput(attrs=attrs)
            self.fields[f"{name}_{language}"] = forms.CharField(
                label=_("%(field)s (%(language)s)") % {"field": label, "language": _language(language)},
                required=False,
                max_length=longest,
                validators=[_check_lines if rows else check_fit],
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


def filled_in(name: str, text: Text | None) -> dict[str, str]:
    """The fields of a text as it fills them."""
    return {f"{name}_{language}": words for language, words in (text.by_language if text else {}).items()}


class TermsForm(InLanguages):
    """Everything of an agreement besides its clauses that can be edited here."""

    def __init__(
        self, *args: Any, base: Document, languages: Sequence[str] = LANGUAGES, **kwargs: Any
    ) -> None:
        self.base = base
        kwargs.setdefault("initial", self.filled(base))
        super().__init__(*args, languages=languages, **kwargs)
        self.add_text("title", _("Title"))
        self.fields["valid_from"] = Day(label=_("In force from"), help_text=_hijri(base.valid_from))
        self.fields["last_day"] = Day(
            label=_("Last day"), required=False, help_text=_("Leave it empty for no end.")
        )
        self.fields["notice_days"] = forms.IntegerField(
            label=_("Days of notice before a termination takes effect"), min_value=0, max_value=MAX_DAYS
        )
        self.fields["authentic"] = forms.MultipleChoiceField(
            label=_("Authentic languages"),
            choices=[(each, _language(each)) for each in _authentic_choices(base, self.languages)],
            widget=forms.CheckboxSelectMultiple,
            help_text=_("The text is equally valid in each of them."),
            error_messages={"required": _("Choose at least one language.")},
        )
        self.fields["prevailing"] = forms.ChoiceField(
            label=_("Prevailing language"),
            choices=[("", _("none: all are of equal weight"))]
            + [(each, _language(each)) for each in _authentic_choices(base, self.languages)],
            required=False,
            help_text=_("It decides where the texts differ."),
        )
        self.add_text("preamble", _("Preamble"), rows=9, required=False, longest=Prose.longest)
        for bound in self.preamble_fields:
            bound.field.help_text = _("The principles you agree upon. A new line begins a new paragraph.")

    @property
    def preamble_fields(self) -> list[BoundField]:
        """The fields of the preamble, one a language."""
        return self.fields_of("preamble")

    @staticmethod
    def filled(base: Document) -> dict[str, Any]:
        """The fields as a document fills them."""
        end = base.valid_until
        return {
            **filled_in("title", base.title),
            **filled_in("preamble", base.preamble),
            "authentic": list(base.authentic_languages),
            "prevailing": base.prevailing,
            "valid_from": base.valid_from.astimezone(UTC).date(),
            "last_day": last_day(end).date() if end else None,
            "notice_days": base.notice_days,
        }

    def clean(self) -> dict[str, Any]:
        """A title there must be, and the last day is not before the first."""
        found = super().clean() or {}
        self.require_text(found, "title")
        check_order(self, found)
        prevailing = found.get("prevailing")
        if prevailing and "authentic" in found and prevailing not in found["authentic"]:
            self.add_error("prevailing", _("Choose one of the authentic languages, or none."))
        return found

    def _preamble(self, found: dict[str, Any]) -> Prose | None:
        """The preamble as it was written, its paragraphs a line each; untouched it stays byte for byte."""
        written = {each: Prose.paragraphs(found.get(f"preamble_{each}", "")) for each in self.languages}
        held = self.base.preamble.by_language if self.base.preamble else {}
        filled = {
            each: held[each] if Prose.paragraphs(held.get(each, "")) == lines else "\n".join(lines)
            for each, lines in written.items()
            if lines
        }
        return Prose(filled) if filled else None

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
            preamble=self._preamble(found),
            authentic_languages=tuple(found["authentic"]),
            prevailing=found["prevailing"],
            valid_from=self.base.valid_from if begin == before["valid_from"] else first_instant(begin),
            valid_until=until,
            notice_days=found["notice_days"],
        )


def _language(tag: str) -> str:
    return str(formats.reader_locale().languages.get(tag.partition("-")[0], tag))


def _authentic_choices(base: Document, languages: Sequence[str]) -> list[str]:
    """The languages a text may be authentic in: those of the editor, and whichever it is authentic in already."""
    return list(dict.fromkeys([*languages, *base.authentic_languages]))


def _check_lines(words: str) -> None:
    # a browser sends the end of a line as two characters, the first of which is no part of any text
    check_fit(words.replace("\r\n", "\n"))


def _hijri(at: datetime) -> str:
    return formats.hijri_day(at.astimezone(UTC).date())
