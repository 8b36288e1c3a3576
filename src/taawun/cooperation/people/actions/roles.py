"""Roles in organisations, and whether somebody works here at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from taawun.cooperation.people.errors import LastAdministrator, PeopleError, RoleUnknown
from taawun.cooperation.people.models import ApiToken, Identity, Membership, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.rules import (
    begins_anew,
    ensure,
    holds_everywhere,
    holds_in,
    may_manage,
    organisations_of,
    places_of,
)
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Collection

    from taawun.cooperation.people.actors import Actor
    from taawun.cooperation.people.models import Organisation

__all__ = ["disable", "enable", "give_role", "leave", "move", "set_roles", "take_role"]


def _one_at_a_time() -> None:
    """Whoever may take the last administrator's role waits here: two of them would each leave the other's."""
    take_turn("people.roles")


def _urn(person: Person) -> str:
    return f"urn:uuid:{person.id}"


def _ensure_reach(actor: Actor, person: Person, organisation: Organisation) -> None:
    """Who manages one organisation gives its roles to its own people; to bring in others is for the host's."""
    ensure(holds_in(actor, "manage:people", organisation.id))
    reach = places_of(actor, "manage:people")
    if organisation.id in reach and organisations_of(person).isdisjoint(reach):
        ensure(holds_everywhere(actor, "manage:people"))


def _keep_an_administrator() -> None:
    """Refuse what was just done if it left the node without an active administrator (the caller's transaction).

    Raises:
        LastAdministrator: nobody is left who could give the role back.
    """
    left = Membership.objects.filter(
        role=Role.ADMINISTRATOR, organisation__is_host=True, person__is_active=True
    )
    if not left.exists():
        raise LastAdministrator


def _let_in(actor: Actor, person: Person, organisation: Organisation) -> None:
    """Before somebody is given a role in an organisation, end what others there may know (see :func:`begins_anew`)."""
    held = Person.objects.select_for_update().get(id=person.id)
    if begins_anew(held, organisation):
        _end_ways_in(actor, held)


def _end_ways_in(actor: Actor, person: Person) -> None:
    """Let nothing that let somebody in until now do so again: their administrator makes a link for a new password."""
    # imported late: allauth's models may only be loaded once Django's registry is complete
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - see above

    person.set_unusable_password()
    person.epoch += 1
    person.save(update_fields=["password", "epoch"])
    Authenticator.objects.filter(user=person).delete()
    Identity.objects.filter(person=person).delete()
    _revoke_tokens(actor, person)
    record(actor, "people.ways-in-ended", _urn(person), {})


def _revoke_tokens(actor: Actor, person: Person) -> None:
    for token in ApiToken.objects.filter(person=person, revoked__isnull=True).order_by("id"):
        ApiToken.objects.filter(id=token.id).update(revoked=now())
        record(actor, "people.token-revoked", f"urn:uuid:{token.id}", {"with": _urn(person)})


def _give(actor: Actor, person: Person, organisation: Organisation, role: str) -> Membership:
    membership, created = Membership.objects.get_or_create(
        person=person, organisation=organisation, role=role
    )
    if created:
        facts = {"role": role, "organisation": f"urn:uuid:{organisation.id}"}
        record(actor, "people.role-given", _urn(person), facts)
    return membership


def _take(actor: Actor, memberships: Collection[Membership]) -> None:
    is_last = False
    for each in memberships:
        if not Membership.objects.filter(id=each.id).delete()[0]:
            continue
        facts = {"role": each.role, "organisation": f"urn:uuid:{each.organisation_id}"}
        record(actor, "people.role-taken", f"urn:uuid:{each.person_id}", facts)
        is_last = is_last or each.role == Role.ADMINISTRATOR
        if not each.organisation.is_host and not Membership.objects.filter(person=each.person_id).exists():
            # wherever they come to next, it is not by what an administrator of this organisation may know
            _end_ways_in(actor, Person.objects.select_for_update().get(id=each.person_id))
    if is_last:
        _keep_an_administrator()


