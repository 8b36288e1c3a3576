"""What this room refuses, and why."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from taawun.platform.web import formats

__all__ = ["AgreementError", "DocumentRefused", "StepRefused"]


class AgreementError(ValueError):
    """An act on an agreement that cannot be done as asked."""

    code = "agreement-refused"


class DocumentRefused(AgreementError):
    """An agreement's document that cannot be taken; its sentence names the clause and the field in words.

    Args:
        place: where, as a JSON pointer, for example ``/clauses/0/to``.
        message: what is wrong and how to mend it.
    """

    code = "document-refused"

    def __init__(self, place: str, message: str) -> None:
        super().__init__(place, message)
        self.place = place
        self.message = message

    def __str__(self) -> str:
        return _("%(place)s: %(message)s") % {"place": _place_in_words(self.place), "message": self.message}


class StepRefused(AgreementError):
    """A step that the agreement's state, or the actor's part in it, does not allow.

    Args:
        code: stable code.
        message: why, and what would be possible.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# members of a document as its pages call them
_FIELDS: Final = {
    "title": gettext_lazy("Title"),
    "parties": gettext_lazy("Parties"),
    "clauses": gettext_lazy("Clauses"),
    "valid_from": gettext_lazy("In force from"),
    "valid_until": gettext_lazy("Until"),
    "accession": gettext_lazy("Accession"),
    "entry_into_force": gettext_lazy("Enters into force"),
    "notice_days": gettext_lazy("Notice"),
    "authentic_languages": gettext_lazy("Authentic languages"),
    "preamble": gettext_lazy("Preamble"),
    "version": gettext_lazy("Version"),
    "narrows": gettext_lazy("Declaration"),
    "ref": gettext_lazy("Number"),
    "from": gettext_lazy("From"),
    "to": gettext_lazy("To"),
    "kinds": gettext_lazy("What may flow"),
    "topics": gettext_lazy("Topics"),
    "tlp_max": gettext_lazy("Up to"),
    "purpose": gettext_lazy("Purpose"),
    "onward": gettext_lazy("Onward"),
    "history": gettext_lazy("For newcomers"),
    "retention_days": gettext_lazy("Kept"),
    "on_termination": gettext_lazy("If ended"),
    "recognises": gettext_lazy("Recognises"),
    "organisation": gettext_lazy("Organisation"),
    "nation": pgettext_lazy("of a party", "Nation"),
    "kid": gettext_lazy("Key"),
}


def _place_in_words(place: str) -> str:
    """A pointer as a person reads it: the clause or party by its place in the text, the field by its name."""
    parts = place.split("/")[1:]
    if not parts:
        return _("The document")
    inside = {"clauses": _("Clause %(number)s of the text"), "parties": _("Party %(number)s of the text")}
    if len(parts) > 1 and parts[0] in inside and parts[1].isdecimal():
        named = inside[parts[0]] % {"number": formats.number(int(parts[1]) + 1)}
        return _behind_each_other([named, *_fields(parts[2:])])
    return _behind_each_other(_fields(parts))


def _fields(parts: list[str]) -> list[str]:
    # an unknown member, and a place within a list, stay as they are written
    return [
        str(_FIELDS[part]) if part in _FIELDS else _place_in_list(part) if part.isdecimal() else f"“{part}”"
        for part in parts
    ]


def _place_in_list(part: str) -> str:
    return _("entry %(number)s") % {"number": formats.number(int(part) + 1)}


def _behind_each_other(parts: list[str]) -> str:
    """From the whole to its part, with the comma of the language."""
    place = parts[0]
    for part in parts[1:]:
        # Translators: a place in a text: a clause and, in it, a field
        place = _("%(whole)s, %(part)s") % {"whole": place, "part": part}
    return place
