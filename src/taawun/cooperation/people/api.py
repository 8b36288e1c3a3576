"""The machine face of people: oneself, tokens, persons and roles, invitations, organisations, nations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from taawun.cooperation.people import actions, letters, models, queries, schemas
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.errors import NotAllowed, PeopleError
from taawun.cooperation.people.rules import may_see_address, require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.clock import now
from taawun.foundation.multilingual import Text, TextRefused
from taawun.platform.web.api import ApiRequest, ErrorAnswers, Listing, Paging, Refusal, listing, missing
from taawun.platform.web.formats import either

__all__ = ["ERRORS", "router", "words"]

router = Router(tags=["people"])


def words(value: dict[str, str], pointer: str) -> Text:
    """A text that came in a body.

    Raises:
        Refusal: 422 with the place.
    """
    try:
        return Text.from_json(value)
    except TextRefused as refused:
        raise Refusal(422, refused.code, str(refused), pointer=pointer) from None


# ---- oneself ----------------------------------------------------------------------------------------------------


@router.get("/me", response=schemas.Me, summary="Who am I, and what may I do?")
def get_me(request: ApiRequest) -> schemas.Me:
    """The person behind the token, their roles, and what the token lets them do."""
    actor = acting(request)
    person = queries.persons(actor).get(id=actor.id)
    return schemas.Me(
        person=_person(actor, person),
        permissions=sorted(actor.permissions),
        token=_token(models.ApiToken.objects.get(id=request.auth.token)),
    )


@router.patch("/me", response=schemas.Me, summary="Change my name or my language")
def edit_me(request: ApiRequest, body: schemas.MeEdit) -> schemas.Me:
    """What one is called, and the language in which this node writes to one; what is left out or null stays.

    Any token of the person may.
    """
    actor = acting(request)
    me = models.Person.objects.get(id=actor.id)
    if body.name is not None:
        actions.rename(actor, me, body.name)
    if body.language is not None:
        actions.set_language(me, body.language)
    return get_me(request)


@router.get("/tokens", response=Listing[schemas.Token], summary="List my tokens")
def list_tokens(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Token]:
    """One's own API tokens, newest first, with those that are over."""
    return listing(
        Listing[schemas.Token],
        models.ApiToken.objects.filter(person_id=acting(request).id),
        paging,
        order=("-id",),
        show=lambda rows: [_token(each) for each in rows],
    )


@router.post("/tokens", response={201: schemas.TokenMade}, summary="Make a token")
def create_token(request: ApiRequest, body: schemas.NewToken) -> Status[schemas.TokenMade]:
    """A further token for oneself. It can do no more than the token that asks for it, and ends with it."""
    actor = acting(request)
    minted = actions.create_token(
        actor,
        models.Person.objects.get(id=actor.id),
        name=body.name,
        scopes=body.scopes,
        life=timedelta(days=body.days) if body.days else None,
        made_with=request.auth.token,
    )
    return Status(201, schemas.TokenMade(token=minted.secret, about=_token(minted.thing)))


@router.delete("/tokens/{uuid:token_id}", response={204: None}, summary="Revoke a token")
def revoke_token(request: ApiRequest, token_id: UUID) -> Status[None]:
    """Revoke the token that asks, or one that was made with it; what was made with that one ends too.

    Who manages people may revoke anybody's.
    """
    if not actions.revoke_token(acting(request), token_id, asking=request.auth.token):
        missing(
            "no-such-token",
            _(
                "This token may end itself and what was made with it, and there is no such open token among those."
                " Sign in to end others of yours."
            ),
        )
    return Status(204, None)


def _token(token: models.ApiToken) -> schemas.Token:
    return schemas.Token(
        id=token.id,
        name=token.name,
        hint=token.hint,
        scopes=token.scopes,
        made_with=token.made_with_id,
        created=token.created,
        expires=token.expires,
        last_used=token.last_used,
        revoked=token.revoked,
    )


# ---- persons ----------------------------------------------------------------------------------------------------


@router.get("/people", response=Listing[schemas.Person], summary="List persons")
def list_people(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.PersonFilter]
) -> Listing[schemas.Person]:
    """The persons of this node with their roles, by name."""
    actor = acting(request)
    require(actor, "read:people")
    return listing(
        Listing[schemas.Person],
        queries.persons(actor, wanted.search, wanted.role),
        paging,
        order=("name", "id"),
        show=lambda rows: [_person(actor, each) for each in rows],
    )


@router.get("/people/{uuid:person_id}", response=schemas.Person, summary="Get a person")
def get_person(request: ApiRequest, person_id: UUID) -> schemas.Person:
    """A person with their roles."""
    actor = acting(request)
    require(actor, "read:people")
    return _person(actor, _found_person(actor, person_id))


@router.post("/people/{uuid:person_id}/roles", response={201: schemas.Membership}, summary="Give a role")
def give_role(request: ApiRequest, person_id: UUID, body: schemas.NewRole) -> Status[schemas.Membership]:
    """Give a person a role in an organisation; one they have already stays."""
    actor = acting(request)
    require(actor, "manage:people")
    membership = actions.give_role(
        actor, _found_person(actor, person_id), _found_organisation(body.organisation), body.role
    )
    return Status(201, _membership(membership))


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


def _found_person(actor: PersonActor, person_id: UUID) -> models.Person:
    person = queries.persons(actor).filter(id=person_id).first()
    if person is None:
        missing("no-such-person", _("There is no such person on this node."))
    return person


def _person(actor: PersonActor, person: models.Person) -> schemas.Person:
    return schemas.Person(
        id=person.id,
        name=person.name,
        email=person.email if may_see_address(actor, person.id) else None,
        language=person.language,
        is_active=person.is_active,
        joined=person.date_joined,
        memberships=[_membership(each) for each in person.memberships.all()],
    )


