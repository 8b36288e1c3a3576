"""A stopped lane goes on once both administrators have signed for where: neither alone, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.errors import ChainBroken, MessageRefused, PartnerRefused
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, lanes, witness
from taawun.cooperation.partners.logs.proving import prove_lanes
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.models import (
    GENESIS,
    Lane,
    LaneEntry,
    LaneReader,
    Partner,
    Reset,
)
from taawun.cooperation.partners.restarts import resets, restarting, statements
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import frozen, now
from taawun.foundation.strict_json import canonical, parse
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.lanes import Entry, TheirLane, clause_lane, talk_lane


@dataclass
class Stopped:
    """A lane of the south with three notes here, which stopped as a fork at the second of them."""

    cast: Cast
    south: PartnerNode
    east: PartnerNode
    lane: TheirLane

    @property
    def row(self) -> Lane:
        """The lane as it is kept now."""
        return Lane.objects.get(id=self.lane.row.id)

    def propose(self) -> Reset:
        """Our administrator proposes."""
        return restarting.propose(self.cast.administrator.actor, self.row)

    def statement(self, reset: Reset, **changes: Any) -> str:
        """What the south answers; members of the statement are of several types."""
        said = statements.Statement(
            id=reset.id,
            kind=statements.ANSWERED,
            lane=self.lane.row.wire_id,
            sender=self.south.node,
            reader=settings.BASE_URL,
            seq=1,
            digest=self.lane.entries[1].digest,
            at=now(),
            about=statements.digest_of(reset.proposal),
        )
        return statements.write(replace(said, **changes), self.south.key)

    def answer(self, reset: Reset, **changes: Any) -> None:
        """The south's word arrives."""
        resets.take(self.cast.administrator.actor, self.south.row, self.statement(reset, **changes))

    def confirm(self, reset: Reset) -> Reset:
        """Our administrator confirms."""
        return restarting.confirm(self.cast.administrator.actor, reset)

    def restart(self, seq: int = 1) -> Reset:
        """All three steps."""
        reset = self.propose()
        digest = self.lane.entries[seq].digest if seq >= 0 else GENESIS
        self.answer(reset, seq=seq, digest=digest)
        return self.confirm(reset)

    def other_chain(self, after: int = 1) -> None:
        """From now on the south continues another chain."""
        del self.lane.entries[after + 1 :]

    def note(self, number: int, version: str = "1", content: bytes = b"") -> Entry:
        """The south sends a note."""
        return self.lane.write(
            kind="tests.note",
            subject=f"urn:note:{number}",
            version=version,
            content=content or canonical({"note": number}),
        )


@pytest.fixture
def stopped(cast: Cast, notes: Notes) -> Stopped:
    south, east = partner(), partner("Eastern CERT", nation="XE")
    agreement = agreement_in_force(south, east)
    lane = clause_lane(south, agreement, audience=(settings.BASE_URL, east.node))
    made = Stopped(cast, south, east, lane)
    for number in (1, 2, 3):
        made.note(number)
    lane.deliver()
    registry.get(LanePurpose, "clause").acknowledge(lane.row, south.row)
    stop_lane(made.row, south.row, ChainBroken("fork", 2, "another", proof=_other(lane, 2)))
    witness.TELLINGS.empty()
    return made


def _other(lane: TheirLane, seq: int) -> str:
    return chain.write_head(chain.Head(lane.row.wire_id, seq, "e" * 64, now()), lane.sender.key)


def _state(stopped: Stopped) -> tuple[object, ...]:
    """All that a restart would change."""
    row = stopped.row
    entries = LaneEntry.objects.filter(lane__sender=stopped.south.row).order_by("id")
    return (
        row.state,
        row.head_seq,
        row.head_digest,
        row.stopped_at,
        list(entries.values_list("lane", "seq", "state")),
    )


# ---- the whole way --------------------------------------------------------------------------------------------------
def test_a_stopped_lane_goes_on_from_the_point_on_which_both_agree(stopped: Stopped, notes: Notes) -> None:
    reset = stopped.restart()
    stopped.other_chain()
    stopped.note(4)
    stopped.note(5)
    assert stopped.lane.deliver() == [("done", "")] * 4
    row = stopped.row
    assert (row.state, row.stop_reason, row.stopped_at, row.head_seq) == ("running", "", None, 3)
    assert [subject for subject, _version, _content in notes.received] == [
        f"urn:note:{n}" for n in (1, 2, 3, 4, 5)
    ]
    reset.refresh_from_db()
    assert (reset.state, reset.point_seq) == ("done", 1)
    ours, theirs = node_key().public, stopped.south.key.public
    signed = ((reset.proposal, ours), (reset.answer, theirs), (reset.confirmation, ours))
    kinds = [statements.read(token, key).kind for token, key in signed]
    assert kinds == ["proposed", "answered", "confirmed"]


