"""SHA-256, at once and in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation.digests import Sha256Stream, as_sha256, sha256


# The examples of FIPS 180-4 as published by NIST.
@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_the_published_examples(data, digest):
    assert sha256(data) == digest


@given(st.lists(st.binary(max_size=50)))
def test_pieces_have_the_digest_and_size_of_the_whole(pieces):
    stream = Sha256Stream()
    for piece in pieces:
        stream.update(piece)
    whole = b"".join(pieces)
    assert (stream.hexdigest(), stream.size) == (sha256(whole), len(whole))


@pytest.mark.parametrize("value", ["a" * 64, "0123456789abcdef" * 4])
def test_a_digest_is_taken_in_the_one_way_it_is_written(value: str) -> None:
    assert as_sha256(value) == value


@pytest.mark.parametrize(
    "value", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", None, 5, b"a" * 64]
)
def test_what_is_no_digest_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        as_sha256(value)
