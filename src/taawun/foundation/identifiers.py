"""Identifiers that sort by the time they were made: UUID version 7 (RFC 9562, section 5.7)."""

import secrets
import threading
import uuid
from datetime import UTC, datetime, timedelta

from taawun.foundation import clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_COUNTER_BITS = 42
_RANDOM_BITS = 32
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)


class _Sequence:
    """The last millisecond and counter given out in this process (RFC 9562, section 6.2, method 1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = -1
        self._counter = 0

    def next(self, millisecond: int) -> tuple[int, int]:
        with self._lock:
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                # The top bit starts at zero, so that one millisecond has room for two thousand million more.
                self._counter = secrets.randbits(_COUNTER_BITS - 1)
            else:
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._millisecond += 1
                    self._counter = secrets.randbits(_COUNTER_BITS - 1)
            return self._millisecond, self._counter


_sequence = _Sequence()


def uuid7() -> uuid.UUID:
    """Make an identifier that is greater than every one this process made before.

    48 bits are the Unix time in milliseconds from the node's clock, 42 a counter that starts at random in
    each millisecond, 32 random. When the clock goes back, the last millisecond stays and the counter goes on.

    Returns:
        A UUID of version 7, variant RFC 9562.
    """
    millisecond, counter = _sequence.next((clock.now() - _EPOCH) // _MILLISECOND)
    high, low = counter >> 30, counter & ((1 << 30) - 1)
    number = (millisecond & ((1 << 48) - 1)) << 80
    number |= high << 64
    number |= low << _RANDOM_BITS
    return uuid.UUID(int=number | _VERSION_AND_VARIANT | secrets.randbits(_RANDOM_BITS))


def lowest_uuid7(at: datetime) -> uuid.UUID:
    """The least identifier that :func:`uuid7` makes at an instant: what was made since then is found by its key.

    Args:
        at: an aware instant; within its millisecond all are taken.
    """
    # before the epoch nothing was made
    millisecond = max(0, (at - _EPOCH) // _MILLISECOND)
    return uuid.UUID(int=(millisecond & ((1 << 48) - 1)) << 80 | _VERSION_AND_VARIANT)
