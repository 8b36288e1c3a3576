"""What people's API takes and answers with."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from taawun.foundation.multilingual import LANGUAGES, Language
from taawun.platform.web.api import Body
from taawun.platform.web.shapes import Day, Flag, Instant, Schema, Whole

__all__ = [
    "Community",
    "CommunityName",
    "ContactOutcome",
    "DutyContact",
    "IdentityProvider",
    "Invitation",
    "InvitationFilters",
    "InvitationMade",
    "Me",
    "MeEdit",
    "Membership",
    "Move",
    "Nation",
    "NewCommunity",
    "NewDutyContact",
    "NewIdentityProvider",
    "NewInvitation",
    "NewOrganisation",
    "NewRole",
    "NewRoll",
    "NewSpan",
    "NewToken",
    "NotificationChoices",
    "NotificationKind",
    "Notifications",
    "Organisation",
    "OrganisationName",
    "Person",
    "PersonFilter",
    "Reading",
    "Roles",
    "Roll",
    "RollLine",
    "Span",
    "SpanEnd",
    "SpanFilter",
    "SpanInstant",
    "Summary",
    "SummaryChoice",
    "Token",
    "TokenMade",
]

NotificationWay = Literal["at-once", "summary", "page", "never"]
SummaryRhythm = Literal["daily", "weekly", "never"]
Words = Annotated[dict[str, str], Field(description=f"A text by language: {', '.join(LANGUAGES)}.")]


class OrganisationName(Schema):
    """An organisation, named."""

    id: UUID
    name: Words


class Membership(Schema):
    """A role in an organisation."""

    id: int
    organisation: OrganisationName
    role: str
    since: datetime


class Person(Schema):
    """Somebody who works on this node."""

    id: UUID
    name: str
    email: Annotated[str | None, Field(description="For oneself and who manages people; null for others.")]
    language: str
    is_active: bool
    joined: datetime
    memberships: list[Membership]


class PersonFilter(Schema):
    """Which persons; empty means all."""

    search: Annotated[
        str,
        Field(max_length=200, description="Words of a name; for who manages people also part of an address."),
    ] = ""
    role: Annotated[str, Field(max_length=16, description="Who holds this role.")] = ""
    organisation: Annotated[UUID | None, Field(description="Who holds it, or any role, there.")] = None
    state: Literal["", "active", "inactive"] = ""


class TokenFilter(Schema):
    """Which of one's tokens."""

    text: Annotated[str, Field(max_length=100, description="Words of its name, or how it begins.")] = ""
    state: Literal["", "open", "revoked", "expired"] = ""


class Token(Schema):
    """An API token, without its secret."""

    id: UUID
    name: str
    hint: Annotated[str, Field(description="The token's first characters.")]
    scopes: list[str]
    made_with: Annotated[
        UUID | None, Field(description="The token it was made with, and with which it ends.")
    ]
    created: datetime
    expires: datetime
    last_used: Annotated[datetime | None, Field(description="To the minute.")]
    revoked: datetime | None


class TokenMade(Schema):
    """A new token."""

    token: Annotated[str, Field(description="The secret. It is shown this once.")]
    about: Token


class Reading(Schema):
    """How somebody reads pages of this node; what machines read does not change with it."""

    zone: Annotated[str, Field(description="IANA name of a time zone; empty for the node's.")]
    calendar: Annotated[
        Literal["gregorian", "with-hijri"],
        Field(
            description="In which calendars days are told: with-hijri puts the Hijri date beside the Gregorian."
        ),
    ]
    digits: Annotated[
        Literal["territory", "western", "arabic-indic"],
        Field(description="With which digits Arabic is written; territory is what the node's nation uses."),
    ]
    addressed: Annotated[
        Literal["neutral", "feminine", "masculine"],
        Field(description="How one is addressed, and one's roles named, where a language has two forms."),
    ]
    theme: Literal["device", "light", "dark"]


