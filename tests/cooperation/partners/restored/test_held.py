"""A restored node and what its partners hold of its lanes: its own words are known again, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client

from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.errors import ChainBroken, NodeReturning, PartnerRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, lanes
from taawun.cooperation.partners.models import Awaited, Holding, Lane, LaneEntry, OwnKey, Partner
from taawun.cooperation.partners.restored import asking, held, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.notices.models import Notice
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.lanes import talk_lane
from tests.restored import Told, forget

SYSTEM = SystemActor("tests")


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What a process remembers of its node's return ends with the test."""
    yield
    returning._Known.is_over = False


def _draft(subject: str, content: bytes = b'{"a":1}') -> federation.Draft:
    return federation.Draft("tests.note", f"urn:x:{subject}", "1", subject, Tlp.GREEN, content)


@pytest.fixture
def south(node: Organisation, notes: Notes) -> PartnerNode:
    return partner("Southern CERT")


@pytest.fixture
def told(south: PartnerNode) -> Told:
    """A clause lane of which the node knows entries 0 and 1 still, and lost 2 to 4: two releases, one withdrawn."""
    agreement_in_force(south)
    federation.publish(SYSTEM, _draft("before"))
    federation.publish(SYSTEM, _draft("after"))
    gone = federation.publish(SYSTEM, _draft("gone", b'{"secret":1}'))
    federation.withdraw(SYSTEM, gone, "")
    lane = Lane.objects.get(sender=None, purpose="clause")
    found = forget(lane, 1)
    returning.begin(SYSTEM)
    return found


def _take(told: Told, south: PartnerNode) -> int:
    return held.take(south.row, told.lane.id, told.lines[2:])


# ---- silence ----------------------------------------------------------------------------------------------------


def test_a_node_that_waits_says_nothing_and_loses_nothing(told: Told, south: PartnerNode) -> None:
    before = LaneEntry.objects.count()
    with pytest.raises(NodeReturning, match="The page of partners shows for whom it waits"):
        federation.publish(SYSTEM, _draft("anew"))
    with pytest.raises(NodeReturning):
        messages.send(south.row, "tests.word", {"word": "hello"})
    with pytest.raises(NodeReturning):
        lanes.head_of(told.lane, node_key())
    assert (LaneEntry.objects.count(), Release.objects.filter(subject="urn:x:anew").count()) == (before, 0)


def test_its_partners_are_told_to_come_again_and_nothing_else(told: Told, south: PartnerNode) -> None:
    for path in ("lanes", f"lanes/{told.lane.id}", f"blobs/{'0' * 64}"):
        answer = south.request("GET", f"/federation/{path}")
        assert (answer.status_code, answer["Retry-After"]) == (503, "30")
        assert json.loads(answer.content)["type"] == "urn:taawun:problem:returning"


@pytest.mark.usefixtures("pages")
def test_a_page_and_the_machine_interface_say_why(told: Told, cast: Cast) -> None:
    answer = cast.administrator.api.get("/return")
    assert answer.json()["is_returning"] is True
    [waiting] = answer.json()["partners"]
    assert (waiting["answered"], waiting["given_up"], waiting["fault"]) == (None, None, "")
    page = cast.administrator.browser().get("/en/partners/")
    assert "It says nothing until these partners have told it" in page.content.decode()
    assert Notice.objects.filter(kind="partners.returning", resolved=None).count() == 1


def test_a_partner_that_tells_less_than_it_holds_is_found_out_by_what_it_shows_later(
    told: Told, south: PartnerNode
) -> None:
    # nobody else read those entries, so nobody can know that it hides them
    answer = south.request("POST", "/federation/held", b'{"lanes": []}')
    assert answer.json() == {"wanted": []}
    assert not returning.is_returning()
    federation.publish(SYSTEM, _draft("anew"))
    again = LaneEntry.objects.get(lane=told.lane, seq=2)
    proofs = [told.entries[2].header, again.header]
    talk = talk_lane(south)
    talk.say("lane.forked", {"lane": str(told.lane.id), "sender": settings.BASE_URL, "proofs": proofs})
    assert talk.deliver()[-1] == ("done", "")
    notice = Notice.objects.get(kind="partners.own-lane-forked", resolved=None)
    assert (notice.level, notice.params["node"], notice.params["seq"]) == (
        Notice.Level.ALARM,
        south.node,
        "2",
    )


# ---- the answer -------------------------------------------------------------------------------------------------


