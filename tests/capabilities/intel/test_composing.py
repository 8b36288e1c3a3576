"""What this node writes itself as STIX."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from taawun.capabilities.intel.composing import (
    bundle,
    bundle_chunks,
    identity_id,
    identity_object,
    instant,
    report_object,
    sighting_object,
    stix_time,
)
from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.preparing import Origin, prepare_own
from taawun.capabilities.intel.stix import LoweringRefused, read, validate
from taawun.capabilities.intel.store import store
from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.queries import host
from taawun.foundation.tlp import Tlp, stix_marking_id
from tests.capabilities.intel.factories import bring
from tests.capabilities.intel.stix.examples import identifier

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 22, 7, 58, 3, 123987, tzinfo=UTC)
REFS = [identifier("indicator", 1)]


def test_an_instant_is_written_in_milliseconds() -> None:
    assert stix_time(AT) == "2026-11-22T07:58:03.123Z"


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-22T07:58:03Z", 0),
        ("2026-11-22T07:58:03.5Z", 500_000),
        ("2026-11-22T07:58:03.123456789Z", 123_456),
    ],
)
def test_a_timestamp_of_stix_is_read_to_the_microsecond(text: str, microsecond: int) -> None:
    assert instant(text) == datetime(2026, 11, 22, 7, 58, 3, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999Z", datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_every_instant_that_stix_takes_is_read(text: str, found: datetime) -> None:
    assert instant(text) == found


def test_a_version_after_a_leap_second_is_later_also_as_text(node: Organisation) -> None:
    previous = _said_by_us(modified="2099-12-31T23:59:60.500Z")
    following = report_object(_report(), previous, REFS, AT)["modified"]
    assert following == "2100-01-01T00:00:00.501Z"


def test_no_version_follows_the_end_of_the_calendar(node: Organisation) -> None:
    previous = _said_by_us(modified="9999-12-31T23:59:59.999Z")
    with pytest.raises(ReportRefused) as caught:
        report_object(_report(), previous, REFS, AT)
    assert caught.value.code == "no-later-version"


def _said_by_us(**changes: str) -> dict[str, Any]:
    return {**report_object(_report(), None, REFS, AT), **changes}


def test_who_speaks_is_the_same_valid_object_every_time_and_is_clear(node: Organisation) -> None:
    one, other = identity_object(), identity_object()
    assert one == other
    assert one["name"] == "Northern CERT"
    assert one["object_marking_refs"] == [stix_marking_id(Tlp.CLEAR)]
    assert validate(one, size=500) == ()


def test_who_speaks_under_another_name_is_a_later_version(node: Organisation) -> None:
    first = _said(identity_object())
    Organisation.objects.update(names={"en": "National CERT"})
    second = _said(identity_object())
    assert (second["id"], second["created"], second["name"]) == (
        first["id"],
        first["created"],
        "National CERT",
    )
    assert second["modified"] > first["modified"]
    assert identity_object() == second
    assert validate(second, size=500) == ()
    Organisation.objects.update(names={"en": "Northern CERT"})
    assert identity_object()["modified"] > second["modified"]


def test_what_a_file_says_of_us_is_not_our_word(node: Organisation) -> None:
    own = _said(identity_object())
    forged = {**own, "modified": "2099-01-01T00:00:00.000Z", "contact_information": "somebody else"}
    bring(forged)
    assert identity_object() == own


def _said(value: dict[str, Any]) -> dict[str, Any]:
    """Keep the object as one that left with a release."""
    release = Release.objects.create(
        kind="intel.report",
        subject=f"urn:x:{value['modified']}",
        version="1",
        tlp=0,
        title="",
        digest="",
        size=0,
    )
    for _counts in store([prepare_own(value, Tlp.CLEAR)], Origin(host(), release=release)):
        pass
    return value


def _report(**changes: object) -> Report:
    members = {
        "stix_id": identifier("report", 1),
        "title": "Wave 3",
        "summary": "So it was.",
        "tlp": Tlp.AMBER,
    }
    return Report(**{**members, **changes})


def test_a_report_is_written_as_valid_stix_under_its_marking(node: Organisation) -> None:
    value = report_object(_report(), None, REFS, AT)
    assert validate(value, size=500) == ()
    assert (value["name"], value["description"], value["object_refs"]) == ("Wave 3", "So it was.", REFS)
    assert (value["created"], value["modified"], value["published"]) == ("2026-11-22T07:58:03.123Z",) * 3
    assert value["object_marking_refs"] == [stix_marking_id(Tlp.AMBER)]
    assert value["created_by_ref"] == identity_object()["id"]


def test_the_next_version_is_later_than_the_last_even_if_the_clock_is_not(node: Organisation) -> None:
    first = report_object(_report(), None, REFS, AT)
    ahead = {**first, "modified": "2027-01-01T00:00:00.000999Z", "x_kept": 1}
    second = report_object(_report(summary=""), ahead, REFS, AT)
    assert second["modified"] == "2027-01-01T00:00:00.001Z"
    assert (second["created"], second["x_kept"]) == (first["created"], 1)
    assert "description" not in second


def test_a_grouping_of_somebody_else_becomes_one_of_ours(node: Organisation) -> None:
    previous = {
        "type": "grouping",
        "spec_version": "2.1",
        "id": identifier("grouping", 1),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "context": "suspicious-activity",
        "object_refs": REFS,
    }
    value = report_object(_report(stix_id=identifier("grouping", 1)), previous, REFS, AT)
    assert (value["type"], value["context"]) == ("grouping", "suspicious-activity")
    assert value["id"].startswith("grouping--")
    assert value["id"] != previous["id"]
    assert (value["created_by_ref"], value["created"]) == (identity_id(), "2026-11-22T07:58:03.123Z")
    assert "published" not in value
    assert validate(value, size=500) == ()


def test_a_version_under_a_weaker_marking_is_not_written(node: Organisation) -> None:
    first = report_object(_report(), None, REFS, AT)
    with pytest.raises(LoweringRefused):
        report_object(_report(tlp=Tlp.GREEN), first, REFS, AT)


def test_a_sighting_is_valid_and_says_who_saw_what(node: Organisation) -> None:
    value = sighting_object(
        of=REFS[0], count=3, first_seen=AT, last_seen=AT, note="", tlp=Tlp.AMBER_STRICT, at=AT
    )
    assert validate(value, size=500) == ()
    assert (value["sighting_of_ref"], value["where_sighted_refs"]) == (REFS[0], [identity_object()["id"]])
    assert "description" not in value


def test_a_bundle_holds_its_objects_to_the_letter_and_every_marking_they_name(node: Organisation) -> None:
    odd = f'{{"type": "domain-name",  "id": "{identifier("domain-name", 1)}", "value": "a.example"}}'
    data = bundle([odd], [Tlp.AMBER])
    assert odd.encode() in data
    reading = read(data, default_tlp=Tlp.RED)
    levels = {each.type: each.tlp for each in reading.objects if each.type != "marking-definition"}
    assert levels == {"identity": Tlp.CLEAR, "domain-name": Tlp.RED}
    ids = {each["id"] for each in json.loads(data)["objects"]}
    assert {stix_marking_id(Tlp.CLEAR), stix_marking_id(Tlp.AMBER)} <= ids


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_bundle_in_pieces_is_one_json_text(count: int) -> None:
    texts = [json.dumps({"n": number}) for number in range(count)]
    whole = json.loads(b"".join(bundle_chunks(texts)))
    assert (whole["type"], whole["objects"]) == ("bundle", [{"n": number} for number in range(count)])
