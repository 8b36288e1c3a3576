"""The signed floor of a reader that joined a lane later: from which entry on it reads, and what stands before it.

Source: docs/protocol.md, "Late joiners".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.models import GENESIS
from taawun.foundation import strict_json
from taawun.foundation.clock import parse_timestamp, timestamp
from taawun.foundation.digests import as_sha256
from taawun.foundation.signing import SignatureRefused

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.partners.identity.lineage import Verifier
    from taawun.foundation.signing import SigningKey

__all__ = ["FLOOR_TYP", "MOST_BYTES", "Floor", "read", "write"]

FLOOR_TYP: Final = "taawun-floor+jws"
MOST_BYTES: Final = 4 * 1024


@dataclass(frozen=True, slots=True)
class Floor:
    """From where a reader reads a lane.

    Args:
        lane: what its sender calls it.
        reader: base address of who reads from there.
        agreement: lineage of the lane's agreement.
        clause: the clause's ref.
        seq: the first entry that it reads.
        prev: digest of the header before; 64 zeros where that is the lane's first.
        at: when it was signed.
    """

    lane: UUID
    reader: str
    agreement: UUID
    clause: str
    seq: int
    prev: str
    at: datetime


def write(floor: Floor, key: SigningKey) -> str:
    """Sign a floor."""
    said = {
        "lane": str(floor.lane),
        "reader": floor.reader,
        "agreement": str(floor.agreement),
        "clause": floor.clause,
        "seq": floor.seq,
        "prev": floor.prev,
        "time": timestamp(floor.at),
    }
    return key.sign(strict_json.canonical(said), FLOOR_TYP)


def read(token: str, keys: Verifier) -> Floor:
    """Verify and read a floor.

    Args:
        token: the floor as it came.
        keys: those of the lane's sender.

    Raises:
        ChainBroken: ``signature`` or ``malformed``.
    """
    if len(token) > MOST_BYTES:
        raise ChainBroken("malformed", -1, f"a floor is at most {MOST_BYTES} bytes")
    try:
        said = strict_json.parse(keys.verify(token, FLOOR_TYP))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise ChainBroken("signature", -1, f"the floor does not hold: {refused}") from None
    try:
        return _read(said)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise ChainBroken("malformed", -1, f"the floor is malformed: {problem}") from None


def _read(said: Any) -> Floor:  # Any: JSON of a partner
    seq, prev = strict_json.as_count(said["seq"]), as_sha256(said["prev"])
    if (seq == 0) != (prev == GENESIS):
        raise ValueError("nothing stands before the first entry, and something before every other")
    return Floor(
        lane=UUID(said["lane"]),
        reader=str(said["reader"]),
        agreement=UUID(said["agreement"]),
        clause=str(said["clause"])[:40],
        seq=seq,
        prev=prev,
        at=parse_timestamp(said["time"]),
    )
