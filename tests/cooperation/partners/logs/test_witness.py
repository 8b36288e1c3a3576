"""Readers of a lane show each other its newest head: two histories are found out, and a lying teller does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils.translation import override

from taawun.cooperation.agreements.models import PartySignature
from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.exchange.wire import _heads
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, lanes, witness
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.models import Fork, Lane, LaneEntry, Partner, PartnerKey, ToldHead
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical, parse
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import PartnerNode, agreement_in_force, partner
from tests.lanes import Entry, TheirLane, clause_lane, nothing_to_fetch, talk_lane


@dataclass
class Circle:
    """A sender, another reader of its lane, somebody whom the lane is not for, and the lane with four entries here."""

    south: PartnerNode
    east: PartnerNode
    west: PartnerNode
    lane: TheirLane

    @property
    def row(self) -> Lane:
        """The lane as it is kept now."""
        return Lane.objects.get(id=self.lane.row.id)

    def other_history(self, seq: int = 2) -> tuple[Entry, str]:
        """What the sender signed for somebody else at a place, and the head that ends there."""
        entry = self.lane.forged(self.lane.entries[seq], subject="urn:test:other")
        return entry, self.head(seq, entry.digest)

    def head(self, seq: int, digest: str = "", *, key: SigningKey | None = None, **members: Any) -> str:
        """A head with members of its own, of whatever types; the lane's sender signs unless another key is given."""
        said: dict[str, Any] = {
            "lane": self.lane.row.wire_id,
            "seq": seq,
            "digest": digest or self.lane.entries[seq].digest,
            "time": now(),
        }
        return chain.write_head(chain.Head(**(said | members)), key or self.south.key)


@pytest.fixture
def circle(node: Organisation) -> Circle:
    south, east = partner(), partner("Eastern CERT", nation="XE")
    west = partner("Western CERT", nation="XW")
    agreement = agreement_in_force(south, east, west)
    lane = clause_lane(south, agreement, audience=(settings.BASE_URL, east.node))
    for _ in range(3):
        lane.write()
    lane.take()
    witness.TELLINGS.empty()
    return Circle(south, east, west, lane)


def _tell(teller: PartnerNode, *heads: object, compare: bool = False) -> list[object]:
    """Say heads to this node's inbox, as their node would; what it answers."""
    said = {"descriptor": teller.descriptor(), "heads": list(heads), "compare": compare}
    answer = teller.request("POST", "/federation/inbox", canonical(said))
    assert answer.status_code == 202
    return _heads(answer.content)


def _notices() -> list[tuple[str, str]]:
    """Kind and English sentence of all that is open."""
    with override("en"):
        return [
            (each.kind, registry.get(NoticeKind, each.kind).sentence(each.params))
            for each in Notice.objects.filter(resolved=None).order_by("created")
        ]


def _is_untouched(circle: Circle) -> bool:
    return (
        circle.row.state == Lane.State.RUNNING
        and not Notice.objects.exists()
        and not Fork.objects.exists()
        and not LaneEntry.objects.filter(kind__in=["lane.forked", "lane.stopped"]).exists()
    )


# ---- who lies does nothing ------------------------------------------------------------------------------------------
LIES: list[Any] = [
    pytest.param(lambda c: c.head(2, "e" * 64, key=c.east.key), id="signed by the teller"),
    pytest.param(lambda c: c.head(2, "e" * 64, key=SigningKey.generate()), id="signed by nobody known"),
    pytest.param(
        lambda c: c.head(2, "e" * 64).rpartition(".")[0] + "." + "A" * 86, id="a signature that is made up"
    ),
    pytest.param(lambda c: c.head(1, time=now() - timedelta(days=40)), id="an old head, replayed"),
    pytest.param(lambda c: c.head(2, "e" * 64, lane=uuid4()), id="of a lane that is not here"),
    pytest.param(lambda c: c.head(-1, "e" * 64), id="of no place"),
    pytest.param(lambda c: c.lane.entries[2].token, id="a header for a head"),
    pytest.param(lambda _c: "a.b.c", id="no token"),
    pytest.param(lambda _c: "x" * 100_000, id="a long text"),
    pytest.param(lambda _c: 7, id="a number"),
    pytest.param(lambda _c: None, id="nothing"),
]


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_teller_alarms_nobody_and_stops_nothing(
    circle: Circle, lie: Callable[[Circle], object]
) -> None:
    _tell(circle.east, lie(circle))
    witness.compare()
    assert _is_untouched(circle)
    assert not ToldHead.objects.filter(teller=circle.east.row, seq__gt=3).exists()


