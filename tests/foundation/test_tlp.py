"""TLP 2.0: levels, their spellings and their STIX markings."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.tlp import (
    Tlp,
    UnknownMarking,
    from_stix_marking,
    stix_marking_definition,
    stix_marking_id,
)

# Who may receive each level: a stricter level must reach a part of what a milder one reaches.
READERS = {
    Tlp.CLEAR: {"world", "community", "clients", "organisation", "person"},
    Tlp.GREEN: {"community", "clients", "organisation", "person"},
    Tlp.AMBER: {"clients", "organisation", "person"},
    Tlp.AMBER_STRICT: {"organisation", "person"},
    Tlp.RED: {"person"},
}


def test_the_order_of_the_levels_is_their_strictness():
    for milder, stricter in itertools.product(Tlp, Tlp):
        assert (milder < stricter) == (READERS[stricter] < READERS[milder])


def test_the_strictest_of_a_report_is_its_greatest():
    assert max([Tlp.GREEN, Tlp.AMBER_STRICT, Tlp.AMBER]) is Tlp.AMBER_STRICT


def test_labels_are_those_of_the_standard():
    assert [level.label for level in Tlp] == [
        "TLP:CLEAR",
        "TLP:GREEN",
        "TLP:AMBER",
        "TLP:AMBER+STRICT",
        "TLP:RED",
    ]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("TLP:CLEAR", Tlp.CLEAR),
        ("clear", Tlp.CLEAR),
        ("tlp:white", Tlp.CLEAR),
        ("TLP:WHITE", Tlp.CLEAR),
        ("white", Tlp.CLEAR),
        ("tlp:green", Tlp.GREEN),
        (" TLP:AMBER\n", Tlp.AMBER),
        ("TLP: amber", Tlp.AMBER),
        ("tlp:amber+strict", Tlp.AMBER_STRICT),
        ("TLP:AMBER + STRICT", Tlp.AMBER_STRICT),
        ("amber-strict", Tlp.AMBER_STRICT),
        ("AMBER_STRICT", Tlp.AMBER_STRICT),
        ("Amber Strict", Tlp.AMBER_STRICT),
        ("red", Tlp.RED),
    ],
)
def test_a_marking_is_read_however_it_is_written(text, level):
    assert Tlp.parse(text) is level


@pytest.mark.parametrize(
    "text", ["", "tlp:", "TLP:BLUE", "amber+", "tlp:tlp:red", "tlp:ex:chr", "0", "ambar"]
)
def test_an_unknown_marking_is_refused_and_counts_as_red(text):
    with pytest.raises(UnknownMarking) as refused:
        Tlp.parse(text)
    assert refused.value.code == "unknown-marking"
    assert "TLP:AMBER+STRICT" in str(refused.value)
    assert Tlp.parse_or_red(text) is Tlp.RED


@given(st.text())
def test_no_text_is_ever_read_as_milder_than_what_it_says(text):
    level = Tlp.parse_or_red(text)
    assert level is Tlp.RED or level.name.split("_")[0].lower() in text.lower().replace("white", "clear")


@given(st.sampled_from(list(Tlp)))
def test_a_label_is_read_back(level):
    assert Tlp.parse(level.label) is level
    assert Tlp.parse_or_red(level.label.lower()) is level


@given(st.sampled_from(list(Tlp)))
def test_a_stix_marking_is_read_back(level):
    assert from_stix_marking(stix_marking_id(level)) is level


@pytest.mark.parametrize(
    ("identifier", "level"),
    [
        ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp.CLEAR),
        ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp.GREEN),
        ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp.AMBER),
        ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp.RED),
        ("marking-definition--00000000-0000-4000-8000-000000000000", None),
        ("", None),
    ],
)
def test_the_markings_of_tlp_1_are_known_and_others_are_not(identifier, level):
    assert from_stix_marking(identifier) is level


def test_the_marking_definition_is_the_published_object():
    assert stix_marking_definition(Tlp.AMBER_STRICT) == {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        "created": "2022-10-01T00:00:00.000Z",
        "name": "TLP:AMBER+STRICT",
        "extensions": {
            "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
                "extension_type": "property-extension",
                "tlp_2_0": "amber+strict",
            },
        },
    }


def test_the_markings_agree_with_those_of_misp_stix():
    converter = pytest.importorskip("misp_stix_converter.misp_stix_mapping")
    for level in Tlp:
        theirs = converter.TLP2MarkingDefinitions.by_uuid(stix_marking_id(level))
        ours = stix_marking_definition(level)
        assert (theirs.name, theirs.extensions) == (ours["name"], ours["extensions"])
