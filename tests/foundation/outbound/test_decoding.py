"""Compressed answers: decoded as they were, and never larger than they may be."""

import gzip
import hashlib
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from taawun.foundation.outbound.decoding import decoded

MIB = 1024 * 1024
# 300,000 bytes that do not compress, the same in every run.
NOISE = hashlib.shake_128(b"noise").digest(300_000)
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "": bytes,
    "identity": bytes,
    "GZIP ": gzip.compress,
}


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def zeros(coding: str, mebibytes: int) -> bytes:
    compressor = (
        zlib.compressobj(9, wbits=31) if coding == "gzip" else zstandard.ZstdCompressor().compressobj()
    )
    pieces = [compressor.compress(bytes(MIB)) for _ in range(mebibytes)]
    return b"".join([*pieces, compressor.flush()])


@given(st.sampled_from(sorted(COMPRESS)), st.binary(max_size=3000), st.integers(1, 700))
def test_a_body_is_decoded_as_it_was(coding, body, size):
    assert b"".join(decoded(in_pieces(COMPRESS[coding](body), size), coding, len(body))) == body


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_that_follow_each_other_are_one_body(coding):
    data = COMPRESS[coding](b"one ") + COMPRESS[coding](b"") + COMPRESS[coding](b"two")
    assert b"".join(decoded([data], coding, 100)) == b"one two"


@pytest.mark.parametrize("coding", ["", "gzip", "zstd"])
def test_the_limit_is_exact_for_the_decoded_body_also_when_it_does_not_compress(coding):
    body = NOISE
    assert b"".join(decoded(in_pieces(COMPRESS[coding](body), 4096), coding, len(body))) == body
    with pytest.raises(OutboundRefused) as refused:
        list(decoded(in_pieces(COMPRESS[coding](body), 4096), coding, len(body) - 1))
    assert refused.value.code == "answer-too-large"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_small_body_that_would_become_a_huge_one_is_refused_in_little_memory(coding):
    data = zeros(coding, 200)
    assert len(data) < MIB // 2
    tracemalloc.start()
    with pytest.raises(OutboundRefused) as refused:
        for _ in decoded([data], coding, 10 * MIB):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "answer-too-large"
    assert peak < 40 * MIB


def test_a_stream_of_empty_members_is_cut_off_though_it_decodes_to_nothing():
    with pytest.raises(OutboundRefused) as refused:
        list(decoded((gzip.compress(b"") for _ in range(1000)), "gzip", 100))
    assert refused.value.code == "answer-too-large"


def test_a_zstd_frame_that_asks_for_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = frame.compress(NOISE[:1000]) + frame.flush()
    with pytest.raises(OutboundFailed) as failed:
        list(decoded([data], "zstd", MIB))
    assert failed.value.code == "bad-answer"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:20], lambda data: b"x" + data])
def test_damaged_or_broken_off_data_is_not_taken_for_the_whole(coding, damage):
    with pytest.raises(OutboundFailed) as failed:
        list(decoded([damage(COMPRESS[coding](b"payload " * 100))], coding, MIB))
    assert failed.value.code == "bad-answer"


@given(st.sampled_from(["gzip", "zstd"]), st.binary(min_size=1, max_size=300))
def test_noise_is_refused_and_never_crashes(coding, noise):
    with pytest.raises((OutboundFailed, OutboundRefused)):
        list(decoded([noise], coding, 100))


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "gzip,identity", "compress"])
def test_another_coding_is_refused(coding):
    with pytest.raises(OutboundRefused) as refused:
        list(decoded([b"x"], coding, 100))
    assert refused.value.code == "unknown-encoding"
