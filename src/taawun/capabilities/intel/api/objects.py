"""Objects, their versions and what they are tied to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query

from taawun.capabilities.intel import models, queries, schemas, ties
from taawun.capabilities.intel.composing import text_under
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
from taawun.platform.web.openapi import answering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.people.actors import PersonActor

from taawun.capabilities.intel.api.routing import STIX, marking, router


@router.get("/intel/objects", response=Listing[schemas.StixObject], summary="List objects")
def list_objects(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.ObjectFilter]
) -> HttpResponse:
    """The newest version of each object, newest first, each exactly as it is held."""
    actor = acting(request)
    require(actor, "read:intel")
    filters = queries.ObjectFilters(
        text=wanted.text, type=wanted.type, tlp=marking(wanted.tlp) if wanted.tlp else None
    )
    found = queries.page_of_objects(actor, filters, after=paging.after, limit=paging.limit)
    items = ",".join(text_under(each.text, Tlp(each.tlp)) for each in found.items)
    following = orjson.dumps(found.next).decode()
    return HttpResponse(f'{{"items":[{items}],"next":{following}}}', content_type="application/json")


@router.get(
    "/intel/objects/{stix_id}",
    response=schemas.StixObject,
    summary="Get an object",
    openapi_extra=answering(media_type=STIX),
)
def get_object(request: ApiRequest, stix_id: str) -> HttpResponse:
    """The newest version of an object, under the marking it is held under."""
    held = _found_object(acting(request), stix_id)
    return HttpResponse(text_under(held.text, Tlp(held.tlp)), content_type=STIX)


@router.get(
    "/intel/objects/{stix_id}/versions",
    response=Listing[schemas.ObjectVersion],
    summary="List an object's versions",
)
def list_versions(request: ApiRequest, stix_id: str, paging: Query[Paging]) -> Listing[schemas.ObjectVersion]:
    """Every version that was ever held, newest first; a withdrawn one has lost its content."""
    actor = acting(request)
    require(actor, "read:intel")
    versions = queries.versions_of(actor, stix_id)
    if not versions.exists():
        missing("no-such-object", _("There is no such object here."))
    shown = queries.object_named(actor, stix_id)
    return listing(
        Listing[schemas.ObjectVersion],
        versions,
        paging,
        order=("-version", "-id"),
        show=lambda rows: [_version(each, shown) for each in rows],
    )


@router.get(
    "/intel/objects/{stix_id}/relations",
    response=Listing[schemas.Relation],
    summary="List what an object is tied to",
)
def list_relations(request: ApiRequest, stix_id: str, paging: Query[Paging]) -> Listing[schemas.Relation]:
    """What it names, and what names it, as far as the caller may see it."""
    actor = acting(request)
    held = _found_object(actor, stix_id)
    return listing(
        Listing[schemas.Relation],
        ties.references_of(actor, held),
        paging,
        order=("id",),
        show=lambda rows: _relations(actor, held, rows),
    )


def _found_object(actor: PersonActor, stix_id: str) -> models.StixObject:
    require(actor, "read:intel")
    held = queries.object_named(actor, stix_id)
    if held is None:
        missing("no-such-object", _("There is no such object here."))
    return held


def _version(row: models.StixObject, shown: models.StixObject | None) -> schemas.ObjectVersion:
    return schemas.ObjectVersion(
        id=row.stix_id,
        type=row.type,
        version=row.version,
        is_current=row == shown,
        state=row.state,
        tlp=Tlp(row.tlp).label,
        name=row.name,
        origin=row.origin,
        recorded=row.created,
    )


def _relations(
    actor: PersonActor, held: models.StixObject, rows: Sequence[models.Reference]
) -> list[schemas.Relation]:
    others = queries.current_among(actor, [_other_end(held, each) for each in rows])
    return [
        schemas.Relation(
            relation=each.relation,
            id=_other_end(held, each),
            direction="out" if each.source_id == held.pk else "in",
            type=other.type if (other := others.get(_other_end(held, each))) else "",
            name=other.name if other else "",
        )
        for each in rows
    ]


def _other_end(held: models.StixObject, reference: models.Reference) -> str:
    return reference.target if reference.source_id == held.pk else reference.source.stix_id
