"""How releases are served on our lanes and taken in from a partner's."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.policy import Facts
from taawun.cooperation.agreements.queries import current_policy, policy_of_sender, standings_of
from taawun.cooperation.federation.bounds import are_within
from taawun.cooperation.federation.kinds import Arrival, ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import (
    LONGEST_REASON,
    Passage,
    Receipt,
    Release,
    ReleaseParty,
    ReleaseTopic,
)
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.partners import contents, messages
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.lanes import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.partners.purposes import LanePurpose, Outcome
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from taawun.cooperation.agreements.policy import Grant, Policy
    from taawun.cooperation.partners.chain import Header

__all__ = ["CLAUSE_LANES", "RECEIPT", "WITHDRAWN"]

# "Skew under 60 s at valid_from never stops a lane"
_SKEW: Final = timedelta(seconds=60)
_MOST_RECEIPTS: Final = 5000
_MENDABLE: Final = frozenset({"unsigned", "not-begun", "suspended"})


# ---- serving ----------------------------------------------------------------------------------------------------


def serves(lanes: Sequence[Lane], reader: Partner) -> list[bool]:
    """A lane is read by who signed its agreement, were it only in a version that is over; others do not know of it.

    What the agreement still allows of the contents is asked for each of them.
    """
    agreements = list(Agreement.objects.filter(id__in={lane.agreement for lane in lanes}))
    joined = {key for key, standing in standings_of(agreements).items() if reader.node in standing.joined}
    return [lane.agreement in joined for lane in lanes]


def readable(lane: Lane, entries: Sequence[LaneEntry], reader: Partner) -> list[bool]:
    """Which contents a reader may have at this moment: decided anew each time, whatever was true at publishing."""
    publishing = [entry.id for entry in entries if entry.action == "publish"]
    passages = {
        passage.entry_id: passage
        for passage in Passage.objects.filter(entry_id__in=publishing)
        .select_related("release")
        .prefetch_related("release__topics", "release__parties")
    }
    policy, at = current_policy(), now().timestamp()
    keys, agreement = policy.keys_of(reader.node), lane.agreement

    def may(entry: LaneEntry) -> bool:
        if entry.kind == "lane.opened":
            return True
        passage = passages.get(entry.id)
        if (
            agreement is None
            or passage is None
            or passage.ended
            or passage.release.state != Release.State.LIVE
        ):
            return False
        facts, issued = passage.release.facts(), entry.issued.timestamp()
        return any(policy.allows_over(key, facts, at, (agreement, lane.clause), issued) for key in keys)

    return [may(entry) for entry in entries]


# ---- taking in --------------------------------------------------------------------------------------------------


def accepts(lane: Lane, header: Header) -> Outcome | None:
    """Hold a partner to its own clause: what it may not send is not opened here either."""
    if header.kind == "lane.opened" or header.action == "withdraw":
        return None
    sender = lane.sender
    outside = (
        (registry.find(ReleaseKind, header.kind) is None, "unknown-kind"),
        (bool(header.audience) and not _is_for_us(header.audience), "not-in-audience"),
        (sender is None or lane.agreement is None or header.clause != lane.clause, "other-clause"),
        (header.tlp == Tlp.RED and not header.persons, "red-unnamed"),
        # cut short, two of them may be alike, and none says what it said
        (not _names_little(header), "long-header"),
    )
    closed = next((reason for is_so, reason in outside if is_so), "")
    if closed or sender is None:
        return Outcome(LaneEntry.State.UNOPENED, closed)
    if sender.state != Partner.State.VERIFIED:
        return Outcome(LaneEntry.State.PENDING, "not-verified")
    return _under_its_clause(lane, sender, header)


def _under_its_clause(lane: Lane, sender: Partner, header: Header) -> Outcome | None:
    policy = policy_of_sender(sender.node)
    facts = Facts(
        kind=header.kind,
        tlp=header.tlp,
        topics=frozenset(header.topics),
        names_persons=bool(header.persons),
    )
    grants = _grants_to_us(policy, lane)
    # who goes on under a version that ended names it still; one that this node never agreed to gives nobody anything
    if not any(grant.digest == header.agreement for grant in grants):
        # its agreement, or the last signature on it, may still be on its way over the talk lane
        reason = policy.unopened(lane.agreement) if lane.agreement and not grants else ""
        return _judge([reason]) if reason else Outcome(LaneEntry.State.PENDING, "unknown-agreement")
    return _judge(policy.obstacles(grants, facts, [now().timestamp(), (now() + _SKEW).timestamp()]))


def _grants_to_us(policy: Policy, lane: Lane) -> list[Grant]:
    """What a lane's clause gives this node and its guests, in every version."""
    if lane.agreement is None:
        return []
    clause = (lane.agreement, lane.clause)
    return [grant for key in policy.keys_of(settings.BASE_URL) for grant in policy.grants_over(key, clause)]


