import pytest

from taawun.capabilities.intel.stix import LoweringRefused, Markings, with_tlp
from taawun.foundation.tlp import Tlp, stix_marking_definition
from tests.capabilities.intel.stix import examples
from tests.capabilities.intel.stix.examples import (
    TLP_1_AMBER,
    TLP_1_GREEN,
    TLP_1_RED,
    TLP_1_WHITE,
    TLP_AMBER,
    TLP_CLEAR,
    TLP_GREEN,
    TLP_RED,
    TLP_STRICT,
    identifier,
    marking,
    sdo,
    statement,
    taken,
)

EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
STATEMENT = identifier("marking-definition", 1)
OWN_AMBER = identifier("marking-definition", 2)
OWN_STRICT = identifier("marking-definition", 3)
STRANGE = identifier("marking-definition", 4)
PAP = identifier("marking-definition", 5)
MISSING = identifier("marking-definition", 99)

FILE = Markings(
    [
        statement(1),
        marking(2, definition_type="tlp", definition={"tlp": "amber"}),
        marking(
            3, extensions={EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "amber+strict"}}
        ),
        marking(4, definition_type="x-acs", definition={"x": "y"}),
        marking(5, definition_type="PAP", definition={"pap": "red"}),
    ]
)


@pytest.mark.parametrize(
    ("references", "tlp", "is_own", "warnings"),
    [
        (None, Tlp.GREEN, False, 0),
        ([TLP_1_WHITE], Tlp.CLEAR, True, 0),
        ([TLP_1_GREEN], Tlp.GREEN, True, 0),
        ([TLP_1_AMBER], Tlp.AMBER, True, 0),
        ([TLP_1_RED], Tlp.RED, True, 0),
        ([TLP_CLEAR], Tlp.CLEAR, True, 0),
        ([TLP_GREEN], Tlp.GREEN, True, 0),
        ([TLP_AMBER], Tlp.AMBER, True, 0),
        ([TLP_STRICT], Tlp.AMBER_STRICT, True, 0),
        ([TLP_RED], Tlp.RED, True, 0),
        ([TLP_CLEAR, TLP_AMBER, TLP_GREEN], Tlp.AMBER, True, 0),
        ([TLP_1_AMBER, TLP_STRICT], Tlp.AMBER_STRICT, True, 0),
        ([OWN_AMBER], Tlp.AMBER, True, 0),
        ([OWN_STRICT, TLP_CLEAR], Tlp.AMBER_STRICT, True, 0),
        ([STATEMENT], Tlp.GREEN, False, 0),
        ([PAP], Tlp.GREEN, False, 0),
        ([STATEMENT, TLP_CLEAR], Tlp.CLEAR, True, 0),
        ([STRANGE], Tlp.RED, True, 0),
        ([MISSING], Tlp.RED, True, 1),
        ([TLP_CLEAR, MISSING, MISSING], Tlp.RED, True, 2),
        ("not a list", Tlp.RED, True, 1),
        ([7], Tlp.RED, True, 1),
        ([], Tlp.GREEN, False, 0),
    ],
)
def test_the_strictest_marking_holds_and_the_default_only_fills_the_gap(references, tlp, is_own, warnings):
    value = sdo("tool", name="x")
    if references is not None:
        value["object_marking_refs"] = references
    judgement = FILE.judge(value, Tlp.GREEN)
    assert (judgement.tlp, judgement.is_own, len(judgement.findings)) == (tlp, is_own, warnings)


def test_an_unknown_marking_is_named_with_its_place():
    judgement = FILE.judge(sdo("tool", object_marking_refs=[TLP_CLEAR, MISSING]), Tlp.CLEAR)
    (finding,) = judgement.findings
    assert (finding.severity, finding.code, finding.path) == (
        "warning",
        "unknown-marking",
        ("object_marking_refs", 1),
    )
    assert (
        finding.message
        == f"The marking {MISSING} is neither known nor in the file; the object is held as TLP:RED."
    )


@pytest.mark.parametrize(
    ("granular", "default", "tlp"),
    [
        ([{"selectors": ["name"], "marking_ref": TLP_RED}], Tlp.GREEN, Tlp.RED),
        ([{"selectors": ["name"], "marking_ref": TLP_CLEAR}], Tlp.GREEN, Tlp.GREEN),
        ([{"selectors": ["name"], "lang": "fr"}], Tlp.GREEN, Tlp.GREEN),
        ([{"selectors": ["name"], "marking_ref": MISSING}], Tlp.GREEN, Tlp.RED),
        ([{"selectors": ["name"]}], Tlp.GREEN, Tlp.RED),
        ("nonsense", Tlp.GREEN, Tlp.RED),
    ],
)
def test_a_marking_of_a_part_only_makes_the_whole_stricter(granular, default, tlp):
    assert FILE.judge(sdo("tool", name="x", granular_markings=granular), default).tlp == tlp


