"""A coding is chosen from what is accepted, and what it makes can be read back."""

from __future__ import annotations

import pytest

from taawun.foundation.compression import chosen, compressed
from taawun.foundation.outbound.decoding import decoded


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("identity", ""),
        ("br", ""),
        ("gzip", "gzip"),
        ("zstd, gzip", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("GZIP;q=0.5", "gzip"),
        ("zstd;q=0, gzip;q=1", "gzip"),
        ("zstd; q=0.000,gzip;q=0", ""),
        ("zstd;q=0.001", "zstd"),
    ],
)
def test_the_best_of_what_is_accepted_is_chosen(accepted: str, coding: str) -> None:
    assert chosen(accepted) == coding


@pytest.mark.parametrize("coding", ["", "gzip", "zstd"])
@pytest.mark.parametrize("body", [b"", b"x", b"an invented line\n" * 10_000])
def test_what_is_compressed_is_read_back(coding: str, body: bytes) -> None:
    packed = compressed(body, coding)
    assert b"".join(decoded([packed], coding, 200_000)) == body
    assert not coding or len(body) < 100 or len(packed) < len(body) / 100
