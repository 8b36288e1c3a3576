"""Taking back what is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.federation.actions.publishing import urn
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import LONGEST_REASON, Passage, Release
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.partners import contents, lanes, messages
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor

__all__ = ["say_withdrawals", "withdraw"]


@transaction.atomic
def withdraw(actor: Actor, release: Release, reason: str) -> Release:
    """Take back one of our releases: the headers stay, the content goes, here and at every receiver.

    Args:
        actor: who; needs the kind's permission.
        release: one of our own.
        reason: for the receivers and the trail; at most 2,000 characters.

    Raises:
        NotAllowed: the actor may not.
        ReleaseRefused: it is not ours.
    """
    require(actor, registry.get(ReleaseKind, release.kind).permission)
    held = Release.objects.select_for_update().get(id=release.id)
    if held.origin_id is not None:
        raise ReleaseRefused("not-ours", _("Only its source can withdraw a release."))
    if held.state == Release.State.WITHDRAWN:
        return held
    say_withdrawals(held)
    held.state, held.withdrawn = Release.State.WITHDRAWN, now()
    held.withdrawal_reason = reason[:LONGEST_REASON]
    held.save(update_fields=["state", "withdrawn", "withdrawal_reason"])
    contents.drop_unused(held.digest)
    if held.withdrawal_reason:
        _tell_reason(held)
    told = for_the_trail(Tlp(held.tlp), {"subject": held.subject, "reason": held.withdrawal_reason})
    record(actor, "federation.withdrawn", urn(held), told)
    return held


def say_withdrawals(release: Release) -> None:
    """Withdraw a release of ours on every lane on which it still stands, inside the caller's transaction."""
    for passage in release.passages.select_related("entry__lane").filter(ended__isnull=True).order_by("id"):
        _append_withdrawal(release, passage)
    release.passages.filter(ended__isnull=True).update(ended=now())


def _tell_reason(release: Release) -> None:
    """Say why on the talk lane: a withdrawal itself brings no content, and whoever was served has a right to it."""
    told = {name: getattr(release, name) for name in ("subject", "version", "digest")}
    for partner in (
        Partner.objects.filter(reads__lane__entries__passage__release=release).order_by("id").distinct()
    ):
        messages.send(partner, "withdrawn", {**told, "reason": release.withdrawal_reason})


def _append_withdrawal(release: Release, passage: Passage) -> None:
    lane: Lane = passage.entry.lane
    item = lanes.Item(
        kind=release.kind,
        subject=release.subject,
        version=release.version,
        action="withdraw",
        tlp=Tlp(release.tlp),
        content=None,
        agreement=passage.document,
        clause=passage.clause,
    )
    lanes.append(lane, [item])
    LaneEntry.objects.filter(id=passage.entry_id).update(state=LaneEntry.State.WITHDRAWN)