def test_what_was_said_is_known_again_as_it_was_signed(told: Told, south: PartnerNode, notes: Notes) -> None:
    assert held.wanted(south.row, [told.offer]) == [asking.WantedOfHeld(told.lane.id, 1)]
    assert _take(told, south) == 3
    assert held.wanted(south.row, [told.offer]) == []
    again = list(LaneEntry.objects.filter(lane=told.lane).order_by("seq"))
    assert [each.header for each in again] == [each.header for each in told.entries]
    releases = {each.subject: each.state for each in Release.objects.all()}
    assert releases == {"urn:x:before": "live", "urn:x:after": "live", "urn:x:gone": "withdrawn"}
    after = Release.objects.get(subject="urn:x:after")
    assert contents.get(after.digest) == b'{"a":1}'
    assert not contents.has(told.entries[3].content_digest)
    returning.answered(south.row)
    assert not returning.is_returning()
    # nothing is published twice, what is new follows what was said, and what was forgotten can be withdrawn
    assert federation.publish(SYSTEM, _draft("after")).id == after.id
    federation.withdraw(SYSTEM, after, "")
    federation.publish(SYSTEM, _draft("anew"))
    seqs = list(LaneEntry.objects.filter(lane=told.lane).order_by("seq").values_list("seq", "action"))
    assert seqs[4:] == [(4, "withdraw"), (5, "withdraw"), (6, "publish")]
    assert Entry.objects.filter(verb="partners.returned").count() == 1
    assert not Notice.objects.filter(kind="partners.returning", resolved=None).exists()


