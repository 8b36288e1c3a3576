"""The real server answers well-behaved clients."""

import hashlib
import http.client
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.node.server.running import (
    HOST,
    Server,
    answered_by_two,
    is_alive,
    launch,
    received,
    running,
    wait_until,
)

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(workers=2, threads=1) as started:
        yield started


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("files") / "large"
    path.write_bytes(bytes(range(256)) * (20 * MEBIBYTE // 256))
    return path


def test_two_processes_answer(server):
    # each connection goes to whichever wakes first; on a busy machine that is one of them for a while
    wait_until(lambda: len(server.workers()) == 2)


@pytest.mark.parametrize("size", [0, 1, 2048, 64 * 1024])
def test_a_body_arrives_whole(server, size):
    body = os.urandom(size)
    answer = server.ask("POST", "/echo", body)
    assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    assert answer.json["length"] == (str(size) if size else None)


@pytest.mark.parametrize("framing", ["announced", "in chunks"])
def test_a_large_body_arrives_whole(server, framing):
    body = os.urandom(4 * MEBIBYTE)
    sent = (
        body if framing == "announced" else iter([body[:100], body[100 : 3 * MEBIBYTE], body[3 * MEBIBYTE :]])
    )
    answer = server.ask("POST", "/upload", sent)
    assert answer.json == {"length": str(len(body)), "sha256": hashlib.sha256(body).hexdigest()}


def test_a_client_that_waits_to_be_told_is_told_to_continue(server):
    with server.connect() as line:
        line.sendall(
            b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert line.recv(1000).startswith(b"HTTP/1.1 100 ")
        line.sendall(b"abc")
        assert received(line).startswith(b"HTTP/1.1 200 ")


def test_the_environment_is_that_of_the_request(server):
    answer = server.ask("GET", "/environ?q=%D8%AA", headers={"X-One": "1", "X_Two": "2", "Cookie": "a=b"})
    told = answer.json
    assert told["REMOTE_ADDR"] == HOST
    assert told["SERVER_PORT"] == str(server.port)
    assert told["HTTP_HOST"] == f"{HOST}:{server.port}"
    assert told["QUERY_STRING"] == "q=%D8%AA"
    assert told["HTTP_X_ONE"] == "1"
    assert told["HTTP_COOKIE"] == "a=b"
    assert "HTTP_X_TWO" not in told
    assert told["wsgi.multithread"] is False
    assert not {"PATH", "HOME"} & set(told)


def test_head_answers_as_get_does_without_the_body(server, content):
    got = server.ask("GET", f"/file?path={content}")
    headed = server.ask("HEAD", f"/file?path={content}&length={content.stat().st_size}")
    assert (headed.status, headed.body) == (200, b"")
    assert headed.headers["content-length"] == got.headers["content-length"] == str(20 * MEBIBYTE)
    streamed = server.ask("HEAD", "/stream?chunks=100000&size=1000000")
    assert (streamed.status, streamed.body) == (200, b"")


@pytest.mark.parametrize(("chunks", "size"), [(3, 10), (50, MEBIBYTE)])
def test_a_stream_arrives_whole_with_its_length(server, chunks, size):
    answer = server.ask(path=f"/stream?chunks={chunks}&size={size}")
    assert answer.body == b"x" * chunks * size
    assert answer.headers["content-length"] == str(chunks * size)


def test_a_large_file_arrives_whole_and_in_part(server, content):
    assert server.ask(path=f"/file?path={content}").body == content.read_bytes()
    part = server.ask(path=f"/file?path={content}&start=1000&length={2 * MEBIBYTE}")
    assert part.body == content.read_bytes()[1000 : 1000 + 2 * MEBIBYTE]


def test_a_failure_is_answered_without_details_and_the_thread_lives_on(server):
    for _ in range(4):
        answer = server.ask(path="/fail")
        assert answer.status == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "internal-error"
        assert b"secret" not in answer.body
    assert server.ask().status == 200


def test_a_connection_serves_one_request_after_another(server):
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    pids = set()
    for number in range(20):
        connection.request("POST" if number % 2 else "GET", "/", b"body" if number % 2 else None)
        pids.add(connection.getresponse().read())
        line = connection.sock
    assert line is connection.sock
    assert len(pids) == 1
    connection.close()


def test_fifty_clients_at_once_are_all_answered(server):
    def one(number: int) -> bool:
        body = str(number).encode() * 100
        answer = server.ask("POST", "/echo", body) if number % 2 else server.ask(path="/")
        expected = hashlib.sha256(body).hexdigest()
        return answer.status == 200 and (number % 2 == 0 or answer.json["sha256"] == expected)

    with ThreadPoolExecutor(50) as clients:
        assert all(clients.map(one, range(200)))


def test_a_worker_uses_one_thread_for_all_requests(server):
    threads: dict[int, set[int]] = {}
    for _ in range(20):
        connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
        connection.request("GET", "/")
        pid = int(connection.getresponse().read())
        connection.request("GET", "/state")
        threads.setdefault(pid, set()).add(json.loads(connection.getresponse().read())["thread"])
        connection.close()
    assert [len(used) for used in threads.values()] == [1, 1]


def test_a_worker_looks_for_unreachable_objects_rarely_and_never_through_what_it_has_loaded(server):
    told = server.ask(path="/state").json
    assert told["looks_after"] == 50_000
    assert told["kept"] > 10_000


def test_more_threads_work_at_the_same_time():
    with running(workers=1, threads=4) as server, ThreadPoolExecutor(4) as clients:
        begun = time.monotonic()
        list(clients.map(lambda _: server.ask(path="/sleep?seconds=1.5"), range(4)))
        # two of them one after the other would take this long
        assert time.monotonic() - begun < 3


def test_a_killed_worker_is_replaced_while_the_others_answer():
    with running(workers=2) as server:
        before = wait_until(lambda: len(found := server.workers()) == 2 and found)
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        after = wait_until(lambda: answered_by_two(server), 15)
        assert killed not in after
        assert max(before) in after


def test_a_stop_lets_a_request_finish_and_ends_well():
    with running(workers=1, stop_seconds=5) as server, ThreadPoolExecutor(1) as clients:
        under_way = clients.submit(server.ask, path="/sleep?seconds=1")
        time.sleep(0.4)
        server.process.terminate()
        assert under_way.result().body == b"slept"
        assert server.process.wait(10) == 0
        with pytest.raises(OSError, match="refused"):
            server.ask()


def test_a_stop_does_not_wait_for_half_a_body_longer_than_it_may():
    with running(workers=1, stop_seconds=1) as server, server.connect() as line:
        line.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        time.sleep(0.3)
        server.process.terminate()
        server.process.wait(6)


def test_workers_do_not_outlive_a_main_process_that_was_killed():
    with running(workers=2, stop_seconds=2) as server:
        workers = wait_until(lambda: len(found := server.workers()) == 2 and found)
        server.process.kill()
        wait_until(lambda: not any(map(is_alive, workers)), 10)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"host": "x" * 64 + ".invalid"}, "bad-address"),
        ({"host": "192.0.2.1"}, "address-in-use"),
        ({"port": 70000}, "bad-setting"),
        ({"port": 0}, "bad-setting"),
        ({"workers": 0}, "bad-setting"),
        ({"threads": 0}, "bad-setting"),
        ({"trusted_proxies": ["the one in front"]}, "bad-setting"),
    ],
)
def test_what_cannot_be_served_is_refused_with_a_sentence(settings, code):
    with pytest.raises(AssertionError, match=f"^{code}: "), running(**settings):
        pass


def test_a_second_server_on_the_same_port_is_refused():
    with running() as server:
        second = launch(port=server.port)
        _, said = second.communicate(timeout=10)
        assert second.returncode == 1
        assert re.match(
            r"address-in-use: 127\.0\.0\.1 port \d+ cannot be listened at .*Choose another", said.decode()
        )
        assert server.ask().status == 200
