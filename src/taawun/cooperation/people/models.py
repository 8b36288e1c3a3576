"""Nations, organisations, persons, and how they come in."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.role_names import role_name
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.foundation.weeks import working_days
from taawun.platform.notices.news import Way
from taawun.platform.web.reader import Addressed, Calendar, Digits, Reader, Theme

if TYPE_CHECKING:
    from datetime import datetime


class Nation(models.Model):
    """A nation by its ISO 3166-1 alpha-2 code, and what it calls itself where we were told."""

    code = models.CharField(primary_key=True, max_length=2)
    # {"ar": …, "en": …, "fr": …}; empty where only locale data knows
    names = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="people_nation_code", condition=Q(code__regex=r"^[A-Z][A-Z]$")),
        )


class Organisation(models.Model):
    """An organisation whose people work on this node."""

    class Kind(models.TextChoices):
        """What an organisation is."""

        NATIONAL_CERT = "national-cert", _("national CERT")
        SECTOR_CERT = "sector-cert", _("sector CERT")
        MINISTRY = "ministry", _("ministry")
        UNIVERSITY = "university", _("university")
        COMPANY = "company", _("company")
        OPERATOR = "operator", _("operator of critical infrastructure")
        SECRETARIAT = "secretariat", _("secretariat")
        DONOR = "donor", _("donor")
        OTHER = "other", _("other organisation")

    class NodeKind(models.TextChoices):
        """For whom the node of a host organisation speaks."""

        NATION = "nation", _("a nation")
        ORGANISATION = "organisation", _("an organisation")
        COMMUNITY = "community", _("a community of nations")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    edition = models.PositiveIntegerField(
        default=1
    )  # counts its saves: nobody overwrites what they did not see
    names = models.JSONField()
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.OTHER)
    # a secretariat or a donor has none
    nation = models.ForeignKey(Nation, null=True, blank=True, on_delete=models.PROTECT)
    # the organisation that runs this node and in whose name it signs; there is exactly one
    is_host = models.BooleanField(default=False)
    node_kind = models.CharField(max_length=12, choices=NodeKind, default=NodeKind.NATION)
    # 0 is Monday; empty for the days on which its nation works
    working_days: Any = models.JSONField(default=list, blank=True)
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["is_host"], name="people_one_host", condition=Q(is_host=True)),
        )

    @property
    def name(self) -> Text:
        """The organisation's name in the languages it has one in."""
        return Text.from_json(self.names)

    @property
    def week(self) -> tuple[int, ...]:
        """The days on which it works: its own word, else those of its nation; 0 is Monday."""
        return tuple(self.working_days) or working_days(self.nation_id or "")


class DutyContact(models.Model):
    """Whom to call at an organisation, when, and in which languages."""

    class Outcome(models.TextChoices):
        """How a test of a contact ended."""

        ANSWERED = "answered", _("answered")
        LATE = "late", _("answered late")
        FAILED = "failed", _("did not answer")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    edition = models.PositiveIntegerField(
        default=1
    )  # counts its saves: nobody overwrites what they did not see
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="duty_contacts")
    # a person's name or, better, a function: duty officer
    names = models.JSONField()
    # IANA name of the time zone in which days and hours are meant
    zone = models.CharField(max_length=64)
    is_always = models.BooleanField(default=False)
    # 0 is Monday (ISO 8601 less one); with the hours, empty for whom one can always call
    days: Any = models.JSONField(default=list, blank=True)
    opens = models.TimeField(null=True)
    closes = models.TimeField(null=True)
    languages: Any = models.JSONField(default=list, blank=True)
    phone = models.CharField(max_length=40, blank=True, default="")
    email = models.EmailField(max_length=254, blank=True, default="")
    pgp_key = models.TextField(blank=True, default="")
    pgp_fingerprint = models.CharField(max_length=64, blank=True, default="")
    tested = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, default="")
    created = models.DateTimeField(default=now, editable=False)

    def answers_at(self, at: datetime) -> bool:
        """Whether somebody answers at an instant, by the days and hours that are written down."""
        if self.is_always or not self.days or self.opens is None or self.closes is None:
            return True
        there = at.astimezone(ZoneInfo(self.zone))
        today, yesterday, hour = there.weekday(), (there.weekday() - 1) % 7, there.time()
        if self.opens < self.closes:
            return today in self.days and self.opens <= hour < self.closes
        # over midnight: the night belongs to the day on which it began
        return (today in self.days and hour >= self.opens) or (yesterday in self.days and hour < self.closes)

    @property
    def name(self) -> Text:
        """Their name or function in the languages it is given in."""
        return Text.from_json(self.names)


