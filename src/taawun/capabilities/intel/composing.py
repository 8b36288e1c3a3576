"""Composing what leaves: our identity, a report's own object, a sighting, and the bundle that carries them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings

from taawun.capabilities.intel.stix import with_tlp
from taawun.cooperation.people.queries import host
from taawun.foundation.clock import parse_timestamp
from taawun.foundation.tlp import Tlp, stix_marking_definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from taawun.capabilities.intel.models import Report

__all__ = [
    "bundle",
    "bundle_chunks",
    "identity_object",
    "instant",
    "report_object",
    "sighting_object",
    "stix_time",
]

_MILLISECOND: Final = timedelta(milliseconds=1)


def stix_time(at: datetime) -> str:
    """An instant as STIX writes it, in milliseconds (STIX 2.1, section 2.16)."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def instant(text: str) -> datetime:
    """A STIX timestamp; digits beyond microseconds, which STIX allows, are cut.

    Args:
        text: as it stands in an object that was checked.
    """
    seconds, _dot, fraction = text.rstrip("Z").partition(".")
    return parse_timestamp(f"{seconds}.{fraction[:6] or '0'}Z")


def identity_object() -> dict[str, Any]:
    """Who speaks: this node's organisation, under an identifier that never changes.

    It is marked TLP:CLEAR in its own words, because it travels with things that are not.
    """
    organisation = host()
    since = stix_time(organisation.created)
    value = {
        "type": "identity",
        "spec_version": "2.1",
        "id": f"identity--{uuid.uuid5(uuid.NAMESPACE_URL, settings.BASE_URL)}",
        "created": since,
        "modified": since,
        "name": organisation.name.in_language("en").value,
        "identity_class": "organization",
    }
    return with_tlp(value, Tlp.CLEAR)


def report_object(
    report: Report, previous: dict[str, Any] | None, object_refs: Sequence[str], at: datetime
) -> dict[str, Any]:
    """A report's STIX object in its next version.

    Args:
        report: the row: title, summary and marking come from it.
        previous: its last version, or None; what we do not know of it is kept.
        object_refs: what it speaks of; at least one.
        at: now. The version is always later than the last one.
    """
    if previous:
        at = max(at, instant(previous["modified"]) + _MILLISECOND)
    moment = stix_time(at)
    value: dict[str, Any] = dict(previous or {})
    value.setdefault("type", report.stix_id.partition("--")[0])
    value |= {"spec_version": "2.1", "id": report.stix_id, "modified": moment, "name": report.title}
    value.setdefault("created", moment)
    value.setdefault("created_by_ref", identity_object()["id"])
    if report.summary:
        value["description"] = report.summary
    else:
        value.pop("description", None)
    if value["type"] == "report":
        value["published"] = moment
    value["object_refs"] = list(object_refs)
    return with_tlp(value, Tlp(report.tlp))


def sighting_object(  # noqa: PLR0913 - each is a property of a sighting
    *, of: str, count: int, first_seen: datetime, last_seen: datetime, note: str, tlp: Tlp, at: datetime
) -> dict[str, Any]:
    """A sighting by this node (STIX 2.1, section 5.2)."""
    moment, identity = stix_time(at), identity_object()["id"]
    value: dict[str, Any] = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": f"sighting--{uuid.uuid4()}",
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "first_seen": stix_time(first_seen),
        "last_seen": stix_time(last_seen),
        "count": count,
        "sighting_of_ref": of,
        "where_sighted_refs": [identity],
    }
    if note:
        value["description"] = note
    return with_tlp(value, tlp)


def bundle(texts: Iterable[str], markings: Iterable[Tlp]) -> bytes:
    """A STIX bundle of these objects, each exactly as it is held, of who speaks, and of the markings they bear."""
    own = [
        orjson.dumps(identity_object()),
        *(orjson.dumps(stix_marking_definition(each)) for each in sorted({Tlp.CLEAR, *markings})),
    ]
    objects = b",".join([*own, *(text.encode() for text in texts)])
    return (
        b'{"type":"bundle","id":"bundle--' + str(uuid.uuid4()).encode() + b'","objects":[' + objects + b"]}"
    )


def bundle_chunks(texts: Iterable[str]) -> Iterator[bytes]:
    """A bundle of these objects piece by piece, each object exactly as it is held."""
    yield b'{"type":"bundle","id":"bundle--' + str(uuid.uuid4()).encode() + b'","objects":['
    separator = b""
    for text in texts:
        yield separator + text.encode()
        separator = b",\n"
    yield b"]}\n"
