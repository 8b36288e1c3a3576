"""The fingerprint of an OpenPGP public key, from its bytes alone: nothing of the key is trusted or used.

Sources: RFC 9580, sections 4.2 (packet headers), 5.5 (key material), 5.5.4 (fingerprints), 6 (ASCII armor). The older
section 12.2 of RFC 4880 says the same of version 4.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

from taawun.foundation.errors import CodedError

__all__ = ["MAX_CHARACTERS", "KeyRefused", "fingerprint", "tidied"]

MAX_CHARACTERS: Final = 4096
_BEGIN: Final = re.compile(r"-----BEGIN PGP ([A-Z ]{1,40})-----")
_PUBLIC_KEY: Final = 6
_V4, _V6 = 4, 6


class KeyRefused(CodedError):
    """What was given is no OpenPGP public key."""


def fingerprint(armored: str) -> str:
    """The fingerprint of the primary key of a public key block.

    Args:
        armored: the block with its lines of dashes, at most 4,096 characters.

    Returns:
        40 (version 4) or 64 (version 6) hexadecimal digits in capitals.

    Raises:
        KeyRefused: it is too large, no public key, or broken. A secret key is refused as such: it must not lie here.
    """
    if len(armored) > MAX_CHARACTERS:
        raise KeyRefused("too-large", f"A key has at most {MAX_CHARACTERS} characters; export it minimal.")
    tag, body = _first_packet(_unarmored(armored))
    if tag != _PUBLIC_KEY:
        raise KeyRefused("not-a-key", "The block does not begin with a public key.")
    return _digest(body)


def tidied(armored: str) -> str:
    """The same public key block without headers, checksum and blank lines.

    Raises:
        KeyRefused: as :func:`fingerprint`.
    """
    fingerprint(armored)
    body = base64.b64encode(_unarmored(armored)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    edges = [f"-----{edge} PGP PUBLIC KEY BLOCK-----" for edge in ("BEGIN", "END")]
    return "\n".join([edges[0], "", *lines, edges[1], ""])


def _unarmored(armored: str) -> bytes:
    """The bytes of a public key block (RFC 9580, section 6). Its checksum proves nothing and is passed over."""
    lines = [line.strip() for line in armored.strip().splitlines()]
    begin = _BEGIN.fullmatch(lines[0]) if lines else None
    if begin is None or lines[-1] != lines[0].replace("BEGIN", "END", 1) or "" not in lines:
        raise KeyRefused(
            "not-armored", "This is no block that begins with -----BEGIN PGP PUBLIC KEY BLOCK-----."
        )
    if "PRIVATE" in begin[1]:
        raise KeyRefused("secret-key", "This is a secret key. Never hand it on; export the public one.")
    if begin[1] != "PUBLIC KEY BLOCK":
        raise KeyRefused("not-a-key", f"This is a {begin[1].lower()}, not a public key block.")
    body = [line for line in lines[lines.index("") + 1 : -1] if not line.startswith("=")]
    try:
        return base64.b64decode("".join(body), validate=True)
    except (binascii.Error, ValueError):
        raise KeyRefused("not-base64", "Part of the key is missing or was changed; copy it again.") from None


def _first_packet(data: bytes) -> tuple[int, bytes]:
    """Tag and body of the first packet (RFC 9580, 4.2)."""
    try:
        first = data[0]
        if not first & 0x80:
            raise KeyRefused("broken", "The key is no OpenPGP packet.")
        if first & 0x40:
            start, size = _new_length(data)
            tag = first & 0x3F
        else:
            tag, width = (first >> 2) & 0x0F, {0: 1, 1: 2, 2: 4}[first & 3]
            start, size = 1 + width, int.from_bytes(data[1 : 1 + width])
    except (IndexError, KeyError):
        raise KeyRefused("broken", "The key ends too early.") from None
    body = data[start : start + size]
    if len(body) != size or size < 6:  # noqa: PLR2004 - version, time and algorithm
        raise KeyRefused("broken", "The key ends too early.")
    return tag, body


def _new_length(data: bytes) -> tuple[int, int]:
    """Where the body begins and how long it is (RFC 9580, 4.2.1)."""
    one = data[1]
    if one < 192:  # noqa: PLR2004 - RFC 9580, 4.2.1.1
        return 2, one
    if one < 224:  # noqa: PLR2004 - RFC 9580, 4.2.1.2
        return 3, ((one - 192) << 8) + data[2] + 192
    if one == 255:  # noqa: PLR2004 - RFC 9580, 4.2.1.3
        return 6, int.from_bytes(data[2:6])
    raise KeyRefused("broken", "A key comes in one piece.")  # partial lengths are for data packets alone


def _digest(body: bytes) -> str:
    if body[0] == _V4:
        framed = b"\x99" + len(body).to_bytes(2) + body
        return hashlib.sha1(framed, usedforsecurity=False).hexdigest().upper()
    if body[0] == _V6:
        return hashlib.sha256(b"\x9b" + len(body).to_bytes(4) + body).hexdigest().upper()
    raise KeyRefused("version", f"Keys of version {body[0]} are not known; make one of version 4 or 6.")