def _membership(membership: models.Membership) -> schemas.Membership:
    return schemas.Membership(
        id=membership.pk,
        organisation=_name(membership.organisation),
        role=membership.role,
        since=membership.since,
    )


def _name(organisation: models.Organisation) -> schemas.OrganisationName:
    return schemas.OrganisationName(id=organisation.id, name=organisation.names)


# ---- organisations and nations ----------------------------------------------------------------------------------


@router.get("/organisations", response=Listing[schemas.Organisation], summary="List organisations")
def list_organisations(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Organisation]:
    """The organisations whose people work on this node, oldest first: this node's own is the first."""
    require(acting(request), "read:people")
    return listing(
        Listing[schemas.Organisation],
        models.Organisation.objects.all(),
        paging,
        order=("created", "id"),
        show=lambda rows: [_organisation(each) for each in rows],
    )


@router.post("/organisations", response={201: schemas.Organisation}, summary="Add an organisation")
def add_organisation(request: ApiRequest, body: schemas.NewOrganisation) -> Status[schemas.Organisation]:
    """Add an organisation whose people will work here."""
    actor = acting(request)
    require(actor, "manage:people")
    if body.kind not in models.Organisation.Kind.values:
        raise Refusal(
            422,
            "unknown-kind",
            _("Choose one of these kinds: %(kinds)s.") % {"kinds": either(models.Organisation.Kind.values)},
            pointer="/kind",
        )
    organisation = actions.add_organisation(
        actor,
        names=words(body.name, "/name"),
        kind=models.Organisation.Kind(body.kind),
        nation=body.nation,
    )
    return Status(201, _organisation(organisation))


@router.get("/nations", response=Listing[schemas.Nation], summary="List nations")
def list_nations(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Nation]:
    """The nations this node has heard of, by code, each by its own word where that is known."""
    require(acting(request), "read:people")
    return listing(
        Listing[schemas.Nation],
        models.Nation.objects.all(),
        paging,
        order=("code",),
        show=lambda rows: [_nation(each) for each in rows],
    )


def _nation(nation: models.Nation) -> schemas.Nation:
    names = nation.names or queries.locale_nation_name(nation.code).to_json()
    return schemas.Nation(code=nation.code, name=names)


def _found_organisation(organisation_id: UUID) -> models.Organisation:
    organisation = models.Organisation.objects.filter(id=organisation_id).first()
    if organisation is None:
        raise Refusal(
            422,
            "no-such-organisation",
            _("There is no such organisation on this node."),
            pointer="/organisation",
        )
    return organisation


def _organisation(organisation: models.Organisation) -> schemas.Organisation:
    return schemas.Organisation(
        id=organisation.id,
        name=organisation.names,
        kind=organisation.kind,
        nation=organisation.nation_id,
        is_host=organisation.is_host,
    )


# ---- invitations ------------------------------------------------------------------------------------------------


@router.get("/invitations", response=Listing[schemas.Invitation], summary="List invitations")
def list_invitations(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.Invitation]:
    """Every invitation, newest first, with what became of it."""
    require(acting(request), "manage:people")
    return listing(
        Listing[schemas.Invitation],
        models.Invitation.objects.select_related("organisation"),
        paging,
        order=("-id",),
        show=lambda rows: [_invitation(each) for each in rows],
    )


@router.post("/invitations", response={201: schemas.InvitationMade}, summary="Invite somebody")
def invite(request: ApiRequest, body: schemas.NewInvitation) -> Status[schemas.InvitationMade]:
    """Invite somebody. The link is mailed where the node can, and answered here, once."""
    actor = acting(request)
    require(actor, "manage:people")
    organisation = _found_organisation(body.organisation) if body.organisation else queries.host()
    minted = actions.invite(
        actor, email=body.email, organisation=organisation, roles=body.roles, language=body.language
    )
    link = letters.invitation_link(minted.thing, minted.secret)
    made = schemas.InvitationMade(
        link=link, was_mailed=letters.mail_when_committed(minted.thing, link), about=_invitation(minted.thing)
    )
    return Status(201, made)


@router.delete("/invitations/{uuid:invitation_id}", response={204: None}, summary="Revoke an invitation")
def revoke_invitation(request: ApiRequest, invitation_id: UUID) -> Status[None]:
    """Close an invitation that was not used; one that is closed stays so."""
    actor = acting(request)
    require(actor, "manage:people")
    invitation = models.Invitation.objects.filter(id=invitation_id).first()
    if invitation is None:
        missing("no-such-invitation", _("There is no such invitation."))
    actions.revoke_invitation(actor, invitation)
    return Status(204, None)


def _invitation(invitation: models.Invitation) -> schemas.Invitation:
    return schemas.Invitation(
        id=invitation.id,
        email=invitation.email,
        organisation=_name(invitation.organisation),
        roles=invitation.roles,
        language=invitation.language,
        state=_state(invitation),
        created=invitation.created,
        expires=invitation.expires,
        accepted=invitation.accepted,
        revoked=invitation.revoked,
    )


def _state(invitation: models.Invitation) -> Any:  # one of the words of schemas.Invitation.state
    if invitation.accepted:
        return "accepted"
    if invitation.revoked:
        return "revoked"
    return "open" if invitation.is_open(now()) else "expired"


def _not_allowed(refused: NotAllowed) -> Refusal:
    facts: dict[str, Any] = dict(refused.params)  # further members of the problem document
    return Refusal(403, refused.reason, refused.sentence, **facts)


def _people_error(error: PeopleError) -> Refusal:
    return Refusal(422, error.code, str(error), pointer=f"/{error.field}" if error.field else "")


ERRORS: Final[ErrorAnswers] = {NotAllowed: _not_allowed, PeopleError: _people_error}
