"""Partners, lanes and their entries."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text

if TYPE_CHECKING:
    from datetime import datetime

# so long after a restart its other readers may show what they hold of the history that was given up
OWNED_UP: Final = timedelta(days=1)
# the digest before a lane's first header
GENESIS = "0" * 64


class Partner(models.Model):
    """Another node, as its own descriptor describes it."""

    class State(models.TextChoices):
        """How far we trust it. Only a verified partner receives anything or signs with us."""

        CLAIMED = "claimed", _("being contacted")  # named by an administrator or by itself; not asked yet
        MET = "met", _("not yet compared")
        VERIFIED = "verified", _("verified")
        BLOCKED = "blocked", _("blocked")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    node = models.URLField(max_length=300, unique=True)  # base address; the party's name in agreements
    kind = models.CharField(max_length=12, default="nation")
    nation = models.CharField(max_length=2, blank=True, default="")
    names: Any = models.JSONField(default=dict, blank=True)
    nation_names: Any = models.JSONField(default=dict, blank=True)
    # the key it signs with: the one its administrators compared, or one that provably followed it. Which key may have
    # signed something is asked of the lineage (`keys.lineage_of`)
    kid = models.CharField(max_length=43, blank=True, default="")
    jwk: Any = models.JSONField(default=dict, blank=True)
    key_since = models.DateTimeField(null=True)  # by its own word; empty for the first that was met
    key_learned = models.DateTimeField(null=True)
    # the recovery key its descriptor named when administrators compared; empty until then. No other one proves anything
    recovery: Any = models.JSONField(default=dict, blank=True)
    descriptor = models.TextField(blank=True, default="")  # the JWS as received
    descriptor_issued = models.DateTimeField(null=True)
    descriptor_valid_until = models.DateTimeField(null=True)
    descriptor_fetched = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State, default=State.MET)
    verified = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=200, blank=True, default="")
    created = models.DateTimeField(default=now, editable=False)
    # the network its first word came from; empty for whom an administrator named, or decided about since
    introduced_from = models.CharField(max_length=50, blank=True, default="")
    last_contact = models.DateTimeField(null=True)
    # whether it can be called; one that cannot calls us, fetches what is for it and delivers what it says
    is_reachable = models.BooleanField(default=True)
    # the descriptor that one brought which cannot be called, until somebody has seen whether its address answers
    carried = models.TextField(blank=True, default="")
    # the key that an administrator was told beforehand; whoever comes with another is turned away
    expected_kid = models.CharField(max_length=43, blank=True, default="")
    # when it was last told our descriptor
    told = models.DateTimeField(null=True)
    # when it was last asked for its words and all that it then signed for was here: what it says later it says after
    heard_until = models.DateTimeField(null=True)
    # why the last call failed: its code and facts, and the same in English for a code that has no words
    last_error = models.CharField(max_length=500, blank=True, default="")
    last_error_code = models.CharField(max_length=40, blank=True, default="")
    last_error_facts: Any = models.JSONField(default=dict, blank=True)
    failures = models.PositiveIntegerField(default=0)
    # what the sync loop has to do: tell them of news, ask them for news, and when to ask without being told
    wants_push = models.BooleanField(default=False)
    wants_pull = models.BooleanField(default=True)
    not_before = models.DateTimeField(default=now)  # back-off after a failure
    next_poll = models.DateTimeField(default=now)
    # whether this node reads its public lane: an administrator's choice
    is_followed = models.BooleanField(default=False)
    # whether it says that it reads ours, so that it is told of news there
    is_follower = models.BooleanField(default=False)
    # when heads of shared lanes were last exchanged with it
    heads_told = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=["next_poll"], name="partners_next_poll"),)

    @property
    def name(self) -> Text:
        """The partner's name in the languages it gave one in; its address until it said."""
        return called(self.names, self.node)

    def is_current(self, at: datetime) -> bool:
        """Whether its descriptor is still valid; after it lapses nothing is sent until renewal."""
        return self.descriptor_valid_until is not None and at < self.descriptor_valid_until