class Community(models.Model):
    """A community of nations, such as a regional organisation; who belongs to it and when stands in its spans."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    edition = models.PositiveIntegerField(
        default=1
    )  # counts its saves: nobody overwrites what they did not see
    # short, for addresses of people and programs: oic
    code = models.CharField(max_length=32, unique=True)
    names = models.JSONField()
    # what it calls nations, by code: {"PS": {"ar": …, "en": …, "fr": …}}
    nation_names: Any = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=now, editable=False)

    @property
    def name(self) -> Text:
        """The community's name in the languages it has one in."""
        return Text.from_json(self.names)


class Span(models.Model):
    """What a nation or an organisation was to a community, from one day to another. The spans are the history."""

    class Standing(models.TextChoices):
        """What one may be to a community. One is at most one of the first four at a time; the others come on top."""

        MEMBER = "member", _("member")
        ASSOCIATE = "associate", _("associate")
        OBSERVER = "observer", pgettext_lazy("a nation or an organisation", "observer")
        APPLICANT = "applicant", _("applicant")
        CHAIR = "chair", _("chair")
        SUSPENDED = "suspended", pgettext_lazy("a nation or an organisation", "suspended")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    community = models.ForeignKey(Community, on_delete=models.CASCADE, related_name="spans")
    # one of the two
    nation = models.ForeignKey(Nation, null=True, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    standing = models.CharField(max_length=12, choices=Standing)
    # the first day, none where it is not written down; the first day no longer, none while it lasts
    since = models.DateField(null=True)
    until = models.DateField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="people_span_of_one",
                condition=Q(nation__isnull=False, organisation__isnull=True)
                | Q(nation__isnull=True, organisation__isnull=False),
            ),
            models.CheckConstraint(
                name="people_span_forward",
                condition=Q(since__isnull=True) | Q(until__isnull=True) | Q(since__lt=models.F("until")),
            ),
        )
        indexes = (models.Index(fields=["community", "standing", "until"], name="people_span_now"),)


def has_address(email: str) -> Exact:
    """The condition that an e-mail address is this one, in any case of letters, as it is held to be unique.

    ``iexact`` compares in upper case on PostgreSQL, where a dotless i becomes an I: another's address would be found.
    """
    return Exact(Lower("email"), Lower(models.Value(email)))


class PersonManager(BaseUserManager["Person"]):
    """Looks persons up as Django's sign-in asks for them."""

    def get_by_natural_key(self, username: str | None) -> Person:
        """The person with this e-mail address, in any case of letters."""
        return self.get(has_address(username or ""))


class Person(AbstractBaseUser):
    """Somebody who works on this node. What they may do comes from their memberships alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    name = models.CharField(_("name"), max_length=200)
    language = models.CharField(max_length=2, choices=[(each, each) for each in LANGUAGES], default="en")
    # IANA name; empty for the node's
    zone = models.CharField(max_length=64, blank=True, default="")
    calendar = models.CharField(max_length=16, choices=Calendar, default=Calendar.GREGORIAN)
    digits = models.CharField(max_length=16, choices=Digits, default=Digits.TERRITORY)
    addressed = models.CharField(max_length=16, choices=Addressed, default=Addressed.NEUTRAL)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.DEVICE)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=now, editable=False)
    # when they last looked at the first page, and when the visit before this one ended; none the first time
    looked = models.DateTimeField(null=True, editable=False)
    looked_before = models.DateTimeField(null=True, editable=False)
    # whether the guide for a new node is out of their sight
    hides_guide = models.BooleanField(default=False, editable=False)
    # counts how often they were disabled: a session from before never opens anything again
    epoch = models.PositiveIntegerField(default=0, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = PersonManager()

    class Meta:
        constraints = (models.UniqueConstraint(Lower("email"), name="people_one_email"),)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is held against (Django): the password, as ever, and how often they were disabled."""
        value = self.password + (f":{self.epoch}" if self.epoch else "")
        key_salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        return salted_hmac(key_salt, value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def clock(self) -> ZoneInfo:
        """The time zone in which their hours are meant: their own, or the node's."""
        return ZoneInfo(self.zone or settings.DISPLAY_TIME_ZONE)

    @property
    def reading(self) -> Reader:
        """How they want to read."""
        return _reading(self.zone, self.calendar, self.digits, self.addressed, self.theme)

    def get_full_name(self) -> str:
        """What allauth and the shell call them."""
        return self.name


# asked for each date and number of a page
@lru_cache(maxsize=512)
def _reading(zone: str, calendar: str, digits: str, addressed: str, theme: str) -> Reader:
    return Reader(
        zone=zone,
        calendar=Calendar(calendar),
        digits=Digits(digits),
        addressed=Addressed(addressed),
        theme=Theme(theme),
    )


class Membership(models.Model):
    """A person's role in an organisation. Several roles are several rows."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    since = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["person", "organisation", "role"], name="people_each_role_once"),
        )

    @property
    def role_name(self) -> str:
        """What the role is called, as its person is addressed."""
        return role_name(self.role, Addressed(self.person.addressed))


class Invitation(models.Model):
    """A way in, for one e-mail address, for a while, once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    roles: Any = models.JSONField()  # list of Role values
    language = models.CharField(max_length=2, default="en")
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(default=now, editable=False)
    expires = models.DateTimeField()
    accepted = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    def is_open(self, at: datetime) -> bool:
        """Whether it can still be used."""
        return self.accepted is None and self.revoked is None and at < self.expires


class IdentityProvider(models.Model):
    """Where an organisation's people sign in, instead of with a password here."""

    class Protocol(models.TextChoices):
        """What is spoken with it."""

        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML 2.0"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    edition = models.PositiveIntegerField(
        default=1
    )  # counts its saves: nobody overwrites what they did not see
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="identity_providers"
    )
    # what stands on the button
    name = models.CharField(max_length=100)
    protocol = models.CharField(max_length=4, choices=Protocol, default=Protocol.OIDC)
    # of SAML its entity id
    issuer = models.CharField(max_length=300, unique=True)
    # of OpenID Connect
    client = models.CharField(max_length=200, blank=True, default="")
    # of SAML: where it takes requests, and the certificates (PEM) of the keys with which it signs
    sign_in_url = models.CharField(max_length=500, blank=True, default="")
    certificates = models.TextField(blank=True, default="")
    # sealed (platform/web/sealed); empty for a public client
    secret = models.TextField(blank=True, default="")
    # for addresses of these domains the issuer's word is taken
    domains: Any = models.JSONField(default=list, blank=True)
    groups_claim = models.CharField(max_length=200, blank=True, default="")
    # {"group": ["analyst", …]}: who comes in by it without an invitation, and as what
    roles_by_group: Any = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    created = models.DateTimeField(default=now, editable=False)