def test_every_content_that_no_line_brought_is_asked_for_however_many_a_partner_no_longer_has(
    south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement_in_force(south)
    bodies = {sha256(body): body for body in (b'{"n":%d}' % number for number in range(7))}
    for number, body in enumerate(bodies.values()):
        federation.publish(SYSTEM, _draft(str(number), body))
    lane = Lane.objects.get(sender=None, purpose="clause")
    told = forget(lane, 0)
    returning.begin(SYSTEM)
    bare = [chain.write_line(each.header, None) for each in told.entries[1:]]
    assert held.take(south.row, lane.id, bare) == 7
    asked = []

    def fetched(_partner: Partner, digest: str, *_: object, **__: object) -> Iterator[bytes]:
        asked.append(digest)
        if digest not in list(bodies)[5:]:
            raise PartnerRefused("no-such-content", "not any more")
        yield bodies[digest]

    monkeypatch.setattr(held, "fetched", fetched)
    monkeypatch.setattr(held, "_LACKING", 2)
    assert held._fetch_lacking(south.row, lane.id, lambda: 10.0)
    assert asked == list(bodies)
    holdings = Holding.objects.filter(lane=lane, content_id__in=bodies)
    assert set(holdings.values_list("content_id", flat=True)) == set(list(bodies)[5:])
    # what is here by now is not asked for again, and without time nothing is
    assert not held._fetch_lacking(south.row, lane.id, lambda: 0.0)
    assert held._fetch_lacking(south.row, lane.id, lambda: 10.0)
    assert asked[7:] == list(bodies)[:5]


def test_taking_it_twice_changes_nothing(told: Told, south: PartnerNode) -> None:
    assert (_take(told, south), _take(told, south)) == (3, 0)


def test_a_lane_that_was_opened_since_is_known_again(south: PartnerNode) -> None:
    agreement_in_force(south)
    federation.publish(SYSTEM, _draft("after"))
    lane = Lane.objects.get(sender=None, purpose="clause")
    digest = lane.audience_digest
    told = forget(lane, -1)
    returning.begin(SYSTEM)
    assert held.take(south.row, lane.id, told.lines) == 2
    found = Lane.objects.get(sender=None, purpose="clause")
    assert (found.id, found.audience_digest, found.is_closed) == (lane.id, digest, False)
    assert [each.partner for each in found.readers.all()] == [south.row]
    returning.answered(south.row)
    federation.publish(SYSTEM, _draft("anew"))
    assert Lane.objects.filter(sender=None, purpose="clause").count() == 1


def test_what_was_withdrawn_on_one_lane_is_withdrawn_on_all(node: Organisation, notes: Notes) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", nation="XE")
    agreement_in_force(south)
    agreement_in_force(east)
    release = federation.publish(SYSTEM, _draft("both"))
    federation.withdraw(SYSTEM, release, "")
    # the south read the withdrawal, the east had not when the node was lost
    own = Lane.objects.filter(sender=None, purpose="clause")
    told = forget(own.get(readers__partner=south.row), 1)
    eastern = own.get(readers__partner=east.row)
    LaneEntry.objects.filter(lane=eastern, seq=2).delete()
    first = LaneEntry.objects.get(lane=eastern, seq=1)
    Lane.objects.filter(id=eastern.id).update(head_seq=1, head_digest=first.digest)
    Release.objects.update(state="live", withdrawn=None)
    Passage.objects.update(ended=None)
    returning.begin(SYSTEM)
    held.take(south.row, told.lane.id, told.lines[2:])
    returning.answered(south.row)
    assert LaneEntry.objects.filter(lane=eastern).count() == 2
    returning.answered(east.row)
    assert list(LaneEntry.objects.filter(lane=eastern, seq=2).values_list("action", flat=True)) == [
        "withdraw"
    ]
    assert not Passage.objects.filter(ended=None).exists()


# ---- a partner that lies ----------------------------------------------------------------------------------------


def test_a_word_that_is_not_ours_is_not_taken(told: Told, south: PartnerNode) -> None:
    header = chain.read_header(told.entries[2].header, node_key().public)
    forged = chain.write_header(header, SigningKey.generate())
    with pytest.raises(ChainBroken) as broken:
        held.take(south.row, told.lane.id, [chain.write_line(forged, None)])
    assert broken.value.code == "signature"
    held.refuse(south.row, broken.value)
    notice = Notice.objects.get(kind="partners.return-refused")
    assert (notice.level, notice.params["reason"], notice.params["node"]) == (
        "alarm",
        "signature",
        south.node,
    )
    assert Awaited.objects.get(partner=south.row).fault == "signature"
    assert LaneEntry.objects.filter(lane=told.lane).count() == 2
    assert returning.is_returning()


def _replace_own_key(at: datetime, *, revoked: bool = False) -> tuple[SigningKey, SigningKey]:
    """This node signs with another key since an instant; the one before it, and that one."""
    first, second = node_key(), SigningKey.generate()
    since = at if revoked else None
    OwnKey.objects.create(position=0, kid=first.kid, jwk=first.public.to_jwk(), until=at, revoked_since=since)
    OwnKey.objects.create(position=1, kid=second.kid, jwk=second.public.to_jwk(), since=at)
    return first, second


@pytest.mark.parametrize(
    ("revoked", "code", "words"),
    [(False, "retired-key", "had replaced by then"), (True, "revoked-key", "has revoked")],
)
def test_what_a_thief_of_an_older_key_of_ours_says_is_not_taken_and_alarmed_about(
    told: Told, south: PartnerNode, *, revoked: bool, code: str, words: str
) -> None:
    Awaited.objects.update(since=now())
    _replace_own_key(now() - timedelta(days=1), revoked=revoked)
    # it goes on with a lane of ours, and opens one that is not known
    for after in (1, -1):
        forget(told.lane, after)
        lines = told.lines[after + 1 :]
        before = LaneEntry.objects.count()
        with pytest.raises(ChainBroken) as broken:
            held.take(south.row, told.lane.id, lines)
        assert (broken.value.code, LaneEntry.objects.count()) == (code, before)
    held.refuse(south.row, broken.value)
    assert Notice.objects.get(kind="partners.return-refused").level == Notice.Level.ALARM
    assert words in _told_in_english("partners.return-refused")
    assert returning.is_returning()


def test_what_was_said_under_the_newer_key_after_the_backup_is_known_again(
    told: Told, south: PartnerNode
) -> None:
    first, second = _replace_own_key(now() - timedelta(days=1))
    following, prev = list[bytes](), told.entries[1].digest
    for entry, line in zip(told.entries[2:], told.lines[2:], strict=True):
        header = chain.read_header(entry.header, first.public)
        token = chain.write_header(replace(header, prev=prev), second)
        prev = chain.digest_of(token)
        following.append(chain.write_line(token, chain.read_line(line).content))
    assert held.take(south.row, told.lane.id, [*told.lines[:2], *following]) == 3
    # the older one says nothing after the newer one
    header = chain.read_header(told.entries[2].header, first.public)
    late = chain.write_header(replace(header, seq=5, prev=prev), first)
    with pytest.raises(ChainBroken) as broken:
        held.take(south.row, told.lane.id, [chain.write_line(late, None)])
    assert broken.value.code == "retired-key"


def test_a_key_that_was_replaced_while_the_node_waited_had_its_turn(told: Told, south: PartnerNode) -> None:
    _replace_own_key(now() + timedelta(seconds=1))
    assert _take(told, south) == 3


def test_a_gap_a_wrong_content_and_another_lane_are_not_taken(told: Told, south: PartnerNode) -> None:
    cases = {
        "gap": told.lines[3:],
        "digest": [told.lines[2].replace(b'{"a":1}', b'{"a":2}')],
        "malformed": [b"junk\n"],
    }
    for code, lines in cases.items():
        with pytest.raises(ChainBroken) as broken:
            held.take(south.row, told.lane.id, lines)
        assert broken.value.code == code
    assert LaneEntry.objects.filter(lane=told.lane).count() == 2


def test_a_partner_is_held_to_where_it_began_to_read(told: Told, south: PartnerNode) -> None:
    with pytest.raises(ChainBroken) as broken:
        held.wanted(south.row, [replace(told.offer, seq=9, floor=5)])
    assert broken.value.code == "floor"
    held.refuse(south.row, broken.value)
    assert Notice.objects.get(kind="partners.return-refused").level == Notice.Level.ALARM
    assert "later than it did" in _told_in_english("partners.return-refused")
    assert returning.is_returning()


def test_nor_does_who_never_read_a_lane_hold_anything_of_it(told: Told) -> None:
    with pytest.raises(ChainBroken) as broken:
        held.wanted(partner("Elsewhere", nation="XE").row, [replace(told.offer, seq=9, floor=5)])
    assert broken.value.code == "not-a-reader"


def test_who_waits_for_what_others_tell_is_told_from_who_is_slow_and_alarmed_about_after_a_day(
    told: Told, south: PartnerNode
) -> None:
    offers = [told.offer, asking.HeldOffer(uuid4(), 9, "a" * 64, 5)]
    _take(told, south)
    assert held.wanted(south.row, offers) == []
    assert held.waits_for_others(south.row, offers)
    assert Awaited.objects.get().fault == "out-of-reach"
    assert not Notice.objects.filter(kind="partners.return-refused").exists()
    Awaited.objects.update(since=now() - timedelta(days=1, seconds=1))
    answer = south.request("POST", "/federation/held", _listed(offers))
    assert answer.json() == {"wanted": []}
    assert "nobody has told yet" in _told_in_english("partners.return-refused")
    assert returning.is_returning()
    # once it tells no such thing any more it has told all
    south.request("POST", "/federation/held", _listed([told.offer]))
    assert not returning.is_returning()
    assert not Notice.objects.filter(kind="partners.return-refused", resolved=None).exists()


def _listed(offers: list[asking.HeldOffer]) -> bytes:
    return json.dumps({"lanes": [each.said() for each in offers]}).encode()


def test_a_lane_of_others_is_not_given_back_by_a_stranger(told: Told) -> None:
    east = partner("Eastern CERT", nation="XE")
    with pytest.raises(ChainBroken) as broken:
        held.wanted(east.row, [told.offer])
    assert broken.value.code == "not-a-reader"


def test_two_histories_with_our_key_close_the_lane_and_alarm(told: Told, south: PartnerNode) -> None:
    _take(told, south)
    lie = replace(told.offer, digest="f" * 64)
    with pytest.raises(ChainBroken) as broken:
        held.wanted(south.row, [lie])
    assert broken.value.code == "fork"
    held.refuse(south.row, broken.value)
    assert Lane.objects.get(id=told.lane.id).is_closed
    assert "signed two different histories" in _told_in_english("partners.return-refused")


def _told_in_english(kind: str) -> str:
    from taawun.platform.notices.kinds import NoticeKind  # noqa: PLC0415 - registered when Django is up
    from taawun.platform.registry import registry  # noqa: PLC0415 - as above

    return registry.get(NoticeKind, kind).sentence(Notice.objects.get(kind=kind).params)


# ---- one that is gone -------------------------------------------------------------------------------------------


def test_a_partner_that_is_gone_is_given_up_by_an_administrator(
    told: Told, south: PartnerNode, cast: Cast
) -> None:
    with pytest.raises(NotAllowed):
        returning.give_up(cast.analyst.actor, south.row)
    answer = cast.administrator.api.post(f"/partners/{south.row.id}/give-up")
    assert answer.status_code == 200
    assert not returning.is_returning()
    assert Entry.objects.filter(verb="partners.return-given-up", actor_kind="person").count() == 1
    # its lane is never continued: another takes its place, and a withdrawal goes over that one
    federation.withdraw(SYSTEM, Release.objects.get(subject="urn:x:before"), "")
    old = Lane.objects.get(id=told.lane.id)
    new = Lane.objects.get(sender=None, purpose="clause", is_closed=False)
    assert (old.head_seq, old.is_closed, new.audience_digest) == (1, True, old.audience_digest)
    assert list(LaneEntry.objects.filter(lane=new).order_by("seq").values_list("kind", "action")) == [
        ("lane.opened", "publish"),
        ("tests.note", "withdraw"),
    ]
    offered = json.loads(south.request("GET", "/federation/lanes").content)["lanes"]
    assert str(old.id) not in {each["lane"] for each in offered}
    with pytest.raises(PartnerRefused):
        returning.give_up(cast.administrator.actor, south.row)


def test_once_all_have_told_nothing_more_is_taken_of_any_of_them(told: Told, south: PartnerNode) -> None:
    assert _take(told, south) == 3
    returning.answered(south.row)
    assert not returning.is_returning()
    last = told.entries[-1]
    after = replace(chain.said_in(last.header), seq=last.seq + 1, prev=last.digest, subject="urn:x:late")
    late = chain.write_line(chain.write_header(after, node_key()), None)
    with pytest.raises(ChainBroken) as broken:
        held.take(south.row, told.lane.wire_id, [late])
    assert broken.value.code == "not-awaited"
    assert Lane.objects.get(id=told.lane.id).head_seq == last.seq


def test_another_entry_at_a_place_that_is_known_here_is_a_fork_whoever_brings_it(
    told: Told, south: PartnerNode
) -> None:
    header = replace(chain.said_in(told.entries[1].header), subject="urn:x:other", digest="", size=0)
    forged = chain.write_line(chain.write_header(header, node_key()), None)
    with pytest.raises(ChainBroken) as broken:
        held.take(south.row, told.lane.wire_id, [forged, *told.lines[2:]])
    assert (broken.value.code, broken.value.seq) == ("fork", 1)
    assert LaneEntry.objects.filter(lane=told.lane).count() == 2
    held.refuse(south.row, broken.value)
    assert Lane.objects.get(id=told.lane.id).is_closed


def test_what_it_tells_later_is_not_taken(told: Told, south: PartnerNode, cast: Cast) -> None:
    returning.give_up(cast.administrator.actor, south.row)
    assert not returning.is_to_be_asked(south.row)
    # the key of then may be a thief's by now: were it replaced in the ordinary way, or not
    for _ in range(2):
        answer = south.request("POST", f"/federation/held/{told.lane.id}", b"".join(told.lines[2:]))
        assert json.loads(answer.content) == {"taken": 0}
        answer = south.request("POST", "/federation/held", _listed([told.offer]))
        assert json.loads(answer.content) == {"wanted": []}
        with pytest.raises(ChainBroken) as broken:
            _take(told, south)
        assert broken.value.code == "not-awaited"
        held.refuse(south.row, broken.value)
        OwnKey.objects.all().delete()
        _replace_own_key(now())
    assert LaneEntry.objects.filter(lane=told.lane).count() == 2
    assert not Notice.objects.filter(kind="partners.return-refused").exists()
    assert Lane.objects.get(id=told.lane.id).is_closed


def test_nor_is_it_while_others_are_waited_for(told: Told, south: PartnerNode, cast: Cast) -> None:
    east = partner("Eastern CERT", nation="XE")
    returning.begin(SYSTEM)
    returning.heard(east.row)
    returning.give_up(cast.administrator.actor, south.row)
    assert (returning.is_returning(), returning.may_take()) == (True, True)
    answer = south.request("POST", f"/federation/held/{told.lane.id}", b"".join(told.lines[2:]))
    assert json.loads(answer.content) == {"taken": 0}
    # nor where it was given up just now, while it was told
    with pytest.raises(ChainBroken) as broken:
        _take(told, south)
    assert broken.value.code == "not-awaited"
    assert LaneEntry.objects.filter(lane=told.lane).count() == 2


def test_nothing_is_taken_of_anybody_before_all_had_their_say_on_our_keys(
    told: Told, south: PartnerNode
) -> None:
    east = partner("Eastern CERT", nation="XE")
    returning.begin(SYSTEM)
    Partner.objects.update(wants_pull=False)
    answer = south.request("POST", "/federation/held", _listed([told.offer]))
    assert json.loads(answer.content) == {"wanted": []}
    answer = south.request("POST", f"/federation/held/{told.lane.id}", b"".join(told.lines[2:]))
    assert json.loads(answer.content) == {"taken": 0}
    assert LaneEntry.objects.filter(lane=told.lane).count() == 2
    # the last one has its say, and who had come before is asked again at once
    assert json.loads(east.request("POST", "/federation/held", _listed([])).content) == {"wanted": []}
    assert Partner.objects.get(id=south.row.id).wants_pull
    answer = south.request("POST", "/federation/held", _listed([told.offer]))
    assert json.loads(answer.content) == {"wanted": [{"lane": str(told.lane.id), "after": 1}]}
    answer = south.request("POST", f"/federation/held/{told.lane.id}", b"".join(told.lines[2:]))
    assert json.loads(answer.content) == {"taken": 3}


# ---- over the wire ----------------------------------------------------------------------------------------------


def test_who_cannot_be_asked_posts_what_it_holds(told: Told, south: PartnerNode) -> None:
    listing = {"lanes": [{"lane": str(told.lane.id), "seq": 4, "digest": told.entries[4].digest}]}
    body = json.dumps(listing).encode()
    answer = south.request("POST", "/federation/held", body)
    assert json.loads(answer.content) == {"wanted": [{"lane": str(told.lane.id), "after": 1}]}
    answer = south.request("POST", f"/federation/held/{told.lane.id}", b"".join(told.lines[2:]))
    assert json.loads(answer.content) == {"taken": 3}
    assert json.loads(south.request("POST", "/federation/held", body).content) == {"wanted": []}
    assert not returning.is_returning()


def test_a_lie_that_is_posted_is_refused_and_alarms(told: Told, south: PartnerNode) -> None:
    lie = {"lanes": [{"lane": str(told.lane.id), "seq": 1, "digest": "f" * 64}]}
    answer = south.request("POST", "/federation/held", json.dumps(lie).encode())
    assert (answer.status_code, json.loads(answer.content)["type"]) == (
        409,
        "urn:taawun:problem:return-refused",
    )
    assert Notice.objects.filter(kind="partners.return-refused").exists()
    for body in (b"junk", b'{"lanes": [1]}', b'{"lanes": [{"lane": "x", "seq": 1, "digest": "y"}]}'):
        assert south.request("POST", "/federation/held", body).status_code == 400


def test_a_partner_is_given_what_we_hold_of_its_lanes_and_nothing_else(
    node: Organisation, notes: Notes
) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", nation="XE")
    theirs = talk_lane(south)
    theirs.say("tests.word", {"word": "hello"})
    theirs.deliver()
    listed = json.loads(south.request("GET", "/federation/held").content)
    assert listed == {"lanes": [{"lane": str(theirs.row.id), "seq": 1, "digest": theirs.entries[1].digest}]}
    page = south.request("GET", f"/federation/held/{theirs.row.id}?after=0")
    assert page.content == theirs.entries[1].line
    content = theirs.entries[1].header.digest
    assert (
        south.request("GET", f"/federation/held/{theirs.row.id}/{content}").content
        == theirs.entries[1].content
    )
    for path in (f"held/{theirs.row.id}", f"held/{theirs.row.id}/{content}"):
        assert east.request("GET", f"/federation/{path}").status_code == 404
        assert Client().get(f"/federation/{path}").status_code == 401
    assert json.loads(east.request("GET", "/federation/held").content) == {"lanes": []}
    assert south.request("GET", f"/federation/held/{theirs.row.id}?after=x").status_code == 400
    assert settings.BASE_URL


def test_a_stranger_that_introduced_itself_is_not_waited_for(node: Organisation) -> None:
    stranger = partner("Western CERT", nation="XW", state=Partner.State.MET)
    read = Lane.objects.create(purpose="talk")
    read.readers.create(partner=stranger.row)
    assert returning.begin(SYSTEM) == ()
    assert not returning.is_returning()
    # nobody asked it what it holds of a lane that it reads
    assert Lane.objects.get(id=read.id).is_closed


def test_nor_is_one_that_reads_a_lane_while_others_are(told: Told, south: PartnerNode) -> None:
    stranger = partner("Western CERT", nation="XW", state=Partner.State.MET)
    read = Lane.objects.create(purpose="talk")
    read.readers.create(partner=stranger.row)
    assert returning.begin(SYSTEM) == (south.node,)
    returning.answered(south.row)
    assert not returning.is_returning()
    assert list(Lane.objects.filter(is_closed=True).values_list("id", flat=True)) == [read.id]
