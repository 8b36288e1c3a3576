"""Taking in what a partner's lane carries: verify, store, then hand to the room it is for."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from taawun.cooperation.partners.errors import AskedTooOften, ChainBroken, PartnerRefused
from taawun.cooperation.partners.exchange.together import take_in_together, withdrawn_beside
from taawun.cooperation.partners.exchange.wire import PAGE_ENTRIES
from taawun.cooperation.partners.identity import quarantine
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.identity.succession import KeyTurns
from taawun.cooperation.partners.logs import chain, contents, witness
from taawun.cooperation.partners.logs.joining import JOINED, MOST_JOINED
from taawun.cooperation.partners.logs.purposes import LanePurpose, Outcome
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.logs.walking import Walk
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.wording import OWN_FAULT, problem_of
from taawun.foundation.clock import SKEW, now
from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from taawun.platform.work.rows import insert_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from taawun.cooperation.partners.identity.lineage import Lineage

    # fetches a content by digest and size from a partner, piece by piece
    Fetch = Callable[[Partner, str, int], Iterable[bytes]]

__all__ = [
    "PAGE_BYTES",
    "heed_withdrawals",
    "is_wanted",
    "known_head",
    "process_pending",
    "quota_left",
    "take_page",
]

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5
# an unverified partner may talk, within a small quota
UNVERIFIED_MESSAGES: Final = 50
_BATCH: Final = 100
_BATCH_BYTES: Final = 8 * 1024 * 1024
# the largest thing two nodes say to each other is an agreement, quoted: what is larger is no message
TALK_BYTES: Final = 4 * 1024 * 1024
# a page is about 8 MiB (docs/protocol.md, "Lanes"); of one that goes on, the rest is asked for again
PAGE_BYTES: Final = 16 * 1024 * 1024
# no entry is older than the clocks that could have dated it
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
# from when on what waits is looked at again only after a while, unless something changes that it may be waiting for
_FIRST_WAIT: Final = timedelta(seconds=15)
_LONGEST_WAIT: Final = timedelta(minutes=10)
# from the moment an entry is signed until its transaction is committed, heads still end before it
_COMMITTING: Final = timedelta(seconds=60)
OTHER_HEADER: Final = "the sender signed another header at this place"


def known_head(lane: Lane, partner: Partner, token: str) -> chain.Head:
    """Check a signed head against what is held, and remember how far the lane reaches.

    Raises:
        ChainBroken: the head is not the partner's, or contradicts what is held (``truncated`` or ``fork``).
    """
    keys = lineage_of(partner)
    head = chain.read_head(token, keys)
    if head.lane != lane.wire_id:
        raise ChainBroken("sender", lane.head_seq + 1, f"the head is of lane {head.lane}")
    if head.seq < lane.floor_seq - 1:
        raise ChainBroken(
            "truncated", lane.floor_seq, f"the sender signed that entry {lane.floor_seq} is there"
        )
    if head.seq <= lane.head_seq and not _agrees(lane, head):
        raise ChainBroken("fork", head.seq, OTHER_HEADER, proof=token)
    if head.seq < lane.head_seq and not _is_late(lane, head):
        raise ChainBroken("truncated", head.seq + 1, f"the sender says its lane ends at {head.seq}")
    turns = KeyTurns(lane, keys)
    turns.head(turns.signer(token), head.seq, is_held=head.seq <= lane.head_seq)
    turns.keep()
    Lane.objects.filter(id=lane.id, known_seq__lt=head.seq).update(known_seq=head.seq)
    witness.remember(lane, partner, head, token)
    return head


def _agrees(lane: Lane, head: chain.Head) -> bool:
    """Whether a head names the header that is held at its place."""
    if head.seq == lane.floor_seq - 1:
        return head.digest == lane.floor_digest
    return LaneEntry.objects.filter(lane=lane, seq=head.seq, digest=head.digest).exists()


def _is_late(lane: Lane, head: chain.Head) -> bool:
    """Whether an old head is merely late: signed before the entry that follows it, by the sender's own clock."""
    following = LaneEntry.objects.filter(lane=lane, seq=head.seq + 1).values_list("issued", flat=True).first()
    return following is not None and head.time <= following + _COMMITTING