def test_what_is_left_behind_is_kept_as_proof_and_provenance(stopped: Stopped) -> None:
    before = {entry.seq: (entry.id, entry.header) for entry in LaneEntry.objects.filter(lane=stopped.row)}
    reset = stopped.restart()
    left = Lane.objects.get(part_of=stopped.row)
    assert (left.state, left.stop_reason, left.head_seq) == ("left", "fork", 3)
    assert left.wire_id == stopped.lane.row.wire_id
    kept = {entry.seq: (entry.id, entry.header) for entry in LaneEntry.objects.filter(lane=left)}
    assert kept == {seq: before[seq] for seq in (2, 3)}
    held = Passage.objects.filter(entry__lane=left).order_by("entry__seq")
    assert [passage.release.subject for passage in held] == ["urn:note:2", "urn:note:3"]
    assert Release.objects.filter(state="live").count() == 3
    for seq in (2, 3):
        content = stopped.lane.entries[seq].header.digest
        assert contents.has(content, left)
        assert not contents.has(content, stopped.row)
    assert Reset.objects.get().lane == reset.lane == stopped.row
    assert prove_lanes().broken == ()


def test_lanes_that_were_restarted_twice_are_proven_whole_and_a_change_in_them_is_seen(
    stopped: Stopped,
) -> None:
    stopped.restart(2)
    stopped.other_chain(2)
    stopped.note(4)
    stopped.lane.deliver()
    stop_lane(stopped.row, stopped.south.row, ChainBroken("gap", 4, "again"))
    stopped.restart(1)
    left = LaneEntry.objects.filter(lane__part_of=stopped.row)
    assert sorted(left.values_list("seq", flat=True)) == [2, 3, 3]
    assert prove_lanes().broken == ()
    left.filter(seq=2).update(digest="f" * 64)
    assert sorted(broken.code for broken in prove_lanes().broken) == ["altered", "gap"]


def test_receipts_go_on_from_the_point(stopped: Stopped) -> None:
    stopped.restart()
    stopped.other_chain()
    stopped.note(4)
    stopped.lane.deliver()
    registry.get(LanePurpose, "clause").acknowledge(stopped.row, stopped.south.row)
    told = [
        parse(contents.get(entry.content_digest))
        for entry in LaneEntry.objects.filter(kind="receipt").order_by("seq")
    ]
    assert [(each["from"], each["to_seq"]) for each in told] == [(0, 3), (2, 2)]
    assert told[1]["head"] == stopped.lane.entries[2].digest
    assert told[1]["lane"] == str(stopped.lane.row.wire_id)


def test_each_step_is_audited_told_and_over_when_the_next_is_taken(stopped: Stopped) -> None:
    def open_kinds() -> list[str]:
        return sorted(Notice.objects.filter(resolved=None).values_list("kind", flat=True))

    assert open_kinds() == ["partners.lane-stopped"]
    reset = stopped.propose()
    stopped.answer(reset)
    assert open_kinds() == ["partners.lane-stopped", "partners.restart-answered"]
    stopped.confirm(reset)
    assert open_kinds() == []
    verbs = AuditEntry.objects.filter(subject=f"urn:uuid:{reset.id}").order_by("id")
    assert [(each.verb, each.actor_label) for each in verbs] == [
        ("partners.restart-proposed", "Administrator"),
        ("partners.restart-answered", "Southern CERT"),
        ("partners.restart-confirmed", "Administrator"),
    ]
    said = LaneEntry.objects.filter(kind="lane.reset", lane__sender=None).order_by("seq")
    tokens = [parse(contents.get(each.content_digest))["statement"] for each in said]
    reset.refresh_from_db()
    assert tokens == [reset.proposal, reset.confirmation]


