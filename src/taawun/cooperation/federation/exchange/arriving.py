"""Taking in what a partner's clause or public lane carries, once and in one transaction."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db import transaction

from taawun.cooperation.federation.exchange.onward import Claim, alarm, claim_of, is_withdrawn_by, obstacle
from taawun.cooperation.federation.exchange.rows import create
from taawun.cooperation.federation.exchange.withdrawals import receive_withdrawal
from taawun.cooperation.federation.guests import lay_ready, named_here
from taawun.cooperation.federation.hops import agreed_under
from taawun.cooperation.federation.kinds import Arrival, ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.federation.ways import bound_by_its_ways, came_from_its_source, own_ways
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.joining import JOINED
from taawun.cooperation.partners.logs.purposes import Outcome
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Lane, Partner

__all__ = ["end_of", "prepare", "read", "receive", "told"]

# the columns that say how a release stands here
_STANDING: Final = ("state", "withdrawn", "gone", "is_for_guests")


def prepare(lane: Lane, header: Header, content: bytes) -> Callable[[LaneEntry], Outcome]:
    """Read a content that is not held yet, before the transaction that takes it in: a large one takes seconds."""
    if header.kind in {"lane.opened", JOINED}:
        return partial(receive, header=header, content=content)
    if header.origin:
        # whose it is, is asked again in the transaction: what is live by then need not be read, which is rare
        is_held = False
    else:
        found = Release.objects.filter(subject=header.subject, version=header.version, origin=lane.sender)
        is_held = found.filter(source="", state=Release.State.LIVE).exists()
    was_read = None if is_held else read(header, content)
    return partial(_receive_publication, header=header, content=content, was_read=was_read)


def read(header: Header, content: bytes) -> object:
    """What the kind reads in a content, or why it refuses it."""
    kind = registry.get(ReleaseKind, header.kind)
    try:
        return kind.read(header, content) if kind.read else None
    except ContentRefused as refused:
        return refused


def receive(entry: LaneEntry, header: Header, content: bytes | None) -> Outcome:
    """Take in one entry of a partner's clause or public lane that may be opened."""
    if header.kind in {"lane.opened", JOINED}:
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
    sender, lane = entry.lane.sender, entry.lane
    if sender is None:
        return Outcome(LaneEntry.State.REFUSED, "no-sender")
    if refused := _not_as_it_came(sender, header):
        return refused
    claim = claim_of(header) or Claim(sender.node, sender)
    owner, source = (claim.source, "") if claim.source else (sender, claim.node)
    held = Release.objects.filter(
        subject=header.subject, version=header.version, origin=owner, source=source
    ).first()
    if held and not _is_the_same(held, header, is_onward=bool(header.origin)):
        _tell_conflict(sender, held, header)
        return Outcome(LaneEntry.State.REFUSED, "conflict")
    release = held or create(owner, source, [header])[0]
    named = named_here(lane, header)
    passage, _is_new = Passage.objects.get_or_create(
        entry=entry,
        defaults={
            **Passage.place_of(entry),
            "release": release,
            "size": entry.size,
            "agreement": lane.agreement,
            "document": header.agreement,
            "clause": header.clause,
            "is_for_guests": not named.is_for_node,
            "ends": end_of(header, entry.recorded),
        },
    )
    lay_ready([(passage, named.guests)])
    if entry.cleared:
        Passage.objects.filter(entry=entry).update(ended=None, why_ended="")
    before = {name: getattr(held, name) for name in _STANDING} if held else {}
    was_live = held is not None and held.state == Release.State.LIVE
    is_for_guests = not own_ways(release).exists()
    # what came for guests alone was handed to no room: where it comes for this node as well, it is now
    was_here = was_live and not (held and held.is_for_guests and not is_for_guests)
    Release.objects.filter(id=release.id).update(
        state=Release.State.LIVE, withdrawn=None, gone="", is_for_guests=is_for_guests
    )
    if held:
        bound_by_its_ways(held)
    if was_here:
        return Outcome(LaneEntry.State.DONE)
    release.refresh_from_db()
    found = read(header, content) if was_read is None else was_read
    if refusal := _hand_over(Arrival(release, content, owner, found, header.topics)):
        Passage.objects.filter(entry=entry).delete()
        if held:
            # what stood here by other ways stands as it did
            Release.objects.filter(id=held.id).update(**before)
            bound_by_its_ways(held)
        else:
            release.delete()
        LaneEntry.objects.filter(id=entry.id).update(state=LaneEntry.State.REFUSED)
        contents.drop_unused(header.digest)
        return Outcome(LaneEntry.State.REFUSED, refusal)
    record(
        PartyActor(sender.node, sender.name.in_language("en").value),
        "federation.received",
        f"urn:uuid:{release.id}",
        told(header, claim.node if header.origin else "", is_for_guests=is_for_guests),
    )
    return Outcome(LaneEntry.State.DONE)


