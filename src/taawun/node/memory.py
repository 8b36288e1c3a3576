"""What stays in memory until a process ends is not looked through for what is unreachable.

The modules, models and schemas of a node are hundreds of thousands of objects, of which none is ever let go. Python
would look through them again and again while they are imported, at each full collection of a server, and three times
more when the process ends: a sixth of the time of a start, a quarter of that of a request, and half a second of each
end.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["imported_to_stay", "leave", "serve_long"]

# new objects that are still there, after which Python looks for unreachable ones among them: a request makes some
# thousands, and nearly all of them go by themselves
_LOOK_AFTER: Final = 50_000


@contextmanager
def imported_to_stay() -> Iterator[None]:
    """What is imported within is kept for good, with all else that there is."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def serve_long() -> None:
    """Keep for good what is loaded by now, and look for what is unreachable less often.

    By default Python looks through new objects at every 700th, and through all of them at every 70,000th.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOK_AFTER, 10, 10)


def leave() -> None:
    """Close what the end of the process would leave open, and let it end at once.

    SQLite puts its ``-wal`` into the file when the last connection is closed. Django's lie in circles, which only a
    collection would find.
    """
    from django.db import connections  # noqa: PLC0415 - whoever imports this may not need Django

    connections.close_all()
    gc.freeze()
