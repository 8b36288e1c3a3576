"""Worker processes share out what there is to do, and end no connection without need."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pytest

from taawun.node.server.balance import Load, board
from tests.node.server.running import HOST, Server, answered_by_two, running, wait_until


class Reader:
    """A client on a lasting connection, which comes again where the connection was ended."""

    def __init__(self, server: Server) -> None:
        self.connection = http.client.HTTPConnection(HOST, server.port, timeout=20)
        self.ended = 0

    def ask(self, path: str = "/") -> str:
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200
        self.ended += answer.getheader("Connection") == "close"
        return body

    def process(self) -> int:
        """Which process has its connection."""
        return int(self.ask())


@contextmanager
def readers_of(server: Server, count: int, *, elsewhere: int = 0) -> Iterator[list[Reader]]:
    """So many readers, all with one process but the last few, which are with another one."""
    found, others = [Reader(server)], list[Reader]()
    process = found[0].process()
    try:
        while len(found) + len(others) < count:
            reader = Reader(server)
            is_here = reader.process() == process
            if len(found) < count - elsewhere if is_here else len(others) < elsewhere:
                (found if is_here else others).append(reader)
            else:
                reader.connection.close()
        yield found + others
    finally:
        for each in found + others:
            each.connection.close()


def read_together(readers: list[Reader], seconds: float = 1.5) -> None:
    """All of them read one page after the other, for so long."""
    ends = time.monotonic() + seconds

    def read(reader: Reader) -> None:
        while time.monotonic() < ends:
            assert reader.ask("/sleep?seconds=0.02") == "slept"

    with ThreadPoolExecutor(len(readers)) as pool:
        list(pool.map(read, readers))


def shares(readers: list[Reader]) -> list[int]:
    """How many of them each process has, the fewest first."""
    return sorted(Counter(reader.process() for reader in readers).values())


def test_readers_that_came_to_one_process_are_shared_out():
    with running(workers=2, threads=1) as server, readers_of(server, 8) as readers:
        assert shares(readers) == [8]
        read_together(readers)
        # when the first of them stop there is less to do for a moment, and one more may come again
        assert shares(readers) in ([4, 4], [3, 5])


def test_the_successor_of_a_killed_process_gets_its_share():
    with running(workers=2, threads=1) as server:
        killed = next(iter(server.workers()))
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: killed not in (answered_by_two(server) or {killed}), 30)
        with readers_of(server, 6) as readers:
            read_together(readers)
            assert shares(readers) in ([3, 3], [2, 4])


def test_a_reader_keeps_its_connection_alone_and_where_all_have_as_much_to_do():
    with running(workers=2, threads=1) as server, readers_of(server, 2, elsewhere=1) as readers:
        read_together(readers[:1])
        read_together(readers)
        assert [reader.ended for reader in readers] == [0, 0]


def test_a_process_that_is_alone_ends_no_connection():
    with running(workers=1, threads=1) as server, readers_of(server, 4) as readers:
        read_together(readers)
        assert [reader.ended for reader in readers] == [0, 0, 0, 0]


def test_nobody_is_sent_to_a_process_that_is_at_something_long():
    with running(workers=2, threads=1) as server, readers_of(server, 5, elsewhere=1) as readers:
        *quick, slow = readers
        with ThreadPoolExecutor(1) as pool:
            long = pool.submit(slow.ask, "/sleep?seconds=3")
            time.sleep(0.5)
            read_together(quick, 1.5)
            assert not long.done()
            assert long.result() == "slept"
        # for a quarter of a second nobody can tell that it is long
        assert [reader.ended for reader in quick] == [0, 0, 0, 0]


def test_a_worker_that_begins_before_another_ends_takes_its_place_then():
    with board(2) as place, ExitStack() as stack:
        assert place is not None
        first, second, third = (stack.enter_context(Holder(place)) for _ in range(3))
        assert (first.add(1), second.add(1), third.add(1)) == ((0, False), (16, False), (None, False))
        first.end()
        second.add(0)
        assert third.add(3) == (0, True)


def test_without_a_board_a_process_serves_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refused(_name: str) -> int:
        raise OSError("no memory")

    monkeypatch.setattr(os, "memfd_create", refused)
    with board(2) as place:
        assert place is None
    for each in (Load(None), Load(tmp_path / "gone")):
        each.add(5)
        assert not each.is_too_much()


def test_what_they_share_lies_in_no_folder(tmp_path: Path):
    with running(workers=2, threads=1, spool=str(tmp_path)) as server, readers_of(server, 4) as readers:
        read_together(readers, 0.5)
        assert list(tmp_path.iterdir()) == []


_HOLDER = """
import json, sys
from pathlib import Path
from taawun.node.server.balance import Load
load = Load(Path(sys.argv[1]))
for line in sys.stdin:
    load.add(int(line))
    print(json.dumps([load._at, load.is_too_much()]), flush=True)
"""


class Holder:
    """A process that has a load, and tells where it writes it and whether it is too much."""

    def __init__(self, place: Path) -> None:
        command = [sys.executable, "-c", _HOLDER, str(place)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.add(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_how: object) -> None:
        self.end()

    def add(self, requests: int) -> tuple[int | None, bool]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{requests}\n")
        at, is_too_much = json.loads(self.process.stdout.readline())
        return at, is_too_much

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.communicate(timeout=20)
