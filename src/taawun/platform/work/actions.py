"""Starting jobs, running them, and finding again what a dead worker left."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from taawun.foundation.clock import now
from taawun.platform.registry import registry
from taawun.platform.work.models import Job, ScheduleState
from taawun.platform.work.schedules import JobKind, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

__all__ = ["enqueue", "prune", "run", "run_due_schedules", "sweep"]

log = logging.getLogger(__name__)

BEAT = timedelta(seconds=5)
LEASE = timedelta(seconds=20)
KEEP = timedelta(days=7)
MAX_ATTEMPTS = 5
_REPORT_SECONDS = 0.5


def enqueue(kind: str, subject_id: str) -> Job:
    """Ask for a job, in the caller's transaction. Asking again while it is open gives the open one.

    Args:
        kind: name of a registered :class:`JobKind`.
        subject_id: id of the row the job is about.

    Raises:
        NotRegistered: there is no such kind.
    """
    registry.get(JobKind, kind)
    with transaction.atomic():
        job, created = Job.objects.get_or_create(
            kind=kind, subject_id=subject_id, state__in=(Job.State.QUEUED, Job.State.RUNNING)
        )
        if created:
            _hand_over(job)
    return job


def _hand_over(job: Job) -> None:
    from taawun.platform.work.tasks import run_job  # noqa: PLC0415 - the task calls back into this module

    run_job.enqueue(str(job.id))


def run(job_id: UUID | str) -> None:
    """Run a queued job to its end. A job that is running elsewhere, or over, is left alone."""
    job = _claim(job_id)
    if job is None:
        return
    kind = registry.get(JobKind, job.kind)
    try:
        with _beating(job):
            result = kind.run(_JobReporter(job), job.subject_id)
    except Exception as error:
        log.exception("job %s (%s) failed", job.id, job.kind)
        _fail(job, kind, "fault", f"{type(error).__name__}: {error}")
        return
    Job.objects.filter(id=job.id, attempts=job.attempts).update(
        state=Job.State.DONE, result=result, finished=now(), error=""
    )


def _claim(job_id: UUID | str) -> Job | None:
    claimed = Job.objects.filter(id=job_id, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING, started=now(), heartbeat=now(), attempts=F("attempts") + 1
    )
    return Job.objects.get(id=job_id) if claimed else None


def _fail(job: Job, kind: JobKind | None, code: str, error: str) -> None:
    # a worker that was thought dead, or a sweep that is late, has no say in what another one does by now
    attempt = Job.objects.filter(id=job.id, attempts=job.attempts, state=Job.State.RUNNING)
    with transaction.atomic():
        if (
            attempt.update(
                state=Job.State.FAILED,
                error=error,
                error_code=code,
                error_facts={"attempts": job.attempts},
                finished=now(),
            )
            and kind
            and kind.give_up
        ):
            kind.give_up(job.subject_id, error)


class _JobReporter:
    """Writes progress to the job's row, at most twice a second."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._written = 0.0

    def progress(self, done: int, total: int | None = None) -> None:
        if time.monotonic() - self._written < _REPORT_SECONDS and done != total:
            return
        self._written = time.monotonic()
        Job.objects.filter(id=self._job.id, attempts=self._job.attempts).update(done=done, total=total)


@contextmanager
def _beating(job: Job) -> Iterator[None]:
    """Renew the job's lease from a thread of its own while the body works."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT.total_seconds()):
                try:
                    Job.objects.filter(id=job.id, attempts=job.attempts).update(heartbeat=now())
                except OperationalError:  # the database is busy; the next beat comes soon enough
                    log.warning("a beat of job %s was missed", job.id, exc_info=True)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"beat-{job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def sweep() -> int:
    """Start again every job whose worker died or never took it up, and give up on those that keep dying.

    Returns:
        How many jobs were started again.
    """
    # unfinished rows of the task queue whose job moved on are only hints; they are pruned with the finished ones
    dead = Job.objects.filter(state=Job.State.RUNNING).filter(
        Q(heartbeat__lt=now() - LEASE) | Q(heartbeat__isnull=True)
    )
    again = 0
    for job in _without_a_hint():
        _hand_over(job)
        again += 1
    for job in dead:
        kind = registry.find(JobKind, job.kind)
        if kind is None:
            _fail(job, None, "unknown-kind", f"this node does not know the kind {job.kind}")
            continue
        if job.attempts >= MAX_ATTEMPTS:
            _fail(job, kind, "worker-died", f"the worker died {job.attempts} times while doing this")
            continue
        with transaction.atomic():
            freed = Job.objects.filter(id=job.id, state=Job.State.RUNNING, attempts=job.attempts).update(
                state=Job.State.QUEUED
            )
            if freed:
                _hand_over(job)
                again += 1
    return again


def _without_a_hint() -> list[Job]:
    """Jobs that wait and that no task will take up: its worker died between taking the task and the job."""
    waiting = list(Job.objects.filter(state=Job.State.QUEUED, created__lt=now() - LEASE))
    if not waiting:
        return []
    tasks = DBTaskResult.objects.filter(status=TaskResultStatus.READY).values_list("args_kwargs", flat=True)
    hinted = {argument for task in tasks for argument in task["args"]}
    return [job for job in waiting if str(job.id) not in hinted]


def prune() -> int:
    """Remove finished jobs, and the queue's own rows, after a week. What they did lives in the rows they made.

    Returns:
        How many jobs were removed.
    """
    before = now() - KEEP
    DBTaskResult.objects.filter(enqueued_at__lt=before).delete()
    removed, _ = Job.objects.filter(finished__lt=before).delete()
    return removed


def run_due_schedules() -> int:
    """Run every schedule whose time has come and which no other worker took.

    Returns:
        How many ran.
    """
    # to look costs one question; to claim is to write, every second for each schedule while nothing is due
    begun = dict(ScheduleState.objects.values_list("name", "started"))
    return sum(
        _run_if_due(schedule)
        for schedule in registry.all(Schedule)
        if (started := begun.get(schedule.name)) is None or started <= now() - schedule.every
    )


def _run_if_due(schedule: Schedule) -> bool:
    ScheduleState.objects.get_or_create(name=schedule.name)
    claimed = (
        ScheduleState.objects.filter(name=schedule.name)
        .filter(Q(started__isnull=True) | Q(started__lte=now() - schedule.every))
        .update(started=now())
    )
    if not claimed:
        return False
    error = ""
    try:
        schedule.run()
    except Exception as failure:
        log.exception("schedule %s failed", schedule.name)
        error = f"{type(failure).__name__}: {failure}"
    ScheduleState.objects.filter(name=schedule.name).update(finished=now(), error=error)
    return True
