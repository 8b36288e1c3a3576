"""The machine face of background work: how far a job is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ninja import Router

from taawun.platform.registry import registry
from taawun.platform.web.api import ApiRequest, missing, require
from taawun.platform.web.formats import number
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
        error=_error(job),
        error_code=job.error_code,
        created=job.created,
        started=job.started,
        finished=job.finished,
    )


def _error(job: models.Job) -> str:
    """Why a job failed, in the reader's language; what an older node kept as a sentence is shown as it is."""
    if job.error_code == "fault":
        return _("This node failed at it; its log says why.")
    if job.error_code == "unknown-kind":
        return _("This node does not know this kind of work any more.")
    if job.error_code == "worker-died":
        attempts = int(job.error_facts.get("attempts", 0))
        sentence = ngettext(
            "The worker died %(count)s time while doing this.",
            "The worker died %(count)s times while doing this.",
            attempts,
        )
        return sentence % {"count": number(attempts)}
    return job.error
