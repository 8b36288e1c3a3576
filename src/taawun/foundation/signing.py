"""Ed25519 keys and the protocol's signed messages: compact JWS (RFC 7515), ``alg: Ed25519`` (RFC 9864).

A header holds exactly ``alg``, ``kid`` and ``typ``. The key identifier is the JWK thumbprint (RFC 7638), so
a key cannot be passed off under another's name; every kind of message has its own ``typ``, so one kind
cannot be passed off as another. The bytes that are verified are the bytes that are returned: nothing is
re-serialised in between.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode

from taawun.foundation.errors import CodedError

ALGORITHM: Final = "Ed25519"
MAX_TOKEN_BYTES: Final = 1024 * 1024
_MAX_HEADER_BYTES: Final = 512
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_SEGMENTS: Final = 3

_FIELD_PRIME: Final = 2**255 - 19
# The y coordinates of the points of small order of edwards25519 (RFC 7748, section 4.1): with such a key one
# signature fits many messages, so that its owner could deny what was signed.
_WEAK_Y: Final = frozenset(
    {
        0,
        1,
        _FIELD_PRIME - 1,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    },
)


class SignatureRefused(CodedError):
    """A token or key that is not accepted.

    Codes of tokens: ``too-large``, ``not-a-token``, ``bad-header``, ``other-algorithm``,
    ``detached-payload``, ``other-type``, ``other-key``, ``bad-signature``, ``empty-payload``. Of keys:
    ``bad-key``, ``weak-key``.
    """


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a token claims, before anybody has verified it.

    Attributes:
        kid: the key it claims to be signed by.
        typ: the kind of message it claims to be.
        payload: the bytes it carries.
    """

    kid: str
    typ: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Header:
    kid: str
    typ: str


def _registry() -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=[ALGORITHM])
    registry.max_header_length = _MAX_HEADER_BYTES
    registry.max_payload_length = MAX_TOKEN_BYTES
    return registry


# Built once: making a registry costs about as much as verifying a signature.
_REGISTRY: Final = _registry()


class VerifyKey:
    """A public Ed25519 key.

    Attributes:
        kid: its RFC 7638 thumbprint, 43 characters of base64url.
    """

    def __init__(self, key: Ed25519PublicKey) -> None:
        _refuse_weak(key)
        self._key = key
        self._jose = OKPKey.import_key(key)
        self.kid: str = self._jose.thumbprint()

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key as the cryptography library holds it."""
        return self._key

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read a public key from a JWK (RFC 8037, section 2).

        Args:
            jwk: must hold ``kty: OKP``, ``crv: Ed25519`` and ``x``; may hold ``kid``, ``alg`` and ``use``,
                which must then be right. Other members are ignored.

        Returns:
            The key.

        Raises:
            SignatureRefused: ``bad-key`` for another kind of key, a private one, or a ``kid`` that is not the
                thumbprint; ``weak-key`` for a point of small order.
        """
        if "d" in jwk:
            raise SignatureRefused("bad-key", "This JWK holds a private key; publish only its public part.")
        for member, wanted in (("kty", "OKP"), ("crv", "Ed25519")):
            if jwk.get(member) != wanted:
                raise SignatureRefused("bad-key", f"The JWK's '{member}' must be '{wanted}'.")
        for member, wanted in (("alg", ALGORITHM), ("use", "sig")):
            if jwk.get(member, wanted) != wanted:
                raise SignatureRefused("bad-key", f"The JWK's '{member}' must be '{wanted}' or be left out.")
        key = cls(_public_key(jwk.get("x")))
        if jwk.get("kid", key.kid) != key.kid:
            raise SignatureRefused("bad-key", f"The JWK's 'kid' is not the thumbprint of its key, {key.kid}.")
        return key

    def to_jwk(self) -> dict[str, str]:
        """Write the key as a JWK with ``kty``, ``crv``, ``x``, ``kid``, ``alg`` and ``use``."""
        public = cast("dict[str, str]", self._jose.as_dict(private=False))
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": public["x"],
            "kid": self.kid,
            "alg": ALGORITHM,
            "use": "sig",
        }

    def verify(self, token: str | bytes, typ: str) -> bytes:
        """Verify a token that must be of this key and of one kind.

        Args:
            token: a compact JWS of at most 1 MiB.
            typ: the kind of message that is expected.

        Returns:
            The exact bytes that were signed.

        Raises:
            SignatureRefused: when anything about the token is not as expected; see its codes.
        """
        data, segments = _split(token)
        header = _header(segments[0])
        if header.typ != typ:
            raise SignatureRefused("other-type", f"The token is of type {header.typ!a}, not '{typ}'.")
        if header.kid != self.kid:
            raise SignatureRefused("other-key", f"The token names the key {header.kid!a}, not {self.kid}.")
        try:
            return jws.deserialize_compact(data, self._jose, registry=_REGISTRY).payload
        except (JoseError, ValueError) as error:
            raise SignatureRefused("bad-signature", "The signature does not fit token and key.") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other.kid == self.kid

    def __hash__(self) -> int:
        return hash(self.kid)

    def __repr__(self) -> str:
        return f"VerifyKey({self.kid})"


