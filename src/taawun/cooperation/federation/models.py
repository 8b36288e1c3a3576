"""Releases: what left this node or reached it, over which clauses, and who signed for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from taawun.cooperation.agreements.models import Governed
from taawun.cooperation.agreements.policy import Facts, Origin
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.models import Organisation, Person
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.web.matching import WordsOf, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MOST_OF_A_TOPIC: Final = 140
MOST_OF_A_PARTY: Final = 340
# characters of the reason for a withdrawal
LONGEST_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Behalf:
    """A guest of this node, for whom it signs and sends.

    Args:
        guest: its party key.
        agreement: lineage of the agreement that calls it so; in another somebody else may be called the same.
    """

    guest: str
    agreement: UUID


class Release(Governed):
    """One version of one thing that travels, ours or a partner's."""

    class State(models.TextChoices):
        """Whether it still stands."""

        LIVE = "live", _("published")
        WITHDRAWN = "withdrawn", pgettext_lazy("release", "withdrawn")
        ENDED = "ended", pgettext_lazy("release", "ended")
        # what signed it was revoked since, and nobody here has decided
        ASIDE = "aside", _("in quarantine")

    class Gone(models.TextChoices):
        """Why a release does not stand any more, or one of its passages."""

        SOURCE = "source", _("withdrawn by its source")
        SENDER = "sender", _("withdrawn by who shared it onward")
        RETENTION = "retention", _("the time that its clause gives it is over")
        AGREEMENT = "agreement", _("its agreement ended, and nothing else lets this node keep it")
        # of a passage alone, until somebody here decides: its day comes all the same
        ASIDE = "aside", _("in quarantine")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.CharField(max_length=400)
    version = models.CharField(max_length=64, blank=True, default="")
    title = models.CharField(max_length=300, blank=True, default="")
    # what a search for it looks in
    words = WordsOf("title")
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    licence = models.CharField(max_length=300, blank=True, default="")
    languages: Any = models.JSONField(default=list)
    persons: Any = models.JSONField(default=list)  # e-mail addresses a RED release names
    # inside which AMBER+STRICT stays on this node; None for the one that runs it, which is the one that receives
    organisation = models.ForeignKey(
        Organisation, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # None for our own
    origin = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="releases")
    # whose it is by the word of ``origin`` alone, which shared it onward; empty where ``origin`` is its source itself
    source = models.CharField(max_length=300, blank=True, default="")
    published_by = models.CharField(max_length=200, blank=True, default="")
    # the guest of this node that gave it: its party key, and the agreement under which it is called that; empty for
    # what is the node's own, or a partner's
    on_behalf = models.CharField(max_length=MOST_OF_A_PARTY, blank=True, default="")
    on_behalf_under = models.UUIDField(null=True)
    # no way by which it stands here is for this node itself: it is held for its guests, no room has it, and nobody here
    # reads what it is about
    is_for_guests = models.BooleanField(default=False)
    issued = models.DateTimeField(default=now)
    state = models.CharField(max_length=9, choices=State, default=State.LIVE)
    withdrawn = models.DateTimeField(null=True)
    gone = models.CharField(max_length=9, choices=Gone, blank=True, default="")
    withdrawal_reason = models.TextField(blank=True, default="")

    class Meta(Governed.Meta):
        constraints = (
            models.CheckConstraint(name="federation_tlp", condition=Q(tlp__gte=0, tlp__lte=4)),
            # the same version again is the same release; another content under it is an alert
            models.UniqueConstraint(
                fields=["subject", "version"], name="federation_own_once", condition=Q(origin__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["subject", "version", "origin", "source"],
                name="federation_received_once",
                condition=Q(origin__isnull=False),
            ),
        )
        indexes = (
            # the list of what a party may have walks newest first, and decides without reading the rows it leaves out
            models.Index(
                fields=[
                    "-id",
                    "kind",
                    "tlp",
                    "has_audience",
                    "is_bound",
                    "onward",
                    "names_persons",
                    "onward_agreement",
                ],
                name="federation_decided",
                condition=Q(state="live"),
            ),
            models.Index(fields=["subject", "-id"], name="federation_by_subject"),
        )

    @staticmethod
    def called(title: str) -> dict[str, str]:
        """The columns that say what a release is called, for a statement that writes them."""
        cut = title[:300]
        return {"title": cut, "words": words_of(cut)}

    @property
    def behalf(self) -> Behalf | None:
        """For whom this node gave it, where it is not its own."""
        return Behalf(self.on_behalf, self.on_behalf_under) if self.on_behalf_under else None

    @property
    def publisher(self) -> Text | str:
        """Who published it: a person here, or a partner by its name in each language."""
        return self.origin.name if self.origin else self.published_by

    def facts(self) -> Facts:
        """What a decision looks at; topics and parties are read with it (``queries.facts_of`` reads those of many)."""
        parties = ((each.role, each.party) for each in self.parties.all())
        return self.facts_with((each.topic for each in self.topics.all()), parties)

    def facts_with(self, topics: Iterable[str], parties: Iterable[tuple[str, str]]) -> Facts:
        """What a decision looks at, where its lists are at hand.

        Args:
            topics: its ``vocabulary:id`` terms.
            parties: the keys in its lists, each after the list's role.
        """
        listed: dict[str, set[str]] = {}
        for role, party in parties:
            listed.setdefault(role, set()).add(party)

        def keys(role: ReleaseParty.Role) -> frozenset[str]:
            return frozenset(listed.get(role, ()))

        return Facts(
            kind=self.kind,
            tlp=Tlp(self.tlp),
            topics=frozenset(topics),
            audience=keys(ReleaseParty.Role.AUDIENCE) if self.has_audience else None,
            names_persons=self.names_persons,
            origin=Origin(
                rule=self.onward,
                agreement=self.onward_agreement,
                named=keys(ReleaseParty.Role.NAMED),
                bound=keys(ReleaseParty.Role.BOUND) if self.is_bound else None,
            ),
        )

    @property
    def goes_onward(self) -> bool:
        """Whether what it came under lets anybody at all have it from here."""
        return self.onward != self.Onward.NONE


class ReleaseTopic(models.Model):
    """A ``vocabulary:id`` term a release is about."""

    owner = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="topics")
    topic = models.CharField(max_length=MOST_OF_A_TOPIC)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["owner", "topic"], name="federation_topic_once"),)
        # the list of what a party may have begins here where its clauses are on topics that few releases have
        indexes = (models.Index(fields=["topic", "owner"], name="federation_about"),)