def test_a_lane_may_go_on_from_its_very_beginning_or_without_losing_anything(stopped: Stopped) -> None:
    stopped.restart(3)
    assert (stopped.row.head_seq, Lane.objects.filter(part_of=stopped.row).count()) == (3, 0)
    stopped.note(4)
    assert stopped.lane.deliver() == [("done", "")] * 5
    stop_lane(stopped.row, stopped.south.row, ChainBroken("fork", 0, "all of it"))
    stopped.restart(-1)
    assert (stopped.row.head_seq, stopped.row.head_digest) == (-1, GENESIS)
    stopped.lane.entries.clear()
    stopped.lane.open()
    stopped.note(9)
    assert stopped.lane.deliver() == [("done", "")] * 2
    assert prove_lanes().broken == ()


# ---- nobody alone ---------------------------------------------------------------------------------------------------
def test_a_proposal_or_an_answer_alone_changes_nothing(stopped: Stopped) -> None:
    before = _state(stopped)
    reset = stopped.propose()
    assert _state(stopped) == before
    with pytest.raises(PartnerRefused) as refused:
        stopped.confirm(reset)
    assert refused.value.code == "not-answered"
    stopped.answer(reset)
    assert _state(stopped) == before
    stopped.note(7)
    with pytest.raises(ChainBroken):
        stopped.lane.take([b"x"])
    assert _state(stopped) == before


def _signed_by_east(stopped: Stopped, reset: Reset) -> str:
    return statements.write(
        statements.read(stopped.statement(reset), stopped.south.key.public), stopped.east.key
    )


LIES: list[Any] = [
    pytest.param(
        lambda s, r: s.statement(r, seq=2, digest="e" * 64), "other-head", id="a point that is not held"
    ),
    pytest.param(
        lambda s, r: s.statement(r, seq=9, digest="e" * 64), "other-head", id="a point beyond what is held"
    ),
    pytest.param(lambda s, r: s.statement(r, seq=-1, digest="e" * 64), "other-head", id="no beginning"),
    pytest.param(lambda s, r: s.statement(r, id=uuid4()), "unknown-reset", id="to nothing that was proposed"),
    pytest.param(lambda s, r: s.statement(r, about="d" * 64), "unknown-reset", id="to another proposal"),
    pytest.param(lambda s, r: s.statement(r, lane=uuid4()), "not-to-us", id="of another lane"),
    pytest.param(lambda s, r: s.statement(r, reader=s.east.node), "not-to-us", id="for another reader"),
    pytest.param(
        lambda s, r: s.statement(r, kind="confirmed"), "not-to-us", id="a confirmation of its own answer"
    ),
    pytest.param(lambda s, r: r.proposal, "not-genuine", id="our own proposal"),
    pytest.param(_signed_by_east, "not-genuine", id="signed by another"),
    pytest.param(lambda _s, _r: "x", "not-genuine", id="no statement"),
    pytest.param(lambda s, _r: s.lane.head(), "not-genuine", id="a head"),
]


@pytest.mark.parametrize(("lie", "code"), LIES)
def test_an_answer_that_does_not_fit_is_refused_and_changes_nothing(
    stopped: Stopped, lie: Callable[[Stopped, Reset], str], code: str
) -> None:
    reset, before = stopped.propose(), _state(stopped)
    with pytest.raises(MessageRefused) as refused:
        resets.take(stopped.cast.administrator.actor, stopped.south.row, lie(stopped, reset))
    assert refused.value.code == code
    reset.refresh_from_db()
    assert (reset.state, reset.answer) == ("proposed", "")
    assert _state(stopped) == before


def test_an_answer_to_an_earlier_proposal_and_one_that_is_replayed_change_nothing(stopped: Stopped) -> None:
    first = stopped.propose()
    late = stopped.statement(first)
    second = stopped.propose()
    first.refresh_from_db()
    assert (first.state, second.state) == ("dropped", "proposed")
    with pytest.raises(MessageRefused) as refused:
        resets.take(stopped.cast.administrator.actor, stopped.south.row, late)
    assert refused.value.code == "unknown-reset"
    answer = stopped.statement(second)
    for _ in range(2):
        resets.take(stopped.cast.administrator.actor, stopped.south.row, answer)
    stopped.confirm(second)
    stop_lane(stopped.row, stopped.south.row, ChainBroken("gap", 2, "again"))
    before = _state(stopped)
    # what was said for one restart does not serve for the next
    resets.take(stopped.cast.administrator.actor, stopped.south.row, answer)
    with pytest.raises(PartnerRefused):
        stopped.confirm(second)
    assert _state(stopped) == before


