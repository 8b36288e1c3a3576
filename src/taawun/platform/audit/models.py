"""The trail's only noun."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7


class Entry(models.Model):
    """One act: who did what to which thing, when.

    A row is written in the transaction of the act itself, so there is no act without its row. The sealing sweep
    then gives it its place in the chain: ``seq`` (1, 2, 3 … without gaps) and ``digest``, which covers the row and
    the digest before it. Chaining inside the act would make every writer queue for one row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=now, editable=False)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=300)
    actor_label = models.CharField(max_length=300)
    verb = models.CharField(max_length=80)
    subject = models.CharField(max_length=400)
    details = models.JSONField(default=dict)
    seq = models.BigIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="audit_sealed_wholly_or_not",
                condition=Q(seq__isnull=True, digest="") | (Q(seq__isnull=False) & ~Q(digest="")),
            ),
        )
        indexes = (
            # the trail page filters by each of these and reads newest first
            models.Index(fields=["verb", "-id"], name="audit_by_verb"),
            models.Index(fields=["subject", "-id"], name="audit_by_subject"),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
            # the sealing sweep asks for the rows that have no place yet
            models.Index(fields=["id"], name="audit_unsealed", condition=Q(seq__isnull=True)),
        )
