"""What a partner's lane brings: taken once, held to its chain, and stopped at the first thing that does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections
from django.db.models import F

from taawun.cooperation.partners.errors import ChainBroken, MessageRefused, PartnerRefused
from taawun.cooperation.partners.exchange import receiving
from taawun.cooperation.partners.exchange.receiving import (
    MAX_ATTEMPTS,
    TALK_BYTES,
    UNVERIFIED_MESSAGES,
    known_head,
    process_pending,
    take_page,
)
from taawun.cooperation.partners.identity.lineage import Lineage
from taawun.cooperation.partners.logs import chain, contents
from taawun.cooperation.partners.logs.stopping import STOPS_TOLD, stop_lane
from taawun.cooperation.partners.models import Content, Lane, LaneEntry, Partner, PolicyGeneration
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical, parse
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.lanes import Entry, TheirLane, clause_lane, nothing_to_fetch, talk_lane

LATER = timedelta(minutes=2)


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    return partner()


@pytest.fixture
def lane(south: PartnerNode) -> TheirLane:
    """A lane of five entries; nothing of it has been taken."""
    made = clause_lane(south, agreement_in_force(south))
    for number in range(1, 5):
        made.write(kind="tests.note", subject=f"urn:test:{number}", content=b'{"n":%d}' % number)
    return made


def _kept(lane: TheirLane) -> list[str]:
    return list(LaneEntry.objects.filter(lane=lane.row).order_by("seq").values_list("digest", flat=True))


def _flipped(line: bytes, pattern: bytes) -> bytes:
    """The line with the first letter that follows a pattern changed."""
    found = re.search(pattern, line)
    assert found
    place = found.end()
    return line[:place] + (b"A" if line[place : place + 1] != b"A" else b"B") + line[place + 1 :]


# ---- a page that is as it should be ---------------------------------------------------------------------------------


def test_a_page_is_kept_entry_for_entry_as_it_was_sent(lane: TheirLane) -> None:
    assert lane.take() == 5
    held = list(LaneEntry.objects.filter(lane=lane.row).order_by("seq"))
    assert [each.header for each in held] == [each.token for each in lane.entries]
    assert [each.digest for each in held] == [each.digest for each in lane.entries]
    assert {each.state for each in held} == {"pending"}
    assert [contents.get(each.content_digest) for each in held] == [each.content for each in lane.entries]
    lane.row.refresh_from_db()
    assert (lane.row.head_seq, lane.row.known_seq, lane.row.head_digest) == (4, 4, lane.entries[4].digest)


def test_the_same_page_again_is_nothing_new(lane: TheirLane) -> None:
    lane.take()
    assert lane.take(lane.page()) == 0
    assert len(_kept(lane)) == 5


def test_an_entry_repeated_within_a_page_is_nothing_new(lane: TheirLane) -> None:
    first, second, *others = lane.page()
    assert lane.take([first, second, first, second, *others]) == 5
    assert _kept(lane) == [each.digest for each in lane.entries]


def test_pages_that_overlap_continue_each_other(lane: TheirLane) -> None:
    assert lane.take([*lane.page()[:3], chain.write_head_line(lane.head(2))]) == 3
    assert lane.take(lane.page()) == 2


def test_a_page_without_content_is_good_as_far_as_it_goes(lane: TheirLane) -> None:
    bare = [lane.entries[0].line, *(chain.write_line(each.token, None) for each in lane.entries[1:])]
    assert lane.take([*bare, chain.write_head_line(lane.head())]) == 5
    # a new sender's word for "gone" is the header alone; nothing was stored as content
    assert not Content.objects.filter(digest=lane.entries[1].header.digest).exists()


def test_many_entries_are_stored_in_batches_and_a_fault_at_the_end_loses_none(south: PartnerNode) -> None:
    lane = clause_lane(south, None)
    for _ in range(230):
        lane.write()
    with pytest.raises(ChainBroken):
        lane.take([*lane.page()[:-1], b"{}"])
    assert len(_kept(lane)) == 231


@pytest.mark.parametrize(
    "problem", [OutboundFailed("broken-off", "x"), OutboundRefused("answer-too-large", "x")], ids=str
)
def test_what_came_before_the_line_broke_off_is_kept_and_the_next_pull_continues(
    lane: TheirLane, problem: Exception
) -> None:
    def breaking() -> Iterator[bytes]:
        yield from lane.page()[:3]
        raise problem

    with pytest.raises(type(problem)):
        lane.take(breaking())
    assert _kept(lane) == [each.digest for each in lane.entries[:3]]
    assert lane.take() == 2


def test_a_page_that_ends_without_its_head_is_continued_by_the_next(lane: TheirLane) -> None:
    assert lane.take(lane.page()[:2]) == 2
    assert lane.take() == 3


def test_what_comes_beyond_what_was_asked_for_is_not_read(lane: TheirLane, south: PartnerNode) -> None:
    assert take_page(lane.row, south.row, lane.page(), limit=3) == 3
    # repeated entries count as well: each costs a look
    again = [lane.page()[2]] * 3
    assert take_page(lane.row, south.row, [*again, *lane.page()[3:]], limit=3) == 0
    assert take_page(lane.row, south.row, lane.page()[3:], limit=2) == 2
    assert lane.row.known_seq == 4


def test_large_contents_are_stored_as_they_come(south: PartnerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_BATCH_BYTES", 1000)
    lane = talk_lane(south)
    for number in range(4):
        lane.say("tests.word", {"word": str(number) * 600})
    seen: list[int] = []

    def watched() -> Iterator[bytes]:
        for line in lane.page():
            seen.append(LaneEntry.objects.filter(lane=lane.row).count())
            yield line

    lane.take(watched())
    assert seen == [0, 0, 0, 3, 3, 5]


# ---- a page that was tampered with ----------------------------------------------------------------------------------

Tamper = Callable[[TheirLane], Iterable[bytes]]


def _instead(place: int, change: Callable[[TheirLane], bytes]) -> Tamper:
    def tamper(lane: TheirLane) -> list[bytes]:
        page = lane.page()
        page[place] = change(lane)
        return page

    return tamper


def _entry(place: int, change: Callable[[TheirLane, Entry], Entry]) -> Tamper:
    return _instead(place, lambda lane: change(lane, lane.entries[place]).line)


def _signed_nonsense(lane: TheirLane) -> bytes:
    return chain.write_line(lane.sender.key.sign(b'{"lane":5}', chain.ENTRY_TYP), b"{}")


def _other_typ(lane: TheirLane, entry: Entry) -> Entry:
    payload = lane.sender.key.public.verify(entry.token, chain.ENTRY_TYP)
    return replace(entry, token=lane.sender.key.sign(payload, chain.HEAD_TYP))


def _other_head(lane: TheirLane, seq: int) -> str:
    return chain.write_head(chain.Head(lane.row.id, seq, "e" * 64, now()), lane.sender.key)


def _with_head(change: Callable[[TheirLane], str]) -> Tamper:
    return _instead(5, lambda lane: chain.write_head_line(change(lane)))


# what is done to the page, the code and entry at which it breaks, and how many entries are kept
TAMPERINGS: dict[str, tuple[Tamper, str, int, int]] = {
    "a byte of a header": (
        _instead(2, lambda lane: _flipped(lane.page()[2], rb"\.\w{20}")),
        "signature",
        2,
        2,
    ),
    "a byte of a signature": (
        _instead(2, lambda lane: _flipped(lane.page()[2], rb"\.[\w-]+\.[\w-]{9}")),
        "signature",
        2,
        2,
    ),
    "a byte of a content": (
        _instead(2, lambda lane: lane.page()[2].replace(b'"n":2', b'"n":3')),
        "digest",
        2,
        2,
    ),
    "another content": (
        _entry(2, lambda lane, each: replace(each, content=lane.entries[3].content)),
        "digest",
        2,
        2,
    ),
    "a longer content": (_entry(2, lambda _, each: replace(each, content=b'{"n":2} ')), "digest", 2, 2),
    "a content that is signed for by nobody": (
        _entry(2, lambda lane, each: lane.forged(each, digest="", size=0)),
        "digest",
        2,
        2,
    ),
    "another size": (_entry(2, lambda lane, each: lane.forged(each, size=8)), "digest", 2, 2),
    "two entries exchanged": (lambda lane: [lane.page()[i] for i in (0, 2, 1, 3, 4, 5)], "gap", 1, 1),
    "an entry left out": (lambda lane: [lane.page()[i] for i in (0, 1, 3, 4, 5)], "gap", 2, 2),
    "a seq that jumps": (_entry(3, lambda lane, each: lane.forged(each, seq=9)), "gap", 3, 3),
    "another history": (_entry(3, lambda lane, each: lane.forged(each, prev="f" * 64)), "fork", 3, 3),
    "a beginning that follows something": (
        _entry(0, lambda lane, each: lane.forged(each, prev="f" * 64)),
        "fork",
        0,
        0,
    ),
    "another entry in a place that is taken": (
        _entry(3, lambda lane, each: lane.forged(each, seq=1)),
        "fork",
        1,
        3,
    ),
    "the end of another lane": (
        _entry(3, lambda lane, each: lane.forged(each, lane=uuid4())),
        "sender",
        3,
        3,
    ),
    "the beginning of another lane": (
        _entry(3, lambda lane, each: lane.forged(each, lane=uuid4(), seq=0)),
        "sender",
        3,
        3,
    ),
    "another sender": (
        _entry(3, lambda lane, each: lane.forged(each, sender="https://x.example")),
        "sender",
        3,
        3,
    ),
    "another key": (
        _entry(3, lambda lane, each: lane.forged(each, SigningKey.generate())),
        "signature",
        3,
        3,
    ),
    "another kind of token": (_entry(3, _other_typ), "signature", 3, 3),
    "a header that says nothing": (_instead(3, _signed_nonsense), "malformed", 3, 3),
    "a line that is none": (_instead(3, lambda _: b"{}"), "malformed", 3, 3),
    "a blank line": (_instead(3, lambda _: b""), "malformed", 3, 3),
    "a line of spaces": (_instead(3, lambda _: b"  \r"), "malformed", 3, 3),
    "a line of a page": (_instead(3, lambda _: b"<html>"), "malformed", 3, 3),
    "a line cut off": (_instead(3, lambda lane: lane.page()[3][:50]), "malformed", 3, 3),
    "a header without end": (_instead(3, lambda _: chain.write_line("x" * 70_000, b"{}")), "malformed", 3, 3),
    "a head that cannot be read": (_with_head(lambda _: "a.b.c"), "signature", 5, 5),
    "a head by another key": (
        _with_head(lambda lane: lane.head(key=SigningKey.generate())),
        "signature",
        5,
        5,
    ),
    "a header for a head": (_with_head(lambda lane: lane.entries[4].token), "signature", 5, 5),
    "another head": (_with_head(lambda lane: _other_head(lane, 4)), "fork", 4, 5),
    "an older head of another history": (_with_head(lambda lane: _other_head(lane, 2)), "fork", 2, 5),
    "a head of another lane": (
        _with_head(lambda lane: TheirLane(lane.sender, Lane()).head(-1)),
        "sender",
        5,
        5,
    ),
    "a head that takes back what was sent": (
        _with_head(lambda lane: lane.head(2, at=now() + LATER)),
        "truncated",
        3,
        5,
    ),
    "a head that takes back everything": (
        _with_head(lambda lane: lane.head(-1, at=now() + LATER)),
        "truncated",
        0,
        5,
    ),
}


@pytest.mark.parametrize(("tamper", "code", "seq", "kept"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_tampered_lane_keeps_exactly_what_came_before_and_names_the_fault(
    lane: TheirLane, tamper: Tamper, code: str, seq: int, kept: int
) -> None:
    with pytest.raises(ChainBroken) as broken:
        lane.take(tamper(lane))
    assert (broken.value.code, broken.value.seq) == (code, seq)
    assert _kept(lane) == [each.digest for each in lane.entries[:kept]]


def test_of_a_page_that_is_larger_than_one_may_be_the_rest_is_asked_for_again(
    lane: TheirLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "PAGE_BYTES", len(b"".join(lane.page()[:2])))
    assert lane.take() == 2
    # one at least, however large it is
    monkeypatch.setattr(receiving, "PAGE_BYTES", 1)
    assert [lane.take(lane.page(seq)) for seq in (1, 2, 3)] == [1, 1, 1]


def test_a_history_rewritten_after_it_was_taken_is_a_fork(lane: TheirLane) -> None:
    lane.take()
    rewritten = lane.forged(lane.entries[2], subject="urn:test:other")
    with pytest.raises(ChainBroken) as broken:
        lane.take([rewritten.line])
    assert (broken.value.code, broken.value.seq) == ("fork", 2)


def test_a_stopped_lane_is_told_to_both_administrators_once(lane: TheirLane, south: PartnerNode) -> None:
    lane.take()
    for _ in range(2):
        stop_lane(lane.row, south.row, ChainBroken("gap", 5, "entry 5 was expected and 7 came"))
    lane.row.refresh_from_db()
    assert (lane.row.state, lane.row.stop_reason) == ("stopped", "gap")
    assert lane.row.stop_detail == "entry 5 was expected and 7 came"
    notice = Notice.objects.get(kind="partners.lane-stopped")
    assert (notice.subject, notice.level, notice.times) == (f"urn:uuid:{lane.row.id}", "alarm", 1)
    assert (notice.params["node"], notice.params["seq"], notice.params["reason"]) == (south.node, "5", "gap")
    said = LaneEntry.objects.get(lane__sender=None, kind="lane.stopped")
    message = parse(contents.get(said.content_digest))
    assert {name: message[name] for name in ("lane", "reason", "seq", "to")} == {
        "lane": str(lane.row.id),
        "reason": "gap",
        "seq": 5,
        "to": south.node,
    }
    assert AuditEntry.objects.filter(verb="partners.lane-stopped").count() == 1
    assert len(_kept(lane)) == 5
    south.row.refresh_from_db()
    assert south.row.wants_push is True


def test_beyond_a_few_the_stopped_lanes_of_a_partner_are_one_notice_counted(south: PartnerNode) -> None:
    east = talk_lane(partner(nation="XE"))
    for _ in range(STOPS_TOLD + 20):
        stop_lane(talk_lane(south).row, south.row, ChainBroken("gap", 5, "entry 5 was expected and 7 came"))
    stop_lane(east.row, east.sender.row, ChainBroken("gap", 5, "entry 5 was expected and 7 came"))
    told = Notice.objects.filter(kind="partners.lane-stopped")
    assert (told.filter(params__node=south.node).count(), told.count()) == (STOPS_TOLD, STOPS_TOLD + 1)
    rest = Notice.objects.get(kind="partners.lanes-stopped")
    assert (rest.level, rest.times, rest.params["node"]) == ("alarm", 20, south.node)
    # once somebody dealt with them, the next one is told by itself again
    told.update(resolved=now())
    lane = talk_lane(south)
    stop_lane(lane.row, south.row, ChainBroken("gap", 5, "entry 5 was expected and 7 came"))
    assert (
        Notice.objects.get(kind="partners.lane-stopped", resolved=None).subject == f"urn:uuid:{lane.row.id}"
    )


# ---- heads ----------------------------------------------------------------------------------------------------------


def test_a_head_further_on_says_that_there_is_something_to_pull(lane: TheirLane) -> None:
    known_head(lane.row, lane.sender.row, lane.head())
    lane.row.refresh_from_db()
    assert (lane.row.known_seq, lane.row.head_seq) == (4, -1)


def test_a_head_that_is_merely_late_stops_nothing_whatever_the_clocks_say(lane: TheirLane) -> None:
    with frozen(datetime(2026, 3, 1, tzinfo=UTC)) as clock:
        # the sender's clock is an hour ahead of ours
        ahead = timedelta(hours=1)
        lane.write(issued=clock.now() + ahead)
        late = lane.head(at=clock.now() + ahead)
        lane.write(issued=clock.now() + ahead + timedelta(seconds=1))
        lane.take()
        known_head(lane.row, lane.sender.row, late)
        lane.row.refresh_from_db()
        assert lane.row.state == "running"
        with pytest.raises(ChainBroken, match="ends at 5"):
            known_head(lane.row, lane.sender.row, lane.head(5, at=clock.now() + ahead + LATER))


# ---- several at once ------------------------------------------------------------------------------------------------


def _at_once(*tasks: Callable[[], object]) -> list[object]:
    """Run tasks in a thread each; what each gave or raised."""
    results: list[object] = [None] * len(tasks)

    def run(place: int) -> None:
        try:
            results[place] = tasks[place]()
        except ChainBroken as broken:
            results[place] = broken.code
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=(place,)) for place in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_take_the_same_page_store_it_once(lane: TheirLane) -> None:
    page = lane.page()

    def take() -> int:
        return take_page(Lane.objects.get(id=lane.row.id), lane.sender.row, page)

    results = _at_once(take, take, take)
    assert _kept(lane) == [each.digest for each in lane.entries]
    assert sum(taken for taken in results if isinstance(taken, int)) == 5


@pytest.mark.django_db(transaction=True)
def test_more_than_a_batch_is_taken_in_though_somebody_else_writes_meanwhile(
    south: PartnerNode, notes: Notes
) -> None:
    lane = talk_lane(south)
    for number in range(250):
        lane.say("tests.word", {"word": number})
    page = lane.page()
    # some are fetched on their own, and while they are, another process writes
    for number in (2, 150):
        page[number] = chain.write_line(lane.entries[number].token, None)
    lane.take(page)

    def fetch(_partner: Partner, digest: str, _size: int) -> list[bytes]:
        _at_once(lambda: Partner.objects.filter(id=south.row.id).update(failures=F("failures") + 1))
        return [each.content or b"" for each in lane.entries if each.header.digest == digest]

    assert _at_once(lambda: process_pending(lane.row, south.row, fetch)) == [251]
    assert notes.heard == list(range(250))


def test_a_thread_that_was_told_another_history_meanwhile_finds_the_fork(lane: TheirLane) -> None:
    forged = lane.forged(lane.entries[1], subject="urn:test:other")
    stale = Lane.objects.get(id=lane.row.id)

    def meanwhile() -> Iterator[bytes]:
        yield lane.entries[0].line
        yield forged.line
        # the same lane is taken by somebody else, who is told the first history
        take_page(Lane.objects.get(id=lane.row.id), lane.sender.row, lane.page())
        yield chain.write_head_line(lane.head())

    with pytest.raises(ChainBroken) as broken:
        take_page(stale, lane.sender.row, meanwhile())
    assert (broken.value.code, broken.value.seq) == ("fork", 1)
    assert _kept(lane) == [each.digest for each in lane.entries]


# ---- handing entries to their rooms ---------------------------------------------------------------------------------


def test_a_message_is_heard_once_however_often_the_lane_is_pulled(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1})
    assert lane.deliver() == [("done", ""), ("done", "")]
    lane.take(lane.page())
    process_pending(lane.row, south.row, nothing_to_fetch)
    assert notes.heard == [1]


def test_what_fell_over_waits_and_is_taken_in_once_at_a_later_sync(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1})
    lane.say("tests.word", {"word": 2})
    notes.problem = RuntimeError("the disk is full")
    assert lane.deliver()[1:] == [("pending", "own-fault")] * 2
    assert [each.attempts for each in LaneEntry.objects.filter(lane=lane.row, state="pending")] == [1, 1]
    notes.problem = None
    assert lane.deliver() == [("done", "")] * 3
    assert notes.heard == [1, 2]


def test_of_what_falls_over_again_and_again_the_log_shows_once_where(
    south: PartnerNode, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {})
    for _ in range(3):
        lane.deliver()
    told = [(each.getMessage(), bool(each.exc_info)) for each in caplog.records]
    line = f"entry 1 of lane {lane.row.id} could not be taken in: KeyError"
    assert told == [(line, True), (line, False), (line, False)]


def test_one_entry_that_falls_over_does_not_hold_up_those_after_it(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    for number in range(250):
        lane.say("tests.word", {"word": number} if number % 50 else {})
    outcomes = lane.deliver()
    assert [number for number, (state, _reason) in enumerate(outcomes) if state == "pending"] == [
        1,
        51,
        101,
        151,
        201,
    ]
    assert notes.heard == [number for number in range(250) if number % 50]


def test_after_some_attempts_it_is_said_and_when_it_is_taken_in_the_notice_closes(
    south: PartnerNode, notes: Notes
) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1})
    notes.problem = RuntimeError("no")
    with frozen(now()) as clock:
        for attempt in range(1, MAX_ATTEMPTS + 3):
            lane.deliver()
            waits = Notice.objects.filter(kind="partners.entry-waits", resolved=None)
            assert [each.params["reason"] for each in waits] == (
                ["own-fault"] if attempt >= MAX_ATTEMPTS else []
            )
            clock.advance(timedelta(minutes=1))
        notes.problem = None
        lane.deliver()
    assert notes.heard == [1]
    assert not Notice.objects.filter(kind="partners.entry-waits", resolved=None).exists()


def test_the_notice_of_what_waits_closes_with_the_last_that_waited(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1})
    lane.say("tests.word", {"word": 2})
    notes.problem = RuntimeError("no")
    for _ in range(MAX_ATTEMPTS):
        lane.deliver()
    notice = Notice.objects.get(kind="partners.entry-waits")
    assert (notice.subject, notice.times) == (f"urn:uuid:{lane.row.id}", 2)
    notes.problem = None
    for number, is_open in ((1, True), (2, False)):
        LaneEntry.objects.filter(lane=lane.row, seq=number).update(not_before=None)
        lane.deliver()
        assert Notice.objects.filter(kind="partners.entry-waits", resolved=None).exists() == is_open


def _asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Entries that are verified again, from now on."""
    asked: list[int] = []
    original = receiving._verified

    def verified(entry: LaneEntry, by: Lineage) -> chain.Header:
        asked.append(entry.seq)
        return original(entry, by)

    monkeypatch.setattr(receiving, "_verified", verified)
    return asked