def test_the_sender_of_another_lane_does_not_answer_for_this_one(stopped: Stopped) -> None:
    reset = stopped.propose()
    said = statements.read(stopped.statement(reset), stopped.south.key.public)
    token = statements.write(replace(said, sender=stopped.east.node), stopped.east.key)
    with pytest.raises(MessageRefused) as refused:
        resets.take(stopped.cast.administrator.actor, stopped.east.row, token)
    assert refused.value.code == "unknown-reset"


def test_only_an_administrator_takes_a_step_and_only_on_a_stopped_lane(stopped: Stopped) -> None:
    analyst = stopped.cast.analyst.actor
    with pytest.raises(NotAllowed):
        restarting.propose(analyst, stopped.row)
    reset = stopped.propose()
    with pytest.raises(NotAllowed):
        resets.take(analyst, stopped.south.row, stopped.statement(reset))
    stopped.answer(reset)
    with pytest.raises(NotAllowed):
        restarting.confirm(analyst, reset)
    stopped.confirm(reset)
    with pytest.raises(PartnerRefused) as refused:
        stopped.propose()
    assert refused.value.code == "not-stopped"


@pytest.mark.parametrize("state", ["met", "blocked"])
def test_with_whom_nobody_compared_or_somebody_blocked_nothing_is_restarted(
    stopped: Stopped, state: str
) -> None:
    reset = stopped.propose()
    stopped.answer(reset)
    Partner.objects.filter(id=stopped.south.row.id).update(state=state)
    before = _state(stopped)
    with pytest.raises(PartnerRefused):
        stopped.confirm(reset)
    with pytest.raises(PartnerRefused):
        stopped.propose()
    assert _state(stopped) == before


# ---- nothing is lost and nothing comes in by it ---------------------------------------------------------------------
def test_a_withdrawal_in_what_is_left_behind_counts(stopped: Stopped, notes: Notes) -> None:
    stopped.restart(3)
    first, second = stopped.lane.entries[1], stopped.note(4)
    stopped.lane.deliver()
    stopped.lane.withdraw(second)
    stopped.lane.withdraw(first)
    stopped.lane.take()
    # it stops before either was carried out
    stop_lane(stopped.row, stopped.south.row, ChainBroken("fork", 4, "another"))
    assert notes.withdrawn == []
    stopped.restart(3)
    assert sorted(notes.withdrawn) == ["urn:note:1", "urn:note:4"]
    # what was taken back does not come alive on the other chain
    stopped.other_chain(3)
    for number in (5, 6, 7, 8, 4, 9):
        stopped.note(number)
    assert stopped.lane.deliver()[4:] == [("done", "")] * 4 + [("withdrawn", ""), ("done", "")]
    assert Release.objects.get(subject="urn:note:4").state == "withdrawn"
    assert notes.received[-1][0] == "urn:note:9"


def test_what_came_only_in_what_is_left_behind_is_taken_back_on_the_lane_that_goes_on(
    stopped: Stopped, notes: Notes
) -> None:
    gone = stopped.lane.entries[3]
    stopped.restart()
    stopped.other_chain()
    stopped.lane.withdraw(gone)
    stopped.lane.deliver()
    assert notes.withdrawn == ["urn:note:3"]
    assert Release.objects.get(subject="urn:note:3").state == "withdrawn"


def test_what_was_refused_is_refused_again_on_the_chain_that_goes_on(stopped: Stopped, notes: Notes) -> None:
    stopped.restart()
    stopped.other_chain()
    # another content under a version that stands in what is left behind
    stopped.note(3, content=b'{"note":"another"}')
    stopped.note(2)
    assert stopped.lane.deliver()[2:] == [("refused", "conflict"), ("done", "")]
    assert len(notes.received) == 3
    assert Passage.objects.filter(release__subject="urn:note:2").count() == 2


def test_what_waited_beyond_the_break_is_not_taken_in_by_a_restart(stopped: Stopped, notes: Notes) -> None:
    stopped.restart(3)
    stopped.note(4)
    stopped.lane.take()
    stop_lane(stopped.row, stopped.south.row, ChainBroken("fork", 4, "another"))
    stopped.restart(3)
    left = LaneEntry.objects.get(lane__part_of=stopped.row)
    assert (left.state, left.reason) == ("unopened", "left-behind")
    assert len(notes.received) == 3