@pytest.mark.parametrize("head_seq", [2, 9])
def test_a_head_of_a_lane_that_its_teller_does_not_read_is_not_looked_at(
    circle: Circle, head_seq: int
) -> None:
    with frozen(now()) as clock:
        _tell(circle.west, circle.head(head_seq, "e" * 64))
        clock.advance(timedelta(days=1))
        witness.compare()
    assert _is_untouched(circle)
    assert not ToldHead.objects.filter(teller=circle.west.row).exists()


@pytest.mark.parametrize("state", ["met", "blocked", "claimed"])
def test_who_is_not_compared_shows_nothing_and_is_shown_nothing(circle: Circle, state: str) -> None:
    Partner.objects.filter(id=circle.east.row.id).update(state=state)
    _entry, head = circle.other_history()
    said = {"descriptor": circle.east.descriptor(), "heads": [head], "compare": True}
    answer = circle.east.request("POST", "/federation/inbox", canonical(said))
    assert answer.status_code == (403 if state == "blocked" else 202)
    assert b"heads" not in answer.content
    assert _is_untouched(circle)


def test_a_head_of_a_talk_lane_is_not_for_others_to_show(circle: Circle) -> None:
    talk = talk_lane(circle.south)
    talk.take()
    forged = chain.Head(talk.row.wire_id, 0, "e" * 64, now())
    _tell(circle.east, chain.write_head(forged, circle.south.key))
    assert _is_untouched(circle)


def test_heads_beyond_the_bound_and_tellings_beyond_the_rate_are_not_looked_at(circle: Circle) -> None:
    _entry, head = circle.other_history()
    _tell(circle.east, *["x"] * witness.MOST_HEADS, head)
    assert _is_untouched(circle)
    while not witness.TELLINGS.take(str(circle.east.row.id)):
        pass
    assert _tell(circle.east, head, compare=True) == []
    assert _is_untouched(circle)


@pytest.mark.parametrize(
    "proofs",
    [
        pytest.param(lambda c: ["x", "y"], id="no proofs"),
        pytest.param(lambda c: [c.head(2), c.lane.entries[2].token], id="two words that agree"),
        pytest.param(lambda c: [c.head(1), c.head(2, "e" * 64)], id="two words of two places"),
        pytest.param(lambda c: [c.head(2), c.head(2, "e" * 64, key=c.east.key)], id="one not of the sender"),
        pytest.param(
            lambda c: [c.head(2, "d" * 64, lane=c.east.row.id), c.head(2, "e" * 64, lane=c.east.row.id)],
            id="of another lane",
        ),
        pytest.param(lambda c: [], id="none"),
    ],
)
def test_a_message_that_proves_nothing_is_refused(
    circle: Circle, proofs: Callable[[Circle], list[str]]
) -> None:
    talk = talk_lane(circle.east)
    payload = {"lane": str(circle.lane.row.wire_id), "sender": circle.south.node, "proofs": proofs(circle)}
    talk.say("lane.forked", payload)
    outcome = talk.deliver()[-1]
    assert outcome[0] == "refused"
    assert outcome[1] in {"malformed", "proves-nothing"}
    assert circle.row.state == Lane.State.RUNNING
    assert _notices() == [] or [kind for kind, _sentence in _notices()] == ["partners.entry-unopened"]


def test_a_proof_of_a_lane_that_its_teller_does_not_read_is_refused(circle: Circle) -> None:
    other, _head = circle.other_history()
    talk = talk_lane(circle.west)
    payload = {
        "lane": str(circle.lane.row.wire_id),
        "sender": circle.south.node,
        "proofs": [other.token, circle.head(2)],
    }
    talk.say("lane.forked", payload)
    assert talk.deliver()[-1] == ("refused", "unknown-lane")
    assert circle.row.state == Lane.State.RUNNING


