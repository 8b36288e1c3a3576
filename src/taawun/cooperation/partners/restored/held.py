"""What partners hold of this node's lanes, taken back after it was restored (docs/protocol.md, "The return of a node").

Every header is this node's own word: it is held to its own signature and to the chain, as a partner's would be, and
appended as it is. What it says is then made known again by the room that the lane is for.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from taawun.cooperation.partners.actions import urn
from taawun.cooperation.partners.errors import AskedTooOften, ChainBroken, PartnerRefused
from taawun.cooperation.partners.exchange import wire
from taawun.cooperation.partners.exchange.fetching import fetched
from taawun.cooperation.partners.identity import succession
from taawun.cooperation.partners.identity.keys import own_lineage
from taawun.cooperation.partners.logs import chain, contents, joining
from taawun.cooperation.partners.logs.lanes import audience_digest
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.walking import Walk, check_content
from taawun.cooperation.partners.models import Awaited, Holding, Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.partners.restored import asking, forgotten, returning
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation import strict_json
from taawun.foundation.clock import now
from taawun.foundation.signing import peek
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from taawun.cooperation.partners.identity.lineage import Lineage

__all__ = ["ask", "held_for", "offer", "own", "refuse", "take", "waits_for_others", "wanted"]

_BATCH: Final = 100
# others who were there before a partner joined are asked within minutes; after this long nobody has their part
_OTHERS_TELL_WITHIN: Final = timedelta(days=1)
# what one request may carry: bodies that hold no files are at most 2 MiB
_OFFERED_BYTES: Final = 1_500_000
# a content that its line does not bring is asked for by itself; which ones is read so many at a time
_LACKING: Final = 500


# ---- asking -----------------------------------------------------------------------------------------------------


def ask(partner: Partner, *, left: Callable[[], float]) -> bool:
    """Ask a partner for all that it holds of our lanes, and know it again.

    Args:
        partner: one that has not told yet.
        left: for how many seconds it may go on; what is missing then is asked for next time.

    Returns:
        Whether all is known again.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: it cannot be asked, or what it told is not taken, which the
            administrators are alarmed about.
    """
    told = asking.list_held(partner)
    forgotten.hear(partner, told.rotations)
    returning.heard(partner)
    if not returning.may_take():
        # who comes first may have an older key of ours, and another one shows that it was revoked
        return True
    offers = told.lanes
    try:
        # from here on each page is a transaction of its own: killed in between, it goes on where it was
        while missing := wanted(partner, offers):
            for each in missing:
                if left() <= 0:
                    return False
                _read_page(partner, each, left())
        if not all(_fetch_lacking(partner, lane.lane, left) for lane in offers):
            return False
    except ChainBroken as broken:
        refuse(partner, broken)
        raise PartnerRefused("return-refused", f"What it holds of our lanes is not taken: {broken}") from None
    # who joined a lane later cannot tell what stands before its floor: another has to, and it is asked again
    if not waits_for_others(partner, offers):
        returning.answered(partner)
    return True


def waits_for_others(partner: Partner, offers: Sequence[asking.HeldOffer]) -> bool:
    """Whether a partner holds entries of a lane of ours that cannot be taken back before others told those before.

    It is noted, so that nobody takes it for slow; where nobody has told those before within a day, the administrators
    are alarmed: maybe nobody ever wrote them.
    """
    after = next((each for each in offers if _is_out_of_reach(each, own(each.lane))), None)
    waiting = Awaited.objects.filter(partner=partner, answered=None).first()
    if after is None or waiting is None:
        return after is not None
    said = (
        f"lane {after.lane}: it holds entries {after.floor} to {after.seq}, and nobody has told those before"
    )
    if now() - waiting.since > _OTHERS_TELL_WITHIN:
        refuse(partner, ChainBroken("out-of-reach", after.floor, said))
    elif not waiting.fault:
        Awaited.objects.filter(id=waiting.id).update(fault="out-of-reach", fault_detail=said)
    return True


def _is_out_of_reach(each: asking.HeldOffer, lane: Lane | None) -> bool:
    head = lane.head_seq if lane else -1
    return each.seq > head and each.floor > head + 1


def _check_floor(each: asking.HeldOffer, lane: Lane | None, partner: Partner) -> None:
    """Hold a partner to where it began to read a lane, where that is known here."""
    if lane is None:
        return
    reader = LaneReader.objects.filter(lane=lane, partner=partner).first()
    if reader is None and not _may_know(lane, partner):
        raise ChainBroken("not-a-reader", each.seq, f"lane {each.lane} is not for it")
    # who joined after the backup began wherever the lane was by then
    first = None if reader is None else reader.first_seq or 0
    if first is not None and each.floor > first:
        raise ChainBroken(
            "floor",
            each.floor,
            f"lane {each.lane}: it has read it from entry {first} on, not from {each.floor}",
        )


def _read_page(partner: Partner, each: asking.WantedOfHeld, seconds: float) -> None:
    with asking.read_held(partner, each.lane, each.after, seconds=seconds) as lines:
        if not take(partner, each.lane, lines):
            raise ChainBroken("truncated", each.after + 1, "it holds more than it sends")


def wanted(partner: Partner, offers: Sequence[asking.HeldOffer]) -> list[asking.WantedOfHeld]:
    """The lanes of which a partner holds more than we.

    Raises:
        ChainBroken: it holds another header where we hold one (``fork``), or a lane that is not for it.
    """
    found: list[asking.WantedOfHeld] = []
    for each in offers:
        lane = own(each.lane)
        if _is_out_of_reach(each, lane):
            _check_floor(each, lane, partner)
            continue
        if lane is None:
            if each.seq >= 0:
                found.append(asking.WantedOfHeld(each.lane, -1))
            continue
        is_public = lane.purpose == Lane.Purpose.PUBLIC
        if is_public and not lane.is_closed:
            # every one of before is closed, so it was opened since: nobody holds more of it
            continue
        if not is_public and not _may_know(lane, partner):
            raise ChainBroken("not-a-reader", each.seq, f"lane {each.lane} is not for it")
        if each.seq > lane.head_seq:
            found.append(asking.WantedOfHeld(each.lane, lane.head_seq))
        elif each.seq >= 0 and not _is_held(lane, each.seq, each.digest):
            raise _Forked(lane, each.seq)
    return found


def _has_joined(partner: Partner, lineage: UUID | None) -> bool:
    lane = Lane(purpose=Lane.Purpose.CLAUSE, agreement=lineage)
    return registry.get(LanePurpose, Lane.Purpose.CLAUSE).serves([lane], partner)[0]


def _may_know(lane: Lane, partner: Partner) -> bool:
    """Whether a lane of ours is for a partner: it reads it, or may have joined it after the backup."""
    if LaneReader.objects.filter(lane=lane, partner=partner).exists():
        return True
    return lane.is_whole and registry.get(LanePurpose, lane.purpose).serves([lane], partner)[0]


class _Forked(ChainBroken):
    """Our key signed two headers for one place of a lane of ours."""

    def __init__(self, lane: Lane, seq: int) -> None:
        super().__init__(
            "fork", seq, f"lane {lane.wire_id}: another header is signed with our key at entry {seq}"
        )
        self.lane = lane


def own(wire_id: UUID) -> Lane | None:
    """A lane of ours by what it is called between the two nodes; None where it is not known here."""
    return Lane.objects.filter(Q(id=wire_id, alias=None) | Q(alias=wire_id), sender=None).first()


def _is_held(lane: Lane, seq: int, digest: str) -> bool:
    return LaneEntry.objects.filter(lane=lane, seq=seq, digest=digest).exists()


# ---- taking -----------------------------------------------------------------------------------------------------


def take(partner: Partner, wire_id: UUID, lines: Iterable[bytes]) -> int:
    """Take back entries of a lane of ours, in small transactions.

    Args:
        partner: who holds them.
        wire_id: the lane's id.
        lines: as they are served; a head among them ends them.

    Returns:
        How many were new.

    Raises:
        ChainBroken: one is not ours, or does not continue the lane. What came before it stays.
    """
    taken, batch, size = 0, list[tuple[chain.Header, str, bytes | None]](), 0
    keys = own_lineage()
    for line in lines:
        read = chain.read_line(line)
        if read.header is None:
            break
        header = chain.read_header(read.header, keys)
        check_content(header, read.content)
        batch.append((header, read.header, read.content))
        size += len(line)
        if len(batch) >= _BATCH or size >= _OFFERED_BYTES:
            taken += _keep(partner, wire_id, batch)
            batch, size = [], 0
    return taken + _keep(partner, wire_id, batch)


@transaction.atomic
def _keep(partner: Partner, wire_id: UUID, batch: list[tuple[chain.Header, str, bytes | None]]) -> int:
    if not batch:
        return 0
    # a partner that is asked, and posts at the same time, does one after the other; one that was given up meanwhile,
    # none
    waiting = Awaited.objects.select_for_update().filter(partner=partner, given_up=None).first()
    if waiting is None or not returning.is_returning():
        raise ChainBroken("not-awaited", batch[0][0].seq, "this node takes nothing back from it any more")
    keys, lane = own_lineage(), own(wire_id)
    _check_turns(waiting.since, lane, batch, keys)
    lane = lane or _reopened(partner, wire_id, *batch[0])
    lane = Lane.objects.select_for_update().get(id=lane.id)
    walk = Walk(
        lane.wire_id,
        lane,
        sender=settings.BASE_URL,
        keys=keys,
        seq=lane.head_seq,
        digest=lane.head_digest,
    )
    fresh = 0
    for header, token, content in batch:
        if walk.is_behind(header):
            if not _is_held(lane, header.seq, chain.digest_of(token)):
                raise _Forked(lane, header.seq)
            continue
        try:
            walk.step(header, token, content)
        except ChainBroken as broken:
            raise _Forked(lane, header.seq) if broken.code == "fork" else broken from None
        _append(lane, header, token, content)
        fresh += 1
    return fresh


def _check_turns(
    began: datetime,
    lane: Lane | None,
    batch: Sequence[tuple[chain.Header, str, bytes | None]],
    keys: Lineage,
) -> None:
    """Hold what is new to the turns of our keys, as a partner's entries are held to those of its own.

    What was lost was said after the backup. So a key that the backup knows to have been replaced signed none of it, and
    what a revoked one has signed nobody can tell from the word of a thief.

    Args:
        began: when the return began.
        lane: what is known of it.
        batch: what came.
        keys: ours.

    Raises:
        ChainBroken: ``revoked-key`` or ``retired-key``.
    """
    if keys.is_single:
        return
    held = lane.head_seq if lane else -1
    last = LaneEntry.objects.filter(lane=lane, seq=held).values_list("header", flat=True).first()
    newest = keys.place(peek(last).kid) if last else -1
    for header, token, _content in batch:
        if header.seq <= held:
            continue
        known = keys.signer(token)
        if known.revoked_since:
            raise ChainBroken(
                "revoked-key", header.seq, f"it is signed with our key {known.kid}, which is revoked"
            )
        # what partners showed since of a key that was replaced after the backup is no turn that was over by then
        is_over = known.replaced is not None and known.replaced <= began
        if is_over or keys.place(known.kid) < newest:
            raise ChainBroken("retired-key", header.seq, f"our key {known.kid} had been replaced by then")
        newest = keys.place(known.kid)


def _append(lane: Lane, header: chain.Header, token: str, content: bytes | None) -> None:
    entry = LaneEntry.objects.create(
        lane=lane,
        seq=header.seq,
        header=token,
        digest=chain.digest_of(token),
        kind=header.kind,
        subject=header.subject,
        version=header.version,
        action=header.action,
        content_digest=header.digest,
        size=header.size,
        issued=header.issued,
        state=LaneEntry.State.DONE,
    )
    if content is not None:
        contents.put(lane, content)
    lane.head_seq, lane.head_digest, lane.last_entry = entry.seq, entry.digest, now()
    lane.known_seq = lane.head_seq
    lane.save(update_fields=["head_seq", "head_digest", "known_seq", "last_entry"])
    purpose = registry.get(LanePurpose, lane.purpose)
    if header.kind == joining.JOINED:
        joining.regain_readers(lane, content)
    elif purpose.regain and header.kind != "lane.opened":
        purpose.regain(entry, header, content)


def _reopened(
    partner: Partner, wire_id: UUID, header: chain.Header, token: str, content: bytes | None
) -> Lane:
    """A lane that was opened after the backup, as its first entry says."""
    del token
    if header.lane != wire_id or header.seq != 0 or header.kind != "lane.opened" or content is None:
        raise ChainBroken("gap", 0, f"lane {wire_id} is not known here, and its first entry did not come")
    try:
        said = strict_json.parse(content)
        purpose = str(said["purpose"])
        lineage = UUID(said["agreement"]) if said.get("agreement") else None
        is_whole = said.get("whole") is True
    except (AttributeError, strict_json.JsonRefused, KeyError, TypeError, ValueError):
        raise ChainBroken("malformed", 0, f"what lane {wire_id} is for cannot be read") from None
    audience = [header.to] if purpose == Lane.Purpose.TALK else list(header.audience)
    is_public = purpose == Lane.Purpose.PUBLIC
    nodes = {partner.node} if is_public else {each.partition("#")[0] for each in audience}
    # who joined a lane later is not named by its first entry, and is held to what the lane says further on
    is_joined = is_whole and purpose == Lane.Purpose.CLAUSE and _has_joined(partner, lineage)
    if purpose not in Lane.Purpose.values or not (partner.node in nodes or is_joined):
        raise ChainBroken("not-a-reader", 0, f"lane {wire_id} is not for it")
    same = {
        "sender": None,
        "purpose": purpose,
        "agreement": lineage if purpose == Lane.Purpose.CLAUSE else None,
        "clause": header.clause,
        "audience_digest": "" if is_public else audience_digest(audience),
    }
    is_taken = Lane.objects.filter(id=wire_id).exists()
    lane = Lane.objects.create(
        **({"alias": wire_id} if is_taken else {"id": wire_id}),
        **same,
        # of two for one purpose one goes on; and none that had to take another id here than its headers say, nor one
        # of which nobody knows who else holds more of it
        is_closed=is_public
        or is_taken
        or (not is_whole and Lane.objects.filter(**same, is_whole=False, is_closed=False).exists()),
        is_whole=is_whole,
        opened=header.issued,
    )
    readers = Partner.objects.filter(node__in=nodes)
    LaneReader.objects.bulk_create(LaneReader(lane=lane, partner=each) for each in readers)
    return lane


def _fetch_lacking(partner: Partner, wire_id: UUID, left: Callable[[], float]) -> bool:
    """Contents that no line brought and no other partner had, where this one has them; whether all were asked for."""
    lane = own(wire_id)
    held = Holding.objects.filter(lane=lane).values("content_id")
    lacking = LaneEntry.objects.filter(lane=lane, action="publish", state=LaneEntry.State.DONE)
    lacking = lacking.exclude(content_digest="").exclude(content_digest__in=held)
    for digest, size in _in_order(lacking):
        if lane is None:
            return True
        if left() <= 0:
            return False
        try:
            pieces = fetched(partner, digest, size, seconds=left(), of_lane=wire_id)
            contents.take(lane, pieces, digest=digest, size=size)
        except AskedTooOften:
            # its line is busy: the rest comes in another turn
            return False
        except PartnerRefused:
            # it does not hold it any more: the header stands, and nobody can be served the content
            continue
        except contents.OtherContent as other:
            raise ChainBroken("digest", -1, str(other)) from None
    return True


def _in_order(lacking: QuerySet[LaneEntry]) -> Iterator[tuple[str, int]]:
    """Digest and size of each, a few hundred read at a time."""
    last = -1
    while rows := list(
        lacking.filter(seq__gt=last).order_by("seq").values_list("seq", "content_digest", "size")[:_LACKING]
    ):
        for _seq, digest, size in rows:
            yield digest, size
        last = rows[-1][0]


@transaction.atomic
def refuse(partner: Partner, broken: ChainBroken) -> None:
    """Take nothing of what a partner told, alarm the administrators, and say why.

    One that was asked, and posts at the same time, tells everything twice: what comes once all of it is known is no
    news, but for another history.
    """
    is_awaited = Awaited.objects.filter(partner=partner, answered=None, given_up=None).update(
        fault=broken.code, fault_detail=str(broken)[:500]
    )
    if not is_awaited and not isinstance(broken, _Forked):
        return
    if isinstance(broken, _Forked):
        returning.close_lanes(Lane.objects.filter(id=broken.lane.id))
    facts = {
        "node": partner.node,
        "partner": str(partner.id),
        "reason": broken.code,
        "detail": str(broken)[:300],
    }
    notice = raise_notice("partners.return-refused", urn(partner), Notice.Level.ALARM, facts)
    if notice.times == 1:
        record(SystemActor("partners.sync"), "partners.return-refused", urn(partner), facts)


# ---- the other side: what we hold of theirs ---------------------------------------------------------------------


def held_for(sender: Partner, lane: Lane, after: int, limit: int, most_bytes: int) -> Iterator[bytes]:
    """Lines of a partner's lane as we hold it, for the partner itself; at least one, where there is one.

    Args:
        sender: whose lane it is.
        lane: the lane.
        after: the last entry that it has.
        limit: the most entries.
        most_bytes: about how much.
    """
    rows = list(
        LaneEntry.objects.filter(lane=lane, lane__sender=sender, seq__gt=after).order_by("seq")[:limit]
    )
    held = Holding.objects.filter(lane=lane, content_id__in={row.content_digest for row in rows})
    bodies = contents.find(set(held.values_list("content_id", flat=True)))
    size = 0
    for row in rows:
        line = chain.write_line(row.header, bodies.get(row.content_digest))
        size += len(line)
        if size > most_bytes and row is not rows[0]:
            return
        yield line


def offer(partner: Partner, may_go_on: Callable[[], bool], *, left: Callable[[], float]) -> bool:
    """Post what we hold of a restored partner's lanes, for it may not be able to ask us.

    It says itself what it lacks. Who says so of what it was just brought is brought nothing more of that lane.

    Args:
        partner: which.
        may_go_on: asked before each page.
        left: for how many seconds it may go on.

    Returns:
        Whether it lacks nothing any more, or takes nothing; else it is offered the rest next time.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: it cannot be told.
    """
    held = Lane.objects.filter(sender=partner, part_of=None, head_seq__gte=0).order_by("opened")
    lanes = {each.wire_id: each for each in held[: wire.MOST_LANES]}
    listing = [
        asking.HeldOffer(each.wire_id, each.head_seq, each.head_digest, each.floor_seq)
        for each in lanes.values()
    ]
    shown = succession.shown_by(partner)
    brought: dict[UUID, int] = {}
    while may_go_on():
        wanted = {
            each.lane: each.after for each in asking.offer_held(partner, listing, shown, seconds=left())
        }
        missing = [
            (lane, after)
            for lane, after in wanted.items()
            if lane in lanes and brought.get(lane, -2) < after < lanes[lane].head_seq
        ]
        if not missing:
            return True
        for lane, after in missing:
            if not may_go_on():
                return False
            lines = held_for(partner, lanes[lane], after, wire.PAGE_ENTRIES, _OFFERED_BYTES)
            if not asking.post_held(partner, lane, b"".join(lines), seconds=left()):
                # it takes nothing of this, and says so to its own administrators
                return True
            brought[lane] = after
    return False
