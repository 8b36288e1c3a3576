import pytest

from taawun.capabilities.intel.stix.describing import (
    NAME_LIMIT,
    Reference,
    name_of,
    references_of,
    summary_of,
)
from tests.capabilities.intel.stix.examples import TLP_AMBER, identifier, sco, sdo, statement

NAMES = [
    (sdo("report", name="A report"), "A report"),
    (sdo("tool", name="  two\n lines\t"), "two lines"),
    (sdo("indicator", name="N", pattern="[a:b = 1]"), "N"),
    (sdo("indicator", pattern="[a:b = 1]"), "[a:b = 1]"),
    (sdo("relationship", relationship_type="uses"), "uses"),
    (sdo("sighting"), ""),
    (sdo("observed-data"), ""),
    (sdo("note", abstract="A", content="C"), "A"),
    (sdo("note", content="C"), "C"),
    (sdo("opinion", opinion="agree"), "agree"),
    (sdo("location", country="XN"), "XN"),
    (sdo("location", name="Here", country="XN"), "Here"),
    (sdo("malware-analysis", product="x"), "x"),
    (sdo("malware", name=7), "7"),
    (sdo("malware"), ""),
    (statement(1), "Copyright XN CERT"),
    (sco("autonomous-system", name="Net"), "Net"),
    ({**sco("autonomous-system"), "number": 64512}, "AS64512"),
    (sco("domain-name", value="موقع.مثال"), "موقع.مثال"),
    (sco("file", name="x.exe", hashes={"MD5": "a"}), "x.exe"),
    (sco("file", hashes={"MD5": "a", "SHA-256": "b"}), "b"),
    (sco("file", hashes={"TLSH": "t"}), "t"),
    (sco("file", hashes={}), ""),
    (sco("artifact", hashes={"SHA-1": "c"}), "c"),
    (sco("network-traffic", protocols=["tcp", "http"]), "tcp http"),
    (sco("process", pid=4), "4"),
    (sco("windows-registry-key", key="HKEY_USERS\\x"), "HKEY_USERS\\x"),
    (sco("x509-certificate", serial_number="36"), "36"),
    (sco("user-account", user_id="1", display_name="D"), "D"),
    (sdo("x-misp-attribute", x_misp_value="V"), "V"),
    (sdo("x-custom", value="V"), "V"),
]


@pytest.mark.parametrize(("value", "name"), NAMES)
def test_an_object_is_called_what_a_person_would_call_it(value, name):
    assert name_of(value) == name


def test_a_long_name_is_cut():
    assert name_of(sdo("tool", name="x" * NAME_LIMIT)) == "x" * NAME_LIMIT
    assert name_of(sdo("tool", name="x" * 5_000_000)) == "x" * (NAME_LIMIT - 1) + "…"


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (sdo("tool", description="D\nE"), "D\nE"),
        (sdo("tool", description=7), ""),
        (sdo("note", content="C", description="D"), "C"),
        (sdo("opinion", explanation="E"), "E"),
        (sdo("sighting", summary=True), ""),
        (sdo("x-misp-attribute", x_misp_comment="M"), "M"),
        (sdo("tool"), ""),
    ],
)
def test_the_summary_is_what_the_object_says_in_words(value, summary):
    assert summary_of(value) == summary


def test_references_are_listed_once_each_and_without_markings():
    tool, malware, person = identifier("tool"), identifier("malware"), identifier("identity")
    value = sdo(
        "report",
        created_by_ref=person,
        object_refs=[tool, malware, tool, 7],
        object_marking_refs=[TLP_AMBER],
        x_mitre_modified_by_ref=person,
        x_reference="not one",
        other_ref=5,
        other_refs="nor this",
    )
    assert references_of(value) == (
        Reference("created_by_ref", person),
        Reference("object_refs", tool),
        Reference("object_refs", malware),
        Reference("x_mitre_modified_by_ref", person),
    )


def test_a_relationship_refers_to_both_ends():
    value = sdo(
        "relationship", relationship_type="uses", source_ref=identifier("tool"), target_ref=identifier("url")
    )
    assert references_of(value) == (("source_ref", identifier("tool")), ("target_ref", identifier("url")))
