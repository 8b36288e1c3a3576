"""What the trail calls the acts and things of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.agreements.models import Agreement
from taawun.platform.audit.acts import Act, SystemPart, Thing, Things

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

__all__ = ["TRAIL"]


def _find(ids: Collection[UUID], permissions: frozenset[str]) -> Mapping[UUID, Thing]:
    reads = "read:agreements" in permissions
    return {
        each.id: Thing(each.code, reverse("agreement", args=[each.id]) if reads else "")
        for each in Agreement.objects.filter(id__in=ids)
    }


TRAIL = (
    Act("agreements.set-aside", _("Word set aside: the key that signed it was revoked")),
    Act("agreements.drafted", _("Agreement drafted")),
    Act("agreements.draft-edited", _("Draft edited")),
    Act("agreements.draft-discarded", _("Draft discarded")),
    Act("agreements.proposed", _("Agreement proposed")),
    Act("agreements.countered", _("Counter-proposal made")),
    Act("agreements.counter-adopted", _("Counter-proposal adopted")),
    Act("agreements.declined", _("Proposal declined")),
    Act("agreements.approved", _("Agreement approved")),
    Act("agreements.signed", _("Agreement signed")),
    Act("agreements.suspended", _("Agreement suspended")),
    Act("agreements.resumed", _("Agreement resumed")),
    Act("agreements.terminated", _("Agreement terminated")),
    Act("agreements.ratified", _("Agreement ratified")),
    Act("agreements.invited", _("Invited to accede")),
    Act("agreements.acceded", _("Acceded to an agreement")),
    Act("agreements.countersigned", _("Countersigned as the depositary")),
    Act("agreements.left", _("Notice of leaving given")),
    Act("agreements.declared", _("Declaration made")),
    Act("agreements.lifted", _("Declaration lifted")),
    Act("agreements.shown", _("Agreement shown by another party")),
    Act("agreements.newcomer-confirmed", _("Newcomer confirmed")),
    Act("agreements.newcomer-taken-back", _("Confirmation of a newcomer taken back")),
    Act("agreements.scan-attached", _("Scan of the paper attached")),
    SystemPart("agreements.depositary", _("Work as the depositary")),
    SystemPart("agreements.revocation", _("Revocation of a key of this node")),
    Things("agreements", _find),
)
