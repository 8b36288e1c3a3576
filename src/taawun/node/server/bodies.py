"""Collecting a request's body before it may take a thread.

A WSGI application holds its thread while it waits for the body, so as many half-sent bodies as there are
threads stop a node. Here the event loop waits instead: with a limit of size, a deadline that moves with what
has arrived, and a limit on how many bodies may be under way.
"""

import asyncio
import contextlib
import io
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from taawun.node.server.refusals import MEBIBYTE, broken_off, too_large, too_many, too_slow
from taawun.node.server.wire import Exchange, RequestHeaders

MEMORY: Final = MEBIBYTE
"""Bodies up to this many bytes stay in memory; larger ones go to an unnamed temporary file."""

_LARGEST_UPLOAD: Final = 64 * MEBIBYTE
_FORM_OVERHEAD: Final = 64 * 1024  # boundaries and other fields of a form around the largest file
_RETRY_SECONDS: Final = 5
_LOOK_AGAIN_SECONDS: Final = 0.05
_DROP_SECONDS: Final = 10.0


def same_limit_everywhere(path: str) -> int:  # noqa: ARG001 - a rule is asked with the path
    """The rule where the caller gives none: 64 MiB and a form around it.

    Args:
        path: the request's path.

    Returns:
        The most bytes a body may have.
    """
    return _LARGEST_UPLOAD + _FORM_OVERHEAD


@dataclass(frozen=True)
class BodyRules:
    """How large, how slow and how many bodies may be.

    Attributes:
        limit_of: the most bytes a body sent to a path may have; a function of a module, so that it can be
            sent to a worker process.
        grace_seconds: how long a body may take that nothing has arrived of.
        rate: for every so many bytes that arrived, one more second is given.
        longest_seconds: no body may take longer than this.
        at_once: how many bodies may be under way in one worker process.
        at_once_per_client: how many of them from one client address.
        patience_seconds: how long a body waits for a place before it is refused.
        spool: the folder for bodies that are too large for memory; the system's own where it is None.
    """

    limit_of: Callable[[str], int] = same_limit_everywhere
    grace_seconds: float = 30.0
    rate: int = 32 * 1024
    longest_seconds: float = 600.0
    at_once: int = 128
    at_once_per_client: int = 32
    patience_seconds: float = 1.0
    spool: Path | None = None

    def seconds_for(self, count: int) -> float:
        """The seconds for a body of which so many bytes have arrived (or, if it is small, will)."""
        return min(self.grace_seconds + count / self.rate, self.longest_seconds)


class Bodies:
    """The bodies under way in one worker process. Belongs to one event loop."""

    def __init__(self, rules: BodyRules) -> None:
        self._rules = rules
        self._of_client: Counter[str] = Counter()
        self._under_way = 0

    async def collect(self, path: str, client: str, headers: RequestHeaders, exchange: Exchange) -> IO[bytes]:
        """Collect one body.

        Args:
            path: the request's path, percent-decoded.
            client: the client's address.
            headers: the request's headers; they tell how the body is framed.
            exchange: where the body comes from.

        Returns:
            The whole body, at its beginning. The caller closes it.

        Raises:
            Refusal: the body is too large, too slow, one too many, or broken off.
        """
        length = _declared_length(headers)
        if length == 0:
            return io.BytesIO()
        limit = self._rules.limit_of(path)
        if length is not None and length > limit:
            raise too_large(limit)
        await self._wait_for_place(client)
        self._enter(client)
        try:
            if length is not None and length <= MEMORY:
                return await self._whole(length, exchange)
            return await self._by_chunks(length, limit, exchange)
        except TimeoutError:
            rules = self._rules
            raise too_slow(rules.grace_seconds, rules.rate, rules.longest_seconds) from None
        finally:
            self._leave(client)

    async def drop(self, client: str, headers: RequestHeaders, exchange: Exchange) -> None:
        """Read and drop what comes of a refused body, for a few seconds, if there is a place for it.

        Most clients look for the answer only when they have sent everything; if the connection were closed at
        once, they would report a reset and not the answer.

        Args:
            client: the client's address.
            headers: the request's headers.
            exchange: the exchange, answered already.
        """
        # Who expects to be told to continue sends nothing now, and must not be told.
        if "expect" in headers or not self._has_place(client):
            return
        self._enter(client)
        try:
            with contextlib.suppress(RuntimeError):  # the body may have been begun before it was refused
                aiter(exchange)
            async with asyncio.timeout(_DROP_SECONDS):
                while await anext(exchange):
                    pass
        except (TimeoutError, StopAsyncIteration):
            return
        finally:
            self._leave(client)

    async def _whole(self, length: int, exchange: Exchange) -> IO[bytes]:
        async with asyncio.timeout(self._rules.seconds_for(length)):
            try:
                return io.BytesIO(await exchange())
            except RuntimeError:
                raise broken_off() from None

    async def _by_chunks(self, length: int | None, limit: int, exchange: Exchange) -> IO[bytes]:
        rules = self._rules
        begun = asyncio.get_running_loop().time()
        folder = None if rules.spool is None else str(rules.spool)
        spool = tempfile.SpooledTemporaryFile(MEMORY, dir=folder)  # noqa: SIM115 - the caller closes it
        size = ends = 0
        with contextlib.ExitStack() as if_refused:
            if_refused.callback(spool.close)
            async with asyncio.timeout_at(begun + rules.seconds_for(0)) as deadline:
                async for chunk in exchange:
                    size += len(chunk)
                    # Granian ends a body that broke off, and one with trailers, with two empty chunks.
                    ends += not chunk
                    if size > limit:
                        raise too_large(limit)
                    spool.write(chunk)
                    deadline.reschedule(begun + rules.seconds_for(size))
            if ends > 1 or (length is not None and size != length):
                raise broken_off()
            if_refused.pop_all()
        spool.seek(0)
        return spool

    async def _wait_for_place(self, client: str) -> None:
        if self._has_place(client):
            return
        loop = asyncio.get_running_loop()
        patience_ends = loop.time() + self._rules.patience_seconds
        while not self._has_place(client):
            if loop.time() >= patience_ends:
                raise too_many(self._rules.at_once_per_client, _RETRY_SECONDS)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _has_place(self, client: str) -> bool:
        rules = self._rules
        return self._under_way < rules.at_once and self._of_client[client] < rules.at_once_per_client

    def _enter(self, client: str) -> None:
        self._under_way += 1
        self._of_client[client] += 1

    def _leave(self, client: str) -> None:
        self._under_way -= 1
        self._of_client[client] -= 1
        if not self._of_client[client]:
            del self._of_client[client]


def _declared_length(headers: RequestHeaders) -> int | None:
    """The body's length in bytes; None where it comes in chunks and says no length."""
    if "transfer-encoding" in headers:
        return None
    return int(headers.get("content-length") or 0)
