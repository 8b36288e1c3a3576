"""Calling another node: the client's side of ``/.well-known/taawun`` and ``/federation/…``."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from django.conf import settings

from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.exchange import bandwidth
from taawun.cooperation.partners.identity.descriptor import MAX_BYTES
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs.chain import INLINE_BYTES, MAX_HEADER_BYTES
from taawun.foundation import request_signatures, strict_json
from taawun.foundation.clock import now
from taawun.foundation.compression import compressed
from taawun.foundation.digests import as_sha256
from taawun.foundation.outbound import Outbound, Pace
from taawun.platform.web.problems import TYPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from taawun.cooperation.partners.models import Partner

__all__ = [
    "RETURNING",
    "Held",
    "HeldOffer",
    "LaneOffer",
    "Wanted",
    "WantedOfHeld",
    "deliver",
    "deliver_piece",
    "fetch_descriptor",
    "held_offers",
    "lane_offer",
    "list_held",
    "list_lanes",
    "offer_held",
    "post_held",
    "read_blob",
    "read_held",
    "read_lane",
    "tell",
]

JSON_LINES: Final = "application/jsonl"
# what one request brings of a content: small enough that it holds nobody's thread for long
PIECE: Final = 1024 * 1024
_OK: Final = 200
_PART: Final = 206
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
# the code of a node that was restored and does not speak yet
RETURNING: Final = "returning"
# what a node may ask for in seconds (RFC 9110, section 10.2.3); a date is not made use of
_SECONDS: Final = re.compile("[0-9]{1,6}")
_ACCEPTED: Final = 202
_SHORT_SECONDS: Final = 15.0
# two megabytes over the slowest line that is of any use
_DELIVERY_SECONDS: Final = 600.0
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_PAGE_SECONDS: Final = 300.0
_PROBLEM_BYTES: Final = 64 * 1024
_LISTING_BYTES: Final = 8 * 1024 * 1024
# as many choices of readers under as many clauses as two nodes ever agree on; each costs us a look at every poll
MOST_LANES: Final = 1000
# who offers a few too many is still read on those that are known; who offers twice as many makes them up
_MOST_OFFERS: Final = 2 * MOST_LANES
# an offer has five members, and whatever a later protocol adds to it
_LISTING_LIMITS: Final = strict_json.Limits(
    max_bytes=_LISTING_BYTES, max_depth=8, max_values=20 * _MOST_OFFERS
)
# what comes back from an inbox: as many heads as two nodes show each other at once
_HEADS_BYTES: Final = 256 * 1024
_HEADS_LIMITS: Final = strict_json.Limits(max_bytes=_HEADS_BYTES, max_depth=4, max_values=2_000)
PAGE_ENTRIES: Final = 500
# the slowest line a lane is read over; what comes slower, or never ends, is let go and asked for again later
_LEAST: Final = Pace(grace_seconds=15, bytes_per_second=256)


@cache
def _outbound() -> Outbound:
    return Outbound(allow=frozenset(settings.OUTBOUND_ALLOW))


class LaneOffer:
    """What a partner says about one lane we may read.

    Args:
        lane: its id.
        purpose: ``talk``, ``clause`` or ``public``.
        agreement: lineage of the agreement, or None.
        clause: the clause's ref, or empty.
        head: the signed head, a JWS.
        is_urgent: whether it says that something urgent waits on it.
        floor: from where this node reads it, a JWS; empty where the lane was opened for this node.
    """

    __slots__ = ("agreement", "clause", "floor", "head", "is_urgent", "lane", "purpose")

    def __init__(  # noqa: PLR0913 - each is a member of an offer
        self,
        lane: UUID,
        purpose: str,
        agreement: UUID | None,
        clause: str,
        head: str,
        *,
        is_urgent: bool = False,
        floor: str = "",
    ) -> None:
        self.lane, self.purpose, self.agreement = lane, purpose, agreement
        self.clause, self.head, self.is_urgent, self.floor = clause, head, is_urgent, floor

    @property
    def is_joined(self) -> bool:
        """Whether it comes with a floor."""
        return bool(self.floor)


def fetch_descriptor(node: str) -> str:
    """The descriptor a node publishes.

    Raises:
        OutboundRefused: the address is one we must not call.
        OutboundFailed: it did not answer.
        PartnerRefused: it answered something else.
    """
    answer = _outbound().request(
        "GET", f"{node}/.well-known/taawun", limit_bytes=MAX_BYTES, deadline_seconds=_SHORT_SECONDS
    )
    if answer.status != _OK:
        raise PartnerRefused(
            "no-descriptor",
            f"The node answered {answer.status} instead of its descriptor.",
            {"status": str(answer.status)},
        )
    return answer.body.decode("ascii", errors="replace").strip()


def list_lanes(partner: Partner) -> list[LaneOffer]:
    """The lanes a partner lets us read, with their signed heads.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`fetch_descriptor`; ``bad-list`` for more lanes
            than two nodes can need.
    """
    url = f"{partner.node}/federation/lanes"
    answer = _outbound().request(
        "GET", url, headers=_signed("GET", url), limit_bytes=_LISTING_BYTES, deadline_seconds=_SHORT_SECONDS
    )
    if answer.status != _OK:
        raise _unexpected(answer.status, answer.headers, answer.body)
    try:
        return _offers(strict_json.parse(answer.body, _LISTING_LIMITS)["lanes"])
    except (AttributeError, strict_json.JsonRefused, KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-list", f"The list of lanes is malformed: {problem}") from None


# Any: JSON of whatever shape a partner sends; what does not fit raises
def _offers(listed: Any) -> list[LaneOffer]:
    if len(listed) > _MOST_OFFERS:
        raise ValueError(f"it has more than {_MOST_OFFERS} lanes")
    return [lane_offer(each) for each in listed]


# Any: as above
def lane_offer(said: Any) -> LaneOffer:
    """Read how a lane is named.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is not as docs/protocol.md says.
    """
    return LaneOffer(
        UUID(said["lane"]),
        str(said["purpose"]),
        UUID(said["agreement"]) if said.get("agreement") else None,
        str(said.get("clause", "")),
        str(said["head"]),
        is_urgent=said.get("urgent") is True,
        floor=str(said.get("floor", "")),
    )


@contextmanager
def read_lane(
    partner: Partner, lane: UUID, after: int, *, limit: int, seconds: float
) -> Iterator[Iterator[bytes]]:
    """Lines of a lane after an entry, as they arrive.

    Args:
        partner: who sends on the lane.
        lane: the lane's id as its sender gives it.
        after: the last entry held.
        limit: how many entries to ask for, at most ``PAGE_ENTRIES``. The answer may hold more all the same.
        seconds: by when the page must be read, including what is done with it.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`fetch_descriptor`.
        AskedTooOften: the partner says when to ask again.
    """
    url = f"{partner.node}/federation/lanes/{lane}?after={after}&limit={limit}"
    with _outbound().stream_lines(
        "GET",
        url,
        headers=_signed("GET", url),
        limit_line_bytes=INLINE_BYTES + MAX_HEADER_BYTES,
        # a page of the largest inline contents, and room for their headers and for the head that ends it
        limit_bytes=(limit + 1) * (INLINE_BYTES + MAX_HEADER_BYTES),
        deadline_seconds=min(seconds, _PAGE_SECONDS),
        least=_LEAST,
        came=bandwidth.wait,
    ) as (status, headers, lines):
        if status != _OK:
            raise _unexpected(status, headers, _beginning(lines))
        yield lines


@contextmanager
def read_blob(  # noqa: PLR0913 - each says what is read, from where, or until when
    partner: Partner,
    digest: str,
    size: int,
    *,
    seconds: float,
    start: int | None = None,
    of_lane: UUID | None = None,
) -> Iterator[tuple[bool, Iterator[bytes]]]:
    """A content that is too large for its line, or what follows so many bytes of it (RFC 9110, section 14).

    Args:
        partner: who sent the entry.
        digest: SHA-256 of the whole content.
        size: its size as the header states it; whoever calls has seen that it is not more than a node takes.
        seconds: by when it must be read.
        start: how many bytes lie here, of what may come in parts; left out for what is read at once.
        of_lane: a lane of our own over which the partner received it; what it says itself when left out.

    Yields:
        Whether it is a part that begins there; else it is the whole. And its bytes, piece by piece.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`fetch_descriptor`; ``bad-range`` for a part that
            was not asked for.
        AskedTooOften: the partner says when to ask again.
    """
    url = f"{partner.node}/federation/{f'held/{of_lane}' if of_lane else 'blobs'}/{digest}"
    # what goes on somewhere is asked for as it is: a part of what was packed is no part of the content
    part = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"} if start is not None else {}
    # room beyond the size: a problem document may be longer than a small content, and a content that is too long is
    # seen by its digest, which stops the lane; only what is longer by far is not read to its end
    with _outbound().stream(
        "GET",
        url,
        headers={**part, **_signed("GET", url)},
        limit_bytes=size + _PROBLEM_BYTES,
        deadline_seconds=min(seconds, _PAGE_SECONDS),
        least=_LEAST,
        came=bandwidth.wait,
    ) as (status, answered, pieces):
        if status != _OK and (status != _PART or start is None):
            raise _unexpected(status, answered, _beginning(pieces))
        if status == _PART and not _begins(answered.get("content-range", ""), start or 0, size):
            raise PartnerRefused("bad-range", "The node answered with a part that was not asked for.")
        yield status == _PART, pieces


def _begins(content_range: str, start: int, size: int) -> bool:
    found = _CONTENT_RANGE.fullmatch(content_range.strip())
    return found is not None and (int(found[1]), int(found[3])) == (start, size) and int(found[2]) >= start


@dataclass(frozen=True, slots=True)
class HeldOffer:
    """How far somebody holds a lane of another.

    Args:
        lane: its id.
        seq: the last entry.
        digest: of that entry's header.
        floor: the first entry that it holds.
    """

    lane: UUID
    seq: int
    digest: str
    floor: int = 0

    def said(self) -> dict[str, object]:
        """As it is sent."""
        told: dict[str, object] = {"lane": str(self.lane), "seq": self.seq, "digest": self.digest}
        return told | ({"floor": self.floor} if self.floor else {})


def held_offers(body: bytes) -> list[HeldOffer]:
    """A list of them, as it is sent.

    Raises:
        JsonRefused, AttributeError, KeyError, TypeError, ValueError: it is none.
    """
    listed = strict_json.parse(body, _LISTING_LIMITS)["lanes"]
    if len(listed) > _MOST_OFFERS:
        raise ValueError(f"it has more than {_MOST_OFFERS} lanes")
    return [
        HeldOffer(
            UUID(each["lane"]),
            strict_json.as_count(each["seq"]),
            as_sha256(each["digest"]),
            strict_json.as_count(each.get("floor", 0)),
        )
        for each in listed
    ]


def list_held(partner: Partner) -> list[HeldOffer]:
    """How far a partner holds the lanes of this node.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`list_lanes`.
    """
    url = f"{partner.node}/federation/held"
    answer = _outbound().request(
        "GET", url, headers=_signed("GET", url), limit_bytes=_LISTING_BYTES, deadline_seconds=_SHORT_SECONDS
    )
    if answer.status != _OK:
        raise _unexpected(answer.status, answer.headers, answer.body)
    try:
        return held_offers(answer.body)
    except (AttributeError, strict_json.JsonRefused, KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-list", f"The list of lanes is malformed: {problem}") from None


@contextmanager
def read_held(partner: Partner, lane: UUID, after: int, *, seconds: float) -> Iterator[Iterator[bytes]]:
    """Entries of a lane of ours that a partner holds, as :func:`read_lane` reads a partner's."""
    url = f"{partner.node}/federation/held/{lane}?after={after}&limit={PAGE_ENTRIES}"
    with _outbound().stream_lines(
        "GET",
        url,
        headers=_signed("GET", url),
        limit_line_bytes=INLINE_BYTES + MAX_HEADER_BYTES,
        limit_bytes=(PAGE_ENTRIES + 1) * (INLINE_BYTES + MAX_HEADER_BYTES),
        deadline_seconds=min(seconds, _PAGE_SECONDS),
        least=_LEAST,
        came=bandwidth.wait,
    ) as (status, headers, lines):
        if status != _OK:
            raise _unexpected(status, headers, _beginning(lines))
        yield lines


