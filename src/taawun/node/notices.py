"""What the node itself tells its administrators: what nobody but they can put right."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.cooperation.partners.identity.keys import recovery_file
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.web import formats

__all__ = ["KINDS", "tell_of_restore", "watch_recovery_key"]

_RECOVERY: Final = "node.recovery-key-here"
_RESTORED: Final = "node.restored"
_SUBJECT: Final = "urn:taawun:recovery-key"

KINDS: Final = (
    NoticeKind(
        _RECOVERY,
        "manage:partners",
        lambda _p: _("The private recovery key still lies on this node."),
        lambda _p: _(
            "Move it to paper or a disk in a safe, then delete it here: who takes over the node must not have it too."
        ),
        lambda _p: reverse("own-keys"),
    ),
    NoticeKind(
        _RESTORED,
        "manage:notices",
        lambda p: (
            _("This node was restored from a backup of %(made)s.")
            % {"made": formats.moment(datetime.fromisoformat(p["made"]))}
        ),
        lambda _p: _(
            "Persons who have left since, and tokens that were revoked since, are back: look through persons and "
            "tokens, then mark this as dealt with."
        ),
        lambda _p: reverse("people"),
    ),
)


def watch_recovery_key() -> None:
    """Tell the administrators while the private recovery key lies on the node, and no longer."""
    if not recovery_file().exists():
        resolve(_RECOVERY, _SUBJECT)
    # looking again is no new event
    elif not Notice.objects.filter(kind=_RECOVERY, subject=_SUBJECT, resolved=None).exists():
        raise_notice(_RECOVERY, _SUBJECT, Notice.Level.WARNING, {})


def tell_of_restore(node: str, made: str) -> None:
    """Tell the administrators that the node is as it was when a backup was made.

    Args:
        node: its address.
        made: when the backup was made, RFC 3339.
    """
    raise_notice(_RESTORED, f"urn:taawun:node:{node}", Notice.Level.WARNING, {"made": made})
