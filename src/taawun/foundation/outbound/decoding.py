"""Undoing the compression of an answer without letting a small body become a large one in memory."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

import zstandard

from taawun.foundation.outbound.errors import OutboundFailed, OutboundRefused

ACCEPTED: Final = "zstd, gzip"
# The window of RFC 8878, section 3.1.1.1.2, which RFC 9659 makes the limit for HTTP.
_ZSTD_WINDOW: Final = 8 * 1024 * 1024
# Decompressors are fed this little at a time: 512 bytes become 16 MiB at the very most (a zstd block of 4
# bytes may stand for 128 KiB), so the limit on the decoded size is met before the memory is gone.
_BITE: Final = 512
_GZIP: Final = 16 + zlib.MAX_WBITS


class _Decompressor(Protocol):
    """What the two libraries have in common."""

    def decompress(self, data: bytes, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


def decoded(chunks: Iterable[bytes], encoding: str, limit_bytes: int) -> Iterator[bytes]:
    """Decode a body as it arrives.

    Args:
        chunks: the body as it came over the wire.
        encoding: the answer's Content-Encoding (RFC 9110, section 8.4).
        limit_bytes: how large the body may be, both as it came and decoded.

    Yields:
        The decoded body in pieces.

    Raises:
        OutboundRefused: ``answer-too-large``, or ``unknown-encoding`` for another coding than gzip or zstd,
            or several on top of each other.
        OutboundFailed: ``bad-answer`` when the compressed data is damaged or breaks off.
    """
    coding = encoding.strip().lower()
    if coding in {"gzip", "x-gzip", "zstd"}:
        # What does not compress grows a little; what goes in for nothing to come out is cut off as well.
        compressed = _limited(chunks, limit_bytes + limit_bytes // 100 + 1024)
        return _limited(_decompressed(compressed, coding), limit_bytes)
    if coding not in {"", "identity"}:
        raise OutboundRefused(
            "unknown-encoding", f"The answer is encoded as {coding[:40]!a}; gzip and zstd are read."
        )
    return _limited(chunks, limit_bytes)


def _limited(chunks: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit_bytes:
            raise OutboundRefused("answer-too-large", f"The answer has more than {limit_bytes} bytes.")
        yield chunk


def _decompressed(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    decompressor: _Decompressor | None = None
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), _BITE):
                rest = chunk[start : start + _BITE]
                # Both formats may follow themselves: the next member starts where the last one ended.
                while rest:
                    decompressor = decompressor or _decompressor(coding)
                    piece = decompressor.decompress(rest)
                    if piece:
                        yield piece
                    rest = decompressor.unused_data if decompressor.eof else b""
                    if decompressor.eof:
                        decompressor = None
    except (zlib.error, zstandard.ZstdError) as error:
        raise OutboundFailed("bad-answer", f"The answer's {coding} data is damaged.") from error
    if decompressor is not None:
        raise OutboundFailed("bad-answer", f"The answer's {coding} data breaks off.")


def _decompressor(coding: str) -> _Decompressor:
    if coding == "zstd":
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    return zlib.decompressobj(_GZIP)
