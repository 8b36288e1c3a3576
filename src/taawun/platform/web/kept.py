"""What is kept from one page to the next while nothing is written.

The frame of every page shows a little of the whole node: who runs it, how many agreements wait. None of it changes
until somebody writes, and every act leaves a row in the trail, which :class:`~taawun.platform.web.live.LiveParts`
counts for each page anyway. So it is read by the first page after a write, and kept for those that follow.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakSet

from taawun.foundation.clock import now
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

__all__ = ["LIFE", "Kept", "as_written", "forget", "once_a_page"]

LIFE: Final = timedelta(minutes=1)
"""How long a value is kept while nothing is written: an agreement ends on its day by itself."""

T = TypeVar("T")
_written: ContextVar[Mapping[str, str] | None] = ContextVar("taawun_written", default=None)
_all: Final[WeakSet[Kept[Any]]] = WeakSet()


@contextmanager
def as_written(pulses: Mapping[str, str]) -> Iterator[None]:
    """While a page is read: what had been written before it was begun, by the names of pulses."""
    token = _written.set(pulses)
    try:
        yield
    finally:
        _written.reset(token)


@dataclass(frozen=True, slots=True)
class _Value(Generic[T]):
    value: T
    written: str
    until: datetime


class Kept(Generic[T]):
    """A value of the whole node, kept while what it is made of is not written.

    It is kept between pages that are read, and for nothing else: a form that is sent, a job or a command reads it each
    time, for what it wrote itself may yet be undone. What one reader may see is never kept so.

    Args:
        read: reads it; what it gives is shared between threads and must not be changed.
        watches: the pulse that changes with every write it depends on.
    """

    def __init__(self, read: Callable[[], T], watches: str = "audit") -> None:
        self._read = read
        self._watches = watches
        self._kept: _Value[T] | None = None
        _all.add(self)

    def get(self) -> T:
        """The value as it stands, or stood when this page was begun."""
        written = (_written.get() or {}).get(self._watches)
        if written is None:
            return self._read()
        kept, moment = self._kept, now()
        if kept is None or kept.written != written or moment >= kept.until:
            # what is written while it is read changes the pulse of the next page, which then reads it anew
            kept = self._kept = _Value(self._read(), written, moment + LIFE)
        return kept.value

    def forget(self) -> None:
        """Read it anew when it is next asked for."""
        self._kept = None


def once_a_page(key: str, read: Callable[[], T], of: type[T]) -> T:
    """The value read once for a page; what is no page that is read may have written it, and reads it each time.

    Args:
        key: unique name of the value.
        read: reads it.
        of: its type.
    """
    return read() if _written.get() is None else once(key, read, of)


def forget() -> None:
    """Read everything anew: this process works on another database now."""
    for each in _all:
        each.forget()
