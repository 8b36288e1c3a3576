"""Reading intelligence, as somebody may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from taawun.capabilities.intel.models import Import, Reference, Report, ReportObject, Sighting, StixObject
from taawun.capabilities.intel.rules import visible_objects, visible_reports
from taawun.capabilities.intel.search import matching
from taawun.cooperation.people.actors import PersonActor
from taawun.foundation.folding import query_terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import Actor

__all__ = [
    "ObjectFilters",
    "current_among",
    "imports",
    "object_named",
    "objects",
    "objects_of",
    "references_of",
    "reports",
    "reports_naming",
    "sightings_of",
    "texts_with",
    "versions_of",
]


@dataclass(frozen=True, slots=True)
class ObjectFilters:
    """What a reader of objects asks for; empty means all.

    Args:
        text: words, searched folded.
        type: a STIX type.
        tlp: a marking's rank, or None.
    """

    text: str = ""
    type: str = ""
    tlp: int | None = None


def objects(actor: Actor, filters: ObjectFilters) -> QuerySet[StixObject]:
    """Current objects the actor may see, newest first; without their texts."""
    found = StixObject.objects.filter(visible_objects(actor), matching(filters.text), is_current=True)
    if filters.type:
        found = found.filter(type=filters.type)
    if filters.tlp is not None:
        found = found.filter(tlp=filters.tlp)
    return found.defer("text", "received", "search").order_by("-id")


def object_named(actor: Actor, stix_id: str) -> StixObject | None:
    """The current version of an object, if the actor may see it."""
    return StixObject.objects.filter(visible_objects(actor), stix_id=stix_id, is_current=True).first()


def versions_of(actor: Actor, stix_id: str) -> QuerySet[StixObject]:
    """Every version of an object the actor may see, newest first; withdrawn ones have lost their content."""
    return StixObject.objects.filter(visible_objects(actor), stix_id=stix_id).order_by("-version", "-id")


def reports(actor: Actor, *, text: str = "", state: str = "", tlp: int | None = None) -> QuerySet[Report]:
    """Reports the actor may see, newest first."""
    found = Report.objects.filter(visible_reports(actor)).select_related("release__origin", "author")
    for word in query_terms(text)[:12]:
        # a word begins a word of the folded column; reports are few beside objects, so a scan serves
        found = found.filter(search__contains=word)
    if state:
        found = found.filter(state=state)
    if tlp is not None:
        found = found.filter(tlp=tlp)
    return found.order_by("-id")


def objects_of(actor: Actor, report: Report) -> QuerySet[StixObject]:
    """The current versions of what a report names, as the actor may see them."""
    named = ReportObject.objects.filter(report=report).values("stix_id")
    return StixObject.objects.filter(visible_objects(actor), stix_id__in=named, is_current=True).order_by(
        "type", "id"
    )


def reports_naming(actor: Actor, stix_id: str) -> QuerySet[Report]:
    """Reports that name an object."""
    return reports(actor).filter(named_objects__stix_id=stix_id)


def sightings_of(actor: Actor, stix_ids: QuerySet[StixObject] | list[str]) -> QuerySet[Sighting]:
    """Sightings of these objects, newest first, never beyond what the actor may see of the objects."""
    seen = StixObject.objects.filter(visible_objects(actor), is_current=True)
    wanted = stix_ids if isinstance(stix_ids, list) else stix_ids.values("stix_id")
    return Sighting.objects.filter(
        of__in=seen.filter(stix_id__in=wanted).values("stix_id"), withdrawn__isnull=True
    ).order_by("-id")


def imports(actor: Actor) -> QuerySet[Import]:
    """Imports, newest first: a person's own organisations'."""
    found = Import.objects.select_related("person").order_by("-id")
    if isinstance(actor, PersonActor):
        found = (
            found.filter(organisation_id__in=actor.organisations)
            if "write:intel" in actor.permissions
            else found.none()
        )
    return found


def texts_with(actor: Actor, report: Report) -> Iterator[str]:
    """The report's own object and what it names, as text, as far as the actor may see it."""
    own = StixObject.objects.filter(visible_objects(actor), stix_id=report.stix_id, is_current=True)
    yield from own.values_list("text", flat=True)
    named = objects_of(actor, report).exclude(stix_id=report.stix_id)
    yield from named.values_list("text", flat=True).iterator(chunk_size=500)


def references_of(actor: Actor, held: StixObject) -> QuerySet[Reference]:
    """Ties of an object: what it names, and what of what the actor may see names it."""
    seen = StixObject.objects.filter(visible_objects(actor), is_current=True)
    return (
        Reference.objects.filter(Q(source=held) | Q(target=held.stix_id, source__in=seen))
        .select_related("source")
        .order_by("id")
    )


def current_among(actor: Actor, stix_ids: Sequence[str]) -> dict[str, StixObject]:
    """Current versions of these objects, by identifier, as far as the actor may see them."""
    found = StixObject.objects.filter(visible_objects(actor), stix_id__in=set(stix_ids), is_current=True)
    return {each.stix_id: each for each in found.defer("text", "received", "search")}