@pytest.mark.slow
def test_what_waits_is_looked_at_more_and_more_seldom(
    south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = clause_lane(south, None)
    lane.write(kind="tests.note")
    with frozen(now()) as clock:
        lane.deliver()
        asked = _asked(monkeypatch)
        for _ in range(24 * 60):
            process_pending(lane.row, south.row, nothing_to_fetch)
            clock.advance(timedelta(minutes=1))
        # some at once, then further and further apart, and every ten minutes for ever
        assert 24 * 6 <= len(asked) <= 24 * 6 + 12
        # whatever changes in who is trusted or what is agreed may be what it waits for
        process_pending(lane.row, south.row, nothing_to_fetch)
        asked.clear()
        process_pending(lane.row, south.row, nothing_to_fetch)
        assert asked == []
        PolicyGeneration.bump()
        process_pending(lane.row, south.row, nothing_to_fetch)
        assert asked == [1]


@pytest.mark.parametrize(
    ("payload", "changes", "outcome"),
    [
        ({"word": 1}, {"to": "https://other.example"}, ("refused", "not-to-us")),
        ({"word": 1, "to": "https://other.example"}, {}, ("refused", "not-to-us")),
        ({"word": 1, "id": "7"}, {}, ("refused", "malformed")),
        ({"word": 1, "id": 7}, {}, ("refused", "malformed")),
        ({}, {"content": b"[]"}, ("refused", "malformed")),
        ({}, {"content": b"not json"}, ("refused", "malformed")),
        ({}, {"content": b'{"id":1,"id":2}'}, ("refused", "malformed")),
        ({}, {"kind": "tests.unheard"}, ("unopened", "unknown-kind")),
    ],
)
def test_a_message_that_is_not_for_us_or_not_whole_is_kept_and_marked(
    south: PartnerNode,
    notes: Notes,
    payload: dict[str, object],
    changes: dict[str, object],
    outcome: tuple[str, str],
) -> None:
    lane = talk_lane(south)
    entry = lane.say(str(changes.pop("kind", "tests.word")), payload, **changes)
    assert lane.deliver()[1] == outcome
    assert notes.heard == []
    notice = Notice.objects.get(kind="partners.entry-unopened")
    assert (notice.subject, notice.params["reason"]) == (f"urn:uuid:{lane.row.id}", outcome[1])
    assert contents.get(entry.header.digest) == entry.content


def test_a_thousand_entries_that_stay_unopened_are_one_notice_counted(south: PartnerNode) -> None:
    lane, other = talk_lane(south), talk_lane(south)
    for number in range(120):
        lane.say(f"tests.unheard{number}", {})
    other.say("tests.unheard", {})
    lane.deliver()
    other.deliver()
    found = Notice.objects.filter(kind="partners.entry-unopened").order_by("id")
    assert [(each.subject, each.times, each.params["kind"]) for each in found] == [
        (f"urn:uuid:{lane.row.id}", 120, "tests.unheard119"),
        (f"urn:uuid:{other.row.id}", 1, "tests.unheard"),
    ]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"size": 2**50}, ("unopened", "too-large")),
        ({"size": TALK_BYTES + 1}, ("unopened", "too-large")),
        ({"issued": datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)}, ("unopened", "past")),
        ({"issued": timedelta(minutes=5)}, ("pending", "future")),
        ({"issued": datetime(2890, 1, 1, tzinfo=UTC)}, ("pending", "future")),
    ],
)
def test_what_is_larger_than_a_node_takes_or_dated_as_nothing_can_be_is_not_opened_or_fetched(
    south: PartnerNode, notes: Notes, changes: dict[str, Any], outcome: tuple[str, str]
) -> None:
    talk, lane = talk_lane(south), clause_lane(south, agreement_in_force(south))
    if isinstance(changes.get("issued"), timedelta):
        changes = {"issued": now() + changes["issued"]}
    # a release may be larger than a message
    of_a_release = {"size": settings.MAX_UPLOAD_BYTES + 1} if "size" in changes else changes
    for each, kind, said in ((talk, "tests.word", changes), (lane, "tests.note", of_a_release)):
        entry = each.write(kind=kind, to=settings.BASE_URL if each is talk else "", content=b'{"word":1}')
        each.entries[-1] = each.forged(entry, **said)
        page = each.page()
        page[1] = chain.write_line(each.entries[1].token, None)
        each.take(page)
        process_pending(each.row, south.row, nothing_to_fetch)
        assert each.outcomes()[1] == outcome
        assert each.row.state == "running"


