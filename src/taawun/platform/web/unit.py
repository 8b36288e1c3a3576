"""One unit of work: a request, a job, a test. What is read once in it is remembered until it ends."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["forget", "once", "unit"]

T = TypeVar("T")
_remembered: ContextVar[dict[str, object] | None] = ContextVar("taawun_unit", default=None)


@contextmanager
def unit() -> Iterator[None]:
    """Begin a unit of work; what it remembers is gone when it ends."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def once(key: str, read: Callable[[], T], of: type[T]) -> T:
    """The value read once in this unit; outside a unit it is read every time.

    Args:
        key: unique name of the value.
        read: reads it.
        of: its type.
    """
    remembered = _remembered.get()
    if remembered is None:
        return read()
    if key not in remembered:
        remembered[key] = read()
    value = remembered[key]
    if not isinstance(value, of):
        raise TypeError(f"{key} is remembered as {type(value).__name__}, not {of.__name__}")
    return value


def forget(key: str) -> None:
    """Read the value anew when it is next asked for in this unit."""
    remembered = _remembered.get()
    if remembered is not None:
        remembered.pop(key, None)
