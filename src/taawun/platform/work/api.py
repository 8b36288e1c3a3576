"""The machine face of background work: how far a job is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Router

from taawun.platform.registry import registry
from taawun.platform.web.api import ApiRequest, missing, require
from taawun.platform.work import models, schemas
from taawun.platform.work.schedules import JobKind

__all__ = ["router"]

router = Router(tags=["work"])


@router.get("/jobs/{uuid:job_id}", response=schemas.Job, summary="Watch a job")
def get_job(request: ApiRequest, job_id: UUID) -> schemas.Job:
    """How far a job is. A finished one is kept for a week; what it did lives on in what it made."""
    job = models.Job.objects.filter(id=job_id).first()
    kind = registry.find(JobKind, job.kind) if job else None
    if job is None or kind is None or not kind.permission:
        missing("no-such-job", _("There is no such job, or it is over for more than a week."))
    require(request, kind.permission)
    state: Any = job.state  # one of the words of schemas.Job.state, held by the model's choices
    return schemas.Job(
        id=job.id,
        kind=job.kind,
        label=str(kind.label),
        subject_id=job.subject_id,
        state=state,
        done=job.done,
        total=job.total,
        result=job.result,
        error=job.error,
        created=job.created,
        started=job.started,
        finished=job.finished,
    )
