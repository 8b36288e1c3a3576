"""Encryption by a passphrase, in the format of age: what comes out is what went in, or nothing."""

from __future__ import annotations

import base64
import io

import pytest

from taawun.foundation.age import AgeRefused, Encrypted, WrongPassphrase, decrypt

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
    sealed = Encrypted(sink, PASSPHRASE, WORK)
    sealed.write(data[: len(data) // 3])
    sealed.write(data[len(data) // 3 :])
    sealed.close()
    return sink.getvalue()


def _decrypted(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return b"".join(decrypt(io.BytesIO(data), passphrase))


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
