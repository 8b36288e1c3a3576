"""The restart of a stopped lane: its reader proposes, its sender answers, its reader confirms; each step is signed.

Neither can do it alone. What the reader holds after the point on which both agree is left behind and kept; a
withdrawal that stood there counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.exchange.receiving import heed_withdrawals
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs.cutting import cut
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner, Reset
from taawun.cooperation.partners.queries import agreed_point
from taawun.cooperation.partners.restarts import statements
from taawun.cooperation.partners.rules import can_talk
from taawun.cooperation.people.rules import Refused, require
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import resolve

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor

__all__ = ["OPEN", "RESET", "answer", "confirm", "drop_open", "propose", "told_of", "urn"]

OPEN: Final = (Reset.State.PROPOSED, Reset.State.ANSWERED)
# the kind of message that carries each statement
RESET: Final = "lane.reset"


def urn(reset: Reset) -> str:
    """The restart as audit and notices name it."""
    return f"urn:uuid:{reset.id}"


def told_of(reset: Reset) -> str:
    """What notices of it are about: the lane and the other node, which may propose again and again."""
    return f"urn:taawun:restart:{reset.lane_id}:{reset.partner_id}"


@transaction.atomic
def propose(actor: Actor, lane: Lane) -> Reset:
    """Propose to the sender of a stopped lane that it goes on. Proposed again, the earlier proposal is dropped.

    Args:
        actor: our administrator.
        lane: a partner's, stopped.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: the lane is not stopped, or nothing is said to its sender.
    """
    require(actor, "manage:partners")
    one_speaker()
    held = Lane.objects.select_for_update().get(id=lane.id)
    sender = held.sender
    if sender is None or held.state != Lane.State.STOPPED:
        raise PartnerRefused("not-stopped", _("This lane is not stopped: there is nothing to restart."))
    _may_talk(sender)
    drop_open(held, sender)
    reset = Reset(id=uuid7(), lane=held, partner=sender, held_seq=held.head_seq, held_digest=held.head_digest)
    reset.stopped_at = -1 if held.stopped_at is None else held.stopped_at
    reset.stop_reason = held.stop_reason
    statement = statements.Statement(
        id=reset.id,
        kind=statements.PROPOSED,
        lane=held.wire_id,
        sender=sender.node,
        reader=settings.BASE_URL,
        seq=held.head_seq,
        digest=held.head_digest,
        at=now(),
        stopped_at=reset.stopped_at,
        reason=held.stop_reason,
        places=_places(held),
    )
    reset.proposal = statements.write(statement, node_key())
    reset.save(force_insert=True)
    messages.send(sender, RESET, {"statement": reset.proposal})
    record(actor, "partners.restart-proposed", urn(reset), _facts(reset))
    return reset


def drop_open(lane: Lane, partner: Partner) -> None:
    """What was under way is over: whoever still answers it answers nothing."""
    for each in Reset.objects.select_for_update().filter(lane=lane, partner=partner, state__in=OPEN):
        each.state = Reset.State.DROPPED
        each.save(update_fields=["state"])
        resolve("partners.restart-answered", told_of(each))


def _places(lane: Lane) -> tuple[tuple[int, str], ...]:
    """The last entry that is held, the one before, two before that, four …: one that both hold is among them."""
    wanted, step, seq = [], 1, lane.head_seq
    while seq > 0:
        wanted.append(seq)
        seq, step = seq - step, step * 2
    wanted += [0] if lane.head_seq >= 0 else []
    if lane.stopped_at is not None and 0 < lane.stopped_at <= lane.head_seq:
        # most lanes break where somebody noticed: the entry before it is the likeliest of all
        wanted.append(lane.stopped_at - 1)
    held = LaneEntry.objects.filter(lane=lane, seq__in=wanted).order_by("-seq")
    # of a lane that was joined later its sender signed for the entry before its floor
    before = ((lane.floor_seq - 1, lane.floor_digest),) if lane.floor_seq else ()
    return (*held.values_list("seq", "digest"), *before)


@transaction.atomic
def answer(actor: Actor, reset: Reset) -> Reset:
    """Answer a partner that wants to read on in one of our lanes: sign for the point on which both agree.

    Args:
        actor: our administrator.
        reset: what the partner proposed.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: it was answered or replaced, or nothing is said to the partner.
    """
    require(actor, "manage:partners")
    one_speaker()
    held = Reset.objects.select_for_update().select_related("lane", "partner").get(id=reset.id)
    if held.state != Reset.State.PROPOSED or held.lane.sender_id is not None:
        raise PartnerRefused("not-proposed", _("This proposal was answered already, or replaced by another."))
    _may_talk(held.partner)
    held.point_seq, held.point_digest = agreed_point(held)
    statement = _statement(held, statements.ANSWERED, about=held.proposal)
    held.answer, held.answered = statements.write(statement, node_key()), statement.at
    held.state = Reset.State.ANSWERED
    held.save()
    messages.send(held.partner, RESET, {"statement": held.answer})
    resolve("partners.restart-proposed", told_of(held))
    record(actor, "partners.restart-answered", urn(held), _facts(held))
    return held


def confirm(actor: Actor, reset: Reset) -> Reset:
    """Confirm the point that the sender signed for: the lane goes on from it, and what stood after it is left behind.

    Args:
        actor: our administrator.
        reset: a restart that the lane's sender answered.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: it was not answered, was replaced, or the lane is not as it was when it was proposed.
    """
    require(actor, "manage:partners")
    found = Reset.objects.select_related("lane__sender").get(id=reset.id)
    sender, point = found.lane.sender, found.point_seq
    is_answered = sender is not None and found.state == Reset.State.ANSWERED
    # before the turn to speak is taken: whoever takes something out of the store takes another turn first
    if is_answered and sender and point is not None and heed_withdrawals(found.lane, sender, point):
        raise PartnerRefused(
            "withdrawal-waits",
            _(
                "A withdrawal among the entries that would be left behind could not be carried out. Try again."
            ),
        )
    return _confirm(actor, reset)


@transaction.atomic
def _confirm(actor: Actor, reset: Reset) -> Reset:
    asked = Reset.objects.get(id=reset.id)
    # before the turn to speak, as whoever takes one of them in does
    beyond = LaneEntry.objects.select_for_update().filter(lane=asked.lane_id, seq__gte=(asked.point_seq or 0))
    list(beyond.order_by("seq").values_list("id"))
    one_speaker()
    held = Reset.objects.select_for_update().select_related("partner").get(id=reset.id)
    lane = Lane.objects.select_for_update().get(id=held.lane_id)
    if held.state != Reset.State.ANSWERED or lane.sender_id is None or held.point_seq is None:
        raise PartnerRefused("not-answered", _("There is no answer of the sender to be confirmed."))
    if lane.state != Lane.State.STOPPED or (lane.head_seq, lane.head_digest) != (
        held.held_seq,
        held.held_digest,
    ):
        raise PartnerRefused(
            "lane-moved", _("The lane is not as it was when the restart was proposed. Propose it anew.")
        )
    _may_talk(held.partner)
    left = cut(lane, held.point_seq, held.point_digest)
    held.lane = lane
    statement = _statement(held, statements.CONFIRMED, about=held.answer)
    held.confirmation, held.confirmed = statements.write(statement, node_key()), statement.at
    held.state = Reset.State.DONE
    held.save()
    for kind in ("partners.lane-stopped", "partners.lane-forked"):
        resolve(kind, f"urn:uuid:{lane.id}")
    resolve("partners.restart-answered", told_of(held))
    messages.send(held.partner, RESET, {"statement": held.confirmation})
    record(actor, "partners.restart-confirmed", urn(held), {**_facts(held), "left_behind": left})
    actions.has_news(held.partner)
    return held


def _statement(reset: Reset, kind: str, *, about: str) -> statements.Statement:
    """The next step of a restart: on the point, about the statement before it."""
    is_ours = reset.lane.sender_id is None
    return statements.Statement(
        id=reset.id,
        kind=kind,
        lane=reset.lane.wire_id,
        sender=settings.BASE_URL if is_ours else reset.partner.node,
        reader=reset.partner.node if is_ours else settings.BASE_URL,
        seq=-1 if reset.point_seq is None else reset.point_seq,
        digest=reset.point_digest,
        at=now(),
        about=statements.digest_of(about),
    )


def _may_talk(partner: Partner) -> None:
    spoken = can_talk(partner)
    if isinstance(spoken, Refused):
        raise PartnerRefused(spoken.reason, spoken.sentence)
    if partner.state != Partner.State.VERIFIED:
        said = _("Its fingerprint has not been compared yet. Compare it with its administrator by telephone.")
        raise PartnerRefused("not-verified", said)


def _facts(reset: Reset) -> dict[str, object]:
    return {
        "lane": str(reset.lane_id),
        "partner": reset.partner.node,
        "held": reset.held_seq,
        "reason": reset.stop_reason,
        "point": reset.point_seq,
    }
