"""How fast a cold partner catches up: ten thousand releases of one object, pulled, verified and stored.

    python benchmarks/pull.py [--releases 10000] [--kib 2]

Starts two nodes under an agreement in force, stops the second, publishes the releases at the first, and starts the
second again. Prints how long it took until every entry was verified and stored with its content, and until everything
in them was taken into the store of intelligence (wall, both nodes on this machine), with the CPU-seconds that each node
took. Linux only: the time is that of ``/proc``. Ends with 1 when fewer than 500 a second were taken in.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid5

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]
# the nodes are processes of their own, and shall be of this checkout too
os.environ["PYTHONPATH"] = str(CHECKOUT / "src")

from benchmarks.publish import cpu_of  # noqa: E402 - a script finds its neighbours itself

from taawun.node.demo import sample  # noqa: E402 - a script finds the package itself
from taawun.node.demo.cast import NORTH, SOUTH  # noqa: E402 - as above
from taawun.node.demo.narration import Narrator  # noqa: E402 - as above
from taawun.node.demo.nodes import RunningNode, free_ports  # noqa: E402 - as above
from taawun.node.demo.story import Material, Story  # noqa: E402 - as above

WANTED_A_SECOND = 500
GIVE_UP_SECONDS = 600
SPACE = UUID("0195f2c0-0000-7000-8000-000000000000")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=10_000)
    parser.add_argument("--kib", type=float, default=2.0, help="size of each content")
    parser.add_argument("--seed", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.seed:
        seed(chosen.releases, int(chosen.kib * 1024))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        ports = free_ports(2)
        north = RunningNode(NORTH, Path(folder, "north"), ports[0])
        south = RunningNode(SOUTH, Path(folder, "south"), ports[1])
        story = Story(north, south, Material("a report", sample.bundle()), Narrator(out=io.StringIO()))
        try:
            for step in (story.found, story.meet, story.agree):
                step()
            south.stop()
            publish(north, chosen.releases, chosen.kib)
            rate = catch_up(north, south, chosen.releases)
        finally:
            north.stop()
            south.stop()
    return 0 if rate >= WANTED_A_SECOND else 1


def publish(node: RunningNode, count: int, kib: float) -> None:
    """Publish at a node, in a process of its own."""
    start = time.perf_counter()
    own = [sys.executable, __file__, "--seed", "--releases", str(count), "--kib", str(kib)]
    subprocess.run(own, env=node.environment(), check=True)
    print(f"published {count} releases in {time.perf_counter() - start:.0f} s")


def catch_up(north: RunningNode, south: RunningNode, count: int) -> float:
    """Start the second node and watch it; how many were taken in a second."""
    before = cpu_of(north)
    start = time.perf_counter()
    south.start()
    started = cpu_of(south)
    began = time.perf_counter()
    print(f"the second node was ready after {began - start:.1f} s")
    verified = 0.0
    with closing(sqlite3.connect(f"file:{south.home}/taawun.sqlite3?mode=ro", uri=True)) as held:
        while True:
            stored, done = counted(held)
            if not verified and stored >= count:
                verified = time.perf_counter() - began
            if done >= count:
                break
            if time.perf_counter() - began > GIVE_UP_SECONDS:
                raise SystemExit(
                    f"only {done} of {count} were taken in; see the entries' reasons at the partner"
                )
            time.sleep(0.1)
    taken = time.perf_counter() - began
    print(
        f"{count} releases: verified and stored after {verified:.1f} s, taken in after {taken:.1f} s: "
        f"{count / taken:.0f}/s (wall, bar {WANTED_A_SECOND}/s); "
        f"CPU {cpu_of(north) - before:.1f} s at the sender, {cpu_of(south) - started:.1f} s at the receiver"
    )
    return count / taken


def counted(held: sqlite3.Connection) -> tuple[int, int]:
    """How many of the partner's entries on clause lanes are here, and how many are taken in."""
    rows = held.execute(
        "SELECT count(*), coalesce(sum(entry.state = 'done'), 0) FROM partners_laneentry entry"
        " JOIN partners_lane lane ON lane.id = entry.lane_id"
        " WHERE lane.sender_id IS NOT NULL AND lane.purpose = 'clause' AND entry.seq > 0"
    )
    stored, done = rows.fetchone()
    return stored, done


# ---- at the node that publishes -----------------------------------------------------------------------------------


def seed(count: int, size: int) -> None:
    """Publish so many reports on one indicator each, as this process's node."""
    from taawun.node.wsgi import application

    assert application
    from django.db import transaction

    from taawun.capabilities.intel.actions.reporting import KIND
    from taawun.cooperation.federation.actions import Draft, publish
    from taawun.cooperation.people.actors import SystemActor
    from taawun.foundation.tlp import Tlp

    actor = SystemActor("benchmark")
    for start in range(0, count, 100):
        with transaction.atomic():
            for number in range(start, min(start + 100, count)):
                report, content = composed(number, size)
                draft = Draft(
                    kind=KIND,
                    subject=f"urn:taawun:stix:{report}",
                    version="2026-11-20T07:58:00.000Z",
                    title=f"report {number}",
                    tlp=Tlp.GREEN,
                    content=content,
                )
                publish(actor, draft)


def composed(number: int, size: int) -> tuple[str, bytes]:
    """A report on one indicator, as a bundle of about so many bytes; the report's id with it."""
    at = "2026-11-20T07:58:00.000Z"
    head = {"spec_version": "2.1", "created": at, "modified": at}
    indicator = {
        "type": "indicator",
        "id": f"indicator--{uuid5(SPACE, f'i{number}')}",
        **head,
        "name": f"host-{number}.example",
        "pattern": f"[domain-name:value = 'host-{number}.example']",
        "pattern_type": "stix",
        "valid_from": at,
    }
    report = {
        "type": "report",
        "id": f"report--{uuid5(SPACE, f'r{number}')}",
        **head,
        "name": f"report {number}",
        "published": at,
        "object_refs": [indicator["id"]],
        "description": "",
    }
    bundle = {
        "type": "bundle",
        "id": f"bundle--{uuid5(SPACE, f'b{number}')}",
        "objects": [report, indicator],
    }
    missing = size - len(json.dumps(bundle))
    report["description"] = ("Seen at the customs portal. " * (missing // 28 + 1))[: max(missing, 0)]
    return str(report["id"]), json.dumps(bundle).encode()


if __name__ == "__main__":
    sys.exit(main())
