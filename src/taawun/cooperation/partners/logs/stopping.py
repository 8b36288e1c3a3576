"""Stopping a lane that does not hold: what came is kept, and everybody whom it concerns is told."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.logs.readers import fellow_readers
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Fork, Lane, LaneEntry, Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

__all__ = ["STOPS_TOLD", "stop_lane"]

# a partner whose lanes stop one after another is one thing to be told: further ones are counted in one notice
STOPS_TOLD: Final = 5


@transaction.atomic
def stop_lane(
    lane: Lane, partner: Partner, broken: ChainBroken, *, shown_by: Partner | None = None, held: str = ""
) -> None:
    """Stop a lane that does not hold, keep what it brought, and tell both administrators.

    Of a fork the two words that prove it are kept, and its other readers are told with them.

    Args:
        lane: a partner's lane.
        partner: its sender.
        broken: what was found.
        shown_by: another reader who showed it; None where it came from the sender.
        held: what the proof contradicts, where that is not an entry that is held here.
    """
    one_speaker()
    # what cannot be read does not say where it stands: it stands where the next entry was expected
    seq = broken.seq if broken.seq >= 0 else lane.head_seq + 1
    stopped = Lane.objects.filter(id=lane.id, state=Lane.State.RUNNING).update(
        state=Lane.State.STOPPED,
        stop_reason=broken.code,
        stop_detail=str(broken)[:500],
        stopped_at=seq,
        stale_since=None,
    )
    if not stopped:
        # stopped before its place was noted
        Lane.objects.filter(id=lane.id, stopped_at=None).update(stopped_at=seq)
        return
    resolve("partners.lane-stale", f"urn:uuid:{lane.id}")
    params = {"lane": str(lane.id), "node": partner.node, "partner": str(partner.id), "reason": broken.code}
    told = {**params, "seq": str(seq), "detail": str(broken)[:300]}
    if shown_by is not None:
        told["shown_by"] = shown_by.node
        raise_notice("partners.lane-forked", f"urn:uuid:{lane.id}", Notice.Level.ALARM, told)
    elif _stops_told(partner) < STOPS_TOLD:
        raise_notice("partners.lane-stopped", f"urn:uuid:{lane.id}", Notice.Level.ALARM, told)
    else:
        facts = {"node": partner.node, "partner": str(partner.id)}
        raise_notice("partners.lanes-stopped", actions.urn(partner), Notice.Level.ALARM, facts)
    record(SystemActor("partners.sync"), "partners.lane-stopped", f"urn:uuid:{lane.id}", params)
    messages.send(
        partner,
        "lane.stopped",
        {"lane": str(lane.wire_id), "reason": broken.code, "seq": seq, "detail": str(broken)[:300]},
    )
    if broken.proof:
        _prove(lane, partner, broken.proof, held, shown_by)


def _stops_told(partner: Partner) -> int:
    """How many stopped lanes of a partner somebody still has to look at, each with a notice of its own."""
    told = Notice.objects.filter(kind="partners.lane-stopped", resolved=None)
    return told.filter(params__partner=str(partner.id)).count()


def _prove(lane: Lane, partner: Partner, shown: str, held: str, shown_by: Partner | None) -> None:
    """Keep the two words that contradict each other, and let everybody see them whom the lane is for."""
    try:
        word = chain.testimony(shown, lineage_of(partner))
        seq, held = _contradicted(lane, word, held, partner)
    except ChainBroken:
        return
    if seq is None:
        return
    Fork.objects.get_or_create(
        lane=lane, seq=seq, defaults={"held": held, "shown": shown, "shown_by": shown_by}
    )
    payload = {"lane": str(lane.wire_id), "sender": partner.node, "proofs": [held, shown]}
    for each in [partner, *fellow_readers(lane)]:
        messages.send(each, "lane.forked", payload)


def _contradicted(lane: Lane, word: chain.Testimony, held: str, partner: Partner) -> tuple[int | None, str]:
    """Where a word contradicts the lane, and by what; (None, "") where it does not."""
    if held:
        return word.contradicts(chain.testimony(held, lineage_of(partner))), held
    for entry in LaneEntry.objects.filter(lane=lane, seq__in=list(word.places)).order_by("seq"):
        if word.places[entry.seq] != entry.digest:
            return entry.seq, entry.header
    return None, ""