def _judge(obstacles: Sequence[str]) -> Outcome | None:
    if "" in obstacles:
        return None
    # what a signature, time or a resumption may mend waits, whichever version of the clause it is that hopes;
    # what the clause never covered stays closed
    hopeful = next((reason for reason in obstacles if reason in _MENDABLE), None)
    return (
        Outcome(LaneEntry.State.PENDING, hopeful)
        if hopeful
        else Outcome(LaneEntry.State.UNOPENED, obstacles[0])
    )


def _names_little(header: Header) -> bool:
    return are_within(
        topics=header.topics, audience=header.audience, persons=header.persons, languages=header.languages
    )


def _is_for_us(keys: Sequence[str]) -> bool:
    own = settings.BASE_URL
    return any(key == own or key.startswith(f"{own}#") for key in keys)


def prepare(lane: Lane, header: Header, content: bytes) -> Callable[[LaneEntry], Outcome]:
    """Read a content that is not held yet, before the transaction that takes it in: a large one takes seconds."""
    if header.kind == "lane.opened":
        return partial(receive, header=header, content=content)
    found = Release.objects.filter(subject=header.subject, version=header.version, origin=lane.sender)
    read = None if found.filter(state=Release.State.LIVE).exists() else _read(header, content)
    return partial(_receive_publication, header=header, content=content, read=read)


def _read(header: Header, content: bytes) -> object:
    """What the kind reads in a content, or why it refuses it."""
    kind = registry.get(ReleaseKind, header.kind)
    try:
        return kind.read(header, content) if kind.read else None
    except ContentRefused as refused:
        return refused


def receive(entry: LaneEntry, header: Header, content: bytes | None) -> Outcome:
    """Take in one entry of a partner's clause lane."""
    if header.kind == "lane.opened":
        return Outcome(LaneEntry.State.DONE)
    if header.action == "withdraw":
        return _receive_withdrawal(entry, header)
    if content is None:
        # withdrawn further along this lane before we ever had it
        return Outcome(LaneEntry.State.WITHDRAWN)
    return _receive_publication(entry, header, content)


def _receive_publication(
    entry: LaneEntry, header: Header, content: bytes, read: object | None = None
) -> Outcome:
    partner, lane = entry.lane.sender, entry.lane
    if partner is None or lane.agreement is None:
        return Outcome(LaneEntry.State.REFUSED, "no-sender")
    held = Release.objects.filter(subject=header.subject, version=header.version, origin=partner).first()
    if held and not _is_the_same(held, header):
        raise_notice(
            "federation.conflict",
            f"urn:uuid:{held.id}",
            Notice.Level.ALARM,
            {
                "node": partner.node,
                # everybody who may see what was given and received reads this
                "subject": header.subject if held.tlp <= Tlp.AMBER else f"urn:uuid:{held.id}",
                "version": header.version,
            },
        )
        return Outcome(LaneEntry.State.REFUSED, "conflict")
    if held and header.audience:
        _narrow(held, header.audience)
    release = held or _create(header, partner, lane)
    Passage.objects.get_or_create(
        entry=entry,
        defaults={
            "release": release,
            "agreement": lane.agreement,
            "document": header.agreement,
            "clause": header.clause,
        },
    )
    if held and held.state == Release.State.LIVE:
        return Outcome(LaneEntry.State.DONE)
    Release.objects.filter(id=release.id).update(state=Release.State.LIVE, withdrawn=None)
    release.refresh_from_db()
    kind = registry.get(ReleaseKind, header.kind)
    found = _read(header, content) if read is None else read
    try:
        if isinstance(found, ContentRefused):
            raise found
        with transaction.atomic():
            kind.receive(Arrival(release, content, partner, found))
    except ContentRefused as refused:
        Passage.objects.filter(entry=entry).delete()
        if not held:
            release.delete()
        LaneEntry.objects.filter(id=entry.id).update(state=LaneEntry.State.REFUSED)
        contents.drop_unused(header.digest)
        return Outcome(LaneEntry.State.REFUSED, refused.code)
    record(
        PartyActor(partner.node, partner.name.in_language("en").value),
        "federation.received",
        f"urn:uuid:{release.id}",
        for_the_trail(
            header.tlp,
            {
                "kind": header.kind,
                "subject": header.subject,
                "clause": header.clause,
                "tlp": header.tlp.label,
            },
        ),
    )
    return Outcome(LaneEntry.State.DONE)


