"""What the other node says about the restart of a stopped lane, by message or on paper: verified, then noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Least

from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner, Reset
from taawun.cooperation.partners.restarts import statements
from taawun.cooperation.partners.restarts.restarting import OPEN, drop_open, told_of, urn
from taawun.cooperation.partners.restarts.statements import Statement, StatementRefused
from taawun.cooperation.people.actors import PartyActor
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.foundation.signing import SignatureRefused
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.people.actors import Actor

__all__ = ["hear", "regain", "set_aside", "take"]


def hear(message: Message) -> None:
    """A statement that came over the talk lane."""
    _take(message.partner, str(message.payload.get("statement", "")))


def set_aside(message: Message) -> None:
    """A step that a thief signed is none: what it proposed is dropped, and what it answered or confirmed waits again.

    What this node went on from by a thief's answer it goes on from; but nobody has owned up to anything by it.
    """
    token = str(message.payload.get("statement", ""))
    step = Q(proposal=token) | Q(answer=token) | Q(confirmation=token)
    reset = Reset.objects.select_for_update().filter(step, partner=message.partner).first()
    if reset is None:
        return
    for kind in ("partners.restart-answered", "partners.restart-proposed"):
        resolve(kind, told_of(reset))
    if reset.state == Reset.State.DONE:
        if reset.answer == token:
            reset.answered = None
    elif reset.answer == token:
        reset.state, reset.answer, reset.answered = Reset.State.PROPOSED, "", None
        reset.point_seq, reset.point_digest = None, ""
    elif reset.proposal == token:
        reset.state = Reset.State.DROPPED
    reset.save()


def regain(payload: Mapping[str, Any], header: Header) -> None:
    """A step that this node had signed and forgotten: what follows it comes again over the other node's talk lane.

    What it had confirmed it confirms anew, once it has read on as far as it had. Any: JSON of our own, signed by us.
    """
    token = str(payload["statement"])
    said, partner = statements.read(token, own_lineage()), Partner.objects.get(node=header.to)
    if said.kind == statements.CONFIRMED:
        return
    is_ours = said.kind == statements.ANSWERED
    lane = (
        Lane.objects.filter(id=said.lane, sender=None).first() if is_ours else Lane.called(partner, said.lane)
    )
    if lane is None:
        return
    about = Reset.objects.filter(lane=lane, partner=partner, state__in=OPEN)
    about.exclude(id=said.id).update(state=Reset.State.DROPPED)
    known = Reset.objects.filter(id=said.id).first() or Reset(
        id=said.id,
        lane=lane,
        partner=partner,
        held_seq=said.seq,
        held_digest=said.digest,
        stopped_at=said.stopped_at,
        stop_reason=said.reason,
        proposed=said.at,
    )
    if is_ours:
        known.state, known.answer, known.answered = Reset.State.ANSWERED, token, said.at
        known.point_seq, known.point_digest = said.seq, said.digest
    else:
        known.proposal = token
    known.save()


def take(actor: Actor, partner: Partner, token: str) -> Reset:
    """Take a statement that came by another way, for example because the talk lane is what stopped.

    Args:
        actor: our administrator, who brings it.
        partner: whose it is said to be; its signature tells.
        token: the statement.

    Returns:
        The restart that it is a step of.

    Raises:
        NotAllowed: the actor may not.
        MessageRefused: it is not the partner's, or fits to nothing that is under way.
    """
    require(actor, "manage:partners")
    return _take(partner, token.strip())


@transaction.atomic
def _take(partner: Partner, token: str) -> Reset:
    one_speaker()
    if partner.state != Partner.State.VERIFIED:
        raise MessageRefused("not-verified", "its fingerprint is not compared")
    keys = lineage_of(partner)
    try:
        # a word may be on its way while its sender's key is replaced; a thief's is none
        said = statements.read(token, keys)
        is_doubtful = keys.signer(token).is_doubtful(now())
    except (SignatureRefused, StatementRefused) as refused:
        raise MessageRefused("not-genuine", str(refused)) from None
    if is_doubtful:
        raise MessageRefused("not-genuine", "its key was revoked: a thief may have signed it")
    if said.kind == statements.ANSWERED:
        return _answered(partner, said, token)
    if (said.sender, said.reader) != (settings.BASE_URL, partner.node):
        raise MessageRefused("not-to-us", "the statement is about a lane of another node")
    if said.kind == statements.PROPOSED:
        return _proposed(partner, said, token)
    return _confirmed(partner, said, token)


def _proposed(partner: Partner, said: Statement, token: str) -> Reset:
    """A reader of one of our lanes stopped and wants to go on."""
    lane = Lane.objects.filter(id=said.lane, sender=None, readers__partner=partner).first()
    if lane is None:
        raise MessageRefused("unknown-lane", "there is no such lane here")
    if known := Reset.objects.filter(id=said.id, partner=partner, lane=lane).first():
        if not known.proposal:
            # this node was restored, and knew by its own answer alone that there had been one
            known.proposal, known.held_seq, known.held_digest = token, said.seq, said.digest
            known.stopped_at, known.stop_reason = said.stopped_at, said.reason
            known.save()
        # said before; whoever says it again changes nothing
        return known
    if Reset.objects.filter(id=said.id).exists():
        raise MessageRefused("unknown-reset", "another restart has this id")
    newer = Reset.objects.filter(lane=lane, partner=partner, proposed__gt=said.at)
    if newer.exists():
        raise MessageRefused("replaced", "a later proposal has taken its place")
    # what nobody here answered leaves no trace: a partner may propose as often as it likes
    Reset.objects.filter(lane=lane, partner=partner, state=Reset.State.PROPOSED).delete()
    drop_open(lane, partner)
    reset = Reset.objects.create(
        id=said.id,
        lane=lane,
        partner=partner,
        held_seq=said.seq,
        held_digest=said.digest,
        stopped_at=said.stopped_at,
        stop_reason=said.reason,
        proposal=token,
        proposed=min(said.at, now()),
    )
    # however often it proposes before somebody here answers, it is one thing to be told
    if _tell("partners.restart-proposed", reset).times == 1:
        _record(partner, "partners.restart-proposed", reset)
    return reset


def _answered(partner: Partner, said: Statement, token: str) -> Reset:
    """The sender of a lane that stopped here signs for where it goes on."""
    reset = (
        Reset.objects.select_for_update().select_related("lane").filter(id=said.id, partner=partner).first()
    )
    lane = reset.lane if reset else None
    if reset is None or lane is None or lane.sender_id != partner.id:
        raise MessageRefused("unknown-reset", "nothing of this kind was proposed")
    if reset.answer == token:
        return reset
    if (said.sender, said.reader, said.lane) != (partner.node, settings.BASE_URL, lane.wire_id):
        raise MessageRefused("not-to-us", "the statement is about another lane")
    if reset.state != Reset.State.PROPOSED or said.about != statements.digest_of(reset.proposal):
        raise MessageRefused("unknown-reset", "the proposal that it answers is not open")
    if not _is_held(lane, said.seq, said.digest):
        raise MessageRefused("other-head", "the point that it names is not held here")
    reset.state, reset.answer = Reset.State.ANSWERED, token
    reset.point_seq, reset.point_digest = said.seq, said.digest
    # what it signed before this, it has owned up to; it owns up to nothing that is to come
    reset.answered = min(said.at, now())
    reset.save()
    _tell("partners.restart-answered", reset)
    _record(partner, "partners.restart-answered", reset)
    return reset


def _is_held(lane: Lane, seq: int, digest: str) -> bool:
    if seq == lane.floor_seq - 1:
        return digest == lane.floor_digest
    return LaneEntry.objects.filter(lane=lane, seq=seq, digest=digest).exists()


def _confirmed(partner: Partner, said: Statement, token: str) -> Reset:
    """The reader of one of our lanes goes on from the point that we signed for."""
    reset = (
        Reset.objects.select_for_update().select_related("lane").filter(id=said.id, partner=partner).first()
    )
    if reset is None or reset.lane.sender_id is not None:
        raise MessageRefused("unknown-reset", "nothing of this kind was answered")
    if reset.confirmation == token:
        return reset
    is_about_it = (said.about, said.lane) == (statements.digest_of(reset.answer), reset.lane.wire_id)
    if reset.state != Reset.State.ANSWERED or not is_about_it:
        raise MessageRefused("unknown-reset", "the answer that it confirms is not open")
    reset.state, reset.confirmation, reset.confirmed = Reset.State.DONE, token, now()
    reset.save()
    point = -1 if reset.point_seq is None else reset.point_seq
    # its receipts for what it left behind are no receipts for what stands there now, and it was not brought that either
    LaneReader.objects.filter(lane=reset.lane, partner=partner).update(
        receipt_seq=Least("receipt_seq", point), delivered_seq=Least("delivered_seq", point)
    )
    Partner.objects.filter(id=partner.id).update(wants_push=True)
    stopped = Notice.objects.filter(kind="partners.lane-stopped-there", subject=f"urn:uuid:{reset.lane_id}")
    if stopped.filter(resolved=None, params__partner=str(partner.id)).exists():
        resolve("partners.lane-stopped-there", f"urn:uuid:{reset.lane_id}")
    _record(partner, "partners.restart-confirmed", reset)
    return reset


def _tell(kind: str, reset: Reset) -> Notice:
    facts = {
        "node": reset.partner.node,
        "partner": str(reset.partner.id),
        "lane": str(reset.lane_id),
        "reset": str(reset.id),
        "reason": reset.stop_reason,
        "seq": str(max(reset.stopped_at, 0)),
    }
    return raise_notice(kind, told_of(reset), Notice.Level.WARNING, facts)


def _record(partner: Partner, verb: str, reset: Reset) -> None:
    party = PartyActor(partner.node, partner.name.in_language("en").value)
    facts = {"lane": str(reset.lane_id), "held": reset.held_seq, "point": reset.point_seq}
    record(party, verb, urn(reset), facts)
