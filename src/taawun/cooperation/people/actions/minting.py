"""Secrets that are shown once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Minted", "fresh_secret"]

# 32 random bytes: 256 bits, so a plain digest of it cannot be searched
_SECRET_BYTES = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Minted(Generic[T]):
    """A thing with a secret that is shown this once.

    Args:
        thing: the stored row, which keeps only the secret's SHA-256.
        secret: the secret itself.
    """

    thing: T
    secret: str


def fresh_secret() -> str:
    """A new secret of 256 random bits, as URL-safe text."""
    return secrets.token_urlsafe(_SECRET_BYTES)
