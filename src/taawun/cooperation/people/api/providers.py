"""Identity providers, for machines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.cooperation.people import actions, models, queries, schemas
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.api.organisations import found_organisation
from taawun.cooperation.people.api.persons import name_shown
from taawun.cooperation.people.api.routing import router
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

__all__ = ["add_provider", "change_provider", "list_providers", "provider_shown", "remove_provider"]


@router.get(
    "/identity-providers", response=Listing[schemas.IdentityProvider], summary="List identity providers"
)
def list_providers(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.IdentityProvider]:
    """By which providers the people of one's organisations sign in, without their secrets."""
    actor = acting(request)
    require(actor, "manage:people")
    return listing(
        Listing[schemas.IdentityProvider],
        queries.providers(actor),
        paging,
        order=("id",),
        show=lambda rows: [provider_shown(each) for each in rows],
    )


@router.post(
    "/identity-providers", response={201: schemas.IdentityProvider}, summary="Add an identity provider"
)
def add_provider(request: ApiRequest, body: schemas.NewIdentityProvider) -> Status[schemas.IdentityProvider]:
    """Let an organisation's people sign in by its own provider, OpenID Connect or SAML."""
    actor = acting(request)
    require(actor, "manage:people")
    place = found_organisation(body.organisation) if body.organisation else queries.host()
    return Status(201, provider_shown(actions.add_provider(actor, place, _given(body))))


@router.put(
    "/identity-providers/{uuid:provider_id}",
    response=schemas.IdentityProvider,
    summary="Change an identity provider",
    openapi_extra=IF_MATCH_IF_NAMED | answering("ETag"),
)
def change_provider(
    request: ApiRequest, response: HttpResponse, provider_id: UUID, body: schemas.NewIdentityProvider
) -> schemas.IdentityProvider:
    """What is said of a provider. It stays its organisation's, and its secret stays where none is given."""
    actor = acting(request)
    require(actor, "manage:people")
    found = _found(actor, provider_id)
    edition = check_edition_if_named(request, found.edition)
    changed = actions.change_provider(actor, found, _given(body), edition=edition)
    response["ETag"] = etag(changed.edition)
    return provider_shown(changed)


@router.delete(
    "/identity-providers/{uuid:provider_id}", response={204: None}, summary="Remove an identity provider"
)
def remove_provider(request: ApiRequest, provider_id: UUID) -> Status[None]:
    """Let nobody sign in by it any more, and forget whom it knew."""
    actor = acting(request)
    require(actor, "manage:people")
    actions.remove_provider(actor, _found(actor, provider_id))
    return Status(204, None)


def _found(actor: PersonActor, provider_id: UUID) -> models.IdentityProvider:
    provider = queries.providers(actor).filter(id=provider_id).first()
    if provider is None:
        missing("no-such-provider", _("There is no such identity provider."))
    return provider


def _given(body: schemas.NewIdentityProvider) -> actions.ProviderFields:
    given: dict[str, Any] = body.model_dump(exclude={"organisation"})  # each as the fields have it
    return actions.ProviderFields(**given)


def provider_shown(provider: models.IdentityProvider) -> schemas.IdentityProvider:
    """A provider as the interface tells it, without its secret."""
    protocol: Any = provider.protocol  # one of the words of the schema, held by the model's choices
    return schemas.IdentityProvider(
        id=provider.id,
        edition=provider.edition,
        protocol=protocol,
        sign_in_url=provider.sign_in_url,
        certificates=provider.certificates,
        organisation=name_shown(provider.organisation),
        name=provider.name,
        issuer=provider.issuer,
        client=provider.client,
        has_secret=bool(provider.secret),
        domains=provider.domains,
        groups_claim=provider.groups_claim,
        roles_by_group=provider.roles_by_group,
        is_active=provider.is_active,
    )
