"""Encryption by a passphrase, in the format of age: what comes out is what went in, or nothing."""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from taawun.foundation.age import (
    AgeRefused,
    ByPassphrase,
    Encrypted,
    Pieces,
    ToKey,
    WithKeys,
    WrongKey,
    WrongPassphrase,
    decrypt,
    montgomery_u,
)

PASSPHRASE = "five words that nobody guesses"
WORK = 4  # of scrypt: enough to be the same thing
PIECE = 64 * 1024

# written here with the work factor 10, and opened by another implementation (pyrage 1.4)
OPENED_ELSEWHERE = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCA5WS9pQ3VZQmZDNGViRG94eThwTXF3IDEwCjJXL1Fwb2M3WHBuTHdmaWdqSVQ3Um0r"
    "YlV0eG9WTFM1MWtDZzlac2hUNGMKLS0tIER2Ui95KzNZeUxUeGJWMTJScE9RT0xmdVc3dlA2OWFXMVJoYkhGNXZwcFkKZ6NeSLsmEkFlN8Cv"
    "OC6G15MuDIlyO5lVKVaOLD0CFI34PoYDAAXtxsAIyca7nNosyToPeqapWzNBE3pRAA=="
)


def _encrypted(data: bytes) -> bytes:
    sink = io.BytesIO()
    sealed = Encrypted(sink, ByPassphrase(PASSPHRASE, WORK))
    sealed.write(data[: len(data) // 3])
    sealed.write(data[len(data) // 3 :])
    sealed.close()
    return sink.getvalue()


def _decrypted(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return b"".join(decrypt(io.BytesIO(data), ByPassphrase(passphrase)))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_was_encrypted_is_read_again(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    assert _decrypted(_encrypted(data)) == data


def test_what_other_programs_open_is_still_read() -> None:
    assert _decrypted(base64.b64decode(OPENED_ELSEWHERE)) == b"What another program opened.\n"


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(WrongPassphrase):
        _decrypted(_encrypted(b"secret"), "another passphrase")


def test_any_changed_byte_is_seen() -> None:
    whole = _encrypted(b"x" * 100)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(AgeRefused):
            _decrypted(bytes(changed))


@pytest.mark.parametrize("left", [0, 10, 100, 160, PIECE, PIECE + 300, 2 * PIECE + 200, -1])
def test_whatever_was_cut_off_is_seen(left: int) -> None:
    with pytest.raises(AgeRefused):
        _decrypted(_encrypted(bytes(3 * PIECE))[:left])


def test_a_file_cut_between_two_pieces_is_told_from_one_that_ended() -> None:
    whole = _encrypted(bytes(2 * PIECE))
    header = len(whole) - 2 * (PIECE + 16)
    with pytest.raises(AgeRefused) as refused:
        _decrypted(whole[: header + PIECE + 16])
    assert (refused.value.code, str(refused.value)) == (
        "truncated",
        "it ends after piece 1, and more follows",
    )


def test_a_header_that_asks_for_more_memory_than_there_is_is_refused_before_it_gets_any() -> None:
    greedy = _encrypted(b"").replace(b" 4\n", b" 40\n", 1)
    with pytest.raises(AgeRefused, match=r"asks for more work \(2\^40\)"):
        _decrypted(greedy)


# ---- to a key -------------------------------------------------------------------------------------------------------

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
# written by another implementation (pyrage 1.4) to the key of the seed 00 01 … 1f, with a part that nobody opens
WRITTEN_ELSEWHERE = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNzaC1lZDI1NTE5IGxibXNvQSBwR2l6TEp2MUY1U3U1cHloTHM5bEtiK0dEd1dPbXg5bWxrdFhKR0"
    "RGTXlvCjYzalN3eHBibi9hMDBuVWcvaStRVXIwT1RXdFJSUnZBcjk4S2Q5VGhZOHMKLT4gRHQiWEU1LWdyZWFzZSBiCmNoWWYzSE5jTVRVZkRQ"
    "TUNzZnVnVTY2SEYvMC9FakxiQUU2d2NqZk9mczNocTYvUnh0NENXV1pyQmhaQmM0UWgKanVnCi0tLSB2VkFBZE1xU1RrekVNTzlOUTlEb29DNU"
    "p0RU9DZ0dxbEV1TDh6dm50NmhNCv04y4+GNsNkCS+Veh1wrRvtH0/85mQhemGn5u35mKdhFs4C9CJA8saR7aBCicEnCkiBrOWFYIg+NhZJWA=="
)
# written here, and opened by that implementation
READ_ELSEWHERE = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNzaC1lZDI1NTE5IGxibXNvQSBCWnlCbFFlekZTMDJyUzRydGRBQlBTbU5CZ1QycEx1cFJXZlJoeD"
    "hxQlFNClVQc3pNK2NtTXhETU5GVTJyU1E5RlVsMDZ0Q1N5cjBUOUhCdVFWZWR6VWMKLS0tIHRaZ1pKc3NkV3p6Zm5vcDhqT2lyMVhtSFJDdXZG"
    "VTRWMUs1VHI0Z1pMZVEK693YiwMJyicOQFXiKf8REb/R+3umNoP04yRae7cRNkiKtCqRvLsW9stLfIfmSeL9xw=="
)


def _to(key: Ed25519PrivateKey, data: bytes) -> bytes:
    sink = io.BytesIO()
    sealed = Encrypted(sink, ToKey(key.public_key()))
    sealed.write(data)
    sealed.close()
    return sink.getvalue()


def _with(data: bytes, *keys: Ed25519PrivateKey) -> bytes:
    return io.BufferedReader(Pieces(decrypt(io.BytesIO(data), WithKeys(keys)))).read()


def test_the_form_of_a_key_for_an_exchange_is_that_of_its_private_half() -> None:
    for seed in (bytes(range(32)), bytes(32), b"\xff" * 32, b"a seed of thirty-two bytes, or so"[:32]):
        key = Ed25519PrivateKey.from_private_bytes(seed)
        scalar = hashlib.sha512(seed).digest()[:32]
        wanted = X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()
        assert montgomery_u(key.public_key().public_bytes_raw()) == wanted
    assert montgomery_u(KEY.public_key().public_bytes_raw()).hex() == (
        "4701d08488451f545a409fb58ae3e58581ca40ac3f7f114698cd71deac73ca01"
    )
    # RFC 7748, section 4.1: the base points of the two are one point
    base = (4 * pow(5, -1, 2**255 - 19) % (2**255 - 19)).to_bytes(32, "little")
    assert montgomery_u(base) == (9).to_bytes(32, "little")


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_is_encrypted_to_a_key_its_owner_alone_opens(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    whole = _to(KEY, data)
    another = Ed25519PrivateKey.generate()
    assert _with(whole, another, KEY) == data
    for keys in ((), (another,)):
        with pytest.raises(WrongKey):
            _with(whole, *keys)
    with pytest.raises(AgeRefused):
        _decrypted(whole)


def test_other_programs_open_it_and_what_they_write_is_opened_here() -> None:
    assert _with(base64.b64decode(WRITTEN_ELSEWHERE), KEY) == b"What another program wrote.\n"
    assert _with(base64.b64decode(READ_ELSEWHERE), KEY) == b"What this wrote.\n"


def test_any_changed_byte_of_it_is_seen_and_any_end_before_its_own() -> None:
    whole = _to(KEY, b"x" * 100)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(AgeRefused):
            _with(bytes(changed), KEY)
        with pytest.raises(AgeRefused):
            _with(whole[:place], KEY)


def test_a_share_of_small_order_and_a_header_without_end_are_refused() -> None:
    tag = _to(KEY, b"").split(b" ")[2]
    zeros = base64.b64encode(bytes(32)).rstrip(b"=")
    begins = (
        b"age-encryption.org/v1\n-> ssh-ed25519 "
        + tag
        + b" "
        + zeros
        + b"\n"
        + zeros
        + b"\n--- "
        + zeros
        + b"\n"
    )
    with pytest.raises(AgeRefused, match="small order"):
        _with(begins, KEY)
    endless = b"age-encryption.org/v1\n" + b"-> x\n" * 1000
    with pytest.raises(AgeRefused, match="longer than it need be"):
        _with(endless, KEY)
    with pytest.raises(AgeRefused, match="longer than it need be"):
        _with(b"age-encryption.org/v1\n-> x\n" + b"y" * 100_000, KEY)
