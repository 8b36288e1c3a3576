"""The real server under clients that are slow, large, false or gone."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.node.server.running import Server, received, running, wait_until

HEAD = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
MEBIBYTE = 1024 * 1024
BOUND = 1.0  # seconds; unloaded, a request takes two milliseconds


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    bodies = {"grace_seconds": 2.0, "longest_seconds": 4.0}
    with running(workers=2, threads=1, head_seconds=2.0, bodies=bodies) as started:
        yield started


def problem(answer: bytes) -> tuple[int, str]:
    """The status and the code of an answer that is a problem document and ends its connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    document = json.loads(body)
    assert document["status"] == int(head.split()[1])
    assert document["type"] == "about:blank"
    return document["status"], document["code"]


def half_sent(server: Server, lines: ExitStack, count: int) -> None:
    """Leave so many requests without the end of their bodies."""
    for number in range(count):
        framing = b"Content-Length: 100" if number % 2 else b"Transfer-Encoding: chunked"
        line = lines.enter_context(server.connect())
        line.sendall(HEAD + framing + b"\r\n\r\n" + (b"half" if number % 2 else b"4\r\nhalf\r\n"))


def test_half_sent_bodies_on_every_worker_do_not_hold_up_a_single_request(server):
    assert server.slowest_of(20) < BOUND
    with ExitStack() as lines:
        half_sent(server, lines, 16)
        time.sleep(0.2)
        begun = time.monotonic()
        assert server.slowest_of(30) < BOUND
        assert server.ask("POST", "/echo", b"whole").json["length"] == "5"
        assert time.monotonic() - begun < 2.0, "the bodies were still half sent"


def test_more_half_sent_bodies_than_there_are_places_are_refused_and_the_rest_answered():
    bodies = {"grace_seconds": 20.0, "at_once_per_client": 8, "patience_seconds": 0.2}
    with running(workers=2, threads=1, bodies=bodies, stop_seconds=1) as full, ExitStack() as lines:
        half_sent(full, lines, 60)
        refused = [full.send(HEAD + b"Content-Length: 9\r\n\r\nx") for _ in range(6)]
        assert [problem(answer) for answer in refused] == [(503, "too-many-bodies")] * 6
        assert all(b"\r\nretry-after: 5\r\n" in answer for answer in refused)
        assert full.slowest_of(40) < BOUND


def test_a_body_that_stops_coming_is_refused_in_time_and_its_connection_closed(server):
    begun = time.monotonic()
    answer = server.send(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    assert problem(answer) == (408, "body-too-slow")
    assert b"It has 2 seconds, one more for every 32 KiB, and at most 4." in answer
    assert 1.8 < time.monotonic() - begun < 4.0


def test_a_body_that_trickles_is_refused_in_time(server):
    begun = time.monotonic()
    with server.connect() as line:
        line.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(15):
            line.sendall(b"1\r\nx\r\n")
            time.sleep(0.1)
        assert problem(received(line)) == (408, "body-too-slow")
    assert 1.8 < time.monotonic() - begun < 4.0


@pytest.mark.parametrize("path", ["/echo", "/upload"])
def test_a_body_that_is_announced_as_too_large_is_refused_at_once(server, path):
    begun = time.monotonic()
    with server.connect() as line:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {5 * MEBIBYTE}\r\n\r\n".encode())
        first = line.recv(65536)
    assert problem(first) == (413, "body-too-large")
    assert time.monotonic() - begun < BOUND


@pytest.mark.parametrize("framing", ["announced", "in chunks"])
@pytest.mark.parametrize(("path", "limit"), [("/echo", b"64 KiB"), ("/upload", b"4 MiB")])
def test_who_sends_too_much_before_listening_still_reads_why(server, framing, path, limit):
    body = b"x" * 8 * MEBIBYTE
    answer = server.ask("POST", path, body if framing == "announced" else iter([body]))
    assert answer.status == 413
    assert limit in answer.body


def test_a_refused_client_that_waits_to_be_told_is_not_told_to_continue(server):
    request = HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    assert problem(server.send(request)) == (413, "body-too-large")


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"Content-Length: 9\r\n\r\nshort",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n9\r\nshort",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\nno number\r\n",
        b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\nshort",
    ],
)
def test_a_body_that_breaks_off_never_reaches_the_application(server, request_bytes):
    with server.connect() as line:
        line.sendall(request_bytes)
        line.shutdown(1)
        assert problem(received(line)) == (400, "body-broken-off")


def test_trailers_are_refused_since_they_cannot_be_told_from_a_broken_body(server):
    request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\nX-Trailer: 1\r\n\r\n"
    assert problem(server.send(request)) == (400, "body-broken-off")


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        HEAD + b"Content-Length: -3\r\n\r\nabc",
        HEAD + b"Content-Length: 3x\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_head_that_is_wrong_is_refused_before_the_application(server, request_bytes):
    assert server.send(request_bytes).split()[1] in {b"400", b"431"}


def test_a_length_beside_chunks_is_not_believed(server):
    request = HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"
    answer = server.send(request)
    assert answer.split()[1] == b"200"
    assert b'"length": "5"' in answer
    assert b"connection: close" in answer


def test_a_path_that_is_not_utf8_is_refused(server):
    assert problem(server.send(b"GET /%FF%FE HTTP/1.1\r\nHost: a\r\n\r\n")) == (400, "path-not-utf-8")


def test_the_server_opens_no_tunnels(server):
    answer = server.send(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
    assert answer.split()[1] == b"501"


def test_half_sent_heads_are_closed_in_time_and_hold_nobody_up(server):
    with ExitStack() as lines:
        slow = [lines.enter_context(server.connect()) for _ in range(60)]
        for line in slow:
            line.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
        begun = time.monotonic()
        assert server.slowest_of(20) < BOUND
        assert received(slow[0]) == received(slow[-1]) == b""
        assert time.monotonic() - begun < 4.0


def test_a_head_that_trickles_is_closed_in_time(server):
    begun = time.monotonic()

    def trickle() -> None:
        with server.connect() as line:
            while time.monotonic() - begun < 8:
                line.sendall(b"G")
                time.sleep(0.2)

    with pytest.raises(OSError, match=r"pipe|reset"):
        trickle()
    assert time.monotonic() - begun < 5.0


def test_a_connection_that_stays_idle_is_closed(server):
    begun = time.monotonic()
    assert server.send(b"") == b""
    assert server.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert 3.0 < time.monotonic() - begun < 8.0


def test_a_reader_that_does_not_read_holds_neither_thread_nor_memory():
    with running(workers=1, threads=1) as single, ExitStack() as lines:
        before = single.ask(path="/state").json["memory"]
        for _ in range(3):
            line = lines.enter_context(single.connect())
            line.sendall(b"GET /stream?chunks=100&size=1048576 HTTP/1.1\r\nHost: a\r\n\r\n")
            line.recv(1000)
        assert single.slowest_of(20) < BOUND
        state = single.ask(path="/state").json
        assert state["opened"] == state["closed"] == 3
        assert state["memory"] - before < 30 * MEBIBYTE


def test_a_client_that_goes_away_leaves_nothing_open():
    with running(workers=1, threads=1) as single:
        for sent in range(20):
            with single.connect() as line:
                line.sendall(b"GET /stream?chunks=20&size=100000 HTTP/1.1\r\nHost: a\r\n\r\n")
                if sent % 2:
                    assert line.recv(1000)
        # Who leaves before the head was read may never be served; the ten that read something were.
        state = wait_until(
            lambda: (told := single.ask(path="/state").json)["opened"] == told["closed"] and told
        )
        assert state["opened"] >= 10