def quota_left(lane: Lane, partner: Partner) -> int | None:
    """How many entries a partner nobody compared yet may still bring; None for one that was compared.

    What it says further stays with it until then.
    """
    if partner.state == Partner.State.VERIFIED:
        return None
    return max(0, UNVERIFIED_MESSAGES - lane.head_seq)


def take_page(lane: Lane, partner: Partner, lines: Iterable[bytes], *, limit: int = PAGE_ENTRIES) -> int:
    """Verify and store the entries of a page, in small transactions, and check the head that ends it.

    What is stored is never taken back: when an entry does not fit, everything before it stays and the lane stops.

    Args:
        lane: a partner's lane.
        partner: its sender.
        lines: what it serves.
        limit: how many entries were asked for. What comes beyond, or beyond 16 MiB, is not read: it is asked for again.

    Returns:
        How many entries were new.

    Raises:
        ChainBroken: an entry or the head does not continue the lane. The caller stops the lane.
    """
    page = _Page(lane, partner)
    quota = quota_left(lane, partner)
    left = limit if quota is None else min(limit, quota)
    room = PAGE_BYTES
    try:
        for line in lines:
            read = chain.read_line(line)
            if read.head is not None:
                page.store()
                page.end(read.head)
                return page.taken
            if not left or room <= 0:
                break
            left -= 1
            room -= len(line)
            page.take(read.header or "", read.content)
    except ChainBroken as broken:
        page.store()
        # what cannot be read does not say where it stands: it stands where the next entry was expected
        seq = broken.seq if broken.seq >= 0 else page.expected
        raise ChainBroken(broken.code, seq, str(broken), proof=broken.proof) from None
    except (OutboundFailed, OutboundRefused):
        # broken off in the middle: on a line that never holds for a whole page this is how a lane advances
        page.store()
        raise
    # the connection, or what was asked for, ended before the head: what came is good, and the next pull goes on
    page.store()
    return page.taken


