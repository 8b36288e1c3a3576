"""The public lane: what may stand there, who reads it, and what is taken in from a partner's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given as forall
from hypothesis import strategies as st

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.agreements.policy import Facts, Origin
from taawun.cooperation.federation.actions import (
    Draft,
    publish,
    publish_to_everybody,
    put_back,
    share_onward,
    withdraw,
)
from taawun.cooperation.federation.errors import NobodyReceives, ReleaseRefused
from taawun.cooperation.federation.ledger import Wanted, cells
from taawun.cooperation.federation.models import GuestCopy, Passage, Receipt, Release
from taawun.cooperation.federation.standing import may_be_public
from taawun.cooperation.partners.errors import ChainBroken, NodeReturning, PartnerRefused
from taawun.cooperation.partners.exchange import delivering, serving
from taawun.cooperation.partners.exchange.following import follow, unfollow
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.exchange.wire import LaneOffer
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, lanes
from taawun.cooperation.partners.logs.offers import Offered
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.partners.restored import asking, held, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.rules import Granted
from taawun.foundation.digests import sha256
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from taawun.platform.web.limits import Buckets, Rate
from tests.cast import Cast, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import DONE, note
from tests.cooperation.federation.test_onward import onward
from tests.lanes import Entry, TheirLane, clause_lane, nothing_to_fetch, talk_lane

SYSTEM = SystemActor("tests")
CLEAR = b'{"note":"for everybody"}'
LARGE = canonical({"long": "x" * (chain.INLINE_BYTES + 1)})


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a process remembers ends with the test: that its node returned, and how often somebody asked."""
    monkeypatch.setattr(serving, "ANYBODY", Buckets(Rate(burst=1000, per_second=1)))
    yield
    returning._Known.is_over = False


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


def draft(number: int = 1, content: bytes = CLEAR, tlp: Tlp = Tlp.CLEAR, **changes: Any) -> Draft:
    return Draft("tests.note", f"urn:test:{number}", "1", f"Note {number}", tlp, content, **changes)


def to_all(number: int = 1, content: bytes = CLEAR) -> Release:
    return publish(SYSTEM, draft(number, content), in_public=True)


def public_lane_of(sender: PartnerNode, *, opened: bool = True, **members: Any) -> TheirLane:
    """A partner's public lane, which is followed here."""
    Partner.objects.filter(id=sender.row.id).update(is_followed=True)
    sender.row.refresh_from_db()
    row = Lane.objects.create(purpose=Lane.Purpose.PUBLIC, sender=sender.row)
    lane = TheirLane(sender, row, tlp=Tlp.CLEAR, **members)
    if opened:
        opens(lane)
    return lane


def opens(lane: TheirLane, **changes: Any) -> Entry:
    said = canonical({"purpose": "public", "sender": lane.sender.node})
    return lane.write(kind="lane.opened", **{"content": said, **changes})


def lines(body: bytes) -> list[chain.Line]:
    return [chain.read_line(line) for line in body.splitlines()]


# ---- what may stand there -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("south")
def test_a_release_for_everybody_stands_on_one_lane_that_names_nobody() -> None:
    release = to_all()
    to_all(2)
    lane = Lane.objects.get(sender=None, purpose="public")
    opening, first, _second = (
        chain.read_header(each.header, node_key().public)
        for each in LaneEntry.objects.filter(lane=lane).order_by("seq")
    )
    assert (opening.kind, opening.audience, opening.to, opening.tlp) == ("lane.opened", (), "", Tlp.CLEAR)
    assert (first.subject, first.tlp, first.agreement, first.clause, first.audience) == (
        "urn:test:1",
        Tlp.CLEAR,
        "",
        "",
        (),
    )
    (passage,) = Passage.objects.filter(release=release)
    assert passage.is_public
    assert AuditEntry.objects.filter(verb="federation.published", details__public=True).count() == 2


def test_it_goes_to_partners_by_their_clauses_as_well_and_only_when_it_was_chosen(south: PartnerNode) -> None:
    agreement_in_force(south)
    publish(SYSTEM, draft())
    assert not Lane.objects.filter(purpose="public").exists()
    to_all(2)
    assert sorted(
        Passage.objects.filter(release__subject="urn:test:2").values_list("entry__lane__purpose", flat=True)
    ) == ["clause", "public"]


