"""What is said about a file and its objects, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import get_language, get_language_bidi, gettext_lazy
from django.utils.translation import gettext as _

from taawun.capabilities.intel.stix import SENTENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

    from taawun.capabilities.intel.stix import ReadingRefused

__all__ = ["ISSUES", "issue_sentence", "refusal_sentence", "type_name"]

_OWN: Final[Mapping[str, _StrOrPromise]] = {
    "held-differs": gettext_lazy(
        "This version is here already with other content; both are kept, and the first is shown."
    ),
}
ISSUES: Final = frozenset({*SENTENCES, *_OWN})

# what the reader of files says in English with every detail; the others learn what is wrong and where
_REFUSALS: Final[Mapping[str, _StrOrPromise]] = {
    "too-large": gettext_lazy("The file is larger than this node accepts."),
    "not-utf8": gettext_lazy("This is not UTF-8; save the text as UTF-8."),
    "not-json": gettext_lazy("This is not JSON."),
    "trailing-data": gettext_lazy("Something follows the end of the JSON text; send one value."),
    "duplicate-key": gettext_lazy("A key stands twice in one object; keep one of them."),
    "not-finite": gettext_lazy("A number is not finite; JSON has no NaN and no infinity."),
    "number-too-long": gettext_lazy("A number has too many digits."),
    "too-deep": gettext_lazy("The text nests too deeply."),
    "too-many-values": gettext_lazy("The text holds too many values; send it in parts."),
    "string-too-long": gettext_lazy("A text in it is too long."),
    "nul-character": gettext_lazy("A text in it holds the character NUL, which cannot be stored."),
    "lone-surrogate": gettext_lazy("A text in it holds half of a surrogate pair, which is no character."),
    "not-intelligence": gettext_lazy(
        "This is no threat intelligence that is read here: a STIX 2.1 or 2.0 bundle, STIX objects, or a MISP event."
    ),
    "unknown-version": gettext_lazy(
        "This is a bundle of a STIX version that is not read here; 2.0 and 2.1 are."
    ),
    "no-objects": gettext_lazy("There is nothing in this file."),
}

_KINDS: Final[Mapping[str, _StrOrPromise]] = {
    "a list": gettext_lazy("a list"),
    "a text": gettext_lazy("a text"),
    "a number": gettext_lazy("a number"),
    "a whole number": gettext_lazy("a whole number"),
    "an object": gettext_lazy("an object"),
}
# left-to-right mark (Unicode, UAX #9): what is quoted are names and values of formats, which keep their direction
# between two of them. An isolate would do more, but pages show isolates as marks: a file may hold some
_MARK: Final = "\u200e"


def issue_sentence(code: str, params: Mapping[str, str]) -> str:
    """The sentence of an issue, in the reader's language.

    Args:
        code: a key of :data:`ISSUES`.
        params: what its placeholders stand for.
    """
    sentence = str(_OWN[code]) if code in _OWN else _(SENTENCES[code])
    return sentence % {name: _quoted(name, value) for name, value in params.items()}


def _quoted(name: str, value: str) -> str:
    shown = _kinds(value) if name in {"found", "expected"} else value
    return f"{_MARK}{shown}{_MARK}" if get_language_bidi() else shown


def _kinds(value: str) -> str:
    kinds = [str(_KINDS.get(kind, kind)) for kind in value.split(" or ")]
    # Translators: between two things of which one is expected, as in “a text or a number”
    return _(" or ").join(kinds)


def refusal_sentence(refused: ReadingRefused) -> str:
    """Why a file is not taken and where, in the reader's language."""
    sentence = _REFUSALS.get(refused.code)
    if sentence is None or (get_language() or "en").startswith("en"):
        return str(refused)
    if not refused.line:
        return str(sentence)
    return _("Line %(line)d, column %(column)d: %(sentence)s") % {
        "line": refused.line,
        "column": refused.column,
        "sentence": sentence,
    }


# STIX 2.1, sections 4 to 7: what people call each type of object
_TYPES: Final[Mapping[str, _StrOrPromise]] = {
    "artifact": gettext_lazy("Artifact"),
    "attack-pattern": gettext_lazy("Attack pattern"),
    "autonomous-system": gettext_lazy("Autonomous system"),
    "campaign": gettext_lazy("Attack campaign"),
    "course-of-action": gettext_lazy("Course of action"),
    "directory": gettext_lazy("Directory"),
    "domain-name": gettext_lazy("Domain"),
    "email-addr": gettext_lazy("E-mail address"),
    "email-message": gettext_lazy("E-mail message"),
    "extension-definition": gettext_lazy("Extension definition"),
    "file": gettext_lazy("File"),
    "grouping": gettext_lazy("Grouping"),
    "identity": gettext_lazy("Identity"),
    "incident": gettext_lazy("Incident"),
    "indicator": gettext_lazy("Indicator"),
    "infrastructure": gettext_lazy("Infrastructure"),
    "intrusion-set": gettext_lazy("Intrusion set"),
    "ipv4-addr": gettext_lazy("IPv4 address"),
    "ipv6-addr": gettext_lazy("IPv6 address"),
    "language-content": gettext_lazy("Translation"),
    "location": gettext_lazy("Location"),
    "mac-addr": gettext_lazy("MAC address"),
    "malware": gettext_lazy("Malware"),
    "malware-analysis": gettext_lazy("Malware analysis"),
    "marking-definition": gettext_lazy("Marking definition"),
    "mutex": gettext_lazy("Mutex"),
    "network-traffic": gettext_lazy("Network traffic"),
    "note": gettext_lazy("Note"),
    "observed-data": gettext_lazy("Observed data"),
    "opinion": gettext_lazy("Opinion"),
    "process": gettext_lazy("Process"),
    "relationship": gettext_lazy("Relationship"),
    "report": gettext_lazy("Report"),
    "sighting": gettext_lazy("Sighting"),
    "software": gettext_lazy("Software"),
    "threat-actor": gettext_lazy("Threat actor"),
    "tool": gettext_lazy("Tool"),
    "url": gettext_lazy("Address (URL)"),
    "user-account": gettext_lazy("User account"),
    "vulnerability": gettext_lazy("Vulnerability"),
    "windows-registry-key": gettext_lazy("Windows registry key"),
    "x509-certificate": gettext_lazy("Certificate (X.509)"),
    "x-misp-attribute": gettext_lazy("MISP attribute"),
    "x-misp-object": gettext_lazy("MISP object"),
    "x-mitre-analytic": gettext_lazy("ATT&CK analytic"),
    "x-mitre-asset": gettext_lazy("ATT&CK asset"),
    "x-mitre-collection": gettext_lazy("ATT&CK collection"),
    "x-mitre-data-component": gettext_lazy("ATT&CK data component"),
    "x-mitre-data-source": gettext_lazy("ATT&CK data source"),
    "x-mitre-detection-strategy": gettext_lazy("ATT&CK detection strategy"),
    "x-mitre-matrix": gettext_lazy("ATT&CK matrix"),
    "x-mitre-tactic": gettext_lazy("ATT&CK tactic"),
}


def type_name(type_: str) -> str:
    """What people call a STIX type; a type that STIX does not define keeps its own name."""
    return str(_TYPES.get(type_, type_))
