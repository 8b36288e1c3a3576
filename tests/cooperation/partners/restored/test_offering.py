"""Offering a restored partner what is held of its lanes: as far as it takes it, and no longer than a turn lasts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from taawun.cooperation.partners.exchange import bandwidth, sync
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Lane, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now
from taawun.foundation.signing import SigningKey
from taawun.platform.notices.models import Notice
from tests.cast import PartnerNode
from tests.cooperation.partners.exchange.test_sync import server, south
from tests.cooperation.partners.their_node import TheirNode
from tests.foundation.outbound.loopback import response
from tests.lanes import TheirLane, talk_lane
from tests.restored import follows

__all__ = ["server", "south"]

SYSTEM = SystemActor("tests")


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What a process remembers of its node's return ends with the test."""
    yield
    returning._Known.is_over = False


def _returning(server: TheirNode) -> None:
    """It was restored, and says so at every question."""
    problem = {"type": "urn:taawun:problem:returning", "detail": "It was restored.", "status": 503}
    said = response(json.dumps(problem).encode(), status="503 Service Unavailable", Retry_After="30")
    server.instead["/federation/lanes"] = said


def _held(south: PartnerNode) -> TheirLane:
    """A lane of its own that this node holds."""
    lane = talk_lane(south)
    for word in range(4):
        lane.say("tests.word", {"word": word})
    lane.deliver()
    return lane


def _wants(server: TheirNode, *answers: list[tuple[UUID, int]]) -> list[int]:
    """What it says that it lacks, time after time; the bodies it was posted are counted."""
    left = list(answers)
    taken: list[int] = []

    def take() -> bytes:
        taken.append(1)
        return response(b'{"taken": 1}')

    def want() -> bytes:
        wanted = left.pop(0) if len(left) > 1 else left[0]
        said = {"wanted": [{"lane": str(lane), "after": after} for lane, after in wanted]}
        return response(json.dumps(said).encode())

    server.instead["/federation/held/"] = take
    server.instead["/federation/held"] = want
    return taken


def test_it_is_brought_page_by_page_what_it_lacks(server: TheirNode, south: PartnerNode) -> None:
    lane = _held(south).row.wire_id
    _returning(server)
    taken = _wants(server, [(lane, 0)], [(lane, 2)], [])
    sync_partner(south.row.id)
    assert len(taken) == 2
    assert server.asked.count("POST /federation/held") == 3


@pytest.mark.parametrize("state", [Partner.State.VERIFIED, Partner.State.MET])
def test_one_that_lacks_the_same_for_ever_holds_no_thread(
    server: TheirNode, south: PartnerNode, state: str
) -> None:
    lane = _held(south).row.wire_id
    Partner.objects.update(state=state)
    _returning(server)
    taken = _wants(server, [(lane, -1), (lane, -1), (uuid4(), 3)])
    sync_partner(south.row.id)
    assert len(taken) == 1
    assert server.asked.count("POST /federation/held") == 2


def test_one_that_lacks_a_little_less_each_time_has_its_turn_and_no_more(
    server: TheirNode, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "_STRANGERS_TURN", (15.0, 3))
    lane = _held(south).row.wire_id
    Partner.objects.update(state=Partner.State.MET)
    _returning(server)
    taken = _wants(server, [(lane, -1)], [(lane, 0)], [(lane, 1)], [(lane, 2)], [(lane, 3)])
    sync_partner(south.row.id)
    assert len(taken) == 1


