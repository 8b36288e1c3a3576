"""Jobs and schedules as rows: the truth that a sweep finds again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7


class Job(models.Model):
    """One piece of background work and how far it is."""

    class State(models.TextChoices):
        """Where a job stands."""

        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=80)
    subject_id = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    result = models.JSONField(default=dict)
    # why it failed: in English for who looks for the fault, and as a code with facts for who only asks
    error = models.TextField(blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_facts = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=now)
    started = models.DateTimeField(null=True)
    # a running job's worker renews this; when it stands still, the sweep starts the job again
    heartbeat = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            # one open job for one thing: asking twice is not doing twice
            models.UniqueConstraint(
                fields=["kind", "subject_id"],
                name="work_one_open_job",
                condition=Q(state__in=["queued", "running"]),
            ),
        )
        indexes = (models.Index(fields=["state", "heartbeat"], name="work_sweep"),)


class ScheduleState(models.Model):
    """When a schedule last ran, and how it went."""

    name = models.CharField(primary_key=True, max_length=80)
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