def called(names: object, node: str) -> Text:
    """A partner's name, as :attr:`Partner.name` has it, of two of its columns.

    Args:
        names: what it said.
        node: its base address.
    """
    return Text.from_json(names) if names else Text.of(en=node)


class PartnerKey(models.Model):
    """A key that a partner signed with before its present one, which stands with the partner itself."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="earlier_keys")
    position = models.PositiveSmallIntegerField()  # how many came before it
    kid = models.CharField(max_length=43)
    jwk: Any = models.JSONField()
    # when it signed with it, by its own word
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    learned = models.DateTimeField(null=True)  # when this node came to know it
    replaced = models.DateTimeField(default=now)  # when this node came to know its successor
    # what first came here under it after this instant is not believed
    revoked_since = models.DateTimeField(null=True)
    # the two halves of the statement that ended it; empty for what a descriptor named at the first meeting
    proof: Any = models.JSONField(default=list, blank=True)
    # whether what others passed on under it, once it was revoked, was put away
    is_swept = models.BooleanField(default=False)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["partner", "position"], name="partners_key_place"),
            models.UniqueConstraint(fields=["partner", "kid"], name="partners_key_once"),
        )
        # a request that a replaced key signed is told so
        indexes = (models.Index(fields=["kid"], name="partners_by_old_key"),)


class OwnKey(models.Model):
    """A key of this node; none are kept before the first rotation. The one without an end is the one it signs with.

    Private keys never stand here: they lie in the node's home, or in its environment.
    """

    position = models.PositiveSmallIntegerField(unique=True)
    kid = models.CharField(max_length=43, unique=True)
    jwk: Any = models.JSONField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    revoked_since = models.DateTimeField(null=True)
    # when partners showed that another had followed it, which a backup did not know; None for what was done here
    shown = models.DateTimeField(null=True)

    class Meta:
        ordering = ("position",)


class OwnRotation(models.Model):
    """A statement by which one of this node's keys followed another, as its descriptor carries it."""

    key = models.CharField(max_length=8)  # `current` or `recovery`
    jwk: Any = models.JSONField()  # the key that followed
    tokens: Any = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)


class ShownKeys(models.Model):
    """How our keys followed each other after the backup, as one partner shows it: genuine statements, oldest first.

    The word of each partner stays whole, for a thief of an older key has signed genuine statements, too: what two of
    them show is never made one. It stays here until the node signs with a key that follows, or waits for the partner
    no longer.
    """

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, related_name="shown_keys")
    statements: Any = models.JSONField()
    shown = models.DateTimeField(default=now)

    class Meta:
        ordering = ("id",)


class Nonce(models.Model):
    """A signed request that was seen, so that it is not taken twice."""

    kid = models.CharField(max_length=43)
    nonce = models.CharField(max_length=64)
    expires = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kid", "nonce"], name="partners_nonce_once"),)
        indexes = (models.Index(fields=["expires"], name="partners_nonce_expiry"),)