# ---- two histories --------------------------------------------------------------------------------------------------
def test_a_head_that_contradicts_what_is_held_stops_the_lane_and_everybody_is_shown_both_words(
    circle: Circle,
) -> None:
    _other, head = circle.other_history()
    _tell(circle.east, head)
    row = circle.row
    assert (row.state, row.stop_reason, row.stopped_at) == ("stopped", "fork", 2)
    assert _notices() == [
        (
            "partners.lane-forked",
            (
                f"{circle.south.node} signed two different histories of one lane: {circle.east.node} was shown "
                "another entry 2 than this node. The lane was stopped."
            ),
        )
    ]
    proof = Fork.objects.get()
    held = circle.lane.entries[2].token
    assert (proof.lane, proof.seq, proof.held, proof.shown, proof.shown_by) == (
        row,
        2,
        held,
        head,
        circle.east.row,
    )
    told = {
        entry.lane.readers.get().partner.node: parse(contents_of(entry))
        for entry in LaneEntry.objects.filter(kind="lane.forked")
    }
    assert set(told) == {circle.south.node, circle.east.node}
    assert all(each["proofs"] == [held, head] for each in told.values())
    assert all(each["sender"] == circle.south.node for each in told.values())
    assert AuditEntry.objects.filter(verb="partners.lane-stopped").count() == 1
    # shown again, it is nothing new
    _tell(circle.east, head)
    assert (Notice.objects.get().times, Fork.objects.count()) == (1, 1)


def contents_of(entry: LaneEntry) -> bytes:
    return contents.get(entry.content_digest)


def test_a_head_beyond_what_is_held_is_compared_when_the_entry_has_come(circle: Circle) -> None:
    _tell(circle.east, circle.head(5, "e" * 64))
    witness.compare()
    assert _is_untouched(circle)
    circle.lane.write()
    circle.lane.take()
    witness.compare()
    assert circle.row.state == "running"
    circle.lane.write()
    circle.lane.take()
    witness.compare()
    assert (circle.row.state, circle.row.stopped_at) == ("stopped", 5)
    assert [kind for kind, _sentence in _notices()] == ["partners.lane-forked"]
    assert Fork.objects.get().held == circle.lane.entries[5].token


def test_a_head_that_agrees_is_kept_and_says_nothing(circle: Circle) -> None:
    head = circle.head(3)
    _tell(circle.east, head)
    kept = ToldHead.objects.get(teller=circle.east.row)
    assert (kept.seq, kept.token, kept.is_compared, kept.ahead_since) == (3, head, True, None)
    assert _is_untouched(circle)


def test_nothing_from_the_fork_on_is_taken_in_and_what_came_before_is(circle: Circle) -> None:
    _entry, head = circle.other_history()
    _tell(circle.east, head)
    process_pending(circle.row, circle.south.row, nothing_to_fetch)
    assert [state for state, _reason in circle.lane.outcomes()] == ["done", "unopened", "pending", "pending"]


def test_a_proof_that_another_reader_sends_is_verified_and_stops_the_lane_here_too(circle: Circle) -> None:
    other, _head = circle.other_history()
    talk = talk_lane(circle.east)
    payload = {"lane": str(circle.lane.row.wire_id), "sender": circle.south.node}
    talk.say("lane.forked", {**payload, "proofs": [other.token, circle.head(2)]})
    assert talk.deliver()[-1] == ("done", "")
    assert (circle.row.state, circle.row.stop_reason, circle.row.stopped_at) == ("stopped", "fork", 2)
    assert [kind for kind, _sentence in _notices()] == ["partners.lane-forked"]
    proof = Fork.objects.get()
    assert (proof.seq, proof.held, proof.shown_by) == (2, other.token, circle.east.row)


def _replaced(circle: Circle, *, is_revoked: bool) -> None:
    """The sender signs with another key by now, which had its turn on the lane from its third entry on."""
    south, after = circle.south, SigningKey.generate()
    PartnerKey.objects.create(
        partner=south.row,
        position=0,
        kid=south.key.kid,
        jwk=south.key.public.to_jwk(),
        replaced=now(),
        revoked_since=now() - timedelta(hours=1) if is_revoked else None,
    )
    Partner.objects.filter(id=south.row.id).update(kid=after.kid, jwk=after.public.to_jwk())
    if not is_revoked:
        Lane.objects.filter(id=circle.row.id).update(newest_kid=after.kid, older_until=1)


@pytest.mark.parametrize("is_revoked", [True, False])
def test_what_a_thief_signs_with_a_key_that_was_revoked_or_replaced_proves_nothing_whoever_shows_it(
    circle: Circle, is_revoked: bool
) -> None:
    other, head = circle.other_history()
    held = circle.head(2)
    _replaced(circle, is_revoked=is_revoked)
    _tell(circle.east, head)
    witness.compare()
    assert _is_untouched(circle)
    talk = talk_lane(circle.east)
    payload = {"lane": str(circle.lane.row.wire_id), "sender": circle.south.node}
    talk.say("lane.forked", {**payload, "proofs": [other.token, held]})
    assert talk.deliver()[-1] == ("refused", "proves-nothing")
    assert (circle.row.state, Fork.objects.exists()) == (Lane.State.RUNNING, False)


