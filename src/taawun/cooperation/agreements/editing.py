"""The editor of a draft: a document taken apart into forms, and put together again.

It works without JavaScript: adding, removing and moving a clause are submit buttons, and what was typed stays
in the form until it is saved.

A long text is edited a part at a time. What the form does not hold stays in the text as it is, so the form is only
ever saved over the very text from which it was made (:attr:`Editor.is_of_this_text`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import ANY, MAX_CLAUSES
from taawun.cooperation.agreements.forms import BindingForm, ClauseForm, TermsForm
from taawun.cooperation.agreements.presenting.sentences import clause_in_words
from taawun.foundation.multilingual import LANGUAGES
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.forms import FaultyPart

if TYPE_CHECKING:
    from django.http import QueryDict
    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.agreements.forms.terms import InLanguages

__all__ = ["Editor", "Row", "Stretch", "place_in"]

# the ids of the parts of the page
TERMS: Final = "agreement"
BINDING: Final = "binding"
# clauses that a page shows, and that it can hold once some were added or moved in from its neighbours
ON_A_PAGE: Final = 20
MOST_ON_A_PAGE: Final = 40
# a browser sends a field for every box that is ticked: each clause has some forty, and its parties on either side
_FIELDS: Final = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS - 500
_FIELDS_OF_A_CLAUSE: Final = 40
_LONGEST_PLACE: Final = 4
_FEW_PARTIES: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One clause in the editor.

    Args:
        key: its number in the form's field names; it stays when clauses move.
        place: where it stands in the text, from 1.
        form: its fields.
        sentences: what it says in plain words; empty while it cannot be read.
        is_first: whether it cannot move up.
        is_last: whether it cannot move down.
    """

    key: int
    place: int
    form: ClauseForm
    sentences: tuple[SafeString, ...]
    is_first: bool
    is_last: bool

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return _anchor(self.key)

    @property
    def shows_sides(self) -> bool:
        """Whether the boxes of the parties are open: there are few, or one must see them."""
        is_wrong = self.form.is_bound and {"senders", "receivers"} & set(self.form.errors)
        return bool(is_wrong) or len(self.form.base.parties) <= _FEW_PARTIES

    @property
    def needs_more(self) -> bool:
        """Whether the fields that are folded away hold something one must see."""
        folded = {"other_kinds", "topics", "onward", "named", "on_termination", "history", "purpose"}
        if self.form.is_bound and folded & set(self.form.errors):
            return True
        unusual = ("other_kinds", "topics", "named")
        return any(self.form[name].value() for name in unusual) or self.form["onward"].value() != "none"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Clauses that follow each other in the text, as the editor leads to them.

    Args:
        first: place of its first clause, from 0.
        end: place behind its last one.
        is_shown: whether these are the ones in the form.
    """

    first: int
    end: int
    is_shown: bool

    def __str__(self) -> str:
        first, last = formats.number(self.first + 1), formats.number(self.end)
        # Translators: clauses of a text by their places, from the first to the last; the dash is one of spans
        return first if first == last else _("%(first)s–%(last)s") % {"first": first, "last": last}


class Editor:
    """A document as forms: its terms, and so many of its clauses as fit on a page.

    Args:
        base: the text that is edited.
        data: what the browser sent; None for a form that is opened.
        first: a place in the text, from 0: the clauses around it are shown.

    Attributes:
        text: digest of the text from which the form was made.
        first: place of the first clause that the form stands for.
        end: place behind the last one.
        of: how many clauses the text had from which the form was made.
        refusal: what stands in the way of the whole; empty where nothing does.
        is_checked: whether it was looked through on request, and found to be in order.
    """

    def __init__(self, base: Document, data: QueryDict | None = None, *, first: int = 0) -> None:
        self.base = base
        self.languages = _languages_of(base)
        self.text = base.digest if data is None else data.get("text", "")
        self.refusal = ""
        self.is_checked = False
        self._held_all = False
        if data is None:
            self._open(first)
        else:
            self._take(data)

    def _open(self, first: int) -> None:
        total, size = len(self.base.clauses), on_a_page(self.base)
        self.of = total
        self.first = max(0, min(first, total - 1)) // size * size
        self.end = min(self.first + size, total)
        self.terms = TermsForm(base=self.base, languages=self.languages)
        self.binding = BindingForm(base=self.base)
        self._clauses = {key: self._of_the_text(key) for key in range(self.first, self.end)}

    def _take(self, data: QueryDict) -> None:
        total = len(self.base.clauses)
        self.of = place_in(data.get("of"), total)
        self._held_all = place_in(data.get("first")) == 0 and place_in(data.get("end"), total) == self.of
        self.first = min(place_in(data.get("first")), total)
        self.end = max(self.first, min(place_in(data.get("end"), total), total))
        shows_terms = self.shows_terms
        self.terms = TermsForm(data if shows_terms else None, base=self.base, languages=self.languages)
        self.binding = BindingForm(data if shows_terms else None, base=self.base)
        self._clauses = {
            key: ClauseForm(
                data,
                base=self.base,
                languages=self.languages,
                prefix=f"c{key}",
                # the choices of a field may depend on what it holds
                initial={"direction": data.get(f"c{key}-direction", "")},
            )
            for key in _keys(data.get("order", ""))
        }

    @property
    def is_of_this_text(self) -> bool:
        """Whether what is edited still is the text from which the form was made."""
        return self.text == self.base.digest

    def put_over(self) -> bool:
        """Let a form that was made from another text take the place of this one.

        Only a form that held the whole of its text can: what it does not hold it would leave as it is, and that is no
        longer what its writer saw.

        Returns:
            Whether it does.
        """
        if not self._held_all:
            return False
        self.text, self.first, self.end = self.base.digest, 0, len(self.base.clauses)
        self.of = self.end
        return True

    def as_typed(self) -> None:
        """Show what was typed without judging it."""
        self._typed_again(list(self._clauses))

    @property
    def shows_terms(self) -> bool:
        """Whether the form holds what stands before the clauses: it goes with the first of them."""
        return self.first == 0

    @property
    def order(self) -> str:
        """The clauses' keys in their order, for the hidden field."""
        return ",".join(str(key) for key in self._clauses)

    @property
    def rows(self) -> list[Row]:
        """The clauses, each with what it says."""
        keys, is_full = list(self._clauses), len(self._clauses) >= most_on_a_page(self.base)
        starts = self.first == 0 or is_full
        ends = self.end == len(self.base.clauses) or is_full
        return [
            Row(
                key,
                self.first + place,
                form,
                self._sentences(form),
                starts and key == keys[0],
                ends and key == keys[-1],
            )
            for place, (key, form) in enumerate(self._clauses.items(), start=1)
        ]

    @property
    def stretches(self) -> list[Stretch]:
        """The parts of a text that is too long for one page; none where it is not."""
        total, size = len(self.base.clauses), on_a_page(self.base)
        if self.first == 0 and self.end == total:
            return []
        return [
            Stretch(first, min(first + size, total), first <= self.first < first + size)
            for first in range(0, total, size)
        ]

    @property
    def next_stretch(self) -> Stretch | None:
        """The part that follows what is shown; None at the end of the text."""
        parts = self.stretches
        shown = next((at for at, part in enumerate(parts) if part.is_shown), len(parts))
        return parts[shown + 1] if shown + 1 < len(parts) else None

    @property
    def total(self) -> int:
        """How many clauses the text has with what the form holds."""
        return len(self.base.clauses) - (self.end - self.first) + len(self._clauses)

    @property
    def faults(self) -> list[FaultyPart]:
        """What stands in the way of it, part by part in the order of the page; nothing where all is well."""
        parts: list[tuple[InLanguages | BindingForm, str, str]] = []
        if self.shows_terms:
            parts = [
                (self.terms, _("The agreement"), TERMS),
                (self.binding, _("Who is bound, and who may join"), BINDING),
            ]
        for place, (key, form) in enumerate(self._clauses.items(), start=self.first + 1):
            label = _("Clause %(place)s") % {"place": formats.digits(str(place))}
            parts.append((form, label, _anchor(key)))
        found = [FaultyPart.of(form, label, anchor) for form, label, anchor in parts if form.errors]
        return [FaultyPart([self.refusal]), *found] if self.refusal else found

    @property
    def can_grow(self) -> bool:
        """Whether one more clause fits into the form and into the text."""
        return len(self._clauses) < most_on_a_page(self.base) and self.total < MAX_CLAUSES

    def is_valid(self) -> bool:
        """Whether everything that was written can be put together."""
        terms = (self.terms, self.binding) if self.shows_terms else ()
        # every form tells what is wrong with it, not only the first
        faulty = [form for form in (*terms, *self._clauses.values()) if not form.is_valid()]
        return not faulty and self._refs_differ() and self._has_clauses()

    def document(self) -> Document:
        """The document as it was written; only after :meth:`is_valid` said yes."""
        held = self.base.clauses
        written = tuple(form.clause() for form in self._clauses.values())
        text = self.binding.apply(self.terms.apply()) if self.shows_terms else self.base
        return replace(text, clauses=(*held[: self.first], *written, *held[self.end :]))

    def rearrange(self, step: str) -> bool:
        """Add, remove or move a clause, keeping everything that was typed; nothing is checked or saved.

        Args:
            step: ``add``, ``remove-KEY``, ``up-KEY`` or ``down-KEY``.

        Returns:
            Whether it was one of these.
        """
        verb, _dash, which = step.partition("-")
        keys = list(self._clauses)
        if verb == "add" and self.can_grow:
            # no clause of the text has the key of a new one: they may come into this form later
            key = max(len(self.base.clauses), max(keys, default=-1) + 1)
            self._typed_again([*keys, key])
            self._clauses[key] = self._empty(key)
            return True
        if not which.isdecimal() or int(which) not in self._clauses or verb not in {"remove", "up", "down"}:
            return False
        self._typed_again(_moved(self._with_neighbour(keys, int(which), verb), int(which), verb))
        return True

    # ---- inside -----------------------------------------------------------------------------------------------
    def _with_neighbour(self, keys: list[int], key: int, verb: str) -> list[int]:
        """The keys, and that of the clause beyond the form's edge where this one is moved over it."""
        if len(keys) >= most_on_a_page(self.base):
            return keys
        if verb == "up" and key == keys[0] and self.first > 0:
            self.first -= 1
            return [self.first, *keys]
        if verb == "down" and key == keys[-1] and self.end < len(self.base.clauses):
            self.end += 1
            return [*keys, self.end - 1]
        return keys

    def _of_the_text(self, key: int) -> ClauseForm:
        return ClauseForm(
            base=self.base, clause=self.base.clauses[key], languages=self.languages, prefix=f"c{key}"
        )

    def _typed_again(self, keys: Sequence[int]) -> None:
        """The same fields unbound: what was typed is shown, and not complained about yet."""
        self.terms = TermsForm(base=self.base, languages=self.languages, initial=_raw(self.terms))
        self.binding = BindingForm(base=self.base, initial=_raw(self.binding))
        self._clauses = {key: self._as_typed(key) for key in keys}

    def _as_typed(self, key: int) -> ClauseForm:
        held = self._clauses.get(key)
        if held is None and key < len(self.base.clauses):
            return self._of_the_text(key)
        return ClauseForm(
            base=self.base,
            languages=self.languages,
            prefix=f"c{key}",
            initial=_raw(held) if held else {},
        )

    def _empty(self, key: int) -> ClauseForm:
        taken = self._refs_outside() | {str(form.initial.get("ref", "")) for form in self._clauses.values()}
        number = next(number for number in range(1, MAX_CLAUSES * 2) if str(number) not in taken)
        start = {
            "ref": str(number),
            "direction": f"{ANY}>{ANY}",
            "senders": [ANY],
            "receivers": [ANY],
            "tlp_max": Tlp.GREEN.label,
            "onward": "none",
            "on_termination": "delete",
            "history": "from-accession",
        }
        return ClauseForm(base=self.base, languages=self.languages, prefix=f"c{key}", initial=start)

    def _sentences(self, form: ClauseForm) -> tuple[SafeString, ...]:
        clause = self._read(form)
        return clause_in_words(clause, self.base) if clause else ()

    def _read(self, form: ClauseForm) -> Clause | None:
        if form.is_bound:
            return form.clause() if form.is_valid() else None
        # what stands in an unbound form is read as if it had been sent, without complaining about it
        sent: dict[str, Any] = {
            name: form.initial.get(name, "") for name in form.fields if form.initial.get(name) is not None
        }
        silent = ClauseForm(
            sent, base=self.base, languages=self.languages, initial={"direction": sent.get("direction", "")}
        )
        return silent.clause() if silent.is_valid() else None

    def _refs_outside(self) -> set[str]:
        """The numbers of the clauses that the form does not hold."""
        held = self.base.clauses
        return {clause.ref for clause in (*held[: self.first], *held[self.end :])}

    def _refs_differ(self) -> bool:
        seen = self._refs_outside()
        for form in self._clauses.values():
            ref = form.cleaned_data["ref"]
            if ref in seen:
                form.add_error("ref", _("There is a clause with this number already."))
            seen.add(ref)
        return all(not form.errors for form in self._clauses.values())

    def _has_clauses(self) -> bool:
        if not self.total:
            self.refusal = _("An agreement needs at least one clause.")
        return bool(self.total)


