import json
import resource
from typing import Any

import pytest

from taawun.capabilities.intel.stix import SENTENCES, Finding, validate
from taawun.capabilities.intel.stix.validation import PATTERN_LIMIT, parse_time
from tests.capabilities.intel.stix.examples import (
    LATER,
    TIME,
    TLP_CLEAR,
    identifier,
    marking,
    sco,
    sdo,
    statement,
)

VALID = [
    sdo("attack-pattern", name="x"),
    sdo("campaign", name="x", first_seen="2020-01-01T00:00:00Z", last_seen="2020-01-01T00:00:00Z"),
    sdo("course-of-action", name="x"),
    sdo("grouping", context="suspicious-activity", object_refs=[identifier("tool")]),
    sdo("identity", name="XN CERT", identity_class="organization"),
    sdo("incident", name="x"),
    sdo("indicator", pattern="[url:value = 'x']", pattern_type="stix", valid_from=TIME, valid_until=LATER),
    sdo("infrastructure", name="x"),
    sdo("intrusion-set", name="x"),
    sdo("location", country="XN"),
    sdo("malware", is_family=False),
    sdo("malware", name="x", is_family=True),
    sdo("malware-analysis", product="x", result="malicious"),
    sdo("note", content="x", object_refs=[identifier("tool")]),
    sdo(
        "observed-data",
        first_observed=TIME,
        last_observed=LATER,
        number_observed=1,
        object_refs=[identifier("url")],
    ),
    sdo("opinion", opinion="agree", object_refs=[identifier("tool")]),
    sdo("report", name="x", published=TIME, object_refs=[identifier("tool")]),
    sdo("threat-actor", name="x"),
    sdo("tool", name="x"),
    sdo("vulnerability", name="x"),
    sdo(
        "relationship",
        relationship_type="uses",
        source_ref=identifier("tool"),
        target_ref=identifier("malware"),
    ),
    sdo("sighting", sighting_of_ref=identifier("indicator")),
    sdo("language-content", object_ref=identifier("tool"), contents={"fr": {"name": "outil"}}),
    sdo("x-mitre-tactic", name="x", x_mitre_shortname="y"),
    statement(1),
    sco("artifact", payload_bin="aGVsbG8="),
    {**sco("autonomous-system"), "number": 64512},
    sco("domain-name", value="a.example"),
    sco("domain-name", value="موقع.مثال"),
    sco("email-addr", value="someone@a.example"),
    sco("file", hashes={"SHA-256": "a" * 64}),
    sco("ipv4-addr", value="192.0.2.1/24"),
    sco("ipv6-addr", value="2001:db8::1"),
    sco("ipv6-addr", value="::ffff:192.0.2.1"),
    sco("ipv6-addr", value="2001:db8::/32"),
    sco("mac-addr", value="d2:fb:49:24:37:18"),
    sco("network-traffic", protocols=["tcp"], src_ref=identifier("ipv4-addr")),
    sco("url", value="https://a.example/x"),
    sco("x-thing", x_value="y"),
    sdo("tool", name="x", created="2016-12-31T23:59:60.000Z"),
    sdo("tool", name="x", first_seen="a custom property, for a tool has none of this name"),
    sco("mutex", name="x", created="likewise"),
]

