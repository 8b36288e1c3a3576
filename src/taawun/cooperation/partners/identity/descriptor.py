"""The node descriptor: what a node says of itself, signed (docs/protocol.md, "Node descriptor")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from taawun.cooperation.partners.errors import DescriptorRefused
from taawun.cooperation.partners.identity import rotation
from taawun.cooperation.partners.identity.addresses import is_base_address
from taawun.foundation import strict_json
from taawun.foundation.clock import SKEW, parse_timestamp, timestamp
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SignatureRefused, VerifyKey, peek

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taawun.cooperation.partners.identity.rotation import Rotation
    from taawun.foundation.signing import SigningKey

__all__ = ["PROTOCOL", "TYP", "Descriptor", "RetiredKey", "kid_of", "read", "write"]

PROTOCOL: Final = "taawun/1"
TYP: Final = "taawun-descriptor+jws"
LIFE: Final = timedelta(days=28)
RENEWAL: Final = timedelta(days=1)
MAX_BYTES: Final = 64 * 1024
# what a descriptor carries of the past, so that with all its contacts it stays below its size; and what of it is read
CARRIED_ROTATIONS: Final = 8
CARRIED_RETIRED: Final = 16
_MOST_ROTATIONS: Final = 32
_MOST_RETIRED: Final = 64
_KINDS: Final = frozenset({"nation", "organisation", "community"})


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """A key that the node signed with before.

    Args:
        key: the key.
        since, until: when it signed with it; ``since`` is None where the node does not say.
        revoked_since: from when on it is not to be believed; None where it is merely retired.
    """

    key: VerifyKey
    since: datetime | None
    until: datetime | None
    revoked_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A node's description of itself.

    Args:
        node: its base address, without a path.
        kind: ``nation``, ``organisation`` or ``community``.
        nation: ISO 3166-1 alpha-2, or empty.
        name: what the node is called.
        nation_name: what its nation calls itself; None without a nation.
        contacts: duty contacts as the node gives them.
        key: the key it signs with.
        recovery: the public recovery key, or None.
        issued: when it was signed.
        valid_until: at most 28 days later.
        token: the JWS as received.
        is_reachable: whether it can be called; one that cannot only calls others.
        retired: keys it signed with before, oldest first. Its current key vouches for them and nothing else does.
        rotations: the statements by which its keys followed each other, oldest first, not believed yet.
    """

    node: str
    kind: str
    nation: str
    name: Text
    nation_name: Text | None
    contacts: tuple[Mapping[str, object], ...]
    key: VerifyKey
    recovery: VerifyKey | None
    issued: datetime
    valid_until: datetime
    token: str
    is_reachable: bool = True
    retired: tuple[RetiredKey, ...] = ()
    rotations: tuple[Rotation, ...] = ()


def write(  # noqa: PLR0913 - each argument is one member of the descriptor
    *,
    node: str,
    kind: str,
    nation: str,
    name: Text,
    nation_name: Text | None,
    contacts: list[dict[str, object]],
    key: SigningKey,
    recovery_jwk: Mapping[str, str] | None,
    at: datetime,
    is_reachable: bool = True,
    retired: Sequence[RetiredKey] = (),
    rotations: Sequence[Sequence[str]] = (),
) -> str:
    """Sign this node's descriptor.

    Args:
        node: its base address.
        kind: as in :class:`Descriptor`, like the nation and the names.
        nation: ISO 3166-1 alpha-2, or empty.
        name: what it is called.
        nation_name: what its nation is called, or None.
        contacts: its duty contacts.
        key: the key it signs with.
        recovery_jwk: the public recovery key, or None.
        at: now.
        is_reachable: whether others can call it.
        retired: keys it signed with before, oldest first; the last 16 are named.
        rotations: the statements by which its keys followed each other, oldest first; the last 8 are carried.

    Returns:
        A compact JWS of type ``taawun-descriptor+jws``.
    """
    keys: dict[str, object] = {
        "current": key.public.to_jwk(),
        "retired": [_told(each) for each in retired[-CARRIED_RETIRED:]],
    }
    if recovery_jwk:
        keys["recovery"] = dict(recovery_jwk)
    if rotations:
        keys["rotations"] = [list(each) for each in rotations[-CARRIED_ROTATIONS:]]
    payload: dict[str, object] = {
        "protocol": PROTOCOL,
        "node": node,
        "kind": kind,
        "name": name.to_json(),
        "contacts": contacts,
        "keys": keys,
        "endpoints": {
            "lanes": f"{node}/federation/lanes",
            "blobs": f"{node}/federation/blobs",
            "inbox": f"{node}/federation/inbox",
        },
        "issued": timestamp(at),
        "valid_until": timestamp(at + LIFE),
    }
    if nation:
        payload["nation"] = nation
        payload["nation_name"] = nation_name.to_json() if nation_name else {}
    if not is_reachable:
        payload["reachable"] = False
    return key.sign(strict_json.canonical(payload), TYP)


