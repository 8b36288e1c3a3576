"""The notice as a row."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7


class Notice(models.Model):
    """Something that happened and that somebody must know, until it is resolved."""

    class Level(models.TextChoices):
        """How much it matters."""

        INFORMATION = "information", _("information")
        WARNING = "warning", _("warning")
        ALARM = "alarm", _("alarm")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=80)
    level = models.CharField(max_length=12, choices=Level)
    subject = models.CharField(max_length=400)
    params = models.JSONField(default=dict)
    created = models.DateTimeField(default=now)
    # the same thing happening again is the same notice, seen again
    last_seen = models.DateTimeField(default=now)
    times = models.PositiveIntegerField(default=1)
    resolved = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "subject"], name="notices_one_open_each", condition=Q(resolved__isnull=True)
            ),
        )
        indexes = (
            # the page of notices, a partner's page and the first page read what is open, newest first
            models.Index(
                fields=["-last_seen", "-id"], name="notices_newest", condition=Q(resolved__isnull=True)
            ),
            # their history, by when they were over
            models.Index(
                fields=["-resolved", "-id"], name="notices_over", condition=Q(resolved__isnull=False)
            ),
        )