TOOL = sdo("tool", name="x")
RELATIONSHIP = sdo(
    "relationship", relationship_type="uses", source_ref=identifier("tool"), target_ref=identifier("malware")
)
INVALID: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, tuple[str | int, ...]]]]] = [
    (TOOL, {"name": 7}, [("wrong-type", ("name",))]),
    (TOOL, {"name": None}, [("empty-value", ("name",))]),
    (TOOL, {"created": True}, [("wrong-type", ("created",))]),
    (TOOL, {"labels": []}, [("empty-value", ("labels",))]),
    (TOOL, {"labels": ["a", 2]}, [("wrong-type", ("labels", 1))]),
    (TOOL, {"x_custom": None}, [("empty-value", ("x_custom",))]),
    (TOOL, {"X": 1}, [("unexpected-property", ("X",))]),
    (TOOL, {"severity": "high"}, [("reserved-property", ())]),
    (TOOL, {"confidence": 101}, [("number-out-of-range", ("confidence",))]),
    (TOOL, {"id": "tool--7"}, [("bad-identifier", ("id",))]),
    (TOOL, {"id": identifier("malware")}, [("wrong-prefix", ("id",))]),
    (TOOL, {"created": "2024-01-31"}, [("bad-timestamp", ("created",))]),
    (TOOL, {"created": "2024-01-31T12:00:00Z"}, [("bad-timestamp", ("created",))]),
    (TOOL, {"created": "2023-02-30T12:00:00.000Z"}, [("bad-timestamp", ("created",))]),
    (TOOL, {"created": "2024-01-31T12:00:00.000+00:00"}, [("bad-timestamp", ("created",))]),
    (TOOL, {"created": LATER}, [("modified-before-created", ("modified",))]),
    (TOOL, {"created_by_ref": "someone"}, [("bad-identifier", ("created_by_ref",))]),
    (TOOL, {"spec_version": "3.0"}, [("not-in-list", ("spec_version",))]),
    (TOOL, {"extensions": {"foo": {"a": 1}}}, [("unexpected-property", ("extensions", "foo"))]),
    (
        TOOL,
        {"external_references": [{"source_name": "a", "url": "a b"}]},
        [("bad-format", ("external_references", 0, "url"))],
    ),
    (
        TOOL,
        {"external_references": [{"source_name": "cve", "external_id": "2024-1"}]},
        [("bad-form", ("external_references", 0, "external_id"))],
    ),
    (
        TOOL,
        {"granular_markings": [{"selectors": ["name"], "marking_ref": identifier("tool")}]},
        [("wrong-prefix", ("granular_markings", 0, "marking_ref"))],
    ),
    (RELATIONSHIP, {"target_ref": identifier("sighting")}, [("not-allowed", ("target_ref",))]),
    (RELATIONSHIP, {"relationship_type": "Uses!"}, [("bad-form", ("relationship_type",))]),
    (sdo("malware", is_family=True), {}, [("missing-property", ("name",))]),
    (sdo("malware"), {}, [("missing-property", ("is_family",))]),
    (sdo("opinion", object_refs=[identifier("tool")]), {"opinion": "maybe"}, [("not-in-list", ("opinion",))]),
    (sdo("x-thing"), {"id": identifier("x-other")}, [("wrong-prefix", ("id",))]),
    (sdo("X-Thing!"), {}, [("bad-form", ("type",)), ("bad-identifier", ("id",))]),
    (sco("file", name="x"), {"hashes": {"MD5": "xyz"}}, [("bad-hash", ("hashes", "MD5"))]),
    (sco("file", name="x"), {"magic_number_hex": "xyz"}, [("bad-encoding", ("magic_number_hex",))]),
    (sco("artifact"), {"payload_bin": "?"}, [("bad-encoding", ("payload_bin",))]),
    (sco("ipv4-addr"), {"value": "192.0.2.256"}, [("bad-address", ("value",))]),
    (sco("ipv6-addr"), {"value": "s::1"}, [("bad-address", ("value",))]),
    (sco("mac-addr"), {"value": "D2-FB"}, [("bad-address", ("value",))]),
    (sco("url"), {}, [("missing-property", ("value",))]),
    (marking(1, definition_type="statement"), {}, [("missing-property", ("definition",))]),
]


def judged(value: dict[str, Any]) -> tuple[Finding, ...]:
    return validate(value, size=len(json.dumps(value)))


@pytest.mark.parametrize("value", VALID, ids=lambda value: value["type"])
def test_a_valid_object_of_every_type_passes(value):
    assert judged(value) == ()


@pytest.mark.parametrize(("value", "change", "expected"), INVALID)
def test_an_invalid_object_is_refused_with_the_place(value, change, expected):
    findings = judged({**value, **change})
    assert sorted((each.code, each.path) for each in findings) == sorted(expected)
    assert {each.severity for each in findings} == {"error"}


@pytest.mark.parametrize("name", ["spec_version", "id", "created", "modified"])
def test_each_common_property_is_needed(name):
    value = {**sdo("tool", name="x")}
    del value[name]
    assert [(each.code, each.path) for each in judged(value)] == [("missing-property", (name,))]