def test_heads_of_what_the_sender_owned_up_to_do_not_stop_the_lane_again_and_a_new_lie_does(
    stopped: Stopped,
) -> None:
    with frozen(now()) as clock:
        old = chain.write_head(chain.Head(stopped.lane.row.wire_id, 2, "e" * 64, now()), stopped.south.key)
        clock.advance(timedelta(minutes=1))
        stopped.restart()
        clock.advance(timedelta(minutes=1))
        stopped.other_chain()
        stopped.note(4)
        stopped.lane.deliver()
        witness.hear(stopped.east.row, [old])
        witness.compare()
        assert stopped.row.state == "running"
        talk = talk_lane(stopped.east)
        proofs = [old, stopped.lane.entries[2].token]
        talk.say(
            "lane.forked",
            {"lane": str(stopped.lane.row.wire_id), "sender": stopped.south.node, "proofs": proofs},
        )
        assert talk.deliver()[-1] == ("done", "")
        assert stopped.row.state == "running"
        new = chain.write_head(chain.Head(stopped.lane.row.wire_id, 2, "f" * 64, now()), stopped.south.key)
        witness.hear(stopped.east.row, [new])
        assert (stopped.row.state, stopped.row.stop_reason) == ("stopped", "fork")


def test_an_answer_that_is_dated_ahead_owns_up_to_nothing_that_is_to_come(stopped: Stopped) -> None:
    with frozen(now()) as clock:
        reset = stopped.propose()
        stopped.answer(reset, at=now() + timedelta(days=300))
        stopped.confirm(reset)
        clock.advance(timedelta(minutes=5))
        stopped.other_chain()
        stopped.note(4)
        stopped.lane.deliver()
        new = chain.write_head(chain.Head(stopped.lane.row.wire_id, 2, "f" * 64, now()), stopped.south.key)
        witness.hear(stopped.east.row, [new])
        assert stopped.row.state == "stopped"


def test_a_talk_lane_goes_on_by_statements_that_were_brought_by_hand(cast: Cast, notes: Notes) -> None:
    south = partner()
    talk = talk_lane(south)
    talk.say("tests.word", {"word": 1})
    talk.deliver()
    stop_lane(talk.row, south.row, ChainBroken("gap", 2, "a gap"))
    stopped = Stopped(cast, south, south, talk)
    stopped.restart()
    talk.say("tests.word", {"word": 2})
    assert talk.deliver() == [("done", "")] * 3
    assert notes.heard == [1, 2]


# ---- at the sender --------------------------------------------------------------------------------------------------
@dataclass
class Ours:
    """A lane of ours with four entries, and its reader."""

    cast: Cast
    south: PartnerNode
    lane: Lane
    talk: TheirLane

    def propose(self, **changes: Any) -> str:
        """What the reader signs; members of the statement are of several types."""
        held = dict(LaneEntry.objects.filter(lane=self.lane).values_list("seq", "digest"))
        said = statements.Statement(
            id=uuid4(),
            kind=statements.PROPOSED,
            lane=self.lane.id,
            sender=settings.BASE_URL,
            reader=self.south.node,
            seq=3,
            digest="e" * 64,
            at=now(),
            stopped_at=2,
            reason="fork",
            places=((3, "e" * 64), (2, "d" * 64), (1, held[1]), (0, held[0])),
        )
        return statements.write(replace(said, **changes), self.south.key)

    def say(self, token: str) -> tuple[str, str]:
        """The reader's word arrives; what became of it."""
        self.talk.say("lane.reset", {"statement": token})
        return self.talk.deliver()[-1]

    def confirmation(self, reset: Reset, **changes: Any) -> str:
        """What the reader signs in the end."""
        said = statements.Statement(
            id=reset.id,
            kind=statements.CONFIRMED,
            lane=self.lane.id,
            sender=settings.BASE_URL,
            reader=self.south.node,
            seq=1,
            digest=reset.point_digest or GENESIS,
            at=now(),
            about=statements.digest_of(reset.answer),
        )
        return statements.write(replace(said, **changes), self.south.key)


@pytest.fixture
def ours(cast: Cast) -> Ours:
    south = partner()
    lane = lanes.open_clause_lane(
        agreement=uuid4(), document="d" * 64, clause="1", readers=[south.row], audience=[south.node]
    )
    item = lanes.Item("tests.note", "urn:note", "1", "withdraw", Tlp.GREEN, content=None)
    lanes.append(lane, [item] * 3)
    return Ours(cast, south, lane, talk_lane(south))


