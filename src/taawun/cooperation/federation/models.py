"""Releases: what left this node or reached it, over which clauses, and who signed for it."""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from taawun.cooperation.agreements.models import Governed
from taawun.cooperation.agreements.policy import Facts, Origin
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp

MOST_OF_A_TOPIC: Final = 140
MOST_OF_A_PARTY: Final = 340
# characters of the reason for a withdrawal
LONGEST_REASON: Final = 2000


class Release(Governed):
    """One version of one thing that travels, ours or a partner's."""

    class State(models.TextChoices):
        """Whether it still stands."""

        LIVE = "live", _("published")
        WITHDRAWN = "withdrawn", pgettext_lazy("release", "withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.CharField(max_length=400)
    version = models.CharField(max_length=64, blank=True, default="")
    title = models.CharField(max_length=300, blank=True, default="")
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
    published_by = models.CharField(max_length=200, blank=True, default="")
    issued = models.DateTimeField(default=now)
    state = models.CharField(max_length=9, choices=State, default=State.LIVE)
    withdrawn = models.DateTimeField(null=True)
    withdrawal_reason = models.TextField(blank=True, default="")

    class Meta(Governed.Meta):
        constraints = (
            models.CheckConstraint(name="federation_tlp", condition=Q(tlp__gte=0, tlp__lte=4)),
            # the same version again is the same release; another content under it is an alert
            models.UniqueConstraint(
                fields=["subject", "version"], name="federation_own_once", condition=Q(origin__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["subject", "version", "origin"],
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

    @property
    def publisher(self) -> Text | str:
        """Who published it: a person here, or a partner by its name in each language."""
        return self.origin.name if self.origin else self.published_by

    def facts(self) -> Facts:
        """What a decision looks at; topics and parties are read with it (prefetch them for many)."""
        parties = list(self.parties.all())

        def listed(role: str) -> frozenset[str]:
            return frozenset(each.party for each in parties if each.role == role)

        return Facts(
            kind=self.kind,
            tlp=Tlp(self.tlp),
            topics=frozenset(each.topic for each in self.topics.all()),
            audience=listed("audience") if self.has_audience else None,
            names_persons=self.names_persons,
            origin=Origin(
                rule=self.onward,
                agreement=self.onward_agreement,
                named=listed("named"),
                bound=listed("bound") if self.is_bound else None,
            ),
        )


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


class Passage(models.Model):
    """A release on one lane: for ours where it went, for a partner's its provenance."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="passages")
    entry = models.OneToOneField(LaneEntry, on_delete=models.PROTECT, related_name="passage")
    agreement = models.UUIDField()
    document = models.CharField(max_length=64)  # digest of the version it went under
    clause = models.CharField(max_length=40)
    ended = models.DateTimeField(null=True)  # withdrawn on this lane


class Receipt(models.Model):
    """A receiver's signed word that an entry of ours reached it, and what became of it there."""

    entry = models.ForeignKey(LaneEntry, on_delete=models.CASCADE, related_name="receipts")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=9)  # a LaneEntry.State value
    reason = models.CharField(max_length=80, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["entry", "partner"], name="federation_receipt_once"),)
