"""The sync loop: tells partners of news, asks them for theirs, with bounded threads and a deadline for each."""

from __future__ import annotations

import logging
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import Case, F, Q, When

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import (
    AskedTooOften,
    ChainBroken,
    DescriptorRefused,
    KeyReplaced,
    PartnerRefused,
)
from taawun.cooperation.partners.exchange import calling, disk, fetching, talk, wire
from taawun.cooperation.partners.exchange.ahead import Ahead, may_begin
from taawun.cooperation.partners.exchange.delivering import deliver
from taawun.cooperation.partners.exchange.receiving import (
    PAGE_BYTES,
    known_head,
    process_pending,
    quota_left,
    take_page,
)
from taawun.cooperation.partners.identity import quarantine
from taawun.cooperation.partners.identity.descriptor import RENEWAL, kid_of
from taawun.cooperation.partners.identity.keys import lineage_of, node_key
from taawun.cooperation.partners.logs import lanes, witness
from taawun.cooperation.partners.logs.offers import Offered
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.logs.urgency import is_urgent
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.restored import forgotten, held, returning
from taawun.cooperation.partners.wording import OWN_FAULT, Problem, problem_of
from taawun.foundation.clock import now
from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from taawun.platform.registry import registry
from taawun.platform.work.turns import hold_turn

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from uuid import UUID

    from taawun.cooperation.partners.logs import chain

__all__ = ["run", "sync_partner"]

log = logging.getLogger(__name__)

# those nobody compared share a few threads of their own: however they dawdle, partners are not kept waiting
_THREADS: Final = 8
_STRANGERS_THREADS: Final = 2
# what one partner may take of a thread at once; the others come first before it goes on
_TURN: Final = (300.0, 200)
_STRANGERS_TURN: Final = (15.0, 4)
_LOOK_SECONDS: Final = 0.1
# a node that answers so has lost our descriptor, or never had it
_NOT_TOLD: Final = frozenset({"unknown-key", "descriptor-lapsed"})
_FIRST_BACK_OFF: Final = timedelta(seconds=2)
_LONGEST_BACK_OFF: Final = timedelta(minutes=30)
# a node that wants to be asked less often is left alone for a while, whatever it says
_SHORTEST_REST: Final = timedelta(seconds=5)


def run(stop: threading.Event) -> None:
    """Look after every partner until told to stop."""
    talk.look_again()
    with (
        ThreadPoolExecutor(_THREADS, thread_name_prefix="sync") as pool,
        ThreadPoolExecutor(_STRANGERS_THREADS, thread_name_prefix="sync-strangers") as strangers_pool,
    ):
        crews = (
            _Crew(pool, _THREADS, are_compared=True),
            _Crew(strangers_pool, _STRANGERS_THREADS, are_compared=False),
        )
        while not stop.wait(_LOOK_SECONDS):
            close_old_connections()
            at_work = {partner_id for crew in crews for partner_id in crew.at_work()}
            # asked ten times a second, and once for both: it is most of what a node does that has nothing to do
            due = _due()
            for crew in crews:
                crew.send(due, at_work)


class _Crew:
    """Threads for some of the partners: those whom people compared, or all others."""

    def __init__(self, pool: ThreadPoolExecutor, size: int, *, are_compared: bool) -> None:
        self._pool, self._size, self._are_compared = pool, size, are_compared
        self._at_work: dict[UUID, Future[None]] = {}

    def at_work(self) -> set[UUID]:
        """Partners that are dealt with at the moment."""
        self._at_work = {key: future for key, future in self._at_work.items() if not future.done()}
        return set(self._at_work)

    def send(self, due: Mapping[UUID, str], at_work: set[UUID]) -> None:
        """Set free threads to work on those that wait longest and are at work with nobody."""
        for partner_id, state in due.items():
            if len(self._at_work) >= self._size:
                return
            is_compared = state == Partner.State.VERIFIED
            if is_compared is self._are_compared and partner_id not in at_work:
                self._at_work[partner_id] = self._pool.submit(_in_thread, partner_id)


class _Turn:
    """How long a partner is dealt with, and how many pages of it are read, before the others have their turn."""

    def __init__(self, seconds: float, pages: int) -> None:
        self._ends = time.monotonic() + seconds
        self.pages = pages
        # whether anything came in it: a slow line that carries something each time is no failure
        self.has_brought = False

    @classmethod
    def of(cls, partner: Partner) -> _Turn:
        """One for a partner."""
        return cls(*(_TURN if partner.state == Partner.State.VERIFIED else _STRANGERS_TURN))

    @property
    def seconds(self) -> float:
        """What is left of it."""
        return self._ends - time.monotonic()

    def is_over(self) -> bool:
        """Whether its time is up; what was read and not dealt with waits for the next one."""
        return self.seconds <= 0

    def may_read(self) -> bool:
        """Whether one more page is read in it."""
        return self.pages > 0 and not self.is_over()

    def may_deliver(self) -> bool:
        """Whether one more page, or piece of a content, is delivered in it."""
        self.pages -= 1
        return self.may_read()

    def fetch(self, partner: Partner, digest: str, size: int) -> Iterator[bytes]:
        """A content, in the time that is left."""
        if not partner.is_reachable:
            return fetching.delivered(partner, digest, size)
        return fetching.fetched(partner, digest, size, seconds=self.seconds)


