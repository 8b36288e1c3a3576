"""What leaves bears the marking it is held under, whoever takes it out, and whatever its own text says."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.actions import ReportFields
from taawun.capabilities.intel.composing import text_under
from taawun.capabilities.intel.models import Report, StixObject
from taawun.capabilities.intel.preparing import prepared_from
from taawun.capabilities.intel.stix import read
from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs import contents
from taawun.foundation.tlp import Tlp, from_stix_marking, stix_marking_definition, stix_marking_id
from taawun.node.commands import intel as command
from tests.capabilities.intel.factories import Sender, bring, current, indicator, marked, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier, sdo
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner

pytestmark = pytest.mark.django_db

FIRST = identifier("indicator", 1)
TOLD = report(1, FIRST)


@pytest.fixture
def third(cast: Cast) -> PartnerNode:
    made = partner("Third", nation="XT")
    agreement_in_force(made)
    return made


@pytest.fixture
def south(cast: Cast, third: PartnerNode) -> Sender:
    """A partner whose report says TLP:CLEAR, that names nothing marked, and that came as TLP:AMBER."""
    made = sender("South", "XS", clauses=(clause(onward=Onward("named", (third.node,))),))
    assert made.publish(marked(TOLD, Tlp.CLEAR), indicator(1), tlp=Tlp.AMBER).state == "done"
    return made


def published(cast: Cast, *stix_ids: str) -> list[dict[str, Any]]:
    """The objects of a report of ours on these, as its receivers get them."""
    given = ReportFields("Ours", "", Tlp.AMBER, object_ids=stix_ids)
    made = actions.publish_report(cast.analyst.actor, actions.create_report(cast.analyst.actor, given))
    assert made.release is not None
    found: list[dict[str, Any]] = json.loads(contents.get(made.release.digest))["objects"]
    return found


def levels(objects: list[dict[str, Any]]) -> dict[str, Tlp]:
    """As whoever receives them judges them; what says nothing is TLP:CLEAR to them."""
    reading = read(bundle(*objects), default_tlp=Tlp.CLEAR)
    return {each.stix_id: each.tlp for each in prepared_from(reading)}


def test_a_partners_amber_report_does_not_reach_a_third_node_as_clear(cast: Cast, south: Sender) -> None:
    objects = published(cast, TOLD["id"], FIRST)
    found = levels(objects)
    assert (found[TOLD["id"]], found[FIRST]) == (Tlp.AMBER, Tlp.AMBER)
    assert Release.objects.get(origin=None, kind="intel.report").tlp == Tlp.AMBER
    # what is held stays as it came
    assert stix_marking_id(Tlp.CLEAR) in current(TOLD["id"]).text


def test_what_says_its_level_itself_leaves_to_the_letter(cast: Cast, third: PartnerNode) -> None:
    bring(marked(indicator(1), Tlp.GREEN), marked(indicator(2), Tlp.CLEAR), tlp=Tlp.AMBER)
    texts = {each["id"]: each for each in published(cast, FIRST, identifier("indicator", 2))}
    assert texts[FIRST] == marked(indicator(1), Tlp.GREEN)
    assert texts[identifier("indicator", 2)] == marked(indicator(2), Tlp.CLEAR)


def test_one_object_may_come_from_its_author_and_through_us_whichever_is_first(cast: Cast) -> None:
    """One node receives both: no release conflicts with another, and each wording is held under its own marking."""
    south, east = sender("South", "XS"), sender("East", "XE")
    ours = report(2, FIRST, name="Made of it")
    assert south.publish(TOLD, marked(indicator(1), Tlp.CLEAR), tlp=Tlp.AMBER).state == "done"
    assert east.publish(ours, marked(indicator(1), Tlp.AMBER), tlp=Tlp.AMBER).state == "done"
    assert east.publish(report(3, FIRST), marked(indicator(1), Tlp.AMBER), tlp=Tlp.AMBER).state == "done"
    held = StixObject.objects.filter(stix_id=FIRST).order_by("id")
    assert [(each.origin, each.tlp, each.is_current) for each in held] == [
        (south.node, Tlp.CLEAR, True),
        (east.node, Tlp.AMBER, False),
    ]
    assert Report.objects.count() == 3


def test_the_authors_word_that_comes_second_stands_beside_the_stricter_one(cast: Cast) -> None:
    south, east = sender("South", "XS"), sender("East", "XE")
    assert east.publish(report(2, FIRST), marked(indicator(1), Tlp.AMBER), tlp=Tlp.AMBER).state == "done"
    assert south.publish(TOLD, marked(indicator(1), Tlp.CLEAR), tlp=Tlp.AMBER).state == "done"
    assert current(FIRST).tlp == Tlp.AMBER
    assert sorted(StixObject.objects.filter(stix_id=FIRST).values_list("tlp", flat=True)) == [
        Tlp.CLEAR,
        Tlp.AMBER,
    ]


@pytest.mark.usefixtures("pages")
def test_every_way_out_shows_the_level_that_is_held(cast: Cast, south: Sender) -> None:
    api, browser = cast.analyst.api, cast.analyst.browser()
    held = Report.objects.get().id
    named = f"/en/intel/objects/{TOLD['id']}/"
    wholes = [
        json.loads(api.get(f"/intel/objects/{TOLD['id']}").content),
        json.loads(browser.get(f"{named}download/").content),
    ]
    lists = [
        api.get("/intel/objects").json()["items"],
        json.loads(_whole(api.get(f"/intel/reports/{held}/bundle")))["objects"],
        json.loads(_whole(browser.get(f"/en/intel/reports/{held}/bundle/")))["objects"],
    ]
    for objects in ([wholes[0]], [wholes[1]], *lists):
        assert set(levels(objects).values()) == {Tlp.AMBER}
    assert stix_marking_id(Tlp.CLEAR) not in browser.get(named).content.decode()


def _whole(answer: Any) -> bytes:  # Any: of one piece or of several
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def test_the_console_exports_under_the_level_that_is_held(
    cast: Cast, south: Sender, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert command.run(argparse.Namespace(verb="export", tlp_max=Tlp.AMBER, text="", type="")) == 0
    objects = json.loads(capfdbinary.readouterr().out)["objects"]
    assert levels(objects) == {TOLD["id"]: Tlp.AMBER, FIRST: Tlp.AMBER}


STATEMENT = "marking-definition--00000000-0000-4000-8000-000000000009"


@pytest.mark.parametrize(
    ("own", "held", "left"),
    [
        ([], Tlp.CLEAR, [Tlp.CLEAR]),
        ([STATEMENT], Tlp.GREEN, [STATEMENT, Tlp.GREEN]),
        ([Tlp.CLEAR, STATEMENT], Tlp.AMBER, [Tlp.AMBER, STATEMENT]),
        ([Tlp.AMBER], Tlp.AMBER, [Tlp.AMBER]),
        ([Tlp.RED], Tlp.AMBER, [Tlp.RED]),
    ],
)
def test_a_marking_is_written_where_the_text_says_less_or_none(
    own: list[Tlp | str], held: Tlp, left: list[Tlp | str]
) -> None:
    def named(markings: list[Tlp | str]) -> list[str]:
        return [stix_marking_id(each) if isinstance(each, Tlp) else each for each in markings]

    value = sdo("tool", 1, name="T", x_many=2**80) | ({"object_marking_refs": named(own)} if own else {})
    text = json.dumps(value)
    found = text_under(text, held)
    assert json.loads(found) == value | {"object_marking_refs": named(left)}
    assert (found == text) == (own == left)


def test_what_was_withdrawn_and_what_the_protocol_defines_are_left_as_they_are() -> None:
    definition = json.dumps(stix_marking_definition(Tlp.GREEN))
    assert from_stix_marking(json.loads(definition)["id"]) == Tlp.GREEN
    assert (text_under("", Tlp.AMBER), text_under(definition, Tlp.AMBER)) == ("", definition)
