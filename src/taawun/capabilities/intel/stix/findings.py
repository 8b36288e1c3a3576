"""What was noticed while a file was read: one code and one sentence a kind, so that each can be translated.

A :class:`Finding` speaks about one object and knows nothing of the file; an :class:`Issue` is a finding
with its place in the file. :data:`SENTENCES` holds the English sentence of every code with named placeholders
(``gettext(SENTENCES[issue.code]) % issue.params`` gives it in another language).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["error", "warning", "info"]


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for the catalogues, which find it by this name; it is translated where it is shown."""
    return sentence


SENTENCES: Final[Mapping[str, str]] = {
    # the shape of an object
    "not-an-object": gettext_noop("This is %(found)s; a STIX object is a JSON object."),
    "no-type": gettext_noop("The object has no property “type” with a text in it, so it cannot be read."),
    "bundle-in-bundle": gettext_noop("A bundle cannot hold a bundle; put its objects beside the others."),
    "missing-property": gettext_noop("The property “%(property)s” is missing; this type of object needs it."),
    "unexpected-property": gettext_noop(
        "The property “%(property)s” has a name that STIX does not allow here."
    ),
    "property-name-too-long": gettext_noop(
        "The name of a property here has more than 250 characters, which STIX does not allow."
    ),
    "object-fault": gettext_noop(
        "This node failed at this object; its log says why. Leave the object out, and tell an administrator."
    ),
    "reserved-property": gettext_noop(
        "One of the names severity, action, username and phone_numbers is used; STIX reserves them."
    ),
    "wrong-type": gettext_noop("Here stands %(found)s; it must be %(expected)s."),
    "empty-value": gettext_noop("The value is empty; leave the property out when there is nothing to say."),
    "too-few": gettext_noop("There are fewer than %(limit)s entries here."),
    "too-many": gettext_noop("There are more than %(limit)s entries here."),
    "length-out-of-range": gettext_noop(
        "The text is too short or too long; the limit is %(limit)s characters."
    ),
    "number-out-of-range": gettext_noop("The number %(value)s is out of range; the limit is %(limit)s."),
    "not-in-list": gettext_noop("“%(value)s” is not one of the values the standard lists: %(allowed)s."),
    "bad-identifier": gettext_noop(
        "“%(value)s” is no STIX identifier; it must be “%(type)s--” followed by a UUID of version 1 to 5."
    ),
    "bad-timestamp": gettext_noop(
        "“%(value)s” is no STIX timestamp; it must read like 2024-01-31T12:00:00.000Z."
    ),
    "bad-hash": gettext_noop("“%(value)s” is not a hash of the kind its name says."),
    "bad-encoding": gettext_noop(
        "“%(value)s” is not text of the encoding the property's name says (Base64 or hexadecimal)."
    ),
    "bad-address": gettext_noop("“%(value)s” is no address of this kind."),
    "bad-form": gettext_noop("“%(value)s” does not have the form the standard gives for it."),
    "bad-format": gettext_noop("“%(value)s” does not follow the standard's form (%(format)s)."),
    "unusual-value": gettext_noop(
        "“%(value)s” does not follow the standard's form (%(format)s); it is kept as it was observed."
    ),
    "no-form-fits": gettext_noop("The value fits none of the forms the standard gives for this property."),
    "several-forms-fit": gettext_noop(
        "The value fits several forms of which the standard allows only one at a time."
    ),
    "not-allowed": gettext_noop("The value has a form that the standard rules out here."),
    "not-valid": gettext_noop("The value is not valid here (rule “%(rule)s”)."),
    "more-errors": gettext_noop(
        "The object is large and is judged up to its first error; there may be more."
    ),
    "wrong-prefix": gettext_noop("The identifier “%(value)s” must begin with “%(type)s--” here."),
    "modified-before-created": gettext_noop(
        "The object was modified (%(later)s) before it was created (%(earlier)s)."
    ),
    "times-reversed": gettext_noop("“%(last)s” (%(later)s) lies before “%(first)s” (%(earlier)s)."),
    "pattern-too-long": gettext_noop("The pattern has %(size)s bytes; at most %(limit)s are accepted."),
    "object-too-large": gettext_noop("The object has %(size)s characters; at most %(limit)s are accepted."),
    "same-version-differs": gettext_noop(
        "An object with this identifier and version was already in the file, with other content."
    ),
    "repeated-object": gettext_noop("The same object was already in the file; it is taken once."),
    "observable-differs": gettext_noop(
        "This observable was already in the file with other properties; the first one is kept."
    ),
    # markings
    "unknown-marking": gettext_noop(
        "The marking %(marking)s is neither known nor in the file; the object is held as TLP:RED."
    ),
    # STIX 2.0
    "read-as-2.0": gettext_noop(
        "The object has no spec_version, so it is read as STIX 2.0 and raised to STIX 2.1."
    ),
    "unknown-spec-version": gettext_noop("The spec_version is %(found)s; 2.0 and 2.1 are read here."),
    "bad-observable": gettext_noop("The observed object “%(key)s” is not readable, so it is left out."),
    "dangling-observable": gettext_noop(
        "“%(property)s” names “%(target)s”, which is not among the observed objects; it is left out."
    ),
    "observables-in-circle": gettext_noop(
        "The observed objects refer to each other in a circle or a very long line; this one got an "
        "identifier of its own."
    ),
    "property-left-behind": gettext_noop(
        "STIX 2.1 no longer has the property “%(property)s” here; it is kept as “%(kept)s”."
    ),
    "marking-widened": gettext_noop(
        "The marking %(marking)s covered a part of an observed object; it now covers the whole of it."
    ),
    # MISP
    "misp-error": gettext_noop("The MISP converter could not take something as it is: %(text)s"),
    "misp-warning": gettext_noop("The MISP converter says: %(text)s"),
    "misp-deleted": gettext_noop("The MISP %(kind)s %(uuid)s is marked as deleted; it is left out."),
    "misp-unmapped": gettext_noop(
        "STIX has no form for the MISP %(kind)s %(uuid)s of the type “%(type)s”; it is kept as a "
        "MISP %(kind)s."
    ),
    "misp-lost": gettext_noop("The MISP %(kind)s %(uuid)s of the type “%(type)s” was not taken: %(text)s"),
    "misp-lost-silently": gettext_noop(
        "The MISP %(kind)s %(uuid)s of the type “%(type)s” was not taken, and the converter gives no reason."
    ),
    "misp-no-object": gettext_noop("This MISP %(kind)s is no JSON object, so it cannot be read."),
    "misp-sample": gettext_noop(
        "The malware sample of the MISP attribute %(uuid)s is left out; its name and hashes are taken."
    ),
    "misp-unknown-tlp": gettext_noop(
        "The tag “%(tag)s” is no TLP marking that is known; what it marks is held as TLP:RED."
    ),
    "misp-completed": gettext_noop("The MISP %(kind)s had no usable UUID; one was derived from its content."),
    "misp-undated": gettext_noop("The MISP event names no time; 1 January 1970 stands in for it."),
    "misp-bad-event": gettext_noop("The MISP event cannot be read: %(text)s"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed in one object.

    Attributes:
        severity: an ``error`` refuses the object; a ``warning`` tells of something changed, lost or
            doubtful; an ``info`` of something a person may want to know.
        code: a key of :data:`SENTENCES`; stable.
        path: the way from the object to the value: names of properties and positions in lists (from 0).
        params: what the sentence's placeholders stand for.
    """

    severity: Severity
    code: str
    path: tuple[str | int, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The English sentence, filled in."""
        return SENTENCES[self.code] % self.params


@dataclass(frozen=True, slots=True)
class Issue:
    """A finding with its place in the file.

    Attributes:
        severity: as in :class:`Finding`.
        code: a key of :data:`SENTENCES`; stable.
        place: the way from the top of the file to the value, like ``objects/17/pattern``; empty for the
            whole file. Names are written as in a JSON pointer (RFC 6901): ``~`` is ``~0`` and ``/`` is
            ``~1``.
        line: the line of the file on which the object begins, from 1; None where no single line can be named.
        object_id: the STIX identifier of the object, or empty where it has none.
        message: one English sentence.
        params: what the sentence's placeholders stand for, for a translation.
    """

    severity: Severity
    code: str
    place: str
    line: int | None
    object_id: str
    message: str
    params: Mapping[str, str]


class IssueList:
    """The issues of a file in the order they were met, bounded: beyond the limit they are only counted.

    Args:
        limit: how many issues of each severity are kept; a hostile file would otherwise fill the memory.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[Issue] = []
        self._counts: dict[Severity, int] = {"error": 0, "warning": 0, "info": 0}
        self._refused = 0
        self._last_refused: int | None = None

    def __iter__(self) -> Iterator[Issue]:
        return iter(self._kept)

    def __len__(self) -> int:
        """How many issues are kept."""
        return len(self._kept)

    @property
    def errors(self) -> int:
        """How many errors there were, kept or not."""
        return self._counts["error"]

    @property
    def refused(self) -> int:
        """How many objects of the file were refused; one of them may have several errors."""
        return self._refused

    @property
    def warnings(self) -> int:
        """How many warnings there were, kept or not."""
        return self._counts["warning"]

    @property
    def infos(self) -> int:
        """How many remarks there were, kept or not."""
        return self._counts["info"]

    @property
    def not_kept(self) -> int:
        """How many issues were counted without being kept."""
        return sum(self._counts.values()) - len(self._kept)

    def add(self, issue: Issue, index: int | None = None) -> None:
        """Count an issue, and keep it while there is room for its severity.

        Args:
            issue: the issue.
            index: which object of the file it is about, from 0; they come in order. None for none in particular.
        """
        self._counts[issue.severity] += 1
        if issue.severity == "error":
            self._refused += index is None or index != self._last_refused
            self._last_refused = index
        if self._counts[issue.severity] <= self._limit:
            self._kept.append(issue)


def pointer(path: tuple[str | int, ...]) -> str:
    """Write a path the way :class:`Issue` names places, like ``objects/17/pattern``."""
    return "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in path)


def shown(value: object, length: int = 80) -> str:
    """Write a value of the file for a sentence: one line, nothing invisible, cut to ``length`` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = "".join(character if character.isprintable() else "�" for character in text[: length + 1])
    return line if len(text) <= length else line[:length] + "…"


def kind_of(value: object) -> str:
    """Tell in English what a JSON value is, for a sentence: ``a list``, ``a text``, ``null``, and so on."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"
