"""Oneself and one's tokens, for machines."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, models, queries, schemas
from taawun.cooperation.people.api.persons import person_shown
from taawun.cooperation.people.api.routing import router
from taawun.cooperation.people.tokens import acting
from taawun.platform.web.api import ApiRequest, Listing, Paging, listing, missing

__all__ = ["create_token", "edit_me", "get_me", "list_tokens", "revoke_token", "token_shown"]


@router.get("/me", response=schemas.Me, summary="Who am I, and what may I do?")
def get_me(request: ApiRequest) -> schemas.Me:
    """The person behind the token, their roles, and what the token lets them do."""
    actor = acting(request)
    person = queries.persons(actor).get(id=actor.id)
    return schemas.Me(
        person=person_shown(actor, person),
        reading=schemas.Reading(**asdict(person.reading)),
        permissions=sorted(actor.permissions),
        token=token_shown(models.ApiToken.objects.get(id=request.auth.token)),
    )


@router.patch("/me", response=schemas.Me, summary="Change my name, my language or how I read")
def edit_me(request: ApiRequest, body: schemas.MeEdit) -> schemas.Me:
    """What one is called, and in which language and how this node writes to one; what is left out or null stays.

    Any token of the person may.
    """
    actor = acting(request)
    me = models.Person.objects.get(id=actor.id)
    told = {name: getattr(body, name) for name in ("zone", "calendar", "digits", "addressed", "theme")}
    reading = replace(me.reading, **{name: each for name, each in told.items() if each is not None})
    with transaction.atomic():
        if body.name is not None:
            actions.rename(actor, me, body.name)
        if body.language is not None:
            actions.set_language(me, body.language)
        actions.set_reading(me, reading)
    return get_me(request)


@router.get("/tokens", response=Listing[schemas.Token], summary="List my tokens")
def list_tokens(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.TokenFilter]
) -> Listing[schemas.Token]:
    """One's own API tokens, newest first, with those that are over."""
    return listing(
        Listing[schemas.Token],
        queries.tokens(models.Person.objects.get(id=acting(request).id), wanted.text, wanted.state),
        paging,
        order=("-id",),
        show=lambda rows: [token_shown(each) for each in rows],
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
    return Status(201, schemas.TokenMade(token=minted.secret, about=token_shown(minted.thing)))


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


def token_shown(token: models.ApiToken) -> schemas.Token:
    """A token as the interface tells it, without its secret."""
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
