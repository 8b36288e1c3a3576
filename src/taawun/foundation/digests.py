"""SHA-256 of exact bytes (FIPS 180-4), written as 64 lower-case hexadecimal digits."""

import hashlib
import re
from typing import Final

__all__ = ["Sha256Stream", "as_sha256", "sha256"]

_WRITTEN: Final = re.compile("[0-9a-f]{64}")


def sha256(data: bytes) -> str:
    """Digest bytes as they are.

    Args:
        data: the exact bytes; nothing is normalised.

    Returns:
        64 lower-case hexadecimal digits.
    """
    return hashlib.sha256(data).hexdigest()


def as_sha256(value: object) -> str:
    """A value that came from elsewhere, as a digest in the one way it is written.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not _WRITTEN.fullmatch(value):
        raise ValueError(f"{value!r:.80} is not a SHA-256")
    return value


class Sha256Stream:
    """The digest and length of bytes that arrive in pieces, so that a large file is never held in memory."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes were taken so far."""
        return self._size

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(data)
        self._size += len(data)

    def hexdigest(self) -> str:
        """Tell the digest of what was taken so far, as 64 lower-case hexadecimal digits; more may follow."""
        return self._hash.hexdigest()
