"""Compressing what goes over a line, in the codings that HTTP names (RFC 9110, section 8.4; RFC 8878 for zstd)."""

from __future__ import annotations

import gzip
import re
from typing import Final

import zstandard

__all__ = ["chosen", "compressed"]

# in the order of preference: zstd is smaller and faster
_CODINGS: Final = ("zstd", "gzip")
# beyond these a page takes more time than it saves on a line of some megabits
_ZSTD_LEVEL: Final = 6
_GZIP_LEVEL: Final = 6
_NONE: Final = re.compile(r"q\s*=\s*0(\.0*)?\s*$")


def chosen(accepted: str) -> str:
    """The coding for an answer.

    Args:
        accepted: the request's Accept-Encoding (RFC 9110, section 12.5.3); weights other than 0 are not looked at.

    Returns:
        ``zstd``, ``gzip``, or empty where neither is read.
    """
    named = [part.partition(";") for part in accepted.lower().split(",")]
    read = {name.strip() for name, _semicolon, weight in named if not _NONE.match(weight.strip())}
    return next((coding for coding in _CODINGS if coding in read), "")


def compressed(body: bytes, coding: str) -> bytes:
    """A body in a coding that :func:`chosen` answered, or as it is where that is empty."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
    if coding == "gzip":
        return gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return body