class Identity(models.Model):
    """A person as an identity provider knows them."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["provider", "subject"], name="people_one_identity"),)


class ApiToken(models.Model):
    """A key for machines: random, so its plain SHA-256 is enough to find and to keep it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    # the first characters, so that a person can tell two tokens apart
    hint = models.CharField(max_length=16)
    scopes: Any = models.JSONField()  # list of permission names
    # the token that asked for this one, which then ends with it; none asked where its person was signed in
    made_with = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="made")
    created = models.DateTimeField(default=now, editable=False)
    expires = models.DateTimeField()
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)


class Letterbox(models.Model):
    """When a person gets letters, and how far that is."""

    class Rhythm(models.TextChoices):
        """How often the summary comes."""

        DAILY = "daily", _("every working day")
        WEEKLY = "weekly", _("once a week, on the first working day")
        NEVER = "never", pgettext_lazy("summary", "never")

    person = models.OneToOneField(
        Person, primary_key=True, on_delete=models.CASCADE, related_name="letterbox"
    )
    rhythm = models.CharField(max_length=8, choices=Rhythm, default=Rhythm.DAILY)
    # in the person's zone
    hour = models.PositiveSmallIntegerField(default=8)
    # 0 is Monday (ISO 8601 less one); None for the working week of the nation
    days: Any = models.JSONField(null=True, blank=True)
    # the last summary, or since when there is none
    summarised = models.DateTimeField(default=now)
    # letters that the mail server did not take, one after another; since when; and not before when it is asked again
    failures = models.PositiveSmallIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)


class Wish(models.Model):
    """How a person wants to be told of a kind of thing, where they chose."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="wishes")
    kind = models.CharField(max_length=80)  # a NewsKind of platform/notices/news.py
    way = models.CharField(max_length=8, choices=Way)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "kind"], name="people_one_wish"),)


class Untold(models.Model):
    """How much of a kind of thing began that a person is to be told of by e-mail."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="untold")
    kind = models.CharField(max_length=80)
    count = models.PositiveBigIntegerField(default=0)
    # whether it does not wait for the summary
    at_once = models.BooleanField(default=False)
    # when a letter told of this kind at once: what comes soon after waits, so that a flood is few letters
    told = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "kind"], name="people_untold_once"),)
        indexes = (
            models.Index(
                fields=["person"], name="people_untold_at_once", condition=Q(at_once=True, count__gt=0)
            ),
        )


class Gathered(models.Model):
    """Up to when what began of a kind of thing was gathered for everybody."""

    kind = models.CharField(primary_key=True, max_length=80)
    until = models.DateTimeField()
