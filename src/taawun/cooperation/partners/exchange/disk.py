"""Whether there is room for what partners send: a full disk would end the work of the node's own people first."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from django.conf import settings

from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["has_room", "has_room_for", "or_full", "tell"]

_KIND: Final = "partners.disk-full"


def has_room() -> bool:
    """Whether the disk of the node's home has as much free as ``TAAWUN_FREE_DISK_BYTES`` says."""
    return shutil.disk_usage(settings.HOME).free >= settings.FREE_DISK_BYTES


def has_room_for(size: int) -> bool:
    """Whether it has that still once so many bytes are kept."""
    return shutil.disk_usage(settings.HOME).free - size >= settings.FREE_DISK_BYTES


def or_full(is_over: Callable[[], bool]) -> Callable[[], bool]:
    """Whether something is over, or there is no room to go on with it."""
    return lambda: is_over() or not has_room()


def tell() -> None:
    """Tell the administrators that nothing is read from partners for want of room, once; and that it is over."""
    subject = f"urn:taawun:node:{settings.BASE_URL}"
    is_told = Notice.objects.filter(kind=_KIND, subject=subject, resolved=None).exists()
    if has_room():
        if is_told:
            resolve(_KIND, subject)
    elif not is_told:
        raise_notice(_KIND, subject, Notice.Level.ALARM, {"most": str(settings.FREE_DISK_BYTES)})
