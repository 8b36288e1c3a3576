"""What is stored, and who uses it."""

from __future__ import annotations

from django.db import models

from taawun.foundation.clock import now


class StoredFile(models.Model):
    """Bytes in storage, known by their SHA-256. The same bytes are stored once."""

    digest = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    created = models.DateTimeField(default=now)


class FileUse(models.Model):
    """A thing that needs a file. A file without a use goes at the next sweep."""

    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="uses")
    owner = models.CharField(max_length=400)  # URN of the thing
    name = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["file", "owner"], name="files_one_use_each"),)
