"""This node's own key."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from taawun.cooperation.partners.errors import KeyUnusable
from taawun.foundation.signing import SignatureRefused, SigningKey, VerifyKey
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["create_keys", "node_key", "recovery_jwk"]


@cache
def node_key() -> SigningKey:
    """The key this node signs with.

    Raises:
        KeyUnusable: it is not there (the node was not initialised), or is no Ed25519 key.
    """
    place = "TAAWUN_NODE_KEY" if settings.NODE_KEY else str(_node_file())
    try:
        return SigningKey.from_pem(
            settings.NODE_KEY.encode() if settings.NODE_KEY else _node_file().read_bytes()
        )
    except FileNotFoundError:
        raise KeyUnusable(f"the node's key is missing: put {place} back, or set TAAWUN_NODE_KEY") from None
    except OSError as problem:
        raise KeyUnusable(f"the node's key cannot be read: {problem}") from None
    except SignatureRefused as refused:
        raise KeyUnusable(f"the node's key in {place} cannot be used: {refused}") from None


def recovery_jwk() -> dict[str, str] | None:
    """The public half of the recovery key, or None where ``init`` made none."""
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
    offline = folder / "recovery.pem"
    _write_secret(_node_file(), SigningKey.generate().to_pem())
    _write_secret(offline, recovery.to_pem())
    (folder / "recovery.jwk").write_bytes(canonical(recovery.public.to_jwk()))
    node_key.cache_clear()
    return offline


def _node_file() -> Path:
    place: Path = settings.HOME / "keys" / "node.pem"
    return place


def _write_secret(place: Path, content: bytes) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