def most_on_a_page(document: Document) -> int:
    """How many clauses a form of a text can hold: each may name every party as sender and as receiver."""
    fields = _FIELDS_OF_A_CLAUSE + 2 * len(document.parties)
    return max(2, min(MOST_ON_A_PAGE, _FIELDS // fields))


def on_a_page(document: Document) -> int:
    """How many clauses of a text a page shows: half of what it can hold, so that more can be added."""
    return min(ON_A_PAGE, most_on_a_page(document) // 2)


def _anchor(key: int) -> str:
    """The id of a clause on the page."""
    return f"c{key}"


def _keys(order: str) -> list[int]:
    found = [int(key) for key in order.split(",") if key.isdecimal() and len(key) <= _LONGEST_PLACE]
    return list(dict.fromkeys(found))[:MOST_ON_A_PAGE]


def place_in(given: str | None, default: int = 0) -> int:
    """The place of a clause that a form or an address names."""
    is_one = given and given.isascii() and given.isdecimal() and len(given) <= _LONGEST_PLACE
    return int(given) if given and is_one else default


def _moved(keys: list[int], key: int, verb: str) -> list[int]:
    at = keys.index(key)
    rest = [each for each in keys if each != key]
    if verb == "remove":
        return rest
    target = max(0, at - 1) if verb == "up" else at + 1
    return [*rest[:target], key, *rest[target:]]


def _raw(form: TermsForm | BindingForm | ClauseForm) -> Mapping[str, Any]:
    """What a bound form was sent, field by field; what an unbound one shows."""
    if not form.is_bound:
        return form.initial
    return {
        name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
        for name, field in form.fields.items()
    }


def _languages_of(document: Document) -> tuple[str, ...]:
    """The languages of the house, and whichever else the document is written in."""
    texts = [document.title, *(clause.title for clause in document.clauses)]
    if document.preamble:
        texts.append(document.preamble)
    written = {language for text in texts for language in text.by_language}
    return (*LANGUAGES, *sorted(written - set(LANGUAGES)))
