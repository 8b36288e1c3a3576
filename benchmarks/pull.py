"""How fast a cold partner catches up: ten thousand releases of one object, pulled, verified and stored.

    python benchmarks/pull.py [--releases 10000] [--kib 2] [--newcomer]

Starts two nodes under an agreement in force, stops the second, publishes the releases at the first, and starts the
second again. With ``--newcomer`` a third one is invited to the agreement after that, whose clause gives the history,
and accedes; it is confirmed while it runs, and reads the lane from its beginning. Prints how long it took until every
entry was verified and stored with its content, and until everything in them was taken into the store of intelligence
(wall, both nodes on this machine), with the CPU-seconds that each node took. Linux only: the time is that of ``/proc``.
Ends with 1 when fewer than 500 a second were taken in.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]
# the nodes are processes of their own, and shall be of this checkout too
os.environ["PYTHONPATH"] = str(CHECKOUT / "src")

from benchmarks.pace import pace  # noqa: E402 - a script finds its neighbours itself
from benchmarks.publish import cpu_of  # noqa: E402 - as above

from taawun.node.demo import sample  # noqa: E402 - a script finds the package itself
from taawun.node.demo.cast import EAST, NORTH, SOUTH  # noqa: E402 - as above
from taawun.node.demo.narration import Narrator  # noqa: E402 - as above
from taawun.node.demo.nodes import RunningNode, free_ports  # noqa: E402 - as above
from taawun.node.demo.several import Several, clause  # noqa: E402 - as above
from taawun.node.demo.story import Material, Story  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WANTED_A_SECOND = 500
GIVE_UP_SECONDS = 600
SPACE = UUID("0195f2c0-0000-7000-8000-000000000000")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=10_000)
    parser.add_argument("--kib", type=float, default=2.0, help="size of each content")
    parser.add_argument("--newcomer", action="store_true", help="who reads them acceded after they were sent")
    parser.add_argument("--seed", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.seed:
        seed(chosen.releases, int(chosen.kib * 1024))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        nations = (NORTH, SOUTH, EAST) if chosen.newcomer else (NORTH, SOUTH)
        nodes = [
            RunningNode(nation, Path(folder, nation.key), port)
            for nation, port in zip(nations, free_ports(len(nations)), strict=True)
        ]
        try:
            rate = (newcomer if chosen.newcomer else cold_partner)(nodes, chosen.releases, chosen.kib)
        finally:
            for node in nodes:
                node.stop()
    return 0 if rate >= WANTED_A_SECOND else 1


def cold_partner(nodes: Sequence[RunningNode], count: int, kib: float) -> float:
    """Let a partner be off while the releases are published, and start it; how many it took in a second."""
    north, south = nodes
    story = Story(north, south, Material("a report", sample.bundle()), Narrator(out=io.StringIO()))
    for step in (story.found, story.meet, story.agree):
        step()
    south.stop()
    publish(north, count, kib)
    start = time.perf_counter()
    south.start()
    print(f"the second node was ready after {time.perf_counter() - start:.1f} s")
    return catch_up(north, south, count)


def newcomer(nodes: Sequence[RunningNode], count: int, kib: float) -> float:
    """Confirm a partner that acceded after the releases were published; how many it took in a second."""
    north, south, east = nodes
    people = Several()
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(lambda node: node.found("a walk in the park"), nodes))
    people.meet(north, south)
    people.meet(north, east)
    giving = [clause("1", history="all")]
    agreement = people.agree(north, south, accession="by-invitation", clauses=giving)
    # who was a party before would read along
    south.stop()
    publish(north, count, kib)
    people.invite(north, agreement, east)
    people.accede(east, agreement, north)
    stored, _done = counted_at(east)
    print(f"before it is confirmed the newcomer holds {stored} of them")
    return catch_up(north, east, count, lambda: people.confirm(north, agreement, east))


def publish(node: RunningNode, count: int, kib: float) -> None:
    """Publish at a node, in a process of its own."""
    start = time.perf_counter()
    own = [sys.executable, __file__, "--seed", "--releases", str(count), "--kib", str(kib)]
    subprocess.run(own, env=node.environment(), check=True)
    print(f"published {count} releases in {time.perf_counter() - start:.0f} s")


def catch_up(
    giver: RunningNode, reader: RunningNode, count: int, begin: Callable[[], object] = lambda: None
) -> float:
    """Begin, and watch how a node reads what another one sent; how many were taken in a second."""
    paced = pace()
    sent, read = cpu_of(giver.pid), cpu_of(reader.pid)
    # one that was just started may have read some before anybody could watch it
    _stored, before = counted_at(reader)
    began = time.perf_counter()
    begin()
    verified = 0.0
    while True:
        stored, done = counted_at(reader)
        if not verified and stored >= count:
            verified = time.perf_counter() - began
        if done >= count:
            break
        if time.perf_counter() - began > GIVE_UP_SECONDS:
            raise SystemExit(f"only {done} of {count} were taken in; see the entries' reasons at the partner")
        time.sleep(0.1)
    taken = time.perf_counter() - began
    print(
        f"{count} releases: verified and stored after {verified:.1f} s ({count / verified:.0f}/s), "
        f"taken in after {taken:.1f} s: {(count - before) / taken:.0f}/s (wall, bar {WANTED_A_SECOND}/s), "
        f"but for {before} that were there before; "
        f"CPU {cpu_of(giver.pid) - sent:.1f} s at the sender, {cpu_of(reader.pid) - read:.1f} s at the receiver, "
        f"at a pace of {(paced + pace()) / 2:.2f}"
    )
    return (count - before) / taken


def counted_at(node: RunningNode) -> tuple[int, int]:
    """How many of the partner's releases are at a node, and how many it has taken in."""
    with closing(sqlite3.connect(f"file:{node.home}/taawun.sqlite3?mode=ro", uri=True)) as held:
        rows = held.execute(
            "SELECT count(*), coalesce(sum(entry.state = 'done'), 0) FROM partners_laneentry entry"
            " JOIN partners_lane lane ON lane.id = entry.lane_id"
            " WHERE lane.sender_id IS NOT NULL AND lane.purpose = 'clause' AND entry.kind NOT LIKE 'lane.%'"
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
