"""Telling others how often something was seen, and not by whom.

Whoever saw something says whether that sighting may travel on as a count. Whoever told of the object, and so had the
sightings back, may then share their sum: how often, in which months, and nothing of who, where, or what was noted
(STIX 2.1, section 5.2: a sighting whose ``summary`` is true).

A sum of one is that one, and the difference of two sums is whoever came between. So a count speaks of at least three
nodes, and the next one of the same object waits until three have seen it since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.capabilities.intel.actions.reporting import subject_of
from taawun.capabilities.intel.actions.sighting import KIND, MOST, called, keep, known_versions, said_of
from taawun.capabilities.intel.bulk import one_writer
from taawun.capabilities.intel.composing import bundle, identity_object
from taawun.capabilities.intel.errors import SightingRefused
from taawun.capabilities.intel.models import Sighting, Source
from taawun.capabilities.intel.preparing import Origin, prepare_own
from taawun.capabilities.intel.queries import home_of, sightings
from taawun.capabilities.intel.stix.checking import written
from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.bounds import fitting
from taawun.cooperation.federation.decisions import Preview, preview
from taawun.cooperation.federation.models import ReleaseTopic
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.web.formats import number

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from taawun.capabilities.intel.models import StixObject
    from taawun.cooperation.people.actors import Actor

__all__ = ["LEAST_NODES", "Counted", "count_sightings", "may_count", "publish_count"]

# of two a third that is one of them would know the other
LEAST_NODES: Final = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """What a count of sightings would say, and to whom.

    Args:
        of: STIX identifier of what was seen.
        total: how often.
        first: the first day of the month in which it was first seen, UTC.
        last: the same of the month in which it was last seen.
        tlp: its marking: the strictest of the object and of what is counted.
        preview: who would receive it by which clause, and who would not and why.
    """

    of: str
    total: int
    first: datetime
    last: datetime
    tlp: Tlp
    preview: Preview


def may_count(held: StixObject) -> bool:
    """Whether sightings of an object can be counted here at all: it is ours to tell, and not bound to its readers."""
    return not held.origin and held.tlp <= Tlp.AMBER


def count_sightings(actor: Actor, stix_id: str, audience: Collection[str] | None = None) -> Counted:
    """What a count would say, and who would receive it. Changes nothing.

    Args:
        actor: who asks.
        stix_id: what was seen.
        audience: party keys that were chosen; None for all the clauses allow.

    Raises:
        NotAllowed: the actor may not publish.
        SightingRefused: there is no such object, it is not ours to tell, or the count would tell who saw it.
    """
    require(actor, "publish:intel")
    known = known_versions(actor, stix_id)
    found = _summed(actor, stix_id, known)
    return replace(found, preview=preview(_draft(actor, found, known, "").facts(audience)))


@transaction.atomic
def publish_count(actor: Actor, stix_id: str, audience: Collection[str] | None = None) -> Sighting:
    """Sign a count and send it to whom the clauses allow.

    Args:
        actor: who.
        stix_id: what was seen.
        audience: party keys that were chosen; None for all the clauses allow.

    Returns:
        The count, as a sighting of its own.

    Raises:
        NotAllowed: the actor may not publish.
        SightingRefused: there is no such object, it is not ours to tell, or the count would tell who saw it.
        NobodyReceives: no clause in force allows it to anybody.
    """
    require(actor, "publish:intel")
    # two counts at once would each take the other's sightings for new
    one_writer()
    known = known_versions(actor, stix_id)
    found, at = _summed(actor, stix_id, known), now()
    count = Sighting(
        of=stix_id,
        count=found.total,
        first_seen=found.first,
        last_seen=found.last,
        tlp=found.tlp,
        person_id=actor.id if isinstance(actor, PersonActor) else None,
        is_count=True,
    )
    said = said_of(known[0], count, at)
    count.stix_id = said[0]["id"]
    draft = replace(
        _draft(actor, found, known, count.stix_id),
        version=said[0]["modified"],
        title=called(known[0], found.tlp),
        content=bundle([written(each) for each in said], [found.tlp]),
    )
    count.release = federation.publish(actor, draft, audience)
    count.save()
    own = [*(prepare_own(each, found.tlp) for each in said), prepare_own(identity_object(), Tlp.CLEAR)]
    keep(own, Origin(home_of(actor), release=count.release))
    keep(own[:-1], Origin(home_of(actor), sighting=count))
    record(actor, "intel.sightings-counted", f"urn:uuid:{count.id}", {"of": stix_id, "count": found.total})
    return count


def _summed(actor: Actor, stix_id: str, known: list[StixObject]) -> Counted:
    if not known:
        raise SightingRefused("unknown-object", _("There is no such object here."), "of")
    if not any(may_count(each) for each in known):
        raise SightingRefused(
            "not-ours-to-count",
            _(
                "Only whoever told of an object counts how often it was seen, up to TLP:AMBER. Tell its source instead."
            ),
            "of",
        )
    held = list(
        sightings(actor, stix_id)
        .filter(may_count=True, is_count=False, tlp__lte=Tlp.AMBER)
        .values_list("seen_by", "count", "first_seen", "last_seen", "tlp", "created")
    )
    last = Sighting.objects.filter(of=stix_id, is_count=True, seen_by="").order_by("-created").first()
    since = {row[0] for row in held if last is None or row[5] > last.created}
    if len(since) < LEAST_NODES:
        raise SightingRefused("too-few", _too_few(len(since), is_next=last is not None), "of")
    strictest = max(Tlp(each.tlp) for each in known)
    return Counted(
        stix_id,
        min(sum(row[1] for row in held), MOST),
        _month(min(row[2] for row in held)),
        _month(max(row[3] for row in held)),
        max([strictest, *(Tlp(row[4]) for row in held)]),
        Preview((), ()),
    )


def _too_few(there: int, *, is_next: bool) -> str:
    words = {"count": number(there), "least": number(LEAST_NODES)}
    if is_next:
        return (
            ngettext(
                "Since the last count %(count)s node has seen it and lets that be counted. The next count needs "
                "%(least)s, or it would tell who they are.",
                "Since the last count %(count)s nodes have seen it and let that be counted. The next count needs "
                "%(least)s, or it would tell who they are.",
                there,
            )
            % words
        )
    return (
        ngettext(
            "%(count)s node has seen it and lets that be counted. A count needs %(least)s, or it would tell who they "
            "are.",
            "%(count)s nodes have seen it and let that be counted. A count needs %(least)s, or it would tell who they "
            "are.",
            there,
        )
        % words
    )


def _month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _draft(actor: Actor, found: Counted, known: list[StixObject], stix_id: str) -> federation.Draft:
    # a clause on certain topics carries a count of what was told under them
    told = Source.objects.filter(object__in=[each.id for each in known], release__origin=None)
    topics = ReleaseTopic.objects.filter(owner__in=told.values("release")).values_list("topic", flat=True)
    return federation.Draft(
        kind=KIND,
        subject=subject_of(stix_id),
        version="",
        title="",
        tlp=found.tlp,
        content=b"{}",
        topics=fitting(topics),
        organisation=home_of(actor),
    )
