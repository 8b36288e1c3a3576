"""Composing what leaves: our identity, a report's own object, a sighting, and the bundle that carries them."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import StixObject
from taawun.capabilities.intel.stix import with_tlp
from taawun.capabilities.intel.stix.checking import written
from taawun.capabilities.intel.stix.validation import parse_time
from taawun.cooperation.people.queries import host
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp, from_stix_marking, stix_marking_definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from taawun.capabilities.intel.models import Report

__all__ = [
    "DERIVED",
    "MAY_COUNT",
    "bundle",
    "bundle_chunks",
    "derivation_object",
    "identity_id",
    "identity_object",
    "instant",
    "observation_object",
    "report_object",
    "sighting_object",
    "stix_time",
    "text_under",
    "value_under",
]

DERIVED: Final = "derived-from"
_MILLISECOND: Final = timedelta(milliseconds=1)
_LEAP_SECOND, _LEAP = ":60", timedelta(seconds=1)

# a property of ours of a sighting (STIX 2.1, section 11.3): whoever told of the object may share it on as a count
MAY_COUNT: Final = "x_taawun_may_count"


def stix_time(at: datetime) -> str:
    """An instant as STIX writes it, in milliseconds (STIX 2.1, section 2.16)."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def instant(text: str) -> datetime:
    """A STIX timestamp; digits beyond microseconds are cut, and a leap second is the second before it.

    STIX takes any instant of the calendar, and so does this; our own documents are stricter (foundation/clock.py).

    Args:
        text: as it stands in an object that was checked.

    Raises:
        ValueError: it is no timestamp.
    """
    found = parse_time(text)
    if found is None:
        raise ValueError(f"{text[:40]!a} is no STIX timestamp")
    return found


def _later_than(modified: str, at: datetime) -> datetime:
    """A time for the version that follows another: now, or a moment after it where its clock was ahead.

    Raises:
        ReportRefused: no later time can be written.
    """
    # a leap second reads as the second before it, and the next version sorts behind it all the same
    step = _LEAP + _MILLISECOND if _LEAP_SECOND in modified else _MILLISECOND
    try:
        return max(at, instant(modified) + step)
    except OverflowError:
        raise ReportRefused(
            "no-later-version",
            _(
                "Its last version is dated to the end of the calendar, so none can follow it. Write a report of your "
                "own that names its objects."
            ),
        ) from None


def identity_id() -> str:
    """The identifier under which this node's organisation speaks; it never changes."""
    return f"identity--{uuid.uuid5(uuid.NAMESPACE_URL, settings.BASE_URL)}"


def identity_object() -> dict[str, Any]:
    """Who speaks: this node's organisation, as it said last, or anew where it is called otherwise since.

    It is marked TLP:CLEAR in its own words, because it travels with things that are not. One version has one
    wording (STIX 2.1, section 3.6.2), so another name is another ``modified``.
    """
    organisation = host()
    since = stix_time(organisation.created)
    value = with_tlp(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": identity_id(),
            "created": since,
            "modified": since,
            "name": organisation.name.in_language("en").value,
            "identity_class": "organization",
        },
        Tlp.CLEAR,
    )
    last = _last_said(value["id"])
    if last is None:
        return value
    if all(last.get(name) == said for name, said in value.items() if name != "modified"):
        return last
    return value | {"modified": stix_time(_later_than(last["modified"], now()))}


def _last_said(stix_id: str) -> dict[str, Any] | None:
    """The newest version of an object that left this node; what a file says of us is not our word."""
    held = StixObject.objects.filter(
        stix_id=stix_id, sources__release__isnull=False, sources__release__origin__isnull=True
    )
    text = held.order_by("-version", "-id").values_list("text", flat=True).first()
    said: dict[str, Any] | None = orjson.loads(text) if text else None
    return said


def report_object(
    report: Report, previous: dict[str, Any] | None, object_refs: Sequence[str], at: datetime
) -> dict[str, Any]:
    """A report of ours as a STIX object in its next version.

    What somebody else wrote is theirs: only the creator of an object makes new versions of it, and whoever else
    changes it makes an object of their own (STIX 2.1, section 3.6.2).

    Args:
        report: the row: title, summary and marking come from it.
        previous: its last version, or the one of somebody else that it was made from, or None; what we do not
            know of it is kept.
        object_refs: what it speaks of; at least one.
        at: now. The version is always later than the last one.

    Returns:
        The next version; under a new identifier and in our name where the previous one was not ours.

    Raises:
        ReportRefused: nothing can be later than its last version.
    """
    kept = dict(previous or {})
    is_ours = kept.get("created_by_ref") == identity_id()
    if previous and is_ours:
        at = _later_than(previous["modified"], at)
    moment = stix_time(at)
    type_ = str(kept.get("type") or report.stix_id.partition("--")[0])
    value: dict[str, Any] = {"type": type_, **kept, "spec_version": "2.1", "id": report.stix_id}
    if not is_ours:
        value.pop("revoked", None)
        value |= {"created_by_ref": identity_id(), "created": moment}
    if previous and not is_ours:
        value["id"] = f"{type_}--{uuid.uuid4()}"
    value |= {"modified": moment, "name": report.title}
    if report.summary:
        value["description"] = report.summary
    else:
        value.pop("description", None)
    if value["type"] == "report":
        value["published"] = moment
    value["object_refs"] = list(object_refs)
    return with_tlp(value, Tlp(report.tlp))


