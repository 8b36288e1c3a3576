"""Storing, opening and letting go of files."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Final

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from taawun.foundation.clock import now
from taawun.foundation.digests import Sha256Stream
from taawun.platform.files.errors import FileGone, FileTooLarge
from taawun.platform.files.models import FileUse, StoredFile
from taawun.platform.work.turns import hold_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SWEEP", "let_go", "open_file", "place_of", "read", "store", "sweep"]

# the turn of whoever removes files; while a backup has it, none is removed
SWEEP: Final = "files.sweep"

_MEMORY = 1024 * 1024
# a file stored moments ago may belong to a transaction that has not committed its use yet
_GRACE = timedelta(hours=1)


def store(chunks: Iterable[bytes], *, owner: str, limit: int, name: str = "") -> StoredFile:
    """Store bytes for an owner; bytes that are there already are not stored again.

    Args:
        chunks: the bytes, in order.
        owner: URN of the thing that needs the file.
        limit: the most bytes to take.
        name: what the file was called, for people.

    Raises:
        FileTooLarge: there is more than ``limit``; nothing is stored.
    """
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY) as spool:
        stream = Sha256Stream()
        for chunk in chunks:
            stream.update(chunk)
            if stream.size > limit:
                raise FileTooLarge(limit)
            spool.write(chunk)
        digest, size = stream.hexdigest(), stream.size
        _put(digest, spool)
        with transaction.atomic():
            # locked, so that a sweep that is removing the same file is waited for, and its work undone
            files = StoredFile.objects.select_for_update()
            stored, _ = files.get_or_create(digest=digest, defaults={"size": size})
            FileUse.objects.get_or_create(file=stored, owner=owner, defaults={"name": name[:300]})
            _put(digest, spool)
    return stored


def _put(digest: str, spool: IO[bytes]) -> None:
    place = place_of(digest)
    if not default_storage.exists(place):
        spool.seek(0)
        default_storage.save(place, File(spool, name=digest))


def open_file(digest: str) -> IO[bytes]:
    """Open a stored file for reading.

    Raises:
        FileGone: storage does not have it.
    """
    try:
        return default_storage.open(place_of(digest), "rb")
    except FileNotFoundError as missing:
        raise FileGone(f"the file {digest} is not in storage") from missing


def read(digest: str) -> bytes:
    """All bytes of a stored file.

    Raises:
        FileGone: storage does not have it.
    """
    with open_file(digest) as handle:
        return handle.read()


def let_go(owner: str) -> int:
    """Say that an owner needs its files no longer.

    Returns:
        How many uses ended.
    """
    ended, _ = FileUse.objects.filter(owner=owner).delete()
    return ended


def sweep() -> int:
    """Remove files that nobody uses; nothing while a backup is being made.

    Returns:
        How many files were removed.
    """
    with hold_turn(SWEEP) as is_ours:
        return _sweep() if is_ours else 0


def _sweep() -> int:
    removed = 0
    for stored in StoredFile.objects.filter(uses__isnull=True, created__lt=now() - _GRACE):
        with transaction.atomic():
            held = StoredFile.objects.select_for_update().filter(digest=stored.digest).first()
            if held is None or held.uses.exists():
                continue
            held.delete()
            # before the row's lock is let go: whoever stores the same bytes now finds them gone and puts them back
            default_storage.delete(place_of(stored.digest))
        removed += 1
    return removed


def place_of(digest: str) -> str:
    """Where a file lies in storage."""
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