class Me(Schema):
    """Who the caller is, and what the token lets them do."""

    person: Person
    reading: Reading
    permissions: Annotated[
        list[str], Field(description="What the person's roles and the token's scopes both allow.")
    ]
    token: Token


class MeEdit(Body):
    """What one changes about oneself."""

    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    language: Language | None = None
    zone: Annotated[
        str | None, Field(max_length=64, description="IANA name of a time zone; empty for the node's.")
    ] = None
    calendar: Literal["gregorian", "with-hijri"] | None = None
    digits: Literal["territory", "western", "arabic-indic"] | None = None
    addressed: Literal["neutral", "feminine", "masculine"] | None = None
    theme: Literal["device", "light", "dark"] | None = None


class NotificationKind(Schema):
    """A kind of thing that one may be told of, and how one is."""

    name: str
    room: Annotated[str, Field(description="What the room is called that tells it.")]
    topic: Literal["risk", "waiting", "news"]
    label: str
    way: NotificationWay
    default: Annotated[NotificationWay, Field(description="How one is told who chose nothing.")]
    ways: Annotated[list[NotificationWay], Field(description="How it can be told.")]


class Summary(Schema):
    """When the summary comes."""

    rhythm: SummaryRhythm
    hour: int
    days: Annotated[list[int], Field(description="Days of the week on which it may come; 0 is Monday.")]
    zone: Annotated[str, Field(description="IANA name of the time zone in which the hour is meant.")]


class Notifications(Schema):
    """How one is told of things."""

    email: Annotated[str, Field(description="Where letters go.")]
    sends_mail: Annotated[bool, Field(description="Whether this node sends e-mail at all.")]
    kinds: list[NotificationKind]
    summary: Summary


class SummaryChoice(Body):
    """When one wants the summary."""

    rhythm: SummaryRhythm
    hour: Annotated[Whole, Field(ge=0, le=23, description="In the zone that GET tells.")]
    days: Annotated[
        list[Annotated[Whole, Field(ge=0, le=6)]] | None,
        Field(
            min_length=1,
            max_length=7,
            description="Days of the week, 0 is Monday; null for the working week of the nation.",
        ),
    ] = None


class NotificationChoices(Body):
    """How one wants to be told; kinds that are left out are told as to whoever chose nothing."""

    kinds: Annotated[
        dict[str, NotificationWay],
        Field(max_length=1000, description="A way for each kind by its name."),
    ]
    summary: SummaryChoice


class NewToken(Body):
    """A token to be made."""

    name: Annotated[str, Field(min_length=1, max_length=100, description="What it is for.")]
    scopes: Annotated[list[str], Field(min_length=1, max_length=200, description="Names of permissions.")]
    days: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=366,
            description="How many days it lives; no longer than the token that asks, which is the default.",
        ),
    ] = None


class NewRole(Body):
    """A role to be given."""

    organisation: UUID
    role: Annotated[str, Field(max_length=16)]