def _told(retired: RetiredKey) -> dict[str, object]:
    periods = {"from": retired.since, "until": retired.until, "revoked_since": retired.revoked_since}
    return {
        "jwk": retired.key.to_jwk(),
        **{name: timestamp(moment) for name, moment in periods.items() if moment is not None},
    }


def read(token: str | bytes, *, at: datetime, expected_node: str | None = None) -> Descriptor:
    """Check a descriptor: its shape, its own signature, its times.

    That the key is the node's is not proven by this: two administrators compare it out of band.

    Args:
        token: the compact JWS.
        at: now.
        expected_node: the base address it was fetched from, where it was.

    Raises:
        DescriptorRefused: with the member that is wrong.
    """
    if len(token) > MAX_BYTES:
        raise DescriptorRefused("too-large", f"A descriptor is at most {MAX_BYTES} bytes.")
    try:
        payload = strict_json.parse(peek(token).payload)
        jwk = payload["keys"]["current"]
        key = VerifyKey.from_jwk(jwk)
        key.verify(token, TYP)
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise DescriptorRefused("signature", f"The descriptor does not verify: {refused}") from None
    except (AttributeError, KeyError, TypeError):
        raise DescriptorRefused("malformed", "The descriptor has no current key.") from None
    try:
        descriptor = _typed(payload, key, token if isinstance(token, str) else token.decode("ascii"), at)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise DescriptorRefused("malformed", f"The descriptor is malformed: {problem}") from None
    _check(descriptor, payload, at, expected_node)
    return descriptor


def kid_of(token: str) -> str:
    """Whose key signed a descriptor, as it says; empty where that cannot be read."""
    try:
        return peek(token).kid
    except SignatureRefused:
        return ""


def _typed(payload: Mapping[str, Any], key: VerifyKey, token: str, at: datetime) -> Descriptor:
    # Any: JSON at the edge, typed here once
    nation = payload.get("nation", "")
    recovery = payload["keys"].get("recovery")
    rotations = _listed(payload["keys"], "rotations", _MOST_ROTATIONS)
    nation_name = payload.get("nation_name") or None
    return Descriptor(
        node=_text(payload["node"]),
        kind=_text(payload["kind"]),
        nation=_text(nation),
        name=Text.from_json(payload["name"]),
        nation_name=Text.from_json(nation_name) if nation_name else None,
        contacts=tuple(_objects(payload.get("contacts", []))),
        key=key,
        recovery=VerifyKey.from_jwk(recovery) if recovery else None,
        issued=parse_timestamp(payload["issued"]),
        valid_until=parse_timestamp(payload["valid_until"]),
        token=token,
        is_reachable=_switch(payload.get("reachable", True)),
        retired=tuple(_retired(each) for each in _listed(payload["keys"], "retired", _MOST_RETIRED)),
        rotations=tuple(rotation.read(each, node=payload["node"], at=at) for each in rotations),
    )


# Any: JSON at the edge
def _listed(keys: Mapping[str, Any], member: str, most: int) -> list[Any]:
    value = keys.get(member, [])
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"its {member} keys are not a list of at most {most}")
    return value


def _retired(told: Mapping[str, Any]) -> RetiredKey:
    since, until, revoked = (
        parse_timestamp(told[name]) if name in told else None for name in ("from", "until", "revoked_since")
    )
    return RetiredKey(VerifyKey.from_jwk(told["jwk"]), since, until, revoked)


def _objects(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError("its contacts are not a list of objects")
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r:.40} is neither true nor false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 300:  # noqa: PLR2004 - the column's length
        raise ValueError(f"{value!r:.40} is not a text of at most 300 characters")
    return value


def _check(
    descriptor: Descriptor, payload: Mapping[str, Any], at: datetime, expected_node: str | None
) -> None:
    problems = (
        (payload.get("protocol") != PROTOCOL, "protocol", f"it does not speak {PROTOCOL}"),
        (descriptor.kind not in _KINDS, "kind", f"its kind is none of {', '.join(sorted(_KINDS))}"),
        (
            bool(descriptor.nation) and not _is_nation(descriptor.nation),
            "nation",
            "its nation is not two capital letters",
        ),
        (descriptor.kind == "nation" and not descriptor.nation, "nation", "a nation's node names its nation"),
        (
            not is_base_address(descriptor.node),
            "node",
            "its address is not a base address",
        ),
        (
            expected_node is not None and descriptor.node != expected_node,
            "node",
            f"it is the descriptor of {descriptor.node}, not of {expected_node}",
        ),
        (descriptor.issued > at + SKEW, "issued", "it is issued in the future: compare the two clocks"),
        (descriptor.valid_until <= at, "lapsed", "it has lapsed"),
        (
            descriptor.valid_until - descriptor.issued > LIFE,
            "valid-until",
            f"it claims to be valid for more than {LIFE.days} days",
        ),
    )
    for is_wrong, code, sentence in problems:
        if is_wrong:
            raise DescriptorRefused(code, f"The descriptor is refused: {sentence}.")


def _is_nation(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()  # noqa: PLR2004 - alpha-2
