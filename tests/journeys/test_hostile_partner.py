"""A hostile partner against one real node: what it may cost, and what it must not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import zstandard

from taawun.cooperation.partners.exchange.receiving import TALK_BYTES, UNVERIFIED_MESSAGES
from taawun.foundation.clock import now
from taawun.node.demo.nodes import _descendants, wait_for
from tests.journeys.conftest import rows
from tests.journeys.hostile import Answer, Hostile, Victim, found_victim

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture(scope="module")
def victim(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    with found_victim(tmp_path_factory.mktemp("victim"), tables) as made:
        yield made


@pytest.fixture
def hostile(victim: Victim) -> Iterator[Hostile]:
    with _coming(victim, "Hostile CERT") as made:
        yield made


@pytest.fixture
def squatter(victim: Victim) -> Iterator[Hostile]:
    with _coming(victim, "Squatter") as made:
        yield made


@pytest.fixture
def third(victim: Victim) -> Iterator[Hostile]:
    with _coming(victim, "Third") as made:
        yield made


@contextmanager
def _coming(victim: Victim, name: str) -> Iterator[Hostile]:
    made = Hostile(victim.node.base, name)
    try:
        yield made
    finally:
        victim.forget(made)
        made.stop()


def _peak(victim: Victim) -> int:
    """The largest resident size so far of any of its processes, in MiB; 0 where the system does not tell."""
    places = [Path(f"/proc/{pid}/status") for pid in _descendants(victim.node.pid, "")]
    lines = [line for place in places if place.exists() for line in place.read_text().splitlines()]
    return max((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), default=0)


def _reports(victim: Victim, title: str) -> list[tuple[object, ...]]:
    return rows(victim.node, "select 1 from intel_report where title = ?", title)


# ---- nodes that nobody compared -------------------------------------------------------------------------------------


def test_a_strangers_content_is_not_fetched_beyond_what_a_node_takes(
    victim: Victim, hostile: Hostile
) -> None:
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    bomb = compressor.compress(bytes(700 * 1024 * 1024)) + compressor.flush()

    def explode(answer: Answer) -> None:
        answer.send(bomb, Content_Encoding="zstd")

    hostile.instead["/federation/blobs/"] = explode
    hostile.talk.add("agreement.proposed", digest="ab" * 32, size=2**50)
    hostile.talk.add("agreement.proposed", digest="cd" * 32, size=TALK_BYTES)
    before = _peak(victim)
    victim.add(hostile)
    hostile.knock()
    ask = "select reason from partners_laneentry where lane_id = ? and seq > 0 order by seq"
    expected = [("too-large",), ("answer-too-large",)]
    wait_for("both to be looked at", lambda: rows(victim.node, ask, hostile.talk.id.hex) == expected or None)
    assert not any("ab" * 32 in path for path in hostile.asked)
    assert _peak(victim) - before < 200


def test_strangers_that_drip_do_not_silence_the_partners(victim: Victim, hostile: Hostile) -> None:
    victim.compare(hostile)
    lineage, digest = victim.agree(hostile)
    lane = hostile.clause_lane(lineage)
    with ExitStack() as stack:
        strangers = [stack.enter_context(_coming(victim, f"Stranger {number}")) for number in range(8)]
        for each in strangers[:4]:
            each.knock()  # introduces itself
        for each in strangers[4:]:
            victim.add(each)
        for each in strangers:
            victim.met(each)
            each.talk.head_seq = 2**61
            each.instead[f"/federation/lanes/{each.talk.id}"] = Answer.drip
            each.knock()
        wait_for("the first to drip", lambda: any(map(_is_read, strangers)) or None)
        lane.release("while others drip", digest)
        hostile.knock()
        wait_for("the honest report", lambda: _reports(victim, "while others drip") or None, seconds=12)


def _is_read(each: Hostile) -> bool:
    return any(path.startswith(f"/federation/lanes/{each.talk.id}") for path in each.asked)


def test_a_strangers_quota_holds_within_one_page(victim: Victim, hostile: Hostile) -> None:
    for number in range(1000):
        hostile.talk.say("nobody.knows", {"n": number})
    victim.add(hostile)
    hostile.knock()
    ask = "select count(*) from partners_laneentry where lane_id = ?"
    most = [(UNVERIFIED_MESSAGES + 1,)]
    wait_for("its quota", lambda: rows(victim.node, ask, hostile.talk.id.hex) == most or None)
    asked = hostile.asked.count("/federation/lanes")
    hostile.knock()
    wait_for("the next look", lambda: hostile.asked.count("/federation/lanes") > asked + 1 or None)
    assert rows(victim.node, ask, hostile.talk.id.hex) == most
    assert len([path for path in hostile.asked if "?after" in path]) == 1


# ---- verified partners ----------------------------------------------------------------------------------------------


def test_hundreds_of_entries_are_taken_in_while_somebody_writes(victim: Victim, hostile: Hostile) -> None:
    victim.compare(hostile)
    one = victim.import_one("own")
    for number in range(400):
        hostile.talk.say("nobody.knows", {"n": number})
    analyst, stop = victim.analyst, threading.Event()

    def write() -> None:
        body = {"title": "w", "summary": "w", "tlp": "TLP:GREEN", "object_ids": [one]}
        while not stop.wait(0.05):
            analyst.raw("POST", "/intel/reports", json=body)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        hostile.knock()
        victim.outcomes(hostile.talk, 401)
    finally:
        stop.set()
        thread.join()
    assert "database is locked" not in victim.node.log.read_text()
    # told once for the lane, not once for each
    told = "select times from notices_notice where kind = 'partners.entry-unopened' and subject = ?"
    assert rows(victim.node, told, f"urn:uuid:{hostile.talk.id}") == [(400,)]


def test_a_withdrawn_content_goes_though_a_partner_names_its_digest(victim: Victim, hostile: Hostile) -> None:
    victim.compare(hostile)
    victim.agree(hostile)
    ours = victim.draft("ours", victim.import_one("ours"))
    victim.analyst.post(f"/intel/reports/{ours}/publish")
    digest = rows(victim.node, "select digest from federation_release where title = 'ours'")[0][0]
    # it has read the header of the release, and says the same digest on a lane of its own
    hostile.talk.add("nobody.knows", digest=digest, size=10)
    hostile.knock()
    assert victim.outcomes(hostile.talk, 4)[-1] == ("unopened", "unknown-kind")
    held = "select count(*) from partners_content where digest = ?"
    assert rows(victim.node, held, digest) == [(1,)]
    victim.analyst.post(f"/intel/reports/{ours}/withdraw", {"reason": "personal data"})
    assert rows(victim.node, held, digest) == [(0,)]


def test_a_partner_takes_nothing_from_another_by_taking_the_id_of_its_lane(
    victim: Victim, hostile: Hostile, squatter: Hostile
) -> None:
    victim.compare(hostile)
    victim.compare(squatter)
    lineage, digest = victim.agree(hostile)
    known = uuid4()
    squatter.clause_lane(str(uuid4()), known)
    squatter.knock()
    ask = "select 1 from partners_lane where id = ?"
    wait_for("the squatter's lane", lambda: rows(victim.node, ask, known.hex) or None)
    hostile.clause_lane(lineage, known).release("by its true sender", digest)
    hostile.knock()
    wait_for("its report", lambda: _reports(victim, "by its true sender") or None)


# ---- what it says about agreements ------------------------------------------------------------------------------


def _state(victim: Victim, lineage: str) -> str:
    officer = victim.node.api(victim.node.nation.player("officer"))
    return str(officer.get(f"/agreements/{lineage}")["state"])


def test_a_signature_that_is_dated_back_opens_nothing_from_before_it_came(
    victim: Victim, hostile: Hostile, third: Hostile
) -> None:
    victim.compare(hostile)
    victim.compare(third)
    lineage, digest = victim.agree(hostile, third, entry_into_force=2)
    report = victim.draft("before it joined", victim.import_one("before"))
    victim.analyst.post(f"/intel/reports/{report}/publish")
    assert hostile.served(lineage) == [("intel.report", True)]
    assert third.served(lineage) == []
    third.sign(lineage, digest, now() - timedelta(days=200))
    third.knock()
    assert victim.outcomes(third.talk, 2)[-1] == ("done", "")
    # it reads from a floor on, above which nothing stands yet
    assert third.served(lineage) == []


def test_notice_that_is_dated_back_ends_nothing_at_once(victim: Victim, hostile: Hostile) -> None:
    victim.compare(hostile)
    lineage, digest = victim.agree(hostile, notice_days=30)
    hostile.declare("terminated", lineage, digest, now() - timedelta(days=31))
    hostile.knock()
    assert victim.outcomes(hostile.talk, 4)[-1] == ("done", "")
    assert _state(victim, lineage) == "in-force"


def test_who_is_no_party_leaves_no_word_in_the_trail_of_an_agreement(
    victim: Victim, hostile: Hostile, third: Hostile
) -> None:
    victim.compare(hostile)
    lineage, digest = victim.agree(hostile)
    victim.add(third)
    third.declare("terminated", lineage, digest)
    third.knock()
    assert victim.outcomes(third.talk, 2)[-1] == ("done", "")
    ask = "select subject from audit_entry where verb = 'agreements.terminated' and actor_id = ?"
    assert rows(victim.node, ask, third.base) == [(f"urn:taawun:node:{third.base}",)]
    assert _state(victim, lineage) == "in-force"
