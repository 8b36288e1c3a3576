"""Fingerprints of OpenPGP keys, held against those that GnuPG tells of the same keys."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.openpgp import KeyRefused, fingerprint, tidied

__all__ = ["ED25519"]

# made for these tests by GnuPG; their secret halves are gone
ED25519 = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawvvMRYJKwYBBAHaRw8BAQdAuJTIngry3Jnh3kSlYyJoGdMSvNHGVaj1e6o1
+k9n6yC0KkR1dHkgb2ZmaWNlciAoZWQyNTUxOSkgPGR1dHlAY2VydC5leGFtcGxl
PoiWBBMWCAA+FiEE/FuG9LS6cwKjFSVXxVfjFV8pBmkFAmsL7zECGwMFCQPCZwAF
CwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQxVfjFV8pBmlwqQD/envieFyZ78na
eoz8GkHz4NYL0gtlr0hMRdiEnokVjfkA/jh66Hm3BS1BC6Ty+yKloFuKomyCTUmJ
oIzD7LQF/uUB
=McLO
-----END PGP PUBLIC KEY BLOCK-----
"""
RSA = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mQENBGsL7zEBCAC9N8EFPvM6fiDXGTuY1wYy2UqvvxZofGvdJnsKDzHI7maGY33B
zd8+zMZ6Ldfmtpw6VaEZqEwAuBlgExzOTKplH9aT4tMUWmvXxTYtiIGC58Ho1Q+s
tKzkeTHCDoVHzwsmh/DXCraltP/zGDeDyZPeNxz5efAFluaqPEmeLTambq8XYjdo
6tRkUJxobPtijfD+OEdkBshdwO+sfyyuvLfuBTYxyh+e9o10uVXKq7Y8AJoyBVMu
jJgi012hd5hGzjmMZiA6hcElw+GCuZfzqJfI9JkhWgJa/lu8b+6bE6oXXO1ieAys
EeRO8sU48/cPHdlhOXU2UAMEWhNPEA4X5i7FABEBAAG0KkR1dHkgb2ZmaWNlciAo
cnNhMjA0OCkgPGR1dHlAY2VydC5leGFtcGxlPokBVAQTAQoAPhYhBE/4j4zjLxAd
DjEsjkcL4UcmH/8lBQJrC+8xAhsDBQkDwmcABQsJCAcCBhUKCQgLAgQWAgMBAh4B
AheAAAoJEEcL4UcmH/8lC1IH/RWm7ARmuPXxbmqLd0EPgx73goiFAHQ6oHyg9Qf3
4dMnDm8wHggcejXlzeUMMAqmtirt2xLVluzQQ8jPAmWAp/05u50SuorfRgdrSZDQ
fkxqt5eeiBwRSGuOXa3QsWLL1Em+2f8oL3w3wLSNnmYISoSloiTKi6lwWv7CsZrG
Ddc8g3Za02cDsklOSR5ujUVXO6ZuuEOZfh/8UfUnQ5omAy+WqRINVlgWq9RstVBT
D13l8qN6vPnaGgThksP9j2ll6WbObJgs/rxW5YV4ruG52jQ1OzhdoU30RoT2EXDd
1Vp5z0ji1K+o1UTa+AgpqnRAsS90FPbBFMamMCUAeA+xAIk=
=mNNb
-----END PGP PUBLIC KEY BLOCK-----
"""


def armored(data: bytes, what: str = "PUBLIC KEY BLOCK") -> str:
    body = base64.b64encode(data).decode()
    return f"-----BEGIN PGP {what}-----\n\n{body}\n-----END PGP {what}-----\n"


def test_the_fingerprint_is_the_one_that_gnupg_tells() -> None:
    assert fingerprint(ED25519) == "FC5B86F4B4BA7302A3152557C557E3155F290669"
    assert fingerprint(RSA) == "4FF88F8CE32F101D0E312C8E470BE147261FFF25"
    assert fingerprint("\r\n" + ED25519.replace("\n", "\r\n")) == fingerprint(ED25519)
    headed = ED25519.replace("\n\n", "\nVersion: GnuPG v2\nComment: a: b\n\n", 1)
    assert fingerprint(headed) == fingerprint(ED25519)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("", "not-armored"),
        ("hello", "not-armored"),
        (ED25519.replace("\n\n", "\n"), "not-armored"),
        (ED25519.replace("PUBLIC KEY", "PRIVATE KEY"), "secret-key"),
        (ED25519.replace("PUBLIC KEY BLOCK", "SIGNATURE"), "not-a-key"),
        (ED25519.replace("mDME", "m!ME"), "not-base64"),
        (ED25519 + " " * 4096, "too-large"),
        (armored(b""), "broken"),
        (armored(b"\x98"), "broken"),
        (armored(b"\x98\x33\x04short"), "broken"),
        (armored(b"\x10" * 9), "broken"),
        (armored(b"\xc6\xe1" + b"\x04" * 40), "broken"),  # in pieces
        (armored(b"\x94\x06\x04" + b"\x00" * 5), "not-a-key"),  # a secret key under a public name
        (armored(b"\x98\x06\x03" + b"\x00" * 5), "version"),
    ],
)
def test_anything_else_is_refused_with_its_reason(block: str, code: str) -> None:
    with pytest.raises(KeyRefused) as why:
        fingerprint(block)
    assert why.value.code == code


def test_a_key_of_version_6_has_a_longer_fingerprint() -> None:
    assert len(fingerprint(armored(b"\xc6\x2a\x06" + b"\x00" * 41))) == 64


def test_a_tidied_key_is_the_same_key_without_what_stands_around_it() -> None:
    headed = ED25519.replace("\n\n", "\nComment: a\n\n", 1) + "\n\n"
    assert tidied(headed) == ED25519.replace("=McLO\n", "")
    assert fingerprint(tidied(headed)) == fingerprint(ED25519)


@given(st.binary(max_size=300))
def test_no_bytes_end_in_anything_but_a_fingerprint_or_a_reason(data: bytes) -> None:
    with contextlib.suppress(KeyRefused):
        assert len(fingerprint(armored(data))) in {40, 64}
