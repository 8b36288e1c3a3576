"""Taking what a partner delivers that nobody can fetch from: pages of its lanes, and contents piece by piece.

What is delivered is held to exactly what is pulled: the same lanes, the same checks of each entry, the same quotas. It
is stored here and taken in by the sync loop, so a request holds a thread no longer than a page takes to verify, and one
partner holds no more than one.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.http import HttpResponse

from taawun.cooperation.partners.errors import AskedTooOften, ChainBroken
from taawun.cooperation.partners.exchange import disk
from taawun.cooperation.partners.exchange.fetching import NOT_DELIVERED
from taawun.cooperation.partners.exchange.partials import Partial
from taawun.cooperation.partners.exchange.receiving import is_wanted, take_page
from taawun.cooperation.partners.exchange.wire import PAGE_ENTRIES, PIECE, LaneOffer, lane_offer
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.logs import chain, joining
from taawun.cooperation.partners.logs.contents import OtherContent
from taawun.cooperation.partners.logs.offers import Offered
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.logs.urgency import is_urgent
from taawun.cooperation.partners.models import Holding, Lane, LaneEntry, Partner
from taawun.foundation import strict_json
from taawun.foundation.clock import now, timestamp
from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from taawun.foundation.outbound.decoding import decoded
from taawun.platform.web.problems import problem
from taawun.platform.work.turns import hold_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.http import HttpRequest

__all__ = ["CODINGS", "Undeliverable", "take", "take_piece"]

CODINGS: Final = ("identity", "gzip", "zstd")
_DECODED_BYTES: Final = 8 * 1024 * 1024
_LINE_BYTES: Final = chain.INLINE_BYTES + chain.MAX_HEADER_BYTES
_OFFER_LIMITS: Final = strict_json.Limits(max_bytes=chain.MAX_HEADER_BYTES, max_depth=4, max_values=40)
# so many contents are named as waited for at once, and so many entries looked at to find them
_MOST_WANTED: Final = 20
_MOST_LOOKED_AT: Final = 200
_BUSY_SECONDS: Final = 2.0
# how long a head may be on its way: it waits for the line, and is brought slowly
_WORD_LIVES: Final = timedelta(minutes=30)


class Undeliverable(Exception):
    """A delivery that is not taken, or not now.

    Args:
        status: of the answer.
        code: stable code.
        message: why, and the mend.
        members: further ones of the problem document.
    """

    # Any: JSON values of the problem document
    def __init__(self, status: int, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.members = status, code, members

    def answer(self) -> HttpResponse:
        """As the deliverer is told."""
        response = problem(self.status, self.code, str(self), **self.members)
        if self.code == "unknown-encoding":
            # RFC 7694, section 3: what would have been read
            response["Accept-Encoding"] = "zstd, gzip"
        return response


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it was delivered, whole and in the form it must have; nothing of it is verified.

    Args:
        offer: how its lane is named.
        entries: its lines but for the last.
        last: the line with its head.
    """

    offer: LaneOffer
    entries: Sequence[bytes]
    last: bytes


# ---- pages of a lane --------------------------------------------------------------------------------------------


def take(request: HttpRequest, partner: Partner) -> HttpResponse:
    """Take a page of a lane of the partner that signed the request.

    Raises:
        Undeliverable: it is not taken, and nothing of it is kept but what stands before the entry that does not fit.
        AskedTooOften: the partner is dealt with at this moment; it comes again.
    """
    page = _read(request)
    _may_deliver(partner)
    with _turn_of(partner):
        _check_word(partner, page)
        lane = _lane(partner, page)
        seq = _take_page(lane, partner, page)
        _heard(partner, lane, page)
        return _told({"lane": str(page.offer.lane), "held": seq, "wanted": _wanted_of(partner)})


def _read(request: HttpRequest) -> _Page:
    coding = request.headers.get("Content-Encoding", "").strip().lower() or "identity"
    if coding not in CODINGS:
        raise Undeliverable(
            415,
            "unknown-encoding",
            f"{coding[:40]!a} is not read here; send it in zstd or gzip, or as it is.",
        )
    try:
        whole = b"".join(decoded([request.body], coding, _DECODED_BYTES))
    except OutboundRefused:
        raise Undeliverable(413, "too-large", f"A page has at most {_DECODED_BYTES} bytes.") from None
    except OutboundFailed:
        raise Undeliverable(400, "malformed", f"The {coding} data is damaged.") from None
    first, *lines = whole.removesuffix(b"\n").split(b"\n", PAGE_ENTRIES + 2)
    if not lines or len(lines) > PAGE_ENTRIES + 1 or any(len(line) > _LINE_BYTES for line in lines):
        raise Undeliverable(
            400,
            "malformed",
            f"A delivery is the line of its lane, at most {PAGE_ENTRIES} entries, and a head.",
        )
    try:
        offer = lane_offer(strict_json.parse(first, _OFFER_LIMITS))
        read = [chain.read_line(line) for line in lines]
    except (strict_json.JsonRefused, AttributeError, KeyError, TypeError, ValueError) as why:
        raise Undeliverable(400, "malformed", f"The delivery cannot be read: {str(why)[:200]}") from None
    if read[-1].head is None or any(line.head is not None for line in read[:-1]):
        raise Undeliverable(400, "malformed", "A delivery ends with one head.")
    return _Page(offer, lines[:-1], lines[-1])


