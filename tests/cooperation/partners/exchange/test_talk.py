"""The talk lane: what is said there, and what is kept of what nobody here understands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.exchange.messages import MessageKind
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.exchange.talk import look_again
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents
from taawun.cooperation.partners.models import Content, Partner
from taawun.foundation.clock import now
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, partner
from tests.cooperation.conftest import Notes
from tests.lanes import talk_lane

LONG = "x" * 250_000


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


def test_a_partner_that_stopped_our_lane_is_heard_by_our_administrator(south: PartnerNode) -> None:
    entry = messages.send(south.row, "tests.word", {"word": 1})
    lane = talk_lane(south)
    lane.say("lane.stopped", {"lane": str(entry.lane_id), "reason": "fork", "seq": 1, "detail": "x"})
    assert lane.deliver()[1] == ("done", "")
    notice = Notice.objects.get(kind="partners.lane-stopped-there")
    assert (notice.subject, notice.params["reason"]) == (f"urn:uuid:{entry.lane_id}", "fork")


def test_a_partner_that_says_so_again_and_again_leaves_one_row_in_the_trail(south: PartnerNode) -> None:
    ours = messages.send(south.row, "tests.word", {"word": 1}).lane_id
    lane = talk_lane(south)
    for _ in range(30):
        lane.say("lane.stopped", {"lane": str(ours), "reason": "fork", "seq": 0, "detail": "x"})
    assert lane.deliver()[1:] == [("done", "")] * 30
    assert Notice.objects.get(kind="partners.lane-stopped-there").times == 30
    rows = AuditEntry.objects.filter(verb="partners.lane-stopped-there")
    assert rows.count() == 1
    # somebody dealt with it: what comes then is news
    Notice.objects.update(resolved=now())
    lane.say("lane.stopped", {"lane": str(ours), "reason": "fork", "seq": 0, "detail": "x"})
    lane.deliver()
    assert rows.count() == 2


@pytest.mark.parametrize(
    ("lane_id", "reason"),
    [
        ("none", "malformed"),
        (5, "malformed"),
        (None, "malformed"),
        ("76997f6a-9cd6-4e10-914d-84a9c7a7489a", "unknown-lane"),
        ("another's", "unknown-lane"),
    ],
)
def test_a_partner_speaks_of_no_lane_but_those_it_reads(
    south: PartnerNode, lane_id: object, reason: str
) -> None:
    east = partner(nation="XE")
    others = messages.send(east.row, "tests.word", {"word": 1}).lane_id
    lane = talk_lane(south)
    lane.say("lane.stopped", {"lane": str(others) if lane_id == "another's" else lane_id, "reason": "fork"})
    assert lane.deliver()[1] == ("refused", reason)
    assert not Notice.objects.filter(kind="partners.lane-stopped-there").exists()


def test_what_we_say_is_signed_by_us_and_addressed_to_the_partner(south: PartnerNode) -> None:
    entry = messages.send(south.row, "tests.word", {"word": 1})
    header = chain.read_header(entry.header, node_key().public)
    assert (header.sender, header.to, header.kind) == (settings.BASE_URL, south.node, "tests.word")


# ---- what nobody here opens -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "outcome"),
    [
        ("tests.unheard", {}, ("unopened", "unknown-kind")),
        ("tests.word", {"issued": datetime(1960, 1, 1, tzinfo=UTC)}, ("unopened", "past")),
        ("tests.word", {"issued": timedelta(hours=1)}, ("pending", "future")),
        ("tests.word", {"to": "https://other.example"}, ("refused", "not-to-us")),
        ("tests.refused", {}, ("refused", "no-word")),
    ],
)
def test_of_what_is_not_opened_the_header_is_kept_and_no_more_than_a_little_of_what_it_brought(
    south: PartnerNode, notes: Notes, kind: str, changes: dict[str, Any], outcome: tuple[str, str]
) -> None:
    if outcome[1] == "no-word":
        notes.problem, kind = MessageRefused("no-word", "no"), "tests.word"
    if isinstance(changes.get("issued"), timedelta):
        changes = {"issued": now() + changes["issued"]}
    lane = talk_lane(south)
    long = [lane.say(kind, {"word": f"{number}{LONG}"}, **changes) for number in range(3)]
    short = lane.say(kind, {"word": "x"}, **changes)
    assert lane.deliver()[1:] == [outcome] * 4
    assert [contents.has(each.header.digest) for each in (*long, short)] == [False, False, False, True]
    assert [each.header for each in lane.row.entries.order_by("seq")] == [each.token for each in lane.entries]


def test_what_is_taken_in_is_kept_and_so_is_what_another_lane_needs(south: PartnerNode, notes: Notes) -> None:
    lane, other = talk_lane(south), talk_lane(south)
    said = lane.say("tests.word", {"word": LONG})
    assert lane.deliver()[1] == ("done", "")
    other.write(kind="tests.unheard", content=said.content)
    other.write(kind="tests.word", to="https://other.example", content=said.content)
    assert other.deliver()[1:] == [("unopened", "unknown-kind"), ("refused", "not-to-us")]
    assert contents.get(said.header.digest) == said.content


def test_a_message_is_opened_once_an_update_makes_its_kind_known(
    south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = talk_lane(south)
    long, short = lane.say("tests.new", {"word": LONG}), lane.say("tests.new", {"word": 2})
    lane.say("tests.unheard", {"word": 3})
    lane.say("tests.word", {"word": 4}, to="https://other.example")
    ended = [("unopened", "unknown-kind"), ("refused", "not-to-us")]
    assert lane.deliver()[1:] == [("unopened", "unknown-kind")] * 2 + ended
    assert look_again() == 0
    known = MessageKind("tests.new", registry.get(MessageKind, "tests.word").receive)
    monkeypatch.setitem(registry._parts[MessageKind], "tests.new", known)
    assert look_again() == 2
    fetched = []

    def fetch(_partner: Partner, digest: str, _size: int) -> list[bytes]:
        fetched.append(digest)
        return [long.content or b""]

    process_pending(lane.row, south.row, fetch)
    assert lane.outcomes()[1:] == [("done", "")] * 2 + ended
    assert (notes.heard, fetched) == ([LONG, 2], [long.header.digest])
    assert contents.has(short.header.digest)
    assert look_again() == 0


def test_a_page_that_goes_on_is_read_no_further_than_a_page_may_be(south: PartnerNode) -> None:
    lane = talk_lane(south)
    for number in range(100):
        lane.say("tests.unheard", {"word": f"{number}{LONG}"})
    assert lane.take() == 68
    assert lane.take() == 33
    lane.row.refresh_from_db()
    assert (lane.row.head_seq, lane.row.state) == (100, "running")
    assert Content.objects.count() == 1