@pytest.mark.parametrize(
    ("changes", "audience", "code"),
    [
        ({"tlp": Tlp.GREEN}, None, "not-clear"),
        ({"tlp": Tlp.AMBER}, None, "not-clear"),
        ({"tlp": Tlp.RED, "persons": ("a@b.example",)}, None, "not-clear"),
        ({"persons": ("a@b.example",)}, None, "not-public"),
        ({}, "south", "not-public"),
        ({"origin": Origin("parties", uuid4())}, None, "onward"),
        ({"origin": Origin("public", bound=frozenset({"https://a.example"}))}, None, "onward"),
        ({"origin": Origin("none")}, None, "onward"),
    ],
)
def test_nothing_else_stands_there_and_the_refusal_says_why(
    south: PartnerNode, changes: dict[str, Any], audience: str | None, code: str
) -> None:
    agreement_in_force(south)
    with pytest.raises(ReleaseRefused) as refused:
        publish(SYSTEM, draft(**changes), [south.node] if audience else None, in_public=True)
    assert refused.value.code == code
    assert not Release.objects.exists()
    assert not Lane.objects.filter(purpose="public").exists()


def test_only_an_administrator_or_an_officer_speaks_to_everybody(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    release = publish(cast.analyst.actor, draft())
    for member in (cast.analyst, cast.observer, cast.stranger):
        with pytest.raises(NotAllowed):
            publish_to_everybody(member.actor, release)
    with pytest.raises(NotAllowed):
        publish(cast.analyst.actor, draft(2), in_public=True)
    # and nobody publishes a kind to everybody whose permission they lack
    with pytest.raises(NotAllowed):
        publish(cast.officer.actor, draft(2), in_public=True)
    assert not Lane.objects.filter(purpose="public").exists()
    publish_to_everybody(cast.officer.actor, release)
    assert AuditEntry.objects.get(verb="federation.made-public").details["subject"] == "urn:test:1"


@pytest.mark.usefixtures("south")
def test_without_any_agreement_something_can_go_to_everybody() -> None:
    with pytest.raises(NobodyReceives):
        publish(SYSTEM, draft())
    assert to_all().passages.count() == 1


def test_what_was_published_goes_to_everybody_later_once(south: PartnerNode) -> None:
    agreement_in_force(south)
    release = publish(SYSTEM, draft())
    publish_to_everybody(SYSTEM, release)
    publish_to_everybody(SYSTEM, release)
    assert release.passages.filter(agreement=None).count() == 1
    assert AuditEntry.objects.filter(verb="federation.made-public").count() == 1
    withdraw(SYSTEM, release, "")
    with pytest.raises(ReleaseRefused) as refused:
        publish_to_everybody(SYSTEM, release)
    assert refused.value.code == "not-live"


def test_what_was_given_to_some_does_not_go_to_everybody(south: PartnerNode) -> None:
    agreement_in_force(south)
    release = publish(SYSTEM, draft(), [south.node])
    with pytest.raises(ReleaseRefused) as refused:
        publish_to_everybody(SYSTEM, release)
    assert refused.value.code == "not-public"


@pytest.mark.parametrize(("tlp", "code"), [(Tlp.CLEAR, "not-public"), (Tlp.AMBER, "not-clear")])
def test_publishing_the_same_again_does_not_open_what_was_for_some_or_marked(
    south: PartnerNode, tlp: Tlp, code: str
) -> None:
    agreement_in_force(south)
    publish(SYSTEM, draft(tlp=tlp), [south.node] if tlp == Tlp.CLEAR else None)
    with pytest.raises(ReleaseRefused) as refused:
        to_all()
    assert refused.value.code == code
    assert not Lane.objects.filter(purpose="public").exists()


@pytest.mark.parametrize(
    ("tlp", "audience", "persons", "agreement"),
    [
        (Tlp.GREEN, (), (), ""),
        (Tlp.CLEAR, ("https://a.example",), (), ""),
        (Tlp.CLEAR, (), ("a@b.example",), ""),
        (Tlp.CLEAR, (), (), "a" * 64),
    ],
)
@pytest.mark.usefixtures("south")
def test_the_lane_itself_takes_nothing_that_is_not_for_everybody(
    tlp: Tlp, audience: tuple[str, ...], persons: tuple[str, ...], agreement: str
) -> None:
    item = lanes.Item(
        "tests.note", "urn:a", "1", "publish", tlp, CLEAR, (), agreement, audience=audience, persons=persons
    )
    with pytest.raises(ValueError, match="TLP:CLEAR"):
        lanes.append(lanes.public_lane(), [item])


_ORIGINS = st.builds(
    Origin,
    rule=st.sampled_from(["own", "none", "named", "parties", "public"]),
    named=st.frozensets(st.sampled_from(["https://a.example", "https://b.example"])),
    bound=st.none() | st.frozensets(st.sampled_from(["https://a.example"])),
)


@forall(
    tlp=st.sampled_from(list(Tlp)),
    audience=st.none() | st.frozensets(st.just("https://a.example")),
    names_persons=st.booleans(),
    origin=_ORIGINS,
)
def test_whatever_is_asked_for_nothing_but_clear_for_everybody_from_everybody_may_stand_there(
    tlp: Tlp, audience: frozenset[str] | None, names_persons: bool, origin: Origin
) -> None:
    facts = Facts("tests.note", tlp, frozenset(), audience, names_persons, origin)
    is_open = tlp == Tlp.CLEAR and audience is None and not names_persons
    may = isinstance(may_be_public(facts), Granted)
    assert may == (is_open and (origin.rule == "own" or (origin.rule == "public" and origin.bound is None)))


# ---- sharing onward to everybody ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "tlp", "goes"),
    [
        ("public", Tlp.CLEAR, True),
        ("public", Tlp.GREEN, False),
        ("parties", Tlp.CLEAR, False),
        ("named", Tlp.CLEAR, False),
        ("none", Tlp.CLEAR, False),
    ],
)
def test_a_partners_goes_to_everybody_only_where_its_clause_and_marking_let_it(
    south: PartnerNode, rule: str, tlp: Tlp, goes: bool
) -> None:
    named = ("https://a.example",) if rule == "named" else ()
    agreement = agreement_in_force(south, clauses=(clause(onward=Onward(rule, named)),))
    lane = clause_lane(south, agreement)
    first = note(lane, tlp=tlp)
    assert lane.deliver()[-1] == DONE
    release = Release.objects.get()
    if not goes:
        with pytest.raises(ReleaseRefused):
            publish_to_everybody(SYSTEM, release)
        assert not Lane.objects.filter(sender=None, purpose="public").exists()
        return
    publish_to_everybody(SYSTEM, release)
    entry = LaneEntry.objects.get(lane__sender=None, lane__purpose="public", seq=1)
    assert chain.said_in(entry.header).origin == first.token
    # and it is taken back with what it came from
    lane.withdraw(first)
    lane.deliver()
    last = LaneEntry.objects.get(lane=entry.lane, seq=2)
    assert (last.action, last.subject) == ("withdraw", "urn:test:1")
    assert Client().get(f"/federation/public/{entry.content_digest}").status_code == 404


