"""Which keys sign: this node's own, and those of its partners (docs/protocol.md, "Keys").

Which of this node's keys is the current one stands in the database, so that all its processes change to another at one
instant; the private keys themselves lie in the node's home, or in its environment.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import prefetch_related_objects

from taawun.cooperation.partners.errors import KeyUnusable
from taawun.cooperation.partners.identity.lineage import KnownKey, Lineage
from taawun.cooperation.partners.identity.rotation import CURRENT, RECOVERY
from taawun.cooperation.partners.models import OwnKey, OwnRotation
from taawun.foundation.signing import SignatureRefused, SigningKey, VerifyKey
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Collection

    from taawun.cooperation.partners.models import Partner, PartnerKey

__all__ = [
    "check_key",
    "create_keys",
    "has_key",
    "keep_next",
    "lineage_of",
    "node_key",
    "own_keys",
    "own_lineage",
    "private_keys",
    "put_in_place",
    "recovery_file",
    "recovery_jwk",
    "write_secret",
]

_PEM_END: Final = "-----END PRIVATE KEY-----"


# ---- partners ---------------------------------------------------------------------------------------------------


def lineage_of(partner: Partner) -> Lineage:
    """The keys of a partner: the one that answers which key may have signed something of its.

    Read once for a row of a partner, however often it is asked.

    Args:
        partner: one that has shown its key.

    Raises:
        SignatureRefused: a key that is held cannot be used.
    """
    prefetch_related_objects([partner], "earlier_keys")
    earlier = [_known(each) for each in partner.earlier_keys.all()]
    current = KnownKey(VerifyKey.from_jwk(partner.jwk), since=partner.key_since, learned=partner.key_learned)
    return Lineage([*earlier, current])


def has_key(partner: Partner, kid: str) -> bool:
    """Whether a key is a partner's, of now or of before: what a document names stands for the lineage of its keys."""
    return partner.kid == kid or any(each.kid == kid for each in partner.earlier_keys.all())


def _known(row: PartnerKey) -> KnownKey:
    return KnownKey(
        VerifyKey.from_jwk(row.jwk), row.since, row.until, row.learned, row.replaced, row.revoked_since
    )


# ---- this node --------------------------------------------------------------------------------------------------


def node_key() -> SigningKey:
    """The key this node signs with now. Whoever appends to a lane asks for it inside the transaction.

    Raises:
        KeyUnusable: it is not there (the node was not initialised), or is no Ed25519 key.
    """
    kid = OwnKey.objects.filter(until=None).values_list("kid", flat=True).first()
    held = private_keys()
    if kid is None:
        return _first(held)
    if kid not in held:
        raise _missing(kid)
    return held[kid]


def _missing(kid: str) -> KeyUnusable:
    return KeyUnusable(
        f"the node signs with the key {kid}, which is not there: put {_node_file()} back, or set TAAWUN_NODE_KEY; "
        "`taawun key rotate --recovery FILE` makes a new one if it is lost"
    )


def check_key() -> None:
    """See that there is a key to sign with, before the database is asked which.

    Raises:
        KeyUnusable: as for :func:`node_key`.
    """
    _first(private_keys())


def _first(held: dict[str, SigningKey]) -> SigningKey:
    if not held:
        raise KeyUnusable(f"the node's key is missing: put {_node_file()} back, or set TAAWUN_NODE_KEY")
    return next(iter(held.values()))


def private_keys() -> dict[str, SigningKey]:
    """The private keys that this node finds: in TAAWUN_NODE_KEY, else in its home; by thumbprint.

    The first is the one it signs with where the database names none.

    Raises:
        KeyUnusable: one cannot be read.
    """
    if settings.NODE_KEY:
        return {key.kid: key for key in _parsed("TAAWUN_NODE_KEY", settings.NODE_KEY)}
    # the next key moves into the node's place: who looked there last sees it in one of the two
    spare = [key for place in _next_files() for key in _in_file(place)]
    return {key.kid: key for key in [*_in_file(_node_file()), *spare]}


def _in_file(place: Path) -> tuple[SigningKey, ...]:
    try:
        text = place.read_text(encoding="ascii")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as problem:
        raise KeyUnusable(f"the node's key cannot be read: {problem}") from None
    return _parsed(str(place), text)


# the text is the key of the cache: a file that was replaced is another text
@lru_cache(maxsize=16)
def _parsed(place: str, text: str) -> tuple[SigningKey, ...]:
    blocks = [f"{block}{_PEM_END}\n" for block in text.split(_PEM_END)[:-1]] or [text]
    try:
        return tuple(SigningKey.from_pem(block.lstrip().encode()) for block in blocks)
    except SignatureRefused as refused:
        raise KeyUnusable(f"the node's key in {place} cannot be used: {refused}") from None


