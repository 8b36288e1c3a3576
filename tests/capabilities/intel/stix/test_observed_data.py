import copy
import json
from typing import Any

import pytest

from taawun.capabilities.intel.stix import deterministic_sco_id, upgrade, validate
from taawun.capabilities.intel.stix.upgrade import Upgraded
from tests.capabilities.intel.stix.examples import (
    TIME,
    TLP_1_AMBER,
    TLP_1_RED,
    TLP_1_WHITE,
    bundle,
    codes,
    old,
    taken,
)


def observed(objects: Any, number: int = 1, **properties: Any) -> dict[str, Any]:
    return old(
        "observed-data",
        number,
        first_observed=TIME,
        last_observed=TIME,
        number_observed=1,
        objects=objects,
        **properties,
    )


def raised(objects: Any, **properties: Any) -> Upgraded:
    return upgrade(observed(objects, **properties))


DIRECTORY = deterministic_sco_id("directory", {"path": "/usr"})
ADDRESS = deterministic_sco_id("ipv4-addr", {"value": "192.0.2.1"})

PROPERTIES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"type": "ipv4-addr", "value": "192.0.2.1"}, {"value": "192.0.2.1"}, []),
    (
        {"type": "file", "name": "x", "created": TIME, "modified": TIME, "accessed": TIME},
        {"name": "x", "ctime": TIME, "mtime": TIME, "atime": TIME},
        [],
    ),
    ({"type": "directory", "path": "/", "created": TIME}, {"path": "/", "ctime": TIME}, []),
    (
        {"type": "file", "hashes": {"ssdeep": "3:A:B", "MD5": "a" * 32}},
        {"hashes": {"SSDEEP": "3:A:B", "MD5": "a" * 32}},
        [],
    ),
    (
        {"type": "file", "name": "x", "is_encrypted": True, "decryption_key": "k"},
        {"name": "x", "x_is_encrypted": True, "x_decryption_key": "k"},
        ["property-left-behind", "property-left-behind"],
    ),
    (
        {
            "type": "file",
            "name": "x",
            "extensions": {"raster-image-ext": {"image_height": 5, "image_compression_algorithm": "z"}},
        },
        {
            "name": "x",
            "extensions": {"raster-image-ext": {"image_height": 5, "x_image_compression_algorithm": "z"}},
        },
        ["property-left-behind"],
    ),
    (
        {"type": "process", "pid": 5, "name": "x", "created": TIME, "arguments": ["-a"]},
        {"pid": 5, "x_name": "x", "created_time": TIME, "x_arguments": ["-a"]},
        ["property-left-behind", "property-left-behind"],
    ),
    (
        {
            "type": "user-account",
            "user_id": "x",
            "account_type": "windows local",
            "password_last_changed": TIME,
        },
        {"user_id": "x", "account_type": "windows-local", "credential_last_changed": TIME},
        [],
    ),
    (
        {"type": "windows-registry-key", "key": "HKEY_USERS\\x", "modified": TIME},
        {"key": "HKEY_USERS\\x", "modified_time": TIME},
        [],
    ),
    (
        {
            "type": "network-traffic",
            "protocols": ["http"],
            "src_ref": "1",
            "extensions": {
                "http-request-ext": {
                    "request_method": "get",
                    "request_value": "/",
                    "request_header": {"Host": "a"},
                }
            },
        },
        {
            "protocols": ["http"],
            "src_ref": ADDRESS,
            "extensions": {
                "http-request-ext": {
                    "request_method": "get",
                    "request_value": "/",
                    "request_header": {"Host": ["a"]},
                }
            },
        },
        [],
    ),
    (
        {"type": "file", "name": "x", "parent_directory_ref": "2"},
        {"name": "x", "parent_directory_ref": DIRECTORY},
        [],
    ),
    (
        {"type": "file", "name": "x", "contains_refs": ["9", "1"]},
        {"name": "x", "contains_refs": [ADDRESS]},
        ["dangling-observable"],
    ),
    ({"type": "file", "name": "x", "parent_directory_ref": "9"}, {"name": "x"}, ["dangling-observable"]),
    ({"type": "x-thing", "x_a": "b"}, {"x_a": "b"}, []),
]


@pytest.mark.parametrize(("value", "expected", "warnings"), PROPERTIES)
def test_an_observed_object_becomes_a_valid_observable(value, expected, warnings):
    others = {"1": {"type": "ipv4-addr", "value": "192.0.2.1"}, "2": {"type": "directory", "path": "/usr"}}
    result = raised({"0": value, **others})
    observable = result.observables["0"]
    assert {
        name: each for name, each in observable.items() if name not in {"type", "spec_version", "id"}
    } == expected
    assert (observable["type"], observable["spec_version"]) == (value["type"], "2.1")
    assert validate(observable, size=1000) == ()
    assert [finding.code for finding in result.findings] == warnings
    assert result.value["object_refs"][0] == observable["id"]
    assert "objects" not in result.value
    assert validate(result.value, size=1000) == ()


def test_identifiers_follow_from_content_once_references_name_identifiers():
    result = raised(
        {
            "0": {"type": "file", "name": "x", "parent_directory_ref": "1"},
            "1": {"type": "directory", "path": "/usr"},
        }
    )
    expected = deterministic_sco_id("file", {"name": "x", "parent_directory_ref": DIRECTORY})
    assert result.value["object_refs"] == [expected, DIRECTORY]


