"""What readers and the sender of a lane show each other when it has two histories: the two words that prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from taawun.cooperation.partners.errors import ChainBroken, MessageRefused
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.identity.succession import is_its_turn
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.logs.readers import readers_of
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.models import Fork, Lane, LaneEntry, Partner, Reset
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.identity.lineage import Lineage

__all__ = ["shown"]


def shown(message: Message) -> None:
    """A partner shows that a lane has two histories. The proofs are verified here; who shows them is not believed."""
    payload = message.payload
    try:
        wire_id, sender = UUID(str(payload["lane"])), str(payload["sender"])
        proofs = payload["proofs"]
        held, other = str(proofs[0]), str(proofs[1])
    except (IndexError, KeyError, TypeError, ValueError):
        raise MessageRefused("malformed", "lane, sender and two proofs are needed") from None
    # a partner may have given a lane of its own the id of one of ours: whose lane is meant is said beside it
    own = Lane.objects.filter(id=wire_id, sender=None, readers__partner=message.partner).first()
    if own is not None and sender == settings.BASE_URL:
        _of_ours(own, message, held, other)
        return
    known = Partner.objects.filter(node=sender).exclude(kid="").first()
    lane = Lane.called(known, wire_id) if known else None
    if known is None or lane is None or not _may_speak_of(message.partner, lane):
        raise MessageRefused("unknown-lane", "there is no such lane between the two nodes")
    keys = lineage_of(known)
    seq, words = _proven(lane.wire_id, keys, held, other)
    if not all(is_its_turn(lane, keys, keys.signer(token).kid, seq) for token in (held, other)):
        raise MessageRefused("proves-nothing", "its key was replaced by then: a thief may have signed it")
    if all(_is_settled(lane, seq, word, message) for word in words):
        return
    broken = ChainBroken("fork", seq, "the sender signed another header for another reader", proof=other)
    stop_lane(lane, known, broken, shown_by=message.partner, held=held)


def _may_speak_of(teller: Partner, lane: Lane) -> bool:
    return teller.id == lane.sender_id or teller.node in readers_of([lane]).get(lane.id, ())


def _is_settled(lane: Lane, seq: int, word: chain.Testimony, message: Message) -> bool:
    """Whether a word on a place of a lane is no other than what is held, or belongs to what its sender gave up."""
    digest = word.places[seq]
    if LaneEntry.objects.filter(lane=lane, seq=seq, digest=digest).exists():
        return True
    return Reset.settles(lane, seq, digest, signed=word.at, heard=message.received)


def _proven(wire_id: UUID, keys: Lineage, one: str, other: str) -> tuple[int, Sequence[chain.Testimony]]:
    """Where two words of one lane, signed with a key, contradict each other; and what they say.

    Raises:
        MessageRefused: they prove nothing.
    """
    try:
        words = chain.testimony(one, keys), chain.testimony(other, keys)
    except ChainBroken as broken:
        raise MessageRefused("proves-nothing", str(broken)) from None
    if any(keys.signer(token).is_doubtful(now()) for token in (one, other)):
        raise MessageRefused("proves-nothing", "its key was revoked: a thief may have signed it")
    seq = words[0].contradicts(words[1])
    if seq is None or words[0].lane != wire_id:
        raise MessageRefused("proves-nothing", "the two words do not contradict each other")
    return seq, words


def _of_ours(lane: Lane, message: Message, one: str, other: str) -> None:
    """This node itself has signed two histories: it was set back, or somebody else has its key."""
    seq, _words = _proven(lane.id, own_lineage(), one, other)
    _fork, is_new = Fork.objects.get_or_create(
        lane=lane, seq=seq, defaults={"held": one, "shown": other, "shown_by": message.partner}
    )
    if not is_new:
        return
    facts = {
        "lane": str(lane.id),
        "node": message.partner.node,
        "partner": str(message.partner.id),
        "seq": str(seq),
    }
    raise_notice("partners.own-lane-forked", f"urn:uuid:{lane.id}", Notice.Level.ALARM, facts)
    party = PartyActor(message.partner.node, message.partner.name.in_language("en").value)
    record(party, "partners.own-lane-forked", f"urn:uuid:{lane.id}", {"seq": seq})
