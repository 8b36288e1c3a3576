"""MISP events as files hold them, made ready for conversion: complete, and the same at every reading."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from taawun.capabilities.intel.stix.findings import Finding, shown
from taawun.capabilities.intel.stix.identity import canonical_json, content_uuid
from taawun.foundation.tlp import Tlp, UnknownMarking

Path = tuple[str | int, ...]

_TLP_TAG: Final = re.compile(r"\s*tlp\s*:", re.IGNORECASE)
_SECONDS: Final = re.compile(r"\d{1,11}")
# Lists inside an event that are converted, and what one entry of each is called.
_RECORDS: Final[Mapping[str, str]] = {
    "Attribute": "attribute",
    "Object": "object",
    "EventReport": "report",
    "Sighting": "sighting",
    "Note": "note",
    "Opinion": "opinion",
}
_TIME_OF: Final[Mapping[str, str]] = {"Sighting": "date_sighting"}
# pymisp unpacks a sample, a ZIP archive with a known password, in memory and without a limit.
_SAMPLE: Final = "malware-sample"
# pymisp takes the first two as instructions where to look for templates on the disk; the rest is about
# other events.
_NOT_CONTENT: Final = frozenset(
    {"misp_objects_path_custom", "misp_objects_template_custom", "RelatedEvent", "ShadowAttribute"}
)


# Any, here and below: MISP events are JSON of any shape.
@dataclass(slots=True)
class Event:
    """A MISP event ready for conversion.

    Attributes:
        value: the event, a copy: deleted records are left out, and every record has a UUID and a time.
        path: the way to it in the file.
        seconds: its own time, seconds since 1970.
        tlp: the level its tags name; None where they name none.
        levels: the level of each attribute, object and report whose own tags or the event's name one, by
            UUID.
        records: kind, type and path of each object and of each attribute outside one, by UUID.
        findings: what was noticed; paths from the top of the file.
    """

    value: dict[str, Any]
    path: Path
    seconds: int
    tlp: Tlp | None
    levels: dict[str, Tlp] = field(default_factory=dict)
    records: dict[str, tuple[str, str, Path]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def events_in(document: Any) -> Iterator[tuple[Path, Any]]:
    """Find the events of a MISP file.

    Args:
        document: ``{"Event": …}``, ``{"response": …}`` around one or a list of those, or such a list.

    Yields:
        The way to each event, and the event as it stands, which need not be an object.
    """
    if isinstance(document, list):
        for position, entry in enumerate(document):
            yield from (((position, *path), event) for path, event in events_in(entry))
    elif isinstance(document, dict) and "Event" in document:
        yield ("Event",), document["Event"]
    elif isinstance(document, dict) and "response" in document:
        yield from ((("response", *path), event) for path, event in events_in(document["response"]))


def prepare(value: Mapping[str, Any], path: Path) -> Event:
    """Make an event ready for conversion.

    Args:
        value: the event; not changed.
        path: the way to it in the file.
    """
    return _Preparation(value, path).event


class _Preparation:
    def __init__(self, value: Mapping[str, Any], path: Path) -> None:
        self._findings: list[Finding] = []
        self._records: dict[str, tuple[str, str, Path]] = {}
        self._levels: dict[str, Tlp] = {}
        seconds = _seconds_of_event(value)
        if seconds is None:
            seconds = 0
            self._note("warning", "misp-undated", path)
        self._path = path
        self._seconds = seconds
        self._uuid = _uuid(value) or str(content_uuid("misp", canonical_json(dict(value))))
        if _uuid(value) is None:
            self._note("info", "misp-completed", path, kind="event")
        self._tlp = self._level(value, path)
        completed = self._completed(value, path, self._tlp)
        completed |= {"uuid": self._uuid, "timestamp": str(self._seconds)}
        self.event = Event(completed, path, seconds, self._tlp, self._levels, self._records, self._findings)

    def _completed(self, value: Mapping[str, Any], path: Path, tlp: Tlp | None) -> dict[str, Any]:
        completed = {name: each for name, each in value.items() if name not in _NOT_CONTENT}
        for name in _RECORDS.keys() & completed.keys():
            completed[name] = list(self._entries(name, completed[name], (*path, name), tlp))
        if "Tag" in completed:
            completed["Tag"] = [tag for tag in map(_completed_tag, _as_list(completed["Tag"])) if tag]
        if isinstance(completed.get("Galaxy"), list):
            completed["Galaxy"] = [_completed_galaxy(galaxy) for galaxy in completed["Galaxy"]]
        return completed

    def _entries(self, name: str, entries: Any, path: Path, tlp: Tlp | None) -> Iterator[dict[str, Any]]:
        kind = _RECORDS[name]
        for position, entry in enumerate(_as_list(entries)):
            place = (*path, position)
            if not isinstance(entry, dict):
                self._note("error", "misp-no-object", place, kind=kind)
            elif _is_true(entry.get("deleted")):
                self._note("info", "misp-deleted", place, kind=kind, uuid=shown(entry.get("uuid", "?")))
            else:
                yield self._entry(name, entry, place, tlp)

    def _entry(self, name: str, entry: Mapping[str, Any], path: Path, outer: Tlp | None) -> dict[str, Any]:
        kind = _RECORDS[name]
        identifier = _uuid(entry)
        if identifier is None:
            place = "/".join(map(str, path))
            identifier = str(content_uuid("misp", self._uuid, place, canonical_json(dict(entry))))
            self._note("info", "misp-completed", path, kind=kind)
        own = self._level(entry, path)
        tlp = outer if own is None else own
        completed = self._completed(entry, path, tlp) | {"uuid": identifier}
        time = _TIME_OF.get(name, "timestamp")
        if _seconds(completed.get(time)) is None:
            completed[time] = str(self._seconds)
        if completed.get("type") == _SAMPLE and completed.pop("data", None) is not None:
            self._note("warning", "misp-sample", path, uuid=identifier)
        if path[:-2] == self._path and name in {"Attribute", "Object"}:
            self._records[identifier] = (
                kind,
                shown(entry.get("type" if name == "Attribute" else "name", "?")),
                path,
            )
        inner = [self._levels[each] for each in self._uuids_inside(completed) if each in self._levels]
        strictest = max([*inner, *([] if tlp is None else [tlp])], default=None)
        if strictest is not None:
            self._levels[identifier] = strictest
        return completed

    @staticmethod
    def _uuids_inside(entry: Mapping[str, Any]) -> list[str]:
        attributes = entry.get("Attribute")
        return [each["uuid"] for each in attributes] if isinstance(attributes, list) else []

    def _level(self, value: Mapping[str, Any], path: Path) -> Tlp | None:
        """The strictest level that the record's own tags name; a tag that is not known is RED."""
        levels = []
        for position, tag in enumerate(_tags(value)):
            if not _TLP_TAG.match(tag):
                continue
            try:
                levels.append(Tlp.parse(tag))
            except UnknownMarking:
                levels.append(Tlp.RED)
                self._note("warning", "misp-unknown-tlp", (*path, "Tag", position), tag=shown(tag))
        return max(levels, default=None)

    def _note(self, severity: Any, code: str, path: Path, **params: str) -> None:
        self._findings.append(Finding(severity, code, path, params))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _completed_tag(tag: Any) -> dict[str, Any] | None:
    if isinstance(tag, str):
        return {"name": tag}
    return tag if isinstance(tag, dict) and isinstance(tag.get("name"), str) else None