class _Page:
    """The entries of a page on their way into the database."""

    def __init__(self, lane: Lane, partner: Partner) -> None:
        self._lane = lane
        self._partner = partner
        self._keys = lineage_of(partner)
        self._turns = KeyTurns(lane, self._keys)
        self._walk = Walk(
            lane.wire_id,
            lane,
            sender=partner.node,
            keys=self._keys,
            seq=lane.head_seq,
            digest=lane.head_digest,
        )
        self._waiting: list[tuple[chain.Header, LaneEntry, bytes | None]] = []
        self._size = 0
        self._joined: int | None = None
        self.taken = 0

    @property
    def expected(self) -> int:
        return self._walk.expected

    def take(self, token: str, content: bytes | None) -> None:
        header = self._walk.read(token)
        if self._walk.is_behind(header):
            self._check_known(header, token)
            return
        digest = self._walk.step(header, token, content)
        if header.kind == JOINED:
            self._check_joined(header)
        kid = self._turns.signer(token)
        self._turns.entry(kid, header.seq)
        entry = self._entry(header, token, digest, kid)
        kept = content if _is_kept(entry, header, self._keys) else None
        self._waiting.append((header, entry, kept))
        self._size += len(kept or b"")
        if len(self._waiting) >= _BATCH or self._size >= _BATCH_BYTES:
            self.store()

    def _check_joined(self, header: chain.Header) -> None:
        """Who reads a lane is found by reading all that say who joined it: of those its sender signs only so many."""
        if self._joined is None:
            self._joined = LaneEntry.objects.filter(lane=self._lane, kind=JOINED).count()
        if self._joined >= MOST_JOINED:
            raise ChainBroken(
                "too-many-joined", header.seq, f"{MOST_JOINED} entries of the lane say already who joined it"
            )
        self._joined += 1

    def _check_known(self, header: chain.Header, token: str) -> None:
        """Receiving is idempotent by (lane, seq): the same entry again is nothing, another one is a fork."""
        digest = chain.digest_of(token)
        if header.seq < self._lane.floor_seq:
            # nothing that stands before the floor was asked for; only of its last it is known what it is
            is_last = header.seq == self._lane.floor_seq - 1
            if is_last and digest != self._lane.floor_digest:
                raise ChainBroken("fork", header.seq, OTHER_HEADER, proof=token)
            return
        known = any(
            (entry.seq, entry.digest) == (header.seq, digest) for _header, entry, _content in self._waiting
        )
        if not known and not self._is_held(header.seq, digest):
            raise ChainBroken("fork", header.seq, OTHER_HEADER, proof=token)

    def _is_held(self, seq: int, digest: str) -> bool:
        return LaneEntry.objects.filter(lane=self._lane, seq=seq, digest=digest).exists()

    def _entry(self, header: chain.Header, token: str, digest: str, kid: str) -> LaneEntry:
        return LaneEntry(
            lane=self._lane,
            seq=header.seq,
            header=token,
            digest=digest,
            kind=header.kind,
            subject=header.subject,
            version=header.version,
            action=header.action,
            content_digest=header.digest,
            size=header.size,
            kid=kid,
            issued=header.issued,
            state=LaneEntry.State.PENDING,
            reason="" if self._turns.is_vouched(kid, header.seq) else "not-vouched",
        )

    @transaction.atomic
    def store(self) -> None:
        if not self._waiting:
            return
        held = Lane.objects.select_for_update().get(id=self._lane.id)
        fresh = [each for each in self._waiting if each[0].seq > held.head_seq]
        self._check_same_history(len(self._waiting) - len(fresh))
        at = now()
        for _header, entry, _content in fresh:
            entry.recorded = at
        contents.put_all(
            held, {header.digest: content for header, _entry, content in fresh if content is not None}
        )
        insert_rows(entry for _header, entry, _content in fresh)
        if fresh:
            last = fresh[-1][1]
            held.head_seq, held.head_digest, held.last_entry = last.seq, last.digest, at
            held.known_seq = max(held.known_seq, last.seq)
            held.save(update_fields=["head_seq", "head_digest", "known_seq", "last_entry"])
            self._turns.keep()
        self.taken += len(fresh)
        self._waiting.clear()
        self._size = 0
        self._lane.refresh_from_db()

    def _check_same_history(self, stale: int) -> None:
        """What another thread stored meanwhile is nothing new, unless it was told another history."""
        if stale and not self._is_held(self._waiting[stale - 1][0].seq, self._waiting[stale - 1][1].digest):
            seq, other = self._waiting[stale - 1][0].seq, self._waiting[stale - 1][1].header
            self._waiting.clear()
            raise ChainBroken("fork", seq, OTHER_HEADER, proof=other)

    def end(self, token: str) -> None:
        known_head(self._lane, self._partner, token)
        self._lane.refresh_from_db()


def process_pending(
    lane: Lane,
    partner: Partner,
    fetch: Fetch,
    *,
    is_over: Callable[[], bool] = lambda: False,
    only: Q | None = None,
) -> int:
    """Hand every entry that waits to the room it is for, oldest first, each in its own transaction or many in one.

    An entry that was stored and turns out not to hold (its signature, or a content that is fetched only now) stops the
    lane as one that arrives does. Of a stopped lane nothing is handed on from the entry at which it broke.

    Args:
        lane: a partner's lane.
        partner: its sender.
        fetch: fetches a content by digest and size, for what did not come with its line.
        is_over: asked before each entry: whether to leave the rest for another time.
        only: a condition on entries, for those of which the rest waits.

    Returns:
        How many entries left the waiting state.

    Raises:
        AskedTooOften: the sender wants its contents to be asked for later; all that is left waits.
    """
    done, keys = 0, lineage_of(partner)
    for batch in _waiting(lane, keys, only or Q()):
        left, alone = batch, 1
        while left and not is_over():
            if together := _together(lane, keys, left):
                done, left, alone = done + together, left[together:], 1
                continue
            for entry in left[:alone]:
                settled = None if is_over() else _by_itself(entry, partner, fetch, keys)
                if settled is None:
                    return done
                done += settled
            # where one is not plain the next are likely not either: they are looked at together ever more seldom
            left, alone = left[alone:], 2 * alone
    return done