def test_a_granular_marking_joins_the_objects_own():
    value = sdo(
        "tool",
        object_marking_refs=[TLP_CLEAR],
        granular_markings=[{"selectors": ["name"], "marking_ref": TLP_AMBER}],
    )
    judgement = Markings().judge(value, Tlp.RED)
    assert (judgement.tlp, judgement.is_own) == (Tlp.AMBER, True)


def test_a_file_cannot_redefine_a_marking_of_the_protocol():
    forged = marking(1, definition_type="tlp", definition={"tlp": "white"}) | {"id": TLP_1_RED}
    markings = Markings([forged, stix_marking_definition(Tlp.GREEN) | {"id": TLP_RED}])
    assert markings.judge(sdo("tool", object_marking_refs=[TLP_1_RED]), Tlp.CLEAR).tlp == Tlp.RED
    assert markings.judge(sdo("tool", object_marking_refs=[TLP_RED]), Tlp.CLEAR).tlp == Tlp.RED


def test_of_two_definitions_with_one_identifier_the_stricter_holds():
    strict = marking(2, definition_type="tlp", definition={"tlp": "red"})
    loose = marking(2, definition_type="tlp", definition={"tlp": "white"})
    for definitions in ([strict, loose], [loose, strict], [strict, statement(2)]):
        assert Markings(definitions).level(OWN_AMBER) == Tlp.RED


@pytest.mark.parametrize(
    "definition",
    [
        marking(2, definition_type="tlp", definition={"tlp": "mauve"}),
        marking(2, definition_type="tlp", definition="amber"),
        marking(2, definition_type="tlp"),
        marking(2, definition_type=7),
        marking(2),
        marking(2, extensions={EXTENSION: {"tlp_2_0": 5}}),
        marking(2, extensions={EXTENSION: "clear"}),
    ],
)
def test_a_definition_that_is_not_understood_is_red(definition):
    assert Markings([definition]).level(OWN_AMBER) == Tlp.RED


@pytest.mark.parametrize(
    ("references", "tlp", "result"),
    [
        (None, Tlp.AMBER, [TLP_AMBER]),
        ([TLP_1_WHITE], Tlp.GREEN, [TLP_GREEN]),
        ([STATEMENT, TLP_1_AMBER, OWN_AMBER], Tlp.AMBER, [STATEMENT, TLP_AMBER, OWN_AMBER]),
        ([TLP_CLEAR, STATEMENT, TLP_1_GREEN], Tlp.RED, [TLP_RED, STATEMENT]),
        ([STATEMENT], Tlp.CLEAR, [STATEMENT, TLP_CLEAR]),
        ([TLP_STRICT], Tlp.AMBER_STRICT, [TLP_STRICT]),
    ],
)
def test_a_level_is_written_as_the_marking_of_oasis(references, tlp, result):
    value = sdo("tool", name="x", **({"object_marking_refs": references} if references else {}))
    before = dict(value)
    marked = with_tlp(value, tlp)
    assert marked["object_marking_refs"] == result
    assert {**marked, "object_marking_refs": None} == {**before, "object_marking_refs": None}
    assert value == before


@pytest.mark.parametrize(
    "properties",
    [
        {"object_marking_refs": [TLP_1_AMBER]},
        {"object_marking_refs": [TLP_CLEAR, TLP_RED]},
        {"granular_markings": [{"selectors": ["name"], "marking_ref": TLP_STRICT}]},
    ],
)
def test_a_marking_is_never_lowered(properties):
    with pytest.raises(LoweringRefused, match="a marking is never lowered") as refused:
        with_tlp(sdo("tool", **properties), Tlp.GREEN)
    assert refused.value.code == "marking-lowered"
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize("definition_first", [True, False])
def test_a_definition_counts_wherever_it_stands_in_the_file(definition_first):
    objects = [statement(1), sdo("tool", name="x", object_marking_refs=[STATEMENT])]
    found, reading = taken(examples.bundle(*(objects if definition_first else reversed(objects))), Tlp.GREEN)
    assert {each.tlp for each in found} == {Tlp.GREEN}
    assert len(reading.issues) == 0


def test_a_definition_written_with_escapes_counts_too():
    data = examples.bundle(sdo("tool", name="x", object_marking_refs=[STATEMENT]), statement(1))
    escaped = data.replace(b'"type": "marking-definition"', b'"\\u0074ype": "marking\\u002ddefinition"')
    assert escaped != data
    found, _ = taken(escaped, Tlp.GREEN)
    assert [each.tlp for each in found] == [Tlp.GREEN, Tlp.GREEN]


def test_a_marking_that_is_nowhere_holds_its_object_as_red():
    found, reading = taken(examples.bundle(sdo("tool", name="x", object_marking_refs=[MISSING])), Tlp.CLEAR)
    assert [(each.tlp, each.is_marked) for each in found] == [(Tlp.RED, True)]
    assert examples.codes(reading) == [("warning", "unknown-marking", "objects/0/object_marking_refs/0")]
