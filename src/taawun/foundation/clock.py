"""The one clock of a node: every instant is read here, so that tests and drills can hold time still.

All instants are aware and in UTC. On the wire they are RFC 3339 with microseconds and ``Z``, a form whose
text order is its time order.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from taawun.foundation.errors import CodedError

# How far the clocks of two nodes, or of a node and whoever signs people in, may differ (docs/protocol.md, "Building
# blocks"): what is dated later than this ahead of :func:`now` is of the future.
SKEW: Final = timedelta(seconds=60)

# Room on both sides for zones, notice periods and skews: the calendar of Python ends with the year 9999.
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?Z")


class TimestampRefused(CodedError):
    """A timestamp that is not RFC 3339 in UTC; codes: ``not-a-timestamp``, ``no-such-time``, ``no-zone``."""


class FrozenClock:
    """A clock that stands still until it is told to move; made by :func:`frozen`."""

    def __init__(self, at: datetime) -> None:
        self._at = _in_utc(at)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Tell the instant the clock stands at, aware and in UTC."""
        with self._lock:
            return self._at

    def advance(self, by: timedelta) -> datetime:
        """Move the clock and tell the new instant.

        Args:
            by: how far; negative moves it back.

        Returns:
            The new instant, aware and in UTC.
        """
        with self._lock:
            self._at += by
            return self._at


class _Clocks:
    """The stack of frozen clocks; the wall clock answers when it is empty."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.frozen: list[FrozenClock] = []


# Shared by all threads on purpose: a worker thread must see the time its test has frozen.
_clocks = _Clocks()


def now() -> datetime:
    """Tell the present instant, aware and in UTC, from the innermost frozen clock or the wall clock."""
    with _clocks.lock:
        clock = _clocks.frozen[-1] if _clocks.frozen else None
    return datetime.now(UTC) if clock is None else clock.now()


@contextmanager
def frozen(at: datetime) -> Iterator[FrozenClock]:
    """Hold the time of the whole process still, in every thread, for the length of a ``with`` block.

    Args:
        at: the aware instant to stand at.

    Yields:
        The clock, which can be advanced.

    Raises:
        TimestampRefused: ``no-zone`` when ``at`` is naive.
    """
    clock = FrozenClock(at)
    with _clocks.lock:
        _clocks.frozen.append(clock)
    try:
        yield clock
    finally:
        with _clocks.lock:
            _clocks.frozen.remove(clock)


def timestamp(at: datetime | None = None) -> str:
    """Write an instant as RFC 3339 in UTC with six digits of the second.

    For example ``2026-01-31T08:00:00.000000Z``.

    Args:
        at: an aware instant; the present one when left out.

    Returns:
        27 characters whose text order is their time order.

    Raises:
        TimestampRefused: ``no-zone`` when ``at`` is naive.
    """
    moment = now() if at is None else _in_utc(at)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_timestamp(text: str) -> datetime:
    """Read an RFC 3339 timestamp in UTC: capital ``T`` and ``Z``, at most six digits of the second.

    Offsets other than ``Z``, leap seconds and finer digits are refused, because each would be stored as
    another instant than the one that was signed.

    Args:
        text: for example ``2026-01-31T08:00:00.5Z``.

    Returns:
        The instant, aware and in UTC.

    Raises:
        TimestampRefused: ``not-a-timestamp`` for another form, ``no-such-time`` for a form without an
            instant, and for years before 1900 or from 9000 on.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise TimestampRefused(
            "not-a-timestamp",
            f"{text[:40]!a} is not an RFC 3339 time in UTC; write it like 2026-01-31T08:00:00.000000Z.",
        )
    seconds, fraction = match.groups(default="")
    try:
        moment = datetime.fromisoformat(seconds).replace(tzinfo=UTC)
    except ValueError as error:
        raise TimestampRefused("no-such-time", f"There is no such time as {text}: {error}.") from error
    if not _EARLIEST <= moment < _LATEST:
        raise TimestampRefused("no-such-time", f"{text} is not between the years 1900 and 9000.")
    return moment.replace(microsecond=int(fraction.ljust(6, "0")))


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise TimestampRefused("no-zone", "An instant needs a time zone; give an aware datetime in UTC.")
    return at.astimezone(UTC)
