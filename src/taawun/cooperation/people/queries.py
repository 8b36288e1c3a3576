"""Reading about people, and turning a person into the one who acts."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from django.db.models import CharField, DateTimeField, Exists, OuterRef, Q, UUIDField
from django.db.models.functions import Lower

from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.models import (
    ApiToken,
    Community,
    DutyContact,
    IdentityProvider,
    Invitation,
    Membership,
    Organisation,
    Person,
    Span,
)
from taawun.cooperation.people.naming import named_nation
from taawun.cooperation.people.permissions import Role, permissions_of
from taawun.cooperation.people.rules import places_of
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.platform.web.matching import has_words
from taawun.platform.web.questions import Question, given

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet

__all__ = [
    "OpenToken",
    "actor_and_roles",
    "actor_for_token",
    "actor_of",
    "covering",
    "day_of",
    "holders",
    "host",
    "invitations",
    "member_counts",
    "members_at",
    "nation_name",
    "open_invitation",
    "organisations",
    "organisations_like",
    "persons",
    "persons_at",
    "providers",
    "published_contacts",
    "spans",
    "was_made_with",
]

_ROLES: Final = Question(
    lambda: Membership.objects.filter(person=given("person", UUIDField())).values_list(
        "role", "organisation_id", "organisation__is_host"
    )
)
_BEHIND_A_TOKEN: Final = Question(
    lambda: ApiToken.objects.filter(
        digest=given("digest", CharField()),
        expires__gt=given("now", DateTimeField()),
        revoked__isnull=True,
        person__is_active=True,
    ).values_list(
        "id",
        "expires",
        "last_used",
        "person",
        "person__name",
        "scopes",
        "person__memberships__role",
        "person__memberships__organisation",
        "person__memberships__organisation__is_host",
    )
)


def actor_of(person: Person, scopes: Collection[str] | None = None) -> PersonActor:
    """The person as the one who acts.

    Args:
        person: who.
        scopes: the scopes of the token they came with; None when they signed in.

    Returns:
        An actor with the permissions of all their roles, narrowed to the scopes. An inactive person has none.
    """
    return _actor(person.id, person.name, _ROLES.ask(person=person.id) if person.is_active else [], scopes)


def actor_and_roles(person: Person) -> tuple[PersonActor, frozenset[str]]:
    """The same of who signed in, and which roles they have anywhere."""
    held = _ROLES.ask(person=person.id)
    actor = _actor(person.id, person.name, held if person.is_active else [], None)
    return actor, frozenset(role for role, *_where in held)


def _actor(
    person: UUID, name: str, held: Iterable[tuple[str, UUID, bool]], scopes: Collection[str] | None
) -> PersonActor:
    everywhere, within, organisations = set[str](), set[tuple[str, UUID]](), set[UUID]()
    for role, organisation, is_host in held:
        organisations.add(organisation)
        may = permissions_of(role, in_host=is_host)
        if scopes is not None:
            may &= frozenset(scopes)
        if is_host:
            everywhere |= may
        else:
            within |= {(permission, organisation) for permission in may}
    return PersonActor(
        id=person,
        label=name,
        permissions=frozenset(everywhere | {permission for permission, _organisation in within}),
        organisations=frozenset(organisations),
        everywhere=frozenset(everywhere),
        within=frozenset(within),
    )


class OpenToken(NamedTuple):
    """An API token that opens something.

    Args:
        id: which.
        expires: when it ends.
        last_used: when that was noted last, if ever.
    """

    id: UUID
    expires: datetime
    last_used: datetime | None


def actor_for_token(secret: str) -> tuple[PersonActor, OpenToken] | None:
    """The actor behind a bearer token, or None when it opens nothing (unknown, revoked, expired, inactive)."""
    rows = _BEHIND_A_TOKEN.ask(digest=sha256(secret.encode()), now=now())
    if not rows:
        return None
    token, person, name, scopes = OpenToken(*rows[0][:3]), *rows[0][3:6]
    # who has no role at all is one row without any
    held = [row[6:] for row in rows if row[6] is not None]
    return _actor(person, name, held, scopes), token


def tokens(person: Person, text: str = "", state: str = "") -> QuerySet[ApiToken]:
    """Somebody's API tokens, newest first, with those that are over.

    Args:
        person: whose.
        text: words of their name, or how they begin.
        state: ``open``, ``revoked`` or ``expired``; all where empty.
    """
    found, at = ApiToken.objects.filter(person=person).order_by("-id"), now()
    found = {
        "open": found.filter(revoked__isnull=True, expires__gt=at),
        "revoked": found.filter(revoked__isnull=False),
        "expired": found.filter(revoked__isnull=True, expires__lte=at),
    }.get(state, found)
    return found.filter(has_words(found, text, "name") | Q(hint__startswith=text[:16])) if text else found


def was_made_with(token_id: UUID | str, asking: UUID) -> bool:
    """Whether a token is the one that asks, or was made with it, or with one that was."""
    step: UUID | str | None = token_id
    while step is not None and str(step) != str(asking):
        step = ApiToken.objects.filter(id=step).values_list("made_with", flat=True).first()
    return step is not None


def host() -> Organisation:
    """The organisation that runs this node.

    Raises:
        Organisation.DoesNotExist: the node was not initialised.
    """
    return Organisation.objects.select_related("nation").get(is_host=True)


def published_contacts(organisation: Organisation) -> list[dict[str, object]]:
    """The duty contacts of an organisation as a descriptor tells them (docs/protocol.md, "Node descriptor")."""
    return [_published(each) for each in DutyContact.objects.filter(organisation=organisation).order_by("id")]


def _published(contact: DutyContact) -> dict[str, object]:
    hours: dict[str, object] = {"zone": contact.zone}
    if contact.opens and contact.closes:
        hours |= {"days": contact.days, "from": f"{contact.opens:%H:%M}", "until": f"{contact.closes:%H:%M}"}
    told: dict[str, object] = {"name": contact.names, "hours": hours, "languages": contact.languages}
    if contact.pgp_key:
        told["pgp"] = {"fingerprint": contact.pgp_fingerprint, "key": contact.pgp_key}
    if contact.tested and contact.outcome != DutyContact.Outcome.FAILED:
        told["tested"] = timestamp(contact.tested)
    return told | {name: getattr(contact, name) for name in ("phone", "email") if getattr(contact, name)}


def nation_name(code: str) -> Text:
    """What a nation is called; :func:`~.naming.named_nation` tells who says so as well."""
    return named_nation(code).name


def covering(day: date) -> Q:
    """The spans that last on a day."""
    begun = Q(since__isnull=True) | Q(since__lte=day)
    return begun & (Q(until__isnull=True) | Q(until__gt=day))


def day_of(at: datetime | None) -> date | None:
    """The day on which an instant falls in UTC."""
    return at.astimezone(UTC).date() if at else None


def spans(community: Community, day: date | None = None, standing: str = "") -> QuerySet[Span]:
    """What nations and organisations were to a community.

    Args:
        community: which.
        day: only what lasts on it (of UTC); None for the whole history.
        standing: a value of ``Span.Standing``; empty for any.
    """
    found = Span.objects.filter(community=community).select_related("organisation")
    if day:
        found = found.filter(covering(day))
    return found.filter(standing=standing) if standing else found


def members_at(community: Community, at: datetime) -> QuerySet[Span]:
    """Who is a member of a community at an instant and not suspended: their spans as members."""
    day = at.astimezone(UTC).date()
    suspended = spans(community, day, Span.Standing.SUSPENDED)
    nations, organisations_ = (
        suspended.exclude(**{name: None}).values(name) for name in ("nation", "organisation")
    )
    members = spans(community, day, Span.Standing.MEMBER)
    return members.exclude(nation__in=nations).exclude(organisation__in=organisations_)


def member_counts(communities: Collection[UUID], at: datetime) -> dict[UUID, int]:
    """How many are members of each community at an instant, and not suspended."""
    day = at.astimezone(UTC).date()
    found = Span.objects.filter(covering(day), community__in=communities)
    held: dict[str, dict[UUID, set[object]]] = {
        standing: {each: set() for each in communities}
        for standing in (Span.Standing.MEMBER, Span.Standing.SUSPENDED)
    }
    columns = ("community", "standing", "nation", "organisation")
    for community, standing, nation, organisation in found.filter(standing__in=held).values_list(*columns):
        held[standing][community].add(nation or organisation)
    members, suspended = held[Span.Standing.MEMBER], held[Span.Standing.SUSPENDED]
    return {each: len(members[each] - suspended[each]) for each in communities}


def organisations(actor: PersonActor, permission: str) -> QuerySet[Organisation]:
    """The organisations in which the actor holds a permission, this node's own first."""
    found = Organisation.objects.order_by("-is_host", "created", "id")
    return found if permission in actor.everywhere else found.filter(id__in=places_of(actor, permission))