# ---- reading it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [Partner.State.MET, Partner.State.VERIFIED])
def test_every_node_that_signs_reads_it_compared_or_not(south: PartnerNode, state: str) -> None:
    to_all(1)
    to_all(2, LARGE)
    Partner.objects.update(state=state)
    (offer,) = south.request("GET", "/federation/lanes").json()["lanes"]
    assert (offer["purpose"], offer["agreement"], offer["clause"]) == ("public", None, "")
    *entries, head = lines(south.request("GET", f"/federation/lanes/{offer['lane']}").content)
    assert [each.content for each in entries][1:] == [CLEAR, None]
    assert chain.read_head(head.head or "", node_key().public).seq == 2
    answer = south.request("GET", f"/federation/blobs/{sha256(LARGE)}")
    assert (answer.status_code, answer.getvalue()) == (200, LARGE)


@pytest.mark.usefixtures("south")
def test_anybody_reads_the_same_lines_without_a_signature() -> None:
    assert Client().get("/federation/public").status_code == 404
    lanes.public_lane()
    # a lane on which nothing ever stood is not shown
    assert Client().get("/federation/public").status_code == 404
    to_all(1)
    to_all(2, LARGE)
    answer = Client().get("/federation/public?after=0&limit=5")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "application/jsonl",
        "public, max-age=60",
    )
    *entries, head = lines(answer.content)
    stored = LaneEntry.objects.filter(lane__purpose="public", seq__gte=1).order_by("seq")
    assert [each.header for each in entries] == [each.header for each in stored]
    assert [each.content for each in entries] == [CLEAR, None]
    assert chain.read_head(head.head or "", node_key().public).seq == 2
    file = Client().get(f"/federation/public/{sha256(LARGE)}")
    assert file.getvalue() == LARGE
    assert file["Content-Disposition"].startswith("attachment")
    assert file["Content-Security-Policy"].startswith("sandbox")
    assert Client().get("/federation/public?limit=0").status_code == 400
    assert Client().get("/federation/public?after=x").status_code == 400
    assert len(lines(Client().get(f"/federation/public?after={2**70}").content)) == 1
    assert Client().post("/federation/public").status_code == 405
    assert Client().get(f"/federation/public/{'0' * 64}").status_code == 404


