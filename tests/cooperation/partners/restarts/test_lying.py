"""Restarts with somebody who lies: a second history, a stolen key, proposals without end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange.messages import Message
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, witness
from taawun.cooperation.partners.models import Lane, LaneReader, Partner, PartnerKey, Reset
from taawun.cooperation.partners.restarts import resets, restarting, statements
from taawun.cooperation.partners.restored import held, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import frozen, now
from taawun.foundation.signing import SigningKey
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cooperation.partners.restarts.test_restarting import Ours, Stopped, ours, stopped
from tests.lanes import talk_lane
from tests.restored import forget

__all__ = ["ours", "stopped"]

DAY = timedelta(days=1)
NEXT = SigningKey.generate()


@pytest.fixture(autouse=True)
def remembered() -> Iterator[None]:
    """What a process remembers of its node's return ends with the test."""
    yield
    returning._Known.is_over = False
    witness.TELLINGS.empty()


def _head(stopped: Stopped, digit: str, at: datetime) -> str:
    """A word of the south on another entry 2."""
    return chain.write_head(chain.Head(stopped.lane.row.wire_id, 2, digit * 64, at), stopped.south.key)


def _goes_on(stopped: Stopped) -> None:
    """The south continues another chain after entry 1."""
    stopped.other_chain()
    stopped.note(4)
    stopped.note(5)
    stopped.lane.deliver()


def test_a_history_that_is_dated_back_and_shown_later_than_a_day_after_the_restart_stops_the_lane(
    stopped: Stopped,
) -> None:
    with frozen(now()) as clock:
        before = now()
        clock.advance(timedelta(minutes=1))
        stopped.restart()
        _goes_on(stopped)
        clock.advance(DAY + timedelta(minutes=1))
        witness.hear(stopped.east.row, [_head(stopped, "f", before)])
    assert (stopped.row.state, stopped.row.stop_reason) == ("stopped", "fork")


def test_so_does_the_proof_of_one_that_another_reader_brings(stopped: Stopped) -> None:
    with frozen(now()) as clock:
        before = now()
        clock.advance(timedelta(minutes=1))
        stopped.restart()
        _goes_on(stopped)
        clock.advance(DAY + timedelta(minutes=1))
        talk = talk_lane(stopped.east)
        proofs = [_head(stopped, "f", before), stopped.lane.entries[2].token]
        said = {"lane": str(stopped.lane.row.wire_id), "sender": stopped.south.node, "proofs": proofs}
        talk.say("lane.forked", said)
        assert talk.deliver()[-1] == ("done", "")
    assert stopped.row.state == "stopped"


def test_what_was_left_behind_here_stays_settled_for_ever(stopped: Stopped) -> None:
    with frozen(now()) as clock:
        left = chain.write_head(
            chain.Head(stopped.lane.row.wire_id, 2, stopped.lane.entries[2].digest, now()), stopped.south.key
        )
        clock.advance(timedelta(minutes=1))
        stopped.restart()
        _goes_on(stopped)
        clock.advance(30 * DAY)
        witness.hear(stopped.east.row, [left])
        witness.compare()
    assert stopped.row.state == "running"


def test_who_has_not_restarted_and_shows_the_same_every_hour_stops_nothing(stopped: Stopped) -> None:
    with frozen(now()) as clock:
        old = _head(stopped, "e", now())
        clock.advance(timedelta(minutes=1))
        stopped.restart()
        _goes_on(stopped)
        for _each in range(4):
            witness.hear(stopped.east.row, [old])
            witness.compare()
            clock.advance(DAY)
    assert stopped.row.state == "running"
    assert stopped.row.stale_since is None


def test_a_key_whose_turn_on_the_lane_was_over_proves_nothing_of_what_came_after_it(stopped: Stopped) -> None:
    with frozen(now()) as clock:
        stopped.restart()
        _goes_on(stopped)
        south = stopped.south
        PartnerKey.objects.create(
            partner=south.row, position=0, kid=south.key.kid, jwk=south.key.public.to_jwk(), replaced=now()
        )
        Partner.objects.filter(id=south.row.id).update(kid=NEXT.kid, jwk=NEXT.public.to_jwk())
        Lane.objects.filter(id=stopped.row.id).update(newest_kid=NEXT.kid, older_until=1)
        clock.advance(2 * DAY)
        stolen = _head(stopped, "f", now())
        witness.hear(stopped.east.row, [stolen])
        assert stopped.row.state == "running"
        talk = talk_lane(stopped.east)
        proofs = [stolen, stopped.lane.entries[2].token]
        said = {"lane": str(stopped.lane.row.wire_id), "sender": south.node, "proofs": proofs}
        talk.say("lane.forked", said)
        assert talk.deliver()[-1] == ("refused", "proves-nothing")
    assert stopped.row.state == "running"


# ---- at the sender --------------------------------------------------------------------------------------------------


def test_who_proposes_without_end_is_told_once_and_counted(ours: Ours) -> None:
    with frozen(now()) as clock:
        for _each in range(10):
            clock.advance(timedelta(seconds=1))
            assert ours.say(ours.propose()) == ("done", "")
    assert Notice.objects.get(kind="partners.restart-proposed").times == 10
    assert AuditEntry.objects.filter(verb="partners.restart-proposed").count() == 1
    assert Notice.objects.get(kind="partners.restart-proposed").params["reset"] == str(Reset.objects.get().id)
    restarting.answer(ours.cast.administrator.actor, Reset.objects.get())
    assert not Notice.objects.filter(kind="partners.restart-proposed", resolved=None).exists()


