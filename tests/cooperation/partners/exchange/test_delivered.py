"""What a partner delivers that nobody can fetch from is held to what is pulled; and a stranger learns nothing."""

from __future__ import annotations

import gzip
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest
import zstandard
from django.conf import settings
from django.db import connection
from django.test import Client

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.partners.exchange import disk
from taawun.cooperation.partners.exchange.partials import Partial, sweep
from taawun.cooperation.partners.exchange.receiving import UNVERIFIED_MESSAGES
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.models import Content, Lane, LaneEntry, Nonce, Partner
from taawun.cooperation.partners.wording import last_problem
from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.platform.notices.models import Notice
from taawun.platform.work.turns import hold_turn
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.lanes import TheirLane

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

LARGE = canonical({"long": "x" * (3 * 1024 * 1024)})


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    """A partner that cannot be called."""
    made = partner()
    Partner.objects.update(is_reachable=False)
    made.row.refresh_from_db()
    return made


@pytest.fixture
def agreement(south: PartnerNode) -> Agreement:
    return agreement_in_force(south)


@pytest.fixture(autouse=True)
def nothing_lies_here() -> Iterator[None]:
    yield
    shutil.rmtree(settings.HOME / "partial", ignore_errors=True)


def _lane(sender: PartnerNode, agreement: Agreement | None = None) -> TheirLane:
    """A lane that this node has never heard of."""
    row = Lane(purpose="clause" if agreement else "talk", sender=sender.row, clause="1" if agreement else "")
    lane = TheirLane(sender, row)
    if agreement:
        row.agreement = agreement.id
        lane.members = {"agreement": agreement.versions.get().digest, "clause": "1"}
    lane.open()
    return lane


def _offer(lane: TheirLane) -> bytes:
    row = lane.row
    said = {
        "lane": str(row.wire_id),
        "purpose": row.purpose,
        "agreement": str(row.agreement) if row.agreement else None,
        "clause": row.clause,
        "head": lane.head(),
    }
    return canonical(said) + b"\n"


def _page(lane: TheirLane, after: int = -1, until: int | None = None) -> bytes:
    entries = lane.entries[after + 1 : len(lane.entries) if until is None else until + 1]
    lines = [
        chain.write_line(each.token, each.content if len(each.content or b"") <= chain.INLINE_BYTES else None)
        for each in entries
    ]
    return b"".join([_offer(lane), *lines, chain.write_head_line(lane.head())])


class Said(NamedTuple):
    """What was answered: the status, the code of the problem, and how far the lane or the content is held."""

    status: int
    code: str
    held: int | None


def _said(answer: Response) -> Said:
    told = answer.json()
    return Said(
        answer.status_code, str(told.get("type", "")).removeprefix("urn:taawun:problem:"), told.get("held")
    )


def _post(sender: PartnerNode, body: bytes, coding: str = "", path: str = "/federation/inbox") -> Response:
    headers = sender.sign("POST", path, body) | ({"Content-Encoding": coding} if coding else {})
    return Client().generic("POST", path, body, content_type="application/jsonl", headers=headers)


def _deliver(lane: TheirLane, after: int = -1, until: int | None = None) -> Said:
    return _said(_post(lane.sender, _page(lane, after, until)))


def _put(sender: PartnerNode, digest: str, piece: bytes, start: int = 0) -> Said:
    return _said(sender.request("PUT", f"/federation/blobs/{digest}?from={start}", piece))


def _held(sender: PartnerNode) -> list[tuple[int, str, str]]:
    rows = LaneEntry.objects.filter(lane__sender=sender.row).order_by("lane__opened", "seq")
    return list(rows.values_list("seq", "state", "reason"))


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_what_is_delivered_is_stored_and_taken_in_by_the_sync_loop(south: PartnerNode, notes: Notes) -> None:
    lane = _lane(south)
    lane.say("tests.word", {"word": 1})
    answer = _post(south, _page(lane))
    assert answer.json() == {"lane": str(lane.row.id), "held": 1, "wanted": []}
    # a request stores, and takes nothing in
    assert (_held(south), notes.heard) == ([(0, "pending", ""), (1, "pending", "")], [])
    south.row.refresh_from_db()
    assert south.row.wants_pull
    sync_partner(south.row.id)
    assert (_held(south), notes.heard) == ([(0, "done", ""), (1, "done", "")], [1])
    south.row.refresh_from_db()
    assert (south.row.failures, south.row.last_error) == (0, "")
    assert south.row.last_contact is not None


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_page_may_come_compressed(south: PartnerNode, coding: str) -> None:
    page = _page(_lane(south))
    packed = gzip.compress(page) if coding == "gzip" else zstandard.ZstdCompressor().compress(page)
    assert _said(_post(south, packed, coding)) == Said(200, "", 0)


