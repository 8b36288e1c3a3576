"""What readers of one lane tell each other: the newest head that its sender signed for them.

A sender that shows two readers two histories, or keeps from one what it gives the others, is found out so
(docs/protocol.md, "Heads of others"). Nobody is believed: a head counts by its sender's signature alone, whoever shows
it, and only of a lane that this node reads and whose readers the one who tells is among.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import F, Q

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange import disk
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.identity.succession import is_its_turn
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.logs.readers import readers_of
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner, PartnerKey, Reset, ToldHead
from taawun.cooperation.partners.restored.returning import is_returning
from taawun.foundation import strict_json
from taawun.foundation.clock import now
from taawun.foundation.signing import SignatureRefused, peek
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.web.limits import Buckets, Rate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "EVERY",
    "MOST_HEADS",
    "STALE_AFTER",
    "answer",
    "compare",
    "heads_for",
    "hear",
    "is_due",
    "remember",
    "told",
]

# how often two nodes tell each other, and how many heads at once; where they share more lanes, a random choice
EVERY: Final = timedelta(hours=1)
MOST_HEADS: Final = 200
# how long others may have to be shown more than we are before somebody is told
STALE_AFTER: Final = timedelta(hours=3)
# a sender's word is written down again after this time, though it says nothing new; it is late after twice as much
_WORD_EVERY: Final = timedelta(minutes=30)
_LATE: Final = 2 * _WORD_EVERY
_TOKEN_BYTES: Final = 2048
_CLAIM: Final = strict_json.Limits(max_bytes=_TOKEN_BYTES, max_depth=2, max_values=20)
# checking signatures costs more than making them up: what comes more often is not looked at
TELLINGS: Final = Buckets(Rate(burst=10, per_second=1 / 60))
_CHANCE: Final = random.SystemRandom()


# ---- what the sender itself shows us ----------------------------------------------------------------------------
def remember(lane: Lane, sender: Partner, head: chain.Head, token: str) -> None:
    """Keep the newest head that a lane's sender signed for us, to show it to the lane's other readers.

    Args:
        lane: a partner's lane.
        sender: its sender.
        head: what was verified, and agrees with what is held.
        token: the same as it was signed.
    """
    if lane.purpose == Lane.Purpose.TALK:
        return
    held = ToldHead.objects.filter(lane=lane, teller=sender).first()
    if held is None or held.seq < head.seq or (held.seq == head.seq and held.heard < now() - _WORD_EVERY):
        _keep([_told(lane, sender, head, token, is_compared=True)])


def _told(
    lane: Lane,
    teller: Partner,
    head: chain.Head,
    token: str,
    *,
    is_compared: bool,
) -> ToldHead:
    at = now()
    return ToldHead(
        lane=lane,
        teller=teller,
        seq=head.seq,
        digest=head.digest,
        token=token,
        # a clock that is ahead makes nobody late
        signed=min(head.time, at),
        heard=at,
        is_compared=is_compared,
    )


def _keep(rows: Sequence[ToldHead]) -> None:
    """Of each lane and teller the newest word is kept, in the place of the one before."""
    ToldHead.objects.bulk_create(
        # in one order, so that two that keep the same ones wait for each other in no circle
        sorted(rows, key=lambda each: (each.lane_id, each.teller_id)),
        update_conflicts=True,
        unique_fields=["lane", "teller"],
        update_fields=["seq", "digest", "token", "signed", "heard", "is_compared", "ahead_since"],
    )


# ---- telling ----------------------------------------------------------------------------------------------------
def is_due(partner: Partner) -> bool:
    """Whether heads are to be exchanged with a partner: with whom somebody here compared, every hour."""
    if partner.state != Partner.State.VERIFIED or is_returning():
        return False
    return partner.heads_told is None or partner.heads_told <= now() - EVERY


def told(partner: Partner) -> None:
    """Note that heads were exchanged with a partner now."""
    Partner.objects.filter(id=partner.id).update(heads_told=now())


def heads_for(reader: Partner) -> list[str]:
    """The newest head of each lane of others that a partner reads as this node does, as its sender signed it."""
    words = ToldHead.objects.filter(teller=F("lane__sender"), seq__gte=0)
    shared = list(words.exclude(lane__sender=reader).select_related("lane"))
    readers = readers_of([each.lane for each in shared])
    tokens = [each.token for each in shared if reader.node in readers.get(each.lane_id, ())]
    return tokens if len(tokens) <= MOST_HEADS else _CHANCE.sample(tokens, MOST_HEADS)


def answer(caller: Partner, heads: object, *, wants_ours: bool) -> list[str] | None:
    """Hear the heads that a partner tells, and tell ours where it asks for them. No other node is called.

    Args:
        caller: who signed the request.
        heads: what it brought, of whatever shape.
        wants_ours: whether it asks for ours.

    Returns:
        Our heads; None where it gets none: it did not ask, nobody compared it, or it asks too often.
    """
    # a node that was restored says nothing yet, also not what it holds
    if caller.state != Partner.State.VERIFIED or TELLINGS.take(str(caller.id)) or is_returning():
        return None
    hear(caller, heads if isinstance(heads, list) else [])
    if not wants_ours:
        return None
    told(caller)
    return heads_for(caller)


# ---- hearing ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Claim:
    """What an unverified head says that it is: nothing of it is believed, it tells what to verify it by."""

    token: str
    kid: str
    lane: UUID


def hear(teller: Partner, heads: Sequence[object]) -> None:
    """Look at the heads of others' lanes that a partner shows us.

    What is not signed by the lane's sender, is of a lane that this node does not read, or that the teller does not read
    by all that is known here, is passed over without a word.

    Args:
        teller: who shows them.
        heads: the first 200 are looked at.
    """
    claims = [claim for claim in map(_claim, heads[:MOST_HEADS]) if claim]
    senders = _senders(teller, {claim.kid for claim in claims})
    held = _lanes_of(senders.values(), {claim.lane for claim in claims})
    readers = readers_of(list(held.values()))
    known = {
        each.lane_id: each for each in ToldHead.objects.filter(teller=teller, lane__in=list(held.values()))
    }
    news: dict[UUID, ToldHead] = {}
    for claim in claims:
        sender = senders.get(claim.kid)
        lane = held.get((sender.id, claim.lane)) if sender else None
        if sender is None or lane is None or teller.node not in readers.get(lane.id, ()):
            continue
        before = news.get(lane.id) or known.get(lane.id)
        if before is None or before.token != claim.token:
            fresh = _look_at(lane, sender, teller, claim.token, before)
            news |= {lane.id: fresh} if fresh else {}
    _keep(list(news.values()))


def _senders(teller: Partner, kids: Collection[str]) -> dict[str, Partner]:
    """Whose keys these are, also ones that were replaced, among those whom somebody here compared."""
    others = Partner.objects.filter(state=Partner.State.VERIFIED).exclude(id=teller.id)
    earlier = PartnerKey.objects.filter(kid__in=kids, partner__in=others).select_related("partner")
    found = {row.kid: row.partner for row in earlier}
    return found | {partner.kid: partner for partner in others.filter(kid__in=kids)}


def _claim(token: object) -> _Claim | None:
    if not isinstance(token, str) or len(token) > _TOKEN_BYTES:
        return None
    try:
        seen = peek(token)
        return _Claim(token, seen.kid, UUID(strict_json.parse(seen.payload, _CLAIM)["lane"]))
    except (SignatureRefused, strict_json.JsonRefused, AttributeError, KeyError, TypeError, ValueError):
        return None


def _lanes_of(senders: Iterable[Partner], wire_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], Lane]:
    """Lanes by their sender's row and what the sender calls them."""
    named = Q(id__in=wire_ids, alias=None) | Q(alias__in=wire_ids)
    found = Lane.objects.filter(named, sender__in=list(senders)).exclude(purpose=Lane.Purpose.TALK)
    return {(lane.sender_id, lane.wire_id): lane for lane in found if lane.sender_id}


