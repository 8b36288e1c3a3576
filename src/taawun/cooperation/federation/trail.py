"""What the trail calls the acts and things of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from taawun.cooperation.federation.models import Release
from taawun.platform.audit.acts import Act, SystemPart, Thing, Things

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

__all__ = ["TRAIL"]


def _find(ids: Collection[UUID], permissions: frozenset[str]) -> Mapping[UUID, Thing]:
    # what it is about may be marked: the page tells it to those who may
    reads = "read:federation" in permissions
    return {
        each: Thing(pgettext_lazy("a thing", "Release"), reverse("release", args=[each]) if reads else "")
        for each in Release.objects.filter(id__in=ids).values_list("id", flat=True)
    }


TRAIL = (
    Act("federation.published", _("Release published")),
    Act("federation.made-public", _("Release published to everybody")),
    Act("federation.put-back", _("Release put back for everybody after a restore")),
    Act("federation.left-off", _("Release left off the public lane after a restore")),
    Act("federation.received", _("Release received")),
    Act("federation.withdrawn", _("Release withdrawn")),
    Act("federation.withdrawn-by-source", _("Release withdrawn by its source")),
    Act("federation.shared-onward", _("Release shared onward")),
    Act("federation.onward-withdrawn", _("Onward sharing taken back")),
    Act("federation.ended-sender", _("Release withdrawn by who shared it onward")),
    Act("federation.ended-retention", _("Release ended: its time is over")),
    Act("federation.ended-agreement", _("Release ended with its agreement")),
    Act("federation.kept-for-guests", _("Release kept for guests of this node alone")),
    Act("federation.guest-token-created", _("Guest's token created")),
    Act("federation.guest-token-revoked", _("Guest's token revoked")),
    Act("federation.newcomer-reads", _("Newcomer let in to read")),
    SystemPart("federation.history", _("Newcomers and history")),
    SystemPart("federation.keeping", _("Retention and duties")),
    Things("federation", _find),
)