def test_two_observations_share_an_address_and_not_a_process():
    objects = {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}, "1": {"type": "process", "pid": 4}}
    one, two = upgrade(observed(objects, 1)), upgrade(observed(objects, 2))
    assert one.observables["0"]["id"] == two.observables["0"]["id"]
    assert one.observables["1"]["id"] != two.observables["1"]["id"]


def test_objects_that_refer_in_a_circle_get_identifiers_and_a_warning():
    def archive(name: str, inside: str) -> dict[str, Any]:
        return {"type": "file", "name": name, "extensions": {"archive-ext": {"contains_refs": [inside]}}}

    result = raised({"0": archive("a.zip", "1"), "1": archive("b.zip", "0")})
    one, two = result.observables["0"], result.observables["1"]
    assert one["extensions"]["archive-ext"]["contains_refs"] == [two["id"]]
    assert two["extensions"]["archive-ext"]["contains_refs"] == [one["id"]]
    assert [(each.code, each.path) for each in result.findings] == [
        ("observables-in-circle", ("objects", "0"))
    ]


def test_a_very_long_line_of_references_is_followed_without_falling():
    objects = {str(n): {"type": "x-link", "x_name": str(n), "next_ref": str(n + 1)} for n in range(3000)}
    result = raised({**objects, "3000": {"type": "x-link", "x_name": "end"}})
    ids = [result.observables[str(n)]["id"] for n in range(3001)]
    assert len(set(ids)) == 3001
    assert [result.observables[str(n)]["next_ref"] for n in range(3000)] == ids[1:]


def test_what_cannot_be_read_is_left_out_and_named():
    result = raised({"0": 7, "1": {"value": "x"}, "2": {"type": "url", "value": "http://a.example/"}})
    assert list(result.observables) == ["2"]
    assert [(each.code, each.path) for each in result.findings] == [
        ("bad-observable", ("objects", "0")),
        ("bad-observable", ("objects", "1")),
    ]


def test_the_marking_of_the_observation_marks_each_object():
    objects = {"0": {"type": "url", "value": "http://a.example/"}}
    result = raised(objects, object_marking_refs=[TLP_1_AMBER])
    assert result.observables["0"]["object_marking_refs"] == [TLP_1_AMBER]
    assert result.value["object_marking_refs"] == [TLP_1_AMBER]


@pytest.mark.parametrize(
    ("selectors", "kept", "marked"),
    [
        (["objects.1.value"], None, ["1"]),
        (["objects.1.value", "number_observed"], ["number_observed"], ["1"]),
        (["objects"], None, ["0", "1"]),
        (["number_observed"], ["number_observed"], []),
        (["objects.0.value", "objects.1.value", "objects.1.type"], None, ["0", "1"]),
    ],
)
def test_a_marking_of_a_part_of_an_object_covers_the_whole_of_it(selectors, kept, marked):
    objects = {
        "0": {"type": "url", "value": "http://a.example/"},
        "1": {"type": "url", "value": "http://b.example/"},
    }
    result = raised(objects, granular_markings=[{"selectors": selectors, "marking_ref": TLP_1_RED}])
    found = [
        key for key, each in result.observables.items() if each.get("object_marking_refs") == [TLP_1_RED]
    ]
    assert found == marked
    rest = [{"selectors": kept, "marking_ref": TLP_1_RED}] if kept else None
    assert result.value.get("granular_markings") == rest
    assert [each.code for each in result.findings] == ["marking-widened"] * len(marked)


def test_objects_that_are_no_dictionary_are_left_for_validation_to_refuse():
    value = observed([1])
    result = upgrade(value)
    assert result.value == {**value, "spec_version": "2.1"}
    assert validate(result.value, size=1000)[0].path == ("objects",)


def test_the_same_observation_gives_the_same_result():
    value = observed(
        {str(n): each[0] for n, each in enumerate(PROPERTIES)}, object_marking_refs=[TLP_1_WHITE]
    )
    results = [upgrade(copy.deepcopy(value)) for _ in range(2)]
    assert json.dumps(results[0].value) == json.dumps(results[1].value)
    assert json.dumps(results[0].observables) == json.dumps(results[1].observables)


def test_observables_come_before_their_observation_and_each_once():
    address = {"0": {"type": "ipv4-addr", "value": "192.0.2.1"}}
    found, reading = taken(bundle(observed(address, 1), observed(address, 2), spec_version="2.0"))
    assert [(each.type, each.index, each.version) for each in found] == [
        ("ipv4-addr", 0, ""),
        ("observed-data", 0, TIME),
        ("observed-data", 1, TIME),
    ]
    assert found[0].received == ""
    assert json.loads(found[1].received)["objects"] == address
    assert codes(reading) == []


def test_an_observable_that_differs_is_named_and_the_first_is_kept():
    first = {"0": {"type": "file", "name": "x", "size": 1}}
    second = {"0": {"type": "file", "name": "x", "size": 2}}
    found, reading = taken(bundle(observed(first, 1), observed(second, 2), spec_version="2.0"))
    assert [each.value["size"] for each in found if each.type == "file"] == [1]
    assert codes(reading) == [("warning", "observable-differs", "objects/1/objects/0")]


def test_an_invalid_observable_refuses_its_observation():
    good, bad = {"type": "url", "value": "http://a.example/"}, {"type": "ipv4-addr", "value": "x"}
    found, reading = taken(bundle(observed({"0": good, "1": bad}), spec_version="2.0"))
    assert found == []
    assert codes(reading) == [("error", "bad-address", "objects/0/objects/1/value")]