def _may_deliver(partner: Partner) -> None:
    if not partner.is_current(now()):
        raise Undeliverable(
            403, "descriptor-lapsed", "Your node's descriptor has lapsed here; bring a new one first."
        )
    if not disk.has_room():
        disk.tell()
        raise Undeliverable(507, "no-room", "There is no room for more at the moment; come again later.")


@contextmanager
def _turn_of(partner: Partner, what: str = "partners.sync") -> Iterator[None]:
    """One request of a partner at a time.

    Args:
        partner: whose.
        what: ``partners.sync`` for what touches its lanes, so none while the sync loop deals with them.
    """
    with hold_turn(f"{what} {partner.id}") as is_ours:
        if not is_ours:
            raise AskedTooOften(_BUSY_SECONDS, "busy", "Your node's last delivery is still being dealt with.")
        yield


def _check_word(partner: Partner, page: _Page) -> None:
    """Hear the talk only with its sender's word of now: by an old one it could have said things long before.

    Raises:
        Undeliverable: its head was signed too long ago; the partner's page says so.
    """
    if page.offer.purpose != Lane.Purpose.TALK:
        return
    try:
        head = chain.read_head(chain.read_line(page.last).head or "", lineage_of(partner))
    except ChainBroken:
        # it is judged with the entries, and stops the lane
        return
    if head.time >= now() - _WORD_LIVES:
        return
    said = f"The head of its talk was signed at {timestamp(head.time)}; it is signed anew for each delivery."
    Partner.objects.filter(id=partner.id).update(
        last_error=said, last_error_code="stale-head", last_error_facts={"at": timestamp(head.time)}
    )
    raise Undeliverable(409, "stale-head", said)


def _lane(partner: Partner, page: _Page) -> Lane:
    """The lane that is delivered, begun if it is new.

    Raises:
        Undeliverable: it is none of the partner's to this node, is stopped, or is held less far than the page begins.
    """
    lane = Lane.called(partner, page.offer.lane) or _begun(partner, page)
    is_taken = partner.state == Partner.State.VERIFIED or lane.purpose == Lane.Purpose.TALK
    if not is_taken or lane.purpose != page.offer.purpose:
        raise _not_taken()
    if lane.state == Lane.State.STOPPED:
        raise _stopped(lane)
    try:
        first = _first(partner, page)
    except ChainBroken:
        # it is judged with the others, and stops the lane
        return lane
    if first and first.seq > lane.head_seq + 1:
        raise _gap(lane.head_seq)
    return lane


def _begun(partner: Partner, page: _Page) -> Lane:
    try:
        first = _first(partner, page)
    except ChainBroken as broken:
        raise Undeliverable(400, "malformed", f"The first entry does not hold: {broken}") from None
    try:
        floor = joining.offered_floor(page.offer, lineage_of(partner))
    except ChainBroken as broken:
        raise Undeliverable(400, "malformed", f"The floor does not hold: {broken}") from None
    begins = floor.seq if floor else 0
    if first is None or first.seq > begins:
        raise _gap(begins - 1)
    # who joined later is named by the floor; in the first entry stands for whom the lane was opened
    if floor is None and not _is_for_us(first):
        raise Undeliverable(403, "not-to-us", "That lane is for others than this node.")
    offered = Offered(partner)
    lane = offered.lane_of(page.offer)
    if lane is None:
        raise _not_taken(offered.fault)
    return lane


def _first(partner: Partner, page: _Page) -> chain.Header | None:
    """The first header that is delivered, verified.

    Raises:
        ChainBroken: it does not hold.
    """
    if not page.entries:
        return None
    return chain.read_header(chain.read_line(page.entries[0]).header or "", lineage_of(partner))


def _not_taken(why: str = "") -> Undeliverable:
    said = "This lane is not taken from your node"
    return Undeliverable(403, "not-taken", f"{said}: {why}" if why else f"{said}.")


def _is_for_us(opening: chain.Header) -> bool:
    own = settings.BASE_URL
    if opening.to:
        return opening.to == own
    return not opening.audience or any(each == own or each.startswith(f"{own}#") for each in opening.audience)


def _gap(held: int) -> Undeliverable:
    return Undeliverable(409, "gap", f"Entry {held + 1} is expected.", held=held)


