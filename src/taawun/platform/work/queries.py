"""Reading jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import UUIDField

from taawun.platform.registry import registry
from taawun.platform.web.questions import Question, given
from taawun.platform.work.models import Job, ScheduleState
from taawun.platform.work.schedules import Schedule

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["late_and_failed", "pulse"]

# a schedule is late when it did not run for so many times its rhythm, and not before two minutes are over
_LATE: Final = 10
_AT_LEAST: Final = timedelta(minutes=2)


def late_and_failed(at: datetime) -> tuple[list[str], dict[str, str]]:
    """The names of the schedules that did not run when they should have, and why others failed.

    Args:
        at: now.
    """
    held = {each.name: each for each in ScheduleState.objects.all()}
    late, failed = [], {}
    for schedule in registry.all(Schedule):
        state = held.get(schedule.name)
        longest = max(_LATE * schedule.every, _AT_LEAST)
        if state is None or state.started is None or state.started < at - longest:
            late.append(schedule.name)
        elif state.error:
            failed[schedule.name] = state.error
    return late, failed


_HOW_FAR: Final = Question(
    lambda: Job.objects.filter(id=given("job", UUIDField())).values_list("state", "done", "total")
)


def pulse(job: str) -> str:
    """How far a job is, which leaves no row in the trail; every poll of a page that shows it asks.

    Args:
        job: its id.
    """
    return "".join(f"{state}:{done}/{total}" for state, done, total in _HOW_FAR.ask(job=UUID(job)))
