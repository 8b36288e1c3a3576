"""Two real nodes with their own databases, keys and processes, under an agreement in force."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from taawun.node.demo import sample
from taawun.node.demo.cast import NORTH, SOUTH, Nation
from taawun.node.demo.narration import Narrator
from taawun.node.demo.nodes import ApiClient, RunningNode, free_ports
from taawun.node.demo.story import Material, Story
from tests.tables import put_tables, tables

__all__ = [
    "Pair",
    "both",
    "everything",
    "move_clock",
    "rows",
    "tables",
    "tamper",
    "with_clock",
    "with_tables",
]

pytestmark = pytest.mark.journey


@dataclass
class Pair:
    """Two nodes that have agreed to share reports and sightings up to TLP:AMBER.

    Attributes:
        clocks: a folder with a file for each node, in which stands how far its clock is moved; empty at rest.
    """

    north: RunningNode
    south: RunningNode
    story: Story
    clocks: Path = Path()

    def analyst(self, node: RunningNode) -> ApiClient:
        return node.api(node.nation.player("analyst"))

    def officer(self, node: RunningNode) -> ApiClient:
        return node.api(node.nation.player("officer"))

    def administrator(self, node: RunningNode) -> ApiClient:
        return node.api(node.nation.player("administrator"))

    def new_report(self, title: str, tlp: str = "TLP:GREEN") -> str:
        """A draft in the north about something that is there; its id."""
        analyst = self.analyst(self.north)
        item = analyst.get("/intel/objects", type="indicator", limit=1)["items"][0]
        body = {"title": title, "summary": title, "tlp": tlp, "object_ids": [item["id"]]}
        identifier: str = analyst.post("/intel/reports", body)["id"]
        return identifier

    def move_clocks(self, by: timedelta) -> None:
        """Let so much time pass at both."""
        for node in (self.north, self.south):
            move_clock(self.clocks, node.nation, by)

    def received(self) -> dict[str, str]:
        """Reports the south received: title to id."""
        return {
            each["title"]: each["id"]
            for each in everything(self.analyst(self.south), "/intel/reports", state="received")
        }


def everything(api: ApiClient, path: str, **query: str) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = api.get(path, limit=500, **query, **({"after": after} if after else {}))
        items += page["items"]
        after = page["next"]
    return items


def rows(node: RunningNode, question: str, *arguments: object) -> list[tuple[object, ...]]:
    """What stands in a node's database."""
    with closing(sqlite3.connect(node.home / "taawun.sqlite3", timeout=30)) as database:
        return database.execute(question, arguments).fetchall()


def tamper(node: RunningNode, statement: str, *arguments: object) -> int:
    """Change a node's database behind its back; how many rows."""
    with closing(sqlite3.connect(node.home / "taawun.sqlite3", timeout=30)) as database, database:
        return database.execute(statement, arguments).rowcount


def with_clock(clocks: Path, nation: Nation) -> Mapping[str, str]:
    """The settings of a node whose clock a test moves: how far it is ahead stands in a file of this folder."""
    place = str(Path(__file__).parent / "clock")
    found = [place, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(found), "TESTS_CLOCK": str(clocks / nation.key)}


def move_clock(clocks: Path, nation: Nation, by: timedelta) -> None:
    """Let so much time pass at a node; negative: back."""
    place = clocks / nation.key
    ahead = float(place.read_text(encoding="ascii")) if place.exists() else 0.0
    place.with_suffix(".new").write_text(str(ahead + by.total_seconds()), encoding="ascii")
    place.with_suffix(".new").replace(place)


def both(act: Callable[[RunningNode], object], pair: Pair) -> None:
    """Do to both nodes at once what keeps each busy for seconds."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, (pair.north, pair.south)))


def with_tables(node: RunningNode, tables: Path) -> RunningNode:
    """Give a node that is yet to be made its tables."""
    put_tables(node.home, tables)
    return node


@pytest.fixture(scope="session")
def agreed(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two nodes at rest, with an agreement in force and a token for those who act; nobody changes them."""
    folder = tmp_path_factory.mktemp("agreed")
    ports = free_ports(2)
    north = with_tables(RunningNode(NORTH, folder / "north", ports[0]), tables)
    south = with_tables(RunningNode(SOUTH, folder / "south", ports[1]), tables)
    story = Story(north, south, Material("an invented report", sample.bundle()), Narrator(out=io.StringIO()))
    pair = Pair(north, south, story)
    try:
        story.found()
        story.meet()
        story.take_in()
        story.agree()
        for node in (north, south):
            for ask in (pair.analyst, pair.officer, pair.administrator):
                ask(node)
    finally:
        both(RunningNode.stop, pair)
    return pair


@pytest.fixture(scope="module")
def pair(agreed: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two nodes for the tests of one file: the same ones, each time as they were when they had agreed."""
    folder = tmp_path_factory.mktemp("pair")
    clocks = folder / "clocks"
    clocks.mkdir()
    north, south = (
        replace(
            node,
            home=shutil.copytree(node.home, folder / node.home.name),
            tokens=dict(node.tokens),
            extra=with_clock(clocks, node.nation),
        )
        for node in (agreed.north, agreed.south)
    )
    made = Pair(north, south, replace(agreed.story, north=north, south=south), clocks)
    try:
        both(RunningNode.start, made)
        yield made
    finally:
        both(RunningNode.stop, made)
