"""Taking in what a partner's clause lane carries, once and in one transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction

from taawun.cooperation.agreements.queries import policy_of_sender
from taawun.cooperation.federation.exchange.judging import grants_to_us
from taawun.cooperation.federation.exchange.withdrawals import receive_withdrawal
from taawun.cooperation.federation.kinds import Arrival, ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Passage, Release, ReleaseParty, ReleaseTopic
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.partners import contents
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.partners.purposes import Outcome
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from taawun.cooperation.agreements.document import Onward
    from taawun.cooperation.partners.chain import Header
    from taawun.cooperation.partners.models import Lane, Partner

__all__ = ["create", "prepare", "read", "receive", "told"]


def prepare(lane: Lane, header: Header, content: bytes) -> Callable[[LaneEntry], Outcome]:
    """Read a content that is not held yet, before the transaction that takes it in: a large one takes seconds."""
    if header.kind == "lane.opened":
        return partial(receive, header=header, content=content)
    found = Release.objects.filter(subject=header.subject, version=header.version, origin=lane.sender)
    was_read = None if found.filter(state=Release.State.LIVE).exists() else read(header, content)
    return partial(_receive_publication, header=header, content=content, was_read=was_read)


def read(header: Header, content: bytes) -> object:
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
        return receive_withdrawal(entry, header)
    if content is None:
        # withdrawn further along this lane before we ever had it
        return Outcome(LaneEntry.State.WITHDRAWN)
    return _receive_publication(entry, header, content)


def _receive_publication(
    entry: LaneEntry, header: Header, content: bytes, was_read: object | None = None
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
    release = held or create(lane, partner, [header])[0]
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
    found = read(header, content) if was_read is None else was_read
    try:
        if isinstance(found, ContentRefused):
            raise found
        with transaction.atomic():
            kind.receive(Arrival(release, content, partner, found, header.topics))
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
        told(header),
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


def create(lane: Lane, partner: Partner, headers: Sequence[Header]) -> list[Release]:
    """Rows for publications that are not here yet, with their topics and parties, each as its header says.

    Args:
        lane: over which they came; its clause allows them.
        partner: who sent them.
        headers: each of another subject or version.
    """
    grants = grants_to_us(policy_of_sender(partner.node), lane)
    # the clause as it stands in the version it was sent under
    onward = {grant.digest: grant.clause.onward for grant in reversed(grants)}
    releases = [_row(header, partner, lane, onward[header.agreement]) for header in headers]
    Release.objects.bulk_create(releases)
    made = list(zip(releases, headers, strict=True))
    ReleaseTopic.objects.bulk_create(
        ReleaseTopic(owner=release, topic=topic)
        for release, header in made
        for topic in sorted(set(header.topics))
    )
    ReleaseParty.objects.bulk_create(
        ReleaseParty(owner=release, role=role, party=party)
        for release, header in made
        for role, parties in (
            (ReleaseParty.Role.NAMED, onward[header.agreement].named),
            (ReleaseParty.Role.BOUND, header.audience),
        )
        for party in sorted(set(parties))
    )
    return releases


def _row(header: Header, partner: Partner, lane: Lane, onward: Onward) -> Release:
    return Release(
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


def told(header: Header) -> dict[str, object]:
    """What the trail says of a release that was received."""
    about = {"kind": header.kind, "subject": header.subject, "clause": header.clause, "tlp": header.tlp.label}
    return for_the_trail(header.tlp, about)
