import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.capabilities.intel.stix.identity import canonical_json, content_uuid, deterministic_sco_id

# The library of OASIS, which is untyped and comes with the MISP converter; here it is the second opinion.
stix = importlib.import_module("stix2.v21")
canonicalize = importlib.import_module("stix2.canonicalization.Canonicalize").canonicalize

# What OASIS's own library derives for the same content.
KNOWN = [
    ("ipv4-addr", {"value": "198.51.100.3"}, "28bb3599-77cd-5a82-a950-b5bc3caf07c4"),
    ("domain-name", {"value": "example.com"}, "bedb4899-d24b-5401-bc86-8f6b4cc18ec7"),
    ("autonomous-system", {"number": 15139}, "3aa27478-50b5-5ab8-9da9-cdc12b657fff"),
]

OBSERVABLES: list[tuple[type[Any], dict[str, Any]]] = [
    (stix.Artifact, {"payload_bin": "aGVsbG8=", "mime_type": "text/plain"}),
    (stix.Directory, {"path": "C:\\Windows\\System32"}),
    (stix.EmailAddress, {"value": "someone@a.example", "display_name": "Someone"}),
    (stix.EmailMessage, {"is_multipart": False, "subject": "Réunion “urgente”", "body": "…"}),
    (stix.File, {"hashes": {"SHA-256": "a" * 64, "MD5": "b" * 32}, "name": "ملف.exe", "size": 5}),
    (stix.File, {"hashes": {"SSDEEP": "3:AXG:CI", "SHA3-256": "c" * 64}}),
    (
        stix.File,
        {
            "name": "x",
            "extensions": {
                "windows-pebinary-ext": {"pe_type": "exe", "sections": [{"name": "s", "entropy": 7.0}]}
            },
        },
    ),
    (stix.IPv6Address, {"value": "2001:db8::1"}),
    (stix.MACAddress, {"value": "d2:fb:49:24:37:18"}),
    (stix.Mutex, {"name": "__CLEANSWEEP__"}),
    (
        stix.NetworkTraffic,
        {
            "src_ref": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
            "dst_port": 443,
            "protocols": ["tcp", "http"],
        },
    ),
    (stix.Software, {"name": "Word", "version": "2002", "vendor": "Microsoft"}),
    (stix.URL, {"value": "https://a.example/?q=1&r=é"}),
    (stix.UserAccount, {"user_id": "1001", "account_login": "x", "display_name": "X"}),
    (stix.WindowsRegistryKey, {"key": "HKEY_LOCAL_MACHINE\\a", "values": [{"name": "b", "data": "c"}]}),
    (stix.X509Certificate, {"serial_number": "36:f7", "issuer": "C=XN"}),
]


@pytest.mark.parametrize(("type_", "value", "uuid"), KNOWN)
def test_an_observable_gets_the_identifier_of_the_standard(type_, value, uuid):
    assert deterministic_sco_id(type_, value) == f"{type_}--{uuid}"


@pytest.mark.parametrize(("class_", "value"), OBSERVABLES, ids=lambda each: getattr(each, "_type", ""))
def test_every_type_gets_the_identifier_that_the_library_of_oasis_gives_it(class_, value):
    expected = class_(**value)
    assert deterministic_sco_id(expected["type"], value) == expected["id"]


def test_what_does_not_contribute_does_not_change_the_identifier():
    plain = deterministic_sco_id("file", {"name": "x.exe", "hashes": {"MD5": "a" * 32, "SHA-1": "b" * 40}})
    assert plain == deterministic_sco_id(
        "file", {"name": "x.exe", "size": 9, "hashes": {"SHA-1": "c" * 40, "MD5": "a" * 32}}
    )


def test_a_type_without_contributing_properties_follows_from_all_its_content():
    one = deterministic_sco_id("x-thing", {"x_a": 1, "x_b": 2})
    assert one == deterministic_sco_id(
        "x-thing", {"x_b": 2, "x_a": 1, "id": "x-thing--1", "spec_version": "2.1"}
    )
    assert one != deterministic_sco_id("x-thing", {"x_a": 1, "x_b": 3})


def test_no_two_lists_of_parts_share_a_uuid():
    uuids = [content_uuid("ab", "c"), content_uuid("a", "bc"), content_uuid("abc"), content_uuid("abc", "")]
    assert len(set(uuids)) == 4
    assert {each.version for each in uuids} == {5}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(0.0, "0"), (-0.0, "0"), (7.0, "7"), (7.03, "7.03"), (1e-6, "0.000001"), (1e-7, "1e-7")],
        *[(1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"), (5e-324, "5e-324")],
        *[(115320934972154340.0, "115320934972154340"), (-1e-05, "-0.00001")],
    ],
)
def test_numbers_are_written_as_ecmascript_does(number, text):
    assert canonical_json(number) == text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_is_that_of_rfc_8785(value):
    assert canonical_json(value) == canonicalize(value, utf8=False)