def test_what_stands_after_the_point_is_brought_again_to_who_is_delivered_to(ours: Ours) -> None:
    LaneReader.objects.filter(lane=ours.lane).update(delivered_seq=3, receipt_seq=0)
    ours.say(ours.propose())
    answered = restarting.answer(ours.cast.administrator.actor, Reset.objects.get())
    assert ours.say(ours.confirmation(answered)) == ("done", "")
    reader = LaneReader.objects.get(lane=ours.lane)
    assert (reader.delivered_seq, reader.receipt_seq) == (1, 0)


def _another_key(ours: Ours, revoked_since: datetime | None) -> None:
    south = ours.south
    PartnerKey.objects.create(
        partner=south.row,
        position=0,
        kid=south.key.kid,
        jwk=south.key.public.to_jwk(),
        replaced=now(),
        revoked_since=revoked_since,
    )
    Partner.objects.filter(id=south.row.id).update(kid=NEXT.kid, jwk=NEXT.public.to_jwk())


def test_a_step_that_was_on_its_way_while_the_key_was_replaced_is_taken(ours: Ours) -> None:
    token = ours.propose()
    _another_key(ours, None)
    south = Partner.objects.get(id=ours.south.row.id)
    assert resets.take(ours.cast.administrator.actor, south, token).state == "proposed"


def test_a_step_under_a_key_that_was_revoked_is_a_thiefs(ours: Ours) -> None:
    token = ours.propose()
    _another_key(ours, now() - DAY)
    south = Partner.objects.get(id=ours.south.row.id)
    with pytest.raises(MessageRefused) as refused:
        resets.take(ours.cast.administrator.actor, south, token)
    assert refused.value.code == "not-genuine"


def test_what_a_thief_proposed_or_confirmed_is_taken_out_with_the_key(ours: Ours) -> None:
    ours.say(ours.propose())
    message = _message(ours, "proposal")
    resets.set_aside(message)
    assert Reset.objects.get().state == "dropped"
    assert not Notice.objects.filter(kind="partners.restart-proposed", resolved=None).exists()


def test_what_a_thief_answered_waits_for_the_senders_own_word_again(stopped: Stopped) -> None:
    reset = stopped.propose()
    token = stopped.statement(reset)
    resets.take(stopped.cast.administrator.actor, stopped.south.row, token)
    resets.set_aside(_said(stopped.south.row, token))
    reset.refresh_from_db()
    assert (reset.state, reset.answer, reset.point_seq) == ("proposed", "", None)
    assert not Notice.objects.filter(kind="partners.restart-answered", resolved=None).exists()
    stopped.answer(reset)
    assert stopped.confirm(reset).state == "done"


def test_nobody_has_owned_up_to_anything_by_what_a_thief_answered(stopped: Stopped) -> None:
    with frozen(now()) as clock:
        before = now()
        clock.advance(timedelta(minutes=1))
        reset = stopped.restart()
        resets.set_aside(_said(stopped.south.row, reset.answer))
        _goes_on(stopped)
        witness.hear(stopped.east.row, [_head(stopped, "f", before)])
    assert stopped.row.state == "stopped"


def _message(ours: Ours, step: str) -> Message:
    return _said(ours.south.row, getattr(Reset.objects.get(), step))


def _said(partner: Partner, token: str) -> Message:
    return Message(partner, "lane.reset", uuid4(), {"statement": token}, now(), now())


# ---- after a restore ------------------------------------------------------------------------------------------------


def test_a_restored_node_knows_what_it_answered_and_takes_the_confirmation(ours: Ours) -> None:
    proposal = ours.propose()
    ours.say(proposal)
    answered = restarting.answer(ours.cast.administrator.actor, Reset.objects.get())
    confirmation = ours.confirmation(answered)
    talk = Lane.objects.get(sender=None, purpose="talk")
    Reset.objects.all().delete()
    told = forget(talk, 0)
    returning.begin(SystemActor("tests"))
    assert held.take(ours.south.row, talk.id, told.lines[1:]) == len(told.lines) - 1
    again = Reset.objects.get()
    assert (again.state, again.answer, again.point_seq) == ("answered", answered.answer, 1)
    returning.answered(ours.south.row)
    # what the reader said comes again over its talk lane
    assert ours.say(proposal) == ("done", "")
    again.refresh_from_db()
    assert (again.state, again.proposal, again.stop_reason) == ("answered", proposal, "fork")
    assert ours.say(confirmation) == ("done", "")
    again.refresh_from_db()
    assert again.state == "done"


def test_a_restored_node_knows_what_it_proposed(stopped: Stopped) -> None:
    reset = stopped.propose()
    talk = Lane.objects.get(sender=None, purpose="talk", readers__partner=stopped.south.row)
    Reset.objects.all().delete()
    told = forget(talk, 0)
    returning.begin(SystemActor("tests"))
    held.take(stopped.south.row, talk.id, told.lines[1:])
    for each in Partner.objects.all():
        returning.answered(each)
    stopped.answer(reset)
    again = Reset.objects.get()
    assert (again.id, again.state, again.proposal) == (reset.id, "answered", reset.proposal)
    assert statements.read(again.proposal, node_key().public).kind == "proposed"
    assert stopped.confirm(again).state == "done"
