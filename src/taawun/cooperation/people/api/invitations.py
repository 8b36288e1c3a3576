"""Invitations, for machines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, letters, models, queries, schemas
from taawun.cooperation.people.api.organisations import found_organisation
from taawun.cooperation.people.api.persons import name_shown
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.clock import now
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, missing

__all__ = ["invitation_shown", "invite", "list_invitations", "revoke_invitation"]


@router.get("/invitations", response=Listing[schemas.Invitation], summary="List invitations")
def list_invitations(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.InvitationFilters]
) -> Listing[schemas.Invitation]:
    """Every invitation, newest first, with what became of it."""
    actor = acting(request)
    require(actor, "manage:people")
    return listing(
        Listing[schemas.Invitation],
        queries.invitations(actor, wanted.q, wanted.state or ""),
        paging,
        order=("-id",),
        show=lambda rows: [invitation_shown(each) for each in rows],
    )


@router.post("/invitations", response={201: schemas.InvitationMade}, summary="Invite somebody")
def invite(request: ApiRequest, body: schemas.NewInvitation) -> Status[schemas.InvitationMade]:
    """Invite somebody. The link is mailed where the node can, and answered here, once."""
    actor = acting(request)
    require(actor, "manage:people")
    organisation = found_organisation(body.organisation) if body.organisation else queries.host()
    minted = actions.invite(
        actor, email=body.email, organisation=organisation, roles=body.roles, language=body.language
    )
    link = letters.invitation_link(minted.thing, minted.secret)
    made = schemas.InvitationMade(
        link=link,
        was_mailed=letters.mail_when_committed(minted.thing, link),
        about=invitation_shown(minted.thing),
    )
    return Status(201, made)


@router.delete("/invitations/{uuid:invitation_id}", response={204: None}, summary="Revoke an invitation")
def revoke_invitation(request: ApiRequest, invitation_id: UUID) -> Status[None]:
    """Close an invitation that was not used; one that is closed stays so."""
    actor = acting(request)
    require(actor, "manage:people")
    invitation = queries.invitations(actor).filter(id=invitation_id).first()
    if invitation is None:
        missing("no-such-invitation", _("There is no such invitation."))
    actions.revoke_invitation(actor, invitation)
    return Status(204, None)


def invitation_shown(invitation: models.Invitation) -> schemas.Invitation:
    """An invitation as the interface tells it."""
    return schemas.Invitation(
        id=invitation.id,
        email=invitation.email,
        organisation=name_shown(invitation.organisation),
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