@transaction.atomic
def give_role(actor: Actor, person: Person, organisation: Organisation, role: str) -> Membership:
    """Give a person a role in an organisation; one they have stays.

    Who worked for other organisations of this node alone, and not for the one that runs it, signs in anew: by a link
    for a new password.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: there is no such role.
    """
    _ensure_reach(actor, person, organisation)
    if role not in Role.values:
        raise RoleUnknown("role")
    _one_at_a_time()
    _let_in(actor, person, organisation)
    return _give(actor, person, organisation, role)


@transaction.atomic
def take_role(actor: Actor, membership: Membership) -> None:
    """Take a role from a person.

    Raises:
        NotAllowed: the actor may not.
        LastAdministrator: nobody could give it back.
    """
    ensure(holds_in(actor, "manage:people", membership.organisation_id))
    _one_at_a_time()
    _take(actor, [membership])


@transaction.atomic
def set_roles(actor: Actor, person: Person, organisation: Organisation, roles: Collection[str]) -> None:
    """Say which roles a person has in an organisation: these and no others.

    Args:
        actor: who says so.
        person: whose roles.
        organisation: in which organisation.
        roles: at least one; to take all of them is to :func:`leave`.

    Raises:
        NotAllowed: the actor may not.
        RoleUnknown: there is no such role, or none is given.
        LastAdministrator: nobody could give the role back that is taken.
    """
    _ensure_reach(actor, person, organisation)
    if not roles or not set(roles) <= set(Role.values):
        raise RoleUnknown
    _one_at_a_time()
    _let_in(actor, person, organisation)
    held = list(Membership.objects.filter(person=person, organisation=organisation).order_by("id"))
    for role in sorted(set(roles) - {each.role for each in held}):
        _give(actor, person, organisation, role)
    _take(actor, [each for each in held if each.role not in roles])


@transaction.atomic
def leave(actor: Actor, person: Person, organisation: Organisation) -> None:
    """End what a person is in an organisation: every role of theirs in it.

    Who belongs to no other afterwards, and this is not the one that runs the node, signs in no more by what there is.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: they have no role in it.
        LastAdministrator: nobody could give the role back.
    """
    ensure(holds_in(actor, "manage:people", organisation.id))
    _one_at_a_time()
    held = list(Membership.objects.filter(person=person, organisation=organisation).order_by("id"))
    if not held:
        raise PeopleError(_("%(name)s has no role in this organisation.") % {"name": person.name})
    _take(actor, held)
    record(actor, "people.left-organisation", _urn(person), {"organisation": f"urn:uuid:{organisation.id}"})


@transaction.atomic
def move(
    actor: Actor, person: Person, before: Organisation, after: Organisation, roles: Collection[str]
) -> None:
    """Let a person leave one organisation for another, in one step.

    Args:
        actor: who manages people in both.
        person: who moves.
        before: the organisation they leave.
        after: the one they come to.
        roles: what they are there.

    Raises:
        NotAllowed: the actor may not, in one or the other.
        PeopleError: they have no role in the first, or both are the same.
        RoleUnknown: there is no such role, or none is given.
        LastAdministrator: nobody could give the role back that they leave.
    """
    if before.id == after.id:
        raise PeopleError(_("Choose another organisation than the one they leave."))
    set_roles(actor, person, after, roles)
    leave(actor, person, before)


@transaction.atomic
def disable(actor: Actor, person: Person) -> None:
    """Let somebody in no more. Their roles stay, for the day they come back; their sessions and tokens end for good.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: it is the actor.
        LastAdministrator: nobody could let anybody in.
    """
    ensure(may_manage(actor, person))
    if person.id == getattr(actor, "id", None):
        raise PeopleError(_("You cannot disable yourself. Ask another administrator."))
    _one_at_a_time()
    if not Person.objects.filter(id=person.id, is_active=True).update(is_active=False, epoch=F("epoch") + 1):
        return
    _keep_an_administrator()
    _revoke_tokens(actor, person)
    record(actor, "people.disabled", _urn(person), {})


@transaction.atomic
def enable(actor: Actor, person: Person) -> None:
    """Let somebody in again. They sign in anew, and make new tokens.

    Raises:
        NotAllowed: the actor may not.
    """
    ensure(may_manage(actor, person))
    if Person.objects.filter(id=person.id, is_active=False).update(is_active=True):
        record(actor, "people.enabled", _urn(person), {})