def test_what_is_dated_a_little_ahead_is_taken_in_and_what_is_further_ahead_when_its_time_has_come(
    south: PartnerNode, notes: Notes
) -> None:
    with frozen(now()) as clock:
        lane = talk_lane(south)
        lane.say("tests.word", {"word": 1}, issued=clock.now() + timedelta(seconds=60))
        lane.say("tests.word", {"word": 2}, issued=clock.now() + timedelta(seconds=120))
        lane.deliver()
        assert notes.heard == [1]
        clock.advance(timedelta(seconds=60))
        lane.deliver()
        assert notes.heard == [1, 2]


def test_a_withdrawal_is_heeded_whatever_its_date(lane: TheirLane, notes: Notes) -> None:
    entry = lane.entries[2]
    lane.deliver()
    about = entry.header
    for issued in (datetime(1969, 1, 1, tzinfo=UTC), datetime(2890, 1, 1, tzinfo=UTC)):
        lane.write(
            kind=about.kind,
            subject=about.subject,
            version=about.version,
            action="withdraw",
            content=None,
            issued=issued,
        )
    assert lane.deliver()[-2:] == [("done", "")] * 2
    assert not contents.has(about.digest)


def test_a_message_that_its_room_refuses_says_why(south: PartnerNode, notes: Notes) -> None:
    lane = talk_lane(south)
    lane.say("tests.word", {"word": 1})
    notes.problem = MessageRefused("not-now", "another time")
    assert lane.deliver()[1] == ("refused", "not-now")