def test_another_coding_is_refused_with_those_that_are_read(south: PartnerNode) -> None:
    answer = _post(south, _page(_lane(south)), "br")
    assert (_said(answer), answer.headers["Accept-Encoding"]) == (
        Said(415, "unknown-encoding", None),
        "zstd, gzip",
    )


def test_a_small_body_does_not_become_a_large_one(south: PartnerNode) -> None:
    bomb = zstandard.ZstdCompressor(level=19).compress(b"\0" * 512 * 1024 * 1024)
    assert len(bomb) < 64 * 1024
    assert _said(_post(south, bomb, "zstd")) == Said(413, "too-large", None)
    assert _said(_post(south, gzip.compress(b"\0" * 64 * 1024 * 1024), "gzip")) == Said(
        413, "too-large", None
    )
    assert _said(_post(south, b"no zstd at all", "zstd")) == Said(400, "malformed", None)
    assert not Lane.objects.filter(sender=south.row).exists()


def test_a_delivery_that_has_not_its_form_leaves_nothing(south: PartnerNode) -> None:
    lane = _lane(south)
    offer, *lines = _page(lane).splitlines(keepends=True)
    for body in (
        b"",
        b"\n",
        offer,
        b"[]\n" + b"".join(lines),
        b'{"lane":"x","purpose":"talk","head":"y"}\n' + b"".join(lines),
        # without a head, and with two
        b"".join([offer, lines[0]]),
        b"".join([offer, lines[1], *lines]),
        # a line that is none, one that is too long, and too many of them
        b"".join([offer, b"x\n", *lines]),
        b"".join([offer, b"x" * (chain.INLINE_BYTES + chain.MAX_HEADER_BYTES + 1), b"\n", *lines]),
        b"".join([offer, lines[0] * 501, lines[1]]),
    ):
        assert _said(_post(south, body)) == Said(400, "malformed", None), body[:80]
    assert not Lane.objects.filter(sender=south.row).exists()


def test_a_delivery_that_came_before_is_nothing_new_and_the_next_goes_on(
    south: PartnerNode, notes: Notes
) -> None:
    lane = _lane(south)
    for word in range(4):
        lane.say("tests.word", {"word": word})
    assert _deliver(lane, until=2) == Said(200, "", 2)
    assert _deliver(lane, until=2) == Said(200, "", 2)
    assert _deliver(lane, after=1) == Said(200, "", 4)
    sync_partner(south.row.id)
    assert notes.heard == [0, 1, 2, 3]


def test_a_talk_whose_head_was_signed_long_ago_is_not_heard(south: PartnerNode) -> None:
    lane = _lane(south)
    lane.say("tests.word", {"word": 1})
    lines = [_offer(lane), *(each.line for each in lane.entries)]
    old = chain.write_head_line(lane.head(at=now() - timedelta(minutes=31)))
    assert _said(_post(south, b"".join([*lines, old]))) == Said(409, "stale-head", None)
    assert not LaneEntry.objects.exists()
    south.row.refresh_from_db()
    assert (south.row.heard_until, south.row.last_error_code) == (None, "stale-head")
    assert "a signature of long ago" in last_problem(south.row)
    slow = chain.write_head_line(lane.head(at=now() - timedelta(minutes=29)))
    assert _said(_post(south, b"".join([*lines, slow]))) == Said(200, "", 1)
    south.row.refresh_from_db()
    assert south.row.last_error_code == ""


def test_a_gap_is_answered_with_what_is_held_and_stops_nothing(south: PartnerNode) -> None:
    lane = _lane(south)
    for word in range(4):
        lane.say("tests.word", {"word": word})
    assert _deliver(lane, after=1) == Said(409, "gap", -1)
    assert not Lane.objects.filter(sender=south.row).exists()
    assert _deliver(lane, until=1) == Said(200, "", 1)
    assert _deliver(lane, after=2) == Said(409, "gap", 1)
    assert Lane.objects.get(sender=south.row).state == "running"


