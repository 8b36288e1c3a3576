"""The talk lane: what is said there, and what is kept of what nobody here understands."""

from __future__ import annotations

import pytest
from django.conf import settings

from taawun.cooperation.partners import chain, messages
from taawun.cooperation.partners.keys import node_key
from taawun.foundation.clock import now
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, partner
from tests.cooperation.conftest import Notes
from tests.lanes import talk_lane


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
