"""Encryption of a stream by a passphrase, or to an Ed25519 key, in the format of age: other programs open it too.

Source: the age file encryption format, version 1 (C2SP, "age-encryption.org/v1"): one recipient, HMAC-SHA-256 over the
header, and the STREAM construction over ChaCha20-Poly1305 in pieces of 64 KiB. The recipient is ``scrypt``, or
``ssh-ed25519`` as age's package ``agessh`` writes it. ``age --decrypt FILE``, or ``age --decrypt -i KEY FILE``, reads
what is written here. Nothing of a piece is given out before its tag was verified, and what was cut off is told from
what ended.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
import os
import re
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "INTRO",
    "AgeRefused",
    "ByPassphrase",
    "Encrypted",
    "Opener",
    "Pieces",
    "Recipient",
    "ToKey",
    "WithKeys",
    "WrongKey",
    "WrongPassphrase",
    "decrypt",
    "montgomery_u",
]

INTRO: Final = b"age-encryption.org/v1\n"
# of the memory and time that one guess of the passphrase costs: 128 MiB, and some tenths of a second
WORK: Final = 17
# a file may ask its reader for as much as it likes; beyond 1 GiB it is not asked for the passphrase, but for memory
MOST_WORK: Final = 20
_PIECE: Final = 64 * 1024
_TAG: Final = 16
_SCRYPT: Final = b"age-encryption.org/v1/scrypt"
_ED25519: Final = b"age-encryption.org/v1/ssh-ed25519"
_BY_PASSPHRASE: Final = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n")
_TO_KEY: Final = re.compile(rb"-> ssh-ed25519 ([A-Za-z0-9+/]{6}) ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})\n")
_FIELD_PRIME: Final = 2**255 - 19
_MAC: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")
_LONGEST_LINE: Final = 512
_LONGEST_STANZA: Final = 4096
# other programs add some that nobody opens, so that readers learn to pass over what they do not know
_MOST_STANZAS: Final = 20


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


class WrongKey(AgeRefused):
    """It is encrypted to another key than those that are here."""

    def __init__(self) -> None:
        super().__init__("wrong-key", "it is encrypted to another key")


class Recipient(Protocol):
    """To what a file is encrypted."""

    def wrap(self, file_key: bytes) -> bytes:
        """The part of the header by which the recipient finds the key of the file."""
        ...


class Opener(Protocol):
    """What opens a file."""

    def unwrap(self, stanzas: Sequence[bytes]) -> bytes:
        """The key of a file, from those parts of its header; raises :class:`AgeRefused`."""
        ...


class ByPassphrase:
    """A passphrase, which encrypts and opens.

    Args:
        passphrase: the passphrase.
        work: binary logarithm of the cost of scrypt, where it encrypts.
    """

    def __init__(self, passphrase: str, work: int = WORK) -> None:
        self._passphrase, self._work = passphrase, work

    def wrap(self, file_key: bytes) -> bytes:
        """Its part of the header."""
        salt = os.urandom(16)
        wrapped = _wrap(self._wrapping(salt, self._work), file_key)
        return b"-> scrypt " + _text(salt) + f" {self._work}\n".encode() + _text(wrapped) + b"\n"

    def unwrap(self, stanzas: Sequence[bytes]) -> bytes:
        """The key of a file.

        Raises:
            AgeRefused: it is not encrypted by one passphrase and nothing else, or asks for too much work.
            WrongPassphrase: it is another one.
        """
        found = _BY_PASSPHRASE.fullmatch(b"".join(stanzas))
        if found is None:
            raise AgeRefused("damaged", "its header is not that of one passphrase")
        work = int(found[2])
        if work > MOST_WORK:
            raise AgeRefused("damaged", f"its header asks for more work (2^{work}) than is done here")
        try:
            return _unwrap(self._wrapping(_bytes(found[1]), work), _bytes(found[3]))
        except InvalidTag:
            raise WrongPassphrase from None

    def _wrapping(self, salt: bytes, work: int) -> bytes:
        kdf = Scrypt(salt=_SCRYPT + salt, length=32, n=2**work, r=8, p=1)
        return kdf.derive(self._passphrase.encode())


class ToKey:
    """An Ed25519 key whose owner alone opens the file.

    The owner's key of X25519 is the Montgomery form of the same point, so nobody has to hand out a second one. The
    secret goes through a factor that is made of the whole key and of a label, so that no other use of the key meets it.
    That one pair of keys may sign and be encrypted to in this way is proven (Thormarker, IACR ePrint 2021/509).

    Args:
        key: the public key.
    """

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._wire = _wire(key.public_bytes_raw())
        self._theirs = X25519PublicKey.from_public_bytes(montgomery_u(key.public_bytes_raw()))

    def wrap(self, file_key: bytes) -> bytes:
        """Its part of the header."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        secret = ephemeral.exchange(self._theirs)
        wrapped = _wrap(_to_key(self._wire, secret, share, self._theirs.public_bytes_raw()), file_key)
        return b"-> ssh-ed25519 " + _tag(self._wire) + b" " + _text(share) + b"\n" + _text(wrapped) + b"\n"


