"""The next page of a lane, read while the one before it is taken in, so that neither node waits for the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from django.db import connection

from taawun.cooperation.partners.exchange import bandwidth
from taawun.foundation.outbound import OutboundFailed, OutboundRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["MOST_AT_ONCE", "Ahead", "may_begin"]

_NAME: Final = "sync-ahead"
# over all partners: as many as are dealt with at once, and as many again that nobody wants any more, each of which ends
# with the next bytes of it
MOST_AT_ONCE: Final = 16

# what a line takes in memory beside its bytes: an empty one is not nothing
_OF_A_LINE: Final = 64


def may_begin() -> bool:
    """Whether one more page is read ahead now; else it is read when it is its turn."""
    return sum(each.name == _NAME for each in threading.enumerate()) < MOST_AT_ONCE


class Ahead:
    """A page that is on its way. Entered like the page itself, it gives the same lines and ends as it ended.

    Args:
        page: begins one that is not entered yet, given what is to be told of bytes as they come; it is read in a thread
            of its own.
        after: the entry that it begins behind.
        most_lines: how many of its lines are read.
        most_bytes: how many bytes of memory they may take; what comes beyond is not read.
    """

    def __init__(
        self,
        page: Callable[[Callable[[int], None]], AbstractContextManager[Iterator[bytes]]],
        after: int,
        *,
        most_lines: int,
        most_bytes: int,
    ) -> None:
        self.after = after
        self._left, self._room = most_lines, most_bytes
        self._lines: list[bytes] = []
        self._fault: Exception | None = None
        self._is_dropped = threading.Event()
        self._page = page(self._came_over)
        self._thread = threading.Thread(target=self._read, name=_NAME, daemon=True)
        self._thread.start()

    def _came_over(self, count: int) -> None:
        if self._is_dropped.is_set():
            raise OutboundFailed("dropped", "nobody wants the page any more")
        bandwidth.wait(count)

    def _read(self) -> None:
        try:
            with self._page as lines:
                for line in lines:
                    self._lines.append(line)
                    self._left -= 1
                    self._room -= len(line) + _OF_A_LINE
                    if self._left <= 0 or self._room <= 0 or self._is_dropped.is_set():
                        return
        except Exception as fault:  # noqa: BLE001 - it is raised where the page is entered
            self._fault = fault
        finally:
            connection.close()

    def __enter__(self) -> Iterator[bytes]:
        """Wait until it is here.

        Raises:
            PartnerRefused, AskedTooOften: as the page does.
        """
        self._thread.join()
        if self._fault and not isinstance(self._fault, OutboundFailed | OutboundRefused):
            raise self._fault
        return self._came()

    def __exit__(self, *_: object) -> None:
        self.drop()

    def drop(self) -> None:
        """Let go of what came, and of the rest: with the next bytes the page is read no further."""
        self._is_dropped.set()
        self._lines = []

    def _came(self) -> Iterator[bytes]:
        yield from self._lines
        if self._fault:
            # what came before it broke off is good
            raise self._fault
