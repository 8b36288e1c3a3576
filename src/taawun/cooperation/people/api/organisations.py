"""Organisations, for machines."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, models, schemas
from taawun.cooperation.people.api.routing import router, words
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import (
    ApiRequest,
    Listing,
    Paging,
    Refusal,
    check_edition_if_named,
    etag,
    listing,
    missing,
)
from taawun.platform.web.formats import either
from taawun.platform.web.openapi import IF_MATCH_IF_NAMED, answering

__all__ = ["add_organisation", "found_organisation", "list_organisations", "organisation_shown"]


@router.get("/organisations", response=Listing[schemas.Organisation], summary="List organisations")
def list_organisations(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Organisation]:
    """The organisations whose people work on this node, oldest first: this node's own is the first."""
    require(acting(request), "read:people")
    return listing(
        Listing[schemas.Organisation],
        models.Organisation.objects.all(),
        paging,
        order=("created", "id"),
        show=lambda rows: [organisation_shown(each) for each in rows],
    )


@router.post("/organisations", response={201: schemas.Organisation}, summary="Add an organisation")
def add_organisation(request: ApiRequest, body: schemas.NewOrganisation) -> Status[schemas.Organisation]:
    """Add an organisation whose people will work here."""
    actor = acting(request)
    require(actor, "manage:people")
    organisation = actions.add_organisation(
        actor,
        names=words(body.name, "/name"),
        kind=_kind(body.kind),
        nation=body.nation,
        working_days=body.working_days,
    )
    return Status(201, organisation_shown(organisation))


@router.get(
    "/organisations/{uuid:organisation_id}",
    response=schemas.Organisation,
    summary="Get an organisation",
    openapi_extra=answering("ETag"),
)
def get_organisation(
    request: ApiRequest, response: HttpResponse, organisation_id: UUID
) -> schemas.Organisation:
    """An organisation whose people work on this node."""
    require(acting(request), "read:people")
    found = addressed_organisation(organisation_id)
    response["ETag"] = etag(found.edition)
    return organisation_shown(found)


@router.put(
    "/organisations/{uuid:organisation_id}",
    response=schemas.Organisation,
    summary="Change an organisation",
    openapi_extra=IF_MATCH_IF_NAMED | answering("ETag"),
)
def change_organisation(
    request: ApiRequest, response: HttpResponse, organisation_id: UUID, body: schemas.NewOrganisation
) -> schemas.Organisation:
    """What an organisation is called, what it is, of which nation, and on which days it works."""
    actor = acting(request)
    require(actor, "manage:people")
    found = addressed_organisation(organisation_id)
    changed = actions.change_organisation(
        actor,
        found,
        names=words(body.name, "/name"),
        kind=_kind(body.kind),
        nation=body.nation,
        working_days=body.working_days,
        edition=check_edition_if_named(request, found.edition),
    )
    response["ETag"] = etag(changed.edition)
    return organisation_shown(changed)


def _kind(kind: str) -> models.Organisation.Kind:
    if kind not in models.Organisation.Kind.values:
        raise Refusal(
            422,
            "unknown-kind",
            _("Choose one of these kinds: %(kinds)s.") % {"kinds": either(models.Organisation.Kind.values)},
            pointer="/kind",
        )
    return models.Organisation.Kind(kind)


def found_organisation(organisation_id: UUID, pointer: str = "/organisation") -> models.Organisation:
    """The organisation that a body names.

    Raises:
        Refusal: 422 with the place: there is none.
    """
    organisation = models.Organisation.objects.filter(id=organisation_id).first()
    if organisation is None:
        raise Refusal(
            422, "no-such-organisation", _("There is no such organisation on this node."), pointer=pointer
        )
    return organisation


def addressed_organisation(organisation_id: UUID) -> models.Organisation:
    """The organisation that an address names.

    Raises:
        Refusal: 404: there is none.
    """
    organisation = models.Organisation.objects.filter(id=organisation_id).first()
    if organisation is None:
        missing("no-such-organisation", _("There is no such organisation on this node."))
    return organisation


def organisation_shown(organisation: models.Organisation) -> schemas.Organisation:
    """An organisation as the interface tells it."""
    return schemas.Organisation(
        id=organisation.id,
        name=organisation.names,
        kind=organisation.kind,
        nation=organisation.nation_id,
        is_host=organisation.is_host,
        working_days=list(organisation.week),
    )