def test_a_fork_that_the_sender_itself_shows_is_proven_to_the_other_readers(circle: Circle) -> None:
    circle.lane.entries[3] = circle.lane.forged(circle.lane.entries[3], subject="urn:test:other")
    with pytest.raises(ChainBroken) as broken:
        circle.lane.take(circle.lane.page(2))
    stop_lane(circle.row, circle.south.row, broken.value)
    proof = Fork.objects.get()
    assert (proof.seq, proof.shown, proof.shown_by) == (3, circle.lane.entries[3].token, None)
    told = LaneEntry.objects.filter(kind="lane.forked").values_list("lane__readers__partner__node", flat=True)
    assert set(told) == {circle.south.node, circle.east.node}
    assert [kind for kind, _sentence in _notices()] == ["partners.lane-stopped"]


def test_a_reader_that_proves_two_histories_of_our_own_lane_alarms_us(circle: Circle) -> None:
    lane = lanes.open_clause_lane(
        agreement=circle.lane.row.agreement or uuid4(),
        document="d" * 64,
        clause="1",
        readers=[circle.east.row],
        audience=[circle.east.node],
    )
    held = LaneEntry.objects.get(lane=lane, seq=0)
    shown = chain.write_head(chain.Head(lane.id, 0, "e" * 64, now()), node_key())
    talk = talk_lane(circle.east)
    payload = {"lane": str(lane.id), "sender": settings.BASE_URL, "proofs": [held.header, shown]}
    talk.say("lane.forked", payload)
    talk.say("lane.forked", payload)
    assert talk.deliver()[1:] == [("done", ""), ("done", "")]
    assert _notices() == [
        (
            "partners.own-lane-forked",
            f"{circle.east.node} proves that this node signed two different histories of one of its lanes, at entry 0.",
        )
    ]
    assert AuditEntry.objects.filter(verb="partners.own-lane-forked").count() == 1
    # of a lane that it does not read it proves nothing
    other = talk_lane(circle.west)
    other.say("lane.forked", payload)
    assert other.deliver()[-1] == ("refused", "unknown-lane")


# ---- what does not come ---------------------------------------------------------------------------------------------
def test_a_lane_of_which_others_are_shown_more_for_hours_is_told_and_comes_right_by_itself(
    circle: Circle,
) -> None:
    with frozen(now()) as clock:
        circle.lane.write()
        _tell(circle.east, circle.lane.head())
        witness.compare()
        clock.advance(witness.STALE_AFTER - timedelta(minutes=1))
        witness.compare()
        assert _is_untouched(circle)
        clock.advance(timedelta(minutes=2))
        for _ in range(3):
            witness.compare()
        assert _notices() == [
            (
                "partners.lane-stale",
                (
                    f"{circle.east.node} is shown more of a lane of {circle.south.node} than this node: entry 4 there, "
                    "entry 3 here."
                ),
            )
        ]
        assert Notice.objects.get().times == 1
        assert circle.row.state == "running"
        circle.lane.take()
        witness.compare()
        assert _notices() == []
        assert circle.row.stale_since is None


def test_a_sender_that_only_others_hear_is_told_and_comes_right_by_itself(circle: Circle) -> None:
    with frozen(now()) as clock:
        for _ in range(6):
            clock.advance(timedelta(hours=1))
            _tell(circle.east, circle.lane.head())
            witness.compare()
        assert _notices() == [
            (
                "partners.lane-stale",
                f"{circle.east.node} hears from {circle.south.node}, and this node has not for hours.",
            )
        ]
        circle.lane.take()
        witness.compare()
        assert _notices() == []


def test_a_head_that_is_dated_ahead_of_its_time_makes_nothing_stale(circle: Circle) -> None:
    with frozen(now()) as clock:
        _tell(circle.east, circle.lane.head(at=now() + timedelta(days=300)))
        for _ in range(10):
            clock.advance(timedelta(hours=1))
            circle.lane.take([chain.write_head_line(circle.lane.head())])
            witness.compare()
    assert _is_untouched(circle)


