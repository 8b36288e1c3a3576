import json
from typing import Any

import pytest

from taawun.capabilities.intel.stix import Limits, ReadingRefused, Reference, read
from taawun.foundation import strict_json
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.stix.examples import (
    LATER,
    TIME,
    TLP_RED,
    bundle,
    codes,
    identifier,
    old,
    sco,
    sdo,
    taken,
)

TOOL = sdo("tool", name="x")


def refusal(data: bytes, **options: Any) -> ReadingRefused:
    with pytest.raises(ReadingRefused) as refused:
        read(data, default_tlp=Tlp.GREEN, **options)
    return refused.value


@pytest.mark.parametrize(
    ("data", "format_", "count"),
    [
        (bundle(TOOL, sco("url", value="http://a.example/")), "stix-2.1", 2),
        (bundle(TOOL, spec_version="2.1"), "stix-2.1", 1),
        (bundle(old("tool", name="x"), spec_version="2.0"), "stix-2.0", 1),
        (bundle(), "stix-2.1", 0),
        (json.dumps(TOOL).encode(), "stix-2.1", 1),
        (b"\xef\xbb\xbf  " + json.dumps(TOOL).encode() + b"\n", "stix-2.1", 1),
        (json.dumps(sco("url", value="http://a.example/")).encode(), "stix-2.1", 1),
        (json.dumps(old("tool", name="x")).encode(), "stix-2.0", 1),
        (json.dumps([TOOL, sdo("tool", 2, name="y")]).encode(), "stix-2.1", 2),
        (b"\xef\xbb\xbf\n[" + json.dumps(TOOL).encode() + b"]", "stix-2.1", 1),
        (json.dumps([old("tool", name="x")]).encode(), "stix-2.0", 1),
    ],
)
def test_a_file_is_recognised_by_its_content(data, format_, count):
    found, reading = taken(data)
    assert (reading.format, len(found), len(reading.issues)) == (format_, count, 0)


@pytest.mark.parametrize(
    ("data", "code", "sentence"),
    [
        (
            b"7",
            "not-intelligence",
            "This is a number. Accepted are a STIX 2.1 or 2.0 bundle, a STIX object, ",
        ),
        (b'"x"', "not-intelligence", "This is a text."),
        (b"null", "not-intelligence", "This is null."),
        (b"{}", "not-intelligence", "This is an object, but not a STIX object: it has no “type”."),
        (b'{"type": "tool"}', "not-intelligence", "it has the type “tool” and no “id”."),
        (b'{"type": 7, "id": "x"}', "not-intelligence", "it has no “type”."),
        (
            b'{"objects": []}',
            "not-intelligence",
            "This is an object with a list “objects”, but not a STIX object",
        ),
        (b'{"type": "package", "id": "x", "objects": []}', "not-intelligence", "its type is “package”."),
        (b"[]", "no-objects", "This is an empty list; it holds nothing."),
        (b"[1, 2]", "not-intelligence", "This is a list whose first entry is a number."),
        (
            b'[{"a": 1}]',
            "not-intelligence",
            "This is a list whose first entry is an object, but not a STIX object",
        ),
        (b'{"type": "bundle", "id": "x"}', "no-objects", "This is a bundle without a list “objects”"),
        (b'{"type": "bundle", "id": "x", "objects": {}}', "no-objects", "without a list “objects”"),
        (
            bundle(TOOL, spec_version="1.2"),
            "unknown-version",
            "This is a bundle of STIX 1.2; versions 2.0 and 2.1",
        ),
        (bundle(TOOL, spec_version=[2]), "unknown-version", "This is a bundle of STIX [2];"),
        (b'{"response": []}', "no-objects", "This looks like MISP, but there is no event in it."),
        (b'{"response": 7}', "no-objects", "This looks like MISP, but there is no event in it."),
    ],
)
def test_anything_else_is_refused_with_what_was_found(data, code, sentence):
    refused = refusal(data, name="report.json")
    assert refused.code == code
    assert str(refused).startswith("report.json: ")
    assert sentence in str(refused)


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        (b"", "not-json", 1, 1),
        (b'{"type": "bundle",\n "objects": [{"a": nope}]}', "not-json", 2, 20),
        (b'[{"type": "tool"},\n {"type": nope}]', "not-json", 2, 11),
        (b'[{"type":\xff}]', "not-utf8", 1, 10),
        (b'{"type": "bundle", "objects": [{"a": 1, "a": 2}]}', "duplicate-key", 1, 41),
        (b'[{"a": 1, "a": 2}]', "duplicate-key", 1, 11),
        (b'[{"a": NaN}]', "not-finite", 1, 8),
        (b'[{"a": "\\u0000"}]', "nul-character", 1, 8),
        (b'[{"type": "tool", "id": "x"}] [1]', "trailing-data", 1, 31),
        (b'[{"type": "tool", "id": "x"}], "x": [1]', "trailing-data", 1, 30),
        (b'[{"type": "tool", "id": "x"}]}', "trailing-data", 1, 30),
        (b"[" * 65 + b"]" * 65, "too-deep", 1, 65),
    ],
)
def test_a_fault_in_the_text_refuses_the_file_with_its_place(data, code, line, column):
    refused = refusal(data)
    assert (refused.code, refused.line, refused.column) == (code, line, column)
    assert isinstance(refused, ValueError)


