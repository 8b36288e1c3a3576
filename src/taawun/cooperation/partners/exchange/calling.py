"""Calling another node: signed requests over the guarded line, and what its refusals mean."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings

from taawun.cooperation.partners.errors import AskedTooOften, KeyReplaced, PartnerRefused
from taawun.cooperation.partners.identity.keys import node_key
from taawun.foundation import request_signatures, strict_json
from taawun.foundation.clock import now
from taawun.foundation.outbound import Outbound, Pace
from taawun.platform.web.problems import TYPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Told = TypeVar("Told")

__all__ = [
    "LEAST",
    "LISTING_BYTES",
    "LISTING_LIMITS",
    "MOST_LISTED",
    "OK",
    "PAGE_SECONDS",
    "PROBLEM_BYTES",
    "RETURNING",
    "SHORT_SECONDS",
    "beginning",
    "lanes_in",
    "listed",
    "malformed_list",
    "outbound",
    "signed",
    "unexpected",
]

OK: Final = 200
SHORT_SECONDS: Final = 15.0
PAGE_SECONDS: Final = 300.0
PROBLEM_BYTES: Final = 64 * 1024
LISTING_BYTES: Final = 8 * 1024 * 1024
# twice as many lanes as are ever kept of a partner: who lists a few too many is still read on those that are known
MOST_LISTED: Final = 2000
# an offer has five members, and whatever a later protocol adds to it
LISTING_LIMITS: Final = strict_json.Limits(max_bytes=LISTING_BYTES, max_depth=8, max_values=20 * MOST_LISTED)
# the slowest line a lane is read over; what comes slower, or never ends, is let go and asked for again later
LEAST: Final = Pace(grace_seconds=15, bytes_per_second=256)
# the code of a node that was restored and does not speak yet
RETURNING: Final = "returning"
_UNAUTHORISED: Final = 401
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
# what a node may ask for in seconds (RFC 9110, section 10.2.3); a date is not made use of
_SECONDS: Final = re.compile("[0-9]{1,6}")


@cache
def outbound() -> Outbound:
    """The one line out of this process: every address is checked, and the connection goes to what was checked."""
    return Outbound(allow=frozenset(settings.OUTBOUND_ALLOW))


def signed(method: str, url: str, body: bytes = b"") -> dict[str, str]:
    """The headers that sign a request as this node's (RFC 9421)."""
    return request_signatures.sign(method, url, body, node_key(), at=now())


def listed(url: str, read: Callable[[bytes], Told]) -> Told:
    """A list of lanes, and what comes with it, that a partner answers with.

    Args:
        url: where it is asked.
        read: makes it of the answer; what it raises of a malformed one is told as ``bad-list``.

    Raises:
        OutboundRefused, OutboundFailed: nothing came back.
        PartnerRefused: something else came back; ``bad-list`` for a list that is malformed.
    """
    answer = outbound().request(
        "GET",
        url,
        headers=signed("GET", url),
        limit_bytes=LISTING_BYTES,
        deadline_seconds=SHORT_SECONDS,
    )
    if answer.status != OK:
        raise unexpected(answer.status, answer.headers, answer.body)
    with malformed_list():
        return read(answer.body)


# Any: JSON of whatever shape a partner answers; what does not fit raises
def lanes_in(body: bytes) -> list[Any]:
    """The lanes of a list, as they are sent.

    Raises:
        JsonRefused, KeyError, TypeError, ValueError: it is no list of lanes, or has more than two nodes can need.
    """
    found: list[Any] = strict_json.parse(body, LISTING_LIMITS)["lanes"]
    if len(found) > MOST_LISTED:
        raise ValueError(f"it has more than {MOST_LISTED} lanes")
    return found


@contextmanager
def malformed_list() -> Iterator[None]:
    """What reading a list of lanes raises where it is malformed becomes one refusal, ``bad-list``."""
    try:
        yield
    except (AttributeError, strict_json.JsonRefused, KeyError, TypeError, ValueError) as problem:
        raise PartnerRefused("bad-list", f"The list of lanes is malformed: {problem}") from None


def beginning(pieces: Iterable[bytes]) -> bytes:
    """What a problem document may have; nobody reads an endless one to its end."""
    found = b""
    for piece in pieces:
        found += piece
        if len(found) >= PROBLEM_BYTES:
            break
    return found[:PROBLEM_BYTES]


def unexpected(status: int, headers: Mapping[str, str], body: bytes) -> PartnerRefused:
    """The refusal that an answer is.

    A problem document says in its own words what is wrong; anything else is shortened.
    """
    try:
        document = strict_json.parse(body)
        said, kind = str(document["detail"]), str(document["type"]).removeprefix(TYPE_PREFIX)
        held, rotations = document.get("held"), document.get("rotations")
    except (strict_json.JsonRefused, KeyError, TypeError):
        said, kind, held, rotations = body[:100].decode("utf-8", errors="replace"), "", None, None
    held = held if isinstance(held, int) else None
    facts = {"status": str(status), "type": kind[:40], "detail": said[:300].replace("\0", "")}
    if held is not None:
        facts["held"] = str(held)
    sentence = f"The node answered {status}: {facts['detail']}"
    wait = headers.get("retry-after", "").strip()
    is_to_wait = status == _TOO_MANY or (status == _UNAVAILABLE and kind == RETURNING)
    if is_to_wait and _SECONDS.fullmatch(wait):
        return AskedTooOften(int(wait), "http", sentence, facts)
    if status == _UNAUTHORISED and kind == "retired-key":
        return KeyReplaced("http", sentence, facts, rotations)
    return PartnerRefused("http", sentence, facts)