class Lane(models.Model):
    """One signed, hash-chained log from one sender to its readers."""

    class Purpose(models.TextChoices):
        """What a lane carries."""

        TALK = "talk", _("talk")
        CLAUSE = "clause", _("clause")
        PUBLIC = "public", _("public")

    class State(models.TextChoices):
        """Whether the lane moves."""

        RUNNING = "running", _("running")
        STOPPED = "stopped", _("stopped")
        LEFT = "left", _("left behind")  # a history that a restart did not go on with

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # what its sender calls it, where another lane had that id here first: an id is a sender's own word
    alias = models.UUIDField(null=True, editable=False)
    purpose = models.CharField(max_length=8, choices=Purpose)
    # None when this node is the sender
    sender = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="sends")
    agreement = models.UUIDField(null=True)  # the agreement's lineage
    clause = models.CharField(max_length=40, blank=True, default="")
    # SHA-256 of the sorted audience: the lane of one clause and one choice of readers is found by it
    audience_digest = models.CharField(max_length=64, blank=True, default="")
    head_seq = models.BigIntegerField(default=-1)
    head_digest = models.CharField(max_length=64, default=GENESIS)
    # the newest seq the sender signed for; more than head_seq means there is something to pull
    known_seq = models.BigIntegerField(default=-1)
    # how far we signed for what we took in
    acknowledged_seq = models.BigIntegerField(default=-1)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    stop_reason = models.CharField(max_length=40, blank=True, default="")
    stop_detail = models.CharField(max_length=500, blank=True, default="")
    # the entry at which it broke: what stands before it is taken in still, nothing from it on
    stopped_at = models.BigIntegerField(null=True)
    # a lane of ours for all whom its clause gives to, which goes on when somebody joins; else for whom entry 0 names
    is_whole = models.BooleanField(default=False)
    # of a partner's lane that we joined later: the first entry we read, what its sender signed that stands before it,
    # and that word itself
    floor_seq = models.BigIntegerField(default=0)
    floor_digest = models.CharField(max_length=64, default=GENESIS)
    floor = models.TextField(blank=True, default="")
    # a lane of ours that we never continue: after a restore nobody told us how it went on. Another takes its place
    is_closed = models.BooleanField(default=False)
    # of a sender that had several keys: the last entry that its current key is known to stand for
    vouched_seq = models.BigIntegerField(default=-1)
    # the newest key that was seen here, and the last entry that an older one may have signed
    newest_kid = models.CharField(max_length=43, blank=True, default="")
    older_until = models.BigIntegerField(default=-1)
    opened = models.DateTimeField(default=now)
    last_entry = models.DateTimeField(null=True)
    # of one that was left behind: the lane that went on without it, under what its sender calls both
    part_of = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.CASCADE, related_name="parts_left"
    )
    # since when its other readers are shown more of it than this node is; empty while they are not
    stale_since = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["agreement", "clause", "audience_digest"],
                name="partners_one_lane_per_choice",
                condition=Q(sender__isnull=True, purpose="clause", is_closed=False, is_whole=False),
            ),
            models.UniqueConstraint(
                fields=["purpose"],
                name="partners_one_public_lane",
                condition=Q(sender__isnull=True, purpose="public", is_closed=False),
            ),
            models.UniqueConstraint(fields=["sender", "alias"], name="partners_alias_once"),
        )

    @property
    def wire_id(self) -> uuid.UUID:
        """What the lane is called between the two nodes; here it may have had to take another id."""
        if self.part_of is not None:
            return self.part_of.wire_id
        return self.alias or self.id

    @property
    def is_joined(self) -> bool:
        """Whether this node reads a partner's lane from a floor that its sender signed."""
        return bool(self.floor)

    @classmethod
    def called(cls, sender: Partner, wire_id: uuid.UUID) -> Lane | None:
        """A sender's lane by what the sender calls it; None where it is not held yet."""
        names = Q(id=wire_id, alias=None) | Q(alias=wire_id)
        return cls.objects.filter(names, sender=sender, part_of=None).first()


class LaneReader(models.Model):
    """A partner that may read one of our lanes."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="readers")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="reads")
    # of one that joined later: the first entry that it reads; None for whom the lane was opened
    first_seq = models.BigIntegerField(null=True)
    # how far the partner's receipts reach
    receipt_seq = models.BigIntegerField(default=-1)
    # how far it holds the lane by its own word, where we deliver because nobody can fetch from us
    delivered_seq = models.BigIntegerField(default=-1)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lane", "partner"], name="partners_reader_once"),)


class Content(models.Model):
    """The bytes of one or more entries, by digest; larger ones lie in a file."""

    digest = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    body = models.BinaryField(null=True)  # None: in a file


class Holding(models.Model):
    """That a content's bytes came, or go out, over a lane. An entry that names a digest has not brought the bytes."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="holds")
    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="held_for")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lane", "content"], name="partners_held_once"),)


