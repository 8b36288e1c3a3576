"""Reading a file of threat intelligence: STIX 2.1, STIX 2.0 or MISP, recognised by its content.

Nothing is stored here and nothing is half-taken: a syntax fault refuses the file before the first object
is handed out, an error refuses its object, and whether a file with refused objects is taken is the
caller's decision.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from taawun.capabilities.intel.stix.checking import CheckedObject, Checker
from taawun.capabilities.intel.stix.findings import IssueList, kind_of, shown
from taawun.capabilities.intel.stix.identity import OBSERVABLE_TYPES
from taawun.capabilities.intel.stix.markings import Markings
from taawun.capabilities.intel.stix.misp import convert
from taawun.capabilities.intel.stix.misp_events import events_in
from taawun.capabilities.intel.stix.upgrade import SPEC_VERSION
from taawun.foundation import strict_json
from taawun.foundation.errors import CodedError
from taawun.foundation.strict_json import JsonRefused, RawElement
from taawun.foundation.tlp import Tlp

Format = Literal["stix-2.1", "stix-2.0", "misp"]

ACCEPTED: Final = (
    "a STIX 2.1 or 2.0 bundle, a STIX object, a list of STIX objects, and a MISP event "
    "(alone, in a list or in a “response”)"
)
"""What :func:`read` accepts, as an English phrase."""

_OLD_VERSION: Final = "2.0"
# A marking definition at the top of an object, or an escape that could hide one from this search.
_MAY_DEFINE_MARKINGS: Final = re.compile(rb'"type"\s*+:\s*+"marking-definition"|\\u00[2-7]')
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LIST_OPENING, _LIST_CLOSING = b'{"objects":', b"}"
_MISP_KEYS: Final = ("Event", "response")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may ask of the reader.

    Attributes:
        json: of the text.
        max_object_size: of one object, in characters of its source.
        max_issues: how many issues of each severity are kept; all are counted.
    """

    json: strict_json.Limits = strict_json.DEFAULT_LIMITS
    max_object_size: int = 16 * 1024 * 1024
    max_issues: int = 1000


DEFAULT_LIMITS: Final = Limits()


class ReadingRefused(CodedError):
    """A file that is not taken; its sentence names the place, or what was found and what is accepted.

    Codes: those of :class:`taawun.foundation.strict_json.JsonRefused`, ``not-intelligence``,
        ``unknown-version`` and
    ``no-objects``.

    Attributes:
        line: from 1; 0 where there is no place to point to.
        column: from 1, in characters; 0 where there is no place to point to.
        pointer: the JSON pointer (RFC 6901) of the place as far as it is known.
    """

    def __init__(self, code: str, message: str, line: int = 0, column: int = 0, pointer: str = "") -> None:
        super().__init__(code, message)
        self.line = line
        self.column = column
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Reading:
    """A file on its way in.

    Attributes:
        format: what the file is.
        objects: the valid objects in the order of the file, read as they are asked for; iterate once.
        issues: what was noticed; complete when ``objects`` is exhausted.
    """

    format: Format
    objects: Iterable[CheckedObject]
    issues: IssueList


