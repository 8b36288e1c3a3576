"""How fast this machine is right now: what a figure in CPU-seconds is to be read with.

    python benchmarks/pace.py

A machine that is shared changes by a factor of two and more within minutes, in CPU time too. Figures are comparable
where the pace beside them is alike.
"""

from __future__ import annotations

import time

_ADDITIONS = 2_000_000
_TOLD_FOR = 10_000_000


def pace() -> float:
    """CPU-seconds for ten million additions in a plain loop of Python, just now."""
    begun, total = time.process_time(), 0
    for number in range(_ADDITIONS):
        total += number
    return (time.process_time() - begun) * _TOLD_FOR / _ADDITIONS


if __name__ == "__main__":
    print(f"ten million additions: {pace():.2f} CPU-s")