@pytest.mark.usefixtures("south")
def test_a_cache_is_told_that_nothing_changed_until_something_does() -> None:
    release = to_all()
    etag = Client().get("/federation/public")["ETag"]
    assert Client().get("/federation/public", headers={"If-None-Match": etag}).status_code == 304
    assert Client().get("/federation/public?after=1", headers={"If-None-Match": etag}).status_code == 200
    file = f"/federation/public/{release.digest}"
    tag = Client().get(file)["ETag"]
    assert Client().get(file, headers={"If-None-Match": tag}).status_code == 304
    withdraw(SYSTEM, release, "")
    answer = Client().get("/federation/public", headers={"If-None-Match": etag})
    assert answer.status_code == 200
    *entries, _head = lines(answer.content)
    assert [each.content for each in entries][1:] == [None, None]
    assert Client().get(file, headers={"If-None-Match": tag}).status_code == 404


@pytest.mark.usefixtures("south")
def test_whoever_asks_too_often_from_one_network_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    to_all()
    monkeypatch.setattr(serving, "ANYBODY", Buckets(Rate(burst=2, per_second=0.01)))
    assert [Client().get("/federation/public").status_code for _ in range(3)] == [200, 200, 429]
    assert Client().get("/federation/public", REMOTE_ADDR="203.0.113.9").status_code == 200


@pytest.mark.usefixtures("south")
def test_what_does_not_stand_on_the_public_lane_is_served_to_nobody_there(cast: Cast) -> None:
    agreement_in_force(partner(nation="XE"))
    secret = canonical({"secret": "y" * (chain.INLINE_BYTES + 1)})
    publish(SYSTEM, draft(1, secret, Tlp.AMBER))
    to_all(2)
    assert Client().get(f"/federation/public/{sha256(secret)}").status_code == 404
    # the same bytes under another marking are another release: they are for everybody because somebody said so
    body = Client().get("/federation/public").content
    assert b"urn:test:1" not in body
    assert {chain.said_in(each.header).tlp for each in lines(body) if each.header} == {Tlp.CLEAR}


def test_who_follows_is_told_of_news_and_its_receipts_are_counted(south: PartnerNode) -> None:
    talk = talk_lane(south)
    talk.say("lane.followed", {"follows": True})
    assert talk.deliver()[-1] == DONE
    release = to_all()
    south.row.refresh_from_db()
    assert south.row.is_follower
    assert south.row.wants_push
    lane = Lane.objects.get(sender=None, purpose="public")
    talk.say(
        "receipt",
        {"lane": str(lane.id), "from": 0, "to_seq": 1, "head": lane.head_digest, "exceptions": []},
    )
    assert talk.deliver()[-1] == DONE
    assert Receipt.objects.get(entry__passage__release=release).partner == south.row
    (cell,) = cells(Wanted())
    assert (cell.agreement, cell.partner, cell.sums.given, cell.sums.signed) == (None, south.row.id, 1, 1)
    talk.say("lane.followed", {"follows": "yes"})
    assert talk.deliver()[-1] == ("refused", "malformed")


def test_a_receipt_of_who_does_not_say_that_it_reads_is_not_taken(south: PartnerNode) -> None:
    to_all()
    lane = Lane.objects.get(sender=None, purpose="public")
    talk = talk_lane(south)
    talk.say(
        "receipt",
        {"lane": str(lane.id), "from": 0, "to_seq": 1, "head": lane.head_digest, "exceptions": []},
    )
    assert talk.deliver()[-1] == ("refused", "unknown-lane")


# ---- following ------------------------------------------------------------------------------------------------------


def offer_of(lane: TheirLane, purpose: str = "public") -> LaneOffer:
    return LaneOffer(lane.row.wire_id, purpose, None, "", lane.head(), is_urgent=False)


def test_a_public_lane_is_read_only_where_an_administrator_chose_to_follow_it(
    cast: Cast, south: PartnerNode
) -> None:
    lane = TheirLane(south, Lane(purpose="public", sender=south.row, id=uuid4()), tlp=Tlp.CLEAR)
    opens(lane)
    assert Offered(south.row).lane_of(offer_of(lane)) is None
    for member in (cast.analyst, cast.officer, cast.observer):
        with pytest.raises(NotAllowed):
            follow(member.actor, south.row)
    followed = follow(cast.administrator.actor, south.row)
    follow(cast.administrator.actor, south.row)
    assert followed.is_followed
    found = Offered(followed).lane_of(offer_of(lane))
    assert found is not None
    assert found.purpose == "public"
    said = LaneEntry.objects.get(lane__sender=None, lane__purpose="talk", kind="lane.followed")
    assert said.seq == 1
    assert AuditEntry.objects.filter(verb="partners.followed").count() == 1


def test_nobody_follows_whom_nobody_compared(cast: Cast, south: PartnerNode) -> None:
    Partner.objects.update(state=Partner.State.MET)
    south.row.refresh_from_db()
    with pytest.raises(PartnerRefused) as refused:
        follow(cast.administrator.actor, south.row)
    assert refused.value.code == "not-compared"


def test_what_stands_on_a_followed_lane_is_taken_in_without_an_agreement_and_goes_on_to_anybody(
    south: PartnerNode, notes: Notes
) -> None:
    lane = public_lane_of(south)
    note(lane)
    assert lane.deliver() == [DONE, DONE]
    release = Release.objects.get()
    (passage,) = release.passages.all()
    assert (passage.agreement, passage.document, passage.clause, passage.ends) == (None, "", "", None)
    assert (release.onward, release.is_bound, release.origin) == ("public", False, south.row)
    assert notes.received == [("urn:test:1", "1", b'{"note":1}')]
    (cell,) = cells(Wanted())
    assert (cell.agreement, cell.partner, cell.sums.received) == (None, south.row.id, 1)
    east = partner("East", nation="XE")
    agreement_in_force(east)
    share_onward(SYSTEM, release)
    publish_to_everybody(SYSTEM, release)
    lane.withdraw(lane.entries[1])
    lane.deliver()
    release.refresh_from_db()
    assert release.state == Release.State.WITHDRAWN
    assert LaneEntry.objects.filter(lane__sender=None, action="withdraw").count() == 2


def test_nothing_lies_ready_for_guests_whom_a_public_lane_names(south: PartnerNode) -> None:
    lane = public_lane_of(south)
    # it is refused, and read again whenever somebody asks whom the lane is for
    lane.write(kind="lane.joined", audience=tuple(f"{settings.BASE_URL}#g{each}" for each in range(200)))
    for number in range(6):
        lane.write(kind="tests.note", subject=f"urn:test:{number}", version="1", content=CLEAR)
    lane.deliver()
    assert Release.objects.filter(origin=south.row).count() == 6
    assert not GuestCopy.objects.exists()


def test_many_at_once_are_taken_in_alike(south: PartnerNode, notes: Notes) -> None:
    lane = public_lane_of(south)
    for number in range(1, 9):
        note(lane, number)
    assert lane.deliver() == [DONE] * 9
    assert Passage.objects.filter(agreement=None).count() == 8


def test_one_release_by_a_clause_and_by_the_public_lane_is_one_and_no_conflict(south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    by_clause = clause_lane(south, agreement)
    note(by_clause, tlp=Tlp.CLEAR)
    by_clause.deliver()
    lane = public_lane_of(south)
    note(lane)
    assert lane.deliver() == [DONE, DONE]
    assert Release.objects.get().passages.count() == 2
    assert not Notice.objects.filter(kind="federation.conflict").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tlp": Tlp.AMBER}, "not-clear"),
        ({"tlp": Tlp.GREEN}, "not-clear"),
        ({"tlp": Tlp.RED, "persons": ("a@b.example",)}, "not-clear"),
        ({"audience": ("https://north.example",)}, "not-public"),
        ({"persons": ("a@b.example",)}, "not-public"),
        ({"agreement": "d" * 64, "clause": "1"}, "not-public"),
        ({"to": "https://north.example"}, "not-public"),
    ],
)
def test_what_does_not_belong_on_a_public_lane_is_refused_and_told(
    south: PartnerNode, notes: Notes, changes: dict[str, Any], reason: str
) -> None:
    lane = public_lane_of(south)
    note(lane, **changes)
    note(lane, 2)
    assert lane.deliver() == [DONE, ("refused", reason), DONE]
    assert [subject for subject, _version, _content in notes.received] == ["urn:test:2"]
    notice = Notice.objects.get(kind="partners.entry-unopened")
    assert notice.params["reason"] == reason