def _due() -> dict[UUID, str]:
    """The partners with whom something is to be done now, in the order of their turns, and the state of each."""
    at = now()
    wanting = Q(wants_push=True) | Q(wants_pull=True) | Q(next_poll__lte=at)
    due = Partner.objects.filter(wanting, not_before__lte=at)
    # whom an administrator named comes before those who introduced themselves
    uninvited = Case(When(introduced_from="", then=0), default=1)
    found = due.exclude(state=Partner.State.BLOCKED).order_by(uninvited, "not_before")
    return dict(found.values_list("id", "state"))


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
    """Do for one partner what waits to be done: descriptor, hints out, pull in, and what arrived.

    Two workers that did it at once would each take what the other just stored for a lie.
    """
    with hold_turn(f"partners.sync {partner_id}") as is_ours:
        if is_ours:
            _sync(partner_id)


def _sync(partner_id: UUID) -> None:
    partner = _begin(partner_id)
    is_new = partner.last_contact is None
    # who delivers tells by that
    has_news = is_new or (partner.wants_push if settings.REACHABLE else _is_to_be_told(partner))
    turn = _Turn.of(partner)
    try:
        partner = _renewed(partner)
        if not partner.is_reachable:
            _wait_for(partner, turn)
            return
        if returning.is_to_be_asked(partner):
            # before it is asked: who does not know our key yet finds it by what it is told
            if has_news:
                _tell(partner)
            if not held.ask(partner, left=lambda: turn.seconds):
                _go_on_later(partner_id)
        _speak(partner, has_news=has_news, is_new=is_new)
        # a node that hears of us for the first time knows our key only once it has asked our address for it;
        # it then tells us, and if it cannot reach us the next poll finds it ready
        if not is_new:
            _pull(partner, turn)
            _deliver(partner, turn)
    except AskedTooOften as asked:
        _ask_again(partner_id, push=has_news)
        _rest(partner_id, asked)
        _tell_what_is_held(partner, asked, turn)
        return
    except (OutboundFailed, OutboundRefused, PartnerRefused) as problem:
        _ask_again(partner_id, push=has_news)
        _failed(partner_id, problem, has_brought=turn.has_brought)
        return
    Partner.objects.filter(id=partner_id).update(
        last_contact=now(), last_error="", last_error_code="", last_error_facts={}, failures=0
    )
    if is_new and not settings.REACHABLE:
        # nobody can tell us that our key is known there
        Partner.objects.filter(id=partner_id).update(wants_pull=True, not_before=now() + _FIRST_BACK_OFF)


def _failed(
    partner_id: UUID, problem: OutboundFailed | OutboundRefused | PartnerRefused, *, has_brought: bool
) -> None:
    """Note why a turn ended; one that brought something before it broke off is no failure like the others."""
    if isinstance(problem, KeyReplaced):
        forgotten.hear(Partner.objects.get(id=partner_id), problem.rotations)
    if isinstance(problem, PartnerRefused) and problem.facts.get("type") in _NOT_TOLD:
        Partner.objects.filter(id=partner_id).update(told=None)
    if has_brought:
        Partner.objects.filter(id=partner_id).update(failures=0)
    _back_off(partner_id, problem_of(problem))


def _speak(partner: Partner, *, has_news: bool, is_new: bool) -> None:
    """Tell a partner what it waits for, and show it the heads of lanes that both read."""
    if has_news:
        _tell(partner)
    if not is_new and witness.is_due(partner):
        _exchange_heads(partner)


def _is_to_be_told(partner: Partner) -> bool:
    """Whether our descriptor is to be brought again: nobody can fetch it from us."""
    return partner.told is None or partner.told < now() - RENEWAL


def _wait_for(partner: Partner, turn: _Turn) -> None:
    """Deal with what a partner delivered that cannot be called; all else is its to do.

    Raises:
        PartnerRefused: we cannot be called either.
    """
    if not settings.REACHABLE:
        raise actions.both_unreachable()
    disk.tell()
    _take_in(partner, turn)


def _deliver(partner: Partner, turn: _Turn) -> None:
    if settings.REACHABLE or returning.is_returning():
        return
    if not deliver(partner, turn.may_deliver):
        _go_on_later(partner.id)


