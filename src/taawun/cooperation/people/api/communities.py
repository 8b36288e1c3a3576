"""Communities of nations, for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, models, naming, queries, roll, schemas
from taawun.cooperation.people.api.organisations import found_organisation
from taawun.cooperation.people.api.persons import name_shown
from taawun.cooperation.people.api.routing import router, words
from taawun.cooperation.people.rolling import rolled
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.clock import now
from taawun.platform.web.api import (
    ApiRequest,
    Listing,
    Paging,
    check_edition_if_named,
    etag,
    listing,
    missing,
)
from taawun.platform.web.openapi import IF_MATCH_IF_NAMED, answering

__all__ = [
    "add_community",
    "begin_span",
    "end_span",
    "export_roll",
    "get_community",
    "list_communities",
    "list_members",
    "list_spans",
    "rename_community",
    "replace_roll",
    "strike_span",
]


@router.get("/communities", response=Listing[schemas.Community], summary="List communities of nations")
def list_communities(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Community]:
    """The communities of nations that this node knows, by code."""
    require(acting(request), "read:people")
    return listing(
        Listing[schemas.Community],
        models.Community.objects.all(),
        paging,
        order=("code",),
        show=_communities,
    )


@router.post("/communities", response={201: schemas.Community}, summary="Add a community")
def add_community(request: ApiRequest, body: schemas.NewCommunity) -> Status[schemas.Community]:
    """Add a community of nations: an empty one, or one that ships with Taawun."""
    actor = acting(request)
    require(actor, "manage:communities")
    if body.name is None:
        return Status(201, _community(actions.add_shipped_community(actor, body.code)))
    names = words(body.name, "/name")
    return Status(201, _community(actions.add_community(actor, code=body.code, names=names)))


@router.get(
    "/communities/{uuid:community_id}",
    response=schemas.Community,
    summary="Get a community",
    openapi_extra=answering("ETag"),
)
def get_community(request: ApiRequest, response: HttpResponse, community_id: UUID) -> schemas.Community:
    """A community of nations."""
    require(acting(request), "read:people")
    found = _found(community_id)
    response["ETag"] = etag(found.edition)
    return _community(found)


@router.patch(
    "/communities/{uuid:community_id}",
    response=schemas.Community,
    summary="Rename a community",
    openapi_extra=IF_MATCH_IF_NAMED | answering("ETag"),
)
def rename_community(
    request: ApiRequest, response: HttpResponse, community_id: UUID, body: schemas.CommunityName
) -> schemas.Community:
    """Change what a community is called."""
    actor = acting(request)
    require(actor, "manage:communities")
    found = _found(community_id)
    edition = check_edition_if_named(request, found.edition)
    named = actions.rename_community(actor, found, words(body.name, "/name"), edition=edition)
    response["ETag"] = etag(named.edition)
    return _community(named)


@router.get(
    "/communities/{uuid:community_id}/members",
    response=Listing[schemas.Span],
    summary="Who is a member at an instant?",
)
def list_members(
    request: ApiRequest, community_id: UUID, paging: Query[Paging], wanted: Query[schemas.SpanInstant]
) -> Listing[schemas.Span]:
    """Who is a member, and not suspended, at an instant: now, or the one that is asked for."""
    require(acting(request), "read:people")
    found = queries.members_at(_found(community_id), wanted.at or now())
    return listing(Listing[schemas.Span], found, paging, order=("id",), show=_spans)


@router.get(
    "/communities/{uuid:community_id}/spans",
    response=Listing[schemas.Span],
    summary="List the history of a community",
)
def list_spans(
    request: ApiRequest, community_id: UUID, paging: Query[Paging], wanted: Query[schemas.SpanFilter]
) -> Listing[schemas.Span]:
    """What nations and organisations were to a community, and when."""
    require(acting(request), "read:people")
    found = queries.spans(_found(community_id), queries.day_of(wanted.at), wanted.standing)
    return listing(Listing[schemas.Span], found, paging, order=("id",), show=_spans)


@router.post(
    "/communities/{uuid:community_id}/spans", response={201: schemas.Span}, summary="Write down a membership"
)
def begin_span(request: ApiRequest, community_id: UUID, body: schemas.NewSpan) -> Status[schemas.Span]:
    """What a nation or an organisation is, or was, to a community."""
    actor = acting(request)
    require(actor, "manage:communities")
    span = actions.begin_span(
        actor,
        _found(community_id),
        standing=body.standing,
        nation=body.nation,
        organisation=found_organisation(body.organisation) if body.organisation else None,
        since=body.since,
        until=body.until,
        name=words(body.name, "/name") if body.name else None,
    )
    return Status(201, _spans([span])[0])


@router.post(
    "/communities/{uuid:community_id}/spans/{uuid:span_id}/end",
    response=schemas.Span,
    summary="End a membership",
)
def end_span(request: ApiRequest, community_id: UUID, span_id: UUID, body: schemas.SpanEnd) -> schemas.Span:
    """Write down that it has ended, or ends; what rested on it ends with it."""
    actor = acting(request)
    require(actor, "manage:communities")
    return _spans([actions.end_span(actor, _found_span(community_id, span_id), body.until)])[0]


@router.delete(
    "/communities/{uuid:community_id}/spans/{uuid:span_id}",
    response={204: None},
    summary="Strike a membership",
)
def strike_span(request: ApiRequest, community_id: UUID, span_id: UUID) -> Status[None]:
    """Strike what was written down by mistake."""
    actor = acting(request)
    require(actor, "manage:communities")
    actions.strike_span(actor, _found_span(community_id, span_id))
    return Status(204, None)


@router.get("/communities/{uuid:community_id}/roll", response=schemas.Roll, summary="Export a roll")
def export_roll(request: ApiRequest, community_id: UUID) -> schemas.Roll:
    """The whole history of a community with the names it gives, as another node can import it."""
    require(acting(request), "read:people")
    community = _found(community_id)
    return schemas.Roll(
        code=community.code, spans=[schemas.RollLine.model_validate(row) for row in rolled(community)]
    )


@router.put("/communities/{uuid:community_id}/roll", response=schemas.Community, summary="Import a roll")
def replace_roll(request: ApiRequest, community_id: UUID, body: schemas.NewRoll) -> schemas.Community:
    """Put a roll in the place of what is there. A roll that contradicts itself changes nothing."""
    actor = acting(request)
    require(actor, "manage:communities")
    lines = roll.read_lines(each.model_dump() for each in body.spans)
    return _community(actions.replace_roll(actor, _found(community_id), lines))


def _found(community_id: UUID) -> models.Community:
    community = models.Community.objects.filter(id=community_id).first()
    if community is None:
        missing("no-such-community", _("There is no such community on this node."))
    return community


def _found_span(community_id: UUID, span_id: UUID) -> models.Span:
    span = models.Span.objects.filter(id=span_id, community=community_id).select_related("community").first()
    if span is None:
        missing("no-such-span", _("This community has no such line in its history."))
    return span


def _communities(rows: Sequence[models.Community]) -> list[schemas.Community]:
    counts = queries.member_counts([each.id for each in rows], now())
    return [
        schemas.Community(id=each.id, code=each.code, name=each.names, members=counts[each.id])
        for each in rows
    ]


def _community(community: models.Community) -> schemas.Community:
    return _communities([community])[0]


def _spans(rows: Sequence[models.Span]) -> list[schemas.Span]:
    named = naming.named_nations(each.nation_id for each in rows if each.nation_id)
    shown = []
    for each in rows:
        standing: Any = each.standing  # one of the words of schemas.Span.standing
        place = each.organisation
        shown.append(
            schemas.Span(
                id=each.id,
                nation=each.nation_id,
                organisation=name_shown(place) if place else None,
                name=place.names if place else named[each.nation_id or ""].name.to_json(),
                standing=standing,
                since=each.since,
                until=each.until,
            )
        )
    return shown