class ReleaseParty(models.Model):
    """A party key in one of a release's lists."""

    class Role(models.TextChoices):
        """Which list."""

        AUDIENCE = "audience", _("chosen audience")
        NAMED = "named", _("named for onward sharing")
        BOUND = "bound", _("bound of a narrowed audience")

    owner = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="parties")
    role = models.CharField(max_length=8, choices=Role)
    party = models.CharField(max_length=MOST_OF_A_PARTY)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["owner", "role", "party"], name="federation_party_once"),
        )
        # the list of what a party may have reads here which releases name it
        indexes = (models.Index(fields=["party", "role", "owner"], name="federation_names"),)


class Place(TypedDict):
    """Where the ledger counts an entry."""

    lane_id: UUID
    kind: str
    month: str


class Counted(models.Model):
    """What the ledger counts: the lane, kind and month of an entry stand here too, for they never change.

    So the ledger is summed up within one index, and reads no entry. The lane is the one it went over, also where a
    restart has put the entry aside since.
    """

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=80)
    month = models.CharField(max_length=7)  # in which the entry was recorded here, in UTC: 2026-11

    class Meta:
        abstract = True

    @classmethod
    def place_of(cls, entry: LaneEntry) -> Place:
        """Where the ledger counts an entry: the members of a new row.

        A withdrawal has no kind there: whoever signed for one has taken in nothing more.
        """
        return {
            "lane_id": entry.lane_id,
            "kind": "" if entry.action == "withdraw" else entry.kind,
            "month": f"{entry.recorded.astimezone(UTC):%Y-%m}",
        }


class Passage(Counted):
    """A release on one lane: on ours where it went, on a partner's its provenance.

    What came from a partner and was shared onward has both.
    """

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="passages")
    entry = models.OneToOneField(LaneEntry, on_delete=models.PROTECT, related_name="passage")
    size = models.BigIntegerField()
    # None, and the next two empty, over a public lane
    agreement = models.UUIDField(null=True)
    document = models.CharField(max_length=64, blank=True, default="")  # digest of the version it went under
    clause = models.CharField(max_length=40, blank=True, default="")
    # it came here for guests of this node alone: by this way the node itself has nothing
    is_for_guests = models.BooleanField(default=False)
    # its header was read for guests that came later, and names for whom it is: for nobody else, whatever is agreed
    names_readers = models.BooleanField(default=False)
    ends = models.DateTimeField(null=True)  # when the clause says it goes here; None without a limit
    ended = models.DateTimeField(null=True)  # when it did: withdrawn on this lane, or its time was over
    why_ended = models.CharField(max_length=9, choices=Release.Gone, blank=True, default="")
    # when somebody here said, after a restore, that what stood for everybody does not go to everybody again
    left_off = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            # the sweep asks what is over, and a list what soon will be
            models.Index(
                fields=["ends"], name="federation_ends", condition=Q(ended=None, ends__isnull=False)
            ),
            models.Index(fields=["ends"], name="federation_ends_aside", condition=Q(why_ended="aside")),
            # all that the ledger asks, in the order of its groups
            models.Index(
                fields=["agreement", "lane", "kind", "month", "size", "ended"], name="federation_carried"
            ),
            # what went to a partner is asked for by its lanes
            models.Index(fields=["lane", "release"], name="federation_by_lane"),
        )

    @property
    def is_given(self) -> bool:
        """Whether it went from here over one of our lanes."""
        return self.entry.lane.sender_id is None

    @property
    def is_public(self) -> bool:
        """Whether it went, or came, over a public lane."""
        return self.agreement is None


