"""Whether a node is running: what must not happen under it waits until it is stopped."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["alone", "hold"]


def hold(home: Path) -> IO[str]:
    """Say that this process runs the node, for as long as what is returned stays open. Whoever dies says it no more.

    Raises:
        BlockingIOError: somebody has the node for themselves at the moment.
    """
    file = _file(home)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


@contextmanager
def alone(home: Path) -> Iterator[bool]:
    """Have the node for oneself: nobody starts it meanwhile.

    Yields:
        Whether one has; it is running if not.
    """
    with _file(home) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _file(home: Path) -> IO[str]:
    folder = home / "turns"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return (folder / "running").open("w")