def heed_withdrawals(lane: Lane, partner: Partner, after: int) -> int:
    """Carry out the withdrawals that wait on a lane after an entry, before what stands there is left behind.

    Returns:
        How many could not be carried out. One whose signature does not hold, or is not vouched for, withdraws nothing
        and is not counted.
    """
    left, keys = 0, lineage_of(partner)
    turns = KeyTurns(lane, keys)
    waiting = LaneEntry.objects.filter(lane=lane, seq__gt=after, state=LaneEntry.State.PENDING)
    for entry in list(waiting.filter(action="withdraw").order_by("seq")):
        try:
            header = _verified(entry, keys)
        except ChainBroken:
            continue
        if entry.cleared or turns.is_vouched(entry.kid, entry.seq):
            left += not _process(entry, header, partner, _nothing_to_fetch, _doubt(entry, keys))
    return left


def _nothing_to_fetch(partner: Partner, digest: str, size: int) -> Iterable[bytes]:
    raise AssertionError(f"a withdrawal has no content: {digest}, {size} bytes of {partner.node}")


def _waiting(lane: Lane, keys: Lineage, only: Q) -> Iterator[list[LaneEntry]]:
    """What waits on a lane and may be handed on, oldest first; what its sender's key of now does not stand for is not.

    Each batch is read to its end before the first of it is dealt with: on SQLite a connection that still reads cannot
    write once somebody else has written meanwhile.
    """
    lane.refresh_from_db(fields=["state", "stopped_at", "vouched_seq"])
    due = Q(not_before=None) | Q(not_before__lte=now())
    pending = LaneEntry.objects.filter(due, only, lane=lane, state=LaneEntry.State.PENDING).order_by("seq")
    if lane.state == Lane.State.STOPPED and lane.stopped_at is not None:
        pending = pending.filter(seq__lt=lane.stopped_at)
    if not keys.is_single:
        doubtful = [known.kid for known in keys.keys if known.revoked_since]
        pending = pending.filter(
            Q(kid__in=[keys.current.kid, *doubtful]) | Q(seq__lte=lane.vouched_seq) | Q(cleared__isnull=False)
        )
    after = -1
    while batch := list(pending.filter(seq__gt=after)[:_BATCH]):
        for entry in batch:
            entry.lane = lane
        yield batch
        after = batch[-1].seq


def _together(lane: Lane, keys: Lineage, batch: Sequence[LaneEntry]) -> int:
    """Take in what is plain at the beginning of a batch; how many these were."""
    certain = list(takewhile(lambda entry: _doubt(entry, keys) is None, batch))
    return take_in_together(lane, certain, read=lambda entry: _verified(entry, keys), obstacle=_obstacle)


def _by_itself(entry: LaneEntry, partner: Partner, fetch: Fetch, keys: Lineage) -> bool | None:
    """Hand on one entry; whether it left the waiting state, or None where its lane broke."""
    try:
        return _process(entry, _verified(entry, keys), partner, fetch, _doubt(entry, keys))
    except ChainBroken as broken:
        stop_lane(entry.lane, partner, broken)
        _again(entry, partner, broken.code)
        return None


def _doubt(entry: LaneEntry, keys: Lineage) -> Outcome | None:
    """What came under a key that was revoked by then is for a person here to decide, unless one has."""
    known = keys.find(entry.kid)
    if known is None or not known.is_doubtful(entry.recorded) or entry.cleared:
        return None
    return Outcome(LaneEntry.State.QUARANTINED, quarantine.SET_ASIDE)


