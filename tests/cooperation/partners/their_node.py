"""Another node on loopback: it serves its lanes over real HTTP, and lies, breaks off or falls silent when told to."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from taawun.cooperation.partners.logs import chain
from taawun.foundation import request_signatures
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey, VerifyKey
from tests.foundation.outbound.loopback import Server, response
from tests.lanes import TheirLane

__all__ = ["TheirNode"]

Answer = bytes | Callable[[], bytes]


class TheirNode:
    """A partner's server.

    Args:
        our_key: every request to a federation address must be signed by it.

    Attributes:
        lanes: what it serves; anything with a purpose, in this order.
        told: bodies that reached its inbox.
        asked: method and path of every request, in order.
        instead: answers in place of its own, by the beginning of the path.
        meanwhile: called at each request, before it is answered.
    """

    def __init__(self, our_key: VerifyKey) -> None:
        self._our_key = our_key
        self.key = SigningKey.generate()
        self.server = Server(self._script)
        self.node = self.server.url
        self.descriptor = ""
        self.lanes: list[tuple[TheirLane, str]] = []
        self.blobs: dict[str, bytes] = {}
        self.told: list[dict[str, object]] = []
        self.asked: list[str] = []
        self.instead: dict[str, Answer] = {}
        self.meanwhile: Callable[[str], None] = lambda _path: None

    def _script(self, connection: socket.socket) -> None:
        head, _, body = self.server.requests[-1].partition(b"\r\n\r\n")
        line, *rest = head.decode().split("\r\n")
        method, path, _version = line.split(" ")
        self.asked.append(f"{method} {path}")
        self.meanwhile(path)
        if path.startswith("/federation"):
            headers = dict(each.split(": ", 1) for each in rest)
            request_signatures.verify(method, self.node + path, headers, body, lambda _kid: self._our_key)
        for begin, answer in self.instead.items():
            if path.startswith(begin):
                said = answer if isinstance(answer, bytes) else answer()
                # it says that it leaves: else the next call, over the closed connection, would fail in another way
                connection.sendall(said.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
                connection.shutdown(socket.SHUT_RDWR)
                return
        connection.sendall(self._answer(path, body))

    def _answer(self, path: str, body: bytes) -> bytes:
        parts = urlsplit(path)
        name = parts.path.rpartition("/")[2]
        if parts.path == "/.well-known/taawun":
            return response(self.descriptor.encode())
        if parts.path == "/federation/lanes":
            return response(json.dumps({"lanes": [self.offer(*each) for each in self.lanes]}).encode())
        if parts.path == "/federation/inbox":
            self.told.append(json.loads(body))
            return response(status="202 Accepted")
        if parts.path.startswith("/federation/blobs/"):
            return response(self.blobs[name])
        query = parse_qs(parts.query)
        lane = next(lane for lane, _purpose in self.lanes if str(lane.row.wire_id) == name)
        return response(b"".join(self.page(lane, int(query["after"][0]), int(query["limit"][0]))))

    @staticmethod
    def offer(lane: TheirLane, purpose: str) -> dict[str, object]:
        """How a lane is listed."""
        agreement = lane.row.agreement
        return {
            "lane": str(lane.row.wire_id),
            "purpose": purpose,
            "agreement": str(agreement) if agreement else None,
            "clause": lane.row.clause,
            "head": lane.head(),
        }

    def page(self, lane: TheirLane, after: int, limit: int) -> list[bytes]:
        """A page; large contents are left to be fetched by their digest."""
        lines = []
        for entry in lane.entries[after + 1 : after + 1 + limit]:
            content = entry.content
            if content is not None and len(content) > chain.INLINE_BYTES:
                self.blobs[sha256(content)] = content
                content = None
            lines.append(chain.write_line(entry.token, content))
        return [*lines, chain.write_head_line(lane.head())]