@pytest.mark.parametrize(
    ("type_", "value", "format_"),
    [
        ("url", "http://a.example/{x} y", "uri"),
        ("url", "hxxp://a[.]example", "uri"),
        ("domain-name", "_dmarc.a_b.example", "idn-hostname"),
        ("email-addr", "someone@a_b.example", "email"),
    ],
)
def test_what_an_attacker_wrote_is_kept_with_a_warning(type_, value, format_):
    (finding,) = judged(sco(type_, value=value))
    assert (finding.severity, finding.code, finding.path) == ("warning", "unusual-value", ("value",))
    assert finding.params == {"value": value, "format": format_}


@pytest.mark.parametrize(
    ("type_", "first", "last"),
    [("campaign", "first_seen", "last_seen"), ("indicator", "valid_from", "valid_until")],
)
def test_a_period_that_ends_before_it_begins_is_told(type_, first, last):
    indicator = {"pattern": "[a:b = 1]", "pattern_type": "stix", "valid_from": TIME}
    value = sdo(type_, **{**indicator, "name": "x", first: LATER, last: TIME})
    (finding,) = judged(value)
    assert (finding.severity, finding.code, finding.path) == ("warning", "times-reversed", (last,))


@pytest.mark.parametrize(
    ("size", "expected"), [(PATTERN_LIMIT, []), (PATTERN_LIMIT + 1, ["pattern-too-long"])]
)
def test_a_pattern_is_bounded_in_bytes(size, expected):
    pattern = "é" * ((size - 1) // 2)
    pattern += "x" * (size - len(pattern.encode()))
    value = sdo("indicator", pattern=pattern, pattern_type="yara", valid_from=TIME)
    assert [each.code for each in judged(value)] == expected


def test_a_pattern_is_not_read():
    assert judged(sdo("indicator", pattern="]not a pattern[", pattern_type="stix", valid_from=TIME)) == ()


def test_a_sentence_names_what_was_found_and_what_is_expected():
    assert [each.message for each in judged({**TOOL, "confidence": 400, "revoked": "no"})] == [
        "The number 400 is out of range; the limit is 100.",
        "Here stands a text; it must be true or false.",
    ]


def test_every_error_of_a_small_object_is_told_and_at_most_twenty():
    assert len(judged({**TOOL, "name": 1, "labels": [], "revoked": 5})) == 3
    assert len(judged({**TOOL, "labels": list(range(500))})) == 20


def test_a_large_object_is_judged_up_to_its_first_error_and_fills_no_memory():
    value = {**TOOL, "labels": list(range(300_000))}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    findings = validate(value, size=2_000_000)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert [(each.severity, each.code, each.path) for each in findings] == [
        ("error", "wrong-type", ("labels", 0)),
        ("info", "more-errors", ()),
    ]
    assert grown < 100


def test_the_order_of_findings_does_not_change():
    value = {**TOOL, "modified": "x", "created": "y"}
    assert [each.path for each in judged(value)] == [("created",), ("modified",)]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00+00:00"),
        ("2024-01-31T12:00:00.123456789Z", "2024-01-31T12:00:00.123456+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00"),
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.500000+00:00"),
        ("2023-02-29T00:00:00Z", None),
        ("2024-01-31T12:00:00+03:00", None),
        ("2024-01-31", None),
        ("", None),
        ("0000-01-01T00:00:00Z", None),
    ],
)
def test_a_timestamp_is_read_or_refused(text, instant):
    found = parse_time(text)
    assert (found.isoformat() if found else None) == instant


def test_a_marking_of_tlp_1_is_valid_only_as_the_standard_gives_it():
    given = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": "TLP:GREEN",
        "definition": {"tlp": "green"},
    }
    assert judged(given) == ()
    assert [each.severity for each in judged({**given, "id": TLP_CLEAR})] == ["error"]


def test_every_sentence_can_be_filled_from_the_params_of_its_findings():
    for value, change, _ in INVALID:
        for finding in judged({**value, **change}):
            assert finding.message == SENTENCES[finding.code] % finding.params
            assert "%(" not in finding.message