def test_a_delivery_without_news_says_that_nothing_was_said_until_then(south: PartnerNode) -> None:
    lane = _lane(south)
    with frozen(now()) as clock:
        begun = clock.now()
        _deliver(lane)
        clock.advance(timedelta(hours=1))
        assert _deliver(lane, after=0) == Said(200, "", 0)
        south.row.refresh_from_db()
        assert south.row.heard_until == begun + timedelta(hours=1)
        # an old head says no more than it said
        before = clock.now() - timedelta(minutes=20)
        body = b"".join([_offer(lane), chain.write_head_line(lane.head(at=before))])
        assert _said(_post(south, body)).status == 200
        south.row.refresh_from_db()
        assert south.row.heard_until == begun + timedelta(hours=1)


def test_an_entry_that_does_not_fit_stops_the_lane_as_one_that_is_pulled_does(south: PartnerNode) -> None:
    lane = _lane(south)
    lane.say("tests.word", {"word": 1})
    lane.entries[1] = lane.forged(lane.entries[1], prev="f" * 64)
    assert _deliver(lane) == Said(409, "lane-stopped", 0)
    assert [each.params["reason"] for each in Notice.objects.filter(kind="partners.lane-stopped")] == ["fork"]
    # whatever follows is not read
    assert _deliver(lane, after=0) == Said(409, "lane-stopped", 0)


def test_entries_that_another_signed_stop_the_lane(south: PartnerNode) -> None:
    lane = _lane(south)
    assert _deliver(lane) == Said(200, "", 0)
    lane.write(key=SigningKey.generate())
    assert _deliver(lane, after=0) == Said(409, "lane-stopped", 0)
    assert Lane.objects.get(sender=south.row).stop_reason == "signature"


def test_a_lane_of_another_sender_is_not_delivered_by_this_one(south: PartnerNode) -> None:
    east = partner("Eastern CERT", nation="XE")
    lane = _lane(east)
    _deliver(lane)
    lane.say("tests.word", {"word": 1})
    # every signature is East's: South has a name of its own for it, and cannot begin it either
    assert _said(_post(south, _page(lane, after=0))) == Said(400, "malformed", None)
    assert _said(_post(south, _page(lane))) == Said(400, "malformed", None)
    assert LaneEntry.objects.count() == 1


def test_a_lane_that_is_for_others_is_not_begun(south: PartnerNode, agreement: Agreement) -> None:
    talk = TheirLane(south, Lane(purpose="talk", sender=south.row))
    talk.open(to="https://elsewhere.example")
    assert _deliver(talk) == Said(403, "not-to-us", None)
    narrow = _lane(south, agreement)
    narrow.entries.clear()
    narrow.open(audience=("https://elsewhere.example",))
    assert _deliver(narrow) == Said(403, "not-to-us", None)
    assert not Lane.objects.filter(sender=south.row).exists()
    guests = _lane(south, agreement)
    guests.entries.clear()
    guests.open(audience=(f"{settings.BASE_URL}#guest",))
    assert _deliver(guests) == Said(200, "", 0)


def test_one_that_nobody_compared_delivers_its_talk_as_far_as_its_quota_and_nothing_else(
    south: PartnerNode, agreement: Agreement
) -> None:
    Partner.objects.update(state=Partner.State.MET)
    lane = _lane(south)
    for word in range(UNVERIFIED_MESSAGES + 5):
        lane.say("tests.word", {"word": word})
    assert _deliver(lane) == Said(200, "", UNVERIFIED_MESSAGES)
    assert _deliver(lane, after=UNVERIFIED_MESSAGES) == Said(200, "", UNVERIFIED_MESSAGES)
    assert _deliver(_lane(south)) == Said(403, "not-taken", None)
    assert _deliver(_lane(south, agreement)) == Said(403, "not-taken", None)
    assert Lane.objects.filter(sender=south.row).count() == 1


def test_a_request_that_was_seen_is_not_taken_again(south: PartnerNode) -> None:
    body = _page(_lane(south))
    headers = south.sign("POST", "/federation/inbox", body)

    def post() -> Response:
        return Client().generic(
            "POST", "/federation/inbox", body, content_type="application/jsonl", headers=headers
        )

    assert [_said(post()), _said(post())] == [Said(200, "", 0), Said(401, "replayed", None)]


def test_who_is_blocked_or_has_a_descriptor_that_lapsed_delivers_nothing(south: PartnerNode) -> None:
    lane = _lane(south)
    Partner.objects.update(descriptor_valid_until=now())
    assert _deliver(lane) == Said(403, "descriptor-lapsed", None)
    Partner.objects.update(state=Partner.State.BLOCKED)
    assert _deliver(lane) == Said(403, "partner-blocked", None)
    assert not Lane.objects.filter(sender=south.row).exists()