def organisations_like(text: str = "", kind: str = "") -> QuerySet[Organisation]:
    """The organisations of this node.

    Args:
        text: words of its names, in any languages; empty for all.
        kind: a value of ``Organisation.Kind``; empty for any.
    """
    found = Organisation.objects.filter(kind=kind) if kind else Organisation.objects.all()
    return found.filter(has_words(found, text, "names")) if text else found


def providers(actor: PersonActor) -> QuerySet[IdentityProvider]:
    """The identity providers of the organisations in which the actor manages people."""
    found = IdentityProvider.objects.select_related("organisation").order_by("name", "id")
    if "manage:people" in actor.everywhere:
        return found
    return found.filter(organisation__in=places_of(actor, "manage:people"))


def invitations(actor: PersonActor, text: str = "", state: str = "") -> QuerySet[Invitation]:
    """The invitations to the organisations in which the actor manages people.

    Args:
        actor: who asks.
        text: part of an e-mail address; empty for all.
        state: ``open``, ``accepted``, ``revoked`` or ``expired``; empty for any.
    """
    found = Invitation.objects.select_related("organisation", "invited_by", "person")
    if text:
        found = found.filter(email__icontains=text)
    unused = {"accepted": None, "revoked": None}
    if state == "open":
        found = found.filter(expires__gt=now(), **unused)
    elif state == "expired":
        found = found.filter(expires__lte=now(), **unused)
    elif state == "accepted":
        found = found.exclude(accepted=None)
    elif state == "revoked":
        found = found.filter(accepted=None).exclude(revoked=None)
    if "manage:people" in actor.everywhere:
        return found
    return found.filter(organisation__in=places_of(actor, "manage:people"))


