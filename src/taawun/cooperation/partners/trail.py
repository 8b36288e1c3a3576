"""What the trail calls the acts and things of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.partners.models import Lane, Partner, Reset
from taawun.cooperation.partners.restored.returning import SUBJECT
from taawun.platform.audit.acts import Act, SystemPart, Thing, Things
from taawun.platform.web.formats import called

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

__all__ = ["TRAIL"]

_NODE: Final = "urn:taawun:node:"


def _find(ids: Collection[UUID], permissions: frozenset[str]) -> Mapping[UUID, Thing]:
    found: dict[UUID, Thing] = {}
    for partner in Partner.objects.filter(id__in=ids):
        found[partner.id] = Thing(_name(partner), _page(partner, permissions))
    for reset in Reset.objects.filter(id__in=ids).select_related("partner"):
        label = _("Restart of a lane with %(partner)s") % {"partner": _name(reset.partner)}
        found[reset.id] = Thing(label, _restart(reset, permissions))
    for lane in Lane.objects.filter(id__in=ids).select_related("sender"):
        if lane.sender is None:
            found[lane.id] = Thing(_("Lane of this node"))
        else:
            label = _("Lane of %(partner)s") % {"partner": _name(lane.sender)}
            found[lane.id] = Thing(label, _page(lane.sender, permissions))
    return found


def _find_named(urns: Collection[str], permissions: frozenset[str]) -> Mapping[str, Thing]:
    nodes = {urn.removeprefix(_NODE): urn for urn in urns if urn.startswith(_NODE)}
    found = {
        nodes[partner.node]: Thing(_name(partner), _page(partner, permissions))
        for partner in Partner.objects.filter(node__in=nodes)
    }
    if SUBJECT in urns:
        found[SUBJECT] = Thing(_("This node"))
    if settings.BASE_URL in nodes:
        found[nodes[settings.BASE_URL]] = Thing(_("This node"))
    return found


def _name(partner: Partner) -> str:
    return called(partner.name)


def _page(partner: Partner, permissions: frozenset[str]) -> str:
    return reverse("partner", args=[partner.id]) if "read:partners" in permissions else ""


def _restart(reset: Reset, permissions: frozenset[str]) -> str:
    return reverse("partner-restart", args=[reset.id]) if "read:partners" in permissions else ""


TRAIL = (
    Act("partners.met", _("Partner added")),
    Act("partners.answered", _("Node answered with its key")),
    Act("partners.introduced-itself", _("Node introduced itself")),
    Act("partners.forgotten", _("Node forgotten that nobody compared")),
    Act("partners.renamed", _("Partner changed its name")),
    Act("partners.claim-forgotten", _("Node forgotten that came under another's address")),
    Act("partners.key-rotated", _("Partner changed its key")),
    Act("partners.key-revoked", _("Partner revoked its key")),
    Act("partners.recovery-key-changed", _("Partner changed its recovery key")),
    Act("partners.quarantine-taken-in", _("Quarantined entries taken in")),
    Act("partners.quarantine-dropped", _("Quarantined entries dropped")),
    Act("partners.own-key-rotated", _("Key of this node replaced")),
    Act("partners.own-key-revoked", _("Key of this node revoked")),
    Act("partners.own-keys-known-again", _("Keys of this node known again after it was restored")),
    Act("partners.own-recovery-replaced", _("Recovery key of this node replaced")),
    Act("partners.followed", _("Public lane of a partner followed")),
    Act("partners.unfollowed", _("Public lane of a partner no longer followed")),
    Act("partners.lane-exported", _("Lane written into a file")),
    Act("partners.lane-imported", _("Lane taken from a file")),
    Act("partners.verified", _("Partner verified")),
    Act("partners.blocked", _("Partner blocked")),
    Act("partners.unblocked", _("Partner unblocked")),
    Act("partners.lane-stopped", _("Lane stopped here")),
    Act("partners.lane-stopped-there", _("Lane stopped at the partner")),
    Act("partners.own-lane-forked", _("Lane of this node shown with two histories")),
    Act("partners.returning", _("Node restored: it waits for its partners")),
    Act("partners.return-refused", _("Partner's answer to the restored node not taken")),
    Act("partners.return-given-up", _("Partner no longer waited for")),
    Act("partners.return-doubted", _("Entries taken back under a key of this node that was revoked")),
    Act("partners.returned", _("Node speaks again after it was restored")),
    Act("partners.restart-proposed", _("Restart of a lane proposed")),
    Act("partners.restart-answered", _("Restart of a lane answered")),
    Act("partners.restart-confirmed", _("Restart of a lane confirmed")),
    SystemPart("partners.sync", _("Sync with partners")),
    SystemPart("partners.strangers", _("Forgetting of unknown nodes")),
    Things("partners", _find, _find_named),
)