def test_a_stranger_learns_nothing_of_lanes_and_contents(south: PartnerNode, agreement: Agreement) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="tests.note", content=LARGE)
    _deliver(lane)
    stranger = PartnerNode(Partner(node="https://stranger.example"), SigningKey.generate())
    before = (Lane.objects.count(), Partner.objects.count(), Nonce.objects.count())
    for body in (_page(lane), _page(_lane(stranger)), b"nothing"):
        assert _said(_post(stranger, body)) == Said(401, "unknown-key", None)
    for digest in (sha256(LARGE), "0" * 64):
        assert _put(stranger, digest, b"x") == Said(401, "unknown-key", None)
    assert (Lane.objects.count(), Partner.objects.count(), Nonce.objects.count()) == before
    # and a partner is told of another's as of none
    east = partner("Eastern CERT", nation="XE")
    assert _put(east, sha256(LARGE), b"x") == _put(east, "0" * 64, b"x") == Said(404, "not-wanted", None)


def test_while_the_disk_is_almost_full_nothing_is_taken(
    south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "has_room", lambda: False)
    assert _deliver(_lane(south)) == Said(507, "no-room", None)
    assert not Lane.objects.filter(sender=south.row).exists()
    assert Notice.objects.filter(kind="partners.disk-full", resolved=None).count() == 1


def test_a_partner_has_one_request_dealt_with_at_a_time_and_others_are_not_kept_waiting(
    south: PartnerNode,
) -> None:
    east = partner("Eastern CERT", nation="XE")
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        # a turn is a connection's on PostgreSQL, so that another request's is another thread's
        try:
            with hold_turn(f"partners.sync {south.row.id}"):
                held.set()
                over.wait(30)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(hold)
        assert held.wait(30)
        answer = _post(south, _page(_lane(south)))
        others = _deliver(_lane(east))
        over.set()
        done.result()
    assert (_said(answer), answer.headers["Retry-After"]) == (Said(429, "busy", None), "2")
    assert others == Said(200, "", 0)


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_eight_times_at_once_leaves_every_entry_once(
    south: PartnerNode, notes: Notes
) -> None:
    lane = _lane(south)
    for word in range(20):
        lane.say("tests.word", {"word": word})

    def deliver(_number: int) -> int:
        try:
            return _deliver(lane).status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(deliver, range(8)))
    assert 200 in statuses <= {200, 429}
    assert [seq for seq, _state, _reason in _held(south)] == list(range(21))
    sync_partner(south.row.id)
    assert notes.heard == list(range(20))


# ---- contents -------------------------------------------------------------------------------------------------------


def _pieces(content: bytes) -> list[tuple[int, bytes]]:
    size = 1024 * 1024
    return [(start, content[start : start + size]) for start in range(0, len(content), size)]


def test_a_large_content_comes_in_pieces_and_is_taken_in(
    south: PartnerNode, agreement: Agreement, notes: Notes
) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="tests.note", subject="urn:test:large", version="1", content=LARGE)
    wanted = _post(south, _page(lane)).json()["wanted"]
    assert wanted == [{"digest": sha256(LARGE), "held": 0}]
    sync_partner(south.row.id)
    assert _held(south)[1] == (1, "pending", "not-delivered")
    for start, piece in _pieces(LARGE):
        assert _put(south, sha256(LARGE), piece, start) == Said(200, "", start + len(piece))
    sync_partner(south.row.id)
    assert _held(south)[1] == (1, "done", "")
    assert notes.received == [("urn:test:large", "1", LARGE)]
    # nothing is left of it but the content, and nothing more of it is wanted
    assert list((settings.HOME / "partial").glob("*/*")) == []
    assert _post(south, _page(lane, after=1)).json()["wanted"] == []
    assert _put(south, sha256(LARGE), b"x") == Said(404, "not-wanted", None)


def test_delivery_of_a_content_goes_on_where_it_ended(south: PartnerNode, agreement: Agreement) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="tests.note", content=LARGE)
    _deliver(lane)
    (_, first), (second_start, second), *_ = _pieces(LARGE)
    _put(south, sha256(LARGE), first)
    assert _put(south, sha256(LARGE), first) == Said(409, "other-place", len(first))
    assert _put(south, sha256(LARGE), second, second_start + 1) == Said(409, "other-place", len(first))
    assert _post(south, _page(lane, after=1)).json()["wanted"] == [
        {"digest": sha256(LARGE), "held": len(first)}
    ]
    assert _put(south, sha256(LARGE), second, second_start).status == 200


