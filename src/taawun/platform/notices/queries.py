"""Reading notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

__all__ = ["open_notices"]


def open_notices(permissions: Collection[str]) -> QuerySet[Notice]:
    """What is open and meant for somebody with these permissions, newest first."""
    kinds = [kind.name for kind in registry.all(NoticeKind) if kind.permission in permissions]
    return Notice.objects.filter(kind__in=kinds, resolved=None).order_by("-last_seen", "-id")
