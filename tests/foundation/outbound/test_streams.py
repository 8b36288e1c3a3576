"""An answer taken line by line, as it arrives."""

import gzip
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.outbound import Outbound, OutboundFailed, OutboundRefused, Pace
from taawun.foundation.outbound.client import _lines
from tests.foundation.outbound.loopback import calling, response, says, says_and_leaves


def streaming(
    outbound: Outbound, url: str, *, line: int = 100, total: int = 10_000, seconds: float = 5
) -> AbstractContextManager[tuple[int, Mapping[str, str], Iterator[bytes]]]:
    return outbound.stream_lines(
        "GET", url, limit_line_bytes=line, limit_bytes=total, deadline_seconds=seconds
    )


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_lines_are_the_same_however_the_bytes_arrive(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    expected = data.split(b"\n")
    # The last line may go without its line feed; what ends with one has no further, empty line.
    assert list(_lines(pieces, 200)) == (expected if expected[-1] else expected[:-1])


@given(st.integers(0, 20), st.integers(1, 7))
def test_the_limit_of_a_line_is_exact_however_the_bytes_arrive(length, size):
    data = b"x\n" + b"y" * length + b"\nz"
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert list(_lines(pieces, max(length, 1))) == [b"x", b"y" * length, b"z"]
    if length > 1:
        with pytest.raises(OutboundRefused) as refused:
            list(_lines(pieces, length - 1))
        assert refused.value.code == "line-too-long"


def test_status_headers_and_lines_come_back():
    body = b'{"a":1}\n\n{"b":2}\n{"c":3}'
    with calling(says(response(body, X_One="1"))) as (outbound, server):
        with streaming(outbound, server.url) as (status, headers, lines):
            assert (status, headers["x-one"]) == (200, "1")
            assert list(lines) == [b'{"a":1}', b"", b'{"b":2}', b'{"c":3}']
        with streaming(outbound, server.url) as (_, _, lines):
            assert len(list(lines)) == 4
        assert server.connections == 1


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_compressed_lines_are_decoded(coding, compress):
    answer = response(compress(b"line\n" * 1000), Content_Encoding=coding)
    with calling(says(answer)) as (outbound, server), streaming(outbound, server.url) as (_, _, lines):
        assert list(lines) == [b"line"] * 1000


def test_a_line_is_given_before_the_next_one_has_arrived():
    go_on = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\none\n")
        go_on.wait(5)
        connection.sendall(b"two\n")

    with calling(script) as (outbound, server), streaming(outbound, server.url) as (_, _, lines):
        assert next(lines) == b"one"
        go_on.set()
        assert list(lines) == [b"two"]


def test_a_line_over_the_limit_is_refused_after_those_before_it():
    with (
        calling(says(response(b"short\n" + b"x" * 101 + b"\n"))) as (outbound, server),
        streaming(outbound, server.url) as (_, _, lines),
    ):
        assert next(lines) == b"short"
        with pytest.raises(OutboundRefused) as refused:
            next(lines)
    assert refused.value.code == "line-too-long"


def test_a_line_that_never_ends_is_refused_at_its_limit():
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(1000))

    with (
        calling(script) as (outbound, server),
        streaming(outbound, server.url, line=5000, total=10**9) as (_, _, lines),
        pytest.raises(OutboundRefused) as refused,
    ):
        next(lines)
    assert refused.value.code == "line-too-long"


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_the_limit_of_the_whole_answer_holds(coding):
    body = b"line\n" * 1000
    answer = response(gzip.compress(body) if coding else body, Content_Encoding=coding)
    with (
        calling(says(answer)) as (outbound, server),
        streaming(outbound, server.url, total=4999) as (_, _, lines),
        pytest.raises(OutboundRefused) as refused,
    ):
        list(lines)
    assert refused.value.code == "answer-too-large"


