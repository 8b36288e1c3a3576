"""How much of a line the node may take for its partners, by the hours of its day (``TAAWUN_BANDWIDTH``).

What comes and what goes is one account, which all processes of the node keep together in a file of its home. It holds
the moment until which the line is booked: whoever books so many bytes moves it on by the time that they take.

Readers without a name have an account of their own, of a quarter of the line. They wait for the partners and for each
other, and what they book keeps no partner waiting.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from taawun.foundation.clock import now

__all__ = ["busy", "portion", "rate", "take", "wait"]

_FORM: Final = struct.Struct("<d")
# however much was booked, and whatever happened to the clock, the line is free again after this
_LONGEST: Final = 600.0
# what goes out in one answer is as much as the line carries in this time: then others have their turn
_PORTION_SECONDS: Final = 10.0
_SMALLEST: Final = 64 * 1024
_SHARE_OF_ANYBODY: Final = 0.25
_ACCOUNT: Final = "bandwidth"
_ACCOUNT_OF_ANYBODY: Final = "bandwidth-anybody"


def rate() -> float | None:
    """Bytes a second that there are at this moment; None where there is no limit."""
    if not settings.BANDWIDTH:
        return None
    at: datetime = now().astimezone(ZoneInfo(settings.DISPLAY_TIME_ZONE))
    minute = at.hour * 60 + at.minute
    allowed = [cap.bytes_per_second for cap in settings.BANDWIDTH if cap.holds_at(minute)]
    return min(allowed) if allowed else None


def portion(*, is_anybody: bool = False) -> int | None:
    """How many bytes go out at once; None where there is no limit.

    Args:
        is_anybody: to a reader without a name.
    """
    allowed = rate()
    if allowed is None:
        return None
    share = _SHARE_OF_ANYBODY if is_anybody else 1
    return max(_SMALLEST, int(allowed * share * _PORTION_SECONDS))


def busy(*, is_anybody: bool = False) -> float:
    """For how many seconds the line is booked.

    Args:
        is_anybody: for a reader without a name, who waits for partners too.
    """
    if rate() is None:
        return 0.0
    partners = _booked(0.0, _ACCOUNT)
    return max(partners, _booked(0.0, _ACCOUNT_OF_ANYBODY)) if is_anybody else partners


def take(count: int, *, is_anybody: bool = False) -> float:
    """Book so many bytes.

    Args:
        count: bytes.
        is_anybody: for a reader without a name, whose bytes keep no partner waiting.

    Returns:
        For how many seconds the line was booked before: who can wait so long does.
    """
    allowed = rate()
    if allowed is None:
        return 0.0
    if is_anybody:
        return _booked(count / (allowed * _SHARE_OF_ANYBODY), _ACCOUNT_OF_ANYBODY)
    return _booked(count / allowed, _ACCOUNT)


def wait(count: int) -> None:
    """Book so many bytes and wait until it is their turn."""
    if seconds := take(count):
        time.sleep(seconds)


def _booked(seconds: float, account: str) -> float:
    folder = settings.HOME / "turns"
    folder.mkdir(exist_ok=True)
    handle = os.open(folder / account, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        held, at = os.pread(handle, _FORM.size, 0), time.time()
        until = _FORM.unpack(held)[0] if len(held) == _FORM.size else at
        until = min(max(until, at), at + _LONGEST)
        if seconds:
            os.pwrite(handle, _FORM.pack(until + seconds), 0)
    finally:
        os.close(handle)
    return until - at