class WithKeys:
    """Private Ed25519 keys, of which one opens the file.

    Args:
        keys: the keys.
    """

    def __init__(self, keys: Iterable[Ed25519PrivateKey]) -> None:
        self._keys = tuple(keys)

    def unwrap(self, stanzas: Sequence[bytes]) -> bytes:
        """The key of a file.

        Raises:
            AgeRefused: the part that is for one of these was changed.
            WrongKey: it is encrypted to none of these.
        """
        for found in filter(None, map(_TO_KEY.fullmatch, stanzas)):
            for key in self._keys:
                wire = _wire(key.public_key().public_bytes_raw())
                if _tag(wire) == found[1]:
                    return _with_key(key, wire, _bytes(found[2]), _bytes(found[3]))
        raise WrongKey


def _with_key(key: Ed25519PrivateKey, wire: bytes, share: bytes, wrapped: bytes) -> bytes:
    # RFC 8032, section 5.1.5: the scalar is the first half of the digest of the seed, clamped by X25519
    scalar = hashlib.sha512(key.private_bytes_raw()).digest()[:32]
    mine = X25519PrivateKey.from_private_bytes(scalar)
    try:
        secret = mine.exchange(X25519PublicKey.from_public_bytes(share))
        return _unwrap(_to_key(wire, secret, share, mine.public_key().public_bytes_raw()), wrapped)
    except InvalidTag:
        raise WrongKey from None
    except ValueError:
        raise AgeRefused("damaged", "its header holds a share of small order") from None


def montgomery_u(public: bytes) -> bytes:
    """The X25519 form of a public Ed25519 key: u = (1 + y) / (1 - y) (RFC 7748, section 4.1).

    Args:
        public: its 32 bytes; not of a point of small order.
    """
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    return ((1 + y) * pow(1 - y, -1, _FIELD_PRIME) % _FIELD_PRIME).to_bytes(32, "little")


def _wire(public: bytes) -> bytes:
    """The key as SSH writes it (RFC 8709, section 4), of which age makes its name and the factor."""
    name = b"ssh-ed25519"
    return len(name).to_bytes(4, "big") + name + len(public).to_bytes(4, "big") + public


def _tag(wire: bytes) -> bytes:
    return _text(hashlib.sha256(wire).digest()[:4])


def _to_key(wire: bytes, secret: bytes, share: bytes, point: bytes) -> bytes:
    factor = X25519PrivateKey.from_private_bytes(_derived(b"", wire, _ED25519))
    shared = factor.exchange(X25519PublicKey.from_public_bytes(secret))
    return _derived(shared, share + point, _ED25519)


def _wrap(wrapping: bytes, file_key: bytes) -> bytes:
    return ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)


def _unwrap(wrapping: bytes, wrapped: bytes) -> bytes:
    return ChaCha20Poly1305(wrapping).decrypt(bytes(12), wrapped, None)


class Sink(Protocol):
    """What can be written to."""

    def write(self, data: bytes, /) -> int:
        """Take some bytes."""
        ...


class Encrypted:
    """A file to write into; what is written goes on encrypted. It is whole only once ``close`` was called.

    Args:
        sink: where it goes; it stays open.
        recipient: to what.
    """

    def __init__(self, sink: Sink, recipient: Recipient) -> None:
        file_key = os.urandom(16)
        header = INTRO + recipient.wrap(file_key) + b"---"
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


def decrypt(source: IO[bytes], opener: Opener) -> Iterator[bytes]:
    """The bytes that were encrypted, piece by piece, each verified.

    Args:
        source: what was written by :class:`Encrypted`, or by age for one recipient.
        opener: what opens it.

    Raises:
        AgeRefused: it is not such a file (``not-age``), was changed (``damaged``) or cut off (``truncated``). What came
            before the place is right.
        WrongPassphrase, WrongKey: it is another passphrase, or encrypted to another key.
    """
    file_key = _open_header(source, opener)
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


def _open_header(source: IO[bytes], opener: Opener) -> bytes:
    if source.read(len(INTRO)) != INTRO:
        raise AgeRefused("not-age", "it does not begin as such a file")
    stanzas = list[bytes]()
    line = source.readline(_LONGEST_LINE)
    while not line.startswith(b"---"):
        if line.startswith(b"-> ") and len(stanzas) < _MOST_STANZAS:
            stanzas.append(line)
        elif stanzas and line.endswith(b"\n") and len(stanzas[-1]) < _LONGEST_STANZA:
            stanzas[-1] += line
        else:
            raise AgeRefused("damaged", "its header is cut off, or longer than it need be")
        line = source.readline(_LONGEST_LINE)
    mac = _MAC.fullmatch(line)
    if mac is None:
        raise AgeRefused("damaged", "its header does not end as it must")
    file_key = opener.unwrap(stanzas)
    if not hmac.compare_digest(_mac(file_key, INTRO + b"".join(stanzas) + b"---"), _bytes(mac[1])):
        raise AgeRefused("damaged", "its header was changed")
    return file_key


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


class Pieces(io.RawIOBase):
    """A file to read from, of pieces as :func:`decrypt` gives them.

    Args:
        pieces: the bytes, in order.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the next piece goes. Any: it has no type of its own in Python 3.11."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
