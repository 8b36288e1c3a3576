"""The machine face of background work: how far a job is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ninja import Router

from taawun.platform.registry import registry
from taawun.platform.web.api import ApiRequest, missing
from taawun.platform.web.formats import number
from taawun.platform.work import models, schemas
from taawun.platform.work.schedules import JobKind

__all__ = ["router"]

router = Router(tags=["work"])


@router.get("/jobs/{uuid:job_id}", response=schemas.Job, summary="Watch a job")
def get_job(request: ApiRequest, job_id: UUID) -> schemas.Job:
    """How far a job is, for whoever may see what it is about. A finished one is kept for a week."""
    job = models.Job.objects.filter(id=job_id).first()
    kind = registry.find(JobKind, job.kind) if job else None
    # one that is not theirs to see is answered as one that is not there
    if (
        job is None
        or kind is None
        or kind.visible is None
        or not kind.visible(request.auth.actor, job.subject_id)
    ):
        missing("no-such-job", _("There is no such job, or it is over for more than a week."))
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