def _verified(entry: LaneEntry, keys: Lineage) -> chain.Header:
    """The header of an entry that was stored, verified again."""
    try:
        header = chain.read_header(entry.header, keys)
    except ChainBroken as broken:
        raise ChainBroken(broken.code, entry.seq, str(broken)) from None
    if (header.lane, header.seq) != (entry.lane.wire_id, entry.seq):
        raise ChainBroken(
            "sender", entry.seq, f"the stored header is entry {header.seq} of lane {header.lane}"
        )
    return header


def is_wanted(entry: LaneEntry, partner: Partner) -> bool:
    """Whether an entry that waits would be opened now, were its content here."""
    keys = lineage_of(partner)
    try:
        header = _verified(entry, keys)
    except ChainBroken:
        return False
    if _doubt(entry, keys) or not (
        entry.cleared or KeyTurns(entry.lane, keys).is_vouched(entry.kid, entry.seq)
    ):
        return False
    return _obstacle(entry.lane, header) is None and not _withdrawn_later(entry)


def _is_kept(entry: LaneEntry, header: chain.Header, keys: Lineage) -> bool:
    """Whether the bytes that come with an entry stay here: of what is not opened, or not yet, only small ones do.

    When its turn comes they are fetched, as those are that are too large for their line.
    """
    if header.size <= contents.KEPT_UNOPENED:
        return True
    try:
        return not (entry.reason or _doubt(entry, keys) or _obstacle(entry.lane, header))
    except Exception:  # noqa: BLE001 - what falls over here does so again when it is its turn, and is told then
        return True


def _obstacle(lane: Lane, header: chain.Header) -> Outcome | None:
    """Why an entry is not opened now, judged by its header; None where it is."""
    return _beyond(lane, header) or registry.get(LanePurpose, lane.purpose).accepts(lane, header)


def _process(
    entry: LaneEntry, header: chain.Header, partner: Partner, fetch: Fetch, doubt: Outcome | None
) -> bool:
    try:
        if obstacle := doubt or _obstacle(entry.lane, header):
            return _settle(entry, partner, obstacle)
        content = _content(entry, header, partner, fetch)
        purpose = registry.get(LanePurpose, entry.lane.purpose)
        prepared = purpose.prepare and content is not None and purpose.prepare(entry.lane, header, content)
        with transaction.atomic():
            locked = LaneEntry.objects.select_for_update().get(id=entry.id)
            if locked.state != LaneEntry.State.PENDING:
                return True
            outcome = prepared(locked) if prepared else purpose.receive(locked, header, content)
            return _settle(locked, partner, outcome)
    except _NotYet as why:
        return _again(entry, partner, str(why))
    except (AskedTooOften, ChainBroken):
        raise
    except Exception as fault:
        # where in the code it was is told once: it is tried again for ever
        log.exception(
            "entry %s of lane %s could not be taken in: %s",
            entry.seq,
            entry.lane_id,
            type(fault).__name__,
            exc_info=entry.reason != OWN_FAULT,
        )
        return _again(entry, partner, OWN_FAULT)


def _beyond(lane: Lane, header: chain.Header) -> Outcome | None:
    """What no room is asked about: what is larger than a node takes, and what is dated as nothing can be.

    A withdrawal is an obligation whatever date it bears, and brings no content.
    """
    if header.action == "withdraw":
        return None
    most = TALK_BYTES if lane.purpose == Lane.Purpose.TALK else settings.MAX_UPLOAD_BYTES
    if header.size > most:
        return Outcome(LaneEntry.State.UNOPENED, "too-large")
    if header.issued < _EARLIEST:
        return Outcome(LaneEntry.State.UNOPENED, "past")
    if header.issued > now() + SKEW:
        # either clock may be wrong: it is taken in when ours has come so far, or is mended
        return Outcome(LaneEntry.State.PENDING, "future")
    return None


class _NotYet(Exception):
    """The content cannot be had at the moment, for the reason of this code; it is asked for again at the next pull."""


