"""The client against a real server on loopback: what it does, and what it does not take."""

import gzip
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard

from taawun.foundation.outbound import Outbound, OutboundFailed, OutboundRefused
from tests.foundation.outbound.loopback import (
    LOOPBACK,
    Script,
    calling,
    failed,
    get,
    refused,
    response,
    says,
    says_and_leaves,
    serving,
)

# ---- what it does


def test_a_request_is_sent_as_given_and_the_answer_comes_back():
    with calling(says(response(b"hello", "201 Created", X_One="1", ETag='"a"'))) as (outbound, server):
        answer = get(outbound, f"{server.url}/a%20b?c=%C3%A9", "post", headers={"X-Two": "2"}, body=b"body")
    assert (answer.status, answer.body) == (201, b"hello")
    assert answer.headers == {"content-length": "5", "x-one": "1", "etag": '"a"'}
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /a%20b?c=%C3%A9 HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"User-Agent: taawun",
        b"Accept-Encoding: zstd, gzip",
        b"X-Two: 2",
        b"Content-Length: 4",
    ]
    assert body == b"body"


def test_an_error_of_the_other_side_is_an_answer_like_any_other():
    with calling(says(response(b"{}", "503 Service Unavailable"))) as (outbound, server):
        assert get(outbound, server.url).status == 503


def test_headers_that_repeat_are_joined():
    answer = b"HTTP/1.1 200 OK\r\nVary: a\r\nvary: b\r\nContent-Length: 0\r\n\r\n"
    with calling(says(answer)) as (outbound, server):
        assert get(outbound, server.url).headers["vary"] == "a, b"


def test_a_chunked_answer_is_put_together():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with calling(says(answer)) as (outbound, server):
        assert get(outbound, server.url).body == b"abcde"


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_compressed_answer_is_decoded(coding, compress):
    with calling(says(response(compress(b"x" * 9000), Content_Encoding=coding))) as (outbound, server):
        assert get(outbound, server.url).body == b"x" * 9000


def test_one_connection_serves_many_requests():
    with calling(says(response(b"ok"))) as (outbound, server):
        for _ in range(5):
            assert get(outbound, server.url).body == b"ok"
        assert (len(server.requests), server.connections) == (5, 1)


def test_a_connection_the_other_side_closed_meanwhile_is_replaced():
    with calling(says_and_leaves(response(b"ok"))) as (outbound, server):
        assert get(outbound, server.url).body == b"ok"
        time.sleep(0.05)
        assert get(outbound, server.url).body == b"ok"
        assert server.connections == 2


def test_many_threads_use_one_client_at_once():
    def echo(connection: socket.socket) -> None:
        time.sleep(0.001)
        connection.sendall(response(server.requests[-1][:0] + b"ok"))

    with calling(echo) as (outbound, server), ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: get(outbound, server.url).body, range(200)))
    assert answers == [b"ok"] * 200
    assert server.connections <= 8


# ---- how much and how long


def test_an_answer_over_the_limit_is_refused_and_one_at_it_is_taken():
    with calling(says(response(b"x" * 1000))) as (outbound, server):
        assert get(outbound, server.url, limit_bytes=1000).body == b"x" * 1000
        assert refused(outbound, server.url, limit_bytes=999) == "answer-too-large"


def test_an_endless_answer_is_cut_off_at_the_limit():
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + bytes(4096) + b"\r\n")

    with calling(endless) as (outbound, server):
        assert refused(outbound, server.url) == "answer-too-large"


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_decompression_bomb_is_refused(coding, compress):
    with calling(says(response(compress(bytes(50_000_000)), Content_Encoding=coding))) as (outbound, server):
        assert refused(outbound, server.url) == "answer-too-large"


def test_another_encoding_than_was_asked_for_is_refused():
    with calling(says(response(b"x", Content_Encoding="br"))) as (outbound, server):
        assert refused(outbound, server.url) == "unknown-encoding"


def drip(first: bytes, piece: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(400):
            time.sleep(0.02)
            connection.sendall(piece)

    return script


@pytest.mark.parametrize(
    "script",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda _: time.sleep(6),
    ],
    ids=["body", "header", "informational", "silence"],
)
def test_the_deadline_is_for_the_whole_answer_not_for_each_piece(script):
    with calling(script) as (outbound, server):
        started = time.monotonic()
        assert failed(outbound, server.url, deadline_seconds=0.3) == "too-slow"
        assert 0.25 < time.monotonic() - started < 5


def test_a_server_that_does_not_take_the_body_is_given_up_at_the_deadline():
    listener = socket.create_server(("127.0.0.1", 0))
    # The system accepts the connection; nobody ever reads from it.
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with listener, Outbound(LOOPBACK) as outbound:
        started = time.monotonic()
        assert failed(outbound, url, "POST", body=bytes(50_000_000), deadline_seconds=0.3) == "too-slow"
        assert time.monotonic() - started < 5


def test_a_deadline_that_has_passed_is_too_slow_at_once():
    with calling(says(response(b"ok"))) as (outbound, server):
        assert failed(outbound, server.url, deadline_seconds=0) == "too-slow"
        assert failed(outbound, server.url, deadline_seconds=-1) == "too-slow"


# ---- what goes wrong on the way


def test_a_connection_that_closes_in_the_middle_of_the_body_fails():
    with calling(says_and_leaves(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")) as (
        outbound,
        server,
    ):
        assert failed(outbound, server.url) == "broken-off"


def test_a_chunked_answer_without_its_end_fails():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    with calling(says_and_leaves(answer)) as (outbound, server):
        assert failed(outbound, server.url) == "broken-off"


def test_a_compressed_answer_without_its_end_fails():
    data = gzip.compress(b"payload " * 100)[:-4]
    with calling(says(response(data, Content_Encoding="gzip"))) as (outbound, server):
        assert failed(outbound, server.url) == "bad-answer"


def test_a_connection_that_is_reset_fails():
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with calling(reset) as (outbound, server):
        assert failed(outbound, server.url) == "broken-off"


def test_a_connection_that_closes_without_an_answer_fails():
    with calling(says_and_leaves(b"")) as (outbound, server):
        assert failed(outbound, server.url) == "broken-off"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["ssh", "long header", "many headers", "two lengths", "negative length", "bad chunk"],
)
def test_what_is_no_sound_http_fails(answer):
    with calling(says(answer)) as (outbound, server):
        assert failed(outbound, server.url) == "bad-answer"


def test_after_a_failure_the_client_goes_on_with_a_new_connection():
    scripts = [says_and_leaves(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), says(response(b"ok"))]

    def script(connection: socket.socket) -> None:
        scripts.pop(0)(connection)

    with calling(script) as (outbound, server):
        assert failed(outbound, server.url) == "broken-off"
        assert get(outbound, server.url).body == b"ok"


def test_a_port_where_nobody_listens_is_unreachable():
    with serving(says(b"")) as server:
        url = server.url
    with Outbound(LOOPBACK) as outbound:
        assert failed(outbound, url) == "unreachable"


def test_refusals_and_failures_are_told_apart_by_type():
    assert not issubclass(OutboundFailed, OutboundRefused)
    assert not issubclass(OutboundRefused, OutboundFailed)