class Receipt(Counted):
    """A receiver's signed word that an entry of ours reached it, and what became of it there."""

    entry = models.ForeignKey(LaneEntry, on_delete=models.CASCADE, related_name="receipts")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=12)  # a LaneEntry.State value
    reason = models.CharField(max_length=80, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["entry", "partner"], name="federation_receipt_once"),)
        # all that the ledger asks, in the order of its groups
        indexes = (
            models.Index(fields=["lane", "partner", "kind", "month", "outcome"], name="federation_signed"),
        )


class GuestToken(models.Model):
    """By which a guest of this node comes to what one agreement gives it; random, so its plain SHA-256 is enough."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agreement = models.UUIDField()  # lineage
    guest = models.CharField(max_length=40)  # its ref in the agreement
    # SHA-256 of who bore that ref when it was made: another organisation that bears it later is another guest
    identity = models.CharField(max_length=64, default="")
    name = models.CharField(max_length=100)  # what or whom it is for
    # who holds it: only what names them of TLP:RED is served by it; empty for a program
    email = models.EmailField(max_length=254, blank=True, default="")
    digest = models.CharField(max_length=64, unique=True)
    # the first characters, so that a person can tell two tokens apart
    hint = models.CharField(max_length=20)
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(default=now, editable=False)
    expires = models.DateTimeField()
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["agreement", "guest", "-id"], name="federation_guest_tokens"),)

    @property
    def key(self) -> str:
        """The guest's party key."""
        return f"{settings.BASE_URL}#{self.guest}"

    def is_open(self, at: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked is None and at < self.expires


class GuestCopy(models.Model):
    """What lies at its host for a guest, and when the guest read it: its receipt.

    Of a guest of this node it is written when the release comes or goes over a lane that names the guest; of a
    partner's guest when the partner says that it read something of ours.
    """

    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="guest_copies")
    guest = models.CharField(max_length=MOST_OF_A_PARTY)  # party key
    read = models.DateTimeField(null=True)  # when the last byte of it that was missing was served
    served: Any = models.JSONField(default=list)  # until then: from which byte to before which, of each part
    # id of the message on the talk lane by which the host says so to who sent it; None where nobody has to be told
    said = models.UUIDField(null=True)
    is_unsaid = models.BooleanField(default=False)  # it was read, and who sent it is still to be told

    class Meta:
        constraints = (models.UniqueConstraint(fields=["passage", "guest"], name="federation_guest_once"),)
        indexes = (
            # a guest's list walks newest first
            models.Index(fields=["guest", "-id"], name="federation_guest_list"),
            # the sweep asks what is still to be said
            models.Index(fields=["id"], name="federation_guest_unsaid", condition=Q(is_unsaid=True)),
        )


class Deletion(models.Model):
    """A signed word that what an entry brought is kept no more under its clause: ours, or a receiver's of ours."""

    entry = models.ForeignKey(LaneEntry, on_delete=models.CASCADE, related_name="deletions")
    # who says so of an entry of ours; None where this node says so of what it received
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=9, choices=Release.Gone)
    # the content stays there by another way than this clause
    is_held = models.BooleanField(default=False)
    at = models.DateTimeField()
    # id of the message on the talk lane that says it, which is its proof; None while it is still to be sent
    said = models.UUIDField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["entry", "partner"], name="federation_deletion_once"),
            models.UniqueConstraint(
                fields=["entry"], name="federation_own_deletion_once", condition=Q(partner__isnull=True)
            ),
        )
        indexes = (
            # the sweep asks what is still to be said
            models.Index(fields=["id"], name="federation_unsaid", condition=Q(said__isnull=True)),
        )


class Reach(models.Model):
    """A receiver's word on how many parties a release reached that it shared onward; who they are it does not say."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="reaches")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    parties = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["release", "partner"], name="federation_reach_once"),)


class ToldReach(models.Model):
    """What this node last told a partner about how far a release reached from here."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="told_reaches")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    parties = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["release", "partner"], name="federation_told_reach_once"),
        )