def test_the_sender_is_told_answers_with_the_last_common_entry_and_learns_of_the_confirmation(
    ours: Ours,
) -> None:
    ours.talk.say("lane.stopped", {"lane": str(ours.lane.id), "reason": "fork", "seq": 2, "detail": ""})
    LaneReader.objects.update(receipt_seq=3)
    assert ours.say(ours.propose()) == ("done", "")
    kinds = Notice.objects.filter(resolved=None).order_by("created").values_list("kind", flat=True)
    assert list(kinds) == ["partners.lane-stopped-there", "partners.restart-proposed"]
    reset = Reset.objects.get()
    assert (reset.state, reset.held_seq, reset.stopped_at, reset.stop_reason) == ("proposed", 3, 2, "fork")
    answered = restarting.answer(ours.cast.administrator.actor, reset)
    first = LaneEntry.objects.get(lane=ours.lane, seq=1)
    assert (answered.state, answered.point_seq, answered.point_digest) == ("answered", 1, first.digest)
    said = parse(contents.get(LaneEntry.objects.get(kind="lane.reset", lane__sender=None).content_digest))
    statement = statements.read(said["statement"], node_key().public)
    assert (statement.kind, statement.seq, statement.digest, statement.reader) == (
        "answered",
        1,
        first.digest,
        ours.south.node,
    )
    assert ours.say(ours.confirmation(answered)) == ("done", "")
    reset.refresh_from_db()
    assert (reset.state, LaneReader.objects.get(lane=ours.lane).receipt_seq) == ("done", 1)
    assert not Notice.objects.filter(resolved=None).exists()
    assert AuditEntry.objects.filter(subject=f"urn:uuid:{reset.id}").count() == 3
    # our lane itself is what it was
    assert Lane.objects.get(id=ours.lane.id).head_seq == 3


def test_where_they_agree_on_nothing_the_lane_goes_on_from_its_beginning(ours: Ours) -> None:
    ours.say(ours.propose(places=((3, "e" * 64), (0, "d" * 64))))
    answered = restarting.answer(ours.cast.administrator.actor, Reset.objects.get())
    assert (answered.point_seq, answered.point_digest) == (-1, GENESIS)


def test_who_proposes_again_and_again_leaves_one_proposal_and_an_older_one_is_not_taken(ours: Ours) -> None:
    with frozen(now()) as clock:
        first = ours.propose()
        clock.advance(timedelta(seconds=1))
        for _ in range(20):
            clock.advance(timedelta(seconds=1))
            last = ours.propose()
            assert ours.say(last) == ("done", "")
        assert ours.say(last) == ("done", "")
        assert ours.say(first) == ("refused", "replaced")
    assert Reset.objects.get().proposal == last
    assert Notice.objects.filter(kind="partners.restart-proposed", resolved=None).count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lane": uuid4()}, "unknown-lane"),
        ({"reader": "https://other.example"}, "not-to-us"),
        ({"sender": "https://other.example"}, "not-to-us"),
        ({"kind": "confirmed", "about": "d" * 64}, "unknown-reset"),
        ({"kind": "answered", "about": "d" * 64}, "unknown-reset"),
        ({"places": tuple((seq, "d" * 64) for seq in range(statements.MOST_PLACES + 1))}, "not-genuine"),
        ({"seq": -2}, "not-genuine"),
        ({"digest": "x"}, "not-genuine"),
    ],
)
def test_a_proposal_that_does_not_fit_is_refused(ours: Ours, changes: dict[str, Any], code: str) -> None:
    assert ours.say(ours.propose(**changes)) == ("refused", code)
    assert not Reset.objects.exists()


def test_a_confirmation_that_was_not_asked_for_or_is_of_another_answer_is_refused(ours: Ours) -> None:
    ours.say(ours.propose())
    reset = Reset.objects.get()
    assert ours.say(ours.confirmation(reset)) == ("refused", "unknown-reset")
    answered = restarting.answer(ours.cast.administrator.actor, reset)
    assert ours.say(ours.confirmation(answered, about="d" * 64)) == ("refused", "unknown-reset")
    assert ours.say(ours.confirmation(answered, lane=uuid4())) == ("refused", "unknown-reset")
    with pytest.raises(PartnerRefused) as refused:
        restarting.answer(ours.cast.administrator.actor, reset)
    assert refused.value.code == "not-proposed"
    # the sender does not confirm in the place of the reader
    with pytest.raises(PartnerRefused):
        restarting.confirm(ours.cast.administrator.actor, answered)
