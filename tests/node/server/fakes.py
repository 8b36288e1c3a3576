"""Stand-ins for granian's objects where a test needs what no client can be made to send in time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from taawun.node.server.wire import Headers


class FakeHeaders:
    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = list(items)

    def items(self) -> Headers:
        return self._items

    def get(self, key: str, default: str | None = None) -> str | None:
        return next((value for name, value in self._items if name == key), default)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None


@dataclass
class FakeScope:
    method: str = "GET"
    path: str = "/"
    query_string: str = ""
    http_version: str = "1.1"
    scheme: str = "http"
    server: str = "127.0.0.1:8000"
    client: str = "192.0.2.7:40000"
    authority: str | None = None
    headers: FakeHeaders = field(default_factory=FakeHeaders)


class FakeExchange:
    """Gives the chunks of a body, a pause before each; keeps the first answer, as granian does."""

    def __init__(self, chunks: Iterable[bytes] = (), pause: float = 0.0) -> None:
        self._chunks = iter(chunks)
        self._pause = pause
        self.answer: tuple[int, Headers, bytes | None] | None = None

    async def __call__(self) -> bytes:
        chunks = [chunk async for chunk in self]
        if chunks[-2:] == [b"", b""]:
            raise RuntimeError("RSGI transport is closed")
        return b"".join(chunks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(self._pause)
        try:
            return next(self._chunks)
        except StopIteration:
            raise StopAsyncIteration from None

    def response_empty(self, status: int, headers: Headers) -> None:
        self.answer = self.answer or (status, headers, None)

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self.answer = self.answer or (status, headers, body)

    def response_file(self, status: int, headers: Headers, file: str) -> None:
        with open(file, "rb") as opened:  # noqa: PTH123 - a path of any kind, also /dev/fd/7
            self.answer = self.answer or (status, headers, opened.read())

    def response_file_range(self, status: int, headers: Headers, file: str, start: int, end: int) -> None:
        with open(file, "rb") as opened:  # noqa: PTH123 - a path of any kind
            self.answer = self.answer or (status, headers, opened.read()[start:end])
