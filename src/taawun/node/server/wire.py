"""What the shell uses of granian's RSGI objects, so that types and tests need no running server.

RSGI is granian's own server interface (its version 1.5 is meant). Only what Taawun relies on is written down
here.
"""

from collections.abc import AsyncIterator
from typing import Protocol

Headers = list[tuple[str, str]]


class RequestHeaders(Protocol):
    """The headers of a request. Names are in lower case; a value with bytes outside ASCII is left out."""

    def items(self) -> list[tuple[str, str]]:
        """Every header in the order of arrival, repeated ones repeated."""

    def get(self, key: str, default: str | None = None) -> str | None:
        """The first value of a header."""

    def __contains__(self, key: str) -> bool: ...


class Scope(Protocol):
    """The head of a request."""

    @property
    def http_version(self) -> str:
        """``1`` (for 1.0), ``1.1`` or ``2``."""

    @property
    def server(self) -> str:
        """Our end of the connection, ``address:port``."""

    @property
    def client(self) -> str:
        """The other end of the connection, ``address:port``."""

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""

    @property
    def method(self) -> str:
        """The method, as sent."""

    @property
    def path(self) -> str:
        """The path, percent-decoded; what was not UTF-8 is U+FFFD."""

    @property
    def query_string(self) -> str:
        """The query, as sent, without the question mark."""

    @property
    def authority(self) -> str | None:
        """The authority of a target in absolute form."""

    @property
    def headers(self) -> RequestHeaders:
        """The headers."""


class Exchange(Protocol):
    """One request's body and the one answer to it. The first answer counts; later ones are ignored."""

    async def __call__(self) -> bytes:
        """The whole body.

        Raises:
            RuntimeError: the body ended before it was whole.
        """

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body's chunks, then an empty one; one more empty one if the body ended before it was whole.

        Raises:
            RuntimeError: the body was begun before.
        """

    async def __anext__(self) -> bytes:
        """The next chunk."""

    def response_empty(self, status: int, headers: Headers) -> None:
        """Answer without a body."""

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer with a body held in memory."""

    def response_file(self, status: int, headers: Headers, file: str) -> None:
        """Answer with a file, read as fast as the client takes it."""

    def response_file_range(self, status: int, headers: Headers, file: str, start: int, end: int) -> None:
        """Answer with the bytes of a file from ``start`` up to and without ``end``."""