def test_what_an_unverified_partner_says_beyond_its_quota_waits_until_it_is_compared(
    node: Organisation, notes: Notes
) -> None:
    stranger = partner(state=Partner.State.MET)
    lane = talk_lane(stranger)
    for number in range(1, UNVERIFIED_MESSAGES + 3):
        lane.say("tests.word", {"word": number})
    # not so much as the headers are kept, however many stand in one page
    assert lane.deliver() == [("done", "")] * (1 + UNVERIFIED_MESSAGES)
    assert lane.take() == 0
    assert len(notes.heard) == UNVERIFIED_MESSAGES
    Partner.objects.filter(id=stranger.row.id).update(state=Partner.State.VERIFIED)
    stranger.row.refresh_from_db()
    assert lane.deliver()[-2:] == [("done", "")] * 2
    assert len(notes.heard) == UNVERIFIED_MESSAGES + 2


def _large(lane: TheirLane, **changes: Any) -> tuple[Entry, list[bytes]]:
    """An entry whose content does not come with its line, and the page that brings it; headers hold several types."""
    content = canonical({"long": "x" * chain.INLINE_BYTES})
    entry = lane.write(kind="tests.note", content=content, **changes)
    page = lane.page(-1)
    page[entry.header.seq] = chain.write_line(entry.token, None)
    return entry, page


