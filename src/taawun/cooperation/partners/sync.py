"""The sync loop: tells partners of news, asks them for theirs, with bounded threads and a deadline for each."""

from __future__ import annotations

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q

from taawun.cooperation.partners import actions, lanes, wire
from taawun.cooperation.partners.descriptor import RENEWAL
from taawun.cooperation.partners.errors import ChainBroken, PartnerRefused
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.purposes import LanePurpose
from taawun.cooperation.partners.receiving import (
    UNVERIFIED_MESSAGES,
    known_head,
    process_pending,
    stop_lane,
    take_page,
)
from taawun.cooperation.partners.wording import OWN_FAULT, Problem, problem_of
from taawun.foundation.clock import now
from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from taawun.platform.registry import registry

if TYPE_CHECKING:
    import threading
    from concurrent.futures import Future
    from uuid import UUID

__all__ = ["run", "sync_partner"]

log = logging.getLogger(__name__)

_THREADS: Final = 8
_LOOK_SECONDS: Final = 0.1
_FIRST_BACK_OFF: Final = timedelta(seconds=2)
_LONGEST_BACK_OFF: Final = timedelta(minutes=30)


def run(stop: threading.Event) -> None:
    """Look after every partner until told to stop."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="sync") as pool:
        at_work: dict[UUID, Future[None]] = {}
        while not stop.wait(_LOOK_SECONDS):
            close_old_connections()
            at_work = {key: future for key, future in at_work.items() if not future.done()}
            for partner_id in _due():
                if partner_id not in at_work and len(at_work) < _THREADS:
                    at_work[partner_id] = pool.submit(_in_thread, partner_id)


def _due() -> list[UUID]:
    at = now()
    wanting = Q(wants_push=True) | Q(wants_pull=True) | Q(next_poll__lte=at)
    due = Partner.objects.filter(wanting, not_before__lte=at).exclude(state=Partner.State.BLOCKED)
    return list(due.order_by("not_before").values_list("id", flat=True))


def _in_thread(partner_id: UUID) -> None:
    try:
        sync_partner(partner_id)
    except Partner.DoesNotExist:
        log.info("the node %s was forgotten while it was asked", partner_id)
    except Exception:
        log.exception("sync with %s fell over", partner_id)
        _ask_again(partner_id, push=True)
        _back_off(partner_id, Problem(OWN_FAULT, said="an error at this node; see its log"))
    finally:
        connection.close()


def sync_partner(partner_id: UUID) -> None:
    """Do for one partner what waits to be done: descriptor, hints out, pull in, and what arrived."""
    partner = _begin(partner_id)
    is_new = partner.last_contact is None
    has_news = partner.wants_push or is_new
    try:
        partner = _renew_descriptor(partner)
        if has_news:
            _tell(partner)
        # a node that hears of us for the first time knows our key only once it has asked our address for it;
        # it then tells us, and if it cannot reach us the next poll finds it ready
        if not is_new:
            _pull(partner)
    except (OutboundFailed, OutboundRefused, PartnerRefused) as problem:
        _ask_again(partner_id, push=has_news)
        _back_off(partner_id, problem_of(problem))
        return
    Partner.objects.filter(id=partner_id).update(
        last_contact=now(), last_error="", last_error_code="", last_error_facts={}, failures=0
    )


@transaction.atomic
def _begin(partner_id: UUID) -> Partner:
    """Read what waits and clear it in one step: what is asked for from now on is done next time."""
    partner = Partner.objects.select_for_update().get(id=partner_id)
    Partner.objects.filter(id=partner_id).update(wants_push=False, wants_pull=False, next_poll=_next_poll())
    return partner


def _ask_again(partner_id: UUID, *, push: bool) -> None:
    Partner.objects.filter(id=partner_id).update(wants_pull=True)
    if push:
        Partner.objects.filter(id=partner_id).update(wants_push=True)


def _next_poll() -> object:
    # spread out, so that a community's nodes do not all ask at the same second
    return now() + timedelta(seconds=settings.POLL_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - no secret


def _back_off(partner_id: UUID, problem: Problem) -> None:
    failures = Partner.objects.values_list("failures", flat=True).get(id=partner_id)
    wait = min(_FIRST_BACK_OFF * 2 ** min(failures, 20), _LONGEST_BACK_OFF)
    Partner.objects.filter(id=partner_id).update(
        failures=F("failures") + 1,
        last_error=problem.said[:500],
        last_error_code=problem.code,
        last_error_facts=dict(problem.facts),
        not_before=now() + wait,
    )


def _renew_descriptor(partner: Partner) -> Partner:
    fetched = partner.descriptor_fetched
    if partner.kid and fetched and fetched > now() - RENEWAL:
        return partner
    try:
        return actions.learn_descriptor(partner, wire.fetch_descriptor(partner.node))
    except (OutboundFailed, PartnerRefused):
        # the last valid copy is kept, and a partner that answers everything else is not cut off
        if not partner.is_current(now()):
            raise
        return partner


def _tell(partner: Partner) -> None:
    # one condition on one reader: apart they would ask about two
    behind = Lane.objects.filter(
        sender=None, readers__partner=partner, head_seq__gt=F("readers__receipt_seq")
    ).order_by("-last_entry")
    wire.tell(partner, actions.own_descriptor(), [lanes.head_of(lane) for lane in behind[:50]])


def _pull(partner: Partner) -> None:
    for offer in wire.list_lanes(partner):
        lane = _lane_for(partner, offer)
        if lane is None or lane.state == Lane.State.STOPPED or _is_over_quota(partner, lane):
            continue
        try:
            known_head(lane, partner, offer.head)
            lane.refresh_from_db()
            _read_to_the_end(partner, lane)
        except ChainBroken as broken:
            stop_lane(lane, partner, broken)
    for lane in Lane.objects.filter(sender=partner, entries__state=LaneEntry.State.PENDING).distinct():
        process_pending(lane, partner, wire.fetch_blob)
    for lane in Lane.objects.filter(sender=partner, head_seq__gt=F("acknowledged_seq")):
        registry.get(LanePurpose, lane.purpose).acknowledge(lane, partner)


def _is_over_quota(partner: Partner, lane: Lane) -> bool:
    """Whether a partner nobody compared yet has said enough: what it says further stays with it until then."""
    return partner.state != Partner.State.VERIFIED and lane.head_seq >= UNVERIFIED_MESSAGES


def _lane_for(partner: Partner, offer: wire.LaneOffer) -> Lane | None:
    """The partner's lane as we keep it, begun when it is first offered; None for one that is not to be read."""
    if offer.purpose not in Lane.Purpose.values:
        return None
    if partner.state != Partner.State.VERIFIED and (
        offer.purpose != Lane.Purpose.TALK or _has_other_lane(partner, offer.lane)
    ):
        return None
    lane, _created = Lane.objects.get_or_create(
        id=offer.lane,
        defaults={
            "purpose": offer.purpose,
            "sender": partner,
            "agreement": offer.agreement,
            "clause": offer.clause[:40],
        },
    )
    # an id that is already another's lane, or our own, is not this partner's to fill
    return lane if lane.sender_id == partner.id and lane.purpose == offer.purpose else None


def _has_other_lane(partner: Partner, lane: UUID) -> bool:
    return Lane.objects.filter(sender=partner, purpose=Lane.Purpose.TALK).exclude(id=lane).exists()


def _read_to_the_end(partner: Partner, lane: Lane) -> None:
    while lane.known_seq > lane.head_seq:
        try:
            with wire.read_lane(partner, lane.id, lane.head_seq) as lines:
                taken = take_page(lane, partner, lines)
        except OutboundRefused as refused:
            if refused.code != "line-too-long":
                raise
            lane.refresh_from_db()
            raise ChainBroken("malformed", lane.head_seq + 1, str(refused)) from None
        process_pending(lane, partner, wire.fetch_blob)
        lane.refresh_from_db()
        if not taken:
            if lane.known_seq > lane.head_seq:
                raise ChainBroken(
                    "truncated", lane.head_seq + 1, f"{lane.known_seq} was signed for and not served"
                )
            return
