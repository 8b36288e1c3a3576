"""Agreements and the signed evidence about them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.agreements import shelf
from taawun.cooperation.agreements.document import Document
from taawun.cooperation.people.models import Person
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text


class Agreement(models.Model):
    """One agreement over all its versions. Its state is derived from the evidence, never stored."""

    id = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )  # the lineage, the same at every party
    number = models.PositiveIntegerField(unique=True)  # this node's own counting
    titles: Any = models.JSONField()
    # a draft or a counter-proposal being written here; nobody else has seen it
    draft = models.TextField(blank=True, default="")
    draft_edition = models.PositiveIntegerField(default=1)  # for If-Match
    created = models.DateTimeField(default=now, editable=False)

    @property
    def code(self) -> str:
        """What people on this node call it, for example AG-014."""
        return f"AG-{self.number:03d}"

    @property
    def title(self) -> Text:
        """The title of its newest version."""
        return Text.from_json(self.titles)


class Version(models.Model):
    """A version the depositary proposed, as the exact text that is signed."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.BinaryField()
    digest = models.CharField(max_length=64, unique=True)
    # base address of whoever proposed it: what of one partner waits for our answer is counted by it
    depositary = models.CharField(max_length=300, blank=True, default="", db_index=True)
    received = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["agreement", "number"], name="agreements_version_once"),
        )

    def document(self) -> Document:
        """The version, typed; read once, and remembered by its digest."""
        return shelf.document(self.digest, lambda: bytes(self.text))


class Approval(models.Model):
    """One of our officers approves a version. Two different ones let the node sign."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="approvals")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["version", "person"], name="agreements_approve_once"),)


class PartySignature(models.Model):
    """A party's signature on a version: a JWS of the node's key.

    It names its version by digest, not by row: evidence may arrive before the version it is about.
    """

    lineage = models.UUIDField()
    digest = models.CharField(max_length=64)
    node = models.CharField(max_length=300)
    token = models.TextField()
    at = models.DateTimeField()
    received = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lineage", "digest", "node"], name="agreements_sign_once"),
        )


class PartyInstrument(models.Model):
    """A party's signed declaration: it counters, declines, suspends, resumes or terminates."""

    class Kind(models.TextChoices):
        """What is declared."""

        COUNTERED = "countered", _("counter-proposal")
        DECLINED = "declined", _("declined")
        SUSPENDED = "suspended", _("suspended")
        RESUMED = "resumed", _("resumed")
        TERMINATED = "terminated", _("terminated")

    id = models.UUIDField(primary_key=True, editable=False)  # chosen by the party
    lineage = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=10, choices=Kind)
    node = models.CharField(max_length=300)
    digest = models.CharField(max_length=64)  # of the version it speaks about
    lifts = models.UUIDField(null=True)
    # the counter-proposal that the depositary says no to; without one a refusal is of the version itself
    answers = models.UUIDField(null=True)
    note = models.TextField(blank=True, default="")
    # a counter-proposal's text; the depositary may adopt it as the next version
    suggestion = models.BinaryField(null=True)
    token = models.TextField()
    at = models.DateTimeField()
    received = models.DateTimeField(default=now, editable=False)


class Governed(models.Model):
    """What a decision looks at, as columns: the base of everything that may leave a node.

    The same facts as :class:`~taawun.cooperation.agreements.policy.Facts`; party lists are rows of the subclass's
    ``parties`` relation and topics rows of its ``topics`` relation.
    """

    class Onward(models.TextChoices):
        """How far something may go on from here."""

        OWN = "own", _("our own")
        NONE = "none", _("not onward")
        NAMED = "named", _("to named parties")
        PARTIES = "parties", _("to the parties of its agreement")
        PUBLIC = "public", _("to anybody")

    kind = models.CharField(max_length=80)
    tlp = models.PositiveSmallIntegerField()
    has_audience = models.BooleanField(default=False)
    names_persons = models.BooleanField(default=False)
    onward = models.CharField(max_length=8, choices=Onward, default=Onward.OWN)
    onward_agreement = models.UUIDField(null=True)
    is_bound = models.BooleanField(default=False)

    class Meta:
        abstract = True