def test_a_large_content_is_fetched_by_its_digest_when_it_is_its_turn(lane: TheirLane, notes: Notes) -> None:
    entry, page = _large(lane)
    asked: list[tuple[str, int]] = []

    def fetch(_partner: Partner, digest: str, size: int) -> list[bytes]:
        asked.append((digest, size))
        content = entry.content or b""
        return [content[:10], b"", content[10:]]

    lane.take(page)
    process_pending(lane.row, lane.sender.row, fetch)
    assert asked == [(entry.header.digest, entry.header.size)]
    assert notes.received[-1] == (entry.header.subject, "", entry.content)
    assert Content.objects.get(digest=entry.header.digest).body is None


@pytest.mark.parametrize(
    "problem",
    [
        OutboundFailed("too-slow", "x"),
        OutboundRefused("answer-too-large", "x"),
        PartnerRefused("http-404", "x"),
    ],
    ids=str,
)
def test_a_content_that_cannot_be_had_now_is_asked_for_again(
    lane: TheirLane, notes: Notes, problem: Exception
) -> None:
    entry, page = _large(lane)
    lane.take(page)

    def failing(_partner: Partner, _digest: str, _size: int) -> list[bytes]:
        raise problem

    process_pending(lane.row, lane.sender.row, failing)
    assert lane.outcomes()[-1][0] == "pending"
    process_pending(lane.row, lane.sender.row, lambda _partner, _digest, _size: [entry.content or b""])
    assert lane.outcomes()[-1] == ("done", "")


