"""A server on loopback that answers as a script tells it, byte for byte, and ways to call it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypedDict, Unpack

import pytest

from taawun.foundation.outbound import Answer, Outbound, OutboundFailed, OutboundRefused

Script = Callable[[socket.socket], None]


class Server:
    """Accepts connections on 127.0.0.1 and gives each to the script in a thread of its own."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self.requests: list[bytes] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        _end(self._listener)
        # a connection that is just being accepted is in the list once this thread has ended
        self._accepting.join(DEADLINE_SECONDS)
        for each in self._open:
            _end(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            served = connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)
            self._open.append(served)
            while head := read_request(served):
                self.requests.append(head)
                self._script(served)


def _end(opened: socket.socket) -> None:
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
    opened.close()


def read_request(connection: socket.socket) -> bytes:
    """Head and body of the next request; empty when the other side has left."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def response(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = {
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def says(answer: bytes) -> Script:
    """A script that sends these bytes."""
    return lambda connection: connection.sendall(answer)


def says_and_leaves(answer: bytes) -> Script:
    """A script that sends these bytes and closes the connection."""

    def script(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return script


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(script, tls)
    try:
        yield server
    finally:
        server.close()


class Limits(TypedDict, total=False):
    """What a call is limited to, and what it sends along."""

    limit_bytes: int
    deadline_seconds: float
    headers: dict[str, str]
    body: bytes


LIMIT_BYTES = 1_000_000
DEADLINE_SECONDS = 5.0
LOOPBACK = ("127.0.0.0/8",)


def get(outbound: Outbound, url: str, method: str = "GET", **changed: Unpack[Limits]) -> Answer:
    limits: Limits = {"limit_bytes": LIMIT_BYTES, "deadline_seconds": DEADLINE_SECONDS, **changed}
    return outbound.request(
        method,
        url,
        headers=limits.get("headers"),
        body=limits.get("body", b""),
        limit_bytes=limits["limit_bytes"],
        deadline_seconds=limits["deadline_seconds"],
    )


def refused(outbound: Outbound, url: str, method: str = "GET", **changed: Unpack[Limits]) -> str:
    """The code a call is refused with."""
    with pytest.raises(OutboundRefused) as caught:
        get(outbound, url, method, **changed)
    assert str(caught.value).endswith(".")
    return caught.value.code


def failed(outbound: Outbound, url: str, method: str = "GET", **changed: Unpack[Limits]) -> str:
    """The code a call fails with."""
    with pytest.raises(OutboundFailed) as caught:
        get(outbound, url, method, **changed)
    assert str(caught.value).endswith(".")
    return caught.value.code


@contextmanager
def calling(script: Script) -> Iterator[tuple[Outbound, Server]]:
    """A client that may call loopback, and a server there."""
    with serving(script) as server, Outbound(LOOPBACK) as outbound:
        yield outbound, server
