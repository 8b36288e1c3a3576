"""How long from publishing a report until it is visible at a partner: two real nodes, over HTTP.

    python benchmarks/publish.py [--releases 100] [--idle SECONDS]

Starts two nodes under an agreement in force, publishes reports one after the other, and asks the partner's machine
interface until each is there. Prints wall time (the medium is a wait, so CPU says little) and the CPU-seconds that both
nodes' processes took for all of them; with ``--idle`` also what each takes while nothing happens. Linux only: the time
is that of ``/proc``. Ends with 1 when the median is not under 2 s.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Protocol

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "src"))
# the nodes are processes of their own, and shall be of this checkout too
os.environ["PYTHONPATH"] = str(CHECKOUT / "src")

from taawun.node.demo import sample  # noqa: E402 - a script finds the package itself
from taawun.node.demo.cast import NORTH, SOUTH  # noqa: E402 - as above
from taawun.node.demo.narration import Narrator  # noqa: E402 - as above
from taawun.node.demo.nodes import ApiClient, RunningNode, free_ports, wait_for  # noqa: E402 - as above
from taawun.node.demo.story import Material, Story  # noqa: E402 - as above

WANTED_SECONDS = 2.0
TICK = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=100)
    parser.add_argument("--idle", type=int, default=0, help="seconds to watch the nodes do nothing")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ports = free_ports(2)
        north = RunningNode(NORTH, Path(folder, "north"), ports[0])
        south = RunningNode(SOUTH, Path(folder, "south"), ports[1])
        story = Story(north, south, Material("a report", sample.bundle()), Narrator(out=io.StringIO()))
        try:
            for step in (story.found, story.meet, story.take_in, story.agree):
                step()
            median = measure(story, chosen.releases)
            if chosen.idle:
                watch_idle(story, chosen.idle)
        finally:
            north.stop()
            south.stop()
    return 0 if median < WANTED_SECONDS else 1


def measure(story: Story, count: int) -> float:
    """Publish so many reports, and print how long each took; the median in seconds."""
    here = story.north.api(NORTH.player("analyst"))
    there = story.south.api(SOUTH.player("analyst"))
    named = here.get("/intel/objects", type="indicator", limit=1)["items"][0]["id"]
    waits = []
    cpu = cpu_of(story.north) + cpu_of(story.south)
    for number in range(count):
        body = {"title": f"report {number}", "tlp": "TLP:GREEN", "object_ids": [named]}
        report = here.post("/intel/reports", body)["id"]
        start = time.perf_counter()
        here.post(f"/intel/reports/{report}/publish")
        wait_for(f"report {number}", partial(newest_is, there, f"report {number}"))
        waits.append(time.perf_counter() - start)
    spent = cpu_of(story.north) + cpu_of(story.south) - cpu
    waits.sort()
    print(
        f"publish to visible at the partner, {count} releases: median {waits[count // 2]:.2f} s, "
        f"slowest 1 in 20 {waits[int(count * 0.95)]:.2f} s, slowest {waits[-1]:.2f} s (wall, hints on); "
        f"{spent / count * 1e3:.0f} ms CPU a release on both nodes together, the asking included"
    )
    return waits[count // 2]


def watch_idle(story: Story, seconds: int) -> None:
    """Print what each node takes while nobody asks it for anything."""
    time.sleep(10)  # what the last releases left to do is done by then
    before = [cpu_of(node) for node in (story.north, story.south)]
    time.sleep(seconds)
    after = [cpu_of(node) for node in (story.north, story.south)]
    each = ", ".join(f"{late - early:.2f}" for early, late in zip(before, after, strict=True))
    print(f"idle for {seconds} s: {each} CPU-s, all processes of a node")


def newest_is(there: ApiClient, title: str) -> bool | None:
    """Whether this is the newest report the partner received."""
    items = there.get("/intel/reports", state="received", limit=1)["items"]
    return bool(items and items[0]["title"] == title) or None


class Started(Protocol):
    """Something with processes below one of its own."""

    @property
    def pid(self) -> int:
        """Of the one above all others."""
        ...


def cpu_of(node: Started) -> float:
    """CPU-seconds of every process of a node so far."""
    spent: dict[int, float] = {}
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = place.read_text().rpartition(")")[2].split()
        except OSError:  # it ended between the listing and the reading
            continue
        pid = int(place.parent.name)
        parents[pid] = int(told[1])
        spent[pid] = (int(told[11]) + int(told[12])) / TICK
    return sum(seconds for pid, seconds in spent.items() if is_below(pid, node.pid, parents))


def is_below(pid: int, top: int, parents: dict[int, int]) -> bool:
    """Whether a process is another one or descends from it."""
    while pid and pid != top:
        pid = parents.get(pid, 0)
    return pid == top


if __name__ == "__main__":
    sys.exit(main())
