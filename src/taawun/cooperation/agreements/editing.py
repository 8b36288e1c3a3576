"""The editor of a draft: a document taken apart into forms, and put together again.

It works without JavaScript: adding, removing and moving a clause are submit buttons, and what was typed stays
in the form until it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.forms import BindingForm, ClauseForm, TermsForm
from taawun.cooperation.agreements.presenting.sentences import clause_in_words
from taawun.foundation.multilingual import LANGUAGES
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from django.http import QueryDict
    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Clause, Document

__all__ = ["MAX_CLAUSES", "Editor", "Row"]

# each clause is some twenty fields, and Django takes a thousand in a form; longer agreements are edited by the API
MAX_CLAUSES: Final = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One clause in the editor.

    Args:
        key: its number in the form's field names; it stays when clauses move.
        form: its fields.
        sentences: what it says in plain words; empty while it cannot be read.
        is_first: whether it cannot move up.
        is_last: whether it cannot move down.
    """

    key: int
    form: ClauseForm
    sentences: tuple[SafeString, ...]
    is_first: bool
    is_last: bool

    @property
    def needs_more(self) -> bool:
        """Whether the fields that are folded away hold something one must see."""
        folded = {"other_kinds", "topics", "onward", "named", "on_termination", "history", "purpose"}
        if self.form.is_bound and folded & set(self.form.errors):
            return True
        unusual = ("other_kinds", "topics", "named")
        return any(self.form[name].value() for name in unusual) or self.form["onward"].value() != "none"


class Editor:
    """A document as forms.

    Args:
        base: what is edited; who the parties are, and whatever else has no field here, stays as it is in it.
        data: what was posted; None for the page as it is first shown.
    """

    def __init__(self, base: Document, data: QueryDict | None = None) -> None:
        self.base = base
        self.languages = _languages_of(base)
        if data is None:
            self.terms = TermsForm(base=base, languages=self.languages)
            self.binding = BindingForm(base=base)
            self._clauses = {
                key: ClauseForm(base=base, clause=clause, languages=self.languages, prefix=f"c{key}")
                for key, clause in enumerate(base.clauses)
            }
        else:
            self.terms = TermsForm(data, base=base, languages=self.languages)
            self.binding = BindingForm(data, base=base)
            self._clauses = {
                key: ClauseForm(
                    data,
                    base=base,
                    languages=self.languages,
                    prefix=f"c{key}",
                    # the choices of a field may depend on what it holds
                    initial={"direction": data.get(f"c{key}-direction", "")},
                )
                for key in _keys(data.get("order", ""))
            }

    @property
    def order(self) -> str:
        """The clauses' keys in their order, for the hidden field."""
        return ",".join(str(key) for key in self._clauses)

    @property
    def rows(self) -> list[Row]:
        """The clauses, each with what it says."""
        keys = list(self._clauses)
        return [
            Row(key, form, self._sentences(form), key == keys[0], key == keys[-1])
            for key, form in self._clauses.items()
        ]

    @property
    def can_grow(self) -> bool:
        """Whether one more clause fits into the form."""
        return len(self._clauses) < MAX_CLAUSES

    def is_valid(self) -> bool:
        """Whether everything that was written can be put together."""
        forms = (self.terms, self.binding, *self._clauses.values())
        # every form tells what is wrong with it, not only the first
        faulty = [form for form in forms if not form.is_valid()]
        return not faulty and self._refs_differ() and self._has_clauses()

    def document(self) -> Document:
        """The document as it was written; only after :meth:`is_valid` said yes."""
        clauses = tuple(form.clause() for form in self._clauses.values())
        return replace(self.binding.apply(self.terms.apply()), clauses=clauses)

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
            key = max(keys, default=-1) + 1
            self._typed_again([*keys, key])
            self._clauses[key] = self._empty(key)
            return True
        if not which.isdecimal() or int(which) not in self._clauses or verb not in {"remove", "up", "down"}:
            return False
        self._typed_again(_moved(keys, int(which), verb))
        return True

    # ---- inside -----------------------------------------------------------------------------------------------
    def _typed_again(self, keys: Sequence[int]) -> None:
        """The same fields unbound: what was typed is shown, and not complained about yet."""
        self.terms = TermsForm(base=self.base, languages=self.languages, initial=_raw(self.terms))
        self.binding = BindingForm(base=self.base, initial=_raw(self.binding))
        self._clauses = {
            key: ClauseForm(
                base=self.base,
                languages=self.languages,
                prefix=f"c{key}",
                initial=_raw(self._clauses[key]) if key in self._clauses else {},
            )
            for key in keys
        }

    def _empty(self, key: int) -> ClauseForm:
        taken = {str(form.initial.get("ref", "")) for form in self._clauses.values()}
        number = next(number for number in range(1, MAX_CLAUSES * 2) if str(number) not in taken)
        start = {
            "ref": str(number),
            "direction": f"{ANY}>{ANY}",
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

    def _refs_differ(self) -> bool:
        seen: set[str] = set()
        for form in self._clauses.values():
            ref = form.cleaned_data["ref"]
            if ref in seen:
                form.add_error("ref", _("There is a clause with this number already."))
            seen.add(ref)
        return all(not form.errors for form in self._clauses.values())

    def _has_clauses(self) -> bool:
        if not self._clauses:
            self.terms.add_error(None, _("An agreement needs at least one clause."))
        return bool(self._clauses)


def _keys(order: str) -> list[int]:
    found = [
        int(key) for key in order.split(",") if key.isdecimal() and len(key) <= len(str(MAX_CLAUSES)) + 2
    ]
    return list(dict.fromkeys(found))[:MAX_CLAUSES]


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
