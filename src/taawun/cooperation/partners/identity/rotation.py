"""A rotation: the signed statement by which one key of a node follows another (docs/protocol.md, "Keys"). Pure.

It is signed twice over the same bytes, as two compact JWS: by whoever may say it, and by whom it makes the next. What
a statement proves to a reader is told by :mod:`~taawun.cooperation.partners.identity.lineage`; here it is written and
read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from taawun.foundation import strict_json
from taawun.foundation.clock import SKEW, parse_timestamp, timestamp
from taawun.foundation.signing import SignatureRefused, VerifyKey, peek

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from taawun.foundation.signing import SigningKey

__all__ = ["BY_CURRENT", "BY_RECOVERY", "CURRENT", "RECOVERY", "TYP", "Rotation", "read", "write"]

TYP: Final = "taawun-rotation+jws"
# which key is followed by another
CURRENT: Final = "current"
RECOVERY: Final = "recovery"
# by whose word
BY_CURRENT: Final = "current"
BY_RECOVERY: Final = "recovery"
# each of the two tokens; a statement has eight short members
MAX_BYTES: Final = 2048
_SIGNATURES: Final = 2


@dataclass(frozen=True, slots=True)
class Rotation:
    """One statement, read and not yet believed.

    Args:
        node: base address of the node whose keys they are.
        key: ``current`` or ``recovery``: which of its keys is followed by another.
        old: thumbprint of the key that is followed.
        new: the key that follows it.
        at: when it was said.
        by: ``current`` or ``recovery``: on whose word.
        revoked_since: from when on the old key is not to be believed; None where it is merely retired.
        tokens: the statement as it was signed by each of the two.
    """

    node: str
    key: str
    old: str
    new: VerifyKey
    at: datetime
    by: str
    revoked_since: datetime | None
    tokens: tuple[str, str]

    def is_signed_by(self, first: VerifyKey, second: VerifyKey) -> bool:
        """Whether it is signed by these two, in this order."""
        try:
            for key, token in zip((first, second), self.tokens, strict=True):
                key.verify(token, TYP)
        except SignatureRefused:
            return False
        return True


def write(  # noqa: PLR0913 - each argument is one member of the statement, or signs it
    *,
    id: UUID,  # noqa: A002 - the name of the member
    node: str,
    key: str,
    old: str,
    new: VerifyKey,
    at: datetime,
    by: str,
    revoked_since: datetime | None,
    signers: tuple[SigningKey, SigningKey],
) -> tuple[str, str]:
    """Sign a statement twice.

    Args:
        id: its own id.
        node: base address of the node.
        key: ``current`` or ``recovery``: which of its keys is followed by another.
        old: thumbprint of the key that is followed.
        new: the key that follows it.
        at: now.
        by: ``current`` or ``recovery``: on whose word.
        revoked_since: from when on the old key is not to be believed, or None.
        signers: who says it, and whom it makes the next; of a recovery key: the old one, and the node's current key.

    Returns:
        Two compact JWS of type ``taawun-rotation+jws`` over the same bytes.
    """
    payload: dict[str, object] = {
        "id": str(id),
        "node": node,
        "key": key,
        "from": old,
        "to": {name: value for name, value in new.to_jwk().items() if name in {"kty", "crv", "x"}},
        "at": timestamp(at),
        "by": by,
    }
    if revoked_since:
        payload["revoked_since"] = timestamp(revoked_since)
    said = strict_json.canonical(payload)
    return signers[0].sign(said, TYP), signers[1].sign(said, TYP)


def read(tokens: object, *, node: str, at: datetime) -> Rotation:
    """Read a statement; who signed it is asked where it is known whom it needs.

    Args:
        tokens: the two compact JWS.
        node: whose statement it must be. That of another node proves nothing here.
        at: now.

    Raises:
        ValueError: it is none, is another node's, or is from the future.
    """
    if not isinstance(tokens, list) or len(tokens) != _SIGNATURES:
        raise ValueError("a rotation is two signed texts")
    if not all(isinstance(token, str) and len(token) <= MAX_BYTES for token in tokens):
        raise ValueError(f"each half of a rotation is a text of at most {MAX_BYTES} bytes")
    first, second = (peek(token) for token in tokens)
    if first.payload != second.payload:
        raise ValueError("the two halves of a rotation say different things")
    rotation = _typed(strict_json.parse(first.payload), (tokens[0], tokens[1]))
    if rotation.node != node:
        raise ValueError(f"it holds a rotation of {rotation.node[:100]!r}")
    if rotation.at > at + SKEW:
        raise ValueError("a rotation in it is from the future: compare the two clocks")
    return rotation


def _typed(payload: Mapping[str, Any], tokens: tuple[str, str]) -> Rotation:
    # Any: JSON at the edge, typed here once
    since = payload.get("revoked_since")
    rotation = Rotation(
        node=str(payload["node"]),
        key=str(payload["key"]),
        old=str(payload["from"]),
        new=VerifyKey.from_jwk(payload["to"]),
        at=parse_timestamp(payload["at"]),
        by=str(payload["by"]),
        revoked_since=parse_timestamp(since) if since is not None else None,
        tokens=tokens,
    )
    if rotation.key not in {CURRENT, RECOVERY} or rotation.by not in {BY_CURRENT, BY_RECOVERY}:
        raise ValueError("a rotation in it speaks of keys that there are not")
    if rotation.revoked_since and (rotation.by != BY_RECOVERY or rotation.key != CURRENT):
        raise ValueError("only the recovery key revokes, and only the key that a node signs with")
    if rotation.revoked_since and rotation.revoked_since > rotation.at:
        raise ValueError("a key is revoked since an instant that is past")
    return rotation
