"""Worker processes see how much each of them has to do, and share it out.

A connection belongs to the process that accepted it, by the chance of the kernel (SO_REUSEPORT). Of eight readers on
lasting connections six may come to one process, and wait for each other while the other process is idle. So one that
has more requests at once than another ends a connection with its answer (RFC 9112, section 9.6): its client comes
again, to whichever the kernel gives it then.
"""

import fcntl
import logging
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_logger = logging.getLogger(__name__)

# how many requests a process has, and when that last changed, in seconds of the clock that all of them share
_SLOT: Final = struct.Struct("=qd")
# who has been at the same requests for so long is at a long one, and nobody is sent there to wait for it
_STUCK_SECONDS: Final = 0.25


@contextmanager
def board(workers: int) -> Iterator[Path | None]:
    """Where worker processes write how much they have to do, for as long as the server runs.

    It lies in memory, so that a full disk hinders nothing and nothing is left of it. Where the system has no such
    thing the processes serve without it.

    Args:
        workers: how many there are.
    """
    try:
        held = os.memfd_create("taawun-load")
        os.ftruncate(held, workers * _SLOT.size)
    except (AttributeError, OSError) as error:
        _logger.info("The processes of the server do not see each other's load: %s", error)
        yield None
        return
    try:
        yield Path(f"/proc/{os.getpid()}/fd/{held}")
    finally:
        os.close(held)


class Load:
    """How many requests this process has at once, where the others see it.

    Args:
        place: the :func:`board`; None for a process that is alone.
        threads: how many requests it works on at once.
    """

    def __init__(self, place: Path | None = None, threads: int = 1) -> None:
        self._requests = 0
        # one more than it works on is no more than a client that has just been answered
        self._too_many_more = threads + 1
        self._at: int | None = None
        self._board: mmap.mmap | None = None
        if place is not None:
            try:
                self._file = place.open("r+b")
                self._board = mmap.mmap(self._file.fileno(), 0)
            except OSError as error:
                _logger.info("This process does not see the load of the others: %s", error)
        self.add(0)

    def _slot(self) -> int | None:
        """Where this process writes; None where there is no place, until another process has ended."""
        if self._at is None and self._board is not None:
            slots = range(0, len(self._board), _SLOT.size)
            # a lock is gone with its process, however it ended, and the next one takes its slot
            self._at = next((at for at in slots if self._takes(at)), None)
        return self._at

    def _takes(self, at: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SLOT.size, at)
        except OSError:
            return False
        return True

    def add(self, requests: int) -> None:
        """So many requests came; fewer than none were answered. To be called by one thread alone."""
        self._requests += requests
        at = self._slot()
        if at is not None and self._board is not None:
            _SLOT.pack_into(self._board, at, self._requests, time.monotonic())

    def is_too_much(self) -> bool:
        """Whether another process has so much less to do that a client should come again."""
        if self._at is None or self._board is None or self._requests < self._too_many_more:
            return False
        begun = time.monotonic() - _STUCK_SECONDS
        others = (
            requests for requests, since in _SLOT.iter_unpack(self._board) if not requests or since > begun
        )
        return self._requests - min(others, default=self._requests) >= self._too_many_more
