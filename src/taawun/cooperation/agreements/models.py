"""Agreements and the signed evidence about them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
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
    # new evidence is here: what follows from it (a countersignature, readers of lanes) is yet to be done, and the
    # other parties are yet to be told what is held here
    is_unsettled = models.BooleanField(default=True, db_index=True)
    is_uncompared = models.BooleanField(default=True, db_index=True)
    compared = models.DateTimeField(null=True, db_index=True)
    # some parties are yet to be told what is new, and may be from then on
    compare_from = models.DateTimeField(null=True)

    @property
    def code(self) -> str:
        """What people on this node call it, for example AG-014."""
        return f"AG-{self.number:03d}"

    @property
    def title(self) -> Text:
        """The title of its newest version."""
        return Text.from_json(self.titles)


class Version(models.Model):
    """A version the depositary proposed, as the exact text that is signed.

    A depositary that lies may have signed several texts under one number. All of them are held, so that every party
    holds the same.
    """

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.BinaryField()
    digest = models.CharField(max_length=64, unique=True)
    # base address of whoever proposed it: what of one partner waits for our answer is counted by it
    depositary = models.CharField(max_length=300, blank=True, default="", db_index=True)
    # its signed word that it proposed this, by which others take the version from anybody; empty where it came before
    # there were such words, or with a signature alone
    proposal = models.TextField(blank=True, default="")
    # of our own: whether this node proposed it itself, or knew after a restore that it had
    is_said = models.BooleanField(default=False)
    received = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = (models.Index(fields=["agreement", "number"], name="agreements_version_number"),)

    def document(self) -> Document:
        """The version, typed; read once, and remembered by its digest."""
        return shelf.document(self.digest, lambda: bytes(self.text))


class Approval(models.Model):
    """One of our officers approves a version. Two different ones let the node sign, ratify or accede."""

    class Step(models.TextChoices):
        """What is approved."""

        SIGNATURE = "signature", _("signature")
        RATIFICATION = "ratification", _("ratification")
        ACCESSION = "accession", _("accession")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="approvals")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=12, choices=Step, default=Step.SIGNATURE)
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["version", "person", "step"], name="agreements_approve_once"),
        )


class PartySignature(models.Model):
    """A party's signature on a version: a JWS of the node's key.

    It names its version by digest, not by row: evidence may arrive before the version it is about.
    """

    lineage = models.UUIDField()
    digest = models.CharField(max_length=64)
    node = models.CharField(max_length=300)
    token = models.TextField()
    # the public key that signed it, so that it can be shown to who has never met its party; empty for our own
    jwk: Any = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()
    received = models.DateTimeField(default=now, editable=False)
    # of our own: whether this node signed it itself, or knew after a restore that it had. Only that is signed again
    # when the key is revoked
    is_said = models.BooleanField(default=False)
    # of our own: whether it binds us only once two officers have ratified it; the home page looks for these
    awaits_ratification = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lineage", "digest", "node"], name="agreements_sign_once"),
        )


class PartyInstrument(models.Model):
    """What a party signs about an agreement besides a version: docs/protocol.md, "Signatures and instruments"."""

    class Kind(models.TextChoices):
        """What is declared."""

        COUNTERED = "countered", _("counter-proposal")
        DECLINED = "declined", _("declined")
        SUSPENDED = "suspended", _("suspended")
        RESUMED = "resumed", _("resumed")
        TERMINATED = "terminated", _("terminated")
        RATIFIED = "ratified", _("ratified")
        INVITED = "invited", _("invited to accede")
        ACCEDED = "acceded", _("acceded")
        COUNTERSIGNED = "countersigned", _("countersigned")
        LEFT = "left", _("notice of leaving")
        DECLARED = "declared", _("declaration")
        LIFTED = "lifted", _("declaration lifted")

    # by which people here name it: as ``chosen``, unless something else has that id; no other node knows it
    id = models.UUIDField(primary_key=True, editable=False)
    # by which its party names it. A party that lies may have said several things under one id
    chosen = models.UUIDField(db_index=True)
    # SHA-256 of the exact bytes that were signed: of one party, this is what makes two instruments the same one
    words = models.CharField(max_length=64)
    lineage = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=13, choices=Kind)
    node = models.CharField(max_length=300)
    digest = models.CharField(max_length=64)  # of the version it speaks about
    lifts = models.UUIDField(null=True)  # what of its own party it lifts, as that is ``chosen``
    # what it answers, as that is ``chosen`` by the node ``of``; a refusal without it is of the version itself
    answers = models.UUIDField(null=True)
    of = models.CharField(max_length=300, blank=True, default="")
    note = models.TextField(blank=True, default="")
    # a counter-proposal's text; the depositary may adopt it as the next version
    suggestion = models.BinaryField(null=True)
    # the members that only its kind has, as they were signed: ``statements.check`` has read them
    said: Any = models.JSONField(default=dict, blank=True)
    token = models.TextField()
    mark = models.CharField(max_length=64, blank=True, default="")  # SHA-256 of the token
    jwk: Any = models.JSONField(default=dict, blank=True)  # as of signatures
    at = models.DateTimeField()
    received = models.DateTimeField(default=now, editable=False)
    is_said = models.BooleanField(default=False)  # as of signatures

    class Meta:
        constraints = (models.UniqueConstraint(fields=["node", "words"], name="agreements_say_once"),)
        indexes = (models.Index(fields=["lineage", "node", "kind"], name="agreements_said_by"),)

    def answered(self) -> models.QuerySet[PartyInstrument]:
        """What it answers: of a party that lies more than one."""
        if self.answers is None:
            return PartyInstrument.objects.none()
        return PartyInstrument.objects.filter(lineage=self.lineage, node=self.of, chosen=self.answers)


class Newcomer(models.Model):
    """Somebody here confirmed a party that acceded, where a clause gives newcomers what was sent before."""

    lineage = models.UUIDField()
    party = models.CharField(max_length=340)  # its key
    reads_earlier = models.BooleanField()
    confirmed_by = models.CharField(max_length=200)
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lineage", "party"], name="agreements_confirm_once"),)


class Comparison(models.Model):
    """What another party said it holds of an agreement; it is answered with what it lacks."""

    lineage = models.UUIDField()
    node = models.CharField(max_length=300)
    # of what it holds a part: all marks that begin with this
    prefix = models.CharField(max_length=1, blank=True, default="")
    held: Any = models.JSONField(default=list)  # marks
    received = models.DateTimeField(default=now)
    is_waiting = models.BooleanField(default=True)
    not_before = models.DateTimeField(null=True)
    # there is nothing to say to its party before, whatever it tells, as long as the same is held here
    quiet_until = models.DateTimeField(null=True)
    quiet_stamp = models.CharField(max_length=64, blank=True, default="")  # of what is held

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lineage", "node", "prefix"], name="agreements_compare_once"),
        )
        indexes = (
            models.Index(fields=["received"], name="agreements_to_answer", condition=Q(is_waiting=True)),
        )


class Shown(models.Model):
    """What another party was shown of an agreement: not again before long, whatever it says that it lacks."""

    lineage = models.UUIDField()
    node = models.CharField(max_length=300)
    mark = models.CharField(max_length=64)
    times = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(default=now)  # the last time
    size = models.PositiveIntegerField()  # bytes of JSON

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["lineage", "node", "mark"], name="agreements_shown_once"),
        )
        indexes = (
            models.Index(fields=["node", "at"], name="agreements_shown_again", condition=Q(times__gt=1)),
            models.Index(fields=["mark"], name="agreements_shown_mark"),
        )


class Told(models.Model):
    """What another party was last told that is held here of an agreement: it shows what it holds more."""

    lineage = models.UUIDField()
    node = models.CharField(max_length=300)
    holding = models.CharField(max_length=64)  # SHA-256 of the marks
    # the same of those that begin with each hexadecimal digit, as they were told last
    parts: Any = models.JSONField(default=dict, blank=True)
    # what it may be told of news is spent until then
    spent_until = models.DateTimeField(null=True)
    times = models.PositiveIntegerField(default=0)  # with nothing new between them
    at = models.DateTimeField(default=now)  # the last time

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lineage", "node"], name="agreements_told_once"),)


class Scan(models.Model):
    """The scan of the paper instrument that an agreement belongs to, as this node keeps it; its digest is checked."""

    lineage = models.UUIDField()
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    name = models.CharField(max_length=200)
    attached_by = models.CharField(max_length=200)
    at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lineage", "digest"], name="agreements_scan_once"),)


class DoubtedWord(models.Model):
    """When a party said something, as far as it was believed, that does not count until it says it again.

    What signed it was revoked. Only the instants are kept; the words stand in the lane that brought them.
    """

    node = models.CharField(max_length=300)
    said = models.CharField(max_length=64)  # SHA-256 of the exact bytes that were signed
    at = models.DateTimeField()
    received = models.DateTimeField()
    put_away = models.DateTimeField(default=now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["node", "said"], name="agreements_doubted_once"),)


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
