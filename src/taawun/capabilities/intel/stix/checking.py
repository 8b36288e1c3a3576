"""From what stands in a file to checked objects: raised to STIX 2.1, validated, marked, each once."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from taawun.capabilities.intel.stix.describing import Reference, name_of, references_of, summary_of
from taawun.capabilities.intel.stix.findings import Finding, Issue, IssueList, kind_of, pointer, shown
from taawun.capabilities.intel.stix.identity import OBSERVABLE_TYPES
from taawun.capabilities.intel.stix.markings import Markings
from taawun.capabilities.intel.stix.schemas import is_standard
from taawun.capabilities.intel.stix.upgrade import SPEC_VERSION, upgrade
from taawun.capabilities.intel.stix.validation import validate
from taawun.foundation.strict_json import RawElement
from taawun.foundation.tlp import Tlp

_Path = tuple[str | int, ...]
log: Final = logging.getLogger(__name__)


# Any, here and below: STIX objects are JSON of any shape; `value` of a checked object has passed validation.
@dataclass(frozen=True, slots=True)
class CheckedObject:
    """A valid object of STIX 2.1.

    Attributes:
        index: its place in the file, from 0; what one object of the file became shares its index.
        line: the line of the file it begins on, from 1; 0 for what was converted from MISP.
        stix_id: its identifier.
        type: its STIX type.
        version: ``modified``, else ``created``, else (for an observable) empty.
        text: the object as this node serves it: its exact source, or STIX 2.1 as written here.
        received: the exact source, where it differs from ``text``; empty otherwise, and for what was
            converted from MISP or taken out of observed data, whose source is the file.
        value: what ``text`` reads as.
        tlp: the level it is under: its own, else the importer's.
        is_marked: whether the level is its own.
        name: what a person would call it; at most 500 characters, possibly empty.
        summary: what it says in words; possibly empty.
        refs: what it refers to, without markings.
        place: the way to it from the top of the file, as in an issue; empty where it has none.
    """

    index: int
    line: int
    stix_id: str
    type: str
    version: str
    text: str
    received: str
    value: dict[str, Any]
    tlp: Tlp
    is_marked: bool
    name: str
    summary: str
    refs: tuple[Reference, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where an object of the file stands; what is said of the whole file has no index."""

    index: int | None
    line: int
    path: _Path
    text: str = ""


