"""A real server in processes of its own, and clients that behave and misbehave."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_until(holds, seconds: float = 10.0):
    """What ``holds`` gives, as soon as it is true."""
    ends = time.monotonic() + seconds
    while not (result := holds()):
        assert time.monotonic() < ends, f"not within {seconds} seconds"
        time.sleep(0.02)
    return result


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet collected does not."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # Any: JSON at the edge
        return json.loads(self.body)


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]

    def ask(self, method="GET", path="/", body=None, headers=None, seconds=10.0) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def connect(self, seconds=10.0) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=seconds)

    def send(self, request: bytes, seconds=10.0) -> bytes:
        """What comes back for these bytes, until the server closes the connection or asks for patience."""
        with self.connect(seconds) as line:
            line.sendall(request)
            return received(line)

    def workers(self) -> set[int]:
        """The worker processes that answer; each request is its own connection, and may meet either."""
        return {int(self.ask().body) for _ in range(24)}

    def slowest_of(self, count: int) -> float:
        """The slowest of so many requests, in seconds."""
        times = []
        for _ in range(count):
            begun = time.monotonic()
            assert self.ask().status == 200
            times.append(time.monotonic() - begun)
        return max(times)


def received(line: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    parts = []
    with suppress(ConnectionResetError):
        while part := line.recv(65536):
            parts.append(part)
    return b"".join(parts)


def launch(**settings: Any) -> subprocess.Popen[bytes]:
    """A server with these settings that may or may not come up."""
    command = [sys.executable, "-m", "tests.node.server.start", json.dumps(settings)]
    return subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, process_group=0)


@contextmanager
def running(**settings) -> Iterator[Server]:
    """A server with these settings, until the end of the block."""
    port = settings.setdefault("port", free_port())
    workers = settings.setdefault("workers", 2)
    process = launch(**settings)
    server = Server(port, process)
    try:
        wait_until(lambda: answers(server))
        # on a busy machine one process serves for a while before the others are up, and would get every connection
        wait_until(lambda: len(server.workers()) == workers, 30.0)
        yield server
    finally:
        process.terminate()
        try:
            process.communicate(timeout=15)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answers(server: Server) -> bool:
    assert server.process.poll() is None, server.process.stderr.read().decode()  # type: ignore[union-attr]  # PIPE
    with suppress(OSError, http.client.HTTPException):
        return server.ask(seconds=5).status == 200
    return False


def answered_by_two(server: Server) -> set[int] | None:
    """The two worker processes that answer, once there are two."""
    try:
        found = server.workers()
    except OSError:  # a connection that waited for the killed worker
        return None
    return found if len(found) == 2 else None