def _is_the_same(held: Release, header: Header) -> bool:
    """Whether a header says of a version what was said of it before: there is one copy of it, for all its lanes.

    Who reads the lane of one clause may be others than who reads that of another; whether it was for some of its
    readers alone was said once, for all of them.
    """
    return (
        (held.digest, held.kind, held.tlp) == (header.digest, header.kind, header.tlp)
        and {str(each).lower() for each in held.persons} == {each.lower() for each in header.persons}
        and {each.topic for each in held.topics.all()} == set(header.topics)
        and held.is_bound == bool(header.audience)
    )


def _narrow(held: Release, audience: Collection[str]) -> None:
    """What came over two lanes goes on within the bounds of both."""
    bounds = ReleaseParty.objects.filter(owner=held, role=ReleaseParty.Role.BOUND)
    bounds.exclude(party__in=audience).delete()


def _create(header: Header, partner: Partner, lane: Lane) -> Release:
    grants = _grants_to_us(policy_of_sender(partner.node), lane)
    # the clause as it stands in the version it was sent under
    grant = next(each for each in grants if each.digest == header.agreement)
    onward = grant.clause.onward
    release = Release.objects.create(
        kind=header.kind,
        tlp=header.tlp,
        names_persons=bool(header.persons),
        onward=onward.rule,
        onward_agreement=lane.agreement if onward.rule == "parties" else None,
        is_bound=bool(header.audience),
        subject=header.subject,
        version=header.version,
        digest=header.digest,
        size=header.size,
        licence=header.licence,
        languages=list(header.languages),
        persons=list(header.persons),
        origin=partner,
        published_by=partner.name.in_language("en").value[:200],
        issued=header.issued,
    )
    ReleaseTopic.objects.bulk_create(
        ReleaseTopic(owner=release, topic=topic) for topic in sorted(set(header.topics))
    )
    lists = {ReleaseParty.Role.NAMED: onward.named, ReleaseParty.Role.BOUND: header.audience}
    ReleaseParty.objects.bulk_create(
        ReleaseParty(owner=release, role=role, party=party)
        for role, parties in lists.items()
        for party in sorted(set(parties))
    )
    return release


def _receive_withdrawal(entry: LaneEntry, header: Header) -> Outcome:
    partner = entry.lane.sender
    earlier = LaneEntry.objects.filter(
        lane=entry.lane, seq__lt=entry.seq, subject=header.subject, version=header.version, action="publish"
    )
    passages = Passage.objects.filter(entry__in=earlier, ended__isnull=True)
    touched = list(Release.objects.filter(passages__in=passages).distinct())
    passages.update(ended=now())
    digests = set(earlier.values_list("content_digest", flat=True))
    earlier.update(state=LaneEntry.State.WITHDRAWN)
    for release in touched:
        # the source's own withdrawal removes every provenance; a re-sharer's only its own
        if release.origin_id == (partner.id if partner else None):
            release.passages.filter(ended__isnull=True).update(ended=now())
        if not release.passages.filter(ended__isnull=True).exists():
            _take_out(release, partner)
    for digest in digests:
        contents.drop_unused(digest)
    return Outcome(LaneEntry.State.DONE)


def _take_out(release: Release, partner: Partner | None) -> None:
    release.state, release.withdrawn = Release.State.WITHDRAWN, now()
    release.save(update_fields=["state", "withdrawn"])
    registry.get(ReleaseKind, release.kind).withdraw(release)
    if partner:
        record(
            PartyActor(partner.node, partner.name.in_language("en").value),
            "federation.withdrawn-by-source",
            f"urn:uuid:{release.id}",
            for_the_trail(Tlp(release.tlp), {"subject": release.subject}),
        )


