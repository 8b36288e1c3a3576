"""Persons and their roles, for machines."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, models, queries, schemas
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.api.organisations import addressed_organisation, found_organisation
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.rules import may_see_address, require
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, missing

__all__ = [
    "found_person",
    "get_person",
    "give_role",
    "list_people",
    "membership_shown",
    "name_shown",
    "person_shown",
    "take_role",
]


@router.get("/people", response=Listing[schemas.Person], summary="List persons")
def list_people(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.PersonFilter]
) -> Listing[schemas.Person]:
    """The persons of this node with their roles, by name."""
    actor = acting(request)
    require(actor, "read:people")
    return listing(
        Listing[schemas.Person],
        queries.persons(actor, wanted.search, wanted.role, wanted.organisation, wanted.state),
        paging,
        order=("name", "id"),
        show=lambda rows: [person_shown(actor, each) for each in rows],
    )


@router.get("/people/{uuid:person_id}", response=schemas.Person, summary="Get a person")
def get_person(request: ApiRequest, person_id: UUID) -> schemas.Person:
    """A person with their roles."""
    actor = acting(request)
    require(actor, "read:people")
    return person_shown(actor, found_person(actor, person_id))


@router.post("/people/{uuid:person_id}/roles", response={201: schemas.Membership}, summary="Give a role")
def give_role(request: ApiRequest, person_id: UUID, body: schemas.NewRole) -> Status[schemas.Membership]:
    """Give a person a role in an organisation; one they have already stays.

    Who worked for other organisations of this node alone signs in no more by what there is, and their tokens end: make
    them a link for a new password.
    """
    actor = acting(request)
    require(actor, "manage:people")
    membership = actions.give_role(
        actor, found_person(actor, person_id), found_organisation(body.organisation), body.role
    )
    return Status(201, membership_shown(membership))


@router.delete(
    "/people/{uuid:person_id}/roles/{int:membership_id}", response={204: None}, summary="Take a role"
)
def take_role(request: ApiRequest, person_id: UUID, membership_id: int) -> Status[None]:
    """Take a role from a person; the last administrator's stays."""
    actor = acting(request)
    require(actor, "manage:people")
    membership = models.Membership.objects.filter(id=membership_id, person_id=person_id).first()
    if membership is None:
        missing("no-such-role", _("This person has no such role."))
    actions.take_role(actor, membership)
    return Status(204, None)


@router.put(
    "/people/{uuid:person_id}/organisations/{uuid:organisation_id}",
    response=schemas.Person,
    summary="Change roles",
)
def set_roles(
    request: ApiRequest, person_id: UUID, organisation_id: UUID, body: schemas.Roles
) -> schemas.Person:
    """Say which roles a person has in an organisation: these and no others."""
    actor = acting(request)
    require(actor, "manage:people")
    person = found_person(actor, person_id)
    actions.set_roles(actor, person, addressed_organisation(organisation_id), body.roles)
    return person_shown(actor, found_person(actor, person_id))


@router.delete(
    "/people/{uuid:person_id}/organisations/{uuid:organisation_id}",
    response={204: None},
    summary="Let a person leave an organisation",
)
def leave(request: ApiRequest, person_id: UUID, organisation_id: UUID) -> Status[None]:
    """End what a person is in an organisation: every role of theirs in it."""
    actor = acting(request)
    require(actor, "manage:people")
    actions.leave(actor, found_person(actor, person_id), addressed_organisation(organisation_id))
    return Status(204, None)


@router.post("/people/{uuid:person_id}/move", response=schemas.Person, summary="Move a person")
def move(request: ApiRequest, person_id: UUID, body: schemas.Move) -> schemas.Person:
    """Let a person leave one organisation for another, in one step."""
    actor = acting(request)
    require(actor, "manage:people")
    person = found_person(actor, person_id)
    before, after = (
        found_organisation(each, place) for each, place in ((body.before, "/before"), (body.after, "/after"))
    )
    actions.move(actor, person, before, after, body.roles)
    return person_shown(actor, found_person(actor, person_id))


@router.post("/people/{uuid:person_id}/disable", response=schemas.Person, summary="Disable a person")
def disable(request: ApiRequest, person_id: UUID) -> schemas.Person:
    """Let somebody in no more; their sessions and tokens end for good, their roles stay."""
    actor = acting(request)
    require(actor, "manage:people")
    actions.disable(actor, found_person(actor, person_id))
    return person_shown(actor, found_person(actor, person_id))


@router.post("/people/{uuid:person_id}/enable", response=schemas.Person, summary="Enable a person")
def enable(request: ApiRequest, person_id: UUID) -> schemas.Person:
    """Let somebody in again. They sign in anew, and make new tokens."""
    actor = acting(request)
    require(actor, "manage:people")
    actions.enable(actor, found_person(actor, person_id))
    return person_shown(actor, found_person(actor, person_id))


def found_person(actor: PersonActor, person_id: UUID) -> models.Person:
    """The person whom an address names.

    Raises:
        Refusal: 404: there is none.
    """
    person = queries.persons(actor).filter(id=person_id).first()
    if person is None:
        missing("no-such-person", _("There is no such person on this node."))
    return person


def person_shown(actor: PersonActor, person: models.Person) -> schemas.Person:
    """A person as the interface tells them to this reader."""
    return schemas.Person(
        id=person.id,
        name=person.name,
        email=person.email if may_see_address(actor, person) else None,
        language=person.language,
        is_active=person.is_active,
        joined=person.date_joined,
        memberships=[membership_shown(each) for each in person.memberships.all()],
    )


def membership_shown(membership: models.Membership) -> schemas.Membership:
    """A role as the interface tells it."""
    return schemas.Membership(
        id=membership.pk,
        organisation=name_shown(membership.organisation),
        role=membership.role,
        since=membership.since,
    )


def name_shown(organisation: models.Organisation) -> schemas.OrganisationName:
    """An organisation by its name alone."""
    return schemas.OrganisationName(id=organisation.id, name=organisation.names)
