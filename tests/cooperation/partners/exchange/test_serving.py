"""What is served to partners: their lanes and no others, with the contents they may have at that moment."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from taawun.cooperation.agreements.actions import resume, suspend, terminate
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.actions import Draft, publish, withdraw
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.actions import MAX_STRANGERS, block
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, pages
from taawun.cooperation.partners.models import GENESIS, Content, Lane, LaneEntry, Partner
from taawun.foundation import request_signatures
from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

LARGE = canonical({"long": "x" * (chain.INLINE_BYTES + 1)})


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


@pytest.fixture
def agreement(south: PartnerNode) -> Agreement:
    return agreement_in_force(south)


def _publish(
    cast: Cast, number: int = 1, content: bytes = b'{"note":1}', audience: list[str] | None = None
) -> Release:
    return publish(
        cast.analyst.actor,
        Draft("tests.note", f"urn:test:{number}", "1", "A note", Tlp.GREEN, content),
        audience,
    )


def _offers(reader: PartnerNode) -> list[tuple[str, int]]:
    """Purpose and head of each lane that is listed to a partner; each head is ours."""
    offers = reader.request("GET", "/federation/lanes").json()["lanes"]
    for each in offers:
        head = chain.read_head(each["head"], node_key().public)
        assert str(head.lane) == each["lane"]
    return [(each["purpose"], chain.read_head(each["head"], node_key().public).seq) for each in offers]


def _lane(purpose: str = "clause") -> Lane:
    return Lane.objects.get(sender=None, purpose=purpose)


def _page(
    reader: PartnerNode, lane: Lane, query: str = ""
) -> tuple[list[tuple[int, bytes | None]], chain.Head]:
    """Seq and content of each entry of a page, and its head; every line is held to the one before it."""
    answer = reader.request("GET", f"/federation/lanes/{lane.id}{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jsonl")
    *lines, last = [chain.read_line(line) for line in answer.content.splitlines()]
    found = []
    previous = ""
    for line in lines:
        header = chain.read_header(line.header or "", node_key().public)
        assert previous in {"", header.prev}
        assert line.content is None or sha256(line.content) == header.digest
        previous = chain.digest_of(line.header or "")
        found.append((header.seq, line.content))
    head = chain.read_head(last.head or "", node_key().public)
    assert head.lane == lane.id
    return found, head


def _status(reader: PartnerNode, path: str) -> int:
    answer = reader.request("GET", path)
    if answer.streaming:
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # a file's answer, to be read and closed
    return answer.status_code


# ---- descriptor and lists -------------------------------------------------------------------------------------------


def test_anybody_may_ask_who_we_are(south: PartnerNode) -> None:
    answer = Client().get("/.well-known/taawun")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jose")
    assert descriptor.read(answer.content, at=now(), expected_node=settings.BASE_URL).key == node_key().public
    assert Client().post("/.well-known/taawun").status_code == 405


def test_a_partner_is_shown_its_own_lanes_alone(cast: Cast, south: PartnerNode, agreement: Agreement) -> None:
    east = partner(nation="XE")
    agreement_in_force(south, east)
    messages.send(south.row, "tests.word", {"word": 1})
    _publish(cast, 1, audience=[south.node])
    assert _offers(south) == [("talk", 1), ("clause", 1)]
    assert _offers(east) == []
    for lane in Lane.objects.all():
        assert _status(south, f"/federation/lanes/{lane.id}") == 200
        assert _status(east, f"/federation/lanes/{lane.id}") == 404
    assert _status(south, f"/federation/lanes/{uuid4()}") == 404


def test_a_partner_nobody_compared_is_talked_to_and_given_nothing(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    _publish(cast, content=LARGE)
    messages.send(south.row, "tests.word", {"word": 1})
    Partner.objects.update(state=Partner.State.MET)
    assert _offers(south) == [("talk", 1)]
    assert _status(south, f"/federation/lanes/{_lane('talk').id}") == 200
    assert _status(south, f"/federation/lanes/{_lane().id}") == 404
    assert _status(south, f"/federation/blobs/{sha256(LARGE)}") == 404


def test_a_lane_that_a_partner_sent_is_not_ours_to_serve(south: PartnerNode) -> None:
    lane = Lane.objects.create(purpose="talk", sender=south.row)
    assert _status(south, f"/federation/lanes/{lane.id}") == 404


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_a_page_has_the_entries_after_a_place_and_ends_with_a_head(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    for number in range(1, 5):
        _publish(cast, number, b'{"note":%d}' % number)
    lane = _lane()
    everything, head = _page(south, lane)
    assert [seq for seq, _content in everything] == [0, 1, 2, 3, 4]
    assert [content for _seq, content in everything[1:]] == [
        b'{"note":%d}' % number for number in range(1, 5)
    ]
    assert (head.seq, head.digest) == (4, lane.head_digest)
    assert _page(south, lane, "?after=2")[0] == everything[3:]
    assert _page(south, lane, "?after=0&limit=2")[0] == everything[1:3]
    assert _page(south, lane, "?limit=99999")[0] == everything
    assert _page(south, lane, "?after=4")[0] == []
    assert _page(south, lane, f"?after={10**30}")[0] == []


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=-2", "?limit=0", "?limit=-1", "?limit=all", "?after=", "?after=1.5"]
)
def test_a_page_that_is_none_is_refused(
    cast: Cast, south: PartnerNode, agreement: Agreement, query: str
) -> None:
    _publish(cast)
    answer = south.request("GET", f"/federation/lanes/{_lane().id}{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:taawun:problem:bad-page")


def test_a_page_is_no_larger_than_it_must_be_and_never_empty(
    cast: Cast, south: PartnerNode, agreement: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 4):
        _publish(cast, number, canonical({"x": "x" * 1000, "n": number}))
    monkeypatch.setattr(pages, "_BYTES", 2000)
    lane = _lane()
    seen, after = [], -1
    while True:
        entries, head = _page(south, lane, f"?after={after}")
        seen.append([seq for seq, _content in entries])
        after = entries[-1][0]
        if after == head.seq:
            break
    assert seen == [[0], [1], [2], [3]]


def test_the_head_of_a_page_never_ends_before_its_last_entry(
    cast: Cast, south: PartnerNode, agreement: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish(cast)
    looked_up = pages.page

    def while_something_is_published(found: Lane, after: int, **bounds: int) -> list[LaneEntry]:
        # between the moment the lane was looked up and the moment its entries are
        _publish(cast, 2)
        return looked_up(found, after, **bounds)

    monkeypatch.setattr(pages, "page", while_something_is_published)
    entries, head = _page(south, _lane())
    assert ([seq for seq, _content in entries], head.seq) == ([0, 1, 2], 2)


def test_a_large_content_stays_out_of_its_line(cast: Cast, south: PartnerNode, agreement: Agreement) -> None:
    _publish(cast, content=LARGE)
    assert _page(south, _lane())[0][1] == (1, None)


# ---- the decision, anew each time -----------------------------------------------------------------------------------


def test_while_an_agreement_is_suspended_its_headers_are_served_and_its_contents_are_not(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    _publish(cast)
    _publish(cast, 2, LARGE)
    blob = f"/federation/blobs/{sha256(LARGE)}"

    def contents() -> list[bytes | None]:
        return [content for _seq, content in _page(south, _lane())[0]][1:]

    assert (contents(), _status(south, blob)) == ([b'{"note":1}', None], 200)
    suspend(cast.officer.actor, agreement, "")
    assert (contents(), _status(south, blob)) == ([None, None], 404)
    resume(cast.officer.actor, agreement, "")
    assert (contents(), _status(south, blob)) == ([b'{"note":1}', None], 200)
    terminate(cast.officer.actor, agreement, "")
    assert (contents(), _status(south, blob)) == ([None, None], 404)


def test_what_was_withdrawn_is_gone_and_its_header_stays(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    small, large = _publish(cast), _publish(cast, 2, LARGE)
    for release in (small, large):
        withdraw(cast.analyst.actor, release, "")
    assert _page(south, _lane())[0][1:] == [(1, None), (2, None), (3, None), (4, None)]
    for release in (small, large):
        assert _status(south, f"/federation/blobs/{release.digest}") == 404
    assert not Content.objects.filter(digest__in=[small.digest, large.digest]).exists()


def test_after_its_descriptor_lapsed_a_partner_is_served_no_clause_lane_and_its_talk(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    _publish(cast)
    Partner.objects.update(descriptor_valid_until=now() - timedelta(seconds=1))
    assert _status(south, f"/federation/lanes/{_lane().id}") == 404
    listed = json.loads(south.request("GET", "/federation/lanes").content)["lanes"]
    assert {each["purpose"] for each in listed} <= {"talk"}
    Partner.objects.update(descriptor_valid_until=now() + timedelta(days=1))
    assert _page(south, _lane())[0][1][1] is not None


def test_a_blocked_partner_is_given_nothing_at_all(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    _publish(cast)
    block(cast.administrator.actor, south.row)
    for path in ("/federation/lanes", f"/federation/lanes/{_lane().id}", f"/federation/blobs/{'a' * 64}"):
        assert _status(south, path) == 403


# ---- blobs ----------------------------------------------------------------------------------------------------------


def _blob(reader: PartnerNode, digest: str, **headers: str) -> tuple[int, bytes, str | None]:
    answer: Response = reader.request("GET", f"/federation/blobs/{digest}", b"", **headers)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]  # a response is one or the other
    return answer.status_code, body, answer.headers.get("Content-Range")


def test_a_content_is_had_by_its_digest_and_from_where_it_broke_off(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    _publish(cast, content=LARGE)
    digest, size = sha256(LARGE), len(LARGE)
    assert _blob(south, digest) == (200, LARGE, None)
    assert _blob(south, digest, Range="bytes=1000-") == (206, LARGE[1000:], f"bytes 1000-{size - 1}/{size}")
    assert _blob(south, digest, Range=f"bytes={size - 1}-") == (
        206,
        b"}",
        f"bytes {size - 1}-{size - 1}/{size}",
    )
    for odd in (f"bytes={size}-", "bytes=-5", "bytes=1-5", "lines=1-", "bytes=x-", "bytes=" + "9" * 20 + "-"):
        assert _blob(south, digest, Range=odd) == (200, LARGE, None)


def test_a_small_content_is_had_by_its_digest_too(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    _publish(cast)
    assert _blob(south, sha256(b'{"note":1}')) == (200, b'{"note":1}', None)


def test_a_content_of_others_is_not_told_apart_from_none(
    cast: Cast, south: PartnerNode, agreement: Agreement
) -> None:
    east = partner(nation="XE")
    agreement_in_force(south, east)
    _publish(cast, content=LARGE, audience=[south.node])
    for digest in (sha256(LARGE), sha256(b"nothing"), "A" * 64, "a" * 63, "../secret"):
        assert _status(east, f"/federation/blobs/{digest}") == 404
    # to hold the same bytes for a partner is no reason to give them to it
    LaneEntry.objects.create(
        lane=Lane.objects.create(purpose="talk", sender=east.row),
        seq=0,
        header="",
        digest=GENESIS,
        kind="tests.word",
        subject="",
        action="publish",
        content_digest=sha256(LARGE),
        issued=now(),
        state="done",
    )
    assert _status(east, f"/federation/blobs/{sha256(LARGE)}") == 404


def test_a_content_that_is_gone_though_its_header_is_read_says_so(south: PartnerNode) -> None:
    entry = messages.send(south.row, "tests.word", {"word": 1})
    Content.objects.filter(digest=entry.content_digest).delete()
    assert _status(south, f"/federation/blobs/{entry.content_digest}") == 410


# ---- the inbox ------------------------------------------------------------------------------------------------------


def _knock(
    key: SigningKey, token: object, *, signed_by: SigningKey | None = None, body: bytes | None = None
) -> tuple[int, str]:
    """Status and problem of a word to the inbox."""
    sent = body if body is not None else json.dumps({"descriptor": token, "heads": []}).encode()
    url = settings.BASE_URL + "/federation/inbox"
    headers = request_signatures.sign("POST", url, sent, signed_by or key, at=now())
    answer = Client().generic(
        "POST", "/federation/inbox", sent, content_type="application/json", headers=headers
    )
    return answer.status_code, "" if answer.status_code == 202 else str(answer.json()["type"]).removeprefix(
        "urn:taawun:problem:"
    )


def _describe(key: SigningKey, node: str = "https://new.example", days_ago: int = 0) -> str:
    return descriptor.write(
        node=node,
        kind="nation",
        nation="XQ",
        name=Text.of(en="Newcomer"),
        nation_name=Text.of(en="Newland"),
        contacts=[],
        key=key,
        recovery_jwk=None,
        at=now() - timedelta(days=days_ago),
    )


def test_a_partner_that_has_news_is_asked_for_it_at_once(south: PartnerNode) -> None:
    Partner.objects.update(wants_pull=False, not_before=now() + timedelta(hours=1))
    assert _knock(south.key, south.descriptor()) == (202, "")
    south.row.refresh_from_db()
    assert south.row.wants_pull
    assert south.row.not_before <= now()


@pytest.mark.parametrize(
    ("state", "introduced_from", "seconds"),
    [("verified", "", 5), ("met", "", 5), ("met", "192.0.2.7", 600)],
)
def test_who_just_failed_is_not_asked_at_once_because_it_knocks(
    south: PartnerNode, state: str, introduced_from: str, seconds: int
) -> None:
    with frozen(now()) as clock:
        Partner.objects.update(
            state=state,
            introduced_from=introduced_from,
            failures=7,
            wants_pull=False,
            not_before=clock.now() + timedelta(seconds=600),
        )
        for _ in range(3):
            assert _knock(south.key, south.descriptor()) == (202, "")
        south.row.refresh_from_db()
        assert south.row.wants_pull
        assert south.row.not_before == clock.now() + timedelta(seconds=seconds)
        # knocking on does not put it off either
        clock.advance(timedelta(seconds=2))
        assert _knock(south.key, south.descriptor()) == (202, "")
        south.row.refresh_from_db()
        assert south.row.not_before == clock.now() + timedelta(seconds=seconds - 2)


def test_a_stranger_may_introduce_itself_and_is_asked_at_its_own_address(south: PartnerNode) -> None:
    key = SigningKey.generate()
    assert _knock(key, _describe(key)) == (202, "")
    found = Partner.objects.get(node="https://new.example")
    assert (found.state, found.kid, found.wants_pull) == ("claimed", "", True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "malformed")),
        (b"[]", (400, "malformed")),
        (b'"x"', (400, "malformed")),
        (b"{}", (400, "malformed")),
        (b'{"descriptor":5}', (400, "malformed")),
        (b'{"descriptor":"x","descriptor":"y"}', (400, "malformed")),
        (b'{"descriptor":"x"}', (400, "signature")),
        (b'{"descriptor":"' + b"x" * 262_144 + b'"}', (413, "too-large")),
    ],
)
def test_a_word_that_is_none_is_refused_and_nobody_is_noted(
    south: PartnerNode, body: bytes, expected: tuple[int, str]
) -> None:
    assert _knock(SigningKey.generate(), None, body=body) == expected
    assert Partner.objects.count() == 1


def test_a_stranger_signs_with_the_key_it_shows(south: PartnerNode) -> None:
    key, other = SigningKey.generate(), SigningKey.generate()
    assert _knock(key, _describe(key), signed_by=other) == (401, "unknown-key")
    assert _knock(key, _describe(key, days_ago=29)) == (400, "lapsed")
    # a partner's descriptor in a stranger's hand opens nothing
    assert _knock(key, south.descriptor()) == (401, "unknown-key")
    assert _knock(key, _describe(key, node=settings.BASE_URL)) == (403, "ourselves")
    assert Partner.objects.count() == 1


def test_a_flood_of_strangers_is_held_off_and_partners_are_still_heard(south: PartnerNode) -> None:
    Partner.objects.bulk_create(
        Partner(node=f"https://n{number}.example", state="claimed") for number in range(MAX_STRANGERS)
    )
    key = SigningKey.generate()
    assert _knock(key, _describe(key)) == (403, "too-many-strangers")
    assert _knock(south.key, south.descriptor()) == (202, "")


def _unknown_from(address: str) -> Response:
    """A word of a node nobody here knows, under a name of its own, from an address."""
    key = SigningKey.generate()
    node = f"https://n{Partner.objects.count()}.example"
    sent = json.dumps({"descriptor": _describe(key, node), "heads": []}).encode()
    headers = request_signatures.sign("POST", settings.BASE_URL + "/federation/inbox", sent, key, at=now())
    return Client().generic(
        "POST",
        "/federation/inbox",
        sent,
        content_type="application/json",
        headers=headers,
        REMOTE_ADDR=address,
    )


def test_one_address_introduces_a_few_unknown_nodes_at_once_and_then_one_a_minute(south: PartnerNode) -> None:
    with frozen(now()) as clock:
        answers = [_unknown_from("192.0.2.7") for _ in range(6)]
        assert [each.status_code for each in answers] == [202] * 5 + [429]
        assert answers[-1].headers["Content-Type"] == "application/problem+json"
        assert answers[-1].headers["Retry-After"] == "60"
        assert answers[-1].json()["type"] == "urn:taawun:problem:too-many-requests"
        assert Partner.objects.filter(introduced_from="192.0.2.7").count() == 5
        # others, and partners behind the same address, are heard
        assert _unknown_from("192.0.2.8").status_code == 202
        assert _knock(south.key, south.descriptor()) == (202, "")
        clock.advance(timedelta(minutes=1))
        assert [_unknown_from("192.0.2.7").status_code for _ in range(2)] == [202, 429]


def test_a_network_of_ipv6_is_one_address(south: PartnerNode) -> None:
    with frozen(now()):
        answers = [_unknown_from(f"2001:db8:0:1::{number:x}").status_code for number in range(6)]
        assert answers == [202] * 5 + [429]
        assert _unknown_from("2001:db8:0:2::1").status_code == 202
    assert set(Partner.objects.exclude(introduced_from="").values_list("introduced_from", flat=True)) == {
        "2001:db8:0:1::/64",
        "2001:db8:0:2::/64",
    }


def test_the_blocked_are_not_heard_under_their_key_nor_under_another(cast: Cast, south: PartnerNode) -> None:
    block(cast.administrator.actor, south.row)
    Partner.objects.update(wants_pull=False)
    assert _knock(south.key, south.descriptor()) == (403, "partner-blocked")
    key = SigningKey.generate()
    assert _knock(key, _describe(key, node=south.node)) == (403, "partner-blocked")
    assert not Partner.objects.get().wants_pull


def test_a_word_to_the_inbox_is_taken_once_and_only_as_a_post(south: PartnerNode) -> None:
    body = json.dumps({"descriptor": south.descriptor(), "heads": []}).encode()
    headers = south.sign("POST", "/federation/inbox", body)
    answers = [
        Client().generic("POST", "/federation/inbox", body, content_type="application/json", headers=headers)
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [202, 401]
    assert _status(south, "/federation/inbox") == 405


def test_an_introduction_under_a_known_address_changes_nothing_of_what_is_held(south: PartnerNode) -> None:
    later = now() + timedelta(hours=1)
    Partner.objects.update(wants_pull=False, not_before=later, failures=9)
    key = SigningKey.generate()
    assert _knock(key, _describe(key, node=south.node)) == (202, "")
    south.row.refresh_from_db()
    assert (south.row.kid, south.row.state) == (south.key.kid, "verified")
    assert (south.row.wants_pull, south.row.not_before, south.row.failures) == (False, later, 9)


def test_who_was_named_and_has_not_answered_yet_is_asked_soon_once_it_says_that_it_is_there(
    south: PartnerNode,
) -> None:
    key = SigningKey.generate()
    with frozen(now()) as clock:
        later = clock.now() + timedelta(minutes=30)
        Partner.objects.create(node="https://new.example", state="claimed", failures=9, not_before=later)
        assert _knock(key, _describe(key)) == (202, "")
        found = Partner.objects.get(node="https://new.example")
        assert (found.kid, found.not_before) == ("", clock.now() + timedelta(seconds=5))
