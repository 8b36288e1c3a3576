"""Worker processes see how much each of them has to do, and share it out.

A connection belongs to the process that accepted it, by the chance of the kernel (SO_REUSEPORT). Of eight readers on
lasting connections six may come to one process, and wait for each other while the other process is idle. So one that
has more requests at once than another ends a connection with its answer (RFC 9112, section 9.6): its client comes
again, to whichever the kernel gives it then.
"""

import fcntl
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

_SLOT: Final = struct.Struct("=q")
# one more is no more than a client that has just been answered
_TOO_MANY_MORE: Final = 2


@contextmanager
def board(workers: int, folder: Path | None = None) -> Iterator[Path]:
    """A file on which worker processes write how much they have to do, for as long as the server runs.

    Args:
        workers: how many there are.
        folder: where to put it; the system's own where it is None.
    """
    with NamedTemporaryFile(dir=folder, prefix="load-") as file:
        file.truncate(workers * _SLOT.size)
        yield Path(file.name)


class Load:
    """How many requests this process has at once, where the others see it.

    Args:
        place: the :func:`board`; None for a process that is alone.
    """

    def __init__(self, place: Path | None = None) -> None:
        self._requests = 0
        self._at: int | None = None
        if place is not None:
            self._file = place.open("r+b")
            self._board = mmap.mmap(self._file.fileno(), 0)
            slots = range(0, len(self._board), _SLOT.size)
            # a lock is gone with its process, however it ended, and the next one takes its slot
            self._at = next((at for at in slots if self._takes(at)), None)
            self.add(0)

    def _takes(self, at: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SLOT.size, at)
        except OSError:
            return False
        return True

    def add(self, requests: int) -> None:
        """So many requests came; fewer than none were answered. To be called by one thread alone."""
        self._requests += requests
        if self._at is not None:
            _SLOT.pack_into(self._board, self._at, self._requests)

    def is_too_much(self) -> bool:
        """Whether another process has so much less to do that a client should come again."""
        if self._at is None or self._requests < _TOO_MANY_MORE:
            return False
        least: int = min(requests for (requests,) in _SLOT.iter_unpack(self._board))
        return self._requests - least >= _TOO_MANY_MORE
