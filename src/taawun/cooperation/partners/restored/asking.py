"""What a restored node asks of its partners, and what they offer it (docs/protocol.md, "The return of a node")."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from taawun.cooperation.partners.exchange import bandwidth, calling, wire
from taawun.cooperation.partners.logs.chain import INLINE_BYTES, MAX_HEADER_BYTES
from taawun.foundation import strict_json
from taawun.foundation.digests import as_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from taawun.cooperation.partners.models import Partner

__all__ = [
    "HeldOffer",
    "Told",
    "WantedOfHeld",
    "held_offers",
    "list_held",
    "offer_held",
    "post_held",
    "read_held",
    "told",
]

_ANSWER_LIMITS: Final = strict_json.Limits(max_bytes=64 * 1024, max_depth=4, max_values=100)


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


@dataclass(frozen=True, slots=True)
class Told:
    """What a partner tells a restored node before it is asked for anything.

    Args:
        lanes: how far it holds the lanes of that node.
        rotations: how that node's keys followed each other, as it came; nothing of it is believed yet.
    """

    lanes: list[HeldOffer]
    rotations: object


def told(body: bytes) -> Told:
    """Read what a partner tells.

    Raises:
        JsonRefused, AttributeError, KeyError, TypeError, ValueError: it is no list of lanes.
    """
    return Told(held_offers(body), strict_json.parse(body, calling.LISTING_LIMITS).get("rotations"))


def held_offers(body: bytes) -> list[HeldOffer]:
    """A list of them, as it is sent.

    Raises:
        JsonRefused, AttributeError, KeyError, TypeError, ValueError: it is none.
    """
    return [
        HeldOffer(
            UUID(each["lane"]),
            strict_json.as_count(each["seq"]),
            as_sha256(each["digest"]),
            strict_json.as_count(each.get("floor", 0)),
        )
        for each in calling.lanes_in(body)
    ]


def list_held(partner: Partner) -> Told:
    """How far a partner holds the lanes of this node, and how it knows its keys to have followed each other.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for ``wire.list_lanes``.
    """
    return calling.listed(f"{partner.node}/federation/held", told)


@contextmanager
def read_held(partner: Partner, lane: UUID, after: int, *, seconds: float) -> Iterator[Iterator[bytes]]:
    """Entries of a lane of ours that a partner holds, as ``wire.read_lane`` reads a partner's."""
    url = f"{partner.node}/federation/held/{lane}?after={after}&limit={wire.PAGE_ENTRIES}"
    with calling.outbound().stream_lines(
        "GET",
        url,
        headers=calling.signed("GET", url),
        limit_line_bytes=INLINE_BYTES + MAX_HEADER_BYTES,
        limit_bytes=(wire.PAGE_ENTRIES + 1) * (INLINE_BYTES + MAX_HEADER_BYTES),
        deadline_seconds=min(seconds, calling.PAGE_SECONDS),
        least=calling.LEAST,
        came=bandwidth.wait,
    ) as (status, headers, lines):
        if status != calling.OK:
            raise calling.unexpected(status, headers, calling.beginning(lines))
        yield lines


def offer_held(
    partner: Partner, offers: Sequence[HeldOffer], rotations: Sequence[Sequence[str]], *, seconds: float
) -> list[WantedOfHeld]:
    """Tell a restored partner how far we hold its lanes.

    Args:
        partner: which.
        offers: its lanes.
        rotations: how its keys followed each other, as it said itself; it may have forgotten that too.
        seconds: by when it must have answered.

    Returns:
        What it wants of them.

    Raises:
        OutboundRefused, OutboundFailed, PartnerRefused: as for ``wire.list_lanes``.
    """
    said: dict[str, object] = {"lanes": [each.said() for each in offers]}
    if rotations:
        said["rotations"] = rotations
    answer = _post(partner, "held", orjson.dumps(said), "application/json", seconds)
    with calling.malformed_list():
        listed = strict_json.parse(answer, calling.LISTING_LIMITS)["wanted"]
        return [WantedOfHeld(UUID(each["lane"]), _after(each["after"])) for each in listed]


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
        OutboundRefused, OutboundFailed, PartnerRefused: as for ``wire.list_lanes``.
    """
    answer = _post(partner, f"held/{lane}", lines, wire.JSON_LINES, seconds)
    try:
        return strict_json.as_count(strict_json.parse(answer, _ANSWER_LIMITS)["taken"])
    except (strict_json.JsonRefused, KeyError, TypeError, ValueError):
        return 0


def _post(partner: Partner, what: str, body: bytes, content_type: str, seconds: float) -> bytes:
    # before it is signed: a signature lives for a minute
    bandwidth.wait(len(body))
    url = f"{partner.node}/federation/{what}"
    answer = calling.outbound().request(
        "POST",
        url,
        headers={"Content-Type": content_type, **calling.signed("POST", url, body)},
        body=body,
        limit_bytes=calling.LISTING_BYTES,
        deadline_seconds=min(seconds, calling.PAGE_SECONDS),
    )
    if answer.status != calling.OK:
        raise calling.unexpected(answer.status, answer.headers, answer.body)
    return answer.body