class Checker:
    """Checks the objects of one file, one after the other.

    Args:
        markings: the marking definitions that are known.
        default_tlp: the level of objects whose own markings name none.
        max_object_size: of one object, in characters.
        issues: where everything that is noticed goes.
    """

    def __init__(self, markings: Markings, default_tlp: Tlp, max_object_size: int, issues: IssueList) -> None:
        self._markings = markings
        self._default_tlp = default_tlp
        self._max_object_size = max_object_size
        self._issues = issues
        # Identifier and version, with a hash of the content; the objects themselves are not held.
        self._seen: dict[tuple[str, str], int] = {}

    def element(self, element: RawElement, path: _Path, *, is_stix_2_0: bool) -> Iterator[CheckedObject]:
        """Check one element of a STIX file.

        Args:
            element: as it stands in the file.
            path: the way to it from the top of the file.
            is_stix_2_0: whether the file says that it is STIX 2.0, so that a missing ``spec_version`` is
                no surprise.

        Yields:
            The object; observed data of STIX 2.0 comes after the observables it held. Nothing when any of
            it is invalid.
        """
        source = _Source(element.index, element.line, path, element.text)
        try:
            found = list(self._element(element, source, is_stix_2_0=is_stix_2_0))
        except Exception:
            # whatever one object does to us, the others of its file are read, and its sender learns which it was
            log.exception("object %d of a file could not be read", element.index)
            self._add(source, Finding("error", "object-fault"), element.value)
            return
        yield from found

    def _element(self, element: RawElement, source: _Source, *, is_stix_2_0: bool) -> Iterator[CheckedObject]:
        refusal = self._refusal(element)
        if refusal is not None:
            self._add(source, refusal, element.value)
            return
        value: dict[str, Any] = element.value
        version = value.get("spec_version")
        if version == SPEC_VERSION or (version is None and _is_observable(value)):
            yield from self._checked([(value, element.text, ())], source)
        elif version is None or version == "2.0":
            if version is None and not is_stix_2_0:
                self._add(source, Finding("warning", "read-as-2.0"), value)
            yield from self._upgraded(value, source)
        else:
            params = {"found": shown(version)}
            self._add(source, Finding("error", "unknown-spec-version", ("spec_version",), params), value)

    def converted(self, index: int, value: dict[str, Any]) -> Iterator[CheckedObject]:
        """Check an object that was converted from another format, and so has no place in the file.

        Args:
            index: which of the converted objects it is, from 0.
            value: the object in STIX 2.1.
        """
        yield from self._checked([(value, written(value), ())], _Source(index, 0, ()))

    def note(self, finding: Finding) -> None:
        """Keep a finding about the file rather than about one STIX object; its path is from the top."""
        self._add(_Source(None, 0, ()), finding, None)

    def _refusal(self, element: RawElement) -> Finding | None:
        value = element.value
        if not isinstance(value, dict):
            return Finding("error", "not-an-object", (), {"found": kind_of(value)})
        if len(element.text) > self._max_object_size:
            params = {"size": str(len(element.text)), "limit": str(self._max_object_size)}
            return Finding("error", "object-too-large", (), params)
        type_ = value.get("type")
        if not isinstance(type_, str) or not type_:
            return Finding("error", "no-type", ("type",))
        return Finding("error", "bundle-in-bundle", ("type",)) if type_ == "bundle" else None

    def _upgraded(self, value: dict[str, Any], source: _Source) -> Iterator[CheckedObject]:
        raised = upgrade(value)
        for finding in raised.findings:
            self._add(source, finding, value)
        parts = [(each, written(each), ("objects", key)) for key, each in raised.observables.items()]
        yield from self._checked([*parts, (raised.value, written(raised.value), ())], source)

    def _checked(
        self, parts: Sequence[tuple[dict[str, Any], str, _Path]], source: _Source
    ) -> Iterator[CheckedObject]:
        """Check what one object of the file became; one error refuses all of it."""
        is_refused = False
        for value, text, path in parts:
            for finding in validate(value, size=len(text)):
                self._add(source, finding, value, path)
                is_refused = is_refused or finding.severity == "error"
        if is_refused:
            return
        for value, text, path in parts:
            checked = self._object(value, text, path, source)
            if checked is not None:
                yield checked

    def _object(self, value: dict[str, Any], text: str, path: _Path, source: _Source) -> CheckedObject | None:
        version = _version_of(value)
        if self._is_repeated(value, version, path, source):
            return None
        judgement = self._markings.judge(value, self._default_tlp)
        for finding in judgement.findings:
            self._add(source, finding, value, path)
        return CheckedObject(
            index=source.index or 0,
            line=source.line,
            stix_id=value["id"],
            type=value["type"],
            version=version,
            text=text,
            received=source.text if not path and text != source.text else "",
            value=value,
            tlp=judgement.tlp,
            is_marked=judgement.is_own,
            name=name_of(value),
            summary=summary_of(value),
            refs=references_of(value),
            place=pointer((*source.path, *path)),
        )

    def _is_repeated(self, value: dict[str, Any], version: str, path: _Path, source: _Source) -> bool:
        content = hash(_sorted_bytes(value))
        key = (value["id"], version)
        before = self._seen.get(key)
        if before is None:
            self._seen[key] = content
            return False
        if before == content:
            # What several observations saw is the same observable; that is no news.
            finding = None if path else Finding("info", "repeated-object")
        elif version:
            finding = Finding("error", "same-version-differs")
        else:
            finding = Finding("warning", "observable-differs")
        if finding is not None:
            self._add(source, finding, value, path)
        return True

    def _add(self, source: _Source, finding: Finding, value: Any, path: _Path = ()) -> None:
        identifier = value.get("id") if isinstance(value, dict) else None
        self._issues.add(
            Issue(
                severity=finding.severity,
                code=finding.code,
                place=pointer((*source.path, *path, *finding.path)),
                line=source.line or None,
                object_id=identifier if isinstance(identifier, str) else "",
                message=finding.message,
                params=finding.params,
            ),
            source.index,
        )


def written(value: Mapping[str, Any]) -> str:
    """Write an object the one way this node writes STIX: in the order of the object, without spaces."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # Whole numbers of more than 64 bits, which orjson does not write.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_observable(value: Mapping[str, Any]) -> bool:
    # An observable of STIX 2.1 may leave its spec_version out; any other object without one is STIX 2.0.
    if value["type"] in OBSERVABLE_TYPES:
        return True
    return not is_standard(value["type"]) and "created" not in value and "modified" not in value


def _version_of(value: Mapping[str, Any]) -> str:
    if value["type"] in OBSERVABLE_TYPES:
        return ""
    return str(value.get("modified") or value.get("created") or "")


def _sorted_bytes(value: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, sort_keys=True).encode()