def test_a_content_of_another_digest_is_thrown_away(south: PartnerNode, agreement: Agreement) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="tests.note", content=LARGE)
    _deliver(lane)
    other = LARGE[:-1] + b" "
    *pieces, (start, last) = _pieces(other)
    for at, piece in pieces:
        _put(south, sha256(LARGE), piece, at)
    assert _put(south, sha256(LARGE), last, start) == Said(422, "other-content", 0)
    assert _post(south, _page(lane, after=1)).json()["wanted"] == [{"digest": sha256(LARGE), "held": 0}]
    # one that is longer, too
    for at, piece in pieces:
        _put(south, sha256(LARGE), piece, at)
    assert _put(south, sha256(LARGE), last + b" ", start) == Said(422, "other-content", 0)
    assert not Content.objects.filter(digest=sha256(LARGE)).exists()
    assert Lane.objects.get(sender=south.row).state == "running"


@pytest.mark.parametrize(("query", "size"), [("", 1), ("?from=-1", 1), ("?from=x", 1), ("?from=0", 0)])
def test_a_piece_that_is_none_is_refused(south: PartnerNode, query: str, size: int) -> None:
    answer = south.request("PUT", f"/federation/blobs/{'0' * 64}{query}", b"x" * size)
    assert _said(answer) == Said(400, "malformed", None)


def test_a_piece_has_a_mebibyte_at_the_most(south: PartnerNode) -> None:
    assert _put(south, "0" * 64, b"x" * (1024 * 1024 + 1)) == Said(400, "malformed", None)


def test_contents_are_wanted_of_entries_alone_that_this_node_would_open(
    south: PartnerNode, agreement: Agreement
) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="nobody.knows", content=LARGE)
    lane.write(kind="tests.note", audience=("https://elsewhere.example",), content=LARGE + b" ")
    lane.write(kind="tests.note", agreement="d" * 64, content=LARGE + b"  ")
    assert _post(south, _page(lane)).json()["wanted"] == []
    for content in (LARGE, LARGE + b" ", LARGE + b"  ", b"other"):
        assert _put(south, sha256(content), b"x") == Said(404, "not-wanted", None)


def test_what_was_withdrawn_meanwhile_is_not_wanted(south: PartnerNode, agreement: Agreement) -> None:
    lane = _lane(south, agreement)
    lane.withdraw(lane.write(kind="tests.note", content=LARGE))
    assert _post(south, _page(lane)).json()["wanted"] == []


# ---- what lies here in part -----------------------------------------------------------------------------------------


def test_of_one_partner_no_more_lies_here_in_part_than_there_may(
    south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAX_UPLOAD_BYTES", 1000)
    for number in range(5):
        partial = Partial(south.row, sha256(bytes([number])), 800)
        partial.append(b"x" * 700)
        os.utime(partial._path, (number, number))
    lying = (settings.HOME / "partial" / str(south.row.id)).iterdir()
    # two of them, and those that were gone on with last
    assert {each.name for each in lying} == {sha256(bytes([number])) for number in (3, 4)}


def test_what_nobody_goes_on_with_is_swept_and_so_is_what_nobodys_node_left(south: PartnerNode) -> None:
    fresh, old = Partial(south.row, "a" * 64, 10), Partial(south.row, "b" * 64, 10)
    gone = Partial(Partner(node="https://gone.example"), "c" * 64, 10)
    for each in (fresh, old, gone):
        each.append(b"x")
    os.utime(old._path, (0, 0))
    assert sweep() == 2
    assert (fresh.held, old.held, gone.held) == (1, 0, 0)


def test_what_was_delivered_and_spoilt_since_is_asked_for_again_and_stops_nothing(
    south: PartnerNode, agreement: Agreement
) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="tests.note", content=LARGE)
    _deliver(lane)
    for start, piece in _pieces(LARGE):
        _put(south, sha256(LARGE), piece, start)
    Partial(south.row, sha256(LARGE), len(LARGE))._path.write_bytes(b"\0" * len(LARGE))
    sync_partner(south.row.id)
    assert _held(south)[1] == (1, "pending", "not-delivered")
    assert Lane.objects.get(sender=south.row).state == "running"
    assert _post(south, _page(lane, after=1)).json()["wanted"] == [{"digest": sha256(LARGE), "held": 0}]


def test_pieces_are_taken_while_the_sync_loop_is_at_work(south: PartnerNode, agreement: Agreement) -> None:
    lane = _lane(south, agreement)
    lane.write(kind="tests.note", content=LARGE)
    _deliver(lane)
    with hold_turn(f"partners.sync {south.row.id}"):
        assert _put(south, sha256(LARGE), LARGE[:1000]) == Said(200, "", 1000)