def _stopped(lane: Lane) -> Undeliverable:
    return Undeliverable(
        409,
        "lane-stopped",
        f"The lane was stopped ({lane.stop_reason}); both administrators know why.",
        reason=lane.stop_reason,
        held=lane.head_seq,
    )


def _take_page(lane: Lane, partner: Partner, page: _Page) -> int:
    try:
        take_page(lane, partner, [*page.entries, page.last])
    except ChainBroken as broken:
        stop_lane(lane, partner, broken)
        lane.refresh_from_db()
        raise _stopped(lane) from None
    lane.refresh_from_db()
    return lane.head_seq


def _heard(partner: Partner, lane: Lane, page: _Page) -> None:
    """Note that it called, and that what it says from now on it had not said before.

    Its head says so, and when: nobody asked for it at this moment, so only its own word counts.
    """
    held, at = Partner.objects.filter(id=partner.id), now()
    held.update(
        wants_pull=True,
        last_contact=at,
        failures=0,
        last_error="",
        last_error_code="",
        last_error_facts={},
    )
    held.filter(not_before__gt=at).update(not_before=at)
    # its word on now is that of its key of now
    keys, token = lineage_of(partner), chain.read_line(page.last).head or ""
    head = chain.read_head(token, keys)
    is_word = keys.signer(token).kid == keys.current.kid
    if is_word and lane.purpose == Lane.Purpose.TALK and lane.head_seq >= head.seq:
        heard = min(head.time, at)
        held.filter(Q(heard_until=None) | Q(heard_until__lt=heard)).update(heard_until=heard)


# ---- contents ---------------------------------------------------------------------------------------------------


def take_piece(request: HttpRequest, partner: Partner, digest: str) -> HttpResponse:
    """Take a piece of a content that an entry waits for which the partner delivered and this node accepts.

    Raises:
        Undeliverable: nothing waits for it, it begins at another place, or the whole is another content.
        AskedTooOften: the partner is dealt with at this moment; it comes again.
    """
    start, piece = request.GET.get("from", ""), request.body
    if not (start.isascii() and start.isdigit()) or not 0 < len(piece) <= PIECE:
        raise Undeliverable(400, "malformed", f"A piece has 1 to {PIECE} bytes, and begins at `from`.")
    _may_deliver(partner)
    # lanes are not touched: the sync loop, which is woken by what came just before, may be at work on them
    with _turn_of(partner, "partners.pieces"):
        entry = next(_wanted(partner, digest), None)
        if entry is None:
            raise Undeliverable(404, "not-wanted", "Nothing that your node delivered waits for this content.")
        partial = Partial(partner, digest, entry.size)
        if int(start[:16]) != partial.held:
            raise Undeliverable(
                409, "other-place", f"The piece should begin at {partial.held}.", held=partial.held
            )
        try:
            partial.append(piece)
        except OtherContent as other:
            raise _other_content(str(other)) from None
        if partial.is_whole and not partial.is_right():
            partial.drop()
            raise _other_content("its digest is another")
        if partial.is_whole:
            LaneEntry.objects.filter(id=entry.id).update(not_before=None)
            Partner.objects.filter(id=partner.id).update(wants_pull=True, not_before=now())
        return _told({"digest": digest, "held": partial.held})


def _other_content(why: str) -> Undeliverable:
    return Undeliverable(422, "other-content", f"It is another content: {why}.", held=0)


def _wanted_of(partner: Partner) -> list[dict[str, object]]:
    """What the partner may deliver next, the most urgent first."""
    found: dict[str, int] = {}
    for entry in _wanted(partner):
        partial = Partial(partner, entry.content_digest, entry.size)
        if not partial.is_whole:
            found[entry.content_digest] = partial.held
        if len(found) >= _MOST_WANTED:
            break
    return [{"digest": digest, "held": held} for digest, held in found.items()]


def _wanted(partner: Partner, digest: str = "") -> Iterator[LaneEntry]:
    """Entries that wait for a content alone: their headers hold, and a clause in force lets them be opened."""
    came = Holding.objects.filter(lane=OuterRef("lane"), content=OuterRef("content_digest"))
    waiting = LaneEntry.objects.filter(
        lane__sender=partner, state=LaneEntry.State.PENDING, action="publish", reason__in=["", NOT_DELIVERED]
    ).exclude(content_digest="")
    if digest:
        waiting = waiting.filter(content_digest=digest)
    beyond = Q(lane__state=Lane.State.STOPPED, lane__stopped_at__lte=F("seq"))
    rows = waiting.exclude(beyond).exclude(Exists(came)).select_related("lane")
    urgent_first = Case(When(is_urgent(), then=0), default=1)
    for entry in rows.order_by(urgent_first, "recorded", "id")[:_MOST_LOOKED_AT]:
        if is_wanted(entry, partner):
            yield entry


def _told(said: dict[str, object]) -> HttpResponse:
    return HttpResponse(orjson.dumps(said), content_type="application/json")
