"""A node that only calls: from its first word to a withdrawal it takes full part, and nothing ever calls it."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from taawun.node.demo import sample
from taawun.node.demo.cast import NORTH, SOUTH
from taawun.node.demo.narration import Narrator
from taawun.node.demo.nodes import ApiClient, RunningNode, free_ports, wait_for
from taawun.node.demo.story import Material, Story
from tests.journeys.conftest import Pair, both, everything, rows, with_tables

pytestmark = [pytest.mark.journey, pytest.mark.slow]

AT = "2026-01-01T00:00:00.000Z"
MANY = 900


@pytest.fixture(scope="module")
def agreed(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A node that can be called, and one that listens where nobody knows, met and agreed from their first word on."""
    folder = tmp_path_factory.mktemp("calls-only")
    ports = free_ports(3)
    nobody_listens = f"http://127.0.0.1:{ports[2]}"
    north = with_tables(RunningNode(NORTH, folder / "north", ports[0]), tables)
    south = with_tables(RunningNode(SOUTH, folder / "south", ports[1], called=nobody_listens), tables)
    story = Story(north, south, Material("an invented report", sample.bundle()), Narrator(out=io.StringIO()))
    made = Pair(north, south, story)
    try:
        story.found()
        story.meet()
        story.take_in()
        story.agree()
        yield made
    finally:
        both(RunningNode.stop, made)


def _take_in(analyst: ApiClient) -> list[str]:
    """Bring in so many indicators that a report about them is too large for a line; their ids."""
    objects = [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid4()}",
            "created": AT,
            "modified": AT,
            "name": f"host-{number}.example",
            "description": "An invented host, in an invented network, seen by nobody. " * 4,
            "pattern": f"[domain-name:value = 'host-{number}-{uuid.uuid4().hex}.example']",
            "pattern_type": "stix",
            "valid_from": AT,
        }
        for number in range(MANY)
    ]
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    begun = analyst.call(
        "POST",
        "/intel/imports",
        params={"name": "many", "tlp": "TLP:GREEN"},
        content=json.dumps(bundle).encode(),
    )
    wait_for(
        "the import",
        lambda: analyst.get(f"/intel/imports/{begun['id']}")["state"] == "done" or None,
        seconds=60,
    )
    return [str(each["id"]) for each in objects]


def _publish(analyst: ApiClient, title: str, objects: list[str]) -> str:
    body = {"title": title, "summary": title, "tlp": "TLP:GREEN", "object_ids": objects}
    report: str = analyst.post("/intel/reports", body)["id"]
    analyst.post(f"/intel/reports/{report}/publish")
    return report


def _arrived(analyst: ApiClient, title: str) -> bool | None:
    titles = {each["title"] for each in everything(analyst, "/intel/reports", state="received")}
    return title in titles or None


def test_a_node_that_only_calls_takes_full_part(agreed: Pair) -> None:
    north, south = agreed.analyst(agreed.north), agreed.analyst(agreed.south)
    # reports, a receipt and a sighting that comes back, as between any two
    agreed.story.publish()
    agreed.story.sight()

    # what is too large for a line, both ways
    for sender, receiver, title in (
        (north, south, "large, to one that calls"),
        (south, north, "large, of one"),
    ):
        _publish(sender, title, _take_in(sender))
        wait_for(title, partial(_arrived, receiver, title), seconds=60)
    large = rows(agreed.north, "select max(size) from partners_laneentry where state = 'done'")[0][0]
    assert isinstance(large, int)
    assert large > 256 * 1024

    # the receipt for what it delivered came back to it, and its withdrawal takes effect
    item = south.get("/intel/objects", type="indicator", limit=1)["items"][0]
    report = _publish(south, "taken back", [item["id"]])
    wait_for("the report in the north", lambda: _arrived(north, "taken back"), seconds=60)
    unsigned = "select 1 from partners_lane l join partners_lanereader r on r.lane_id = l.id "
    unsigned += "where l.purpose = 'clause' and l.sender_id is null and r.receipt_seq < l.head_seq"
    wait_for("receipts for all it sent", lambda: not rows(agreed.south, unsigned) or None, seconds=60)
    south.post(f"/intel/reports/{report}/withdraw", {"reason": "It was wrong."})
    wait_for("the withdrawal in the north", lambda: not _arrived(north, "taken back") or None, seconds=60)

    # nobody ever called it, and nothing broke
    known = agreed.administrator(agreed.north).get("/partners")["items"][0]
    assert (known["is_reachable"], known["last_error"], known["state"]) == (False, "", "verified")
    assert rows(agreed.north, "select stop_reason from partners_lane where state = 'stopped'") == []
    assert rows(agreed.south, "select stop_reason from partners_lane where state = 'stopped'") == []
    assert json.loads(agreed.north.command("audit", "verify", "--json").stdout)["broken_at"] is None


def test_what_it_delivers_survives_that_either_node_is_killed(agreed: Pair) -> None:
    south = agreed.analyst(agreed.south)
    item = south.get("/intel/objects", type="indicator", limit=1)["items"][0]
    titles = {f"through a kill {number}" for number in range(12)}
    for number, title in enumerate(sorted(titles)):
        _publish(south, title, [item["id"]])
        if number == 3:
            agreed.north.kill("worker")
        if number == 6:
            agreed.south.kill("worker")
        if number == 9:
            agreed.north.kill()
    agreed.north.start()
    north = agreed.analyst(agreed.north)

    def all_there() -> bool | None:
        held = [each["title"] for each in everything(north, "/intel/reports", state="received")]
        return True if sorted(each for each in held if each in titles) == sorted(titles) else None

    wait_for("each of them once in the north", all_there, seconds=120)
    doubled = "select lane_id, seq from partners_laneentry group by lane_id, seq having count(*) > 1"
    assert rows(agreed.north, doubled) == []