def _content(entry: LaneEntry, header: chain.Header, partner: Partner, fetch: Fetch) -> bytes | None:
    if not header.digest or header.action == "withdraw" or _withdrawn_later(entry):
        return None
    # bytes that another lane brought are not this one's: its sender shows that it has them, or has not said them
    if not contents.has(header.digest, entry.lane):
        try:
            pieces = fetch(partner, header.digest, header.size)
            contents.take(entry.lane, pieces, digest=header.digest, size=header.size)
        except AskedTooOften:
            # the others would be asked for in vain too, and it is no fault of this one
            raise
        except (OutboundFailed, OutboundRefused, PartnerRefused) as problem:
            log.info("the content %s of %s cannot be had now: %s", header.digest, partner.node, problem)
            raise _NotYet(_code_of(problem)) from None
        except contents.OtherContent as other:
            raise ChainBroken(
                "digest", header.seq, f"the content is not the one the sender signed for: {other}"
            ) from None
    return contents.get(header.digest)


def _code_of(problem: OutboundFailed | OutboundRefused | PartnerRefused) -> str:
    kept = problem_of(problem)
    # a node that refuses says why by the code of its problem document
    return kept.facts.get("type") or kept.code


def _withdrawn_later(entry: LaneEntry) -> bool:
    """Whether it was withdrawn further along, or in a history of the lane that a restart left behind."""
    later = Q(lane=entry.lane_id, seq__gt=entry.seq) | Q(lane__part_of=entry.lane_id)
    if beside := withdrawn_beside(entry.lane):
        later |= beside & Q(issued__gte=entry.issued)
    about = LaneEntry.objects.filter(subject=entry.subject, version=entry.version, action="withdraw")
    return about.filter(later).exists()


def _settle(entry: LaneEntry, partner: Partner, outcome: Outcome) -> bool:
    if outcome.state == LaneEntry.State.PENDING:
        return _again(entry, partner, outcome.reason)
    LaneEntry.objects.filter(id=entry.id).update(
        state=outcome.state, reason=outcome.reason[:80], not_before=None
    )
    if outcome.state == LaneEntry.State.QUARANTINED:
        quarantine.tell(partner)
    if outcome.state in {LaneEntry.State.UNOPENED, LaneEntry.State.REFUSED}:
        _tell("partners.entry-unopened", entry, partner, outcome.reason)
        if entry.size > contents.KEPT_UNOPENED:
            contents.drop_unused(entry.content_digest)
    if entry.attempts >= MAX_ATTEMPTS and not _others_wait(entry):
        resolve("partners.entry-waits", f"urn:uuid:{entry.lane_id}")
    return True


def _again(entry: LaneEntry, partner: Partner, why: str) -> bool:
    """Leave an entry waiting; after some attempts say so, and try more and more seldom, but for ever."""
    entry.attempts = min(entry.attempts + 1, 1000)
    beyond = entry.attempts - MAX_ATTEMPTS
    entry.not_before = None if beyond < 0 else now() + min(_FIRST_WAIT * 2 ** min(beyond, 20), _LONGEST_WAIT)
    LaneEntry.objects.filter(id=entry.id).update(
        attempts=entry.attempts, reason=why[:80], not_before=entry.not_before
    )
    if entry.attempts == MAX_ATTEMPTS:
        _tell("partners.entry-waits", entry, partner, why)
    return False


def _tell(kind: str, entry: LaneEntry, partner: Partner, why: str) -> None:
    """One notice for all of a lane, counted, which speaks of the latest: a thousand entries do not make a thousand."""
    params = {"node": partner.node, "kind": entry.kind, "reason": why[:200], "partner": str(partner.id)}
    raise_notice(kind, f"urn:uuid:{entry.lane_id}", Notice.Level.WARNING, params)


def _others_wait(entry: LaneEntry) -> bool:
    waiting = LaneEntry.objects.filter(lane_id=entry.lane_id, state=LaneEntry.State.PENDING)
    return waiting.filter(attempts__gte=MAX_ATTEMPTS).exclude(id=entry.id).exists()