def test_what_it_is_brought_is_booked_like_all_that_goes(
    server: TheirNode, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    booked: list[int] = []
    monkeypatch.setattr(bandwidth, "wait", booked.append)
    lane = _held(south)
    _returning(server)
    _wants(server, [(lane.row.wire_id, -1)], [])
    sync_partner(south.row.id)
    assert sum(booked) >= sum(len(each.line) for each in lane.entries)


def test_a_history_that_a_restart_left_behind_is_offered_to_nobody(
    server: TheirNode, south: PartnerNode
) -> None:
    lane = _held(south)
    part = Lane.objects.create(
        purpose="talk",
        sender=south.row,
        state=Lane.State.LEFT,
        part_of=lane.row,
        head_seq=9,
        head_digest="f" * 64,
    )
    assert part.wire_id == lane.row.wire_id
    listed = json.loads(south.request("GET", "/federation/held").content)["lanes"]
    assert listed == [{"lane": str(lane.row.wire_id), "seq": 4, "digest": lane.entries[4].digest}]
    _returning(server)
    offered: list[bytes] = []
    server.meanwhile = lambda path: offered.append(server.server.requests[-1]) if "held" in path else None
    _wants(server, [])
    sync_partner(south.row.id)
    (said,) = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in offered]
    assert said["lanes"] == listed


def test_a_restored_node_asks_for_no_longer_than_a_turn_lasts(
    server: TheirNode, south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "_TURN", (0.0, 200))
    returning.begin(SYSTEM)
    listed = {"lanes": [{"lane": str(uuid4()), "seq": 3, "digest": "a" * 64}]}
    server.instead["/federation/held"] = response(json.dumps(listed).encode())
    sync_partner(south.row.id)
    assert [each for each in server.asked if "held/" in each] == []
    south.row.refresh_from_db()
    assert returning.is_to_be_asked(south.row)
    assert south.row.wants_pull
    assert south.row.not_before <= now()


def test_a_restored_node_whose_key_was_replaced_since_hears_so_from_who_refuses_it(
    server: TheirNode, south: PartnerNode
) -> None:
    first, second = node_key(), SigningKey.generate()
    shown = follows(second, first.kid, signed=first)
    problem = {"type": "urn:taawun:problem:retired-key", "detail": "Replaced.", "rotations": [shown]}
    server.instead["/federation/held"] = response(json.dumps(problem).encode(), status="401 Unauthorized")
    returning.begin(SYSTEM)
    sync_partner(south.row.id)
    notice = Notice.objects.get(kind="partners.own-key-forgotten", resolved=None)
    assert (notice.params["from"], notice.params["to"]) == (first.kid, second.kid)
    assert returning.is_returning()
    # who does not know the key of now finds it by what it was told before it is asked
    assert server.told[0]["heads"] == []


def test_who_refuses_a_key_of_ours_and_proves_nothing_has_not_had_its_say(
    server: TheirNode, south: PartnerNode
) -> None:
    problem = {"type": "urn:taawun:problem:retired-key", "detail": "Replaced.", "rotations": []}
    server.instead["/federation/held"] = response(json.dumps(problem).encode(), status="401 Unauthorized")
    returning.begin(SYSTEM)
    sync_partner(south.row.id)
    assert not returning.may_take()
    assert returning.is_returning()


def test_what_is_held_is_asked_for_with_how_our_keys_followed_each_other(
    server: TheirNode, south: PartnerNode
) -> None:
    first, second = node_key(), SigningKey.generate()
    shown = follows(second, first.kid, signed=first)
    listed = {"lanes": [{"lane": str(uuid4()), "seq": 3, "digest": "a" * 64}], "rotations": [shown]}
    server.instead["/federation/held"] = response(json.dumps(listed).encode())
    returning.begin(SYSTEM)
    sync_partner(south.row.id)
    # it has a say, and nothing is taken of it before that is settled
    assert Notice.objects.get(kind="partners.own-key-forgotten", resolved=None).params["to"] == second.kid
    assert [each for each in server.asked if "held/" in each] == []
    assert returning.is_returning()


def test_what_is_posted_once_all_is_known_is_heard_of_a_lane_by_what_it_is_called(
    server: TheirNode, south: PartnerNode
) -> None:
    called = uuid4()
    lane = Lane.objects.create(purpose="talk", alias=called)
    lane.readers.create(partner=south.row)
    assert json.loads(south.request("POST", f"/federation/held/{called}").content) == {"taken": 0}
    assert south.request("POST", f"/federation/held/{lane.id}").status_code == 404
