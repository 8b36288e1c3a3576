"""Putting a release that stands here on the public lane, where anybody may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from taawun.cooperation.federation.actions.onward import ensure_live, way_of
from taawun.cooperation.federation.actions.publishing import ensure_public, long_header, stand, urn
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs import contents, lanes
from taawun.cooperation.partners.logs.chain import HeaderTooLong
from taawun.cooperation.people.rules import require
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor

__all__ = ["publish_to_everybody"]


@transaction.atomic
def publish_to_everybody(actor: Actor, release: Release) -> Release:
    """Put a release on the public lane: one of ours, or a partner's that every clause on its way lets go to anybody.

    Args:
        actor: who; what its kind asks for was asked when it was published, or of its sender.
        release: one that stands here.

    Returns:
        The release. One that stands there already stays as it is.

    Raises:
        NotAllowed: the actor may not.
        ReleaseRefused: it does not stand here any more, or may not go to everybody; the sentence says why.
    """
    require(actor, "publish:public")
    held = Release.objects.select_for_update().get(id=release.id)
    ensure_live(held)
    facts = held.facts()
    ensure_public(facts, held.behalf)
    item = lanes.Item(
        kind=held.kind,
        subject=held.subject,
        version=held.version,
        action="publish",
        tlp=Tlp(held.tlp),
        content=contents.get(held.digest),
        topics=tuple(sorted(facts.topics)),
        licence=held.licence,
        languages=tuple(held.languages),
        origin="" if held.origin_id is None else way_of(held).entry.header,
    )
    try:
        is_new = stand(held, item)
    except HeaderTooLong:
        raise long_header() from None
    if is_new:
        told = {"kind": held.kind, "subject": held.subject, "tlp": Tlp(held.tlp).label}
        record(actor, "federation.made-public", urn(held), told)
    return held
