"""A node that nobody can call: it brings its partners what they would fetch, and goes on where they say they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import zstandard
from pytest_django import Settings

from taawun.cooperation.agreements.actions import suspend
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions import Draft, publish
from taawun.cooperation.partners.actions import own_descriptor
from taawun.cooperation.partners.exchange import calling, delivering, messages
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, lanes
from taawun.cooperation.partners.models import Lane, LaneReader, Partner
from taawun.cooperation.partners.wording import last_problem
from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.web.problems import TYPE_PREFIX
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.partners.their_node import TheirNode
from tests.foundation.outbound.loopback import response

LARGE = canonical({"long": "x" * (2 * 1024 * 1024 + 77)})


class Receiver(TheirNode):
    """A partner that takes what is delivered.

    Attributes:
        lanes_held: for each lane, its purpose and the headers that it holds.
        contents: what came of each content in its line.
        wanted: digests it waits for.
        pieces: what it has of them.
        most: how many entries it takes of a page; all where it is None.
        stopped: lanes of which it takes nothing more.
    """

    def __init__(self, *arguments: Any) -> None:
        self.lanes_held: dict[str, list[chain.Header]] = {}
        self.contents: dict[str, bytes] = {}
        self.wanted: list[str] = []
        self.pieces: dict[str, bytes] = {}
        self.most: int | None = None
        self.stopped: list[str] = []
        super().__init__(*arguments)

    def _answer(self, path: str, body: bytes) -> bytes:
        if path == "/federation/inbox" and body[:4] == b"\x28\xb5\x2f\xfd":
            return self._take(zstandard.ZstdDecompressor().decompressobj().decompress(body))
        if "?from=" in path:
            return self._take_piece(path, body)
        return super()._answer(path, body)

    def _take(self, page: bytes) -> bytes:
        offer, *lines = page.splitlines()
        said = json.loads(offer)
        if said["lane"] in self.stopped:
            return problem(409, "lane-stopped", held=0)
        held = self.lanes_held.setdefault(said["lane"], [])
        *entries, last = [chain.read_line(line) for line in lines]
        key = self._our_key
        assert chain.read_head(last.head or "", key).lane.hex == said["lane"].replace("-", "")
        headers = [chain.read_header(each.header or "", key) for each in entries]
        if headers and headers[0].seq > len(held):
            return problem(409, "gap", held=len(held) - 1)
        for header, entry in list(zip(headers, entries, strict=True))[: self.most]:
            if header.seq == len(held):
                held.append(header)
            if entry.content is not None:
                self.contents[header.digest] = entry.content
        wanted = [{"digest": each, "held": len(self.pieces.get(each, b""))} for each in self.wanted]
        return response(json.dumps({"lane": said["lane"], "held": len(held) - 1, "wanted": wanted}).encode())

    def _take_piece(self, path: str, body: bytes) -> bytes:
        name, _, start = path.removeprefix("/federation/blobs/").partition("?from=")
        held = self.pieces.get(name, b"")
        if int(start) != len(held):
            return problem(409, "other-place", held=len(held))
        self.pieces[name] = held + body
        return response(json.dumps({"digest": name, "held": len(self.pieces[name])}).encode())

    def kinds(self) -> list[list[str]]:
        """The kinds of the entries of each lane, in the order in which the lanes came."""
        return [[header.kind for header in headers] for headers in self.lanes_held.values()]


def problem(status: int, code: str, **members: object) -> bytes:
    """A problem document of a partner."""
    said = {"type": TYPE_PREFIX + code, "detail": "So it is.", "status": status, **members}
    return response(json.dumps(said).encode(), status=f"{status} Said")


@pytest.fixture
def server(cast: Cast, settings: Settings) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOW, settings.REACHABLE = ("127.0.0.0/8",), False
    calling.outbound.cache_clear()
    made = Receiver(node_key().public)
    made.descriptor = descriptor.write(
        node=made.node,
        kind="nation",
        nation="XS",
        name=Text.of(en="Southern CERT"),
        nation_name=Text.of(en="Southland"),
        contacts=[],
        key=made.key,
        recovery_jwk=None,
        at=now(),
    )
    yield made
    calling.outbound().close()
    calling.outbound.cache_clear()
    made.server.close()


@pytest.fixture
def south(server: Receiver, notes: Notes) -> PartnerNode:
    """The node of the server as a partner that was met and compared, told our descriptor, and contacted before."""
    made = partner(node=server.node)
    Partner.objects.update(
        kid=server.key.kid,
        jwk=server.key.public.to_jwk(),
        last_contact=now(),
        told=now(),
        heads_told=now(),
        wants_pull=False,
    )
    made.row.refresh_from_db()
    lanes.talk_lane(made.row)
    Partner.objects.update(wants_push=False)
    return PartnerNode(made.row, server.key)


@pytest.fixture
def agreement(south: PartnerNode) -> Agreement:
    return agreement_in_force(south)


def _publish(cast: Cast, number: int, content: bytes | None = None) -> None:
    draft = Draft(
        "tests.note", f"urn:test:{number}", "1", "A note", Tlp.GREEN, content or canonical({"note": number})
    )
    publish(cast.analyst.actor, draft, None)


def _sync(south: PartnerNode) -> Partner:
    Partner.objects.update(not_before=now())
    sync_partner(south.row.id)
    south.row.refresh_from_db()
    return south.row


def test_its_descriptor_says_that_it_cannot_be_called(server: Receiver, settings: Settings) -> None:
    assert not descriptor.read(own_descriptor(), at=now()).is_reachable
    settings.REACHABLE = True
    assert descriptor.read(own_descriptor(), at=now()).is_reachable


def test_lanes_are_brought_the_talk_first_and_each_entry_once(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    messages.send(south.row, "tests.word", {"word": 1})
    for number in range(3):
        _publish(cast, number)
    assert _sync(south).last_error == ""
    assert server.kinds() == [["lane.opened", "tests.word"], ["lane.opened", *["tests.note"] * 3]]
    assert sha256(canonical({"note": 2})) in server.contents
    # then the head of the talk alone, which says that nothing was said
    before = len(server.asked)
    _sync(south)
    assert server.asked[before:] == ["GET /federation/lanes", "POST /federation/inbox"]
    assert server.told == []
    _publish(cast, 4)
    _sync(south)
    assert [len(each) for each in server.kinds()] == [2, 5]


def test_a_page_that_was_taken_in_part_goes_on_where_it_ended(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    for number in range(6):
        _publish(cast, number)
    server.most = 2
    _sync(south)
    _sync(south)
    assert [len(each) for each in server.kinds()] == [1, 7]


def test_who_lost_what_it_held_is_brought_it_again(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    for number in range(3):
        _publish(cast, number)
    _sync(south)
    for held in server.lanes_held.values():
        del held[1:]
    _publish(cast, 3)
    assert _sync(south).last_error == ""
    assert server.kinds()[1] == ["lane.opened", *["tests.note"] * 4]


def test_a_partner_that_says_that_it_holds_nothing_is_not_brought_the_same_for_ever(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    _publish(cast, 1)
    server.most = 0
    before = len(server.asked)
    _sync(south)
    assert len(server.asked) - before < 10


def test_what_a_partner_may_not_have_at_this_moment_goes_without_its_content(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    _publish(cast, 1)
    _publish(cast, 2, LARGE)
    suspend(cast.officer.actor, agreement, "")
    server.wanted = [sha256(LARGE)]
    _sync(south)
    assert server.kinds()[1] == ["lane.opened", "tests.note", "tests.note"]
    assert sha256(canonical({"note": 1})) not in server.contents
    assert server.pieces == {}


def test_a_large_content_is_brought_in_pieces_from_where_it_ended(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    _publish(cast, 1, LARGE)
    server.wanted, server.pieces = [sha256(LARGE)], {sha256(LARGE): LARGE[:1000]}
    _sync(south)
    assert server.pieces == {sha256(LARGE): LARGE}
    assert len([path for path in server.asked if path.startswith("PUT")]) == 2


def test_a_partner_wants_nothing_of_what_is_not_for_it(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    east = partner("Eastern CERT", nation="XE")
    agreement_in_force(east)
    draft = Draft("tests.note", "urn:test:east", "1", "A note", Tlp.GREEN, LARGE)
    publish(cast.analyst.actor, draft, [east.node])
    server.wanted = [sha256(LARGE), "0" * 64, "../../secret-key"]
    assert _sync(south).last_error == ""
    assert server.pieces == {}


def test_a_lane_that_was_stopped_there_leaves_the_others_alone(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast
) -> None:
    _publish(cast, 1)
    server.stopped = [str(Lane.objects.get(sender=None, purpose="talk").id)]
    assert _sync(south).last_error == ""
    assert server.kinds() == [["lane.opened", "tests.note"]]


def test_a_partner_whose_disk_is_full_is_left_alone_for_a_while_and_its_page_says_why(
    server: Receiver, south: PartnerNode
) -> None:
    server.instead["/federation/inbox"] = problem(507, "no-room")
    row = _sync(south)
    assert (row.failures, last_problem(row)) == (
        1,
        "it answered 507: its disk is almost full, and it takes nothing for the moment",
    )


@pytest.mark.parametrize("code", ["unknown-key", "descriptor-lapsed"])
def test_who_lost_our_descriptor_is_told_it_again(server: Receiver, south: PartnerNode, code: str) -> None:
    server.instead["/federation/inbox"] = problem(403, code)
    assert _sync(south).told is None
    server.instead.clear()
    row = _sync(south)
    assert [descriptor.read(str(each["descriptor"]), at=now()).node for each in server.told] == [
        own_address()
    ]
    assert row.told is not None


def own_address() -> str:
    """What this node is called."""
    return descriptor.read(own_descriptor(), at=now()).node


def test_its_descriptor_is_brought_every_day(server: Receiver, south: PartnerNode) -> None:
    with frozen(now() + timedelta(hours=25)) as clock:
        _sync(south)
        assert len(server.told) == 1
        clock.advance(timedelta(hours=23))
        Partner.objects.update(heads_told=now())
        _sync(south)
        assert len(server.told) == 1


def test_it_asks_again_soon_after_it_introduced_itself(server: Receiver, notes: Notes) -> None:
    met = Partner.objects.create(node=server.node, state=Partner.State.CLAIMED)
    with frozen(now()) as clock:
        sync_partner(met.id)
        met.refresh_from_db()
        assert len(server.told) == 1
        assert (met.wants_pull, met.not_before) == (True, clock.now() + timedelta(seconds=2))


def test_a_node_that_can_be_called_delivers_nothing(
    server: Receiver, south: PartnerNode, settings: Settings
) -> None:
    settings.REACHABLE = True
    messages.send(south.row, "tests.word", {"word": 1})
    _sync(south)
    assert server.lanes_held == {}
    assert LaneReader.objects.get().delivered_seq == -1


def test_two_nodes_that_cannot_be_called_are_told_so(server: Receiver, south: PartnerNode) -> None:
    Partner.objects.update(is_reachable=False)
    row = _sync(south)
    assert server.asked == []
    assert (
        last_problem(row)
        == "neither it nor this node can be called; one of the two has to accept connections"
    )


def test_a_partner_that_is_just_taking_something_in_is_asked_again_after_a_moment(
    server: Receiver, south: PartnerNode, agreement: Agreement, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(cast, 1)
    monkeypatch.setattr(delivering, "_MOMENT_SECONDS", 0.0)
    busy = response(b'{"type":"urn:taawun:problem:busy","detail":"So it is."}', "429 Said", Retry_After="2")
    left = [busy, busy]

    def in_between(path: str) -> None:
        if path == "/federation/inbox":
            server.instead = {path: left.pop()} if left else {}

    server.meanwhile = in_between
    assert _sync(south).last_error == ""
    assert server.kinds() == [["lane.opened"], ["lane.opened", "tests.note"]]
