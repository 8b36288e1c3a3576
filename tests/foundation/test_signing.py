"""Keys and signed messages: what is signed is what is returned, and everything else is refused."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.signing import (
    MAX_TOKEN_BYTES,
    SignatureRefused,
    SigningKey,
    VerifyKey,
    peek,
)

TYP = "taawun-test+jws"
KEY = SigningKey.generate()
OTHER = SigningKey.generate()

# RFC 8037, appendix A.1 to A.3: an example key and its thumbprint.
RFC_8037_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_8037_D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_8037_KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_of(header: object, payload: bytes = b"payload", key: SigningKey = KEY) -> str:
    """A token with any header at all under a right signature."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    signed = f"{b64(raw)}.{b64(payload)}"
    return f"{signed}.{b64(key.private_key.sign(signed.encode()))}"


def refusal(token, key: VerifyKey = KEY.public, typ: str = TYP) -> str:
    with pytest.raises(SignatureRefused) as refused:
        key.verify(token, typ)
    assert str(refused.value).endswith(".")
    return refused.value.code


def test_the_thumbprint_and_key_of_the_published_example():
    raw = base64.urlsafe_b64decode(RFC_8037_D + "=")
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(raw))
    assert key.kid == RFC_8037_KID
    assert key.public.to_jwk()["x"] == RFC_8037_X


def test_a_header_holds_alg_kid_and_typ_and_nothing_more():
    header = json.loads(base64.urlsafe_b64decode(KEY.sign(b"x", TYP).split(".")[0] + "=="))
    assert header == {"alg": "Ed25519", "kid": KEY.kid, "typ": TYP}


@given(st.binary(min_size=1, max_size=2000))
def test_the_exact_bytes_come_back(payload):
    token = KEY.sign(payload, TYP)
    assert KEY.public.verify(token, TYP) == payload
    assert KEY.public.verify(token.encode(), TYP) == payload


@given(st.data())
def test_no_changed_byte_of_a_token_is_accepted(data):
    token = KEY.sign(b'{"n":1}', TYP).encode()
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != token[at]))
    with pytest.raises(SignatureRefused):
        KEY.public.verify(token[:at] + bytes([other]) + token[at + 1 :], TYP)


@given(st.one_of(st.text(), st.binary()))
def test_noise_is_refused_and_never_crashes(noise):
    with pytest.raises(SignatureRefused):
        KEY.public.verify(noise, TYP)
    with pytest.raises(SignatureRefused):
        peek(noise)


def test_another_key_another_kind_and_a_borrowed_name_are_refused():
    token = OTHER.sign(b"x", TYP)
    assert refusal(token) == "other-key"
    assert refusal(KEY.sign(b"x", "taawun-other+jws")) == "other-type"
    # The stranger writes our key's identifier into the header and signs with its own key.
    assert refusal(token_of({"alg": "Ed25519", "kid": KEY.kid, "typ": TYP}, key=OTHER)) == "bad-signature"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"alg": "EdDSA", "kid": KEY.kid, "typ": TYP}, "other-algorithm"),
        ({"alg": "none", "kid": KEY.kid, "typ": TYP}, "other-algorithm"),
        ({"alg": "HS256", "kid": KEY.kid, "typ": TYP}, "other-algorithm"),
        ({"alg": "ed25519", "kid": KEY.kid, "typ": TYP}, "other-algorithm"),
        ({"kid": KEY.kid, "typ": TYP}, "other-algorithm"),
        ({"alg": "Ed25519", "typ": TYP}, "bad-header"),
        ({"alg": "Ed25519", "kid": KEY.kid}, "bad-header"),
        ({"alg": "Ed25519", "kid": KEY.kid, "typ": TYP, "crit": ["b64"], "b64": False}, "bad-header"),
        ({"alg": "Ed25519", "kid": KEY.kid, "typ": TYP, "b64": True}, "bad-header"),
        ({"alg": "Ed25519", "kid": KEY.kid, "typ": TYP, "crit": []}, "bad-header"),
        ({"alg": "Ed25519", "kid": KEY.kid, "typ": TYP, "jku": "https://xs.example/"}, "bad-header"),
        ({"alg": "Ed25519", "kid": 7, "typ": TYP}, "bad-header"),
        ({"alg": "Ed25519", "kid": KEY.kid, "typ": "x" * 400}, "bad-header"),
        (["Ed25519"], "bad-header"),
        (b"{", "bad-header"),
        (b"\xff\xfe", "bad-header"),
        (json.dumps({"alg": "Ed25519", "kid": KEY.kid, "typ": TYP}).encode("utf-16"), "bad-header"),
        (b"[" * 380, "bad-header"),
        (f'{{"alg":"none","alg":"Ed25519","kid":"{KEY.kid}","typ":"{TYP}"}}'.encode(), "bad-header"),
    ],
)
def test_a_header_that_is_not_exactly_ours_is_refused_though_the_signature_is_right(header, code):
    assert refusal(token_of(header)) == code


def test_parts_that_are_missing_or_too_many_are_refused():
    header, payload, signature = KEY.sign(b"x", TYP).split(".")
    assert refusal(f"{header}..{signature}") == "detached-payload"
    assert refusal(f"{header}.{payload}") == "not-a-token"
    assert refusal(f"{header}.{payload}.{signature}.") == "not-a-token"
    assert refusal(f"{header}.{payload}.") == "bad-signature"
    assert refusal(f"{header}.{payload}.{signature}é") == "not-a-token"


