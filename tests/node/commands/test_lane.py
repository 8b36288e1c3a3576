"""`taawun lane`: lanes are listed, written into files and taken from them, and what cannot be is told in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from taawun.cooperation.partners.logs.lanes import talk_lane
from taawun.cooperation.partners.models import Lane, LaneReader
from tests.cast import partner
from tests.lanes import clause_lane

if TYPE_CHECKING:
    from pathlib import Path

    from taawun.cooperation.people.models import Organisation
    from tests.cast import PartnerNode
    from tests.node.commands.console import Console


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    """A partner with which each has a lane to the other."""
    made = partner(node="https://south.example")
    talk_lane(made.row)
    clause_lane(made, None).take()
    return made


def test_lanes_are_listed_with_whose_they_are(console: Console, south: PartnerNode) -> None:
    theirs, ours = Lane.objects.get(sender=south.row), Lane.objects.get(sender=None)
    ended = console.run("lane", "list")
    assert (ended.code, ended.err) == (0, "")
    assert sorted(ended.out.splitlines()) == sorted(
        [
            f"{ours.id}  talk, to https://south.example: 1 entries, running",
            f"{theirs.id}  clause 1, from https://south.example: 1 entries, running",
        ]
    )
    listed = [json.loads(line) for line in console.run("lane", "list", "--json").out.splitlines()]
    assert {(each["lane"], each["sender"], tuple(each["readers"]), each["head"]) for each in listed} == {
        (str(ours.id), None, ("https://south.example",), 0),
        (str(theirs.id), "https://south.example", (), 0),
    }


def test_a_lane_is_written_for_its_reader(console: Console, south: PartnerNode, tmp_path: Path) -> None:
    ours = Lane.objects.get(sender=None)
    file = tmp_path / "lane"
    ended = console.run("lane", "export", str(ours.id), str(file))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{file}: 1 entries, 1 with their content, for https://south.example\n"
    again = console.run("lane", "export", str(ours.id), str(file), "--after", "0", "--json")
    assert again.json == {"entries": 0, "contents": 0, "last": -1}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("export", "no-lane", "f"), 2, "argument LANE"),
        (("export", str(uuid4()), "f", "--after", "x"), 2, "'x' is not the number of an entry"),
        (("export", str(uuid4()), "f"), 3, "`taawun lane list` prints them"),
        (("import", "/nowhere/at/all"), 3, "/nowhere/at/all: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_told(
    console: Console, south: PartnerNode, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    ended = console.run("lane", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert sentence in ended.err


def test_where_several_read_a_lane_one_is_named(console: Console, south: PartnerNode, tmp_path: Path) -> None:
    ours = Lane.objects.get(sender=None)
    east = partner("East", nation="XE", node="https://east.example")
    LaneReader.objects.create(lane=ours, partner=east.row)
    file = str(tmp_path / "lane")
    ended = console.run("lane", "export", str(ours.id), file)
    assert ended.code == 3
    assert ended.err == (
        "taawun: name the reader for whom it is written with --for; these read the lane: https://east.example, "
        "https://south.example\n"
    )
    assert console.run("lane", "export", str(ours.id), file, "--for", "https://east.example").code == 0


def test_a_file_for_another_node_is_refused_and_named(
    console: Console, south: PartnerNode, tmp_path: Path
) -> None:
    ours = Lane.objects.get(sender=None)
    file = str(tmp_path / "lane")
    console.run("lane", "export", str(ours.id), file)
    ended = console.run("lane", "import", file)
    assert ended.code == 3
    assert "The file is encrypted to another node" in ended.err
