"""Duty contacts, for machines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, models, schemas
from taawun.cooperation.people.api.organisations import addressed_organisation
from taawun.cooperation.people.api.routing import router, words
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
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
    "add_contact",
    "change_contact",
    "contact_shown",
    "list_contacts",
    "remove_contact",
    "test_contact",
]


@router.get(
    "/organisations/{uuid:organisation_id}/contacts",
    response=Listing[schemas.DutyContact],
    summary="List duty contacts",
)
def list_contacts(
    request: ApiRequest, organisation_id: UUID, paging: Query[Paging]
) -> Listing[schemas.DutyContact]:
    """Whom to call at an organisation of this node."""
    require(acting(request), "read:people")
    return listing(
        Listing[schemas.DutyContact],
        models.DutyContact.objects.filter(organisation=addressed_organisation(organisation_id)),
        paging,
        order=("id",),
        show=lambda rows: [contact_shown(each) for each in rows],
    )


@router.post(
    "/organisations/{uuid:organisation_id}/contacts",
    response={201: schemas.DutyContact},
    summary="Add a duty contact",
)
def add_contact(
    request: ApiRequest, organisation_id: UUID, body: schemas.NewDutyContact
) -> Status[schemas.DutyContact]:
    """Whom to call at an organisation; those of this node's own are in its descriptor."""
    actor = acting(request)
    require(actor, "manage:contacts")
    added = actions.add_contact(actor, addressed_organisation(organisation_id), _given(body))
    return Status(201, contact_shown(added))


@router.put(
    "/contacts/{uuid:contact_id}",
    response=schemas.DutyContact,
    summary="Change a duty contact",
    openapi_extra=IF_MATCH_IF_NAMED | answering("ETag"),
)
def change_contact(
    request: ApiRequest, response: HttpResponse, contact_id: UUID, body: schemas.NewDutyContact
) -> schemas.DutyContact:
    """What is said of a contact; another number, address or key was not tested yet."""
    actor = acting(request)
    require(actor, "manage:contacts")
    found = _found(contact_id)
    edition = check_edition_if_named(request, found.edition)
    changed = actions.change_contact(actor, found, _given(body), edition=edition)
    response["ETag"] = etag(changed.edition)
    return contact_shown(changed)


@router.delete("/contacts/{uuid:contact_id}", response={204: None}, summary="Remove a duty contact")
def remove_contact(request: ApiRequest, contact_id: UUID) -> Status[None]:
    """Remove a contact."""
    actor = acting(request)
    require(actor, "manage:contacts")
    actions.remove_contact(actor, _found(contact_id))
    return Status(204, None)


@router.post(
    "/contacts/{uuid:contact_id}/test", response=schemas.DutyContact, summary="Write down a test of a contact"
)
def test_contact(request: ApiRequest, contact_id: UUID, body: schemas.ContactOutcome) -> schemas.DutyContact:
    """That a contact was tried now, and what came of it."""
    actor = acting(request)
    require(actor, "manage:contacts")
    return contact_shown(actions.record_contact_test(actor, _found(contact_id), body.outcome))


def _found(contact_id: UUID) -> models.DutyContact:
    contact = models.DutyContact.objects.filter(id=contact_id).first()
    if contact is None:
        missing("no-such-contact", _("There is no such duty contact on this node."))
    return contact


def _given(body: schemas.NewDutyContact) -> actions.ContactFields:
    given: dict[str, Any] = body.model_dump(exclude={"name"})  # each as the fields have it
    return actions.ContactFields(name=words(body.name, "/name"), **given)


def contact_shown(contact: models.DutyContact) -> schemas.DutyContact:
    """A contact as the interface tells it."""
    return schemas.DutyContact(
        id=contact.id,
        edition=contact.edition,
        name=contact.names,
        zone=contact.zone,
        is_always=contact.is_always,
        days=contact.days,
        opens=contact.opens,
        closes=contact.closes,
        languages=contact.languages,
        phone=contact.phone,
        email=contact.email,
        pgp_fingerprint=contact.pgp_fingerprint,
        pgp_key=contact.pgp_key,
        tested=contact.tested,
        outcome=contact.outcome,
    )