def test_a_node_that_was_off_for_a_day_is_not_alarmed_while_it_catches_up(circle: Circle) -> None:
    with frozen(now()) as clock:
        clock.advance(timedelta(days=1))
        for _ in range(50):
            circle.lane.write()
        _tell(circle.east, circle.lane.head())
        witness.compare()
        clock.advance(timedelta(hours=1))
        circle.lane.take()
        witness.compare()
        clock.advance(timedelta(hours=1))
        witness.compare()
    assert _is_untouched(circle)


def test_a_lane_that_stops_is_no_longer_called_stale(circle: Circle) -> None:
    with frozen(now()) as clock:
        circle.lane.write()
        _tell(circle.east, circle.lane.head())
        witness.compare()
        clock.advance(witness.STALE_AFTER)
        witness.compare()
        assert [kind for kind, _sentence in _notices()] == ["partners.lane-stale"]
        _entry, head = circle.other_history()
        _tell(circle.east, head)
        witness.compare()
        assert [kind for kind, _sentence in _notices()] == ["partners.lane-forked"]


# ---- what is told ---------------------------------------------------------------------------------------------------
def test_the_answer_of_the_inbox_brings_heads_of_the_lanes_that_both_read_and_of_no_other(
    circle: Circle,
) -> None:
    ours = clause_lane(circle.south, None, audience=(settings.BASE_URL,))
    ours.take()
    [mine] = ToldHead.objects.filter(lane=circle.lane.row, teller=circle.south.row)
    assert _tell(circle.east, compare=True) == [mine.token]
    # a lane of a narrowed audience is not to be known of
    assert _tell(circle.west, compare=True) == []
    # to its sender nothing is told of its own lanes
    assert _tell(circle.south, compare=True) == []
    # who does not ask gets nothing
    assert _tell(circle.east) == []


def test_who_has_not_signed_the_agreement_is_not_told_of_its_lanes(circle: Circle) -> None:
    PartySignature.objects.filter(node=circle.east.node).delete()
    actions._partners_changed()
    assert _tell(circle.east, compare=True) == []
    _entry, head = circle.other_history()
    _tell(circle.east, head)
    assert _is_untouched(circle)


def test_a_guest_is_told_by_its_host(circle: Circle) -> None:
    lane = clause_lane(
        circle.south,
        None,
        audience=(settings.BASE_URL, f"{circle.west.node}#university"),
    )
    lane.take()
    Lane.objects.filter(id=lane.row.id).update(agreement=circle.lane.row.agreement)
    assert witness.heads_for(circle.west.row) == [
        ToldHead.objects.get(lane=lane.row, teller=circle.south.row).token
    ]


def test_the_newest_word_of_a_sender_is_kept_and_written_anew_seldom(circle: Circle) -> None:
    with frozen(now()) as clock:
        first = ToldHead.objects.get(lane=circle.lane.row)
        assert (first.seq, first.teller, first.digest) == (3, circle.south.row, circle.lane.entries[3].digest)
        clock.advance(timedelta(minutes=1))
        circle.lane.take([chain.write_head_line(circle.lane.head())])
        assert ToldHead.objects.get().token == first.token
        clock.advance(timedelta(minutes=30))
        circle.lane.take([chain.write_head_line(circle.lane.head())])
        assert ToldHead.objects.get().token != first.token
        circle.lane.write()
        circle.lane.take()
        assert ToldHead.objects.get().seq == 4


def test_no_more_heads_are_told_at_once_than_another_node_looks_at(
    circle: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "MOST_HEADS", 2)
    for _ in range(3):
        lane = clause_lane(circle.south, None, audience=(settings.BASE_URL, circle.east.node))
        lane.take()
        Lane.objects.filter(id=lane.row.id).update(agreement=circle.lane.row.agreement)
    assert len(set(witness.heads_for(circle.east.row))) == 2


def test_the_heads_of_a_hundred_lanes_are_told_in_a_few_queries(
    circle: Circle, django_assert_max_num_queries: Any
) -> None:
    for number in range(100):
        lane = clause_lane(circle.south, None, audience=(settings.BASE_URL, circle.east.node))
        lane.take()
        Lane.objects.filter(id=lane.row.id).update(agreement=circle.lane.row.agreement, clause=str(number))
    with django_assert_max_num_queries(12):
        told = witness.heads_for(circle.east.row)
    assert len(told) == 101
    with django_assert_max_num_queries(20):
        witness.hear(circle.east.row, [*told, sha256(b"x")])