def persons(
    actor: PersonActor, text: str = "", role: str = "", organisation: UUID | None = None, state: str = ""
) -> QuerySet[Person]:
    """The persons of this node with their roles. Whether the actor may ask is the caller's question (``read:people``).

    Args:
        actor: who asks. Who may not see an address does not find it out by asking for parts of it.
        text: words of a name, or part of an e-mail address that the actor may see; empty for everybody.
        role: a role that they hold; empty for any.
        organisation: where they hold it, or any role; None for anywhere.
        state: ``active``, ``inactive``, or empty for both.
    """
    found = Person.objects.prefetch_related("memberships__organisation")
    if role or organisation:
        held = Membership.objects.filter(person=OuterRef("pk"))
        held = held.filter(role=role) if role else held
        held = held.filter(organisation=organisation) if organisation else held
        found = found.filter(Exists(held))
    if state:
        found = found.filter(is_active=state == "active")
    if text:
        by_address = Q(email__icontains=text)
        if "manage:people" not in actor.everywhere:
            managed = places_of(actor, "manage:people")
            of_managed = Membership.objects.filter(person=OuterRef("pk"), organisation__in=managed)
            by_address &= Q(id=actor.id) | Q(Exists(of_managed))
        found = found.filter(has_words(found, text, "name") | by_address)
    return found


def holders(permission: str, most: int = 3) -> list[str]:
    """The names of some who hold a permission of the node, so that who lacks it knows whom to ask.

    Args:
        permission: its name.
        most: so many names.
    """
    roles = [role for role in Role if permission in permissions_of(role)]
    held = Membership.objects.filter(person=OuterRef("pk"), role__in=roles, organisation__is_host=True)
    found = Person.objects.filter(Exists(held), is_active=True).order_by("name", "id")
    return list(found.values_list("name", flat=True)[:most])


def persons_at(addresses: Iterable[str], organisation: Organisation) -> list[Person]:
    """The persons of an organisation with any of these e-mail addresses, in any case of letters; each once.

    Another organisation of this node gives an account to whatever address it likes: it says nothing of who is meant.
    """
    given = set(addresses)
    found = Person.objects.annotate(address=Lower("email"))
    # a database may know the small letters of ASCII alone
    same = Q(address__in={each.lower() for each in given}) | Q(email__in=given)
    works_there = Exists(Membership.objects.filter(person=OuterRef("pk"), organisation=organisation))
    return list(found.filter(same, works_there).order_by("id"))


def open_invitation(secret: str) -> Invitation | None:
    """The invitation that this secret opens, or None (unknown, used, revoked, expired alike)."""
    digest = sha256(secret.encode())
    found = Invitation.objects.select_related("organisation").filter(token_digest=digest).first()
    return found if found and found.is_open(now()) else None
