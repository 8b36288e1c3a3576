"""The worker process: jobs in the main thread, schedules and loops beside it."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection
from django_tasks_db.management.commands.db_worker import Worker

from taawun.platform.registry import registry
from taawun.platform.work import actions
from taawun.platform.work.schedules import Loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["work"]

log = logging.getLogger(__name__)

_JOB_POLL_SECONDS = 0.2
_SCHEDULE_POLL_SECONDS = 1.0
_RESTART_SECONDS = 5.0


class _Worker(Worker):
    """Leaves between two jobs."""

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Ask the loop to end; asked a second time, end the job at hand too.

        django-tasks-db leaves by an exception wherever the signal happens to find it. In the middle of a commit that
        breaks the connection: the worker dies of it with status 1, and what it had claimed waits for its lease.
        """
        if self.running:
            self.running = False
        else:
            super().shutdown(signum, frame)


def work() -> None:
    """Work until told to stop (SIGTERM or SIGINT), which lets the job at hand finish."""
    stop = threading.Event()
    threads = [_start("schedules", _schedules, stop)]
    threads += [_start(loop.name, loop.run, stop) for loop in registry.all(Loop)]
    worker = _Worker(
        queue_names=["*"],
        interval=_JOB_POLL_SECONDS,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=f"{os.uname().nodename[:40]}-{os.getpid()}",
        excluded_queue_names=[],
    )
    worker.configure_signals()
    try:
        worker.run()
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)


def _start(name: str, body: Callable[[threading.Event], None], stop: threading.Event) -> threading.Thread:
    def guarded() -> None:
        while not stop.is_set():
            try:
                body(stop)
            except Exception:
                # a loop that fell over must not take its node off the air until somebody looks
                log.exception("loop %s fell over; it starts again in %s s", name, _RESTART_SECONDS)
                stop.wait(_RESTART_SECONDS)
            finally:
                connection.close()

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread


def _schedules(stop: threading.Event) -> None:
    while not stop.wait(_SCHEDULE_POLL_SECONDS):
        close_old_connections()
        actions.run_due_schedules()
