"""Requests between nodes, signed with HTTP Message Signatures (RFC 9421) and Content-Digest (RFC 9530).

A signature covers the method, the full target URI and the digest of the body, lives for 60 seconds and
carries a nonce. It says who asks; that nothing is asked twice is the caller's part, who keeps the nonces
until they expire.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from taawun.foundation import clock
from taawun.foundation.errors import CodedError
from taawun.foundation.signing import SigningKey, VerifyKey

TAG: Final = "taawun"
LIFETIME: Final = timedelta(seconds=60)
_LABEL: Final = "taawun"
_COVERED: Final = ("@method", "@target-uri", "content-digest")
_NONCE_BYTES: Final = 16
_LONGEST_NONCE: Final = 64
_LONGEST_HEADER: Final = 4096

KeyResolver = Callable[[str], VerifyKey | None]


class RequestRefused(CodedError):
    """A request that is not signed as it must be.

    Codes: ``not-signed``, ``malformed`` (also without a signature of our tag), ``missing-component``,
    ``missing-parameter``, ``bad-nonce``, ``lives-too-long``, ``not-yet-valid``, ``expired``, ``unknown-key``,
    ``bad-signature``, ``digest-mismatch``; of :func:`sign` also ``bad-url``.
    """


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed a request, and what must be kept so that it is taken only once.

    Attributes:
        kid: the thumbprint of the key.
        nonce: 1 to 64 characters, to be kept with the ``kid`` until ``expires``.
        created: when it was signed, aware and in UTC.
        expires: from when on it is refused, aware and in UTC.
    """

    kid: str
    nonce: str
    created: datetime
    expires: datetime