def test_a_fetched_content_of_another_digest_stops_the_lane_and_is_not_kept(
    lane: TheirLane, notes: Notes
) -> None:
    entry, page = _large(lane)
    lane.write(kind="tests.note", subject="urn:test:after")
    lane.take([*page[:-1], *lane.page()[-2:]])
    process_pending(lane.row, lane.sender.row, lambda _partner, _digest, _size: [b'{"other":1}'])
    lane.row.refresh_from_db()
    assert (lane.row.state, lane.row.stop_reason) == ("stopped", "digest")
    assert lane.outcomes()[-3:] == [("done", ""), ("pending", "digest"), ("pending", "")]
    assert not contents.has(sha256(b'{"other":1}'))
    assert Notice.objects.get(kind="partners.lane-stopped").params["seq"] == str(entry.header.seq)
    # the lane stands: it is asked for nothing more until both administrators have agreed
    assert process_pending(lane.row, lane.sender.row, nothing_to_fetch) == 0
    assert lane.outcomes()[-2:] == [("pending", "digest"), ("pending", "")]
    assert Notice.objects.get(kind="partners.lane-stopped").times == 1


def _with_another_key(lane: TheirLane) -> None:
    lane.sender.row.jwk = SigningKey.generate().public.to_jwk()


def _with_a_changed_row(lane: TheirLane) -> None:
    LaneEntry.objects.filter(lane=lane.row, seq=3).update(header=lane.entries[2].token)


