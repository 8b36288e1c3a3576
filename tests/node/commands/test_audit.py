"""`taawun audit verify`: the trail and the lanes hold, or what breaks is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from taawun.cooperation.partners.logs.lanes import talk_lane
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.platform.audit.actions import GENESIS, seal
from taawun.platform.audit.models import Entry
from tests.cast import partner
from tests.lanes import clause_lane

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from taawun.cooperation.people.models import Organisation
    from tests.node.commands.console import Console


@pytest.fixture
def lanes(node: Organisation) -> tuple[Lane, Lane]:
    """A lane of ours with one entry, one of a partner's with two; the trail is sealed."""
    south = partner()
    theirs = clause_lane(south, None)
    theirs.write()
    theirs.take()
    seal()
    return talk_lane(south.row), theirs.row


def test_what_holds_is_told_with_numbers(console: Console, lanes: tuple[Lane, Lane]) -> None:
    head = Entry.objects.order_by("-seq")[0].digest
    ended = console.run("audit", "verify")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        f"2 rows, unbroken; 0 wait for their seal. Head: {head}\n2 of 2 lanes unbroken; 3 entries fit.\n"
    )
    ended = console.run("audit", "verify", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json == {
        "rows": 2,
        "broken_at": None,
        "unsealed": 0,
        "head": head,
        "lanes": 2,
        "entries": 3,
        "broken_lanes": [],
    }


def test_a_broken_lane_is_named_with_its_entry(console: Console, lanes: tuple[Lane, Lane]) -> None:
    ours, theirs = lanes
    LaneEntry.objects.filter(lane=theirs, seq=1).update(kind="tests.other")
    LaneEntry.objects.filter(lane=ours).delete()
    ended = console.run("audit", "verify")
    assert theirs.sender
    assert (ended.code, ended.out.splitlines()[1]) == (1, "0 of 2 lanes unbroken; 1 entries fit.")
    altered = "(altered): its kind here is not that of its signed header"
    cut_off = "(truncated): the lane should end at 0 and ends at -1"
    assert set(ended.err.splitlines()) == {
        f"Lane {theirs.id} of {theirs.sender.node} is broken at entry 1 {altered}. Compare with a backup.",
        f"Lane {ours.id} of {settings.BASE_URL} is broken at entry 0 {cut_off}. Compare with a backup.",
    }
    ended = console.run("audit", "verify", "--json")
    assert (ended.code, ended.err, ended.json["broken_at"], ended.json["entries"]) == (1, "", None, 1)
    assert {
        (each["lane"], each["sender"], each["seq"], each["code"]) for each in ended.json["broken_lanes"]
    } == {
        (str(theirs.id), theirs.sender.node, 1, "altered"),
        (str(ours.id), settings.BASE_URL, 0, "truncated"),
    }


def test_a_broken_trail_is_told_and_the_lanes_are_still_walked(
    console: Console, lanes: tuple[Lane, Lane]
) -> None:
    Entry.objects.filter(seq=1).update(verb="tests.other")
    ended = console.run("audit", "verify")
    assert (ended.code, ended.out) == (1, "2 of 2 lanes unbroken; 3 entries fit.\n")
    row = Entry.objects.get(seq=1)
    named = f"{row.id}, which says tests.other of {row.at:%Y-%m-%d %H:%M:%S} UTC"
    assert ended.err.startswith(
        f"The trail is broken at row 1 ({named}): it was changed, or a row before it is gone. Stop the node,"
    )
    told = console.run("audit", "verify", "--json")
    assert (told.code, told.err) == (1, "")
    assert (told.json["broken_at"], told.json["head"], told.json["broken_lanes"]) == (1, GENESIS, [])


def test_without_the_key_of_the_node_its_own_lanes_cannot_be_proved(
    console: Console, lanes: tuple[Lane, Lane], settings: Settings
) -> None:
    settings.NODE_KEY = "junk"
    ended = console.run("audit", "verify", "--json")
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)
    assert ended.err.startswith("taawun: the node's key in TAAWUN_NODE_KEY cannot be used: ")


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["in words", "as JSON"])
def test_without_a_node_nothing_can_be_proved(db: None, console: Console, form: list[str]) -> None:
    ended = console.run("audit", "verify", *form)
    told = f"taawun: there is no node in {settings.HOME}; run `taawun init` first, or set TAAWUN_HOME\n"
    assert (ended.code, ended.out, ended.err) == (3, "", told)
