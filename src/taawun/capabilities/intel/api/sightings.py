"""Sightings, and their counts."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.capabilities.intel import actions, models, queries, schemas
from taawun.capabilities.intel.api.routing import router
from taawun.cooperation.federation.api import decided
from taawun.cooperation.federation.decisions import Preview
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.tlp import Tlp
from taawun.platform.web.api import (
    ApiRequest,
    Listing,
    Paging,
    listing,
    missing,
)


@router.get("/intel/sightings", response=Listing[schemas.Sighting], summary="List sightings")
def list_sightings(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.SightingFilter]
) -> Listing[schemas.Sighting]:
    """Who saw an object, we and the partners that told us, newest first."""
    actor = acting(request)
    require(actor, "read:intel")
    return listing(
        Listing[schemas.Sighting],
        queries.sightings(actor, wanted.of),
        paging,
        order=("-id",),
        show=lambda rows: [_sighting(each) for each in rows],
    )


@router.post("/intel/sightings", response={201: schemas.SightingMade}, summary="Say that something was seen")
def sight(request: ApiRequest, body: schemas.NewSighting) -> Status[schemas.SightingMade]:
    """Recorded here, and sent to the partners the object came from as far as a clause allows it."""
    outcome = actions.sight(
        acting(request),
        body.of,
        count=body.count,
        first_seen=body.first_seen,
        last_seen=body.last_seen,
        note=body.note,
        may_count=body.may_count,
    )
    return Status(201, _outcome(outcome))


@router.post(
    "/intel/objects/{stix_id}/count/preview",
    response=schemas.SightingCount,
    summary="What would a count of sightings say, and to whom?",
)
def preview_count(request: ApiRequest, stix_id: str, body: schemas.Audience) -> schemas.SightingCount:
    """How often at least three nodes saw an object of ours, by months and without naming them. Changes nothing."""
    found = actions.count_sightings(acting(request), stix_id, body.audience)
    shown = decided(found.preview)
    return schemas.SightingCount(
        receivers=shown.receivers,
        others=shown.others,
        of=found.of,
        count=found.total,
        first_seen=found.first,
        last_seen=found.last,
        tlp=found.tlp.label,
    )


@router.post(
    "/intel/objects/{stix_id}/count",
    response={201: schemas.Sighting},
    summary="Share sightings as a count",
)
def publish_count(request: ApiRequest, stix_id: str, body: schemas.Audience) -> Status[schemas.Sighting]:
    """Sign the count, and send it to whom the clauses on sightings allow."""
    return Status(201, _sighting(actions.publish_count(acting(request), stix_id, body.audience)))


@router.get(
    "/intel/sightings/{uuid:sighting_id}/outcome",
    response=schemas.SightingMade,
    summary="Tell where a sighting went",
)
def get_sighting_outcome(request: ApiRequest, sighting_id: UUID) -> schemas.SightingMade:
    """To whom a sighting of ours went, and to whom it did not and why, as the clauses are now."""
    actor = acting(request)
    require(actor, "write:intel")
    made = queries.sightings(actor).filter(id=sighting_id, seen_by="").first()
    if made is None:
        missing("no-such-sighting", _("There is no such sighting here."))
    return _outcome(actions.sighting_outcome(actor, made))


def _outcome(outcome: actions.SightingOutcome) -> schemas.SightingMade:
    return schemas.SightingMade(
        sighting=_sighting(outcome.sighting),
        sources=list(outcome.sources),
        sent_to=list(outcome.sent_to),
        not_sent=decided(Preview((), outcome.refused)).others,
        withheld=[each.party for each in outcome.withheld],
        release=outcome.sighting.release_id,
    )


def _sighting(sighting: models.Sighting) -> schemas.Sighting:
    return schemas.Sighting(
        id=sighting.id,
        of=sighting.of,
        count=sighting.count,
        first_seen=sighting.first_seen,
        last_seen=sighting.last_seen,
        note=sighting.note,
        tlp=Tlp(sighting.tlp).label,
        seen_by=sighting.seen_by,
        is_count=sighting.is_count,
        may_count=sighting.may_count,
        created=sighting.created,
    )