def offer_held(partner: Partner, offers: Sequence[HeldOffer], *, seconds: float) -> list[WantedOfHeld]:
    """Tell a restored partner how far we hold its lanes.

    Args:
        partner: which.
        offers: its lanes.
        seconds: by when it must have answered.

    Returns:
        What it wants of them.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`list_lanes`.
    """
    said = [each.said() for each in offers]
    answer = _post(partner, "held", orjson.dumps({"lanes": said}), "application/json", seconds)
    try:
        listed = strict_json.parse(answer, _LISTING_LIMITS)["wanted"]
        return [WantedOfHeld(UUID(each["lane"]), _after(each["after"])) for each in listed]
    except (AttributeError, strict_json.JsonRefused, KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-list", f"The list of lanes is malformed: {problem}") from None


# Any: JSON of whatever shape a partner answers; what does not fit raises
def _after(said: Any) -> int:
    return -1 if said == -1 else strict_json.as_count(said)


@dataclass(frozen=True, slots=True)
class WantedOfHeld:
    """A lane of which a restored partner wants what we hold.

    Args:
        lane: its id.
        after: the last entry that it has.
    """

    lane: UUID
    after: int


def post_held(partner: Partner, lane: UUID, lines: bytes, *, seconds: float) -> int:
    """Give a restored partner entries of its lane.

    Args:
        partner: which.
        lane: the lane's id.
        lines: the entries.
        seconds: by when it must have answered.

    Returns:
        How many were new to it.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`list_lanes`.
    """
    answer = _post(partner, f"held/{lane}", lines, JSON_LINES, seconds)
    try:
        return strict_json.as_count(strict_json.parse(answer, _HEADS_LIMITS)["taken"])
    except (strict_json.JsonRefused, KeyError, TypeError, ValueError):
        return 0


def _post(partner: Partner, what: str, body: bytes, content_type: str, seconds: float) -> bytes:
    # before it is signed: a signature lives for a minute
    bandwidth.wait(len(body))
    url = f"{partner.node}/federation/{what}"
    answer = _outbound().request(
        "POST",
        url,
        headers={"Content-Type": content_type, **_signed("POST", url, body)},
        body=body,
        limit_bytes=_LISTING_BYTES,
        deadline_seconds=min(seconds, _PAGE_SECONDS),
    )
    if answer.status != _OK:
        raise _unexpected(answer.status, answer.headers, answer.body)
    return answer.body


def tell(partner: Partner, descriptor: str, heads: Sequence[str], *, compare: bool = False) -> list[object]:
    """Tell a partner that there is news: our descriptor and the heads of lanes it may read.

    Args:
        partner: whom.
        descriptor: ours, signed.
        heads: signed heads.
        compare: whether it is asked for the heads that it holds of lanes of others.

    Returns:
        What it answers with as such heads, nothing of it verified; none of a node that does not know the question.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`fetch_descriptor`.
        AskedTooOften: the partner says when to ask again.
    """
    url = f"{partner.node}/federation/inbox"
    said = {"descriptor": descriptor, "heads": list(heads)}
    body = orjson.dumps({**said, "compare": True} if compare else said)
    headers = {"Content-Type": "application/json", **_signed("POST", url, body)}
    answer = _outbound().request(
        "POST", url, headers=headers, body=body, limit_bytes=_HEADS_BYTES, deadline_seconds=_SHORT_SECONDS
    )
    if answer.status != _ACCEPTED:
        raise _unexpected(answer.status, answer.headers, answer.body)
    return _heads(answer.body) if compare else []


def _heads(body: bytes) -> list[object]:
    try:
        heads = strict_json.parse(body, _HEADS_LIMITS)["heads"]
    except (strict_json.JsonRefused, KeyError, TypeError):
        return []
    return list(heads) if isinstance(heads, list) else []


@dataclass(frozen=True, slots=True)
class Wanted:
    """A content that a partner waits for.

    Args:
        digest: SHA-256 of it.
        held: how many bytes of it lie there.
    """

    digest: str
    held: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a partner holds after a delivery.

    Args:
        seq: the last entry of the lane there; −1 for none.
        wanted: contents it waits for.
    """

    seq: int
    wanted: tuple[Wanted, ...]


def deliver(partner: Partner, lines: Sequence[bytes]) -> Held:
    """Deliver a page of a lane to a partner that cannot fetch it.

    Args:
        partner: one of its readers.
        lines: how the lane is named, its entries and its head.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`fetch_descriptor`. Where the partner expects
            another entry, the facts have ``held``: the last one it holds.
        AskedTooOften: the partner says when to come again.
    """
    url = f"{partner.node}/federation/inbox"
    body = compressed(b"".join(lines), "zstd")
    # before it is signed: a signature lives for a minute
    bandwidth.wait(len(body))
    headers = {
        "Content-Type": JSON_LINES,
        "Content-Encoding": "zstd",
        **_signed("POST", url, body),
    }
    said = _sent("POST", url, headers, body)
    try:
        wanted = [Wanted(str(each["digest"]), int(each["held"])) for each in said["wanted"]]
        return Held(int(said["held"]), tuple(wanted))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-answer", f"What it holds is malformed: {problem}") from None


def deliver_piece(partner: Partner, digest: str, piece: bytes, *, start: int) -> int:
    """Deliver a piece of a content to a partner that cannot fetch it.

    Args:
        partner: who waits for it.
        digest: SHA-256 of the whole content.
        piece: at most ``PIECE`` bytes of it.
        start: where they begin.

    Returns:
        How many bytes of the content lie there now.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for :func:`deliver`.
        AskedTooOften: the partner says when to come again.
    """
    url = f"{partner.node}/federation/blobs/{digest}?from={start}"
    bandwidth.wait(len(piece))
    headers = {"Content-Type": "application/octet-stream", **_signed("PUT", url, piece)}
    try:
        return int(_sent("PUT", url, headers, piece)["held"])
    except (KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-answer", f"What it holds is malformed: {problem}") from None


# Any: JSON of whatever shape a partner answers; what does not fit raises
def _sent(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
    answer = _outbound().request(
        method,
        url,
        headers=headers,
        body=body,
        limit_bytes=MAX_BYTES,
        deadline_seconds=_DELIVERY_SECONDS,
    )
    if answer.status != _OK:
        raise _unexpected(answer.status, answer.headers, answer.body)
    try:
        return strict_json.parse(answer.body)
    except strict_json.JsonRefused as problem:
        raise PartnerRefused("bad-answer", f"Its answer is malformed: {problem}") from None


def _signed(method: str, url: str, body: bytes = b"") -> dict[str, str]:
    return request_signatures.sign(method, url, body, node_key(), at=now())


def _beginning(pieces: Iterable[bytes]) -> bytes:
    """What a problem document may have; nobody reads an endless one to its end."""
    found = b""
    for piece in pieces:
        found += piece
        if len(found) >= _PROBLEM_BYTES:
            break
    return found[:_PROBLEM_BYTES]


def _unexpected(status: int, headers: Mapping[str, str], body: bytes) -> PartnerRefused:
    # a problem document says in its own words what is wrong; anything else is shortened
    try:
        document = strict_json.parse(body)
        said, kind = str(document["detail"]), str(document["type"]).removeprefix(TYPE_PREFIX)
        held = document.get("held")
    except (strict_json.JsonRefused, KeyError, TypeError):
        said, kind, held = body[:100].decode("utf-8", errors="replace"), "", None
    held = held if isinstance(held, int) else None
    facts = {"status": str(status), "type": kind[:40], "detail": said[:300].replace("\0", "")}
    if held is not None:
        facts["held"] = str(held)
    sentence = f"The node answered {status}: {facts['detail']}"
    wait = headers.get("retry-after", "").strip()
    is_to_wait = status == _TOO_MANY or (status == _UNAVAILABLE and kind == RETURNING)
    if is_to_wait and _SECONDS.fullmatch(wait):
        return AskedTooOften(int(wait), "http", sentence, facts)
    return PartnerRefused("http", sentence, facts)
