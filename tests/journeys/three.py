"""Three real nodes that met each other, with clocks that a test moves; and how their people agree."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from taawun.foundation import clock, request_signatures
from taawun.foundation.signing import SigningKey
from taawun.node.demo import sample
from taawun.node.demo.cast import EAST, Player
from taawun.node.demo.nodes import PLAIN, RunningNode, free_ports, wait_for
from taawun.node.demo.several import Several
from tests.journeys.conftest import Pair, everything, move_clock, with_clock, with_tables

__all__ = ["Three", "running"]


@dataclass
class Three(Several):
    """Three nodes; the first two are under the pair's agreement, the third knows both.

    Attributes:
        clocks: a folder with a file for each node, in which stands how far its clock is moved, in seconds.
        password: of all their people.
    """

    north: RunningNode
    south: RunningNode
    east: RunningNode
    clocks: Path
    password: str

    @property
    def nodes(self) -> tuple[RunningNode, RunningNode, RunningNode]:
        return self.north, self.south, self.east

    def move_clocks(self, by: timedelta, *nodes: RunningNode) -> None:
        """Let so much time pass at these nodes, or at all; negative: back."""
        for node in nodes or self.nodes:
            move_clock(self.clocks, node.nation, by)

    def ahead(self, node: RunningNode) -> timedelta:
        """How far a node's clock was moved."""
        place = self.clocks / node.nation.key
        return timedelta(seconds=float(place.read_text(encoding="ascii")) if place.exists() else 0.0)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Let the clock of the tests themselves go as those of the nodes do."""
        moved = _Moved(self.ahead(self.north))
        clock._clocks.frozen.append(moved)
        try:
            yield
        finally:
            clock._clocks.frozen.remove(moved)

    @staticmethod
    def node_key(node: RunningNode) -> SigningKey:
        """The key that a node signs with now, as who stole it would have it."""
        return SigningKey.from_pem((node.home / "keys" / "node.pem").read_bytes())

    @staticmethod
    def signed(node: RunningNode, key: SigningKey, path: str = "/federation/lanes") -> httpx.Response:
        """What a node answers to whoever has this key and asks for its lanes, or for something else."""
        url = f"{node.base}{path}"
        headers = request_signatures.sign("GET", url, b"", key)
        return httpx.get(url, headers=headers, timeout=60, trust_env=False, verify=PLAIN)

    def read_lane(self, node: RunningNode, lane: str, key: SigningKey) -> httpx.Response:
        """A lane of a node from its very beginning, as it answers whoever has this key."""
        return self.signed(node, key, f"/federation/lanes/{lane}?after=-1")

    def notice(self, node: RunningNode, kind: str, seconds: float = 60) -> dict[str, Any]:
        """The notice of this kind that an administrator has, once it is there."""

        def look() -> dict[str, Any] | None:
            notices = self.administrator(node).get("/notices", limit=200)["items"]
            return next((each for each in notices if each["kind"] == kind and not each["resolved"]), None)

        found: dict[str, Any] = wait_for(f"{kind} in the {node.nation.key}", look, seconds=seconds)
        return found

    def page(self, node: RunningNode, player: Player, path: str) -> str:
        """What somebody who signed in reads on a page, without its markup."""
        with httpx.Client(
            base_url=node.here, timeout=60, trust_env=False, verify=PLAIN, follow_redirects=True
        ) as browser:
            door = "/en/account/login/"
            hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get(door).text)
            assert hidden
            form = {"csrfmiddlewaretoken": hidden[1], "login": player.email, "password": self.password}
            assert browser.post(door, data=form, headers={"Referer": node.here + door}).is_success
            html = browser.get(path).raise_for_status().text
        return " ".join(re.sub(r"<[^>]+>", " ", html).split())

    # ---- releases -----------------------------------------------------------------------------------------------
    def publish(
        self, node: RunningNode, title: str, tlp: str = "TLP:GREEN", to: RunningNode | None = None
    ) -> str:
        """Publish a report about what the node itself brought in, to all that may have it or to one; its id."""
        analyst = self.analyst(node)
        # what others sent would bring their clauses along
        own = next(each for each in json.loads(sample.bundle())["objects"] if each["type"] == "indicator")
        body = {"title": title, "summary": title, "tlp": tlp, "object_ids": [own["id"]]}
        report = str(analyst.post("/intel/reports", body)["id"])
        analyst.post(f"/intel/reports/{report}/publish", {"audience": [to.base]} if to else {})
        return report

    def received(self, node: RunningNode) -> dict[str, str]:
        """Reports that a node received: title to id."""
        found = everything(self.analyst(node), "/intel/reports", state="received")
        return {each["title"]: each["id"] for each in found}

    def arrived(self, node: RunningNode, title: str) -> str:
        """A report with this title, once it is there; its id."""
        return str(
            wait_for(
                f"“{title}” in the {node.nation.key}",
                lambda: self.received(node).get(title),
                seconds=60,
            )
        )

    def gone(self, node: RunningNode, title: str) -> None:
        """Wait until a report with this title is not there any more."""
        wait_for(
            f"“{title}” to go from the {node.nation.key}",
            lambda: None if title in self.received(node) else True,
            seconds=60,
        )

    def release(self, node: RunningNode, title: str) -> str:
        """The id of the release that carries a report with this title."""
        found = self.analyst(node).get("/federation/releases", text=title)["items"]
        return str(found[0]["id"])

    def preview(self, node: RunningNode, tlp: str, kind: str = "intel.report") -> dict[str, str]:
        """By node: the clause by which it would receive something, or the reason why it would not."""
        asked = self.analyst(node).post("/federation/decide", {"kind": kind, "tlp": tlp})
        receivers = {each["party"]: each["clause"]["clause"] for each in asked["receivers"]}
        return receivers | {each["party"]: each["reason"] for each in asked["others"]}


class _Moved(clock.FrozenClock):
    """A clock that goes, so far from the true time."""

    def __init__(self, ahead: timedelta) -> None:
        super().__init__(datetime.now(UTC))
        self._ahead = ahead

    def now(self) -> datetime:
        """The instant there."""
        return datetime.now(UTC) + self._ahead


@contextmanager
def running(agreed: Pair, folder: Path, tables: Path) -> Iterator[Three]:
    """Three nodes: copies of two that agreed, and a new one that all compared."""
    clocks = folder / "clocks"
    clocks.mkdir()
    north, south = (
        replace(
            node,
            home=Path(shutil.copytree(node.home, folder / node.home.name)),
            tokens=dict(node.tokens),
            extra=with_clock(clocks, node.nation),
        )
        for node in (agreed.north, agreed.south)
    )
    east = RunningNode(EAST, folder / "east", free_ports(1)[0], extra=with_clock(clocks, EAST))
    with_tables(east, tables)
    password = agreed.story.password
    made = Three(north, south, east, clocks, password)
    try:
        with ThreadPoolExecutor(3) as pool:
            founded = pool.submit(east.found, password)
            list(pool.map(RunningNode.start, (north, south)))
            founded.result()
        for other in (north, south):
            made.meet(east, other)
        _take_in(made, east)
        yield made
    finally:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(RunningNode.stop, made.nodes))


def _take_in(three: Three, node: RunningNode) -> None:
    analyst = three.analyst(node)
    begun = analyst.call(
        "POST", "/intel/imports", params={"name": "own", "tlp": "TLP:GREEN"}, content=sample.bundle()
    )
    path = f"/intel/imports/{begun['id']}"
    wait_for("the import", lambda: analyst.get(path)["state"] == "done" or None, seconds=60)
