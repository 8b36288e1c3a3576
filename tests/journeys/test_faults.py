"""A node killed, a line cut, a slow client: afterwards nothing is lost and nothing is there twice."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from contextlib import suppress

import httpx
import pytest

from taawun.node.demo.nodes import PLAIN, wait_for
from tests.journeys.conftest import Pair, everything, rows

pytestmark = [pytest.mark.journey, pytest.mark.slow]

AT = "2026-01-01T00:00:00.000Z"


def big_bundle(count: int) -> bytes:
    """A bundle of this many indicators that no other test uses."""
    objects = [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.uuid4()}",
            "created": AT,
            "modified": AT,
            "name": f"host-{number}.example",
            "pattern": f"[domain-name:value = 'host-{number}.example']",
            "pattern_type": "stix",
            "valid_from": AT,
        }
        for number in range(count)
    ]
    return json.dumps({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}).encode()


def test_a_worker_killed_in_the_middle_of_an_import_loses_and_doubles_nothing(pair: Pair):
    analyst = pair.analyst(pair.north)
    before = rows(pair.north, "select count(*) from intel_stixobject")[0][0]
    assert isinstance(before, int)
    begun = analyst.call(
        "POST", "/intel/imports", params={"name": "many", "tlp": "TLP:GREEN"}, content=big_bundle(12_000)
    )

    def some_stored() -> bool | None:
        stored = rows(pair.north, "select count(*) from intel_stixobject")[0][0]
        assert isinstance(stored, int)
        return True if before < stored < before + 12_000 else None

    wait_for("the import to be under way", some_stored, seconds=60)
    pair.north.kill("worker")

    ended = wait_for("the import to end", lambda: ended_import(pair, begun["id"]), seconds=120)

    assert ended["state"] == "done"
    after = rows(pair.north, "select count(*), count(distinct stix_id) from intel_stixobject")[0]
    assert after == (before + 12_000, before + 12_000)


def ended_import(pair: Pair, identifier: str) -> dict[str, str] | None:
    with suppress(httpx.HTTPError):
        held: dict[str, str] = pair.analyst(pair.north).get(f"/intel/imports/{identifier}")
        return held if held["state"] != "waiting" else None
    return None


def test_a_node_killed_while_publishing_has_each_report_out_whole_or_not_at_all(pair: Pair):
    identifiers = [pair.new_report(f"killed while publishing {number}") for number in range(30)]
    some, stop = threading.Event(), threading.Event()

    def publish() -> None:
        for number, identifier in enumerate(identifiers):
            if stop.is_set():
                return
            with suppress(httpx.HTTPError):
                pair.analyst(pair.north).raw("POST", f"/intel/reports/{identifier}/publish", json={})
            if number == 4:
                some.set()

    thread = threading.Thread(target=publish)
    thread.start()
    assert some.wait(60), "nothing was published"
    pair.north.kill()
    stop.set()
    thread.join()
    pair.north.start()

    states = {
        each["id"]: each["state"]
        for each in everything(pair.analyst(pair.north), "/intel/reports")
        if each["id"] in identifiers
    }
    published = [identifier for identifier in identifiers if states[identifier] == "published"]
    entries = rows(
        pair.north,
        "select count(*) from federation_passage p join federation_release r on r.id = p.release_id "
        "where r.title like 'killed while publishing %'",
    )[0][0]

    assert 0 < len(published) < len(identifiers)
    assert entries == len(published)
    titles = {f"killed while publishing {identifiers.index(each)}" for each in published}
    wait_for("all of them in the south", lambda: titles <= set(pair.received()) or None, seconds=60)
    assert {title for title in pair.received() if title.startswith("killed while")} == titles


def test_a_node_killed_while_pulling_ends_with_every_entry_once(pair: Pair):
    analyst = pair.analyst(pair.north)
    pair.south.kill()
    titles = {f"killed while pulling {number}" for number in range(60)}
    for title in sorted(titles):
        analyst.post(f"/intel/reports/{pair.new_report(title)}/publish")

    for pause in (0.3, 0.6):
        pair.south.start()
        time.sleep(pause)
        pair.south.kill()
    pair.south.start()

    wait_for("all of them in the south", lambda: titles <= set(pair.received()) or None, seconds=90)
    doubled = rows(
        pair.south,
        "select lane_id, seq, count(*) from partners_laneentry group by lane_id, seq having count(*) > 1",
    )
    reports = rows(pair.south, "select count(*) from intel_report where title like 'killed while pulling %'")
    pending = wait_for(
        "nothing to wait",
        lambda: rows(pair.south, "select 1 from partners_laneentry where state = 'pending'") == [] or None,
    )
    assert (doubled, reports, pending) == ([], [(60,)], True)
    assert json.loads(pair.south.command("audit", "verify", "--json").stdout)["broken_at"] is None


def test_a_half_sent_body_on_every_worker_does_not_keep_others_waiting(pair: Pair):
    address = ("127.0.0.1", pair.north.port)
    head = (
        f"POST /federation/inbox HTTP/1.1\r\nHost: 127.0.0.1:{pair.north.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    ).encode()
    slow = [socket.create_connection(address) for _ in range(16)]
    try:
        for each in slow:
            each.sendall(head)
        time.sleep(0.3)
        start = time.monotonic()
        for _ in range(20):
            assert (
                httpx.get(f"{pair.north.base}/readyz", timeout=5, trust_env=False, verify=PLAIN).status_code
                == 200
            )
        assert time.monotonic() - start < 5
    finally:
        for each in slow:
            each.close()


def test_two_writers_at_once_both_succeed(pair: Pair):
    failures: list[str] = []

    def write(number: int) -> None:
        try:
            for each in range(15):
                pair.new_report(f"writer {number} report {each}")
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test tells it
            failures.append(repr(problem))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    count = rows(pair.north, "select count(*) from intel_report where title like 'writer %'")[0][0]
    assert (failures, count) == ([], 60)
