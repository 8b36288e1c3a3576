"""How fast this machine is right now: what a figure in CPU-seconds is to be read with.

    python benchmarks/pace.py

A machine that is shared changes by a factor of two and more within seconds, in CPU time too. Figures are comparable
where the pace beside them is alike; and where it was taken again and again between the pieces of work that were
measured, what they cost at rest can be told from it (`at_rest`).
"""

from __future__ import annotations

import time

_ADDITIONS = 2_000_000
_TOLD_FOR = 10_000_000
# the best that was seen of the machine on which the figures of docs/performance.md were measured
REST = 0.23


def pace(additions: int = _ADDITIONS) -> float:
    """CPU-seconds for ten million additions in a plain loop of Python, just now.

    Args:
        additions: how many are made to tell it: fewer take less time, and tell of a shorter moment.
    """
    begun, total = time.process_time(), 0
    for number in range(additions):
        total += number
    return (time.process_time() - begun) * _TOLD_FOR / additions


def at_rest(spent: float, paced: float) -> float:
    """What cost so much CPU time at such a pace, as it would be at rest; in the unit of what was spent."""
    return spent * REST / paced


if __name__ == "__main__":
    print(f"ten million additions: {pace():.2f} CPU-s")