@pytest.mark.parametrize(
    "said",
    [
        {"purpose": "clause", "agreement": str(uuid4()), "clause": "1", "audience": ["https://a.example"]},
        {"purpose": "public", "audience": ["https://a.example"]},
        {"purpose": "talk"},
        {},
    ],
)
def test_a_lane_that_was_opened_for_something_else_stops_and_nothing_of_it_is_opened(
    south: PartnerNode, notes: Notes, said: dict[str, Any]
) -> None:
    lane = public_lane_of(south, opened=False)
    opens(lane, content=canonical({"sender": south.node, **said}))
    note(lane)
    # whoever takes the page stops the lane with this
    with pytest.raises(ChainBroken) as broken:
        lane.take()
    assert (broken.value.code, broken.value.seq) == ("opening", 0)
    assert not LaneEntry.objects.filter(lane=lane.row).exists()
    assert not notes.received


def test_a_second_opening_further_along_opens_nothing(south: PartnerNode, notes: Notes) -> None:
    lane = public_lane_of(south)
    note(lane)
    opens(lane)
    opens(lane, tlp=Tlp.AMBER)
    note(lane, 2)
    assert lane.deliver()[2:] == [("unopened", "unknown-kind"), ("refused", "not-clear"), DONE]
    assert len(notes.received) == 2