def derivation_object(value: dict[str, Any], source: str, tlp: Tlp) -> dict[str, Any]:
    """That a report of ours was made from somebody else's (STIX 2.1, sections 3.6.2 and 3.7).

    Args:
        value: our report in its first version.
        source: identifier of the report it was made from.
        tlp: the marking of ours, which is never weaker than that of the other.
    """
    tie = {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid4()}",
        "created_by_ref": identity_id(),
        "created": value["created"],
        "modified": value["created"],
        "relationship_type": DERIVED,
        "source_ref": value["id"],
        "target_ref": source,
    }
    return with_tlp(tie, tlp)


def observation_object(
    of: str, count: int, times: tuple[datetime, datetime], tlp: Tlp, at: datetime
) -> dict[str, Any]:
    """That this node observed something (STIX 2.1, section 4.14): what a sighting of an observable is a sighting of.

    Args:
        of: the observable.
        count: how often.
        times: when first and when last.
        tlp: its marking.
        at: now.
    """
    moment, (first, last) = stix_time(at), times
    value = {
        "type": "observed-data",
        "spec_version": "2.1",
        "id": f"observed-data--{uuid.uuid4()}",
        "created_by_ref": identity_id(),
        "created": moment,
        "modified": moment,
        "first_observed": stix_time(first),
        "last_observed": stix_time(last),
        "number_observed": count,
        "object_refs": [of],
    }
    return with_tlp(value, tlp)


def sighting_object(  # noqa: PLR0913 - each is a property of a sighting
    *,
    of: str,
    count: int,
    first_seen: datetime,
    last_seen: datetime,
    note: str,
    tlp: Tlp,
    at: datetime,
    may_count: bool = False,
    is_count: bool = False,
) -> dict[str, Any]:
    """A sighting by this node (STIX 2.1, section 5.2).

    Args:
        of: a domain object; for an observable, the :func:`observation_object` that names it.
        count: how often.
        first_seen: when first.
        last_seen: when last.
        note: in words; may be empty.
        tlp: its marking.
        at: now.
        may_count: whether it may be shared on as a count.
        is_count: whether it is a count of what several nodes saw: it says nothing of where.
    """
    moment, identity = stix_time(at), identity_id()
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
    }
    if is_count:
        value["summary"] = True
    else:
        value["where_sighted_refs"] = [identity]
    if may_count:
        value[MAY_COUNT] = True
    if of.startswith("observed-data--"):
        value["observed_data_refs"] = [of]
    if note:
        value["description"] = note
    return with_tlp(value, tlp)


def text_under(text: str, tlp: Tlp) -> str:
    """An object as it leaves this node, whoever takes it out: under the level it is held under.

    It may have come under a stricter level than its own text says, or be marked by whoever imported it. Its text alone
    would let the next reader judge it by less.

    Args:
        text: as it is held; empty where it was withdrawn.
        tlp: the level it is held under.

    Returns:
        The same text where it says that level itself, or a stricter one; else the object with that marking.
    """
    value = orjson.loads(text or "{}")
    if not value or _says(value, tlp):
        return text
    return written(value_under(text, tlp))


# Any: a STIX object is JSON of any shape
def value_under(text: str, tlp: Tlp) -> dict[str, Any]:
    """The same as a value; nothing where the object was withdrawn."""
    # json keeps whole numbers of any length, and this may be written out again
    value: dict[str, Any] = json.loads(text or "{}")
    return value if not value or _says(value, tlp) else with_tlp(value, tlp)


def _says(value: Mapping[str, Any], tlp: Tlp) -> bool:
    """Whether an object says itself that it is under this level, or a stricter one."""
    # the protocol's own definitions are what they are, wherever they come from
    if from_stix_marking(value["id"]) is not None:
        return True
    said = (from_stix_marking(each) for each in value.get("object_marking_refs", ()))
    return any(level is not None and level >= tlp for level in said)


def bundle(texts: Iterable[str], markings: Iterable[Tlp]) -> bytes:
    """A STIX bundle of these objects to the letter, of who speaks, and of the markings they bear."""
    own = [
        orjson.dumps(identity_object()),
        *(orjson.dumps(stix_marking_definition(each)) for each in sorted({Tlp.CLEAR, *markings})),
    ]
    objects = b",".join([*own, *(text.encode() for text in texts)])
    return (
        b'{"type":"bundle","id":"bundle--' + str(uuid.uuid4()).encode() + b'","objects":[' + objects + b"]}"
    )


def bundle_chunks(texts: Iterable[str]) -> Iterator[bytes]:
    """A bundle of these objects to the letter, piece by piece."""
    yield b'{"type":"bundle","id":"bundle--' + str(uuid.uuid4()).encode() + b'","objects":['
    separator = b""
    for text in texts:
        yield separator + text.encode()
        separator = b",\n"
    yield b"]}\n"
