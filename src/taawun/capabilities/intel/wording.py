"""What is said about a file and its objects, in the reader's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from babel.lists import format_list
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_bidi, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

from taawun.capabilities.intel.stix import SENTENCES
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.utils.functional import _StrOrPromise

    from taawun.capabilities.intel.stix import ReadingRefused

__all__ = ["ISSUES", "isolated", "issue_markup", "issue_sentence", "mended", "refusal_sentence", "type_name"]

_OWN: Final[Mapping[str, _StrOrPromise]] = {
    "held-differs": gettext_lazy(
        "This version is here already with other content; both are kept, and the first is shown."
    ),
    "import-failed": gettext_lazy(
        "This node failed at the file; its log says why. Nothing of it was kept. Tell an administrator, and import "
        "it again."
    ),
    "no-reader": gettext_lazy(
        "TLP:RED is for the person who imports it, and nobody is named here. Import it as a person of this node."
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
    "null": gettext_lazy("nothing (null)"),
    "true": gettext_lazy("true"),
    "false": gettext_lazy("false"),
    "true or false": gettext_lazy("true or false"),
    "a list": gettext_lazy("a list"),
    "a text": gettext_lazy("a text"),
    "a number": gettext_lazy("a number"),
    "a whole number": gettext_lazy("a whole number"),
    "an object": gettext_lazy("an object"),
}
# what MISP calls its records
_RECORDS: Final[Mapping[str, _StrOrPromise]] = {
    "event": pgettext_lazy("of MISP", "event"),
    "attribute": pgettext_lazy("of MISP", "attribute"),
    "object": pgettext_lazy("of MISP", "object"),
    "report": pgettext_lazy("of MISP", "report"),
    "sighting": pgettext_lazy("of MISP", "sighting"),
    "note": pgettext_lazy("of MISP", "note"),
    "opinion": pgettext_lazy("of MISP", "opinion"),
}
# what to do about it, where the sentence does not say so already
_MENDS: Final[Mapping[str, _StrOrPromise]] = {
    "too-large": gettext_lazy("Send it in parts."),
    "not-json": gettext_lazy("Mend the text at this place."),
    "not-finite": gettext_lazy("Write a number, or leave the property out."),
    "number-too-long": gettext_lazy("Shorten it, or write it as a text."),
    "too-deep": gettext_lazy("Move what is nested deepest further out."),
    "string-too-long": gettext_lazy("Shorten it, or leave the property out."),
    "nul-character": gettext_lazy("Take it out."),
    "lone-surrogate": gettext_lazy("Write the whole character, or take it out."),
    "no-objects": gettext_lazy("Choose the file that holds the objects."),
}
# left-to-right mark (Unicode, UAX #9): what is quoted are names and values of formats, which keep their direction
# between two of them. An isolate would do more, but pages show isolates as marks: a file may hold some
_MARK: Final = "\u200e"
# numbers that we counted; any other number is quoted from the file or the standard
_COUNTS: Final = frozenset({"size", "limit"})


def issue_sentence(code: str, params: Mapping[str, str]) -> str:
    """The sentence of an issue, in the reader's language.

    Args:
        code: a key of :data:`ISSUES`.
        params: what its placeholders stand for.
    """
    return _filled(code, params, _marked)


def issue_markup(code: str, params: Mapping[str, str]) -> SafeString:
    """The same for a page: what is quoted stands by itself, and what another program said is marked as English.

    Args:
        code: a key of :data:`ISSUES`.
        params: what its placeholders stand for.
    """
    quotes: list[SafeString] = []

    def quote(value: str) -> str:
        is_said = value != "" and value == params.get("text")
        quotes.append(format_html('<q lang="en" dir="ltr">{}</q>', value) if is_said else isolated(value))
        return f"{_BEGIN}{len(quotes) - 1}{_END}"

    sentence = escape(_filled(code, params, quote))
    return SafeString(_QUOTE.sub(lambda found: quotes[int(found[1])], sentence))


def isolated(value: str) -> SafeString:
    """A name or value of a format on a page: left-to-right, apart from the sentence; what fits a line stays in one."""
    is_whole = len(value) <= _FITS_A_LINE and not any(character.isspace() for character in value)
    return format_html('<bdi dir="ltr" class="{}">{}</bdi>', "quoted whole" if is_whole else "quoted", value)


# no text of a file holds them: what is not printable is replaced there
_BEGIN: Final = "\u0001"
_END: Final = "\u0002"
_QUOTE: Final = re.compile(f"{_BEGIN}([0-9]+){_END}")
# in characters: a UUID has 36 and a timestamp up to 27; on a phone a line holds some more
_FITS_A_LINE: Final = 40
# the example that a sentence gives, in whatever language
_TIMESTAMP: Final = "2024-01-31T12:00:00.000Z"


def _filled(code: str, params: Mapping[str, str], quote: Callable[[str], str]) -> str:
    counted = _counted(code, params)
    sentence = counted or (str(_OWN[code]) if code in _OWN else _(SENTENCES[code]))
    # the prefix of an identifier is quoted with its hyphens, in whatever language
    sentence = sentence.replace("%(type)s--", "%(prefix)s").replace(_TIMESTAMP, "%(example)s")
    given = {**params, "prefix": f"{params.get('type', '')}--", "example": _TIMESTAMP}
    return sentence % {
        name: _shown(name, value, quote, is_count=bool(counted) and name in _COUNTS)
        for name, value in given.items()
    }


def _marked(value: str) -> str:
    return f"{_MARK}{value}{_MARK}" if get_language_bidi() else value


def _counted(code: str, params: Mapping[str, str]) -> str:
    """The sentences that depend on a number, in the form for it; empty for all others."""
    number = params.get("size", params.get("limit", ""))
    if not number.isdecimal():
        return ""
    count = int(number)
    sentences = {
        "too-few": ngettext(
            "There is less than %(limit)s entry here.", "There are fewer than %(limit)s entries here.", count
        ),
        "too-many": ngettext(
            "There is more than %(limit)s entry here.", "There are more than %(limit)s entries here.", count
        ),
        "length-out-of-range": ngettext(
            "The text is too short or too long; the limit is %(limit)s character.",
            "The text is too short or too long; the limit is %(limit)s characters.",
            count,
        ),
        "pattern-too-long": ngettext(
            "The pattern has %(size)s byte; at most %(limit)s are accepted.",
            "The pattern has %(size)s bytes; at most %(limit)s are accepted.",
            count,
        ),
        "object-too-large": ngettext(
            "The object has %(size)s character; at most %(limit)s are accepted.",
            "The object has %(size)s characters; at most %(limit)s are accepted.",
            count,
        ),
    }
    return sentences.get(code, "")


def _shown(name: str, value: str, quote: Callable[[str], str], *, is_count: bool) -> str:
    if is_count:
        return formats.number(int(value)) if value.isdecimal() else value
    if name == "kind" and value in _RECORDS:
        return str(_RECORDS[value])
    if name in {"found", "expected"}:
        # a kind is a word of the language; anything else is quoted
        kinds = [value] if value in _KINDS else value.split(" or ")
        return _either([str(_KINDS[kind]) if kind in _KINDS else quote(kind) for kind in kinds])
    if name == "allowed":
        # values of the standard, which are parted by commas and have none in them
        return _either([quote(each) for each in value.split(", ")])
    return quote(value)


def _either(parts: Sequence[str]) -> str:
    return str(format_list(parts, style="or", locale=formats.reader_locale()))


def refusal_sentence(refused: ReadingRefused) -> str:
    """Why a file is not taken, where, and what to do, in the reader's language."""
    sentence = _REFUSALS.get(refused.code)
    if sentence is None or (get_language() or "en").startswith("en"):
        return mended(refused.code, str(refused))
    if refused.code == "too-large" or not refused.line:
        return mended(refused.code, str(sentence))
    where = _("Line %(line)s, column %(column)s: %(sentence)s") % {
        "line": formats.digits(refused.line),
        "column": formats.digits(refused.column),
        "sentence": sentence,
    }
    return mended(refused.code, where)


def mended(code: str, sentence: str) -> str:
    """A sentence on a refusal with what to do about it, where it does not say so already."""
    mend = _MENDS.get(code)
    if mend is None:
        return sentence
    # Translators: what is wrong, and what to do about it: two sentences, each with its full stop
    return _("%(sentence)s %(mend)s") % {"sentence": sentence, "mend": mend}


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
