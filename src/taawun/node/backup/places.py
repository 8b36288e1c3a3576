"""Where what is restored is laid out, and the step into its place that comes before a process has read its settings.

Nothing here needs Django: the next command that is started calls it first (``node/commands/django.py``).
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "SUFFIX",
    "file_place",
    "files_folder",
    "finish_before_start",
    "folder",
    "mark",
    "one_at_a_time",
    "sync",
]

# of the database that is laid out, where it is a file
SUFFIX: Final = ".restoring"


def folder(home: Path) -> Path:
    """Where keys and settings are laid out."""
    return home / "restoring"


def files_folder(home: Path) -> Path:
    """Where stored files are laid out: on the disk where they will lie."""
    return home / "files" / "restoring"


def mark(home: Path) -> Path:
    """The file whose presence says that the new node is the node."""
    return folder(home) / "decided"


def file_place(home: Path, digest: str) -> Path:
    """Where a stored file lies (``platform/files``)."""
    return home / "files" / digest[:2] / digest[2:4] / digest


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Let no other process move the same things."""
    turns = home / "turns"
    turns.mkdir(mode=0o700, exist_ok=True)
    with (turns / "restoring").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sync(place: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def finish_before_start(home: Path) -> None:
    """Move the parts that a process reads as it starts: keys, settings, the file of the database."""
    if not mark(home).exists():
        return
    with one_at_a_time(home):
        if not mark(home).exists():
            return
        database = json.loads(mark(home).read_text())["sqlite"]
        if database and Path(f"{database}{SUFFIX}").exists():
            for end in ("-wal", "-shm"):
                # of the old one: it would be read into the new one
                Path(f"{database}{end}").unlink(missing_ok=True)
            Path(f"{database}{SUFFIX}").replace(database)
            sync(Path(database).parent)
        staged = folder(home) / "home"
        for path in sorted(staged.rglob("*")):
            if path.is_file():
                place = home / path.relative_to(staged)
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.replace(place)
                sync(place.parent)
