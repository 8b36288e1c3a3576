"""Signing in by an organisation's own provider: who keeps the providers, and whom their word lets in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people.actions.editions import held_to
from taawun.cooperation.people.actions.invitations import come_in
from taawun.cooperation.people.actions.oneself import zone_for
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.errors import ProviderRefused, SignInRefused
from taawun.cooperation.people.models import Identity, IdentityProvider, Invitation, Person, has_address
from taawun.cooperation.people.oidc import forget
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.rules import ensure, holds_in, organisations_of
from taawun.cooperation.people.saml import certificates_in
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.web.sealed import seal
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.models import Organisation
    from taawun.cooperation.people.oidc import Claims

__all__ = [
    "ProviderFields",
    "add_provider",
    "admit_identity",
    "change_provider",
    "refuse_identity",
    "remove_provider",
]

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{1,31}:[!-~]+")
_MOST: Final = 50
_DOORMAN: Final = SystemActor("people.sign-in")


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """What is said of a provider.

    Args:
        name: stands on the button.
        issuer: its address, exactly as it calls itself.
        client: what it calls this node.
        secret: of the client; empty keeps the one there is, or none.
        domains: for addresses of these its word is taken.
        groups_claim: the claim, or attribute, in which it lists groups; empty for none.
        roles_by_group: which groups come in without an invitation, and as what.
        is_active: whether one can sign in by it.
        protocol: a value of :class:`~taawun.cooperation.people.models.IdentityProvider.Protocol`.
        sign_in_url: of SAML, where it takes requests by redirect.
        certificates: of SAML, those of the keys with which it signs (PEM).
    """

    name: str
    issuer: str
    client: str = ""
    secret: str = ""
    domains: tuple[str, ...] = ()
    groups_claim: str = ""
    roles_by_group: Mapping[str, tuple[str, ...]] | None = None
    is_active: bool = True
    protocol: str = "oidc"
    sign_in_url: str = ""
    certificates: str = ""


def _fill(provider: IdentityProvider, given: ProviderFields) -> None:
    groups = dict(given.roles_by_group or {})
    if given.protocol == IdentityProvider.Protocol.SAML:
        _check_saml(given)
    else:
        _check_oidc(given)
    if len(given.domains) > _MOST or not all(_DOMAIN.fullmatch(each) for each in given.domains):
        raise ProviderRefused("domains", _("Name domains in small letters, as in cert.example."))
    if len(groups) > _MOST or not all(
        group and roles and set(roles) <= set(Role.values) for group, roles in groups.items()
    ):
        raise ProviderRefused("roles_by_group", _("Give each group at least one role that there is."))
    if IdentityProvider.objects.filter(issuer=given.issuer).exclude(id=provider.id).exists():
        raise ProviderRefused("issuer", _("There is a provider with this issuer already."))
    if provider.issuer != given.issuer:
        provider.secret = ""  # a secret is told to nobody but whom it was made with
    provider.name, provider.issuer, provider.client = given.name.strip(), given.issuer, given.client.strip()
    provider.secret = seal(given.secret) if given.secret else provider.secret
    provider.protocol, provider.sign_in_url = given.protocol, given.sign_in_url.strip()
    provider.certificates = given.certificates.strip()
    provider.domains = sorted(set(given.domains))
    provider.groups_claim, provider.is_active = given.groups_claim.strip(), given.is_active
    provider.roles_by_group = {group: sorted(set(roles)) for group, roles in groups.items()}


def _check_oidc(given: ProviderFields) -> None:
    if given.protocol != IdentityProvider.Protocol.OIDC:
        raise ProviderRefused("protocol", _("A provider speaks OpenID Connect or SAML 2.0."))
    if not _is_address(given.issuer):
        raise ProviderRefused(
            "issuer",
            _("The issuer is an address that begins with https:// as in https://login.cert.example."),
        )
    if not given.name.strip():
        raise ProviderRefused("name", _("A provider needs a name."))
    if not given.client.strip():
        raise ProviderRefused("client", _("The client is required in OpenID Connect."))


def _check_saml(given: ProviderFields) -> None:
    if not given.name.strip():
        raise ProviderRefused("name", _("A provider needs a name."))
    if not _is_address(given.issuer) and not _URN.fullmatch(given.issuer):
        raise ProviderRefused(
            "issuer",
            _("The entity id is an address that begins with https:// or a URN, as in urn:example:idp."),
        )
    if not _is_address(given.sign_in_url, with_query=True):
        raise ProviderRefused(
            "sign_in_url", _("Give the https address at which the provider takes requests.")
        )
    try:
        certificates_in(given.certificates)
    except ValueError:
        told = _("Give one to four certificates, each from BEGIN CERTIFICATE to END CERTIFICATE.")
        raise ProviderRefused("certificates", told) from None


def _is_address(text: str, *, with_query: bool = False) -> bool:
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    is_plain = not address.fragment and (with_query or not address.query)
    return address.scheme in {"https", "http"} and bool(address.hostname) and is_plain and text.isprintable()


@transaction.atomic
def add_provider(actor: Actor, organisation: Organisation, given: ProviderFields) -> IdentityProvider:
    """Let an organisation's people sign in by its own provider.

    Raises:
        NotAllowed: the actor may not.
        ProviderRefused: with the member that is wrong.
    """
    ensure(holds_in(actor, "manage:people", organisation.id))
    take_turn("people.providers")
    provider = IdentityProvider(organisation=organisation)
    _fill(provider, given)
    provider.save()
    record(actor, "people.provider-added", f"urn:uuid:{provider.organisation_id}", _told(provider))
    return provider


@transaction.atomic
def change_provider(
    actor: Actor, provider: IdentityProvider, given: ProviderFields, *, edition: int | None = None
) -> IdentityProvider:
    """Change what is said of a provider. Another issuer knows nobody yet: the identities of the old one end.

    Args:
        actor: who changes it.
        provider: which.
        given: what is said of it now.
        edition: the one the editor had before them; None where they are not held to it.

    Raises:
        NotAllowed: the actor may not.
        EditedMeanwhile: somebody else changed it since.
        ProviderRefused: with the member that is wrong.
    """
    ensure(holds_in(actor, "manage:people", provider.organisation_id))
    take_turn("people.providers")
    held = held_to(provider, edition)
    if (held.issuer, held.protocol) != (given.issuer, given.protocol):
        held.identities.all().delete()
    _fill(held, given)
    held.edition += 1
    held.save()
    forget(held.issuer)
    record(actor, "people.provider-changed", f"urn:uuid:{held.organisation_id}", _told(held))
    return held


@transaction.atomic
def remove_provider(actor: Actor, provider: IdentityProvider) -> None:
    """Let nobody sign in by a provider any more, and forget whom it knew.

    Raises:
        NotAllowed: the actor may not.
    """
    ensure(holds_in(actor, "manage:people", provider.organisation_id))
    if IdentityProvider.objects.filter(id=provider.id).exists():
        record(actor, "people.provider-removed", f"urn:uuid:{provider.organisation_id}", _told(provider))
        IdentityProvider.objects.filter(id=provider.id).delete()


def _told(provider: IdentityProvider) -> dict[str, object]:
    return {
        "provider": str(provider.id),
        "protocol": provider.protocol,
        "issuer": provider.issuer,
        "domains": provider.domains,
        "roles": provider.roles_by_group,
        "active": provider.is_active,
    }


@transaction.atomic
def admit_identity(provider: IdentityProvider, claims: Claims) -> Person:
    """Whom a provider's word lets in: nobody but who is known, was invited, or is in a group that has roles.

    An address counts only where the issuer verified it and is trusted for its domain, and nobody is let in as a person
    who works for another organisation as well, unless the provider is that of the organisation that runs this node:
    the university's provider does not speak for somebody who signs for the nation.

    Args:
        provider: whose word it is.
        claims: the word, held to its signature before.

    Returns:
        The person, who is active.

    Raises:
        SignInRefused: with the reason.
    """
    take_turn("people.invite")
    known = (
        Identity.objects.select_related("person").filter(provider=provider, subject=claims.subject).first()
    )
    person = known.person if known else _newly_known(provider, claims)
    if not person.is_active:
        raise SignInRefused("inactive")
    if not provider.organisation.is_host and not organisations_of(person) <= {provider.organisation_id}:
        raise SignInRefused("other-organisation")
    return person


def _newly_known(provider: IdentityProvider, claims: Claims) -> Person:
    domain = claims.email.rpartition("@")[2].lower()
    if not claims.email or domain not in provider.domains:
        raise SignInRefused("not-trusted-for-address")
    person = Person.objects.filter(has_address(claims.email)).first()
    if person is not None and provider.organisation_id not in organisations_of(person):
        raise SignInRefused("other-organisation")
    if person is not None and not provider.organisation.is_host and len(organisations_of(person)) > 1:
        raise SignInRefused("other-organisation")
    if person is None:
        person = _invited(provider, claims) or _by_group(provider, claims)
    else:
        # by the address alone, which their organisation's directory says: whose account it is hears of it from people
        about = {"email": person.email, "name": provider.name}
        raise_notice("people.identity-linked", f"urn:uuid:{person.id}", Notice.Level.INFORMATION, about)
    Identity.objects.create(provider=provider, subject=claims.subject, person=person)
    facts = {"provider": str(provider.id)}
    record(_DOORMAN, "people.identity-linked", f"urn:uuid:{person.id}", facts)
    return person


def _invited(provider: IdentityProvider, claims: Claims) -> Person | None:
    invitation = (
        Invitation.objects.select_for_update()
        .filter(
            has_address(claims.email),
            organisation=provider.organisation_id,
            accepted__isnull=True,
            revoked__isnull=True,
            expires__gt=now(),
        )
        .order_by("-id")
        .first()
    )
    if invitation is None:
        return None
    person = Person(
        email=invitation.email, name=claims.name or invitation.email, language=invitation.language
    )
    return come_in(person, invitation)


def _by_group(provider: IdentityProvider, claims: Claims) -> Person:
    roles = {
        role for group, given in provider.roles_by_group.items() if group in claims.groups for role in given
    }
    if not roles:
        raise SignInRefused("not-invited")
    zone = zone_for(provider.organisation)
    person = Person(email=claims.email, name=claims.name or claims.email, zone=zone)
    person.set_unusable_password()
    person.full_clean()
    person.save()
    for role in sorted(roles):
        person.memberships.create(organisation=provider.organisation, role=role)
    facts = {"provider": str(provider.id), "roles": sorted(roles)}
    record(_DOORMAN, "people.came-by-group", f"urn:uuid:{person.id}", facts)
    return person


@transaction.atomic
def refuse_identity(provider: IdentityProvider, code: str) -> None:
    """Tell that a provider's answer let nobody in, and why.

    Anybody with a browser can make this happen as often as they like, so it is counted in one notice for each reason,
    and stands in the trail once for each notice.
    """
    about = {"provider": str(provider.id), "name": provider.name, "code": code}
    subject = f"urn:taawun:provider:{provider.id}:{code}"
    notice = raise_notice("people.sign-in-refused", subject, Notice.Level.WARNING, about)
    if notice.times == 1:
        facts = {"provider": str(provider.id), "code": code}
        record(_DOORMAN, "people.sign-in-refused", f"urn:uuid:{provider.organisation_id}", facts)
