"""What something costs in what no other process changes: the calls of functions that Python makes for it."""

from __future__ import annotations

import sys
from collections.abc import Callable

__all__ = ["calls_of"]


def calls_of(action: Callable[[], object]) -> int:
    """How many functions written in Python are called while this is done; benchmarks measure the time."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls
