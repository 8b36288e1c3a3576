"""Worker processes share out what there is to do, and end no connection without need."""

import http.client
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.node.server.running import HOST, Server, is_alive, running, wait_until


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
        wait_until(lambda: not is_alive(killed))
        wait_until(lambda: len(server.workers()) == 2, 30)
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


def test_what_they_share_is_gone_with_the_server(tmp_path: Path):
    with running(workers=2, threads=1, spool=str(tmp_path)):
        assert len(list(tmp_path.glob("load-*"))) == 1
    assert list(tmp_path.glob("load-*")) == []