@pytest.mark.parametrize(
    "change", [lambda s: s + "=", lambda s: s + "==", lambda s: s[:-1], lambda s: "+" + s[1:]]
)
def test_only_one_spelling_of_a_signature_is_accepted(change):
    header, payload, signature = KEY.sign(b"x", TYP).split(".")
    assert refusal(f"{header}.{payload}.{change(signature)}") == "bad-signature"


def test_a_signature_with_a_scalar_beyond_the_group_order_is_refused():
    header, payload, signature = KEY.sign(b"x", TYP).split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[32:], "little") + order
    forged = b64(raw[:32] + scalar.to_bytes(32, "little"))
    assert refusal(f"{header}.{payload}.{forged}") == "bad-signature"


def test_a_token_over_one_mebibyte_is_refused_on_both_sides():
    payload = b"x" * 786_000
    assert len(KEY.public.verify(KEY.sign(payload, TYP), TYP)) == 786_000
    with pytest.raises(SignatureRefused) as refused:
        KEY.sign(payload + b"x" * 500, TYP)
    assert refused.value.code == "too-large"
    assert refusal("x" * (MAX_TOKEN_BYTES + 1)) == "too-large"


def test_an_empty_payload_is_not_signed():
    with pytest.raises(SignatureRefused) as refused:
        KEY.sign(b"", TYP)
    assert refused.value.code == "empty-payload"


def test_peeking_tells_what_a_token_claims_also_when_its_signature_is_wrong():
    header, payload, _ = KEY.sign(b"claim", TYP).split(".")
    peeked = peek(f"{header}.{payload}.AAAA")
    assert (peeked.kid, peeked.typ, peeked.payload) == (KEY.kid, TYP, b"claim")


def test_a_key_survives_its_pem_and_its_jwk():
    again = SigningKey.from_pem(KEY.to_pem())
    assert again.kid == KEY.kid
    jwk = KEY.public.to_jwk()
    assert set(jwk) == {"kty", "crv", "x", "kid", "alg", "use"}
    public = VerifyKey.from_jwk(jwk)
    assert public == KEY.public
    assert public != OTHER.public
    assert len({public, KEY.public, OTHER.public}) == 2
    assert public.verify(again.sign(b"x", TYP), TYP) == b"x"


def test_a_key_in_a_log_shows_only_its_identifier():
    assert repr(KEY) == f"SigningKey({KEY.kid})"
    assert repr(KEY.public) == f"VerifyKey({KEY.kid})"


GOOD = {"kty": "OKP", "crv": "Ed25519", "x": RFC_8037_X}


def test_a_jwk_needs_only_its_type_curve_and_point():
    assert VerifyKey.from_jwk(GOOD).kid == RFC_8037_KID
    assert VerifyKey.from_jwk({**GOOD, "note": ["ignored"]}).kid == RFC_8037_KID


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        ({}, "bad-key"),
        ({**GOOD, "kty": "EC"}, "bad-key"),
        ({**GOOD, "crv": "Ed448"}, "bad-key"),
        ({**GOOD, "d": RFC_8037_D}, "bad-key"),
        ({**GOOD, "kid": KEY.kid}, "bad-key"),
        ({**GOOD, "alg": "EdDSA"}, "bad-key"),
        ({**GOOD, "use": "enc"}, "bad-key"),
        ({"kty": "OKP", "crv": "Ed25519"}, "bad-key"),
        ({**GOOD, "x": None}, "bad-key"),
        ({**GOOD, "x": RFC_8037_X + "="}, "bad-key"),
        ({**GOOD, "x": RFC_8037_X[:-2]}, "bad-key"),
        ({**GOOD, "x": "é"}, "bad-key"),
        ({**GOOD, "x": b64(bytes(32))}, "weak-key"),
        ({**GOOD, "x": b64(b"\x01" + bytes(31))}, "weak-key"),
        ({**GOOD, "x": b64(b"\x01" + bytes(30) + b"\x80")}, "weak-key"),
        ({**GOOD, "x": b64(b"\xff" * 32)}, "weak-key"),
    ],
)
def test_a_jwk_that_is_not_a_sound_public_ed25519_key_is_refused(jwk, code):
    with pytest.raises(SignatureRefused) as refused:
        VerifyKey.from_jwk(jwk)
    assert refused.value.code == code


def test_a_weak_key_would_let_one_signature_fit_many_messages():
    """Why small order is refused: under the identity point, R = B and S = 1 verify for any message."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - only here

    identity = Ed25519PublicKey.from_public_bytes(b"\x01" + bytes(31))
    base_point = b"\x58" + b"\x66" * 31
    signature = base_point + b"\x01" + bytes(31)
    identity.verify(signature, b"one message")
    identity.verify(signature, b"its opposite")


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        KEY.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    ],
    ids=["empty", "broken", "P-256", "Ed448", "encrypted"],
)
def test_a_pem_that_is_not_a_plain_ed25519_key_is_refused(pem):
    with pytest.raises(SignatureRefused) as refused:
        SigningKey.from_pem(pem)
    assert refused.value.code == "bad-key"
