"""How far a long work is: a line on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["shown"]

_EVERY_SECONDS: Final = 0.2
_MIB: Final = 1024 * 1024


@contextmanager
def shown(word: str, total: int = 0) -> Iterator[Callable[[int], None]]:
    """Show bytes as they are dealt with.

    Args:
        word: what is done with them: “written”.
        total: how many there will be; 0 where nobody knows.

    Yields:
        What is told how many were.
    """
    if not sys.stderr.isatty():
        yield lambda _bytes: None
        return
    last = 0.0

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last < _EVERY_SECONDS:
            return
        last = time.monotonic()
        of = f" of {total / _MIB:.0f}" if total else ""
        share = f"  {100 * done // total:3d} %" if total else ""
        print(f"\r{done / _MIB:.0f}{of} MiB {word}{share} ", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