def _look_at(
    lane: Lane, sender: Partner, teller: Partner, token: str, before: ToldHead | None
) -> ToldHead | None:
    """Verify a head and compare it with what is held; what is to be kept of it, if it is news."""
    keys = lineage_of(sender)
    try:
        head = chain.read_head(token, keys)
    except ChainBroken:
        return None
    # under a key that was revoked, or whose turn on the lane was over, a thief may have signed it
    signer = keys.signer(token)
    is_word = not signer.is_doubtful(now()) and is_its_turn(lane, keys, signer.kid, head.seq)
    if not is_word or head.lane != lane.wire_id or head.seq < 0:
        return None
    is_held = head.seq <= lane.head_seq
    if is_held and _is_forked(lane, head.seq, head.digest):
        if not Reset.settles(lane, head.seq, head.digest, signed=head.time, heard=now()):
            _stop(lane, sender, teller, head.seq, token)
            return None
        # who shows it again tomorrow shows nothing new: it is kept as what was looked at, and says nothing of the lane
        known = _told(lane, teller, head, token, is_compared=True)
        known.seq = -1
        return known
    if before is not None and before.signed >= head.time:
        return None
    fresh = _told(lane, teller, head, token, is_compared=is_held)
    # since when it is ahead of us goes on: a sender that withholds goes on sending to the others
    fresh.ahead_since = before.ahead_since if before else None
    return fresh


