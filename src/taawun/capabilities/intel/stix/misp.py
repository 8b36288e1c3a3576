"""From MISP events to STIX 2.1, through the converter misp-stix.

The converter is kept on a short lead: it sees a completed copy of the event, takes nothing from the
network, reads only its own templates, and what it makes up (random identifiers, the time of day) is
replaced by what follows from the event.
"""

import importlib
import json
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol

from taawun.capabilities.intel.stix.describing import references_of
from taawun.capabilities.intel.stix.findings import Finding, shown
from taawun.capabilities.intel.stix.identity import canonical_json, content_uuid
from taawun.capabilities.intel.stix.markings import with_tlp
from taawun.capabilities.intel.stix.misp_events import Event, events_in, prepare
from taawun.capabilities.intel.stix.validation import parse_time
from taawun.foundation.tlp import Tlp, from_stix_marking, stix_marking_definition

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM: Final = "4"
_TIMES: Final = ("created", "modified", "first_observed", "last_observed", "valid_from", "published")
_UNMAPPED: Final = re.compile(r"MISP (Attribute type|Object name) .* not mapped\.", re.DOTALL)
_UNMAPPED_TYPES: Final = frozenset({"x-misp-attribute", "x-misp-object"})
_LINKS: Final = frozenset({"note", "opinion", "relationship", "sighting"})
# Records that the converter writes into the object of the file they belong to.
_PARTS_OF_FILES: Final = frozenset({"pe", "pe-section"})
_LONGEST_TEXT: Final = 300


# Any, here and below: STIX and MISP objects are JSON of any shape.
@dataclass(frozen=True, slots=True)
class Conversion:
    """What a MISP file became.

    Attributes:
        objects: STIX 2.1, not yet validated: the markings that are used, then event by event.
        findings: what was noticed; paths from the top of the file.
    """

    objects: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]


class _Parser(Protocol):
    """The part of misp-stix's MISPtoSTIX21Parser that is used here."""

    stix_objects: list[Any]
    warnings: dict[str, list[str]]
    errors: dict[str, list[str]]

    def parse_misp_event(self, misp_event: dict[str, Any]) -> None: ...


def convert(document: Any) -> Conversion:
    """Convert all events of a MISP file.

    The level of an attribute is its own ``tlp:`` tag's, else the event's; a tag that is not known is RED.
    It marks all that the attribute became; what links several things is under the strictest of theirs.

    Args:
        document: the parsed file, in one of the shapes of :func:`~.misp_events.events_in`.

    Returns:
        The objects; the same file gives the same objects, byte for byte.
    """
    objects: dict[str, dict[str, Any]] = {}
    findings: list[Finding] = []
    for path, value in events_in(document):
        if not isinstance(value, dict):
            findings.append(Finding("error", "misp-no-object", path, {"kind": "event"}))
            continue
        event = prepare(value, path)
        converted = list(_converted(event))
        findings += event.findings
        # Two events of one organisation bring the same identity along.
        objects |= {canonical_json(each): each for each in converted}
    levels = {level for each in objects.values() for level in _levels_in(each)}
    definitions = [stix_marking_definition(level) for level in sorted(levels)]
    return Conversion((*definitions, *objects.values()), tuple(findings))


def _converted(event: Event) -> Iterator[dict[str, Any]]:
    # The clock of the machine, since the converter looks at no other.
    started = datetime.now(UTC)
    parser = _parser_class()()
    try:
        parser.parse_misp_event({"Event": event.value})
        objects = [json.loads(each.serialize()) for each in parser.stix_objects]
    # The converter meets a hostile event with whatever exception its depths happen to raise.
    except Exception as error:  # noqa: BLE001 - whatever the converter fails at is a finding of this event
        text = _one_line(f"{type(error).__name__}: {error}")
        event.findings.append(Finding("error", "misp-bad-event", event.path, {"text": text}))
        return
    objects = [each for each in objects if from_stix_marking(each["id"]) is None]
    _settle(objects, event, started)
    _report(parser, objects, event)
    yield from _Marker(objects, event).marked()


