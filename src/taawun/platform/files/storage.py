"""A folder whose files survive the power being cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.files.storage import FileSystemStorage

if TYPE_CHECKING:
    from django.core.files import File


class DurableFileSystemStorage(FileSystemStorage):
    """Django's folder storage, with the file and its folder synced to disk before ``save`` returns.

    A release is served as soon as its entry is committed; its bytes must not be less durable than the entry.
    """

    def _save(self, name: str, content: File[bytes]) -> str:
        saved: str = super()._save(name, content)  # type: ignore[misc]  # documented by Django, absent in its stubs
        path = self.path(saved)
        for place in (path, os.path.dirname(path)):  # noqa: PTH120 - the storage speaks in str paths
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        return saved
