"""Saying that something was seen, to ourselves and to whoever told us of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.capabilities.intel.actions.reporting import subject_of
from taawun.capabilities.intel.composing import bundle, sighting_object
from taawun.capabilities.intel.errors import ReportRefused
from taawun.capabilities.intel.models import Sighting, StixObject
from taawun.capabilities.intel.rules import visible_objects
from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.decisions import Preview, preview
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.people.actors import Actor

__all__ = ["KIND", "SightingOutcome", "sight"]

KIND: Final = "intel.sighting"
_MOST: Final = 999_999_999  # STIX 2.1, section 5.2: count


@dataclass(frozen=True, slots=True)
class SightingOutcome:
    """What became of a sighting.

    Args:
        sighting: the row.
        sent_to: party keys it was sent to.
        preview: why the others, among them the one that told us, do not receive it.
    """

    sighting: Sighting
    sent_to: tuple[str, ...]
    preview: Preview


@transaction.atomic
def sight(  # noqa: PLR0913 - each is a fact of the sighting
    actor: Actor,
    stix_id: str,
    *,
    count: int = 1,
    first_seen: datetime | None = None,
    last_seen: datetime | None = None,
    note: str = "",
) -> SightingOutcome:
    """Record a sighting, and send it back to the partners the object came from if a clause allows it.

    Args:
        actor: who saw it.
        stix_id: what was seen.
        count: how often, at least 1.
        first_seen, last_seen: when; now by default.
        note: for whoever receives it.

    Raises:
        NotAllowed: the actor may not.
        ReportRefused: there is no such object here, or the numbers make no sense.
    """
    require(actor, "write:intel")
    seen = StixObject.objects.filter(visible_objects(actor), stix_id=stix_id, is_current=True).first()
    if seen is None:
        raise ReportRefused("unknown-object", _("There is no such object here."), "object")
    at = now()
    first, last = first_seen or last_seen or at, last_seen or first_seen or at
    if not 1 <= count <= _MOST:
        raise ReportRefused("count", _("A sighting counts at least one time."), "count")
    if last < first:
        raise ReportRefused("times", _("It was last seen before it was first seen."), "last_seen")
    value = sighting_object(
        of=stix_id, count=count, first_seen=first, last_seen=last, note=note, tlp=Tlp(seen.tlp), at=at
    )
    sighting = Sighting.objects.create(
        stix_id=value["id"],
        of=stix_id,
        count=count,
        first_seen=first,
        last_seen=last,
        note=note,
        tlp=seen.tlp,
        person_id=actor.id if isinstance(actor, PersonActor) else None,
    )
    outcome = _send_back(actor, sighting, seen, orjson.dumps(value).decode(), value["modified"])
    record(actor, "intel.sighted", f"urn:uuid:{sighting.id}", {"of": stix_id, "count": count})
    return outcome


def _send_back(
    actor: Actor, sighting: Sighting, seen: StixObject, text: str, version: str
) -> SightingOutcome:
    sources = frozenset(
        seen.sources.filter(release__origin__isnull=False).values_list("release__origin__node", flat=True)
    )
    draft = federation.Draft(
        kind=KIND,
        subject=subject_of(sighting.stix_id),
        version=version,
        title=seen.name,
        tlp=Tlp(seen.tlp),
        content=bundle([text], [Tlp(seen.tlp)]),
    )
    decided = preview(draft.facts(sources))
    if decided.receivers and "publish:intel" in getattr(actor, "permissions", {"publish:intel"}):
        sighting.release = federation.publish(actor, draft, sources)
        sighting.save(update_fields=["release"])
        return SightingOutcome(sighting, tuple(each.party for each in decided.receivers), decided)
    return SightingOutcome(sighting, (), decided)