@cache
def _parser_class() -> type[_Parser]:
    # Loaded here, since it takes 0.4 s and 50 MB that only those should pay who read MISP.
    with warnings.catch_warnings():
        # Its dependencies were written for older Pythons and say so as they load; nobody here can mend that.
        warnings.simplefilter("ignore")
        converter = importlib.import_module("misp_stix_converter")
    # It logs what it also reports, values of the event included; what is confidential belongs in no log.
    for name in ("pymisp", "misp_stix_converter"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    parser: type[_Parser] = converter.MISPtoSTIX21Parser
    return parser


def _settle(objects: list[dict[str, Any]], event: Event, started: datetime) -> None:
    """Replace what the converter made up, in place: the time of day, and random identifiers."""
    time = datetime.fromtimestamp(event.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for each in objects:
        for name in _TIMES:
            instant = parse_time(each[name]) if isinstance(each.get(name), str) else None
            if instant is not None and instant >= started:
                each[name] = time
    known = {match[0] for match in _UUID.finditer(json.dumps(event.value).lower())}
    # Random identifiers inside the content count as no more than their type.
    made_up = {each["id"]: each["type"] for each in objects if _is_random(_uuid_of(each), known)}
    renamed: dict[str, str] = {}
    for each in objects:
        if each["id"] in made_up:
            content = canonical_json(_with_names(each, made_up))
            identifier = content_uuid("misp", event.value["uuid"], content)
            renamed[each["id"]] = f"{each['type']}--{identifier}"
    if renamed:
        objects[:] = [_with_names(each, renamed) for each in objects]


def _is_random(uuid: str, known: set[str]) -> bool:
    match = _UUID.fullmatch(uuid)
    return match is not None and match[1] == _RANDOM and uuid not in known


def _with_names(value: Any, renamed: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_names(each, renamed) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_names(each, renamed) for each in value]
    return renamed.get(value, value) if isinstance(value, str) else value


def _report(parser: _Parser, objects: list[dict[str, Any]], event: Event) -> None:
    """Say what the converter said, record by record where it names one."""
    messages = {text: "error" for texts in parser.errors.values() for text in texts}
    messages |= {text: "warning" for texts in parser.warnings.values() for text in texts}
    custom = {_uuid_of(each) for each in objects if each["type"] in _UNMAPPED_TYPES}
    kept = {_uuid_of(each) for each in objects}
    said = {text for text in messages if _UNMAPPED.fullmatch(text)}
    about: dict[str, list[str]] = {}
    for text in messages:
        for match in _UUID.finditer(text):
            about.setdefault(match[0], []).append(text)
    for identifier, (kind, type_, path) in event.records.items():
        params = {"kind": kind, "uuid": identifier, "type": type_}
        if identifier in custom:
            event.findings.append(Finding("warning", "misp-unmapped", path, params))
        elif identifier not in kept and type_ not in _PARTS_OF_FILES:
            reasons = about.get(identifier, [])
            event.findings.append(
                Finding("error", "misp-lost", path, params | {"text": _one_line(reasons[0])})
                if reasons
                else Finding("error", "misp-lost-silently", path, params)
            )
            said.update(reasons)
    for text, kind in messages.items():
        if text in said:
            continue
        # What is still there, if only as a MISP object inside STIX, was changed and not refused.
        is_error = kind == "error" and not any(match[0] in kept for match in _UUID.finditer(text))
        params = {"text": _one_line(text)}
        event.findings.append(
            Finding("error", "misp-error", event.path, params)
            if is_error
            else Finding("warning", "misp-warning", event.path, params)
        )


class _Marker:
    """Puts the levels that the event's tags name on what the event became."""

    def __init__(self, objects: list[dict[str, Any]], event: Event) -> None:
        self._objects = objects
        self._event = event
        self._levels = {each["id"]: self._level_of_record(each) for each in objects}

    def marked(self) -> Iterator[dict[str, Any]]:
        for each in self._objects:
            levels = [self._levels[each["id"]], *_levels_in(each)]
            if each["type"] in _LINKS:
                levels += [self._levels.get(reference.target) for reference in references_of(each)]
            tlp = max((level for level in levels if level is not None), default=None)
            yield each if tlp is None else with_tlp(each, tlp)

    def _level_of_record(self, value: dict[str, Any]) -> Tlp | None:
        return self._event.levels.get(_uuid_of(value), self._event.tlp)


def _levels_in(value: dict[str, Any]) -> list[Tlp]:
    levels = map(from_stix_marking, value.get("object_marking_refs", ()))
    return [level for level in levels if level is not None]


def _uuid_of(value: dict[str, Any]) -> str:
    return str(value["id"]).partition("--")[2]


def _one_line(text: str) -> str:
    # The converter's errors are tracebacks; what a reader needs is the first line and the last.
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shown(" ".join(dict.fromkeys([*lines[:1], *lines[-1:]])), _LONGEST_TEXT)
