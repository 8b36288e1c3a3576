"""How long from publishing a report until it is visible at a partner: two real nodes, over HTTP.

    python benchmarks/publish.py [--releases 100]

Starts two nodes under an agreement in force, publishes reports one after the other, and asks the partner's machine
interface until each is there. Prints wall time (the medium is a wait, so CPU says little) and the CPU-seconds that both
nodes' processes took for all of them.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "src"))

from taawun.node.demo import sample  # noqa: E402 - a script finds the package itself
from taawun.node.demo.cast import NORTH, SOUTH  # noqa: E402
from taawun.node.demo.narration import Narrator  # noqa: E402
from taawun.node.demo.nodes import ApiClient, RunningNode, free_ports, wait_for  # noqa: E402
from taawun.node.demo.story import Material, Story  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=100)
    count = parser.parse_args().releases
    with tempfile.TemporaryDirectory() as folder:
        ports = free_ports(2)
        north = RunningNode(NORTH, Path(folder, "north"), ports[0])
        south = RunningNode(SOUTH, Path(folder, "south"), ports[1])
        story = Story(north, south, Material("a report", sample.bundle()), Narrator(out=io.StringIO()))
        try:
            for step in (story.found, story.meet, story.take_in, story.agree):
                step()
            measure(story, count)
        finally:
            north.stop()
            south.stop()
    return 0


def measure(story: Story, count: int) -> None:
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


def newest_is(there: ApiClient, title: str) -> bool | None:
    """Whether this is the newest report the partner received."""
    items = there.get("/intel/reports", state="received", limit=1)["items"]
    return bool(items and items[0]["title"] == title) or None


def cpu_of(node: RunningNode) -> float:
    """CPU-seconds of every process of a node so far."""
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid=,cputimes="], capture_output=True, text=True, check=True
    ).stdout
    table = [tuple(map(int, line.split())) for line in listing.splitlines()]
    family, total = {node.pid}, 0
    for pid, parent, seconds in sorted(table):
        if pid in family or parent in family:
            family.add(pid)
            total += seconds
    return float(total)


if __name__ == "__main__":
    sys.exit(main())