def test_an_answer_that_breaks_off_fails_after_the_lines_before_it():
    with (
        calling(says_and_leaves(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\none\ntw")) as (
            outbound,
            server,
        ),
        streaming(outbound, server.url) as (_, _, lines),
    ):
        assert next(lines) == b"one"
        with pytest.raises(OutboundFailed) as failed:
            next(lines)
    assert failed.value.code == "broken-off"


def test_the_deadline_counts_through_all_lines():
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"line\n")
            time.sleep(0.02)

    with (
        calling(script) as (outbound, server),
        streaming(outbound, server.url, seconds=0.3) as (_, _, lines),
        pytest.raises(OutboundFailed) as failed,
    ):
        for _ in lines:
            pass
    assert failed.value.code == "too-slow"


def test_a_reader_who_stops_early_leaves_no_half_read_connection_behind():
    with calling(says(response(b"line\n" * 100_000))) as (outbound, server):
        for _ in range(3):
            with streaming(outbound, server.url, total=10**6) as (_, _, lines):
                assert next(lines) == b"line"
        assert server.connections == 3


def test_an_error_of_the_reader_passes_through_unchanged():
    with (
        calling(says(response(b"line\n"))) as (outbound, server),
        pytest.raises(ZeroDivisionError),
        streaming(outbound, server.url),
    ):
        raise ZeroDivisionError


def test_the_rest_of_the_lines_is_not_to_be_had_after_the_block():
    with calling(says(response(b"line\n" * 100_000))) as (outbound, server):
        with streaming(outbound, server.url, total=10**6) as (_, _, lines):
            next(lines)
        with pytest.raises(OutboundFailed) as failed:
            list(lines)
    assert failed.value.code == "broken-off"


def test_a_redirect_is_refused_before_the_block_is_entered():
    with (
        calling(says(response(b"", "302 Found", Location="/"))) as (outbound, server),
        pytest.raises(OutboundRefused) as refused,
        streaming(outbound, server.url),
    ):
        pytest.fail("the block must not be entered")
    assert refused.value.code == "redirect"


def _dripping(piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            time.sleep(pause)

    return script


@pytest.mark.parametrize(
    "script",
    [_dripping(b"\n", 0.02), _dripping(b"x", 0.02), lambda _: time.sleep(6)],
    ids=["blank lines", "one endless line", "silence"],
)
def test_what_comes_slower_than_the_least_pace_is_given_up_long_before_the_deadline(script):
    least = Pace(grace_seconds=0.3, bytes_per_second=1000)
    with calling(script) as (outbound, server):
        started = time.monotonic()
        with (
            pytest.raises(OutboundFailed) as failed,
            outbound.stream_lines(
                "GET",
                server.url,
                limit_line_bytes=1000,
                limit_bytes=10_000,
                deadline_seconds=30,
                least=least,
            ) as (_, _, lines),
        ):
            list(lines)
        assert failed.value.code == "too-slow"
        assert 0.25 < time.monotonic() - started < 5


def test_what_comes_fast_enough_is_waited_for_as_long_as_it_comes_but_not_beyond_the_deadline():
    least = Pace(grace_seconds=0.2, bytes_per_second=100)
    with calling(_dripping(b"x" * 100, 0.02)) as (outbound, server):
        started = time.monotonic()
        with (
            pytest.raises(OutboundFailed),
            outbound.stream("GET", server.url, limit_bytes=1_000_000, deadline_seconds=1, least=least) as (
                _,
                _,
                pieces,
            ),
        ):
            list(pieces)
        assert 0.9 < time.monotonic() - started < 5


def test_pieces_come_decoded_and_within_the_limit():
    body = bytes(range(256)) * 1000
    with calling(says(response(zstandard.compress(body), Content_Encoding="zstd"))) as (outbound, server):
        with outbound.stream("GET", server.url, limit_bytes=len(body), deadline_seconds=5) as (
            status,
            _,
            pieces,
        ):
            assert (status, b"".join(pieces)) == (200, body)
        with (
            pytest.raises(OutboundRefused) as refused,
            outbound.stream("GET", server.url, limit_bytes=len(body) - 1, deadline_seconds=5) as (_, _, rest),
        ):
            list(rest)
        assert refused.value.code == "answer-too-large"