def own_lineage() -> Lineage:
    """The keys of this node, oldest first.

    Raises:
        KeyUnusable: it has no key.
    """
    rows = OwnKey.objects.all()
    return Lineage([_own(row) for row in rows] or [KnownKey(_first(private_keys()).public)])


def _own(row: OwnKey) -> KnownKey:
    replaced = row.shown or row.until
    return KnownKey(VerifyKey.from_jwk(row.jwk), row.since, row.until, row.since, replaced, row.revoked_since)


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """This node's keys as its descriptor names them, all of one instant.

    Args:
        signing: the current one.
        retired: those before it, oldest first.
        recovery: the public recovery key, or None.
        rotations: the statements by which they followed each other, oldest first.
    """

    signing: SigningKey
    retired: tuple[KnownKey, ...]
    recovery: dict[str, str] | None
    rotations: tuple[list[str], ...]


def own_keys() -> OwnKeys:
    """This node's keys.

    Raises:
        KeyUnusable: as for :func:`node_key`.
    """
    lineage, recovery, said = own_lineage(), _first_recovery_jwk(), list[list[str]]()
    for row in OwnRotation.objects.all():
        # what was said after the keys were read is not said yet
        if row.key == CURRENT and lineage.find(row.jwk["kid"]) is None:
            break
        said.append(row.tokens)
        recovery = row.jwk if row.key == RECOVERY else recovery
    held = private_keys()
    if lineage.current.kid not in held:
        raise _missing(lineage.current.kid)
    return OwnKeys(held[lineage.current.kid], lineage.keys[:-1], recovery, tuple(said))


def recovery_jwk() -> dict[str, str] | None:
    """The public half of the recovery key, or None where ``init`` made none."""
    followed = OwnRotation.objects.filter(key=RECOVERY).order_by("-id").first()
    return VerifyKey.from_jwk(followed.jwk).to_jwk() if followed else _first_recovery_jwk()


def recovery_file() -> Path:
    """Where ``init`` leaves the private recovery key, until the operator moves it off the machine."""
    place: Path = settings.HOME / "keys" / "recovery.pem"
    return place


def _first_recovery_jwk() -> dict[str, str] | None:
    place: Path = settings.HOME / "keys" / "recovery.jwk"
    if not place.exists():
        return None
    jwk: dict[str, str] = json.loads(place.read_bytes())
    return VerifyKey.from_jwk(jwk).to_jwk()


def create_keys() -> Path:
    """Make the node key and the recovery key; done once, by ``taawun init``.

    Returns:
        Where the private recovery key lies until the operator moves it off the machine.

    Raises:
        FileExistsError: there is a node key already.
    """
    folder = settings.HOME / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    recovery = SigningKey.generate()
    offline = recovery_file()
    _write_secret(_node_file(), SigningKey.generate().to_pem())
    _write_secret(offline, recovery.to_pem())
    (folder / "recovery.jwk").write_bytes(canonical(recovery.public.to_jwk()))
    return offline


def _node_file() -> Path:
    place: Path = settings.HOME / "keys" / "node.pem"
    return place


def _next_files() -> list[Path]:
    return sorted((settings.HOME / "keys").glob("node-*.pem"))


def keep_next(key: SigningKey) -> None:
    """Keep the private key that is to follow, beside the present one."""
    place: Path = settings.HOME / "keys" / f"node-{key.kid}.pem"
    # whole or not at all: half a key would be taken for one that cannot be used
    unfinished = place.with_suffix(".unfinished")
    _write_secret(unfinished, key.to_pem())
    unfinished.replace(place)
    _sync_folder(place.parent)


def put_in_place(kid: str, known: Collection[str]) -> int:
    """Let the private key that the node signs with lie where the first one lay, and remove those it signed with before.

    Args:
        kid: the current key.
        known: all keys that the node ever signed with. One that is none of them is to follow next, and stays.

    Returns:
        How many files were moved or removed.
    """
    changed = 0
    for unfinished in (settings.HOME / "keys").glob("node-*.unfinished"):
        unfinished.unlink(missing_ok=True)
    for place in _next_files():
        held = {key.kid for key in _in_file(place)}
        if kid in held:
            place.replace(_node_file())
        elif held <= set(known):
            place.unlink(missing_ok=True)
        else:
            continue
        changed += 1
    if changed:
        _sync_folder(_node_file().parent)
    return changed


def write_secret(place: Path, key: SigningKey) -> None:
    """Write a private key to a file that only its owner reads.

    Raises:
        FileExistsError: there is a file already.
        OSError: it cannot be written.
    """
    _write_secret(place, key.to_pem())


def _sync_folder(folder: Path) -> None:
    """A file is there after a power cut once its folder says so."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_secret(place: Path, content: bytes) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
