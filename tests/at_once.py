"""Acts of several people and workers at the same moment, in threads with connections of their own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUNDS", "at_once", "faults"]

# a pair that waits for each other in a circle does so in every second or third round
ROUNDS = 6


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each of these acts returned or raised, begun in the same moment."""
    start = threading.Barrier(len(acts))
    outcomes: list[object] = [None] * len(acts)

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            start.wait()
            outcomes[place] = act()
        except Exception as problem:  # noqa: BLE001 - whatever was raised is what the test looks at
            outcomes[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def faults(outcomes: list[object], *fine: type[BaseException]) -> list[str]:
    """What was raised and should not have been."""
    return [
        f"{type(each).__name__}: {each}"
        for each in outcomes
        if isinstance(each, BaseException) and not isinstance(each, fine)
    ]