def _completed_galaxy(galaxy: Any) -> Any:
    clusters = galaxy.get("GalaxyCluster") if isinstance(galaxy, dict) else None
    if not isinstance(clusters, list):
        return galaxy
    return {**galaxy, "GalaxyCluster": [_completed_cluster(each) for each in clusters]}


def _completed_cluster(cluster: Any) -> Any:
    if not isinstance(cluster, dict) or _uuid(cluster) is not None:
        return cluster
    # A cluster is the same thing in every event that names it.
    identifier = content_uuid("misp-galaxy", str(cluster.get("type")), str(cluster.get("value")))
    return {**cluster, "uuid": str(identifier)}


def _tags(value: Mapping[str, Any]) -> Iterator[str]:
    """The names of a record's tags, in whatever way an export nests them: a level must not be missed."""
    for property_ in ("Tag", "EventTag", "AttributeTag"):
        for tag in _as_list(value.get(property_)):
            inner = tag.get("Tag", tag) if isinstance(tag, dict) else tag
            name = inner.get("name") if isinstance(inner, dict) else inner
            if property_ == "Tag" or isinstance(name, str):
                yield name if isinstance(name, str) else ""


def _uuid(value: Mapping[str, Any]) -> str | None:
    text = value.get("uuid")
    try:
        identifier = uuid.UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    # The identifiers of STIX take versions 1 to 5 of the common variant only; any other would be refused
    # later.
    return str(identifier) if identifier is not None and identifier.version in range(1, 6) else None


def _seconds_of_event(value: Mapping[str, Any]) -> int | None:
    for name in ("timestamp", "publish_timestamp"):
        seconds = _seconds(value.get(name))
        if seconds:
            return seconds
    try:
        day = datetime.strptime(str(value.get("date")), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(day.timestamp())


def _seconds(value: Any) -> int | None:
    text = str(value)
    return int(text) if not isinstance(value, bool) and _SECONDS.fullmatch(text) else None


def _is_true(value: Any) -> bool:
    return value is True or value in {1, "1", "true"} if isinstance(value, bool | int | str) else False