class SigningKey:
    """A private Ed25519 key. Its text form never shows the secret."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._jose = OKPKey.import_key(key)
        self._public = VerifyKey(key.public_key())

    @property
    def kid(self) -> str:
        """The RFC 7638 thumbprint of the public part."""
        return self._public.kid

    @property
    def public(self) -> VerifyKey:
        """The public part, which verifies what this key signs."""
        return self._public

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """The key as the cryptography library holds it."""
        return self._key

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the system's random source."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a key from an unencrypted PEM file (PKCS #8, RFC 8410).

        Raises:
            SignatureRefused: ``bad-key`` when it is no PEM, is encrypted, or holds another kind of key.
        """
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SignatureRefused("bad-key", "This is no unencrypted PEM private key (PKCS #8).") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SignatureRefused("bad-key", "The PEM file holds another kind of key than Ed25519.")
        return cls(key)

    def to_pem(self) -> bytes:
        """Write the key, unencrypted, as PEM (PKCS #8, RFC 8410); the caller guards the file."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, payload: bytes, typ: str) -> str:
        """Sign bytes as they are.

        Args:
            payload: at least one byte; nothing is normalised.
            typ: the kind of message, for example ``taawun-descriptor+jwt``.

        Returns:
            A compact JWS of at most 1 MiB.

        Raises:
            SignatureRefused: ``empty-payload``, or ``too-large`` when the token would exceed 1 MiB.
        """
        if not payload:
            raise SignatureRefused("empty-payload", "There is nothing to sign: the payload is empty.")
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": typ}
        token = jws.serialize_compact(header, payload, self._jose, registry=_REGISTRY)
        if len(token) > MAX_TOKEN_BYTES:
            raise SignatureRefused("too-large", f"The signed token would exceed {MAX_TOKEN_BYTES} bytes.")
        return token

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"


def peek(token: str | bytes) -> Peeked:
    """Read a token WITHOUT verifying it: nothing in the answer may be trusted.

    Its use is to find out which key to fetch before :meth:`VerifyKey.verify`, and nothing else.

    Args:
        token: a compact JWS of at most 1 MiB.

    Returns:
        What the token claims.

    Raises:
        SignatureRefused: when it is not a token of the protocol at all.
    """
    _, segments = _split(token)
    header = _header(segments[0])
    return Peeked(header.kid, header.typ, _decode(segments[1], "payload"))


def _split(token: str | bytes) -> tuple[bytes, list[bytes]]:
    if len(token) > MAX_TOKEN_BYTES:
        raise SignatureRefused("too-large", f"The token exceeds {MAX_TOKEN_BYTES} bytes.")
    try:
        data = token.encode("ascii") if isinstance(token, str) else token
    except UnicodeEncodeError as error:
        raise SignatureRefused("not-a-token", "A token is ASCII; this text is not.") from error
    segments = data.split(b".")
    if len(segments) != _SEGMENTS:
        raise SignatureRefused("not-a-token", f"A compact JWS has three parts; this has {len(segments)}.")
    if not segments[1]:
        raise SignatureRefused("detached-payload", "The token's payload is missing; it must be inside.")
    return data, segments


# A node signs all messages of a kind under one header, so the same few segments come again and again.
@lru_cache(maxsize=512)
def _header(segment: bytes) -> _Header:
    if len(segment) > _MAX_HEADER_BYTES:
        raise SignatureRefused("bad-header", f"The token's header exceeds {_MAX_HEADER_BYTES} bytes.")
    try:
        text = _decode(segment, "header").decode("utf-8")
        header = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        if isinstance(error, SignatureRefused):
            raise
        raise SignatureRefused("bad-header", "The token's header is not JSON.") from error
    if not isinstance(header, dict) or not all(isinstance(value, str) for value in header.values()):
        raise SignatureRefused("bad-header", "The token's header must be an object of strings.")
    if header.get("alg") != ALGORITHM:
        raise SignatureRefused("other-algorithm", f"The token's 'alg' must be '{ALGORITHM}'.")
    if header.keys() != _HEADER_MEMBERS:
        names = ", ".join(ascii(name[:20]) for name in sorted(header.keys() ^ _HEADER_MEMBERS))
        raise SignatureRefused("bad-header", f"A header holds alg, kid and typ, no more; see {names}.")
    return _Header(header["kid"], header["typ"])


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise SignatureRefused("bad-header", "The token's header names a member twice.")
    return members


def _decode(segment: bytes, name: str) -> bytes:
    try:
        return urlsafe_b64decode(segment)
    except ValueError as error:
        raise SignatureRefused("not-a-token", f"The token's {name} is not plain base64url.") from error


def _public_key(x: object) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(str(x).encode("ascii")))
    except ValueError as error:
        raise SignatureRefused("bad-key", "The JWK's 'x' must be 32 bytes in plain base64url.") from error


def _refuse_weak(key: Ed25519PublicKey) -> None:
    y = int.from_bytes(key.public_bytes_raw(), "little") & ((1 << 255) - 1)
    if y >= _FIELD_PRIME or y in _WEAK_Y:
        raise SignatureRefused("weak-key", "This Ed25519 key is of small order or not canonical.")
