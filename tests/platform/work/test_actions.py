"""Background work: claimed once, found again after a worker died, given up when it keeps dying."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoAssertNumQueries

from taawun.foundation.clock import frozen, now, timestamp
from taawun.platform.registry import NotRegistered, registry
from taawun.platform.work import actions
from taawun.platform.work.actions import (
    KEEP,
    LEASE,
    MAX_ATTEMPTS,
    enqueue,
    prune,
    run,
    run_due_schedules,
    sweep,
)
from taawun.platform.work.models import Job, ScheduleState
from taawun.platform.work.schedules import JobKind, Loop, Reporter, Schedule
from taawun.platform.work.worker import work

pytestmark = pytest.mark.django_db

DEAD = LEASE + timedelta(seconds=1)


@dataclass
class Bench:
    """What the kind of job ``tests.job`` does and did."""

    did: list[str] = field(default_factory=list)
    given_up: list[tuple[str, str]] = field(default_factory=list)
    during: Callable[[Reporter], None] = lambda _reporter: None
    given_up_problem: Exception | None = None

    def run(self, reporter: Reporter, subject_id: str) -> dict[str, object]:
        self.did.append(subject_id)
        self.during(reporter)
        return {"number": len(self.did)}

    def give_up(self, subject_id: str, error: str) -> None:
        if self.given_up_problem:
            raise self.given_up_problem
        self.given_up.append((subject_id, error))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    kind = JobKind("tests.job", "Job", made.run, made.give_up)
    monkeypatch.setitem(registry._parts[JobKind], "tests.job", kind)
    return made


def _at_once(count: int, task: Callable[[], object]) -> None:
    def guarded() -> None:
        try:
            task()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- asking for work ------------------------------------------------------------------------------------------------


def test_asking_again_while_it_is_open_is_asking_once(bench: Bench) -> None:
    first = enqueue("tests.job", "a")
    assert enqueue("tests.job", "a") == first
    assert enqueue("tests.job", "b") != first
    assert (first.state, DBTaskResult.objects.count()) == ("queued", 2)
    run(first.id)
    assert enqueue("tests.job", "a") != first


def test_a_kind_nobody_registered_is_not_asked_for() -> None:
    with pytest.raises(NotRegistered):
        enqueue("tests.unknown", "a")
    assert not Job.objects.exists()


def test_what_was_asked_for_in_a_transaction_that_was_undone_is_not_done(bench: Bench) -> None:
    with transaction.atomic():
        enqueue("tests.job", "a")
        transaction.set_rollback(True)
    assert (Job.objects.count(), DBTaskResult.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_many_that_ask_at_once_ask_once(bench: Bench) -> None:
    _at_once(4, lambda: enqueue("tests.job", "a"))
    assert (Job.objects.count(), DBTaskResult.objects.count()) == (1, 1)


# ---- doing it -------------------------------------------------------------------------------------------------------


def test_a_job_is_done_once_and_keeps_its_result(bench: Bench) -> None:
    with frozen(now()) as clock:
        job = enqueue("tests.job", "a")
        run(job.id)
        run(str(job.id))
        job.refresh_from_db()
        assert (job.state, job.result, job.attempts, job.error) == ("done", {"number": 1}, 1, "")
        assert (job.started, job.finished) == (clock.now(), clock.now())
    assert bench.did == ["a"]


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_one_claims_a_job(bench: Bench) -> None:
    bench.during = lambda _reporter: time.sleep(0.2)
    job = enqueue("tests.job", "a")
    _at_once(4, lambda: run(job.id))
    job.refresh_from_db()
    assert (bench.did, job.state, job.attempts) == (["a"], "done", 1)


def test_a_job_that_fails_says_why_and_gives_up_its_row(bench: Bench) -> None:
    def fail(_reporter: Reporter) -> None:
        raise ValueError("the file is empty")

    bench.during = fail
    job = enqueue("tests.job", "a")
    run(job.id)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "ValueError: the file is empty")
    assert job.error_code == "fault"
    assert job.finished is not None
    assert bench.given_up == [("a", "ValueError: the file is empty")]


def test_progress_is_written_at_once_and_then_at_most_twice_a_second(bench: Bench) -> None:
    seen: list[tuple[int, int | None]] = []

    def during(reporter: Reporter) -> None:
        for done, total in ((1, 10), (2, 10), (3, 10), (10, 10)):
            reporter.progress(done, total)
            seen.append(Job.objects.values_list("done", "total").get())

    bench.during = during
    run(enqueue("tests.job", "a").id)
    assert seen == [(1, 10), (1, 10), (1, 10), (10, 10)]


@pytest.mark.django_db(transaction=True)
def test_while_it_is_done_its_lease_is_renewed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BEAT", timedelta(milliseconds=20))
    beats = []

    def during(_reporter: Reporter) -> None:
        for _ in range(3):
            time.sleep(0.2)
            beats.append(timestamp(Job.objects.get().heartbeat))

    bench.during = during
    run(enqueue("tests.job", "a").id)
    assert beats == sorted(set(beats))
    assert len(beats) == 3


# ---- what a dead worker left ----------------------------------------------------------------------------------------


def _left_behind(attempts: int = 1, ago: timedelta | None = DEAD, kind: str = "tests.job") -> Job:
    """A job as a worker left it that died so long ago."""
    return Job.objects.create(
        kind=kind,
        subject_id="a",
        state="running",
        attempts=attempts,
        heartbeat=None if ago is None else now() - ago,
    )


@pytest.mark.parametrize(
    ("ago", "again"), [(DEAD, 1), (None, 1), (timedelta(0), 0), (LEASE - timedelta(seconds=1), 0)]
)
def test_a_job_whose_lease_ran_out_is_started_again(bench: Bench, ago: timedelta | None, again: int) -> None:
    job = _left_behind(ago=ago)
    assert [sweep(), sweep()] == [again, 0]
    assert DBTaskResult.objects.count() == again
    run(job.id)
    assert bench.did == ["a"] * again


def test_a_job_that_kills_its_workers_is_given_up_in_the_end(bench: Bench) -> None:
    job = enqueue("tests.job", "a")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        Job.objects.update(state="running", attempts=attempt, heartbeat=now() - DEAD)
        sweep()
        job.refresh_from_db()
        assert job.state == ("queued" if attempt < MAX_ATTEMPTS else "failed")
    assert job.error == "the worker died 5 times while doing this"
    assert (job.error_code, job.error_facts) == ("worker-died", {"attempts": 5})
    assert bench.given_up == [("a", job.error)]
    assert sweep() == 0


def test_a_job_whose_kind_is_gone_holds_up_no_other(bench: Bench) -> None:
    gone, job = _left_behind(kind="tests.gone"), _left_behind()
    assert sweep() == 1
    gone.refresh_from_db()
    job.refresh_from_db()
    assert (gone.state, gone.error) == ("failed", "this node does not know the kind tests.gone")
    assert job.state == "queued"


def test_a_worker_that_was_thought_dead_changes_nothing_of_what_another_does_by_now(bench: Bench) -> None:
    def during(reporter: Reporter) -> None:
        # the lease ran out, and another worker took the job up
        Job.objects.update(attempts=2, done=7)
        reporter.progress(3, 9)
        raise ValueError("too late")

    bench.during = during
    job = enqueue("tests.job", "a")
    run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error, job.done) == ("running", 2, "", 7)
    assert bench.given_up == []


def test_a_sweep_that_comes_late_does_not_undo_a_job_that_is_done(bench: Bench) -> None:
    job = _left_behind(attempts=MAX_ATTEMPTS)
    stale = Job.objects.get()
    Job.objects.update(state="done")
    actions._fail(stale, registry.get(JobKind, "tests.job"), "fault", "died")
    job.refresh_from_db()
    assert (job.state, bench.given_up) == ("done", [])


def test_what_fails_while_giving_up_is_tried_again(bench: Bench) -> None:
    job = _left_behind(attempts=MAX_ATTEMPTS)
    bench.given_up_problem = RuntimeError("no")
    with pytest.raises(RuntimeError):
        sweep()
    job.refresh_from_db()
    assert job.state == "running"
    bench.given_up_problem = None
    sweep()
    job.refresh_from_db()
    assert (job.state, len(bench.given_up)) == ("failed", 1)


def test_a_job_that_waits_without_a_task_to_take_it_up_is_handed_over_again(bench: Bench) -> None:
    with frozen(now()) as clock:
        lost, kept = enqueue("tests.job", "a"), enqueue("tests.job", "b")
        # a worker took the task, and died before it took the job
        task = DBTaskResult.objects.get(args_kwargs__args=[str(lost.id)])
        DBTaskResult.objects.filter(id=task.id).update(status="RUNNING")
        assert sweep() == 0
        clock.advance(DEAD)
        assert [sweep(), sweep()] == [1, 0]
    ready = DBTaskResult.objects.filter(status="READY")
    assert sorted(each.args_kwargs["args"][0] for each in ready) == sorted([str(lost.id), str(kept.id)])


def test_what_was_done_is_forgotten_after_a_week(bench: Bench) -> None:
    with frozen(now()) as clock:
        done = enqueue("tests.job", "a")
        run(done.id)
        clock.advance(KEEP)
        waiting = enqueue("tests.job", "b")
        assert prune() == 0
        clock.advance(timedelta(seconds=1))
        assert prune() == 1
    assert list(Job.objects.all()) == [waiting]


# ---- schedules ------------------------------------------------------------------------------------------------------


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One schedule, every ten seconds; what it is to raise, and what it did."""
    ran: list[Any] = []

    def tick() -> None:
        ran.append(now())
        if ran[0] is not None and isinstance(ran[0], Exception):
            raise ran[0]

    every = Schedule("tests.tick", timedelta(seconds=10), tick)
    monkeypatch.setitem(registry._parts, Schedule, {"tests.tick": every})
    return ran


