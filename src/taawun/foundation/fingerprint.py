"""A key's fingerprint as two people read it to each other: sixteen words, or eight groups of digits.

Each administrator sees the words in their own language; the lists are aligned, so "elephant", "éléphant" and
"فيل" are the same byte. The words carry the first 128 bits of SHA-256 over the 32 bytes of the key's
thumbprint (RFC 7638); the digits carry the whole digest modulo 10^40, which is just under 133 bits.
"""

import base64
import hashlib
import re
from typing import Final

from taawun.foundation.errors import CodedError
from taawun.foundation.fingerprint_words import WORDS

_COLUMNS: Final = {"en": 0, "fr": 1, "ar": 2}
_WORD_COUNT: Final = 16
_GROUP_COUNT: Final = 8
_GROUP_LENGTH: Final = 5
# 43 characters carry 258 bits, so the last one has two bits to spare, and they must be zero: otherwise four
# different spellings would name one key.
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)


class FingerprintRefused(CodedError):
    """A fingerprint that cannot be told; codes: ``malformed-kid``, ``unknown-language``."""


def words(kid: str, language: str) -> tuple[str, ...]:
    """Tell a key's fingerprint in words.

    Args:
        kid: the key's RFC 7638 SHA-256 thumbprint, 43 characters of base64url without padding.
        language: ``ar``, ``en`` or ``fr``.

    Returns:
        Sixteen nouns in the order in which they are read aloud. In every language they mean the same.

    Raises:
        FingerprintRefused: ``malformed-kid`` or ``unknown-language``.
    """
    column = _COLUMNS.get(language)
    if column is None:
        raise FingerprintRefused(
            "unknown-language", f"There are no fingerprint words in {language!r}; choose ar, en or fr."
        )
    return tuple(WORDS[byte][column] for byte in _digest(kid)[:_WORD_COUNT])


def digits(kid: str) -> tuple[str, ...]:
    """Tell a key's fingerprint in digits, for two people who share no language of the words.

    Args:
        kid: the key's RFC 7638 SHA-256 thumbprint, 43 characters of base64url without padding.

    Returns:
        Eight groups of five decimal digits.

    Raises:
        FingerprintRefused: ``malformed-kid``.
    """
    length = _GROUP_COUNT * _GROUP_LENGTH
    text = f"{int.from_bytes(_digest(kid), 'big') % 10**length:0{length}d}"
    return tuple(text[at : at + _GROUP_LENGTH] for at in range(0, length, _GROUP_LENGTH))


def _digest(kid: str) -> bytes:
    if not _THUMBPRINT.fullmatch(kid):
        raise FingerprintRefused(
            "malformed-kid",
            f"{kid[:60]!r} is not a key's name; it must be a SHA-256 thumbprint (RFC 7638), "
            "43 characters of base64url without padding.",
        )
    return hashlib.sha256(base64.urlsafe_b64decode(kid + "=")).digest()
