"""A folder whose files survive the power being cut."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from django.core.files.storage import FileSystemStorage

if TYPE_CHECKING:
    from django.core.files import File


class DurableFileSystemStorage(FileSystemStorage):
    """Django's folder storage, where a file is there whole and for good once ``save`` returns, or not at all.

    A release is served as soon as its entry is committed; its bytes must not be less durable than the entry. And
    a file that a killed process left half-written under its name would pass for stored ever after.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: names are digests, so whoever stores under a name that is taken stores the same bytes."""
        del max_length
        return name

    def _save(self, name: str, content: File[bytes]) -> str:
        part: str = super()._save(f"{name}.{secrets.token_hex(8)}.part", content)  # type: ignore[misc]  # documented by Django, absent in its stubs
        path = self.path(name)
        _sync(self.path(part))
        os.replace(self.path(part), path)  # noqa: PTH105 - the storage speaks in str paths
        _sync(os.path.dirname(path))  # noqa: PTH120 - as above
        return name


def _sync(place: str) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