def test_a_lane_that_was_a_clauses_is_not_offered_as_public(south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    lane = clause_lane(south, agreement)
    Partner.objects.update(is_followed=True)
    south.row.refresh_from_db()
    assert Offered(south.row).lane_of(offer_of(lane)) is None


@pytest.mark.parametrize(
    ("rule", "audience", "outcome"),
    [
        ("public", (), DONE),
        ("parties", (), ("refused", "origin-not-onward")),
        ("public", ("us", "via"), ("refused", "origin-not-onward")),
    ],
)
def test_what_others_let_go_on_to_some_is_not_taken_from_a_public_lane(
    south: PartnerNode, rule: str, audience: tuple[str, ...], outcome: tuple[str, str]
) -> None:
    via = partner("Via", nation="XB")
    agreement = agreement_in_force(south, via, clauses=(clause(onward=Onward(rule)),))
    named = tuple(via.node if each == "via" else settings.BASE_URL for each in audience)
    from_source = clause_lane(south, agreement)
    first = note(from_source, tlp=Tlp.CLEAR, audience=named)
    lane = public_lane_of(via)
    onward(lane, first)
    assert lane.deliver()[-1] == outcome


def test_who_follows_no_longer_takes_nothing_more_in_and_still_heeds_what_is_taken_back(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    lane = public_lane_of(south)
    first = note(lane)
    lane.deliver()
    unfollow(cast.administrator.actor, south.row)
    south.row.refresh_from_db()
    # the lane that was begun is read on
    assert Offered(south.row).lane_of(offer_of(lane)) == lane.row
    lane.withdraw(first)
    note(lane, 2)
    assert lane.deliver() == [DONE, ("withdrawn", ""), DONE, ("unopened", "not-followed")]
    assert notes.withdrawn == ["urn:test:1"]
    follow(cast.administrator.actor, south.row)
    assert lane.deliver()[-1] == DONE
    assert [subject for subject, _version, _content in notes.received] == ["urn:test:1", "urn:test:2"]


# ---- after a restore ------------------------------------------------------------------------------------------------


def test_after_a_restore_another_lane_takes_its_place_with_all_that_stands(
    cast: Cast, south: PartnerNode
) -> None:
    Partner.objects.update(is_follower=True)
    kept, gone = to_all(1), to_all(2)
    withdraw(SYSTEM, gone, "")
    before = Lane.objects.get(sender=None, purpose="public")
    assert LaneReader.objects.filter(lane=before, partner=south.row).exists()
    returning.begin(SYSTEM)
    assert Client().get("/federation/public").status_code == 503
    with pytest.raises(NodeReturning):
        to_all(3)
    returning.give_up(cast.administrator.actor, south.row)
    put_back(cast.administrator.actor, None)
    before.refresh_from_db()
    after = Lane.objects.get(sender=None, purpose="public", is_closed=False)
    assert before.is_closed
    assert after != before
    assert kept.passages.get().entry.lane == after
    assert LaneReader.objects.filter(lane=after, partner=south.row).exists()
    *entries, _head = lines(Client().get("/federation/public").content)
    assert [each.content for each in entries][1:] == [CLEAR]
    # what stood before is taken back on the lane that took its place
    withdraw(SYSTEM, kept, "")
    last = LaneEntry.objects.filter(lane=after).order_by("-seq").first()
    assert last is not None
    assert (last.action, last.subject) == ("withdraw", "urn:test:1")


def test_a_withdrawal_on_the_lane_that_took_its_place_is_heeded(south: PartnerNode, notes: Notes) -> None:
    lane = public_lane_of(south)
    first = note(lane)
    lane.deliver()
    following = public_lane_of(south)
    following.withdraw(first)
    assert following.deliver() == [DONE, DONE]
    assert notes.withdrawn == ["urn:test:1"]


def test_what_a_follower_holds_of_it_is_known_again_and_moves_on_to_the_next(
    cast: Cast, south: PartnerNode
) -> None:
    Partner.objects.update(is_follower=True)
    to_all(1)
    lane = Lane.objects.get(sender=None, purpose="public")
    told = [
        chain.write_line(each.header, CLEAR if each.seq else each_opening(each))
        for each in LaneEntry.objects.filter(lane=lane).order_by("seq")
    ]
    offers = [asking.HeldOffer(lane.id, lane.head_seq, lane.head_digest)]
    # lost with all that it said: it was opened after the backup
    Passage.objects.all().delete()
    Release.objects.all().delete()
    LaneEntry.objects.filter(lane=lane).delete()
    Lane.objects.filter(id=lane.id).delete()
    returning.begin(SYSTEM)
    assert [each.lane for each in held.wanted(south.row, offers)] == [lane.id]
    assert held.take(south.row, lane.id, told) == 2
    returning.answered(south.row)
    put_back(cast.administrator.actor, None)
    before = Lane.objects.get(id=lane.id)
    assert before.is_closed
    after = Lane.objects.get(sender=None, purpose="public", is_closed=False)
    assert Release.objects.get().passages.get().entry.lane == after
    # who reads it without following may hold more of the one before: it is not offered any more
    assert [each["lane"] for each in south.request("GET", "/federation/lanes").json()["lanes"]] == [
        str(after.id)
    ]


def each_opening(entry: LaneEntry) -> bytes:
    found = contents.find({entry.content_digest})
    return found[entry.content_digest]


@pytest.mark.parametrize("follows", [True, False])
def test_a_node_that_delivers_brings_its_public_lane_to_who_follows_alone(
    south: PartnerNode, notes: Notes, follows: bool
) -> None:
    Partner.objects.update(is_followed=follows)
    lane = TheirLane(south, Lane(purpose="public", sender=south.row, id=uuid4()), tlp=Tlp.CLEAR)
    opens(lane)
    note(lane)
    offer = {
        "lane": str(lane.row.id),
        "purpose": "public",
        "agreement": None,
        "clause": "",
        "head": lane.head(),
    }
    body = canonical(offer) + b"\n" + b"".join(lane.page())
    answer = Client().generic(
        "POST",
        "/federation/inbox",
        body,
        content_type="application/jsonl",
        headers=south.sign("POST", "/federation/inbox", body),
    )
    if not follows:
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:taawun:problem:not-taken")
        assert not Lane.objects.filter(sender=south.row).exists()
        return
    assert (answer.status_code, answer.json()["held"]) == (200, 1)
    process_pending(Lane.objects.get(sender=south.row), south.row, nothing_to_fetch)
    assert [subject for subject, _version, _content in notes.received] == ["urn:test:1"]


def test_a_node_that_only_dials_out_delivers_to_its_followers_and_to_nobody_else(south: PartnerNode) -> None:
    Partner.objects.filter(id=south.row.id).update(is_follower=True)
    east = partner("East", nation="XE")
    to_all()
    lane = Lane.objects.get(sender=None, purpose="public")
    assert [each.lane for each in delivering._readers(south.row)] == [lane]
    assert delivering._readers(east.row) == []
    assert lanes.read_by(east.row, Lane.objects.all()) == [lane]