class NewDutyContact(Body):
    """Whom to call at an organisation."""

    name: Annotated[Words, Field(description="A person's name or, better, a function.")]
    zone: Annotated[str, Field(max_length=64, description="IANA name of the time zone.")]
    is_always: Annotated[Flag, Field(description="Whether somebody answers at any hour of any day.")] = False
    days: Annotated[tuple[Whole, ...], Field(max_length=7, description="Days of the week; 0 is Monday.")] = ()
    opens: time | None = None
    closes: time | None = None
    languages: Annotated[tuple[str, ...], Field(max_length=10, description="Language tags.")] = ()
    phone: Annotated[str, Field(max_length=40)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    pgp_key: Annotated[str, Field(max_length=8192, description="An OpenPGP public key block.")] = ""


class DutyContact(Schema):
    """Whom to call at an organisation, and when that was last tried."""

    id: UUID
    edition: int = Field(description="For If-Match, in double quotes.")
    name: Words
    zone: str
    is_always: bool
    days: list[int]
    opens: time | None
    closes: time | None
    languages: list[str]
    phone: str
    email: str
    pgp_fingerprint: str
    pgp_key: str
    tested: datetime | None
    outcome: Annotated[str, Field(description="answered, late, failed, or empty where it was never tried.")]


class ContactOutcome(Body):
    """What came of a test."""

    outcome: Annotated[str, Field(max_length=8, description="answered, late or failed.")]


class NewIdentityProvider(Body):
    """An organisation's own provider."""

    organisation: Annotated[UUID | None, Field(description="This node's own by default.")] = None
    name: Annotated[str, Field(max_length=100, description="Stands on the button.")]
    issuer: Annotated[
        str,
        Field(max_length=300, description="What it calls itself: its address; of `saml` its entity id."),
    ]
    protocol: Literal["oidc", "saml"] = "oidc"
    client: Annotated[str, Field(max_length=200, description="`oidc`: what it calls this node.")] = ""
    sign_in_url: Annotated[
        str, Field(max_length=500, description="`saml`: where it takes requests by redirect.")
    ] = ""
    certificates: Annotated[
        str, Field(max_length=20_000, description="`saml`: of the keys with which it signs, as PEM.")
    ] = ""
    secret: Annotated[str, Field(max_length=500, description="Empty keeps the one there is, or none.")] = ""
    domains: Annotated[
        tuple[str, ...], Field(max_length=50, description="For addresses of these its word is taken.")
    ] = ()
    groups_claim: Annotated[str, Field(max_length=200, description="Claim or attribute with groups.")] = ""
    roles_by_group: Annotated[
        dict[str, tuple[str, ...]] | None,
        Field(description="Which groups come in without an invitation, and with which roles."),
    ] = None
    is_active: Flag = True


class IdentityProvider(Schema):
    """An organisation's own provider, without its secret."""

    id: UUID
    edition: int = Field(description="For If-Match, in double quotes.")
    organisation: OrganisationName
    name: str
    protocol: Literal["oidc", "saml"]
    issuer: str
    client: str
    has_secret: bool
    sign_in_url: str
    certificates: str
    domains: list[str]
    groups_claim: str
    roles_by_group: dict[str, list[str]]
    is_active: bool


RoleNames = Annotated[
    list[Annotated[str, Field(max_length=16)]], Field(min_length=1, max_length=20, description="Roles.")
]


class Roles(Body):
    """The roles that somebody shall have in an organisation, and no others."""

    roles: RoleNames


class Move(Body):
    """From which organisation somebody goes to which, and what they are there."""

    before: UUID
    after: UUID
    roles: RoleNames


class Organisation(Schema):
    """An organisation whose people work on this node."""

    id: UUID
    name: Words
    kind: str
    nation: str | None
    is_host: bool
    working_days: Annotated[
        list[int],
        Field(description="On which days it works, 0 is Monday: by its own word, else as its nation does."),
    ]


class NewOrganisation(Body):
    """An organisation to be added."""

    name: Words
    kind: Annotated[str, Field(max_length=16)] = "other"
    nation: Annotated[str | None, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")] = None
    working_days: Annotated[
        list[Annotated[Whole, Field(ge=0, le=6)]] | None,
        Field(
            max_length=7,
            description="On which days it works, 0 is Monday; empty where it works as its nation does. Left out or "
            "null they stay.",
        ),
    ] = None


class Nation(Schema):
    """A nation, and who says what it is called."""

    code: str
    name: Words
    source: Annotated[
        Literal["own", "community", "locale", "code"],
        Field(
            description="Who says so: the nation itself, a community's list, locale data, or nobody. The last two are "
            "fallbacks."
        ),
    ]
    by: Annotated[Words | None, Field(description="The community whose list it is.")]


class Span(Schema):
    """What a nation or an organisation is, or was, to a community."""

    id: UUID
    nation: str | None
    organisation: OrganisationName | None
    name: Annotated[Words, Field(description="What the nation or the organisation is called.")]
    standing: Literal["member", "associate", "observer", "applicant", "chair", "suspended"]
    since: Annotated[date | None, Field(description="The first day; null where it is not written down.")]
    until: Annotated[date | None, Field(description="The first day no longer; null while it lasts.")]


class SpanInstant(Schema):
    """When."""

    at: Annotated[Instant | None, Field(description="The day it falls on in UTC; now by default.")] = None


class SpanFilter(Schema):
    """Which spans; empty means all."""

    at: Annotated[
        Instant | None, Field(description="Only what lasts at this instant (the day it falls on in UTC).")
    ] = None
    standing: Literal["", "member", "associate", "observer", "applicant", "chair", "suspended"] = ""


class NewSpan(Body):
    """What a nation or an organisation is, or was: one of the two is named."""

    nation: Annotated[str, Field(max_length=2, description="ISO 3166-1 alpha-2.")] = ""
    organisation: UUID | None = None
    standing: Annotated[str, Field(max_length=12)]
    since: Day | None = None
    until: Day | None = None
    name: Annotated[Words | None, Field(description="What the community calls the nation.")] = None


class SpanEnd(Body):
    """The first day on which it is no longer so."""

    until: Day


class Community(Schema):
    """A community of nations."""

    id: UUID
    code: str
    name: Words
    members: Annotated[int, Field(description="Who is a member today and not suspended.")]


class NewCommunity(Body):
    """A community to be added: with a name an empty one, without one that ships with Taawun (``oic``)."""

    code: Annotated[str, Field(min_length=1, max_length=32)]
    name: Words | None = None


class CommunityName(Body):
    """What a community is called."""

    name: Words


class RollLine(Schema):
    """One span of a roll, as it is exported and imported."""

    nation: str | None = None
    organisation: str | None = None
    standing: str
    since: str | None = None
    until: str | None = None
    name_ar: str | None = None
    name_en: str | None = None
    name_fr: str | None = None


class Roll(Schema):
    """The roll of a community."""

    code: str
    spans: list[RollLine]


class NewRoll(Body):
    """A roll that takes the place of what is there."""

    spans: Annotated[list[RollLine], Field(max_length=5000)]


class InvitationFilters(Schema):
    """Which invitations are listed."""

    q: Annotated[str, Field(max_length=254, description="Part of an e-mail address.")] = ""
    state: Literal["open", "accepted", "revoked", "expired"] | None = None


class Invitation(Schema):
    """An invitation, without its secret."""

    id: UUID
    email: str
    organisation: OrganisationName
    roles: list[str]
    language: str
    state: Literal["open", "accepted", "revoked", "expired"]
    created: datetime
    expires: datetime
    accepted: datetime | None
    revoked: datetime | None


class NewInvitation(Body):
    """Somebody to be invited."""

    email: Annotated[str, Field(max_length=254)]
    roles: Annotated[list[str], Field(min_length=1, max_length=20)]
    organisation: Annotated[UUID | None, Field(description="This node's own by default.")] = None
    language: Language = "en"


class InvitationMade(Schema):
    """A new invitation."""

    link: Annotated[str, Field(description="The way in, for the invited alone. It is shown this once.")]
    was_mailed: Annotated[
        bool,
        Field(
            description="Whether the mail server has taken it by now. With an Idempotency-Key it is mailed once this "
            "answer is kept, so it is false then."
        ),
    ]
    about: Invitation


class PermissionFilter(Schema):
    """Which permissions."""

    text: Annotated[str, Field(max_length=100, description="In its name or its words.")] = ""
    role: Annotated[str, Field(max_length=16, description="A role that includes it.")] = ""


class PermissionShown(Schema):
    """A permission, and the roles that include it."""

    name: Annotated[str, Field(description="`verb:room`; token scopes bear the same names.")]
    label: Annotated[str, Field(description="What it lets one do, in the language of the answer.")]
    of_node: Annotated[
        bool, Field(description="Whether only a role in the organisation that runs the node gives it.")
    ]
    roles: list[str]
