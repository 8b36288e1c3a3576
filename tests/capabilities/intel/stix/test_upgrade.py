import copy
from typing import Any

import pytest

from taawun.capabilities.intel.stix import upgrade, validate
from taawun.capabilities.intel.stix.checking import written
from tests.capabilities.intel.stix.examples import TIME, TLP_1_AMBER, identifier, old

HASHES = {"ssdeep": "3:AXG:CI", "MD5": "a" * 32}
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("attack-pattern", {"name": "x"}, {}),
    ("campaign", {"name": "x", "x_custom": [1]}, {}),
    ("course-of-action", {"name": "x"}, {}),
    ("identity", {"name": "x", "identity_class": "group", "labels": ["a"]}, {}),
    (
        "indicator",
        {"pattern": "[url:value = 'x']", "valid_from": TIME, "labels": ["malicious-activity"]},
        {"indicator_types": ["malicious-activity"], "pattern_type": "stix"},
    ),
    ("intrusion-set", {"name": "x"}, {}),
    ("malware", {"name": "x", "labels": ["trojan"]}, {"malware_types": ["trojan"], "is_family": False}),
    ("malware", {"name": "x", "labels": ["made-up"]}, {"malware_types": ["made-up"], "is_family": False}),
    ("malware", {"name": "x", "is_family": True, "labels": ["a"]}, {"malware_types": ["a"]}),
    ("malware", {"name": "x", "labels": ["a"], "malware_types": ["b"]}, {"is_family": False}),
    (
        "report",
        {"name": "x", "published": TIME, "object_refs": [identifier("tool")], "labels": ["campaign"]},
        {"report_types": ["campaign"]},
    ),
    ("threat-actor", {"name": "x", "labels": ["hacker"]}, {"threat_actor_types": ["hacker"]}),
    ("tool", {"name": "x", "labels": ["remote-access"]}, {"tool_types": ["remote-access"]}),
    ("tool", {"name": "x"}, {}),
    ("vulnerability", {"name": "x"}, {}),
    (
        "relationship",
        {"relationship_type": "uses", "source_ref": identifier("tool"), "target_ref": identifier("malware")},
        {},
    ),
    ("sighting", {"sighting_of_ref": identifier("indicator"), "count": 3, "summary": True}, {}),
    ("x-mitre-tactic", {"name": "x", "x_mitre_shortname": "y"}, {}),
    (
        "tool",
        {
            "name": "x",
            "external_references": [{"source_name": "a", "url": "http://a.example/", "hashes": HASHES}],
        },
        {
            "external_references": [
                {
                    "source_name": "a",
                    "url": "http://a.example/",
                    "hashes": {"SSDEEP": "3:AXG:CI", "MD5": "a" * 32},
                }
            ]
        },
    ),
]


@pytest.mark.parametrize(("type_", "properties", "added"), CASES)
def test_an_object_of_stix_2_0_becomes_valid_stix_2_1(type_, properties, added):
    value = old(type_, **properties)
    before = copy.deepcopy(value)
    raised = upgrade(value)
    assert raised.value == {**value, "spec_version": "2.1", **added}
    assert list(raised.value)[:2] == ["type", "spec_version"]
    assert (raised.observables, raised.findings) == ({}, ())
    assert validate(raised.value, size=1000) == ()
    assert value == before


def test_a_statement_stays_a_statement():
    value = {
        "type": "marking-definition",
        "id": identifier("marking-definition"),
        "created": TIME,
        "definition_type": "statement",
        "definition": {"statement": "Copyright XN CERT"},
    }
    raised = upgrade(value)
    assert raised.value == {**value, "spec_version": "2.1"}
    assert validate(raised.value, size=1000) == ()


def test_a_marking_of_tlp_1_gets_the_name_that_stix_2_1_gave_it():
    raised = upgrade(
        {
            "type": "marking-definition",
            "id": TLP_1_AMBER,
            "created": "2017-01-20T00:00:00.000Z",
            "definition_type": "tlp",
            "definition": {"tlp": "amber"},
        }
    )
    assert raised.value["name"] == "TLP:AMBER"
    assert validate(raised.value, size=1000) == ()


def test_the_same_object_gives_the_same_bytes():
    type_, properties, _ = CASES[-1]
    texts = {written(upgrade(old(type_, **copy.deepcopy(properties))).value) for _ in range(3)}
    assert len(texts) == 1
    assert texts.pop().startswith('{"type":"tool","spec_version":"2.1","id":"tool--')