def _go_on_later(partner_id: UUID) -> None:
    """Go on with a partner after those who waited meanwhile."""
    Partner.objects.filter(id=partner_id).update(wants_pull=True, not_before=now())


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
        failures=F("failures") + 1, not_before=now() + wait, **_noted(problem)
    )


def _rest(partner_id: UUID, asked: AskedTooOften) -> None:
    """Leave a node alone for as long as it asks for. Its page says so; it is no failure, and nobody is alarmed."""
    wait = min(max(timedelta(seconds=asked.wait), _SHORTEST_REST), _LONGEST_BACK_OFF)
    Partner.objects.filter(id=partner_id).update(not_before=now() + wait, **_noted(problem_of(asked)))


def _noted(problem: Problem) -> dict[str, Any]:
    """Why the last call failed, as columns of several types."""
    return {
        "last_error": problem.said[:500],
        "last_error_code": problem.code,
        "last_error_facts": dict(problem.facts),
    }


def _renewed(partner: Partner) -> Partner:
    """A partner with its descriptor of now; what came under a key that it has revoked is set aside before all else."""
    renewed = _renew_descriptor(partner)
    quarantine.carry_out(renewed)
    return renewed


def _renew_descriptor(partner: Partner) -> Partner:
    fetched = partner.descriptor_fetched
    if not partner.is_reachable:
        return actions.take_carried(partner) if partner.carried else partner
    if partner.kid and fetched and fetched > now() - RENEWAL:
        return partner
    try:
        return actions.learn_descriptor(partner, wire.fetch_descriptor(partner.node))
    except (OutboundFailed, OutboundRefused, PartnerRefused) as problem:
        if partner.carried and not partner.kid and not isinstance(problem, DescriptorRefused):
            # nobody answers there, as it said: what it brought is believed as far as a descriptor is
            return actions.take_carried(partner)
        if isinstance(problem, OutboundRefused):
            raise
        # the last valid copy is kept, and a partner that answers everything else is not cut off
        if not partner.is_current(now()):
            raise
        return partner


def _tell(partner: Partner) -> None:
    if returning.is_returning():
        # what our lanes end with we do not know: it hears that we are here
        wire.tell(partner, actions.own_descriptor(), [])
        return
    key = node_key()
    # one condition on one reader: apart they would ask about two
    behind = lanes.read_by(
        partner,
        Lane.objects.filter(
            sender=None, readers__partner=partner, head_seq__gt=F("readers__receipt_seq")
        ).order_by("-last_entry"),
    )
    wire.tell(partner, actions.own_descriptor(), [lanes.head_of(lane, key) for lane in behind[:50]])
    Partner.objects.filter(id=partner.id).update(told=now())


def _tell_what_is_held(partner: Partner, asked: AskedTooOften, turn: _Turn) -> None:
    """A restored partner asks us by itself, unless it cannot call us; so what it may lack is offered to it as well."""
    if asked.facts.get("type") != calling.RETURNING:
        return
    try:
        held.offer(partner, turn.may_deliver, left=lambda: turn.seconds)
    except (OutboundFailed, OutboundRefused, PartnerRefused) as problem:
        log.info("%s is returning, and cannot be told what it had said: %s", partner.node, problem)


def _exchange_heads(partner: Partner) -> None:
    """Tell the heads of shared lanes, and hear theirs: who only dials out takes part by the answer."""
    ours = witness.heads_for(partner)
    if ours:
        theirs = wire.tell(partner, actions.own_descriptor(), ours, compare=True)
        witness.hear(partner, theirs)
    witness.told(partner)


def _pull(partner: Partner, turn: _Turn) -> None:
    asked = now()
    offers = wire.list_lanes(partner)
    partner = _keep_up(partner, offers)
    offered = Offered(partner)
    disk.tell()
    is_heard = _read_offered(offered, offers, turn)
    _take_in(partner, turn)
    if is_heard:
        Partner.objects.filter(id=partner.id).update(heard_until=asked)
    if not turn.may_read():
        _go_on_later(partner.id)
    if offered.fault:
        # all else was read first: a list with one bad head in it is no better than one that cannot be read
        raise PartnerRefused("bad-list", f"The list of lanes is malformed: {offered.fault}")


def _keep_up(partner: Partner, offers: Sequence[wire.LaneOffer]) -> Partner:
    """Ask a partner for its descriptor again where its heads are signed with a key that is not known here."""
    keys = lineage_of(partner)
    if all(keys.find(kid) for offer in offers if (kid := kid_of(offer.head))):
        return partner
    try:
        return actions.learn_descriptor(partner, wire.fetch_descriptor(partner.node))
    except PartnerRefused as refused:
        if refused.code in actions.WRONG_KEYS:
            # nothing is read under a key that nothing proves, and no lane is given up for it either
            raise
        # it shows none that says anything new: its heads are judged by the keys that are known
        return partner