def read(data: bytes, *, default_tlp: Tlp, name: str = "", limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Recognise a file by its content and read it.

    Args:
        data: the exact bytes that came in.
        default_tlp: the level of objects whose own markings name none.
        name: what the file is called, for the sentences; it decides nothing.
        limits: how much the file may ask for.

    Returns:
        The reading. The text has been checked as a whole, so taking the objects raises nothing; what is
        wrong with one of them is an issue.

    Raises:
        ReadingRefused: when the text is no JSON this node accepts, or is none of what is accepted here.
    """
    try:
        return _File(data, default_tlp, limits).read()
    except JsonRefused as refused:
        place = (refused.line, refused.column, refused.pointer)
        raise ReadingRefused(refused.code, _named(name, str(refused)), *place) from refused
    except ReadingRefused as refused:
        raise ReadingRefused(refused.code, _named(name, str(refused))) from refused


def _named(name: str, message: str) -> str:
    return f"{shown(name)}: {message}" if name else message


# Any, here and below: what is read is JSON of any shape.
class _File:
    """One file, from its bytes to its reading."""

    def __init__(self, data: bytes, default_tlp: Tlp, limits: Limits) -> None:
        self._data = data
        self._default_tlp = default_tlp
        self._limits = limits

    def read(self) -> Reading:
        start = self._data[:64].removeprefix(_BYTE_ORDER_MARK).lstrip()
        if start.startswith(b"["):
            return self._list()
        try:
            envelope, elements = strict_json.objects_of(self._data, "objects", self._limits.json)
        except JsonRefused as refused:
            if refused.code not in {"missing-array", "not-an-array", "not-an-object"}:
                raise
            return self._single(strict_json.parse(self._data, self._limits.json))
        return self._bundle(envelope, elements)

    def _bundle(self, envelope: Mapping[str, Any], elements: Iterator[RawElement]) -> Reading:
        if envelope.get("type") != "bundle":
            raise _not_intelligence(f"an object with a list “objects”, but {_type_of(envelope)}")
        version = envelope.get("spec_version", SPEC_VERSION)
        if version not in (SPEC_VERSION, _OLD_VERSION):
            message = f"This is a bundle of STIX {shown(version)}; versions 2.0 and 2.1 are accepted."
            raise ReadingRefused("unknown-version", message)
        format_: Format = "stix-2.0" if version == _OLD_VERSION else "stix-2.1"
        return self._stix(format_, elements, ("objects",))

    def _single(self, value: Any) -> Reading:
        if isinstance(value, dict) and any(key in value for key in _MISP_KEYS):
            return self._misp(value)
        if not _is_stix(value):
            raise _not_intelligence(_description_of(value))
        if value["type"] == "bundle":
            raise ReadingRefused("no-objects", "This is a bundle without a list “objects”; it holds nothing.")
        text = str(self._data, "utf-8-sig")
        line = text[: text.index("{")].count("\n") + 1
        element = RawElement(0, text.strip(" \t\r\n"), value, line)
        return self._stix(_format_of(value), iter([element]), None)

    def _list(self) -> Reading:
        wrapped = _LIST_OPENING + self._data.removeprefix(_BYTE_ORDER_MARK) + _LIST_CLOSING
        try:
            elements = self._elements_of_list(wrapped)
        except JsonRefused:
            # The list by itself tells the right place; it is refused for the same reason.
            strict_json.parse(self._data, self._limits.json)
            raise
        first = next(elements, None)
        if first is None:
            raise ReadingRefused("no-objects", "This is an empty list; it holds nothing.")
        if isinstance(first.value, dict) and "Event" in first.value:
            return self._misp(strict_json.parse(self._data, self._limits.json))
        if not _is_stix(first.value):
            raise _not_intelligence(f"a list whose first entry is {_description_of(first.value)}")
        return self._stix(_format_of(first.value), _chained(first, elements), ())

    def _elements_of_list(self, wrapped: bytes) -> Iterator[RawElement]:
        envelope, elements = strict_json.objects_of(wrapped, "objects", self._limits_of_wrapped())
        if envelope:
            # The text closed the list and went on, which only looks right inside the wrapping.
            strict_json.parse(self._data, self._limits.json)
        return elements

    def _limits_of_wrapped(self) -> strict_json.Limits:
        limits = self._limits.json
        return replace(
            limits,
            max_bytes=limits.max_bytes + len(_LIST_OPENING) + len(_LIST_CLOSING),
            max_depth=limits.max_depth + 1,
            max_values=limits.max_values + 1,
        )

    def _stix(
        self,
        format_: Format,
        elements: Iterator[RawElement],
        path: tuple[str | int, ...] | None,
    ) -> Reading:
        issues = IssueList(self._limits.max_issues)

        def objects() -> Iterator[CheckedObject]:
            ahead = bool(_MAY_DEFINE_MARKINGS.search(self._data))
            markings, read = _markings_ahead(elements) if ahead else (Markings(), elements)
            checker = Checker(markings, self._default_tlp, self._limits.max_object_size, issues)
            for element in read:
                at = () if path is None else (*path, element.index)
                yield from checker.element(element, at, is_stix_2_0=format_ == "stix-2.0")

        return Reading(format_, objects(), issues)

    def _misp(self, document: Any) -> Reading:
        if next(events_in(document), None) is None:
            raise ReadingRefused("no-objects", "This looks like MISP, but there is no event in it.")
        issues = IssueList(self._limits.max_issues)

        def objects() -> Iterator[CheckedObject]:
            # converting takes a millisecond an attribute, so it waits until somebody wants the objects
            conversion = convert(document)
            checker = Checker(Markings(), self._default_tlp, self._limits.max_object_size, issues)
            for finding in conversion.findings:
                checker.note(finding)
            for index, value in enumerate(conversion.objects):
                yield from checker.converted(index, value)

        return Reading("misp", objects(), issues)


def _chained(first: RawElement, rest: Iterator[RawElement]) -> Iterator[RawElement]:
    yield first
    yield from rest


def _markings_ahead(elements: Iterator[RawElement]) -> tuple[Markings, Iterator[RawElement]]:
    """Read the marking definitions ahead: an object may stand before the definition it refers to.

    Meanwhile the elements wait as text and are read again; their values would fill the memory.
    """
    markings = Markings()
    waiting: deque[tuple[int, str, int]] = deque()
    for element in elements:
        if isinstance(element.value, dict) and element.value.get("type") == "marking-definition":
            markings.learn(element.value)
        waiting.append((element.index, element.text, element.line))
    return markings, _read_again(waiting)


def _read_again(waiting: deque[tuple[int, str, int]]) -> Iterator[RawElement]:
    while waiting:
        index, text, line = waiting.popleft()
        yield RawElement(index, text, json.loads(text), line)


def _is_stix(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str) and "id" in value


def _format_of(value: Mapping[str, Any]) -> Format:
    if value.get("spec_version") == SPEC_VERSION or value["type"] in OBSERVABLE_TYPES:
        return "stix-2.1"
    return "stix-2.0"


def _not_intelligence(found: str) -> ReadingRefused:
    return ReadingRefused("not-intelligence", f"This is {found}. Accepted are {ACCEPTED}.")


def _description_of(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object, but {_type_of(value)}"
    return kind_of(value)


def _type_of(value: Mapping[str, Any]) -> str:
    type_ = value.get("type")
    if not isinstance(type_, str):
        return "not a STIX object: it has no “type”"
    if "id" not in value:
        return f"not a STIX object: it has the type “{shown(type_)}” and no “id”"
    return f"not a bundle: its type is “{shown(type_)}”"