def test_a_fault_at_the_end_is_found_before_the_first_object_is_handed_out():
    assert refusal(bundle(TOOL)[:-1]).code == "not-json"


def test_a_list_may_be_as_deep_as_any_text():
    nested: Any = "x"
    for _ in range(62):
        nested = {"a": nested}
    found, _ = taken(json.dumps([{**TOOL, "x_deep": nested}]).encode())
    assert len(found) == 1
    assert refusal(json.dumps([{**TOOL, "x_deep": {"a": nested}}]).encode()).code == "too-deep"


def test_a_text_that_is_too_large_is_refused():
    limits = Limits(json=strict_json.Limits(max_bytes=100))
    assert refusal(b"[" + b" " * 98 + b"]", limits=limits).code == "no-objects"
    assert refusal(b"[" + b" " * 99 + b"]", limits=limits).code == "too-large"


def test_an_object_is_handed_out_as_it_was_written():
    source = json.dumps(
        {**TOOL, "modified": LATER, "description": "D", "created_by_ref": identifier("identity")}, indent=2
    )
    data = b'{"type": "bundle", "id": "x", "objects": [\n1,\n' + source.encode() + b"\n]}"
    (found,), reading = taken(data, Tlp.GREEN)
    assert (found.text, found.received, found.value) == (source, "", json.loads(source))
    assert (found.index, found.line, found.stix_id, found.type) == (1, 3, identifier("tool"), "tool")
    assert (found.version, found.tlp, found.is_marked) == (LATER, Tlp.GREEN, False)
    assert (found.name, found.summary) == ("x", "D")
    assert found.refs == (Reference("created_by_ref", identifier("identity")),)
    (issue,) = reading.issues
    assert (issue.severity, issue.code, issue.place, issue.line) == ("error", "not-an-object", "objects/0", 2)


def test_an_object_of_stix_2_0_keeps_what_was_received_beside_what_is_served():
    source = json.dumps(old("tool", name="é", labels=["x"]))
    (found,), _ = taken(b'{"type": "bundle", "spec_version": "2.0", "objects": [' + source.encode() + b"]}")
    assert found.received == source
    assert found.value == {**json.loads(source), "spec_version": "2.1", "tool_types": ["x"]}
    assert json.loads(found.text) == found.value
    assert found.text.startswith('{"type":"tool","spec_version":"2.1","id":')
    assert "é" in found.text


def test_a_number_beyond_64_bits_survives_the_upgrade():
    (found,), _ = taken(bundle(old("tool", name="x", x_number=2**70), spec_version="2.0"))
    assert json.loads(found.text)["x_number"] == 2**70