def test_a_schedule_runs_when_its_time_has_come(schedule: list[Any]) -> None:
    with frozen(now()) as clock:
        assert [run_due_schedules(), run_due_schedules()] == [1, 0]
        clock.advance(timedelta(seconds=9))
        assert run_due_schedules() == 0
        clock.advance(timedelta(seconds=1))
        assert run_due_schedules() == 1
        assert len(schedule) == 2
        state = ScheduleState.objects.get()
        assert (state.started, state.finished, state.error) == (clock.now(), clock.now(), "")


def test_while_nothing_is_due_a_look_asks_once_and_claims_nothing(
    schedule: list[Any], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with frozen(now()):
        run_due_schedules()
        with django_assert_num_queries(1):
            assert run_due_schedules() == 0


def test_a_schedule_that_fails_says_so_and_runs_again(schedule: list[Any]) -> None:
    schedule.append(RuntimeError("no"))
    with frozen(now()) as clock:
        assert run_due_schedules() == 1
        assert ScheduleState.objects.get().error == "RuntimeError: no"
        schedule.clear()
        clock.advance(timedelta(seconds=10))
        assert run_due_schedules() == 1
        assert ScheduleState.objects.get().error == ""


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_one_runs_a_schedule(schedule: list[Any]) -> None:
    for _ in range(5):
        ScheduleState.objects.update(started=None)
        _at_once(4, run_due_schedules)
    assert len(schedule) == 5


# ---- real processes -------------------------------------------------------------------------------------------------


def _database_url() -> str:
    """Where the database of the tests is, as another process takes it."""
    held = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{held['NAME']}"
    return f"postgresql://{held['USER']}@/{held['NAME']}?host={held['HOST']}"


@contextmanager
def _worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "TAAWUN_HOME": str(settings.HOME),
        "TAAWUN_DATABASE_URL": _database_url(),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.platform.work.worker_process", str(folder)], env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lines(place: Path) -> list[str]:
    return place.read_text().split() if place.exists() else []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_job_whose_worker_is_killed_is_done_once_by_the_next(bench: Bench, tmp_path: Path) -> None:
    job = enqueue("tests.job", "a")
    with _worker(tmp_path) as first:
        _until(lambda: _lines(tmp_path / "begun"))
        _until(lambda: Job.objects.get().done == 1)
        first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("running", 1)
    assert _lines(tmp_path / "done") == []
    # the lease runs out; a test does not wait for it
    Job.objects.update(heartbeat=now() - DEAD)
    (tmp_path / "go").touch()
    with _worker(tmp_path) as second:
        _until(lambda: Job.objects.get().state == "done")
        second.send_signal(signal.SIGTERM)
        assert second.wait(30) == 0
    job.refresh_from_db()
    assert (job.attempts, job.result) == (2, {"subject": "a"})
    assert (_lines(tmp_path / "begun"), _lines(tmp_path / "done")) == (["a", "a"], ["a"])


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_told_to_stop_finishes_the_job_at_hand(bench: Bench, tmp_path: Path) -> None:
    enqueue("tests.job", "a")
    enqueue("tests.job", "b")
    with _worker(tmp_path) as worker:
        _until(lambda: _lines(tmp_path / "begun"))
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        (tmp_path / "go").touch()
        assert worker.wait(30) == 0
    assert _lines(tmp_path / "done") == ["a"]
    assert dict(Job.objects.values_list("subject_id", "state")) == {"a": "done", "b": "queued"}


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_told_to_stop_while_it_writes_ends_what_it_writes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._parts, Loop, {})
    enqueue("tests.job", "a")
    told: list[str] = []

    def tell(execute: Callable[..., object], sql: str, params: object, many: bool, context: object) -> object:
        answer = execute(sql, params, many, context)
        if not told and sql.startswith("UPDATE") and "django_tasks" in sql:
            told.append(sql)
            signal.raise_signal(signal.SIGTERM)
        return answer

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)}
    try:
        with connection.execute_wrapper(tell):
            work()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert len(told) == 1
    assert (bench.did, Job.objects.get().state) == (["a"], "done")