def _is_forked(lane: Lane, seq: int, digest: str) -> bool:
    if seq == lane.head_seq:
        return digest != lane.head_digest
    if seq == lane.floor_seq - 1:
        return digest != lane.floor_digest
    held = LaneEntry.objects.filter(lane=lane, seq=seq).values_list("digest", flat=True).first()
    return held is not None and held != digest


def _stop(lane: Lane, sender: Partner, teller: Partner, seq: int, token: str) -> None:
    broken = ChainBroken("fork", seq, "the sender signed another header for another reader", proof=token)
    stop_lane(lane, sender, broken, shown_by=teller)


def _is_word(each: ToldHead) -> bool:
    sender = each.lane.sender
    return sender is not None and is_its_turn(each.lane, lineage_of(sender), peek(each.token).kid, each.seq)


# ---- comparing later --------------------------------------------------------------------------------------------
def compare() -> int:
    """Compare what others were shown with what has come here since, and tell of what does not come.

    Returns:
        How many lanes were stopped.
    """
    if is_returning():
        return 0
    stopped = 0
    running = ToldHead.objects.filter(lane__state=Lane.State.RUNNING).select_related(
        "lane", "lane__sender", "teller"
    )
    for each in running.filter(is_compared=False, seq__lte=F("lane__head_seq")):
        sender = each.lane.sender
        # its key may have had its turn by now
        is_forked = _is_forked(each.lane, each.seq, each.digest) and _is_word(each)
        is_settled = is_forked and Reset.settles(
            each.lane, each.seq, each.digest, signed=each.signed, heard=each.heard
        )
        if sender and is_forked and not is_settled:
            _stop(each.lane, sender, each.teller, each.seq, each.token)
            stopped += 1
        else:
            ToldHead.objects.filter(id=each.id, token=each.token).update(is_compared=True)
    # what we do not read because there is no room is not withheld from us
    if disk.has_room():
        _look_for_stale()
    return stopped


def _look_for_stale() -> None:
    """Find the lanes whose other readers are shown more than we are, and those that came right again."""
    at = now()
    running = ToldHead.objects.filter(
        lane__state=Lane.State.RUNNING, lane__sender__state=Partner.State.VERIFIED
    )
    own_words = dict(running.filter(teller=F("lane__sender")).values_list("lane_id", "heard"))
    others = running.exclude(teller=F("lane__sender")).select_related("lane__sender", "teller")
    stale: dict[UUID, ToldHead] = {}
    for each in others:
        word = own_words.get(each.lane_id)
        is_late = word is not None and each.signed > word + _LATE
        is_ahead = each.seq > each.lane.known_seq or is_late
        if is_ahead != (each.ahead_since is not None):
            each.ahead_since = at if is_ahead else None
            ToldHead.objects.filter(id=each.id).update(ahead_since=each.ahead_since)
        if each.ahead_since is not None and each.ahead_since <= at - STALE_AFTER:
            stale[each.lane_id] = max(each, stale.get(each.lane_id, each), key=lambda told: told.seq)
    for lane_id, each in stale.items():
        if Lane.objects.filter(id=lane_id, stale_since=None).update(stale_since=each.ahead_since):
            _tell_of_stale(each)
    for lane in Lane.objects.exclude(stale_since=None).exclude(id__in=list(stale)):
        Lane.objects.filter(id=lane.id).update(stale_since=None)
        resolve("partners.lane-stale", f"urn:uuid:{lane.id}")


def _tell_of_stale(each: ToldHead) -> None:
    sender = each.lane.sender
    if sender is None:
        return
    params = {
        "lane": str(each.lane_id),
        "node": sender.node,
        "partner": str(sender.id),
        "seen_by": each.teller.node,
        "seq": str(each.seq),
        "known": str(each.lane.known_seq),
    }
    raise_notice("partners.lane-stale", f"urn:uuid:{each.lane_id}", Notice.Level.WARNING, params)
