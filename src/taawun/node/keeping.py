"""What keeps a node in good order, for its administrators: its backups, its worker and its disk."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.foundation.clock import now
from taawun.platform.audit.models import Entry
from taawun.platform.web import formats
from taawun.platform.web.guide import GuideStep
from taawun.platform.web.home import Check
from taawun.platform.work.queries import late_and_failed

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["BACKUP_AGE", "STEPS", "checks", "last_backup"]

BACKUP_AGE: Final = timedelta(days=2)
"""A newest backup that is older is told as a fault."""


def last_backup() -> datetime | None:
    """When this node was backed up last; None for never."""
    newest = Entry.objects.filter(verb="node.backed-up").order_by("-id").first()
    return newest.at if newest else None


def checks(_actor: object) -> list[Check]:
    """Whether the node is backed up, its worker runs, and its disk has room."""
    return [_backup(), _worker(), _disk()]


def _backup() -> Check:
    last = last_backup()
    is_well = last is not None and last >= now() - BACKUP_AGE
    told = (
        _("The newest backup was made %(when)s.") % {"when": formats.ago(last)}
        if last
        else _("There was never a backup of this node.")
    )
    if is_well:
        return Check(told, is_well=True)
    mend = _("Have it backed up daily, and keep the file on another machine.")
    return Check(told, is_well=False, mend=mend, console="taawun backup FILE")


def _worker() -> Check:
    late, failed = late_and_failed(now())
    if not late and not failed:
        return Check(_("Work in the background goes on."), is_well=True)
    told = (
        _("Work in the background does not go on: nothing is pulled, sent or mailed.")
        if late
        else _("Some of the work in the background fails.")
    )
    return Check(
        told, is_well=False, mend=_("This says what is wrong, and what to do:"), console="taawun doctor"
    )


def _disk() -> Check:
    free = shutil.disk_usage(settings.HOME).free
    told = _("The disk has %(size)s free.") % {"size": formats.filesize(free)}
    if free < 2 * settings.FREE_DISK_BYTES:
        mend = _("Make room: when it is full, nothing is read from partners.")
        return Check(told, is_well=False, mend=mend)
    return Check(told, is_well=True)


STEPS: Final = (
    GuideStep(
        "node.backup",
        90,
        gettext_lazy("Back it up"),
        gettext_lazy(
            "Keys and signatures cannot be made again. Have it done daily, and keep the file elsewhere."
        ),
        lambda _actor: last_backup() is not None,
        by_hand=gettext_lazy("Run this, from a schedule of the machine:"),
        console="taawun backup FILE",
        permission="manage:notices",
    ),
)