@pytest.mark.parametrize(
    ("value", "version"),
    [
        (sdo("tool", name="x", modified=LATER), LATER),
        (
            {
                "type": "marking-definition",
                "spec_version": "2.1",
                "id": identifier("marking-definition"),
                "created": TIME,
                "definition_type": "statement",
                "definition": {"statement": "s"},
            },
            TIME,
        ),
        (sco("url", value="http://a.example/"), ""),
        (sco("x-thing", x_value="y"), ""),
    ],
)
def test_the_version_is_when_it_was_modified_else_created_else_empty(value, version):
    (found,), _ = taken(bundle(value))
    assert found.version == version


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, ("not-an-object", "objects/0", "")),
        ([], ("not-an-object", "objects/0", "")),
        ({}, ("no-type", "objects/0/type", "")),
        ({"type": 7, "id": "x"}, ("no-type", "objects/0/type", "x")),
        ({"type": "bundle", "id": "bundle--x"}, ("bundle-in-bundle", "objects/0/type", "bundle--x")),
        ({**TOOL, "spec_version": "2.2"}, ("unknown-spec-version", "objects/0/spec_version", TOOL["id"])),
        ({**TOOL, "name": 7}, ("wrong-type", "objects/0/name", TOOL["id"])),
        ({**TOOL, "a/b~c": 7}, ("unexpected-property", "objects/0/a~1b~0c", TOOL["id"])),
    ],
)
def test_an_error_refuses_its_object_and_names_the_place(value, expected):
    found, reading = taken(bundle(value, sdo("tool", 2, name="y")))
    assert [each.stix_id for each in found] == [identifier("tool", 2)]
    (issue,) = reading.issues
    assert issue.severity == "error"
    assert (issue.code, issue.place, issue.object_id) == expected


def test_places_count_from_the_top_of_each_kind_of_file():
    wrong = {**TOOL, "name": 7}
    assert [place for _, _, place in codes(taken(json.dumps(wrong).encode())[1])] == ["name"]
    assert [place for _, _, place in codes(taken(json.dumps([TOOL, wrong]).encode())[1])] == ["1/name"]


def test_an_object_without_a_spec_version_in_a_file_of_stix_2_1_is_read_as_2_0():
    (found,), reading = taken(bundle(old("tool", name="x", labels=["y"])))
    assert found.value["tool_types"] == ["y"]
    assert codes(reading) == [("warning", "read-as-2.0", "objects/0")]


def test_a_file_of_stix_2_0_may_hold_objects_of_2_1():
    found, reading = taken(bundle(TOOL, old("tool", 2, name="y"), spec_version="2.0"))
    assert [bool(each.received) for each in found] == [False, True]
    assert codes(reading) == []


def test_an_object_that_stands_twice_is_taken_once():
    again = json.dumps(dict(reversed(TOOL.items())), indent=1)
    data = bundle(TOOL)[:-2] + b", " + again.encode() + b"]}"
    found, reading = taken(data)
    assert len(found) == 1
    assert codes(reading) == [("info", "repeated-object", "objects/1")]


def test_two_versions_of_an_object_are_both_taken():
    found, reading = taken(bundle(TOOL, {**TOOL, "modified": LATER}))
    assert [each.version for each in found] == [TIME, LATER]
    assert codes(reading) == []


def test_one_version_with_two_contents_is_an_error():
    found, reading = taken(bundle(TOOL, {**TOOL, "name": "other"}))
    assert [each.name for each in found] == ["x"]
    assert codes(reading) == [("error", "same-version-differs", "objects/1")]


def test_an_object_that_is_too_large_is_refused():
    reading = read(
        bundle({**TOOL, "description": "x" * 500}), default_tlp=Tlp.RED, limits=Limits(max_object_size=400)
    )
    assert list(reading.objects) == []
    assert codes(reading) == [("error", "object-too-large", "objects/0")]


def test_issues_beyond_the_limit_are_counted_and_not_kept():
    reading = read(
        bundle(*[7] * 50, *[old("tool", 1, name="x")] * 9), default_tlp=Tlp.RED, limits=Limits(max_issues=5)
    )
    assert len(list(reading.objects)) == 1
    issues = reading.issues
    assert (issues.errors, issues.warnings, issues.infos) == (50, 9, 8)
    assert (len(issues), issues.not_kept) == (15, 52)
    assert len(list(issues)) == 15


def test_objects_are_read_as_they_are_asked_for():
    reading = read(bundle(TOOL, 7), default_tlp=Tlp.RED)
    objects = iter(reading.objects)
    assert next(objects).name == "x"
    assert reading.issues.errors == 0
    assert list(objects) == []
    assert reading.issues.errors == 1


def test_the_default_level_neither_raises_nor_lowers_what_is_marked():
    marked = sdo(
        "tool", 2, name="y", object_marking_refs=["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]
    )
    red = sdo("tool", 3, name="z", object_marking_refs=[TLP_RED])
    found, _ = taken(bundle(TOOL, marked, red), Tlp.AMBER)
    assert [(each.tlp, each.is_marked) for each in found] == [
        (Tlp.AMBER, False),
        (Tlp.CLEAR, True),
        (Tlp.RED, True),
    ]
