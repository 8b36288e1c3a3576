"""The three parts a capability may register to have work done for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import timedelta

__all__ = ["JobKind", "Loop", "Reporter", "Schedule"]


class Reporter(Protocol):
    """What a running job tells about itself."""

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far the work is. Cheap: written at most twice a second."""
        ...


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of background job.

    Args:
        name: ``room.verb``, for example ``intel.import``.
        label: what a person reads; a lazy translation.
        run: called with a :class:`Reporter` and the id of the row the job is about; returns a JSON result. It
            must be idempotent: after a crash it is called again with the same id.
        give_up: called with that id when the job has failed for good, so the row can say so.
        visible: asked with an actor and that id whether they may watch the job over the API, for whom else it is not
            there; None: nobody watches it.
    """

    name: str
    label: Any  # a lazy translation
    run: Callable[[Reporter, str], dict[str, object]]
    give_up: Callable[[str, str], None] | None = None
    # Any: an actor, whose type the room of people knows
    visible: Callable[[Any, str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something done again and again, by one worker at a time.

    Args:
        name: unique name, for example ``audit.seal``.
        every: the least time between two starts.
        run: the action; whatever it returns is ignored.
    """

    name: str
    every: timedelta
    run: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Loop:
    """A thread that lives as long as the worker does.

    Args:
        name: unique name, for example ``partners.sync``.
        run: called once with an event; must return soon after the event is set.
    """

    name: str
    run: Callable[[threading.Event], None]