def _hand_over(arrival: Arrival) -> str:
    """Let the room of its kind take a release in; why it refuses it, or empty. What is for guests alone none takes."""
    try:
        if isinstance(arrival.read, ContentRefused):
            raise arrival.read
        if arrival.release.is_for_guests:
            return ""
        with transaction.atomic():
            registry.get(ReleaseKind, arrival.release.kind).receive(arrival)
    except ContentRefused as refused:
        return refused.code
    return ""


def _not_as_it_came(sender: Partner, header: Header) -> Outcome | None:
    """Why what was shared onward is not taken in: it was changed, which alarms, or its source took it back before."""
    found = obstacle(header)
    if found and found.state == LaneEntry.State.REFUSED:
        alarm(sender, header, found.reason)
    if found:
        return found
    claim = claim_of(header)
    if claim and claim.source and is_withdrawn_by(claim.source, header.subject, header.version):
        return Outcome(LaneEntry.State.WITHDRAWN, "withdrawn-by-source")
    return None


def end_of(header: Header, recorded: datetime) -> datetime | None:
    """When what came under a clause has to go, counted from when it came here; None where the clause sets no limit."""
    agreed = agreed_under(header)
    days = agreed[1].retention_days if agreed else None
    return recorded + timedelta(days=days) if days else None


def _tell_conflict(sender: Partner, held: Release, header: Header) -> None:
    raise_notice(
        "federation.conflict",
        f"urn:uuid:{held.id}",
        Notice.Level.ALARM,
        {
            "node": sender.node,
            # everybody who may see what was given and received reads this
            "subject": header.subject
            if held.tlp <= Tlp.AMBER and not held.is_for_guests
            else f"urn:uuid:{held.id}",
            "version": header.version,
        },
    )


def _is_the_same(held: Release, header: Header, *, is_onward: bool) -> bool:
    """Whether a header says of a version what was said of it before: there is one copy of it, for all its lanes.

    Who reads the lane of one clause may be others than who reads that of another; whether it was for some of its
    readers alone was said once, for all of them, by its source. Whom others share it on to is theirs to choose.
    """
    return (
        (held.digest, held.kind, held.tlp) == (header.digest, header.kind, header.tlp)
        and {str(each).lower() for each in held.persons} == {each.lower() for each in header.persons}
        and {each.topic for each in held.topics.all()} == set(header.topics)
        and (is_onward or not came_from_its_source(held) or held.is_bound == bool(header.audience))
    )


def told(header: Header, source: str = "", *, is_for_guests: bool = False) -> dict[str, object]:
    """What the trail says of a release that was received; of one that was shared onward also by what source."""
    about = {"kind": header.kind, "subject": header.subject, "clause": header.clause, "tlp": header.tlp.label}
    return for_the_trail(
        header.tlp, about | ({"source": source} if source else {}), is_for_guests=is_for_guests
    )