def _with_an_unreadable_row(lane: TheirLane) -> None:
    LaneEntry.objects.filter(lane=lane.row, seq=3).update(header="x.y.z")


@pytest.mark.parametrize(
    ("fault", "at", "reason"),
    [
        (_with_another_key, 0, "signature"),
        (_with_a_changed_row, 3, "sender"),
        (_with_an_unreadable_row, 3, "signature"),
    ],
)
def test_an_entry_that_was_stored_and_does_not_hold_stops_its_lane_like_one_that_arrives(
    lane: TheirLane, notes: Notes, fault: Callable[[TheirLane], None], at: int, reason: str
) -> None:
    lane.take()
    kept = _kept(lane)
    fault(lane)
    assert process_pending(lane.row, lane.sender.row, nothing_to_fetch) == at
    lane.row.refresh_from_db()
    assert (lane.row.state, lane.row.stop_reason, lane.row.stopped_at) == ("stopped", reason, at)
    assert [state for state, _why in lane.outcomes()] == ["done"] * at + ["pending"] * (5 - at)
    assert len(notes.received) == max(0, at - 1)
    assert _kept(lane) == kept
    notice = Notice.objects.get(kind="partners.lane-stopped")
    assert (notice.level, notice.params["seq"], notice.params["reason"]) == ("alarm", str(at), reason)
    assert LaneEntry.objects.filter(lane__sender=None, kind="lane.stopped").count() == 1