def _take_in(partner: Partner, turn: _Turn) -> None:
    """Deal with what waits of a partner, and sign for it."""
    waiting = Lane.objects.filter(sender=partner, entries__state=LaneEntry.State.PENDING).distinct()
    # what is urgent on any of them is fetched before the rest of each
    for only in (is_urgent(), None):
        for lane in waiting:
            process_pending(lane, partner, turn.fetch, is_over=disk.or_full(turn.is_over), only=only)
    quarantine.carry_out(partner)
    for lane in Lane.objects.filter(sender=partner, entries__state=LaneEntry.State.PENDING).distinct():
        process_pending(lane, partner, turn.fetch, is_over=disk.or_full(turn.is_over))
    if returning.is_returning():
        return
    for lane in Lane.objects.filter(sender=partner, head_seq__gt=F("acknowledged_seq")):
        registry.get(LanePurpose, lane.purpose).acknowledge(lane, partner)


def _in_order(offers: Sequence[wire.LaneOffer]) -> list[wire.LaneOffer]:
    """The talk first, as more waits for it, then lanes with something urgent; the sender says which."""
    return sorted(offers, key=lambda each: (each.purpose != Lane.Purpose.TALK, not each.is_urgent))


def _is_word(partner: Partner, lane: Lane, offer: wire.LaneOffer, head: chain.Head) -> bool:
    """Whether a head is its sender's word of now on how far its lane reaches, and all of that is here."""
    return lane.head_seq >= head.seq and kid_of(offer.head) == partner.kid


def _read_offered(offered: Offered, offers: Sequence[wire.LaneOffer], turn: _Turn) -> bool:
    """Read what is new on the lanes a partner offers; whether all is here that it has signed for having said."""
    partner, is_heard = offered.partner, True
    for offer in _in_order(offers):
        if not turn.may_read() or not disk.has_room():
            return False
        lane = offered.lane_of(offer)
        if lane is None or lane.state == Lane.State.STOPPED:
            continue
        if quota_left(lane, partner) == 0:
            is_heard = False
            continue
        try:
            head = known_head(lane, partner, offer.head)
            lane.refresh_from_db()
            _read_to_the_end(partner, lane, turn)
            is_heard = is_heard and (
                lane.purpose != Lane.Purpose.TALK or _is_word(partner, lane, offer, head)
            )
        except ChainBroken as broken:
            stop_lane(lane, partner, broken)
    return is_heard


def _read_to_the_end(partner: Partner, lane: Lane, turn: _Turn) -> None:
    with ExitStack() as left:
        _read_pages(partner, lane, turn, left)


def _read_pages(partner: Partner, lane: Lane, turn: _Turn, left: ExitStack) -> None:
    """Read page after page; what was asked for and is not wanted any more is let go of with the stack."""
    ahead: Ahead | None = None
    while lane.known_seq > lane.head_seq and turn.may_read() and disk.has_room():
        quota = quota_left(lane, partner)
        if quota == 0:
            return
        limit = min(wire.PAGE_ENTRIES, quota or wire.PAGE_ENTRIES)
        turn.pages -= 1
        before = lane.head_seq
        page = ahead if ahead and ahead.after == before else _page(partner, lane, limit, turn)
        try:
            with page as lines:
                taken = take_page(lane, partner, lines, limit=limit)
        except OutboundFailed:
            lane.refresh_from_db()
            turn.has_brought = turn.has_brought or lane.head_seq > before
            raise
        except OutboundRefused as refused:
            if refused.code != "line-too-long":
                raise
            lane.refresh_from_db()
            raise ChainBroken("malformed", lane.head_seq + 1, str(refused)) from None
        ahead = None
        if taken and quota is None and lane.known_seq > lane.head_seq and turn.may_read() and may_begin():
            # as many lines as are asked for, and the head that ends them
            begin = partial(_page, partner, lane, limit, turn)
            ahead = Ahead(begin, lane.head_seq, most_lines=limit + 1, most_bytes=PAGE_BYTES)
            left.callback(ahead.drop)
        process_pending(lane, partner, turn.fetch, is_over=disk.or_full(turn.is_over))
        lane.refresh_from_db()
        if not taken:
            if lane.known_seq > lane.head_seq:
                raise ChainBroken(
                    "truncated", lane.head_seq + 1, f"{lane.known_seq} was signed for and not served"
                )
            return


def _page(
    partner: Partner, lane: Lane, limit: int, turn: _Turn, came: Callable[[int], None] | None = None
) -> AbstractContextManager[Iterator[bytes]]:
    """What follows the last entry that is here."""
    return wire.read_lane(partner, lane.wire_id, lane.head_seq, limit=limit, seconds=turn.seconds, came=came)
