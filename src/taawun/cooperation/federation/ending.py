"""The end of what was received: a way by which it stood here ends, and with the last of them its content goes.

Whatever ends it (its source, who shared it onward, the time its clause gives, the end of its agreement), it ends in one
transaction: the way, the content, what the rooms made of it, and every copy that this node made of it for others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Deletion, Passage, Release
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.federation.ways import (
    bound_by_its_ways,
    given,
    is_forgotten,
    own_ways,
    provenances,
    put_aside,
)
from taawun.cooperation.partners.logs import contents, joining, lanes
from taawun.cooperation.partners.logs.chain import HeaderTooLong
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.actors import PartyActor, SystemActor
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from taawun.cooperation.partners.models import Lane, Partner

__all__ = [
    "end_here",
    "end_passages",
    "end_provenances",
    "leave_to_guests",
    "set_out_of_sight",
    "settle",
    "take_back",
]


def end_provenances(release: Release, why: Release.Gone) -> None:
    """End every way by which a release stands here, or is in quarantine."""
    end_passages([*provenances(release), *put_aside(release)], why)


def end_passages(passages: Iterable[Passage], why: Release.Gone) -> None:
    """End some ways; whether the release still stands is settled afterwards."""
    held = list(passages)
    Passage.objects.filter(id__in=[each.id for each in held]).update(ended=now(), why_ended=why)
    entries = LaneEntry.objects.filter(id__in=[each.entry_id for each in held])
    # what somebody here dropped out of quarantine stays what it is
    entries.exclude(state=LaneEntry.State.REFUSED).update(state=LaneEntry.State.WITHDRAWN)


def settle(release: Release, why: Release.Gone, *, by: Partner | None = None, said: str = "") -> bool:
    """After a way ended: take the release out where no other is left, else let it go on as far as the others let it.

    Args:
        release: one that was received.
        why: why the way ended.
        by: the partner that ended it; None where this node does.
        said: the source's own signed withdrawal, which is carried on to whom it was shared.

    Returns:
        Whether its content is gone.
    """
    if own_ways(release).exists():
        bound_by_its_ways(release)
        return False
    if provenances(release).exists():
        leave_to_guests(release, said=said)
        return False
    if put_aside(release).exists():
        set_out_of_sight(release)
        return False
    is_taken_back = why in {Release.Gone.SOURCE, Release.Gone.SENDER}
    if release.state not in {Release.State.LIVE, Release.State.ASIDE}:
        # what went before is withdrawn by its source now: no late copy brings it back
        if why == Release.Gone.SOURCE or (is_taken_back and is_forgotten(release)):
            release.state, release.gone = Release.State.WITHDRAWN, why
            release.save(update_fields=["state", "gone"])
        take_back(release, said=said)
        return False
    kind = registry.get(ReleaseKind, release.kind)
    was_taken_out = release.state == Release.State.ASIDE and kind.set_aside is None
    release.state = Release.State.WITHDRAWN if is_taken_back else Release.State.ENDED
    release.withdrawn, release.gone = now(), why
    release.save(update_fields=["state", "withdrawn", "gone"])
    if not was_taken_out and _came_for_the_node(release):
        kind.withdraw(release)
    take_back(release, said=said)
    contents.drop_unused(release.digest)
    # what was said to be held by another way is held by none any more: that is said as well
    stays = Deletion.objects.filter(entry__passage__release=release, partner=None, is_held=True)
    stays.update(is_held=False, at=now(), said=None)
    actor = PartyActor(by.node, by.name.in_language("en").value) if by else SystemActor("federation.keeping")
    told = for_the_trail(Tlp(release.tlp), {"subject": release.subject}, is_for_guests=release.is_for_guests)
    record(
        actor,
        "federation.withdrawn-by-source" if why == Release.Gone.SOURCE else f"federation.ended-{why}",
        f"urn:uuid:{release.id}",
        told,
    )
    return True


def leave_to_guests(release: Release, *, said: str = "") -> None:
    """Take a release from this node where no way is left that is for the node itself; its guests have it still.

    Args:
        release: one that was received, of which a way that is for guests of this node stands.
        said: as in :func:`settle`.
    """
    bound_by_its_ways(release)
    if release.state != Release.State.LIVE or not _came_for_the_node(release):
        return
    kind = registry.get(ReleaseKind, release.kind)
    # what somebody here may yet take in comes back to its room then
    comes_back = put_aside(release).filter(is_for_guests=False).exists()
    if not (comes_back and release.is_for_guests):
        ((comes_back and kind.set_aside) or kind.withdraw)(release)
    if release.is_for_guests:
        return
    release.is_for_guests = True
    release.save(update_fields=["is_for_guests"])
    take_back(release, said=said)
    record(
        SystemActor("federation.keeping"),
        "federation.kept-for-guests",
        f"urn:uuid:{release.id}",
        {"tlp": Tlp(release.tlp).label},
    )


def set_out_of_sight(release: Release) -> None:
    """Leave a release to whoever decides here: no way is left but what came under a key that was revoked since."""
    if release.state != Release.State.LIVE:
        return
    kind = registry.get(ReleaseKind, release.kind)
    if not release.is_for_guests:
        (kind.set_aside or kind.withdraw)(release)
    release.state, release.withdrawn = Release.State.ASIDE, now()
    release.save(update_fields=["state", "withdrawn"])


def _came_for_the_node(release: Release) -> bool:
    """Whether a room here may hold something of a release: by some way, over or not, it was for this node itself."""
    came = release.passages.filter(entry__lane__sender__isnull=False)
    return not came.exists() or came.filter(is_for_guests=False).exists()


def end_here(release: Release, passages: Sequence[Passage], why: Release.Gone) -> None:
    """Let some ways of a release end by this node itself, and note what is to be said to who sent it that way.

    Args:
        release: one that was received; its row is locked.
        passages: live provenances of it.
        why: its time is over, or its agreement.
    """
    end_passages(passages, why)
    settle(release, why)
    for passage in passages:
        contents.drop_unused(passage.entry.content_digest)
    is_held = release.state == Release.State.LIVE or put_aside(release).exists()
    at = now()
    Deletion.objects.bulk_create(
        (Deletion(entry=each.entry, why=why, is_held=is_held, at=at) for each in passages),
        ignore_conflicts=True,
    )


def take_back(release: Release, *, said: str = "") -> list[Passage]:
    """Withdraw a release on each of our lanes on which it stands.

    Args:
        release: ours, or one that was shared onward.
        said: the source's own signed withdrawal, where it is carried on.

    Returns:
        The passages that ended.
    """
    ended = list(given(release))
    told: set[UUID] = set()
    for passage in ended:
        item = lanes.Item(
            kind=release.kind,
            subject=release.subject,
            version=release.version,
            action="withdraw",
            tlp=Tlp(release.tlp),
            content=None,
            agreement=passage.document,
            clause=passage.clause,
            origin=said,
        )
        lane = _lane_to_say_it_on(passage)
        # two ways of one clause may end on the lane of those who read both: once said there, both are taken back
        if lane and lane.id not in told:
            _say(lane, item)
            told.add(lane.id)
    Passage.objects.filter(id__in=[each.id for each in ended]).update(
        ended=now(), why_ended=release.gone or Release.Gone.SOURCE
    )
    LaneEntry.objects.filter(id__in=[each.entry_id for each in ended]).update(state=LaneEntry.State.WITHDRAWN)
    return ended


def _lane_to_say_it_on(passage: Passage) -> Lane | None:
    """The lane itself, or one of those alone who read the publication, where others join it further on, or may yet.

    Of what stands below its floor a newcomer is shown not so much as a header, and a withdrawal has one.

    Returns:
        None where nobody read it but guests of this node, to whom it is served no more.
    """
    lane, seq = passage.entry.lane, passage.entry.seq
    if not lane.is_whole or lane.agreement is None:
        return lane
    nodes = {party.partition("#")[0] for party in current_policy().side_over((lane.agreement, lane.clause))}
    return joining.readers_lane(lane, seq, document=passage.document, may_join=nodes)


def _say(lane: Lane, item: lanes.Item) -> None:
    try:
        lanes.append(lane, [item])
    except HeaderTooLong:
        # the source's word does not fit beside ours: what came from here goes all the same, by our word alone
        lanes.append(lane, [replace(item, origin="")])