def test_what_stands_before_the_fault_and_waits_is_taken_in_though_the_lane_is_stopped(
    lane: TheirLane, notes: Notes
) -> None:
    entry, page = _large(lane)
    lane.take(page)
    later = lane.write(kind="tests.note", subject="urn:test:later")
    lane.entries[-1] = lane.forged(later, key=SigningKey.generate())
    with pytest.raises(ChainBroken) as broken:
        lane.take()
    stop_lane(lane.row, lane.sender.row, broken.value)
    process_pending(lane.row, lane.sender.row, lambda _partner, _digest, _size: [entry.content or b""])
    assert lane.outcomes() == [("done", "")] * 6


def test_a_new_version_is_taken_in_though_an_older_one_was_withdrawn_after_it(
    lane: TheirLane, notes: Notes
) -> None:
    first, _page = _large(lane, subject="urn:test:big", version="1")
    second = lane.write(
        kind="tests.note", subject="urn:test:big", version="2", content=canonical({"y": "y" * 300_000})
    )
    lane.withdraw(first)
    page = lane.page()
    for entry in (first, second):
        page[entry.header.seq] = chain.write_line(entry.token, None)
    lane.take(page)

    def fetch(_partner: Partner, digest: str, _size: int) -> list[bytes]:
        assert digest == second.header.digest
        return [second.content or b""]

    process_pending(lane.row, lane.sender.row, fetch)
    assert lane.outcomes()[-3:] == [("withdrawn", ""), ("done", ""), ("done", "")]
    assert [version for subject, version, _content in notes.received if subject == "urn:test:big"] == ["2"]


def test_what_was_withdrawn_further_along_is_not_taken_in_even_for_a_moment(
    lane: TheirLane, notes: Notes
) -> None:
    gone = lane.write(kind="tests.note", subject="urn:test:gone")
    lane.withdraw(gone)
    assert lane.deliver()[-2:] == [("withdrawn", ""), ("done", "")]
    assert "urn:test:gone" not in {subject for subject, _version, _content in notes.received}
    assert not contents.has(gone.header.digest)


# ---- whose content it is ---------------------------------------------------------------------------------------------


def test_what_only_names_a_digest_keeps_nothing_here_and_is_given_nothing(
    lane: TheirLane, south: PartnerNode, notes: Notes
) -> None:
    east = partner(nation="XE")
    theirs = lane.write(kind="tests.note", subject="urn:test:theirs")
    lane.deliver()
    assert theirs.content is not None
    talk, other = talk_lane(east), clause_lane(east, agreement_in_force(east))
    for each in (talk, other):
        named = each.write(kind="tests.note", subject="urn:test:named", content=theirs.content)
        each.take(
            [each.entries[0].line, chain.write_line(named.token, None), chain.write_head_line(each.head())]
        )
    asked: list[str] = []

    def fetch(_partner: Partner, digest: str, _size: int) -> list[bytes]:
        asked.append(digest)
        raise PartnerRefused("http", "gone")

    for each in (talk, other):
        process_pending(each.row, east.row, fetch)
    # a message of an unknown kind is not asked for; a release is, though its bytes are here: they are another's
    assert asked == [theirs.header.digest]
    assert (talk.outcomes()[1][0], other.outcomes()[1]) == ("unopened", ("pending", "http"))
    lane.withdraw(theirs)
    lane.deliver()
    assert not contents.has(theirs.header.digest)


def test_what_two_lanes_brought_stays_until_both_took_it_back(south: PartnerNode, notes: Notes) -> None:
    east = partner(nation="XE")
    lanes = [clause_lane(each, agreement_in_force(each)) for each in (south, east)]
    large = canonical({"long": "x" * chain.INLINE_BYTES})
    for lane in lanes:
        entry = lane.write(kind="tests.note", subject="urn:test:same", content=large)
        page = lane.page()
        page[1] = chain.write_line(entry.token, None)
        lane.take(page)
        process_pending(lane.row, lane.sender.row, lambda _partner, _digest, _size: [large])
    digest = sha256(large)
    for lane, is_left in ((lanes[0], True), (lanes[1], False)):
        assert contents.has(digest, lane.row)
        lane.withdraw(lane.entries[1])
        lane.deliver()
        assert not contents.has(digest, lane.row)
        assert contents.has(digest) == is_left
