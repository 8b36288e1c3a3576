"""Running a WSGI application (PEP 3333) and sending what it answers.

Everything an application gives is taken at once, in memory while it is small and in an unnamed temporary
file when it is not, and goes out from there as fast as the client reads. So a client that reads slowly never
holds a thread, and one that goes away never leaves an iterator open.
"""

import io
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final

from taawun.node.server.bodies import MEMORY
from taawun.node.server.refusals import broken_here, send_problem
from taawun.node.server.wire import Exchange, Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_logger = logging.getLogger(__name__)

# RFC 9110, 7.6.1: they belong to the connection, which is the server's.
_HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"}
)
_BODILESS: Final = frozenset({204, 304})

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


@dataclass(frozen=True)
class AnswerRules:
    """How an answer is held until it is sent.

    Attributes:
        largest: an application that gives more bytes than this is stopped; nothing but a fault gives so many.
        spool: the folder for answers that are too large for memory; the system's own where it is None.
        keep_open: called with each temporary file that must stay open until the server has opened it too.
        is_last: whether the connection shall end with the answer that is sent now.
    """

    largest: int
    spool: Path | None
    keep_open: Callable[[IO[bytes]], object]
    is_last: Callable[[], bool] = bool


class FileWrapper:
    """``wsgi.file_wrapper``: a file to answer with, which need not pass through the application."""

    def __init__(self, file: IO[bytes], block_size: int = 65536) -> None:
        self.file = file
        self._block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self._block_size), b"")

    def close(self) -> None:
        """Close the file, if it can be."""
        if hasattr(self.file, "close"):
            self.file.close()


class _Answer:
    """What the application has said so far: ``start_response`` and its ``write``."""

    def __init__(self, rules: AnswerRules) -> None:
        self._rules = rules
        self._status: int | None = None
        self._headers: Headers = []
        self._chunks: list[bytes] = []
        self.size = 0
        self.file: IO[bytes] | None = None

    def start(
        self, status: str, headers: Headers, exc_info: ExceptionInfo | None = None
    ) -> Callable[[bytes], None]:
        """``start_response`` of PEP 3333."""
        if exc_info is not None:
            try:
                if self.size and exc_info[1] is not None:
                    raise exc_info[1]
            finally:
                exc_info = None  # breaks the reference cycle through the traceback
        elif self._status is not None:
            raise AssertionError("start_response was called a second time without exc_info")
        hop = next((name for name, _ in headers if name.lower() in _HOP_BY_HOP), None)
        if hop is not None:
            raise AssertionError(
                f"the application must not set the header {hop}: it belongs to the connection"
            )
        self._status = int(status[:3])
        self._headers = [(name, _on_the_wire(value)) for name, value in headers]
        return self.add

    @property
    def status(self) -> int:
        """The status; the application must have given one by now."""
        if self._status is None:
            raise AssertionError("the application answered without calling start_response")
        return self._status

    @property
    def declared(self) -> int | None:
        """The length that the application declared, in bytes."""
        return next((int(value) for name, value in self._headers if name.lower() == "content-length"), None)

    def add(self, chunk: bytes) -> None:
        """Take one more chunk of the body."""
        if not chunk:
            return
        _ = self.status
        self.size += len(chunk)
        if self.size > self._rules.largest:
            raise AssertionError(f"the application answered with more than {self._rules.largest} bytes")
        if self.file is not None:
            self.file.write(chunk)
            return
        self._chunks.append(chunk)
        if self.size > MEMORY:
            self.file = tempfile.TemporaryFile(dir=self._rules.spool)  # noqa: SIM115 - send() or discard() closes it
            self.file.writelines(self._chunks)
            self._chunks.clear()

    def headers_for(self, length: int) -> Headers:
        """The headers of an answer with so many bytes."""
        if self.declared is not None:
            if self.declared != length:
                raise AssertionError(
                    f"the application declared {self.declared} bytes and answered with {length}"
                )
            return self._last_headers()
        return [*self._last_headers(), ("content-length", str(length))]

    def _last_headers(self) -> Headers:
        return [*self._headers, ("connection", "close")] if self._rules.is_last() else self._headers

    def send(self, exchange: Exchange, *, head: bool) -> None:
        """Send what was taken."""
        if head or self.status in _BODILESS:
            # The length of a HEAD's answer is that of the GET, which only the application knows.
            exchange.response_empty(self.status, self._last_headers())
        elif self.file is None:
            exchange.response_bytes(self.status, self.headers_for(self.size), b"".join(self._chunks))
        else:
            headers = self.headers_for(self.size)
            self.file.flush()
            self.file.seek(0)
            exchange.response_file(self.status, headers, f"/dev/fd/{self.file.fileno()}")
            self._rules.keep_open(self.file)
            self.file = None

    def discard(self) -> None:
        """Close the temporary file of an answer that was not sent."""
        if self.file is not None:
            self.file.close()


def respond(
    application: "WSGIApplication", environ: dict[str, Any], exchange: Exchange, rules: AnswerRules
) -> None:
    """Run a WSGI application for one request, send its answer, and close what it opened.

    A failure of the application is logged and answered with 500 and no details.

    Args:
        application: the WSGI application.
        environ: the request's environment. ``wsgi.input`` is closed at the end.
        exchange: where the answer goes.
        rules: how the answer is held until it is sent.
    """
    answer = _Answer(rules)
    try:
        _run(application, environ, exchange, answer)
    except BaseException:
        _logger.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        send_problem(exchange, broken_here())
    finally:
        answer.discard()
        environ["wsgi.input"].close()


def _run(
    application: "WSGIApplication", environ: dict[str, Any], exchange: Exchange, answer: _Answer
) -> None:
    environ["wsgi.file_wrapper"] = FileWrapper
    head = environ["REQUEST_METHOD"] == "HEAD"
    result = application(environ, answer.start)
    try:
        if isinstance(result, FileWrapper) and not head and _send_file(result.file, answer, exchange):
            return
        _take(result, answer, head=head)
        answer.send(exchange, head=head)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()


def _take(result: Iterable[bytes], answer: _Answer, *, head: bool) -> None:
    for chunk in result:
        answer.add(chunk)
        # One chunk is enough for a generator to have called start_response; the rest would be thrown away.
        if head:
            return


def _send_file(file: IO[bytes], answer: _Answer, exchange: Exchange) -> bool:
    """Let the server send a file by its path; False where it is small, or no plain file."""
    # Only Python's own file objects: what a wrapper gives (decompressed, decrypted) may differ from the file.
    if type(file) not in {io.BufferedReader, io.FileIO} or not isinstance(file.name, str):
        return False
    opened = os.fstat(file.fileno())
    start = file.tell()
    length = opened.st_size - start if answer.declared is None else answer.declared
    if not stat.S_ISREG(opened.st_mode) or not MEMORY < length <= opened.st_size - start:
        return False
    path = os.path.realpath(file.name)
    try:
        named = os.stat(path)  # noqa: PTH116 - os.path.samestat takes what os gives
    except OSError:
        return False
    if not os.path.samestat(opened, named):
        return False
    headers = answer.headers_for(length)
    if start == 0 and length == opened.st_size:
        exchange.response_file(answer.status, headers, path)
    else:
        exchange.response_file_range(answer.status, headers, path, start, start + length)
    return True


def _on_the_wire(value: str) -> str:
    """A header's value such that granian, which writes UTF-8, sends the bytes that latin-1 text means."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value
