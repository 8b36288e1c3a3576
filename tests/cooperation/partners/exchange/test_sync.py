"""The sync with a partner over real HTTP: what is asked, what is told, and what a fault of either side costs."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection
from pytest_django import Settings

from taawun.cooperation.agreements.models import Version
from taawun.cooperation.partners import actions
from taawun.cooperation.partners.exchange import calling, messages, receiving, sync, wire
from taawun.cooperation.partners.exchange.receiving import MAX_ATTEMPTS, UNVERIFIED_MESSAGES
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner, ToldHead
from taawun.cooperation.partners.wording import last_problem
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation import strict_json
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.node.demo.nodes import wait_for
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.partners.their_node import TheirNode
from tests.foundation.outbound.loopback import response
from tests.lanes import TheirLane, clause_lane

SILENT = response(b"{}", status="500 Internal Server Error")


@pytest.fixture
def server(node: Organisation, settings: Settings) -> Iterator[TheirNode]:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    calling.outbound.cache_clear()
    made = TheirNode(node_key().public)
    made.descriptor = _descriptor(made)
    yield made
    calling.outbound().close()
    calling.outbound.cache_clear()
    made.server.close()


def _descriptor(server: TheirNode, key: SigningKey | None = None) -> str:
    return descriptor.write(
        node=server.node,
        kind="nation",
        nation="XS",
        name=Text.of(en="Southern CERT"),
        nation_name=Text.of(en="Southland"),
        contacts=[],
        key=key or server.key,
        recovery_jwk=None,
        at=now(),
    )


@pytest.fixture
def south(server: TheirNode, notes: Notes) -> PartnerNode:
    """The node of the server as a partner that was met and compared, and contacted before."""
    made = partner(node=server.node)
    Partner.objects.update(
        kid=server.key.kid, jwk=server.key.public.to_jwk(), last_contact=now(), wants_pull=False
    )
    made.row.refresh_from_db()
    return PartnerNode(made.row, server.key)


def _offer(server: TheirNode, south: PartnerNode, purpose: str = "talk", **members: Any) -> TheirLane:
    """A lane that the server offers and that this node has never heard of; members of rows are of several types."""
    version = Version.objects.filter(agreement=members.get("agreement")).order_by("-number").first()
    lane = TheirLane(
        south,
        Lane(purpose=purpose, sender=south.row, **members),
        clause=members.get("clause", ""),
        agreement=version.digest if version else "",
    )
    lane.open()
    server.lanes.append((lane, purpose))
    return lane


def _talk(server: TheirNode, south: PartnerNode, *said: int) -> TheirLane:
    lane = _offer(server, south)
    for word in said:
        lane.say("tests.word", {"word": word})
    return lane


def _state(south: PartnerNode) -> Partner:
    south.row.refresh_from_db()
    return south.row


# ---- heads of others ------------------------------------------------------------------------------------------------


def _shared_lane(south: PartnerNode) -> tuple[PartnerNode, TheirLane]:
    """A lane of a third node that the server reads as this node does."""
    east = partner("Eastern CERT", nation="XE")
    agreement = agreement_in_force(south, east)
    lane = clause_lane(east, agreement, audience=(django_settings.BASE_URL, south.node))
    lane.write()
    lane.take()
    return east, lane


def test_every_hour_heads_of_shared_lanes_are_told_and_those_of_the_answer_are_heard(
    server: TheirNode, south: PartnerNode
) -> None:
    east, lane = _shared_lane(south)
    shown = chain.write_head(chain.Head(lane.row.wire_id, 1, "e" * 64, now()), east.key)
    server.instead["/federation/inbox"] = response(canonical({"heads": [shown]}), status="202 Accepted")
    with frozen(now()) as clock:
        sync_partner(south.row.id)
        assert [path for path in server.asked if "inbox" in path] == ["POST /federation/inbox"]
        said = strict_json.parse(server.server.requests[0].partition(b"\r\n\r\n")[2])
        assert (said["heads"], said["compare"]) == ([lane_head(lane)], True)
        held = Lane.objects.get(id=lane.row.id)
        assert (held.state, held.stop_reason, held.stopped_at) == ("stopped", "fork", 1)
        server.instead.clear()
        Partner.objects.update(wants_push=False)
        clock.advance(timedelta(minutes=59))
        sync_partner(south.row.id)
        assert server.told == []
        clock.advance(timedelta(minutes=2))
        sync_partner(south.row.id)
        assert [said.get("compare") for said in server.told] == [True]


def lane_head(lane: TheirLane) -> str:
    """The head of a lane that is told to its other readers."""
    return ToldHead.objects.get(lane=lane.row, teller=lane.sender.row).token


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"heads":7}', b'{"heads":["x",null]}', b"{", b"\xff"])
def test_a_node_that_answers_heads_with_anything_else_is_told_all_the_same(
    server: TheirNode, south: PartnerNode, answer: bytes
) -> None:
    _east, lane = _shared_lane(south)
    server.instead["/federation/inbox"] = response(answer, status="202 Accepted")
    sync_partner(south.row.id)
    assert _state(south).heads_told is not None
    assert _state(south).failures == 0
    assert Lane.objects.get(id=lane.row.id).state == "running"


def test_who_shares_no_lane_is_told_no_heads(server: TheirNode, south: PartnerNode) -> None:
    sync_partner(south.row.id)
    assert [path for path in server.asked if "inbox" in path] == []
    assert _state(south).heads_told is not None


def test_heads_that_could_not_be_told_are_told_at_the_next_call(
    server: TheirNode, south: PartnerNode
) -> None:
    _shared_lane(south)
    server.instead["/federation/inbox"] = SILENT
    sync_partner(south.row.id)
    assert (_state(south).heads_told, _state(south).failures) == (None, 1)


# ---- from the first word on -----------------------------------------------------------------------------------------


def test_a_node_that_is_met_is_asked_who_it_is_and_told_who_we_are(server: TheirNode) -> None:
    met = Partner.objects.create(node=server.node, state=Partner.State.CLAIMED)
    sync_partner(met.id)
    met.refresh_from_db()
    assert (met.state, met.kid, met.last_error) == ("met", server.key.kid, "")
    assert met.last_contact is not None
    # it learns our key from our address first, so that nothing is asked of it yet
    assert server.asked == ["GET /.well-known/taawun", "POST /federation/inbox"]
    [told] = server.told
    assert descriptor.read(str(told["descriptor"]), at=now()).key == node_key().public
    heads = told["heads"]
    assert isinstance(heads, list)
    assert [chain.read_head(head, node_key().public).seq for head in heads] == [0]


def test_what_a_partner_said_is_pulled_heard_and_asked_for_no_more(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1, 2)
    sync_partner(south.row.id)
    assert notes.heard == [1, 2]
    assert server.asked == [
        "GET /federation/lanes",
        f"GET /federation/lanes/{lane.row.id}?after=-1&limit=500",
    ]
    held = Lane.objects.get(id=lane.row.id)
    assert (held.sender, held.purpose, held.head_seq) == (south.row, "talk", 2)
    sync_partner(south.row.id)
    assert server.asked[2:] == ["GET /federation/lanes"]
    lane.say("tests.word", {"word": 3})
    sync_partner(south.row.id)
    assert server.asked[-1] == f"GET /federation/lanes/{lane.row.id}?after=2&limit=500"
    assert notes.heard == [1, 2, 3]


def test_until_when_a_partner_was_heard_is_when_it_was_last_asked_and_all_of_it_came(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    with frozen(now()) as clock:
        lane = _talk(server, south, 1, 2)
        first = now()
        sync_partner(south.row.id)
        assert _state(south).heard_until == first
        clock.advance(timedelta(seconds=5))
        lane.say("tests.word", {"word": 3})
        server.instead[f"/federation/lanes/{lane.row.id}"] = b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"
        sync_partner(south.row.id)
        assert (notes.heard, _state(south).heard_until) == ([1, 2], first)
        server.instead.clear()
        clock.advance(timedelta(minutes=1))
        sync_partner(south.row.id)
        assert (notes.heard, _state(south).heard_until) == ([1, 2, 3], first + timedelta(seconds=65))


def test_a_lane_of_many_pages_is_read_to_its_end(
    server: TheirNode, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PAGE_ENTRIES", 50)
    _talk(server, south, *range(110))
    sync_partner(south.row.id)
    assert notes.heard == list(range(110))
    assert [path.partition("?")[2] for path in server.asked[1:]] == [
        "after=-1&limit=50",
        "after=49&limit=50",
        "after=99&limit=50",
    ]


def test_the_next_page_is_asked_for_while_one_is_taken_in(
    server: TheirNode, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PAGE_ENTRIES", 2)
    _talk(server, south, *range(3))

    def asked_before(*arguments: Any, **named: Any) -> int:
        if not notes.heard:
            wait_for("the next page", lambda: any("after=1&" in each for each in server.asked))
        return receiving.process_pending(*arguments, **named)

    monkeypatch.setattr(sync, "process_pending", asked_before)
    sync_partner(south.row.id)
    assert notes.heard == [0, 1, 2]
    assert len([each for each in server.asked if "after=" in each]) == 2


def test_releases_are_pulled_large_contents_by_their_digest_and_signed_for(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    agreement = agreement_in_force(south)
    lane = _offer(server, south, "clause", agreement=agreement.id, clause="1")
    large = canonical({"long": "x" * chain.INLINE_BYTES})
    for number, content in enumerate((b'{"note":1}', large)):
        lane.write(kind="tests.note", subject=f"urn:test:{number}", content=content, tlp=Tlp.GREEN)
    sync_partner(south.row.id)
    assert [content for _subject, _version, content in notes.received] == [b'{"note":1}', large]
    receipt = LaneEntry.objects.get(kind="receipt")
    assert receipt.lane == Lane.objects.get(purpose="talk", sender=None)
    assert Lane.objects.get(id=lane.row.id).acknowledged_seq == 2
    assert _state(south).wants_push


def test_news_is_told_with_the_heads_of_lanes_the_partner_is_behind_on(
    server: TheirNode, south: PartnerNode
) -> None:
    entry = messages.send(south.row, "tests.word", {"word": 1})
    other = partner(nation="XE")
    messages.send(other.row, "tests.word", {"word": 1})
    assert _state(south).wants_push
    sync_partner(south.row.id)
    heads = server.told[0]["heads"]
    assert isinstance(heads, list)
    assert [chain.read_head(head, node_key().public).lane for head in heads] == [entry.lane_id]
    LaneReader.objects.update(receipt_seq=1)
    Partner.objects.update(wants_push=True)
    sync_partner(south.row.id)
    assert server.told[1]["heads"] == []


# ---- whose lane it is -----------------------------------------------------------------------------------------------


def test_an_id_that_anothers_lane_or_our_own_has_here_takes_nothing_from_any_of_them(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    east = partner(nation="XE")
    theirs = Lane.objects.create(purpose="talk", sender=east.row)
    ours = messages.send(east.row, "tests.word", {"word": 1}).lane
    for row in (theirs, ours):
        lane = TheirLane(south, Lane(id=row.id, purpose="talk"))
        lane.open()
        lane.say("tests.word", {"word": 6})
        lane.say("tests.word", {"word": 7})
        server.lanes.append((lane, "talk"))
    sync_partner(south.row.id)
    assert notes.heard == [6, 7, 6, 7]
    assert not theirs.entries.exists()
    ours.refresh_from_db()
    assert (ours.sender, ours.head_seq, ours.state) == (None, 1, "running")
    held = Lane.objects.filter(sender=south.row)
    assert {lane.wire_id for lane in held} == {theirs.id, ours.id}
    assert {lane.state for lane in held} == {"running"}
    assert not {lane.id for lane in held} & {theirs.id, ours.id}
    server.lanes[0][0].say("tests.word", {"word": 8})
    sync_partner(south.row.id)
    assert (notes.heard[4:], held.count()) == ([8], 2)


def test_a_lane_does_not_change_its_purpose(server: TheirNode, south: PartnerNode, notes: Notes) -> None:
    lane = _talk(server, south, 1)
    sync_partner(south.row.id)
    server.lanes = [(lane, "clause")]
    lane.say("tests.word", {"word": 2})
    sync_partner(south.row.id)
    assert (Lane.objects.get(id=lane.row.id).purpose, notes.heard) == ("talk", [1])


def test_a_lane_of_a_purpose_nobody_knows_is_passed_over(server: TheirNode, south: PartnerNode) -> None:
    lane = _talk(server, south)
    server.lanes = [(lane, "public")]
    sync_partner(south.row.id)
    assert (Lane.objects.filter(sender=south.row).count(), _state(south).failures) == (0, 0)


def test_of_a_partner_nobody_compared_one_talk_lane_is_read_as_far_as_its_quota(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    Partner.objects.update(state=Partner.State.MET)
    lane = _talk(server, south, *range(UNVERIFIED_MESSAGES))
    clause = _offer(server, south, "clause", agreement=uuid4(), clause="1")
    second = _talk(server, south, 1, 2)
    sync_partner(south.row.id)
    lane.say("tests.word", {"word": "more"})
    sync_partner(south.row.id)
    assert list(Lane.objects.filter(sender=south.row).values_list("id", "head_seq")) == [
        (lane.row.id, UNVERIFIED_MESSAGES)
    ]
    assert notes.heard == list(range(UNVERIFIED_MESSAGES))
    Partner.objects.update(state=Partner.State.VERIFIED)
    sync_partner(south.row.id)
    assert notes.heard[-3:] == ["more", 1, 2]
    assert set(Lane.objects.filter(sender=south.row).values_list("id", flat=True)) == {
        lane.row.id,
        clause.row.id,
        second.row.id,
    }


def test_a_partner_nobody_compared_is_asked_for_no_more_than_its_quota_and_then_for_nothing(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    Partner.objects.update(state=Partner.State.MET)
    lane = _talk(server, south, *range(30))
    sync_partner(south.row.id)
    for number in range(30, 400):
        lane.say("tests.word", {"word": number})
    # it serves more than it is asked for
    server.instead[f"/federation/lanes/{lane.row.id}"] = response(b"".join(lane.page(30)))
    for _ in range(2):
        sync_partner(south.row.id)
    assert [each.partition("?")[2] for each in server.asked if "?" in each] == [
        f"after=-1&limit={UNVERIFIED_MESSAGES + 1}",
        f"after=30&limit={UNVERIFIED_MESSAGES - 30}",
    ]
    assert LaneEntry.objects.filter(lane=lane.row).count() == UNVERIFIED_MESSAGES + 1
    assert (Lane.objects.get(id=lane.row.id).state, _state(south).failures) == ("running", 0)


def test_a_partner_that_offers_ever_more_lanes_is_read_on_those_that_are_known(
    server: TheirNode, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_LANES", 3)
    for number in range(6):
        _talk(server, south, number)
    server.lanes[0][0].say("tests.word", {"word": 10})
    for _ in range(2):
        sync_partner(south.row.id)
    assert (notes.heard, Lane.objects.filter(sender=south.row).count()) == ([0, 10, 1, 2], 3)
    notice = Notice.objects.get()
    assert (notice.kind, notice.level, notice.params["most"], notice.times) == (
        "partners.too-many-lanes",
        "alarm",
        "3",
        2,
    )
    server.lanes[1][0].say("tests.word", {"word": 11})
    sync_partner(south.row.id)
    assert notes.heard[-1] == 11


def test_a_list_of_more_lanes_than_two_nodes_can_need_is_none(server: TheirNode, south: PartnerNode) -> None:
    known = server.offer(_talk(server, south), "talk")
    made_up = [{"lane": f"{number:032x}", "purpose": "clause", "head": "x"} for number in range(1, 2001)]
    server.instead["/federation/lanes"] = response(canonical({"lanes": [known, *made_up]}))
    sync_partner(south.row.id)
    assert (Lane.objects.filter(sender=south.row).count(), Notice.objects.count()) == (0, 0)
    assert (_state(south).last_error_code, south.row.failures) == ("bad-list", 1)
    assert south.row.last_error == "The list of lanes is malformed: it has more than 2000 lanes"


def test_a_lane_is_not_begun_before_its_sender_signed_for_it(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    made_up = [{"lane": f"{number:032x}", "purpose": "clause", "head": "x"} for number in range(1, 100)]
    lane = _talk(server, south, 1)
    others = {**server.offer(lane, "talk"), "lane": str(uuid4())}
    listing = response(canonical({"lanes": [*made_up, others, server.offer(lane, "talk")]}))
    server.instead["/federation/lanes/"] = lambda: response(b"".join(server.page(lane, -1, 500)))
    server.instead["/federation/lanes"] = listing
    sync_partner(south.row.id)
    # what it did sign for is read all the same
    assert (list(Lane.objects.filter(sender=south.row).values_list("id", flat=True)), notes.heard) == (
        [lane.row.id],
        [1],
    )
    assert (Notice.objects.count(), LaneEntry.objects.filter(lane__sender=None).count()) == (0, 0)
    assert (_state(south).last_error_code, south.row.failures) == ("bad-list", 1)
    assert f"lane {others['lane']}" in south.row.last_error


# ---- faults ---------------------------------------------------------------------------------------------------------


def test_after_each_failure_it_waits_longer_and_after_a_success_no_more(
    server: TheirNode, south: PartnerNode
) -> None:
    server.instead["/federation/lanes"] = SILENT
    with frozen(now()) as clock:
        waits = []
        for _ in range(13):
            sync_partner(south.row.id)
            waits.append((_state(south).not_before - clock.now()).total_seconds())
        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800, 1800]
        assert (south.row.failures, south.row.wants_pull, south.row.wants_push) == (13, True, False)
        assert south.row.last_error == "The node answered 500: {}"
        assert south.row.id not in sync._due()
        clock.advance(timedelta(seconds=1800))
        assert list(sync._due()) == [south.row.id]
        server.instead.clear()
        sync_partner(south.row.id)
        assert (_state(south).failures, south.row.last_error, south.row.wants_pull) == (0, "", False)
        assert south.row.last_contact == clock.now()


BUSY = response(
    canonical({"type": "urn:taawun:problem:asked-too-often", "detail": "Your node asks too often."}),
    "429 Too Many Requests",
    Retry_After="40",
)


@pytest.mark.parametrize("path", ["/federation/inbox", "/federation/lanes", "/federation/lanes/"])
def test_a_partner_that_wants_to_be_asked_less_often_is_left_alone_and_nobody_is_alarmed(
    server: TheirNode, south: PartnerNode, notes: Notes, path: str
) -> None:
    _talk(server, south, 1)
    Partner.objects.update(wants_push=True)
    server.instead[path] = BUSY
    with frozen(now()) as clock:
        for _ in range(7):
            sync_partner(south.row.id)
            assert _state(south).not_before == clock.now() + timedelta(seconds=40)
        assert (south.row.failures, south.row.wants_pull, south.row.wants_push) == (0, True, True)
        assert last_problem(south.row) == "it answered 429: it is asked too often by this node"
        server.instead.clear()
        sync_partner(south.row.id)
    assert (notes.heard, _state(south).last_error, Notice.objects.count()) == ([1], "", 0)


def test_contents_that_are_to_be_asked_for_later_count_as_no_attempt(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south)
    for _ in range(3):
        lane.say("tests.word", {"word": "x" * 300_000})
    server.instead["/federation/blobs/"] = BUSY
    for _ in range(MAX_ATTEMPTS + 1):
        sync_partner(south.row.id)
    assert len([each for each in server.asked if "blobs" in each]) == MAX_ATTEMPTS + 1
    waiting = LaneEntry.objects.filter(lane=lane.row, state="pending")
    assert set(waiting.values_list("attempts", flat=True)) == {0}
    assert (_state(south).failures, Notice.objects.count()) == (0, 0)
    server.instead.clear()
    sync_partner(south.row.id)
    assert len(notes.heard) == 3


@pytest.mark.parametrize(
    ("said", "seconds"), [("0", 5), ("999999", 1800), ("soon", 2), ("9" * 20, 2), ("-1", 2)]
)
def test_how_long_a_partner_is_left_alone_has_a_least_and_a_most(
    server: TheirNode, south: PartnerNode, said: str, seconds: int
) -> None:
    server.instead["/federation/lanes"] = response(b"{}", "429 Too Many Requests", Retry_After=said)
    with frozen(now()) as clock:
        sync_partner(south.row.id)
        assert (_state(south).not_before - clock.now()).total_seconds() == seconds


def test_news_that_could_not_be_told_is_told_later(server: TheirNode, south: PartnerNode) -> None:
    messages.send(south.row, "tests.word", {"word": 1})
    server.instead["/federation/inbox"] = SILENT
    sync_partner(south.row.id)
    assert (_state(south).wants_push, south.row.wants_pull) == (True, True)
    server.instead.clear()
    sync_partner(south.row.id)
    assert (_state(south).wants_push, south.row.wants_pull, len(server.told)) == (False, False, 1)


def test_what_is_asked_for_during_the_work_is_done_next_time(
    server: TheirNode, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = sync._pull

    def pull(row: Partner, turn: sync._Turn) -> None:
        # as another process would, while this one is at work
        Partner.objects.filter(id=row.id).update(wants_push=True, wants_pull=True)
        original(row, turn)

    monkeypatch.setattr(sync, "_pull", pull)
    Partner.objects.update(wants_push=True, wants_pull=True)
    sync_partner(south.row.id)
    assert (_state(south).wants_push, south.row.wants_pull) == (True, True)
    monkeypatch.setattr(sync, "_pull", original)
    sync_partner(south.row.id)
    assert (_state(south).wants_push, south.row.wants_pull) == (False, False)


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        (b"{", "The list of lanes is malformed"),
        (b"[]", "The list of lanes is malformed"),
        (b'{"lanes":[{}]}', "The list of lanes is malformed"),
        (b'{"lanes":[{"lane":"x","purpose":"talk","head":"h"}]}', "The list of lanes is malformed"),
        (b'{"lanes":[{"lane":5,"purpose":"talk","head":"h"}]}', "The list of lanes is malformed"),
        (b'{"lanes":[5]}', "The list of lanes is malformed"),
    ],
)
def test_a_list_of_lanes_that_is_none_is_a_failure_like_any_other(
    server: TheirNode, south: PartnerNode, listing: bytes, problem: str
) -> None:
    server.instead["/federation/lanes"] = response(listing)
    sync_partner(south.row.id)
    assert _state(south).last_error.startswith(problem)
    assert south.row.failures == 1


def test_a_lane_that_breaks_is_stopped_told_and_left_alone_while_the_others_go_on(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    broken, sound = _talk(server, south, 1, 2, 3), _talk(server, south, 4)
    broken.entries[2] = broken.forged(broken.entries[2], prev="f" * 64)
    sync_partner(south.row.id)
    assert sorted(notes.heard, key=str) == [1, 4]
    stopped = Lane.objects.get(id=broken.row.id)
    assert (stopped.state, stopped.stop_reason, stopped.head_seq) == ("stopped", "fork", 1)
    assert Lane.objects.get(id=sound.row.id).state == "running"
    assert LaneEntry.objects.filter(lane__sender=None, kind="lane.stopped").count() == 1
    assert (_state(south).failures, south.row.wants_push) == (0, True)
    before = len(server.asked)
    sync_partner(south.row.id)
    assert f"GET /federation/lanes/{broken.row.id}?after=1&limit=500" not in server.asked[before:]
    assert server.told


@pytest.mark.parametrize(
    "served", [b'{"other":1}', b"x" * 300_001], ids=["another content", "one that is longer"]
)
def test_a_large_content_that_is_not_what_was_signed_for_stops_the_lane_and_is_not_asked_for_again(
    server: TheirNode, south: PartnerNode, notes: Notes, served: bytes
) -> None:
    lane = _talk(server, south, 1)
    large = lane.say("tests.word", {"word": "x" * 300_000})
    lane.say("tests.word", {"word": 3})
    blob = f"/federation/blobs/{large.header.digest}"
    server.instead[blob] = response(served)
    sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.stop_reason, held.stopped_at, held.head_seq) == ("stopped", "digest", 2, 3)
    assert notes.heard == [1]
    assert Notice.objects.get(kind="partners.lane-stopped").level == "alarm"
    assert LaneEntry.objects.filter(lane__sender=None, kind="lane.stopped").count() == 1
    assert (_state(south).failures, server.asked.count(f"GET {blob}")) == (0, 1)
    for _ in range(3):
        sync_partner(south.row.id)
    assert server.asked.count(f"GET {blob}") == 1
    assert (_state(south).failures, notes.heard) == (0, [1])


def test_a_head_that_nobody_can_read_stops_the_lane_where_the_next_entry_was_expected(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1)
    sync_partner(south.row.id)
    lane.say("tests.word", {"word": 2})
    forged = lane.head(key=SigningKey.generate())
    offer = {"lane": str(lane.row.id), "purpose": "talk", "agreement": None, "clause": "", "head": forged}
    server.instead["/federation/lanes"] = response(canonical({"lanes": [offer]}))
    sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.stop_reason, held.stopped_at, held.head_seq) == ("stopped", "signature", 2, 1)
    assert Notice.objects.get(kind="partners.lane-stopped").params["seq"] == "2"


def test_a_key_that_is_another_than_what_was_stored_was_signed_with_does_not_end_the_sync(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1, 2)
    notes.problem = RuntimeError("no")
    sync_partner(south.row.id)
    notes.problem = None
    LaneEntry.objects.filter(lane=lane.row, seq=1).update(header=lane.entries[0].token)
    sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.stop_reason, held.stopped_at) == ("stopped", "sender", 1)
    assert (_state(south).failures, notes.heard) == (0, [])


def test_what_was_signed_for_and_is_not_served_stops_the_lane(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1, 2, 3)
    served = response(
        b"".join([*(entry.line for entry in lane.entries[:3]), chain.write_head_line(lane.head())])
    )
    rest = response(chain.write_head_line(lane.head()))
    answers = iter([served, rest])
    server.instead[f"/federation/lanes/{lane.row.id}"] = lambda: next(answers)
    sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.stop_reason, held.head_seq) == ("stopped", "truncated", 2)
    assert "3 was signed for and not served" in held.stop_detail
    assert notes.heard == [1, 2]


def test_a_list_that_takes_back_what_was_served_stops_the_lane(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    with frozen(now()) as clock:
        lane = _talk(server, south, 1, 2)
        sync_partner(south.row.id)
        del lane.entries[1:]
        clock.advance(timedelta(minutes=5))
        sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.stop_reason, held.head_seq) == ("stopped", "truncated", 2)


def test_a_line_without_end_stops_the_lane_and_what_came_before_is_kept(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1, 2)
    good = b"".join(entry.line for entry in lane.entries[:2])
    server.instead[f"/federation/lanes/{lane.row.id}"] = response(good + b"x" * 400_000)
    sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.stop_reason, held.head_seq) == ("stopped", "malformed", 1)
    assert Notice.objects.get(kind="partners.lane-stopped").params["seq"] == "2"


def test_a_page_that_breaks_off_costs_nothing_of_what_had_come(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1, 2, 3)
    whole = b"".join(server.page(lane, -1, 500))
    cut = response(whole)[: -len(whole) + len(lane.entries[0].line) + len(lane.entries[1].line) + 10]
    server.instead[f"/federation/lanes/{lane.row.id}"] = cut
    sync_partner(south.row.id)
    held = Lane.objects.get(id=lane.row.id)
    assert (held.state, held.head_seq, _state(south).failures) == ("running", 1, 1)
    server.instead.clear()
    sync_partner(south.row.id)
    assert server.asked[-1].endswith("?after=1&limit=500")
    assert notes.heard == [1, 2, 3]


def test_a_fault_of_our_own_is_noted_and_everything_is_asked_for_again(
    server: TheirNode, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_partner: Partner, _turn: sync._Turn) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(sync, "_pull", failing)
    # the connection of this test is not the thread's to close
    monkeypatch.setattr(connection, "close", lambda: None)
    sync._in_thread(south.row.id)
    assert (_state(south).wants_push, south.row.wants_pull, south.row.failures) == (True, True, 1)
    assert south.row.last_error == "an error at this node; see its log"


@pytest.mark.parametrize(("state", "most"), [("verified", 4), ("met", 2)])
def test_after_its_turn_a_partner_waits_for_the_others_and_then_goes_on(
    server: TheirNode,
    south: PartnerNode,
    notes: Notes,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    most: int,
) -> None:
    monkeypatch.setattr(sync, "_TURN", (300.0, 4))
    monkeypatch.setattr(sync, "_STRANGERS_TURN", (15.0, 2))
    monkeypatch.setattr(wire, "PAGE_ENTRIES", 5)
    Partner.objects.update(state=state)
    lane = _talk(server, south, *range(39))
    waiting = partner(nation="XE")
    Partner.objects.filter(id=waiting.row.id).update(not_before=now() - timedelta(seconds=1))
    sync_partner(south.row.id)
    assert len([each for each in server.asked if "?" in each]) == most
    assert (Lane.objects.get(id=lane.row.id).head_seq, len(notes.heard)) == (5 * most - 1, 5 * most - 1)
    assert (_state(south).wants_pull, south.row.failures) == (True, 0)
    assert list(sync._due()) == [waiting.row.id, south.row.id]
    for _ in range(5):
        sync_partner(south.row.id)
    assert notes.heard == list(range(39))


def test_a_turn_that_is_over_leaves_what_waits_for_the_next(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    lane = _talk(server, south, 1, 2)

    class UntilTheFirstWord(sync._Turn):
        def is_over(self) -> bool:
            return bool(notes.heard)

    sync._pull(south.row, UntilTheFirstWord(300.0, 200))
    assert (notes.heard, _state(south).wants_pull) == ([1], True)
    assert [each.state for each in LaneEntry.objects.filter(lane=lane.row).order_by("seq")] == [
        "done",
        "done",
        "pending",
    ]


@dataclass
class Disk:
    """A disk whose free bytes are counted down with every look at it."""

    free: float
    each: float = 0

    def usage(self, home: Path) -> Disk:
        assert home == django_settings.HOME
        self.free -= self.each
        return self


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Disk:
    settings.FREE_DISK_BYTES = 1000
    made = Disk(1000)
    monkeypatch.setattr(shutil, "disk_usage", made.usage)
    return made


def test_while_the_disk_is_almost_full_nothing_is_read_and_then_it_goes_on_by_itself(
    server: TheirNode, south: PartnerNode, notes: Notes, disk: Disk
) -> None:
    _talk(server, south, 1, 2)
    Partner.objects.update(wants_push=True)
    disk.free = 999
    for _ in range(2):
        sync_partner(south.row.id)
    assert server.asked == ["POST /federation/inbox", "GET /federation/lanes", "GET /federation/lanes"]
    assert (_state(south).failures, south.row.wants_pull, south.row.heard_until) == (0, False, None)
    notice = Notice.objects.get()
    assert (notice.kind, notice.level, notice.times) == ("partners.disk-full", "alarm", 1)
    told = registry.get(NoticeKind, notice.kind)
    assert told.sentence(notice.params) == (
        "Nothing is read from partners: the disk of this node has less than 1,000 B free."
    )
    disk.free = 1000
    sync_partner(south.row.id)
    notice.refresh_from_db()
    assert (notes.heard, notice.resolved is None) == ([1, 2], False)
    disk.free = 0
    sync_partner(south.row.id)
    assert Notice.objects.filter(resolved=None).count() == 1


def test_a_disk_that_fills_up_while_a_lane_is_read_ends_the_reading_and_the_fetching(
    server: TheirNode,
    south: PartnerNode,
    notes: Notes,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "PAGE_ENTRIES", 3)
    lane = _talk(server, south, *range(8))
    lane.say("tests.word", {"word": "x" * 300_000})
    # one look each at the beginning, before the lane and before its page, and two for each of two entries
    disk.free, disk.each = 1007, 1
    sync_partner(south.row.id)
    assert (Lane.objects.get(id=lane.row.id).head_seq, notes.heard) == (2, [0])
    disk.free, disk.each = 2000, 0
    sync_partner(south.row.id)
    assert notes.heard[:-1] == list(range(8))
    disk.free = 0
    lane.say("tests.word", {"word": "y" * 300_000})
    sync_partner(south.row.id)
    assert (Lane.objects.get(id=lane.row.id).head_seq, len(notes.heard)) == (9, 9)


# ---- descriptors ----------------------------------------------------------------------------------------------------


def test_a_descriptor_is_renewed_once_a_day(server: TheirNode, south: PartnerNode) -> None:
    with frozen(now()) as clock:
        sync_partner(south.row.id)
        assert "GET /.well-known/taawun" not in server.asked
        clock.advance(timedelta(days=1))
        server.descriptor = _descriptor(server)
        sync_partner(south.row.id)
        sync_partner(south.row.id)
        assert server.asked.count("GET /.well-known/taawun") == 1
        assert _state(south).descriptor_issued == clock.now()


def test_a_partner_whose_descriptor_cannot_be_had_is_not_cut_off_until_it_lapses(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    server.instead["/.well-known"] = SILENT
    lane = _talk(server, south, 1)
    with frozen(now()) as clock:
        clock.advance(timedelta(days=27))
        sync_partner(south.row.id)
        assert (notes.heard, _state(south).failures) == ([1], 0)
        clock.advance(timedelta(days=1))
        lane.say("tests.word", {"word": 2})
        sync_partner(south.row.id)
        assert (notes.heard, _state(south).failures) == ([1], 1)
        assert south.row.last_error == "The node answered 500 instead of its descriptor."


def test_another_key_at_a_partners_address_raises_the_alarm_and_its_words_are_not_believed(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    taken_over = SigningKey.generate()
    lane = _talk(server, south, 1)
    with frozen(now()) as clock:
        clock.advance(timedelta(days=2))
        server.descriptor = _descriptor(server, taken_over)
        lane.write(key=taken_over, kind="tests.word", content=canonical({"word": 2}))
        sync_partner(south.row.id)
    assert Notice.objects.get(kind="partners.key-changed").params["node"] == server.node
    assert notes.heard == [1]
    assert Lane.objects.get(id=lane.row.id).stop_reason == "signature"
    assert _state(south).kid == server.key.kid


# ---- the loop -------------------------------------------------------------------------------------------------------


def test_only_those_that_want_something_now_are_due(node: Organisation) -> None:
    at = now()
    soon, later = at - timedelta(seconds=1), at + timedelta(hours=1)
    quiet: dict[str, Any] = {"wants_push": False, "wants_pull": False, "next_poll": later, "not_before": soon}
    wanted: dict[str, dict[str, Any]] = {  # members of a row are of several types
        "push": {"wants_push": True},
        "pull": {"wants_pull": True},
        "poll": {"next_poll": soon},
        "nothing": {},
        "blocked": {"wants_pull": True, "state": "blocked"},
        "backing-off": {"wants_pull": True, "not_before": later},
    }
    for name, members in wanted.items():
        Partner.objects.create(node=f"https://{name}.example", **{**quiet, **members})
    due = set(Partner.objects.filter(id__in=sync._due()).values_list("node", flat=True))
    assert due == {f"https://{name}.example" for name in ("push", "pull", "poll")}


def test_whom_an_administrator_named_comes_before_those_who_introduced_themselves(node: Organisation) -> None:
    for number, (name, network) in enumerate([("came", "192.0.2.1"), ("came-too", "::"), ("named", "")]):
        Partner.objects.create(
            node=f"https://{name}.example",
            introduced_from=network,
            not_before=now() - timedelta(seconds=10 - number),
        )
    nodes = dict(Partner.objects.values_list("id", "node"))
    assert [nodes[each] for each in sync._due()] == [
        "https://named.example",
        "https://came.example",
        "https://came-too.example",
    ]


class _NeverDone:
    """Threads that are all at work for ever."""

    def __init__(self) -> None:
        self.given: list[object] = []

    def submit(self, _work: object, partner_id: object) -> Future[None]:
        self.given.append(partner_id)
        return Future()


def test_however_long_strangers_take_the_threads_of_partners_are_free(node: Organisation) -> None:
    verified = {partner(nation="XE").row.id for _ in range(12)}
    met = {partner(nation="XB", state="met").row.id for _ in range(12)}
    of_partners, of_strangers = _NeverDone(), _NeverDone()
    crews = [
        sync._Crew(cast("ThreadPoolExecutor", of_partners), 8, are_compared=True),
        sync._Crew(cast("ThreadPoolExecutor", of_strangers), 2, are_compared=False),
    ]
    for _ in range(3):
        at_work = {each for crew in crews for each in crew.at_work()}
        for crew in crews:
            crew.send(sync._due(), at_work)
    assert (len(of_partners.given), set(of_partners.given) <= verified) == (8, True)
    assert (len(of_strangers.given), set(of_strangers.given) <= met) == (2, True)


def test_the_next_poll_is_spread_around_its_time(
    server: TheirNode, south: PartnerNode, settings: Settings
) -> None:
    settings.POLL_SECONDS = 100
    with frozen(now()) as clock:
        found = set()
        for _ in range(5):
            sync_partner(south.row.id)
            found.add((_state(south).next_poll - clock.now()).total_seconds())
    assert len(found) == 5
    assert all(80 <= seconds <= 120 for seconds in found)


@pytest.mark.django_db(transaction=True)
def test_the_loop_hears_of_news_at_once_and_ends_when_told(
    server: TheirNode, south: PartnerNode, notes: Notes
) -> None:
    _talk(server, south, 1)
    Partner.objects.update(next_poll=now() + timedelta(hours=1))
    stop = threading.Event()

    def run() -> None:
        try:
            sync.run(stop)
        finally:
            connection.close()

    loop = threading.Thread(target=run)
    loop.start()
    try:
        time.sleep(0.3)
        assert server.asked == []
        actions.meet(SystemActor("tests"), server.node)
        began = time.monotonic()
        while not notes.heard and time.monotonic() - began < 10:
            time.sleep(0.02)
        assert notes.heard == [1]
    finally:
        stop.set()
        loop.join(10)
    assert not loop.is_alive()
