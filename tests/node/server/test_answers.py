"""Running a WSGI application and sending its answer (PEP 3333)."""

import gzip
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from taawun.node.server.answers import AnswerRules, FileWrapper, respond
from taawun.node.server.bodies import MEMORY
from tests.node.server.fakes import FakeExchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Body:
    """An iterable that counts what was taken from it and whether it was closed."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = list(chunks)
        self.taken = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.taken += 1
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self) -> None:
        self.closed += 1


class Asked:
    """One request to an application: the answer, and what became of the files."""

    def __init__(
        self,
        application: "WSGIApplication",
        method: str = "GET",
        *,
        largest: int = 100 * MEMORY,
        tmp_path: Path | None = None,
    ) -> None:
        self.kept: list[IO[bytes]] = []
        self.input = io.BytesIO(b"body")
        environ = {"REQUEST_METHOD": method, "PATH_INFO": "/", "wsgi.input": self.input}
        exchange = FakeExchange()
        respond(application, environ, exchange, AnswerRules(largest, tmp_path, self.kept.append))
        assert exchange.answer is not None
        self.status, headers, self.body = exchange.answer
        self.headers = dict(headers)
        for file in self.kept:
            file.close()


# The bodies are also such as no application should answer with.
def answering(
    body: object, status: str = "200 OK", headers: Iterable[tuple[str, str]] = ()
) -> "WSGIApplication":
    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        start_response(status, list(headers))
        return body

    return application


def is_problem(asked: Asked) -> bool:
    return asked.status == 500 and json.loads(asked.body or b"")["code"] == "internal-error"


@pytest.mark.parametrize(
    ("chunks", "expected"), [([], b""), ([b"one"], b"one"), ([b"", b"one", b"", b"two"], b"onetwo")]
)
def test_chunks_are_sent_as_one_body_with_its_length_and_closed_once(chunks, expected):
    body = Body(*chunks)
    asked = Asked(answering(body, "201 Created", [("X-A", "1"), ("X-B", "2")]))
    assert (asked.status, asked.body) == (201, expected)
    assert asked.headers == {"X-A": "1", "X-B": "2", "content-length": str(len(expected))}
    assert body.closed == 1
    assert asked.input.closed


def test_an_answer_that_is_large_goes_through_a_file_and_whole(tmp_path):
    asked = Asked(answering(Body(*[b"0123456789abcdef" * 4096] * 40)), tmp_path=tmp_path)
    assert asked.body == b"0123456789abcdef" * 4096 * 40
    assert asked.headers == {"content-length": str(65536 * 40)}
    assert len(asked.kept) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_small_answer_opens_no_file():
    assert Asked(answering(Body(b"x" * MEMORY))).kept == []


def test_what_is_written_comes_before_what_is_returned():
    def application(environ, start_response):
        write = start_response("200 OK", [])
        write(b"written ")
        return [b"returned"]

    assert Asked(application).body == b"written returned"


def test_a_generator_may_call_start_response_when_it_is_first_asked():
    def application(environ, start_response):
        start_response("202 Accepted", [])
        yield b"late"

    asked = Asked(application)
    assert (asked.status, asked.body) == (202, b"late")


def test_start_response_may_be_called_again_with_an_error_while_nothing_was_given():
    def application(environ, start_response):
        start_response("200 OK", [("X-Before", "1")])
        try:
            int("found out late")
        except ValueError:
            start_response("400 Bad Request", [("X-After", "1")], sys.exc_info())
        return [b"sorry"]

    asked = Asked(application)
    assert (asked.status, asked.body) == (400, b"sorry")
    assert "X-Before" not in asked.headers
    assert asked.headers["X-After"] == "1"


def test_start_response_raises_the_error_again_once_something_was_given(caplog):
    def application(environ, start_response):
        start_response("200 OK", [])(b"given")
        try:
            int("too late")
        except ValueError:
            start_response("400 Bad Request", [], sys.exc_info())
        return [b"never"]

    assert is_problem(Asked(application))
    assert "too late" in caplog.text


def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return [b"x"]


def never(environ, start_response):
    return [b"x"]


def never_and_empty(environ, start_response):
    return []


def raises(environ, start_response):
    raise ValueError("a secret of the node")


def leaves(environ, start_response):
    raise SystemExit("a secret of the node")


@pytest.mark.parametrize(
    "application",
    [
        twice,
        never,
        never_and_empty,
        raises,
        leaves,
        answering([b"abc"], headers=[("Content-Length", "2")]),
        answering([b"abc"], headers=[("Content-Length", "4")]),
        answering([b"abc"], headers=[("Content-Length", "three")]),
        answering([b"abc"], headers=[("Transfer-Encoding", "chunked")]),
        answering([b"abc"], headers=[("Connection", "keep-alive")]),
        answering(["text"]),
        answering(None),
        answering([b"x"], "Fine"),
    ],
)
def test_a_fault_of_the_application_is_logged_and_answered_without_its_details(application, caplog):
    asked = Asked(application)
    assert is_problem(asked)
    assert asked.headers["content-type"] == "application/problem+json"
    assert b"secret" not in (asked.body or b"")
    assert "GET / failed" in caplog.text
    assert asked.input.closed


def test_an_iterator_that_fails_half_way_is_closed_and_nothing_of_it_is_sent():
    body = Body(b"half", ValueError("broken"))
    assert is_problem(Asked(answering(body)))
    assert body.closed == 1


def test_an_iterator_without_end_is_stopped_and_closed(tmp_path):
    body = Body(*[b"x" * MEMORY] * 100)
    assert is_problem(Asked(answering(body), largest=5 * MEMORY, tmp_path=tmp_path))
    assert body.taken == 6
    assert body.closed == 1
    assert list(tmp_path.iterdir()) == []


def test_a_failing_close_does_not_change_the_answer(caplog):
    class Failing(Body):
        def close(self) -> None:
            raise ZeroDivisionError

    body = Failing(b"fine")
    asked = Asked(answering(body))
    assert (asked.status, asked.body) == (200, b"fine")
    assert "ZeroDivisionError" in caplog.text


def test_head_keeps_the_headers_takes_no_more_than_it_needs_and_sends_no_body():
    body = Body(b"abc", b"def")
    asked = Asked(answering(body, headers=[("Content-Length", "6")]), "HEAD")
    assert (asked.status, asked.headers, asked.body) == (200, {"Content-Length": "6"}, None)
    assert (body.taken, body.closed) == (1, 1)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_that_may_have_no_body_has_none_and_no_length(status):
    asked = Asked(answering([], status, [("ETag", '"1"')]))
    assert (asked.status, asked.headers, asked.body) == (int(status[:3]), {"ETag": '"1"'}, None)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("plain", b"plain"),
        ("caf\xe9".encode().decode("latin-1"), "café".encode()),  # UTF-8 bytes as latin-1
        ("caf\xe9", "café".encode()),  # not UTF-8: sent as the text it is
    ],
)
def test_a_header_goes_out_as_the_bytes_the_application_meant(given, sent):
    assert Asked(answering([], headers=[("X-A", given)])).headers["X-A"].encode() == sent


CONTENT = (bytes(range(251)) * (3 * MEMORY // 251 + 1))[: 3 * MEMORY]


def answering_file(
    file: IO[bytes] | gzip.GzipFile, headers: Iterable[tuple[str, str]] = ()
) -> "WSGIApplication":
    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
        return wrapped

    return application


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "content"
    made.write_bytes(CONTENT)
    return made


@pytest.mark.parametrize(
    ("start", "headers", "expected"),
    [
        (0, [], CONTENT),
        (0, [("Content-Length", str(3 * MEMORY))], CONTENT),
        (5, [], CONTENT[5:]),
        (7, [("Content-Length", str(2 * MEMORY))], CONTENT[7 : 7 + 2 * MEMORY]),
        (3 * MEMORY - 4, [], CONTENT[-4:]),
    ],
)
def test_a_file_is_sent_from_where_it_stands_for_as_long_as_was_declared(path, start, headers, expected):
    with path.open("rb") as file:
        file.seek(start)
        asked = Asked(answering_file(file, headers))
        assert file.closed
    assert asked.body == expected
    assert {name.lower(): value for name, value in asked.headers.items()} == {
        "content-length": str(len(expected))
    }
    assert asked.kept == []


def test_a_large_file_is_sent_by_its_path_and_not_read(path):
    class Unread(io.FileIO):
        pass

    with path.open("rb") as file:
        reads = []
        wrapper = FileWrapper(file)
        wrapper.__class__ = type("Counting", (FileWrapper,), {"__iter__": lambda _: reads.append(1)})
        asked = Asked(lambda _environ, start: (start("200 OK", []), wrapper)[1])
    assert asked.body == CONTENT
    assert reads == []


def test_a_file_that_was_replaced_is_sent_as_it_was_opened(path, tmp_path):
    with path.open("rb") as file:
        other = tmp_path / "other"
        other.write_bytes(b"y" * len(CONTENT))
        other.rename(path)
        assert Asked(answering_file(file), tmp_path=tmp_path).body == CONTENT


def test_a_file_that_was_removed_is_sent_as_it_was_opened(path, tmp_path):
    with path.open("rb") as file:
        path.unlink()
        assert Asked(answering_file(file), tmp_path=tmp_path).body == CONTENT


def test_a_wrapped_file_is_sent_as_the_wrapper_reads_it(tmp_path):
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(CONTENT))
    with gzip.open(packed) as file:
        assert Asked(answering_file(file), tmp_path=tmp_path).body == CONTENT


def test_head_of_a_file_sends_nothing_of_it_and_closes_it(path):
    with path.open("rb") as file:
        asked = Asked(answering_file(file, [("Content-Length", str(len(CONTENT)))]), "HEAD")
        assert file.closed
    assert asked.body is None
    assert asked.headers == {"Content-Length": str(len(CONTENT))}
