"""The verbs on people: every write of this room."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.errors import (
    InvitationRefused,
    NameRefused,
    PeopleError,
    ScopeRefused,
    TokenOutlives,
)
from taawun.cooperation.people.models import ApiToken, Invitation, Membership, Nation, Organisation, Person
from taawun.cooperation.people.permissions import Permission, Role
from taawun.cooperation.people.queries import actor_of, was_made_with
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry
from taawun.platform.web.formats import listed, number
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taawun.cooperation.people.actors import Actor
    from taawun.foundation.multilingual import Text

__all__ = [
    "Minted",
    "accept_invitation",
    "add_organisation",
    "change_password",
    "create_token",
    "establish_host",
    "give_role",
    "invite",
    "make_password_link",
    "rename",
    "revoke_invitation",
    "revoke_token",
    "set_language",
    "take_role",
]

INVITATION_LIFE = timedelta(days=14)
TOKEN_LIFE = timedelta(days=90)
LONGEST_TOKEN_LIFE = timedelta(days=366)
# 32 random bytes: 256 bits, so a plain digest of it cannot be searched
_SECRET_BYTES = 32


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Minted(Generic[T]):
    """A thing with a secret that is shown this once.

    Args:
        thing: the stored row, which keeps only the secret's SHA-256.
        secret: the secret itself.
    """

    thing: T
    secret: str


@transaction.atomic
def establish_host(  # noqa: PLR0913 - each argument is one fact of the descriptor
    actor: Actor,
    *,
    names: Text,
    kind: Organisation.Kind,
    node_kind: Organisation.NodeKind,
    nation: str | None,
    nation_names: Text | None = None,
) -> Organisation:
    """Say which organisation runs this node; done once, by ``taawun init``.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: there is a host already, or a nation's node has no nation.
    """
    require(actor, "manage:people")
    if Organisation.objects.filter(is_host=True).exists():
        raise PeopleError(_("This node has its organisation already."))
    if node_kind == Organisation.NodeKind.NATION and not nation:
        raise PeopleError(_("A nation's node needs the nation's two-letter code."))
    if nation:
        _name_nation(actor, nation, nation_names)
    organisation = Organisation.objects.create(
        names=names.to_json(), kind=kind, node_kind=node_kind, nation_id=nation or None, is_host=True
    )
    record(actor, "people.host-established", f"urn:uuid:{organisation.id}", {"nation": nation or ""})
    return organisation


def _name_nation(actor: Actor, code: str, names: Text | None) -> None:
    """Write down a nation, and what it calls itself if that is known."""
    if len(code) != 2 or not (code.isascii() and code.isalpha() and code.isupper()):  # noqa: PLR2004 - ISO 3166-1 alpha-2
        raise PeopleError(
            _("%(code)s is not a nation's code: two capital letters, as in MY.") % {"code": code}
        )
    nation, created = Nation.objects.get_or_create(
        code=code, defaults={"names": names.to_json() if names else {}}
    )
    if names and nation.names != names.to_json():
        nation.names = names.to_json()
        nation.save(update_fields=["names"])
        created = True
    if created:
        record(actor, "people.nation-named", f"urn:taawun:nation:{code}", {})


@transaction.atomic
def add_organisation(
    actor: Actor, *, names: Text, kind: Organisation.Kind, nation: str | None
) -> Organisation:
    """Add an organisation whose people will work here.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the nation's code is none.
    """
    require(actor, "manage:people")
    if nation:
        _name_nation(actor, nation, None)
    organisation = Organisation.objects.create(names=names.to_json(), kind=kind, nation_id=nation or None)
    record(actor, "people.organisation-added", f"urn:uuid:{organisation.id}", {})
    return organisation


@transaction.atomic
def invite(
    actor: Actor, *, email: str, organisation: Organisation, roles: Sequence[str], language: str = "en"
) -> Minted[Invitation]:
    """Invite somebody; the secret makes the link that is mailed or handed over.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the address or a role is wrong, or the person is here already.
    """
    require(actor, "manage:people")
    email = _checked_email(email)
    wrong = sorted(set(roles) - set(Role.values))
    if wrong or not roles:
        raise PeopleError(
            _("Choose at least one of these roles: %(roles)s.") % {"roles": listed(Role.values)}
        )
    if Person.objects.filter(email__iexact=email).exists():
        raise PeopleError(
            _("%(email)s is a person of this node already; give them the role there.") % {"email": email}
        )
    take_turn("people.invite")
    # a second invitation replaces the first: two open doors for one person are one too many
    open_ones = Invitation.objects.select_for_update().filter(
        email__iexact=email, accepted__isnull=True, revoked__isnull=True
    )
    for each in open_ones.order_by("id"):
        each.revoked = now()
        each.save(update_fields=["revoked"])
        record(actor, "people.invitation-revoked", f"urn:uuid:{each.id}", {"replaced": True})
    secret = secrets.token_urlsafe(_SECRET_BYTES)
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
    require(actor, "manage:people")
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
    person.full_clean()
    person.save()
    for role in invitation.roles:
        Membership.objects.create(person=person, organisation=invitation.organisation, role=role)
    _trust_address(person)
    invitation.accepted, invitation.person = now(), person
    invitation.save(update_fields=["accepted", "person"])
    record(actor_of(person), "people.invitation-accepted", f"urn:uuid:{invitation.id}", {})
    return person


@transaction.atomic
def give_role(actor: Actor, person: Person, organisation: Organisation, role: str) -> Membership:
    """Give a person a role in an organisation; one they have stays.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: there is no such role.
    """
    require(actor, "manage:people")
    if role not in Role.values:
        raise PeopleError(
            _("Choose at least one of these roles: %(roles)s.") % {"roles": listed(Role.values)}
        )
    membership, created = Membership.objects.get_or_create(
        person=person, organisation=organisation, role=role
    )
    if created:
        record(actor, "people.role-given", f"urn:uuid:{person.id}", {"role": role})
    return membership


@transaction.atomic
def take_role(actor: Actor, membership: Membership) -> None:
    """Take a role from a person.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: it is the last administrator's role, without which nobody could give it back.
    """
    require(actor, "manage:people")
    take_turn("people.roles")
    others = Membership.objects.filter(role=Role.ADMINISTRATOR, person__is_active=True)
    if membership.role == Role.ADMINISTRATOR and not others.exclude(id=membership.id).exists():
        raise PeopleError(_("This is the last administrator. Make somebody else one first."))
    taken, _by_model = Membership.objects.filter(id=membership.id).delete()
    if taken:
        record(actor, "people.role-taken", f"urn:uuid:{membership.person_id}", {"role": membership.role})


@transaction.atomic
def create_token(  # noqa: PLR0913 - each argument is one fact of the token
    actor: PersonActor,
    person: Person,
    *,
    name: str,
    scopes: Iterable[str],
    life: timedelta | None = None,
    made_with: UUID | None = None,
) -> Minted[ApiToken]:
    """Make an API token for oneself (or, by the operator's console, for a person).

    Args:
        actor: the person as who acts; a token can never do more than they can.
        person: whose token it is.
        name: what it is for.
        scopes: names of permissions.
        life: how long it lives, at most 366 days; by default 90 days, or as long as the token that asks.
        made_with: the token that asks, with which the new one ends; None where its person is signed in.

    Raises:
        ScopeRefused: a scope is unknown, not theirs, or not one of the token that asks.
        TokenOutlives: it would live longer than the token that asks, or that has ended.
        PeopleError: the life is not between an instant and 366 days.
    """
    # held, so that it cannot be revoked meanwhile and leave this one behind
    asking = ApiToken.objects.select_for_update().get(id=made_with, person=person) if made_with else None
    wanted = sorted(set(scopes))
    known = {permission.name for permission in registry.all(Permission)}
    allowed = actor.permissions.intersection(asking.scopes) if asking else actor.permissions
    refused = [scope for scope in wanted if scope not in known or scope not in allowed]
    if refused or not wanted:
        raise ScopeRefused(refused or ["—"])
    at = now()
    if life is None:
        life = asking.expires - at if asking else TOKEN_LIFE
    if asking and (asking.revoked or at + life > asking.expires):
        raise TokenOutlives
    if not timedelta(0) < life <= LONGEST_TOKEN_LIFE:
        most = LONGEST_TOKEN_LIFE.days
        sentence = ngettext(
            "A token lives at most %(count)s day.", "A token lives at most %(count)s days.", most
        )
        raise PeopleError(sentence % {"count": number(most)})
    secret = "taawun_" + secrets.token_urlsafe(_SECRET_BYTES)
    token = ApiToken.objects.create(
        person=person,
        name=name.strip()[:100] or _("unnamed"),
        digest=sha256(secret.encode()),
        hint=secret[:12],
        scopes=wanted,
        expires=at + life,
        made_with=asking,
    )
    about = {"scopes": wanted, "expires": timestamp(token.expires)}
    record(
        actor,
        "people.token-created",
        f"urn:uuid:{token.id}",
        about | ({"made_with": f"urn:uuid:{asking.id}"} if asking else {}),
    )
    return Minted(token, secret)


@transaction.atomic
def revoke_token(actor: PersonActor, token_id: UUID | str, *, asking: UUID | None = None) -> bool:
    """Revoke one of one's own tokens, or anybody's with ``manage:people``; what was made with it ends too.

    Args:
        actor: as who acts.
        token_id: the token to be revoked.
        asking: the token that asks: without ``manage:people`` it ends only itself and what was made with it. None
            where its person is signed in.

    Returns:
        Whether there was such an open token that the actor may revoke.
    """
    tokens = ApiToken.objects.filter(id=token_id, revoked__isnull=True)
    if "manage:people" not in actor.permissions:
        tokens = tokens.filter(person_id=actor.id)
        if asking is not None and not was_made_with(token_id, asking):
            return False
    if not tokens.update(revoked=now()):
        return False
    record(actor, "people.token-revoked", f"urn:uuid:{token_id}", {})
    # from the top downwards: a token that is just being made waits for the one it is made with, and is refused then
    level = {UUID(str(token_id))}
    while level := set(ApiToken.objects.filter(made_with__in=level).values_list("id", flat=True)):
        for each in sorted(level):
            if ApiToken.objects.filter(id=each, revoked__isnull=True).update(revoked=now()):
                record(actor, "people.token-revoked", f"urn:uuid:{each}", {"with": f"urn:uuid:{token_id}"})
    return True


@transaction.atomic
def make_password_link(actor: Actor, person: Person) -> Minted[Person]:
    """Let a person who forgot their password choose a new one; the secret makes the link that is handed over.

    The secret is that of allauth, which mails the same link where there is mail: it opens nothing any more once its
    person signed in or has a new password, nor after ``PASSWORD_RESET_TIMEOUT``.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the person is not active, so a password would open nothing.
    """
    # imported late: allauth's models may only be loaded once Django's registry is complete
    from allauth.account.forms import default_token_generator  # noqa: PLC0415 - its models need the registry
    from allauth.account.utils import user_pk_to_url_str  # noqa: PLC0415 - its models need the registry

    require(actor, "manage:people")
    if not person.is_active:
        raise PeopleError(_("%(name)s is no longer active here.") % {"name": person.name})
    secret = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    record(actor, "people.password-link-made", f"urn:uuid:{person.id}", {})
    return Minted(person, secret)


@transaction.atomic
def change_password(person: Person, password: str) -> None:
    """Give a person the password they chose, which ends the sessions that began with the one before.

    Args:
        person: who proved to be it, by the password before or by a link.
        password: held to the password rules by the form that asked for it.
    """
    person.set_password(password)
    person.save(update_fields=["password"])
    record(actor_of(person), "people.password-changed", f"urn:uuid:{person.id}", {})


def set_language(person: Person, language: str) -> None:
    """Remember the language a person chose."""
    Person.objects.filter(id=person.id).exclude(language=language).update(language=language)


@transaction.atomic
def rename(actor: PersonActor, person: Person, name: str) -> None:
    """Change what a person is called: one's own name, or anybody's with ``manage:people``.

    Raises:
        NotAllowed: it is somebody else's name, and the actor may not.
        NameRefused: the name is empty or longer than 200 characters.
    """
    if actor.id != person.id:
        require(actor, "manage:people")
    wanted = " ".join(name.split())
    if not 0 < len(wanted) <= 200:  # noqa: PLR2004 - the column's width
        raise NameRefused
    if Person.objects.filter(id=person.id).exclude(name=wanted).update(name=wanted):
        record(actor, "people.renamed", f"urn:uuid:{person.id}", {})


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