class LaneEntry(models.Model):
    """One header of a lane, kept for ever; its content may go."""

    class State(models.TextChoices):
        """What became of an entry at this node."""

        PENDING = "pending", _("arrived")
        DONE = "done", _("taken in")
        UNOPENED = "unopened", _("kept unopened")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("entry of a lane", "withdrawn")
        # it came under a key that its owner has revoked since: somebody here decides
        QUARANTINED = "quarantined", _("in quarantine")

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="entries")
    seq = models.BigIntegerField()
    header = models.TextField()  # the JWS exactly as sent
    digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=80)
    subject = models.CharField(max_length=400)
    version = models.CharField(max_length=64, blank=True, default="")
    action = models.CharField(max_length=8)
    content_digest = models.CharField(max_length=64, blank=True, default="")
    size = models.BigIntegerField(default=0)
    kid = models.CharField(max_length=43, blank=True, default="")  # who signed it; empty for our own
    issued = models.DateTimeField()
    recorded = models.DateTimeField(default=now)
    state = models.CharField(max_length=12, choices=State)
    reason = models.CharField(max_length=80, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    # back-off of what waits; a change of who is trusted or what is agreed ends it
    not_before = models.DateTimeField(null=True)
    # when somebody here took it in though its key was revoked, having asked the partner
    cleared = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lane", "seq"], name="partners_entry_once"),)
        indexes = (
            # the sync loop asks what is left to take in
            models.Index(fields=["lane", "seq"], name="partners_pending", condition=Q(state="pending")),
            # the sync loop asks what is left to set aside, and a person what is in quarantine
            models.Index(
                fields=["lane", "seq"], name="partners_quarantined", condition=Q(state="quarantined")
            ),
            # a withdrawal asks where else a content, or a subject, is in use
            models.Index(fields=["content_digest"], name="partners_by_content"),
            models.Index(fields=["subject", "version"], name="partners_by_subject"),
            # who exchanges heads asks who joined a lane later
            models.Index(fields=["lane"], name="partners_joined", condition=Q(kind="lane.joined")),
            # the first page asks what came lately
            models.Index(fields=["recorded"], name="partners_recorded"),
        )


class ToldHead(models.Model):
    """The newest signed head of a partner's lane that somebody showed us: its sender, or another of its readers."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="told")
    teller = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="tells")
    seq = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    token = models.TextField()  # the JWS exactly as it was signed
    signed = models.DateTimeField()  # by the sender's clock, and never after it was heard by ours
    heard = models.DateTimeField()
    is_compared = models.BooleanField(default=False)  # with the entry that is held at its place
    # since when it says more than the lane's sender says to us
    ahead_since = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lane", "teller"], name="partners_told_once"),)
        indexes = (
            # every minute those are looked for that have to be compared
            models.Index(fields=["lane", "seq"], name="partners_uncompared", condition=Q(is_compared=False)),
        )


class Fork(models.Model):
    """Two words of one sender that contradict each other: the proof that its lane has two histories."""

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="forks")
    seq = models.BigIntegerField()  # the place at which they name different headers
    # two JWS exactly as they were signed, each a header or a head: what is held here, and what was shown
    held = models.TextField()
    shown = models.TextField()
    # who showed it; None for the sender itself
    shown_by = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="shows")
    found = models.DateTimeField(default=now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["lane", "seq"], name="partners_fork_once"),)


class Awaited(models.Model):
    """A partner whose word this node waits for after it was restored: what it holds of our lanes that we forgot.

    While there is one that neither answered nor is given up, this node says nothing.
    """

    partner = models.OneToOneField(Partner, on_delete=models.CASCADE, related_name="awaited")
    since = models.DateTimeField(default=now)
    # when it had its say on how our keys followed each other; nothing is taken of anybody before all had
    heard = models.DateTimeField(null=True)
    # when all that it holds was known again
    answered = models.DateTimeField(null=True)
    # when an administrator stopped waiting for it; nothing that it shows is taken from then on
    given_up = models.DateTimeField(null=True)
    # why what it answered was not taken: a code, and a sentence in English for whoever looks for the fault
    fault = models.CharField(max_length=40, blank=True, default="")
    fault_detail = models.CharField(max_length=500, blank=True, default="")


class Reset(models.Model):
    """The restart of a stopped lane, on which the administrators of its sender and of its reader agree."""

    class State(models.TextChoices):
        """Whose turn it is."""

        PROPOSED = "proposed", _("proposed")  # the reader's word; the sender's is waited for
        ANSWERED = "answered", _("answered")  # the sender's word; the reader confirms
        DONE = "done", _("restarted")
        DROPPED = "dropped", _("replaced by another")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)  # the same at both nodes
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="resets")
    # the other node: the lane's sender where we read it, its reader where it is ours
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="resets")
    state = models.CharField(max_length=8, choices=State, default=State.PROPOSED)
    # what the reader holds, and where and why it stopped
    held_seq = models.BigIntegerField()
    held_digest = models.CharField(max_length=64)
    stopped_at = models.BigIntegerField(default=-1)
    stop_reason = models.CharField(max_length=40, blank=True, default="")
    # the last entry on which both agree: from it the sender's present chain goes on
    point_seq = models.BigIntegerField(null=True)
    point_digest = models.CharField(max_length=64, blank=True, default="")
    # what each signed, exactly as it was signed
    proposal = models.TextField()
    answer = models.TextField(blank=True, default="")
    confirmation = models.TextField(blank=True, default="")
    proposed = models.DateTimeField(default=now)
    answered = models.DateTimeField(null=True)
    confirmed = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["lane", "partner"],
                name="partners_one_open_reset",
                condition=Q(state__in=["proposed", "answered"]),
            ),
        )

    @classmethod
    def settles(cls, lane: Lane, seq: int, digest: str, *, signed: datetime, heard: datetime) -> bool:
        """Whether a sender has owned up to another history of its lane, and this node goes on with the present one.

        It owned up to what was left behind here. What others hold of it may be something else again; they show that
        within a day, and its own word on when it was signed is not believed for longer.

        Args:
            lane: a partner's lane.
            seq: a place at which another header is said to stand than the one that is held.
            digest: of that header.
            signed: when that was said, by its sender's word.
            heard: when it came here.
        """
        done = cls.objects.filter(lane=lane, state=cls.State.DONE, point_seq__lt=seq)
        if done.filter(answered__gte=signed, confirmed__gte=heard - OWNED_UP).exists():
            return True
        left = LaneEntry.objects.filter(lane__part_of=lane, seq=seq, digest=digest)
        return left.exists() and done.exists()


class PolicyGeneration(models.Model):
    """Marks changes of who is trusted and what is agreed: a compiled policy is good for one mark.

    The mark is random and not a count: after a transaction that was rolled back a count would come to the
    same number again, and a policy compiled inside that transaction would be taken for the present one.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=0)

    @classmethod
    @transaction.atomic
    def bump(cls) -> None:
        """Mark one more change, inside the caller's transaction."""
        cls.objects.get_or_create(id=1)
        cls.objects.filter(id=1).update(value=secrets.randbits(62))
        waiting = LaneEntry.objects.filter(state=LaneEntry.State.PENDING, not_before__isnull=False)
        # an entry that is locked is just being taken in, and whoever takes it in may wait for us
        free = waiting.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        LaneEntry.objects.filter(id__in=list(free.values_list("id", flat=True))).update(not_before=None)

    @classmethod
    def current(cls) -> int:
        """The mark now; 0 before the first change."""
        return cls.objects.filter(id=1).values_list("value", flat=True).first() or 0
