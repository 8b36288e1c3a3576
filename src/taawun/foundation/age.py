"""Encryption of a stream by a passphrase, in the format of age, so that other programs open it too.

Source: the age file encryption format, version 1 (C2SP, "age-encryption.org/v1"): an ``scrypt`` recipient, HMAC-SHA-256
over the header, and the STREAM construction over ChaCha20-Poly1305 in pieces of 64 KiB. ``age --decrypt FILE`` reads
what is written here. Nothing of a piece is given out before its tag was verified, and what was cut off is told from
what ended.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from typing import IO, TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["INTRO", "AgeRefused", "Encrypted", "WrongPassphrase", "decrypt"]

INTRO: Final = b"age-encryption.org/v1\n"
# of the memory and time that one guess of the passphrase costs: 128 MiB, and some tenths of a second
WORK: Final = 17
# a file may ask its reader for as much as it likes; beyond 1 GiB it is not asked for the passphrase, but for memory
MOST_WORK: Final = 20
_PIECE: Final = 64 * 1024
_TAG: Final = 16
_LABEL: Final = b"age-encryption.org/v1/scrypt"
_STANZA: Final = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n")
_MAC: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")
_LONGEST_HEADER: Final = 512


class AgeRefused(ValueError):
    """What is read is not such a file, or not a whole one.

    Args:
        code: ``not-age``, ``damaged`` or ``truncated``.
        message: what was found.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WrongPassphrase(AgeRefused):
    """The passphrase does not open it."""

    def __init__(self) -> None:
        super().__init__("wrong-passphrase", "the passphrase does not open it")


class Sink(Protocol):
    """What can be written to."""

    def write(self, data: bytes, /) -> int:
        """Take some bytes."""
        ...


class Encrypted:
    """A file to write into; what is written goes on encrypted. It is whole only once ``close`` was called.

    Args:
        sink: where it goes; it stays open.
        passphrase: what opens it again.
        work: binary logarithm of the cost of scrypt.
    """

    def __init__(self, sink: Sink, passphrase: str, work: int = WORK) -> None:
        file_key, salt = os.urandom(16), os.urandom(16)
        wrapped = ChaCha20Poly1305(_wrapping(passphrase, salt, work)).encrypt(bytes(12), file_key, None)
        header = INTRO + b"-> scrypt " + _text(salt) + f" {work}\n".encode() + _text(wrapped) + b"\n---"
        nonce = os.urandom(16)
        sink.write(header + b" " + _text(_mac(file_key, header)) + b"\n" + nonce)
        self._sink, self._cipher = sink, ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._waiting, self._count = bytearray(), 0

    def write(self, data: bytes) -> int:
        """Take some bytes."""
        self._waiting += data
        # the last piece is marked as such, so one is kept back until it is known whether another follows
        while len(self._waiting) > _PIECE:
            self._put(bytes(self._waiting[:_PIECE]), is_last=False)
            del self._waiting[:_PIECE]
        return len(data)

    def close(self) -> None:
        """Write the last piece."""
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        self._sink.write(self._cipher.encrypt(_nonce(self._count, is_last=is_last), piece, None))
        self._count += 1


def decrypt(source: IO[bytes], passphrase: str) -> Iterator[bytes]:
    """The bytes that were encrypted, piece by piece, each verified.

    Args:
        source: what was written by :class:`Encrypted`, or by age with one passphrase.
        passphrase: what opens it.

    Raises:
        AgeRefused: it is not such a file (``not-age``), was changed (``damaged``) or cut off (``truncated``). What came
            before the place is right.
        WrongPassphrase: it is another passphrase.
    """
    file_key = _open_header(source, passphrase)
    nonce = source.read(16)
    if len(nonce) < 16:  # noqa: PLR2004 - bytes of a nonce, as above
        raise AgeRefused("truncated", "it ends after its header")
    cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    count, piece = 0, source.read(_PIECE + _TAG)
    while True:
        following = source.read(_PIECE + _TAG)
        is_last = not following
        try:
            yield cipher.decrypt(_nonce(count, is_last=is_last), piece, None)
        except InvalidTag:
            if is_last and _is_inner(cipher, count, piece):
                raise AgeRefused("truncated", f"it ends after piece {count + 1}, and more follows") from None
            raise AgeRefused(
                "truncated" if is_last else "damaged",
                f"piece {count + 1} of it was changed" + (", or is not whole" if is_last else ""),
            ) from None
        if is_last:
            return
        count, piece = count + 1, following


def _is_inner(cipher: ChaCha20Poly1305, count: int, piece: bytes) -> bool:
    """Whether a piece at the end of a file was followed by another when it was written."""
    try:
        cipher.decrypt(_nonce(count, is_last=False), piece, None)
    except InvalidTag:
        return False
    return True


def _open_header(source: IO[bytes], passphrase: str) -> bytes:
    if source.read(len(INTRO)) != INTRO:
        raise AgeRefused("not-age", "it does not begin as such a file")
    stanza = source.readline(_LONGEST_HEADER) + source.readline(_LONGEST_HEADER)
    found, mac_line = _STANZA.fullmatch(stanza), source.readline(_LONGEST_HEADER)
    mac = _MAC.fullmatch(mac_line)
    if found is None or mac is None:
        raise AgeRefused("damaged", "its header is not that of one passphrase")
    work = int(found[2])
    if work > MOST_WORK:
        raise AgeRefused("damaged", f"its header asks for more work (2^{work}) than is done here")
    salt, wrapped = _bytes(found[1]), _bytes(found[3])
    try:
        file_key = ChaCha20Poly1305(_wrapping(passphrase, salt, work)).decrypt(bytes(12), wrapped, None)
    except InvalidTag:
        raise WrongPassphrase from None
    if not hmac.compare_digest(_mac(file_key, INTRO + stanza + b"---"), _bytes(mac[1])):
        raise AgeRefused("damaged", "its header was changed")
    return file_key


def _wrapping(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=_LABEL + salt, length=32, n=2**work, r=8, p=1).derive(passphrase.encode())


def _derived(file_key: bytes, salt: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, label).derive(file_key)


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")


def _nonce(count: int, *, is_last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([is_last])


def _text(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        data = b""
    if _text(data) != text:
        raise AgeRefused("damaged", "its header is not written as it must be")
    return data
