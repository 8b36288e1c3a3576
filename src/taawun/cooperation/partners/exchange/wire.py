"""What is asked of another node: the client's side of ``/.well-known/taawun`` and ``/federation/…``."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.exchange import bandwidth, calling
from taawun.cooperation.partners.identity.descriptor import MAX_BYTES
from taawun.cooperation.partners.logs.chain import INLINE_BYTES, MAX_HEADER_BYTES
from taawun.foundation import strict_json
from taawun.foundation.compression import compressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from taawun.cooperation.partners.models import Partner

__all__ = [
    "Held",
    "LaneOffer",
    "Wanted",
    "deliver",
    "deliver_piece",
    "fetch_descriptor",
    "lane_offer",
    "list_lanes",
    "read_blob",
    "read_lane",
    "tell",
]

JSON_LINES: Final = "application/jsonl"
# what one request brings of a content: small enough that it holds nobody's thread for long
PIECE: Final = 1024 * 1024
_PART: Final = 206
_ACCEPTED: Final = 202
# two megabytes over the slowest line that is of any use
_DELIVERY_SECONDS: Final = 600.0
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
# as many choices of readers under as many clauses as two nodes ever agree on; each costs us a look at every poll
MOST_LANES: Final = 1000
# what comes back from an inbox: as many heads as two nodes show each other at once
_HEADS_BYTES: Final = 256 * 1024
_HEADS_LIMITS: Final = strict_json.Limits(max_bytes=_HEADS_BYTES, max_depth=4, max_values=2_000)
PAGE_ENTRIES: Final = 500


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
    answer = calling.outbound().request(
        "GET", f"{node}/.well-known/taawun", limit_bytes=MAX_BYTES, deadline_seconds=calling.SHORT_SECONDS
    )
    if answer.status != calling.OK:
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
    return calling.listed(f"{partner.node}/federation/lanes", _offers)


def _offers(body: bytes) -> list[LaneOffer]:
    return [lane_offer(each) for each in calling.lanes_in(body)]


# Any: JSON of whatever shape a partner answers; what does not fit raises
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


def read_lane(  # noqa: PLR0913 - what is read, how much of it, and until when
    partner: Partner,
    lane: UUID,
    after: int,
    *,
    limit: int,
    seconds: float,
    came: Callable[[int], None] | None = None,
) -> AbstractContextManager[Iterator[bytes]]:
    """Lines of a lane after an entry, as they arrive. It is signed here and now, and asked for where it is entered.

    Args:
        partner: who sends on the lane.
        lane: the lane's id as its sender gives it.
        after: the last entry held.
        limit: how many entries to ask for, at most ``PAGE_ENTRIES``. The answer may hold more all the same.
        seconds: by when the page must be read, including what is done with it.
        came: told how many bytes came, each time some did, and makes them wait; until the line is free when left out.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: where it is entered, as for :func:`fetch_descriptor`.
        AskedTooOften: likewise; the partner says when to ask again.
    """
    url = f"{partner.node}/federation/lanes/{lane}?after={after}&limit={limit}"
    return _page(url, calling.signed("GET", url), limit, seconds, came or bandwidth.wait)


@contextmanager
def _page(
    url: str, headers: Mapping[str, str], limit: int, seconds: float, came: Callable[[int], None]
) -> Iterator[Iterator[bytes]]:
    with calling.outbound().stream_lines(
        "GET",
        url,
        headers=headers,
        limit_line_bytes=INLINE_BYTES + MAX_HEADER_BYTES,
        # a page of the largest inline contents, and room for their headers and for the head that ends it
        limit_bytes=(limit + 1) * (INLINE_BYTES + MAX_HEADER_BYTES),
        deadline_seconds=min(seconds, calling.PAGE_SECONDS),
        least=calling.LEAST,
        came=came,
    ) as (status, answered, lines):
        if status != calling.OK:
            raise calling.unexpected(status, answered, calling.beginning(lines))
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
    with calling.outbound().stream(
        "GET",
        url,
        headers={**part, **calling.signed("GET", url)},
        limit_bytes=size + calling.PROBLEM_BYTES,
        deadline_seconds=min(seconds, calling.PAGE_SECONDS),
        least=calling.LEAST,
        came=bandwidth.wait,
    ) as (status, answered, pieces):
        if status != calling.OK and (status != _PART or start is None):
            raise calling.unexpected(status, answered, calling.beginning(pieces))
        if status == _PART and not _begins(answered.get("content-range", ""), start or 0, size):
            raise PartnerRefused("bad-range", "The node answered with a part that was not asked for.")
        yield status == _PART, pieces


def _begins(content_range: str, start: int, size: int) -> bool:
    found = _CONTENT_RANGE.fullmatch(content_range.strip())
    return found is not None and (int(found[1]), int(found[3])) == (start, size) and int(found[2]) >= start


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
    headers = {"Content-Type": "application/json", **calling.signed("POST", url, body)}
    answer = calling.outbound().request(
        "POST",
        url,
        headers=headers,
        body=body,
        limit_bytes=_HEADS_BYTES,
        deadline_seconds=calling.SHORT_SECONDS,
    )
    if answer.status != _ACCEPTED:
        raise calling.unexpected(answer.status, answer.headers, answer.body)
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
        **calling.signed("POST", url, body),
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
    headers = {"Content-Type": "application/octet-stream", **calling.signed("PUT", url, piece)}
    try:
        return int(_sent("PUT", url, headers, piece)["held"])
    except (KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-answer", f"What it holds is malformed: {problem}") from None


# Any: JSON of whatever shape a partner answers; what does not fit raises
def _sent(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
    answer = calling.outbound().request(
        method,
        url,
        headers=headers,
        body=body,
        limit_bytes=MAX_BYTES,
        deadline_seconds=_DELIVERY_SECONDS,
    )
    if answer.status != calling.OK:
        raise calling.unexpected(answer.status, answer.headers, answer.body)
    try:
        return strict_json.parse(answer.body)
    except strict_json.JsonRefused as problem:
        raise PartnerRefused("bad-answer", f"Its answer is malformed: {problem}") from None