@dataclass(slots=True)
class _Message:
    """A request as the library wants to see one."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def sign(  # noqa: PLR0913 - a request has these parts, and two of them have defaults
    method: str,
    url: str,
    body: bytes,
    key: SigningKey,
    *,
    tag: str = TAG,
    at: datetime | None = None,
) -> dict[str, str]:
    """Sign a request.

    Args:
        method: for example ``GET``.
        url: the full address, percent-encoded, exactly as it will be sent.
        body: the exact bytes that will be sent; empty when there are none.
        key: the node's key.
        tag: what the signature is for; another purpose has another tag.
        at: when it is signed; the present when left out.

    Returns:
        The headers to send along: ``Content-Digest``, ``Signature-Input`` and ``Signature``.

    Raises:
        RequestRefused: ``bad-url`` when the address is not a full, percent-encoded one.
    """
    created = clock.now() if at is None else at
    message = _Message(method.upper(), url)
    signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=_Keys(signing=key))
    try:
        signer.sign(
            message,
            key_id=key.kid,
            created=created,
            expires=created + LIFETIME,
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            label=_LABEL,
            tag=tag,
            include_alg=False,
            covered_component_ids=_COVERED,
            body=body,
        )
    except HTTPMessageSignaturesException as error:
        raise RequestRefused("bad-url", f"The request to {url!a:.200} cannot be signed: {error}.") from error
    return message.headers


def verify(  # noqa: PLR0913 - a request has these parts
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    resolve: KeyResolver,
    *,
    at: datetime | None = None,
) -> SignedBy:
    """Verify the signature of a request.

    Args:
        method: the method of the request.
        url: this node's configured base address and the requested path and query; never made from the Host
            header, which the sender chooses.
        headers: the request's headers; names in any case.
        body: the exact bytes that came, before any decoding.
        resolve: finds a key by its thumbprint; None when it is nobody's. Its own errors pass through.
        at: the time to judge by; the present when left out.

    Returns:
        Who signed it, with the nonce to remember.

    Raises:
        RequestRefused: when it is not signed, or not for this request, this time or by a known key.
    """
    message = _Message(method.upper(), url, _checked_headers(headers))
    keys = _Keys(resolve=resolve)
    verifier = _Verifier(keys, clock.now() if at is None else at)
    try:
        results = verifier.verify(message, max_age=None, expect_tag=TAG)
    except RequestRefused:
        raise
    except (HTTPMessageSignaturesException, ValueError) as error:
        if keys.error is not None:
            raise keys.error from None
        if not keys.asked:
            raise RequestRefused("malformed", f"The signature headers are malformed: {error}.") from error
        raise RequestRefused(
            "bad-signature", "The signature does not fit the request and the key."
        ) from error
    if len(results) != 1:
        raise RequestRefused(
            "malformed", f"The request has {len(results)} signatures tagged '{TAG}'; send one."
        )
    try:
        ContentDigest.verify_components(results[0].covered_components, body)
    except HTTPMessageSignaturesException as error:
        raise RequestRefused(
            "digest-mismatch", f"The Content-Digest does not fit the body: {error}."
        ) from error
    return _signed_by(results[0].parameters)


class _Keys(HTTPSignatureKeyResolver):
    """Hands the library the one key it asks for, and remembers how that went."""

    def __init__(self, *, signing: SigningKey | None = None, resolve: KeyResolver | None = None) -> None:
        self._signing = signing
        self._resolve = resolve
        self.asked = False
        self.error: Exception | None = None

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        if self._signing is None:
            raise KeyError(key_id)
        return self._signing.private_key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        self.asked = True
        try:
            return self._known(key_id).public_key
        except Exception as error:
            # The library would turn it into a bad signature; a database that is down is not one.
            self.error = error
            raise

    def _known(self, key_id: str) -> VerifyKey:
        key = None if self._resolve is None else self._resolve(key_id)
        if key is None or key.kid != key_id:
            raise RequestRefused("unknown-key", f"This node knows no key {key_id[:64]!a}.")
        return key


class _Verifier(HTTPMessageVerifier):
    """The library's verifier with our policy in place of its own, judged by our clock."""

    def __init__(self, keys: _Keys, at: datetime) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=keys)
        self._at = at

    # Any: the library has no types here. It calls this for each signature before it looks for the key.
    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:  # noqa: ARG002 - its name
        covered = [str(component) for component in sig_input]
        for component in _COVERED:
            if f'"{component}"' not in covered:
                raise RequestRefused("missing-component", f"The signature must cover '{component}'.")
        for parameter in ("created", "expires", "nonce", "keyid"):
            if parameter not in sig_input.params:
                raise RequestRefused("missing-parameter", f"The signature must carry '{parameter}'.")
        if not 0 < len(sig_input.params["nonce"]) <= _LONGEST_NONCE:
            raise RequestRefused("bad-nonce", f"The nonce must have 1 to {_LONGEST_NONCE} characters.")
        self._check_times(_signed_by(sig_input.params))

    def _check_times(self, signed: SignedBy) -> None:
        if not timedelta(0) < signed.expires - signed.created <= LIFETIME:
            raise RequestRefused(
                "lives-too-long", "The signature must expire within 60 seconds of its creation."
            )
        if signed.created > self._at + clock.SKEW:
            raise RequestRefused(
                "not-yet-valid", "The signature is from the future; check both nodes' clocks."
            )
        if signed.expires <= self._at:
            raise RequestRefused("expired", "The signature has expired; sign again, and check both clocks.")


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower the names of headers, and refuse those that are missing, doubled or too long for a signature."""
    checked: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered in checked:
            raise RequestRefused("malformed", f"The header {lowered!a} stands twice.")
        checked[lowered] = value
    for name in ("signature-input", "signature", "content-digest"):
        if name not in checked:
            raise RequestRefused("not-signed", f"The request has no {name} header; sign it (RFC 9421).")
        if len(checked[name]) > _LONGEST_HEADER:
            raise RequestRefused(
                "malformed", f"The {name} header has more than {_LONGEST_HEADER} characters."
            )
    return checked


def _signed_by(parameters: Mapping[str, Any]) -> SignedBy:
    try:
        created = datetime.fromtimestamp(parameters["created"], UTC)
        expires = datetime.fromtimestamp(parameters["expires"], UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RequestRefused("malformed", "The signature's times are out of range.") from error
    return SignedBy(parameters["keyid"], parameters["nonce"], created, expires)