# ---- receipts ---------------------------------------------------------------------------------------------------


@transaction.atomic
def acknowledge(lane: Lane, partner: Partner) -> None:
    """Sign for everything that was dealt with since the last receipt, in one message."""
    one_speaker()
    held = Lane.objects.select_for_update().get(id=lane.id)
    since = LaneEntry.objects.filter(lane=held, seq__gt=held.acknowledged_seq).order_by("seq")
    waiting = since.filter(state=LaneEntry.State.PENDING).values_list("seq", flat=True).first()
    last = min(
        (waiting if waiting is not None else held.head_seq + 1) - 1, held.acknowledged_seq + _MOST_RECEIPTS
    )
    if last <= held.acknowledged_seq:
        return
    exceptions = since.filter(seq__lte=last).exclude(state=LaneEntry.State.DONE)
    messages.send(
        partner,
        "receipt",
        {
            "lane": str(held.wire_id),
            "from": held.acknowledged_seq + 1,
            "to_seq": last,
            "head": since.get(seq=last).digest,
            "exceptions": [
                {"seq": seq, "outcome": state, "reason": reason}
                for seq, state, reason in exceptions.values_list("seq", "state", "reason")
            ],
        },
    )
    held.acknowledged_seq = last
    held.save(update_fields=["acknowledged_seq"])


def receive_receipt(message: messages.Message) -> None:
    """A receiver signs for entries of one of our lanes."""
    try:
        lane_id, first, last = (
            UUID(message.payload["lane"]),
            int(message.payload["from"]),
            int(message.payload["to_seq"]),
        )
        exceptions = {
            int(each["seq"]): (LaneEntry.State(each["outcome"]), str(each["reason"])[:80])
            for each in message.payload["exceptions"]
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise MessageRefused("malformed", "the receipt is malformed") from None
    if any(outcome == LaneEntry.State.PENDING for outcome, _reason in exceptions.values()):
        raise MessageRefused("malformed", "nobody signs for what still waits")
    if not 0 <= first <= last:
        raise MessageRefused("malformed", "the receipt covers no entry")
    reader = LaneReader.objects.filter(lane_id=lane_id, lane__sender=None, partner=message.partner).first()
    if reader is None:
        raise MessageRefused("unknown-lane", "the sender of this receipt does not read that lane")
    if last - first >= _MOST_RECEIPTS:
        raise MessageRefused("malformed", "the receipt covers too many entries at once")
    head = LaneEntry.objects.filter(lane_id=lane_id, seq=last).first()
    if head is None or head.digest != message.payload.get("head"):
        raise MessageRefused("other-head", "the receipt is for another history than the one that was sent")
    entries = LaneEntry.objects.filter(lane_id=lane_id, seq__gte=first, seq__lte=last)
    at = message.believed(message.sent)
    Receipt.objects.bulk_create(
        (
            Receipt(
                entry=entry,
                partner=message.partner,
                outcome=exceptions.get(entry.seq, (LaneEntry.State.DONE, ""))[0],
                reason=exceptions.get(entry.seq, ("", ""))[1],
                at=max(at, entry.issued),
            )
            for entry in entries
        ),
        ignore_conflicts=True,
    )
    LaneReader.objects.filter(id=reader.id, receipt_seq__lt=last).update(receipt_seq=last)


# ---- why something was withdrawn --------------------------------------------------------------------------------


def receive_reason(message: messages.Message) -> None:
    """The source says why it took a release back; it may be said before the withdrawal itself has come."""
    try:
        named = {name: str(message.payload[name]) for name in ("subject", "version", "digest")}
        reason = str(message.payload["reason"])[:LONGEST_REASON]
    except KeyError as missing:
        raise MessageRefused("malformed", f"the reason of a withdrawal lacks {missing}") from None
    if not Release.objects.filter(origin=message.partner, **named).update(withdrawal_reason=reason):
        raise MessageRefused("unknown-release", "nothing of this kind came from the sender of this reason")


CLAUSE_LANES: Final = LanePurpose("clause", readable, accepts, receive, acknowledge, serves, prepare)
RECEIPT: Final = messages.MessageKind("receipt", receive_receipt)
WITHDRAWN: Final = messages.MessageKind("withdrawn", receive_reason)
