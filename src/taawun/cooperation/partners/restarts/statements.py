"""What two nodes sign when a stopped lane is to go on (docs/protocol.md, "Restart of a stopped lane"). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from taawun.foundation import strict_json
from taawun.foundation.clock import parse_timestamp, timestamp
from taawun.foundation.digests import as_sha256, sha256
from taawun.foundation.signing import SignatureRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from taawun.cooperation.partners.identity.lineage import Verifier
    from taawun.foundation.signing import SigningKey

__all__ = [
    "ANSWERED",
    "CONFIRMED",
    "MOST_PLACES",
    "PROPOSED",
    "RESET_TYP",
    "Statement",
    "StatementRefused",
    "digest_of",
    "read",
    "write",
]

RESET_TYP: Final = "taawun-reset+jws"
PROPOSED, ANSWERED, CONFIRMED = "proposed", "answered", "confirmed"
# places in growing distances: sixty reach over any lane
MOST_PLACES: Final = 80
_MAX_BYTES: Final = 32 * 1024


class StatementRefused(ValueError):
    """A statement that cannot be read, or that is not signed by who must have signed it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One step of a restart.

    Args:
        id: of the restart, the same in its three statements.
        kind: ``proposed`` by the reader, ``answered`` by the sender, ``confirmed`` by the reader.
        lane: what its sender calls it.
        sender, reader: base addresses.
        seq, digest: of the entry that it is about: the last that the reader holds, then the one on which both agree;
            -1 and 64 zeros for none.
        at: when it was signed.
        about: SHA-256 of the statement that it answers; empty in the first.
        stopped_at, reason: where and why the reader stopped; in the first.
        places: digest by seq of entries that the reader holds, ever farther apart; in the first.
    """

    id: UUID
    kind: str
    lane: UUID
    sender: str
    reader: str
    seq: int
    digest: str
    at: datetime
    about: str = ""
    stopped_at: int = -1
    reason: str = ""
    places: tuple[tuple[int, str], ...] = ()


def write(statement: Statement, key: SigningKey) -> str:
    """Sign a statement."""
    payload = {
        "id": str(statement.id),
        "kind": statement.kind,
        "lane": str(statement.lane),
        "sender": statement.sender,
        "reader": statement.reader,
        "seq": statement.seq,
        "digest": statement.digest,
        "at": timestamp(statement.at),
    }
    if statement.kind == PROPOSED:
        payload |= {
            "stopped_at": statement.stopped_at,
            "reason": statement.reason,
            "places": [list(each) for each in statement.places],
        }
    else:
        payload["about"] = statement.about
    return key.sign(strict_json.canonical(payload), RESET_TYP)


def read(token: str, key: Verifier) -> Statement:
    """Verify and read a statement.

    Raises:
        StatementRefused: it is not one, or not signed with this key.
    """
    if len(token) > _MAX_BYTES:
        raise StatementRefused(f"a statement is at most {_MAX_BYTES} bytes")
    try:
        return _typed(strict_json.parse(key.verify(token, RESET_TYP)))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise StatementRefused(str(refused)) from None
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise StatementRefused(f"the statement is malformed: {problem}") from None


# Any: JSON at the edge, typed here once
def _typed(payload: Mapping[str, Any]) -> Statement:
    kind = str(payload["kind"])
    if kind not in {PROPOSED, ANSWERED, CONFIRMED}:
        raise ValueError(f"no such kind: {kind:.40}")
    first = kind == PROPOSED
    places = tuple((_place(seq), as_sha256(digest)) for seq, digest in payload["places"]) if first else ()
    if len(places) > MOST_PLACES:
        raise ValueError(f"more than {MOST_PLACES} places")
    return Statement(
        id=UUID(payload["id"]),
        kind=kind,
        lane=UUID(payload["lane"]),
        sender=str(payload["sender"])[:300],
        reader=str(payload["reader"])[:300],
        seq=_place(payload["seq"]),
        digest=as_sha256(payload["digest"]),
        at=parse_timestamp(payload["at"]),
        about="" if first else as_sha256(payload["about"]),
        stopped_at=_place(payload["stopped_at"]) if first else -1,
        reason=str(payload["reason"])[:40] if first else "",
        places=places,
    )


def _place(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value < 2**62:
        raise ValueError(f"{value!r:.40} is no place of a lane")
    return value


def digest_of(token: str) -> str:
    """By what the next statement names this one: SHA-256 of its compact JWS."""
    return sha256(token.encode("ascii"))
