"""Withdrawing what is ours, and taking back what was shared onward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from taawun.cooperation.federation.actions.publishing import urn
from taawun.cooperation.federation.ending import take_back
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import LONGEST_REASON, Passage, Release
from taawun.cooperation.federation.rules import for_the_trail, may_speak_for
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor

__all__ = ["take_back_onward", "withdraw"]


@transaction.atomic
def withdraw(actor: Actor, release: Release, reason: str) -> Release:
    """Withdraw one of our releases: the headers stay, the content goes, here and at every receiver.

    Args:
        actor: who; needs the kind's permission, or is the guest that gave it.
        release: one of our own.
        reason: for the receivers and the trail; at most 2,000 characters.

    Raises:
        NotAllowed: the actor may not.
        ReleaseRefused: it is not ours.
    """
    ensure(may_speak_for(actor, release.kind, release.behalf))
    held = Release.objects.select_for_update().get(id=release.id)
    if held.origin_id is not None:
        raise ReleaseRefused("not-ours", _("Only its source can withdraw a release."))
    if held.state == Release.State.WITHDRAWN:
        return held
    take_back(held)
    held.state, held.withdrawn, held.gone = Release.State.WITHDRAWN, now(), Release.Gone.SOURCE
    held.withdrawal_reason = reason[:LONGEST_REASON]
    held.save(update_fields=["state", "withdrawn", "gone", "withdrawal_reason"])
    contents.drop_unused(held.digest)
    if held.withdrawal_reason:
        _tell_reason(held, held.withdrawal_reason)
    told = for_the_trail(Tlp(held.tlp), {"subject": held.subject, "reason": held.withdrawal_reason})
    record(actor, "federation.withdrawn", urn(held), told)
    return held


@transaction.atomic
def take_back_onward(actor: Actor, release: Release, reason: str) -> Release:
    """Take back what we shared onward of a partner's release; our own copy stays.

    Args:
        actor: who; needs the kind's permission.
        release: one that was received.
        reason: for the receivers and the trail; at most 2,000 characters.

    Raises:
        NotAllowed: the actor may not.
        ReleaseRefused: it is ours, or was not shared onward.
    """
    require(actor, registry.get(ReleaseKind, release.kind).permission)
    held = Release.objects.select_for_update().get(id=release.id)
    if held.origin_id is None:
        raise ReleaseRefused("ours", _("It is a release of this node: withdraw it itself."))
    ended = take_back(held)
    if not ended:
        raise ReleaseRefused("not-shared", _("It was not shared onward, or was taken back already."))
    Passage.objects.filter(id__in=[each.id for each in ended]).update(why_ended=Release.Gone.SENDER)
    contents.drop_unused(held.digest)
    told = reason[:LONGEST_REASON]
    if told:
        _tell_reason(held, told)
    record(
        actor,
        "federation.onward-withdrawn",
        urn(held),
        for_the_trail(Tlp(held.tlp), {"subject": held.subject, "reason": told}),
    )
    return held


def _tell_reason(release: Release, reason: str) -> None:
    """Say why on the talk lane: a withdrawal itself brings no content, and whoever was served has a right to it."""
    told = {name: getattr(release, name) for name in ("subject", "version", "digest")}
    # who joined a lane later is told nothing of what it does not read
    reads_it = Q(reads__first_seq=None) | Q(reads__first_seq__lte=F("reads__lane__entries__seq"))
    served = Partner.objects.filter(reads_it, reads__lane__entries__passage__release=release)
    for partner in served.order_by("id").distinct():
        messages.send(partner, "withdrawn", {**told, "reason": reason})
