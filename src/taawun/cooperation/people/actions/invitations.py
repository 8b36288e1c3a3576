"""How people come in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people.actions.minting import Minted, fresh_secret
from taawun.cooperation.people.actions.oneself import zone_for
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.errors import InvitationRefused, PeopleError, RoleUnknown
from taawun.cooperation.people.models import Invitation, Membership, Person, has_address
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.rules import Granted, ensure, holds_in
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.platform.audit.actions import record
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.models import Organisation

__all__ = ["INVITATION_LIFE", "accept_invitation", "come_in", "invite", "revoke_invitation"]

INVITATION_LIFE = timedelta(days=14)


@transaction.atomic
def invite(
    actor: Actor, *, email: str, organisation: Organisation, roles: Sequence[str], language: str = "en"
) -> Minted[Invitation]:
    """Invite somebody; the secret makes the link that is mailed or handed over.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the address or a role is wrong, or the person is here, or invited by another organisation, already.
    """
    ensure(holds_in(actor, "manage:people", organisation.id))
    email = _checked_email(email)
    if not roles or not set(roles) <= set(Role.values):
        raise RoleUnknown
    if Person.objects.filter(has_address(email)).exists():
        raise PeopleError(
            _("%(email)s is a person of this node already; give them the role there.") % {"email": email}
        )
    take_turn("people.invite")
    # a second invitation replaces the first: two open doors for one person are one too many
    open_ones = Invitation.objects.select_for_update().filter(
        has_address(email), accepted__isnull=True, revoked__isnull=True
    )
    held = list(open_ones.order_by("id"))
    if not all(isinstance(holds_in(actor, "manage:people", each.organisation_id), Granted) for each in held):
        # whose way in it is to close, that organisation says
        raise PeopleError(
            _("Another organisation of this node has invited %(email)s already. Ask its administrator.")
            % {"email": email}
        )
    for each in held:
        each.revoked = now()
        each.save(update_fields=["revoked"])
        record(actor, "people.invitation-revoked", f"urn:uuid:{each.id}", {"replaced": True})
    secret = fresh_secret()
    invitation = Invitation.objects.create(
        email=email,
        organisation=organisation,
        roles=sorted(set(roles)),
        language=language,
        token_digest=sha256(secret.encode()),
        invited_by_id=_person_id(actor),
        expires=now() + INVITATION_LIFE,
    )
    record(actor, "people.invited", f"urn:uuid:{invitation.id}", {"email": email, "roles": invitation.roles})
    return Minted(invitation, secret)


@transaction.atomic
def revoke_invitation(actor: Actor, invitation: Invitation) -> None:
    """Close an invitation that was not used; one that is closed stays so.

    Raises:
        NotAllowed: the actor may not.
    """
    ensure(holds_in(actor, "manage:people", invitation.organisation_id))
    closed = Invitation.objects.filter(id=invitation.id, accepted__isnull=True, revoked__isnull=True).update(
        revoked=now()
    )
    if closed:
        record(actor, "people.invitation-revoked", f"urn:uuid:{invitation.id}", {})


@transaction.atomic
def accept_invitation(secret: str, *, name: str, password: str, language: str) -> Person:
    """Become a person of this node.

    Args:
        secret: from the link.
        name: what they want to be called, at most 200 characters.
        password: their own choice, held to the password rules.
        language: ``ar``, ``en`` or ``fr``.

    Raises:
        InvitationRefused: unknown, used, revoked or expired.
        ValidationError: the password is too weak, or the name is empty.
    """
    invitation = Invitation.objects.select_for_update().filter(token_digest=sha256(secret.encode())).first()
    if invitation is None or not invitation.is_open(now()):
        raise InvitationRefused
    person = Person(email=invitation.email, name=name.strip(), language=language)
    validate_password(password, person)
    person.set_password(password)
    return come_in(person, invitation)


def come_in(person: Person, invitation: Invitation) -> Person:
    """Keep a person who accepts an invitation, which the caller holds, with the roles that it gives.

    Args:
        person: not kept yet; without a password where they sign in by a provider.
        invitation: open, and locked by the caller's transaction.

    Raises:
        ValidationError: the name is empty.
    """
    if not person.password:
        person.set_unusable_password()
    person.zone = zone_for(invitation.organisation)
    person.full_clean()
    person.save()
    for role in invitation.roles:
        Membership.objects.create(person=person, organisation=invitation.organisation, role=role)
    _trust_address(person)
    invitation.accepted, invitation.person = now(), person
    invitation.save(update_fields=["accepted", "person"])
    record(actor_of(person), "people.invitation-accepted", f"urn:uuid:{invitation.id}", {})
    return person


def _checked_email(email: str) -> str:
    try:
        validate_email(email.strip())
    except ValidationError:
        raise PeopleError(_("“%(email)s” is not an e-mail address.") % {"email": email[:254]}) from None
    return email.strip()


def _trust_address(person: Person) -> None:
    """The invitation reached this address, so it is verified; allauth keeps that in a row of its own."""
    # imported late: allauth's models may only be loaded once Django's registry is complete
    from allauth.account.models import EmailAddress  # noqa: PLC0415 - see above

    EmailAddress.objects.get_or_create(
        user=person, email=person.email.lower(), defaults={"verified": True, "primary": True}
    )


def _person_id(actor: Actor) -> UUID | None:
    return actor.id if isinstance(actor, PersonActor) else None
