"""Saying that something was seen, to ourselves and to whoever told us of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from taawun.capabilities.intel.actions.reporting import subject_of
from taawun.capabilities.intel.composing import (
    bundle,
    identity_object,
    observation_object,
    sighting_object,
)
from taawun.capabilities.intel.errors import SightingRefused
from taawun.capabilities.intel.models import NamedReader, Sighting, Source, StixObject
from taawun.capabilities.intel.preparing import Origin, prepare_own
from taawun.capabilities.intel.queries import home_of, name_under
from taawun.capabilities.intel.rules import visible_objects
from taawun.capabilities.intel.stix.checking import written
from taawun.capabilities.intel.stix.identity import OBSERVABLE_TYPES
from taawun.capabilities.intel.stix.schemas import is_standard
from taawun.capabilities.intel.store import store
from taawun.capabilities.intel.wording import type_name
from taawun.cooperation.agreements.policy import Denied
from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.bounds import fitting
from taawun.cooperation.federation.decisions import Preview, preview
from taawun.cooperation.federation.models import Release, ReleaseTopic
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.partners.models import LaneReader
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.rules import Granted, has_permission, require
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from taawun.capabilities.intel.preparing import Prepared
    from taawun.cooperation.federation.decisions import PartyDecision
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "KIND",
    "MOST",
    "MOST_AHEAD",
    "SightingOutcome",
    "called",
    "is_sightable",
    "keep",
    "known_versions",
    "said_of",
    "sight",
    "sighting_outcome",
]

KIND: Final = "intel.sighting"
# of a release, in characters
_LONGEST_TITLE: Final = 300
MOST: Final = 999_999_999  # STIX 2.1, section 5.2: count
_LONGEST_NOTE: Final = 10_000
# of the domain objects of STIX 2.1 (section 4) those that occur; nobody sees a report, an opinion or an identity
_OCCURRING: Final = frozenset(
    {
        "attack-pattern",
        "campaign",
        "incident",
        "indicator",
        "infrastructure",
        "intrusion-set",
        "malware",
        "observed-data",
        "threat-actor",
        "tool",
        "vulnerability",
    }
)
# by how much the clock of whoever saw it may be ahead of ours
MOST_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SightingOutcome:
    """What became of a sighting.

    Args:
        sighting: the row.
        sources: addresses of the partners that told us of what was seen.
        sent_to: party keys it was sent to.
        preview: who of them may have it by which clause, and why the others may not.
    """

    sighting: Sighting
    sources: tuple[str, ...]
    sent_to: tuple[str, ...]
    preview: Preview

    @property
    def refused(self) -> tuple[PartyDecision, ...]:
        """Whom no clause lets have it; whom it went to before a clause changed is not among them."""
        return tuple(
            each
            for each in self.preview.others
            if isinstance(each.decision, Denied)
            and each.decision.reason != "audience"
            and each.party not in self.sent_to
        )

    @property
    def withheld(self) -> tuple[PartyDecision, ...]:
        """Whom a clause lets have it, where it went to nobody: who recorded it may not publish, or it is newer."""
        return () if self.sighting.release_id else self.preview.receivers


def is_sightable(held: StixObject) -> bool:
    """Whether something can have been seen: what occurs, what can be observed, and what STIX does not define."""
    return held.type in _OCCURRING or held.type in OBSERVABLE_TYPES or not is_standard(held.type)


def _is_observable(held: StixObject) -> bool:
    # observables have no versions (STIX 2.1, section 3.6), custom ones neither
    return held.type in OBSERVABLE_TYPES or (not is_standard(held.type) and not held.version)


@transaction.atomic
def sight(  # noqa: PLR0913 - each is a fact of the sighting
    actor: Actor,
    stix_id: str,
    *,
    count: int = 1,
    first_seen: datetime | None = None,
    last_seen: datetime | None = None,
    note: str = "",
    may_count: bool = False,
) -> SightingOutcome:
    """Record a sighting, and send it back to the partners the object came from if a clause allows it.

    It is a STIX object here from then on, under one identifier whether it travels or not. It goes to nobody else.
    Who may not publish records it here only. A sighting is of a domain object (STIX 2.1, section 5.2); an observable is
    named through observed data.

    Args:
        actor: who saw it.
        stix_id: what was seen.
        count: how often, at least 1.
        first_seen: when first; the last time, or now, if it is not given.
        last_seen: when last; the first time, or now, if it is not given.
        note: for whoever receives it; at most 10,000 characters.
        may_count: whether whoever told of it may share it on as a count, without this node (:mod:`.counting`).

    Raises:
        NotAllowed: the actor may not.
        SightingRefused: there is no such object here, it is nothing that is seen, or the numbers make no sense.
    """
    require(actor, "write:intel")
    known = known_versions(actor, stix_id)
    if not known:
        raise SightingRefused("unknown-object", _("There is no such object here."), "of")
    if not is_sightable(known[0]):
        raise SightingRefused(
            "not-sightable",
            _(
                "Nobody sees an object of this kind. Choose an indicator, an observable, or what was at work: malware, "
                "a tool, a technique, an actor."
            ),
            "of",
        )
    at = now()
    first, last = first_seen or last_seen or at, last_seen or first_seen or at
    note = note.strip()
    _check(count, first, last, note)
    # whoever said it most strictly may read of it
    strictest = max(known, key=lambda each: each.tlp)
    tlp = Tlp(strictest.tlp)
    seen = Sighting(
        count=count,
        first_seen=first,
        last_seen=last,
        note=note,
        tlp=tlp,
        may_count=may_count and tlp <= Tlp.AMBER,
    )
    said = said_of(known[0], seen, at)
    sighting = Sighting.objects.create(
        stix_id=said[0]["id"],
        of=stix_id,
        count=count,
        first_seen=first,
        last_seen=last,
        note=note,
        tlp=tlp,
        may_count=seen.may_count,
        person_id=actor.id if isinstance(actor, PersonActor) else None,
    )
    kept = Origin(
        strictest.organisation if tlp == Tlp.AMBER_STRICT else home_of(actor),
        sighting=sighting,
        readers=_readers(actor, known),
    )
    keep([prepare_own(each, tlp) for each in said], kept)
    outcome = _send_back(actor, sighting, known, said, kept)
    told = for_the_trail(tlp, {"of": stix_id, "count": count})
    record(actor, "intel.sighted", f"urn:uuid:{sighting.id}", told)
    return outcome


def sighting_outcome(actor: Actor, sighting: Sighting) -> SightingOutcome:
    """What became of a sighting of ours; why it did not go to some is answered as the clauses are now.

    Args:
        actor: who asks; may see the sighting.
        sighting: one that was recorded here.
    """
    told = _told_by(known_versions(actor, sighting.of))
    sources = _nodes(told)
    lanes = LaneReader.objects.filter(lane__entries__passage__release=sighting.release_id)
    sent_to = sorted(set(lanes.values_list("partner__node", flat=True))) if sighting.release_id else []
    return SightingOutcome(
        sighting, sources, tuple(sent_to), _decided(_draft(actor, sighting, told), sources)
    )


def known_versions(actor: Actor, stix_id: str) -> list[StixObject]:
    """What is held of an object that the actor may see, the current version first."""
    held = StixObject.objects.filter(visible_objects(actor), stix_id=stix_id, state=StixObject.State.LIVE)
    return list(held.select_related("organisation").order_by("-is_current", "id"))


def called(seen: StixObject, tlp: Tlp) -> str:
    """What an object that was seen is called: by its name, else by its value or pattern, else by its type."""
    named = seen.name or name_under(seen.stix_id, tlp)
    if named:
        return named[:_LONGEST_TITLE]
    said = json.loads(seen.text) if seen.text else {}
    shown = next((said[key] for key in ("value", "pattern") if isinstance(said.get(key), str)), "")
    return shown[:_LONGEST_TITLE] or type_name(seen.type)


def said_of(seen: StixObject, sighting: Sighting, at: datetime) -> list[dict[str, Any]]:
    """A sighting as STIX, and behind it the observed data that it is of, where an observable was seen."""
    # Any: a STIX object is JSON of any shape
    times = (sighting.first_seen, sighting.last_seen)
    observed = (
        [observation_object(seen.stix_id, sighting.count, times, Tlp(sighting.tlp), at)]
        if _is_observable(seen)
        else []
    )
    value = sighting_object(
        of=observed[0]["id"] if observed else seen.stix_id,
        count=sighting.count,
        first_seen=sighting.first_seen,
        last_seen=sighting.last_seen,
        note=sighting.note,
        tlp=Tlp(sighting.tlp),
        at=at,
        may_count=sighting.may_count,
        is_count=sighting.is_count,
    )
    return [value, *observed]


def _check(count: int, first: datetime, last: datetime, note: str) -> None:
    if not 1 <= count <= MOST:
        raise SightingRefused("count", _("A sighting counts from 1 to 999,999,999."), "count")
    if last < first:
        raise SightingRefused("times", _("It was last seen before it was first seen."), "last_seen")
    if last > now() + MOST_AHEAD:
        raise SightingRefused("times", _("What will be seen has not been seen yet."), "last_seen")
    if len(note) > _LONGEST_NOTE:
        raise SightingRefused("note", _("The note is longer than 10,000 characters."), "note")


def _readers(actor: Actor, known: Sequence[StixObject]) -> list[Person]:
    """Whom a RED sighting names: who recorded it, and whom what was seen names."""
    named = NamedReader.objects.filter(source__object__in=[each.id for each in known])
    own = Q(id=actor.id) if isinstance(actor, PersonActor) else Q()
    return list(Person.objects.filter(own | Q(id__in=named.values("person"))).order_by("id"))


def _send_back(
    actor: Actor,
    sighting: Sighting,
    known: Sequence[StixObject],
    said: Sequence[dict[str, Any]],
    kept: Origin,
) -> SightingOutcome:
    # Any: a STIX object is JSON of any shape
    told = _told_by(known)
    sources = _nodes(told)
    draft = replace(
        _draft(actor, sighting, told),
        version=said[0]["modified"],
        title=called(known[0], Tlp(sighting.tlp)),
        content=bundle([written(each) for each in said], [Tlp(sighting.tlp)]),
    )
    decided = _decided(draft, sources)
    may_publish = isinstance(has_permission(actor, "publish:intel"), Granted)
    if not decided.receivers or not may_publish:
        return SightingOutcome(sighting, sources, (), decided)
    sighting.release = federation.publish(actor, draft, sources)
    sighting.save(update_fields=["release"])
    own = [prepare_own(each, Tlp(sighting.tlp)) for each in said]
    own.append(prepare_own(identity_object(), Tlp.CLEAR))
    keep(own, replace(kept, sighting=None, release=sighting.release))
    return SightingOutcome(sighting, sources, tuple(each.party for each in decided.receivers), decided)


def _draft(actor: Actor, sighting: Sighting, told: QuerySet[Release]) -> federation.Draft:
    return federation.Draft(
        kind=KIND,
        subject=subject_of(sighting.stix_id),
        version="",
        title="",
        tlp=Tlp(sighting.tlp),
        content=b"{}",
        # a clause on certain topics carries back what is said of them
        topics=fitting(ReleaseTopic.objects.filter(owner__in=told).values_list("topic", flat=True)),
        organisation=home_of(actor),
    )


def _decided(draft: federation.Draft, sources: Sequence[str]) -> Preview:
    """Who of those that told us may have it back; what anybody else may is no question."""
    decided = preview(draft.facts(sources))
    return Preview(decided.receivers, tuple(each for each in decided.others if each.party in sources))


def keep(own: Sequence[Prepared], origin: Origin) -> None:
    """Keep the sighting as STIX."""
    for _counts in store(own, origin):
        pass


def _told_by(known: Sequence[StixObject]) -> QuerySet[Release]:
    """The releases in which partners told us of an object, and which they have not withdrawn."""
    sources = Source.objects.filter(object__in=[each.id for each in known])
    return Release.objects.filter(
        id__in=sources.values("release"), origin__isnull=False, state=Release.State.LIVE
    )


def _nodes(told: QuerySet[Release]) -> tuple[str, ...]:
    return tuple(sorted(set(told.values_list("origin__node", flat=True))))
