"""Keeping a node's processes together, whatever becomes of one of them or of the supervisor."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.node.server.running import CHECKOUT, is_alive, wait_until

# Each child writes a line with its process id; what it does then is the test's business.
CHILDREN = {
    "steady": "time.sleep(60)",
    "brief": "time.sleep(0.3)",
    "failing": "sys.exit(7)",
    "deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
    "tidy": "signal.signal(signal.SIGTERM, lambda *_: (tell('tidied'), sys.exit(0))); time.sleep(60)",
    "parent": "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)",
    "careless": (
        "tell(str(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)); sys.exit(7)"
    ),
    "curious": "tell(os.environ.get('TAAWUN_TOLD', 'nothing')); time.sleep(60)",
}
PRELUDE = """
import os, signal, subprocess, sys, time
def tell(text):
    with open(sys.argv[1], "a") as log:
        log.write(text + "\\n")
tell(str(os.getpid()))
"""
RUN = """
import json, sys
from taawun.node.server.supervisor import Process, run
asked = json.loads(sys.argv[1])
processes = [Process(**process) for process in asked["processes"]]
sys.exit(run(processes, grace_seconds=asked["grace"], pause_seconds=0.05))
"""


class Supervised:
    """A supervisor in a process of its own, and what its children tell."""

    def __init__(self, folder: Path, names: tuple[str, ...], grace: float) -> None:
        self._folder = folder
        self.names = names
        processes = [self.process(name) for name in names]
        asked = json.dumps({"processes": processes, "grace": grace})
        self.main = subprocess.Popen([sys.executable, "-c", RUN, asked], cwd=CHECKOUT)

    def process(self, name: str) -> dict[str, Any]:  # Any: JSON
        if name == "missing":
            return {"name": name, "argv": [str(self._folder / "no-such-command")]}
        argv = [sys.executable, "-c", PRELUDE + CHILDREN[name], str(self._folder / name)]
        return {
            "name": name,
            "argv": argv,
            "env": {"TAAWUN_TOLD": "a-setting"} if name == "curious" else None,
        }

    def told(self, name: str) -> list[str]:
        path = self._folder / name
        return path.read_text().split() if path.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(text) for text in self.told(name) if text.isdigit()]

    def all_pids(self) -> set[int]:
        """The children that are known, and all that is in their process groups."""
        groups = {os.getpgid(pid) for name in self.names for pid in self.pids(name) if is_alive(pid)}
        command = ["/bin/ps", "-eo", "pid=,pgid="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {int(pid) for pid, group in map(str.split, listed.splitlines()) if int(group) in groups}


@contextmanager
def supervised(folder: Path, *names: str, grace: float = 5.0) -> Iterator[Supervised]:
    supervision = Supervised(folder, names, grace)
    known: set[int] = set()
    try:
        wait_until(lambda: all(supervision.told(name) for name in names if name != "missing"))
        known = supervision.all_pids()
        yield supervision
    finally:
        supervision.main.kill()
        supervision.main.wait()
        for pid in known:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_all_are_stopped_when_asked_and_that_is_no_failure(tmp_path, number):
    with supervised(tmp_path, "steady", "tidy") as node:
        node.main.send_signal(number)
        assert node.main.wait(5) == 0
        assert node.told("tidy")[-1] == "tidied"
        assert not any(map(is_alive, node.pids("steady") + node.pids("tidy")))


def test_what_falls_is_started_again_and_the_others_stay(tmp_path):
    with supervised(tmp_path, "steady", "parent") as node:
        for _ in range(2):
            fallen = node.pids("parent")[-1]
            os.kill(fallen, signal.SIGKILL)
            wait_until(lambda fallen=fallen: node.pids("parent")[-1] != fallen)
        assert len(node.pids("steady")) == 1
        assert is_alive(node.pids("steady")[0])
        assert is_alive(node.pids("parent")[-1])


def test_the_pauses_between_two_starts_grow(tmp_path):
    with supervised(tmp_path, "brief") as node:
        begun = time.monotonic()
        wait_until(lambda: len(node.pids("brief")) == 4)
        assert time.monotonic() - begun > 2 * 0.3 + 0.05 + 0.1 + 0.2


def test_one_that_does_not_stay_up_ends_all_and_is_reported(tmp_path):
    with supervised(tmp_path, "steady", "failing") as node:
        assert node.main.wait(10) == 3
        assert len(node.pids("failing")) == 5
        assert not is_alive(node.pids("steady")[0])


def test_a_command_that_does_not_exist_ends_all_and_is_reported(tmp_path):
    with supervised(tmp_path, "steady", "missing") as node:
        assert node.main.wait(10) == 3
        assert not is_alive(node.pids("steady")[0])


def test_one_that_will_not_stop_is_killed_after_the_grace(tmp_path):
    with supervised(tmp_path, "deaf", grace=0.5) as node:
        begun = time.monotonic()
        node.main.terminate()
        assert node.main.wait(8) == 0
        assert 0.4 < time.monotonic() - begun < 4
        assert not is_alive(node.pids("deaf")[0])


def test_a_second_signal_takes_the_grace_away(tmp_path):
    with supervised(tmp_path, "deaf", grace=60) as node:
        node.main.terminate()
        time.sleep(0.5)
        assert node.main.poll() is None
        node.main.terminate()
        assert node.main.wait(5) == 0
        assert not is_alive(node.pids("deaf")[0])


def test_what_a_fallen_process_left_behind_is_ended(tmp_path):
    with supervised(tmp_path, "careless") as node:
        wait_until(lambda: len(node.pids("careless")) >= 4)
        grandchild = node.pids("careless")[1]
        wait_until(lambda: not is_alive(grandchild))


@pytest.mark.parametrize("name", ["steady", "deaf", "parent"])
def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path, name):
    with supervised(tmp_path, "tidy", name, grace=1.0) as node:
        everything = node.all_pids()
        assert len(everything) >= 4
        node.main.kill()
        wait_until(lambda: not any(map(is_alive, everything)), 8)
        assert node.told("tidy")[-1] == "tidied"


def test_a_process_whose_leash_was_killed_is_ended_and_started_again(tmp_path):
    with supervised(tmp_path, "steady") as node:
        (first,) = node.pids("steady")
        os.kill(os.getpgid(first), signal.SIGKILL)
        wait_until(lambda: len(node.pids("steady")) == 2)
        assert not is_alive(first)


def test_a_process_gets_the_environment_it_was_given(tmp_path):
    with supervised(tmp_path, "curious") as node:
        wait_until(lambda: len(node.told("curious")) == 2)
        assert node.told("curious")[1] == "a-setting"
