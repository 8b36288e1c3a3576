"""Tokens of the guests of this node, and what they read, for machines of people here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation import actions, guests, models, schemas
from taawun.cooperation.federation.api.releases import found_release
from taawun.cooperation.federation.api.routing import router
from taawun.cooperation.federation.errors import GuestRefused
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, missing

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["hosted_shown", "token_of_guest_shown"]


@router.get("/federation/guests", response=list[schemas.HostedGuest], summary="List the guests of this node")
def list_guests(request: ApiRequest) -> list[schemas.HostedGuest]:
    """The guests whom this node hosts, in each agreement, with whether they come and what they read."""
    require(acting(request), "read:federation")
    return [hosted_shown(each) for each in guests.hosted()]


@router.get(
    "/federation/guests/tokens", response=Listing[schemas.GuestToken], summary="List tokens of guests"
)
def list_guest_tokens(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.GuestTokenFilter]
) -> Listing[schemas.GuestToken]:
    """Tokens of guests, newest first, with those that are over."""
    require(acting(request), "manage:guests")
    return listing(
        Listing[schemas.GuestToken],
        guests.tokens_of(wanted.agreement, wanted.guest, wanted.text),
        paging,
        order=("-id",),
        show=lambda rows: [token_of_guest_shown(each) for each in rows],
    )


@router.post(
    "/federation/guests/tokens", response={201: schemas.GuestTokenMade}, summary="Make a token for a guest"
)
def create_guest_token(request: ApiRequest, body: schemas.NewGuestToken) -> Status[schemas.GuestTokenMade]:
    """A token that opens what one agreement gives a guest of this node, shown once."""
    actor = acting(request)
    require(actor, "manage:guests")
    agreement = Agreement.objects.filter(id=body.agreement).first()
    if agreement is None:
        raise GuestRefused("no-such-agreement", _("There is no such agreement on this node."))
    minted = actions.issue_guest_token(
        actor,
        agreement,
        body.guest,
        name=body.name,
        email=body.email,
        life=timedelta(days=body.days),
    )
    return Status(201, schemas.GuestTokenMade(token=minted.secret, about=token_of_guest_shown(minted.thing)))


@router.delete(
    "/federation/guests/tokens/{uuid:token_id}", response={204: None}, summary="Revoke a guest's token"
)
def revoke_guest_token(request: ApiRequest, token_id: UUID) -> Status[None]:
    """Whoever uses it is refused at once."""
    actor = acting(request)
    require(actor, "manage:guests")
    token = models.GuestToken.objects.filter(id=token_id).first()
    if token is None or not actions.revoke_guest_token(actor, token):
        missing("no-such-token", _("There is no such open token of a guest."))
    return Status(204, None)


@router.get(
    "/federation/releases/{uuid:release_id}/readings",
    response=Listing[schemas.GuestReading],
    summary="List which guests read a release",
)
def list_readings(
    request: ApiRequest, release_id: UUID, paging: Query[Paging]
) -> Listing[schemas.GuestReading]:
    """Which guests read a release, here or by their hosts' signed word, and when."""
    require(acting(request), "read:federation")
    found = guests.readings_of(found_release(release_id))
    return listing(Listing[schemas.GuestReading], found, paging, order=("read", "id"), show=_readings)


def _readings(rows: Sequence[models.GuestCopy]) -> list[schemas.GuestReading]:
    return [
        schemas.GuestReading(
            guest=each.guest,
            lane=each.passage.entry.lane_id,
            seq=each.passage.entry.seq,
            at=each.read,
            said=each.said,
        )
        for each in rows
        if each.read is not None
    ]


def hosted_shown(hosted: guests.Hosted) -> schemas.HostedGuest:
    """A guest of this node as the interface tells it."""
    state: Any = hosted.standing.state.value  # one of the words of agreements
    return schemas.HostedGuest(
        agreement=hosted.agreement.id,
        code=hosted.agreement.code,
        state=state,
        guest=hosted.ref,
        name=hosted.name.to_json(),
        nation=hosted.party.nation,
        tokens=hosted.tokens,
        last_used=hosted.last_used,
        read=hosted.read,
        last_read=hosted.last_read,
    )


def token_of_guest_shown(token: models.GuestToken) -> schemas.GuestToken:
    """A guest's token as the interface tells it, without its secret."""
    return schemas.GuestToken(
        id=token.id,
        agreement=token.agreement,
        guest=token.guest,
        name=token.name,
        email=token.email,
        hint=token.hint,
        created=token.created,
        expires=token.expires,
        last_used=token.last_used,
        revoked=token.revoked,
    )
