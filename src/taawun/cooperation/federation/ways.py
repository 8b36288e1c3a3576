"""By which ways a release came here and stands here: its live provenances, and how far they let it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.agreements.policy import Origin
from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.federation.hops import OriginRefused, inner_headers, reach_over
from taawun.cooperation.federation.models import Passage, Release, ReleaseParty
from taawun.cooperation.federation.origins import narrowest
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.models import LaneEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from taawun.cooperation.partners.logs.chain import Header

__all__ = [
    "best_way",
    "bound_by_its_ways",
    "came_from_its_source",
    "given",
    "is_forgotten",
    "own_ways",
    "provenances",
    "put_aside",
    "reach_of_a_way",
    "write_parties",
]


def provenances(release: Release) -> QuerySet[Passage]:
    """Over which lanes of partners a release came and still stands here; the oldest first."""
    live = release.passages.filter(ended__isnull=True, entry__lane__sender__isnull=False)
    return live.select_related("entry__lane__sender").order_by("id")


def own_ways(release: Release) -> QuerySet[Passage]:
    """Those by which it stands here for this node itself, and not for guests of it alone; the oldest first."""
    return provenances(release).filter(is_for_guests=False)


def put_aside(release: Release) -> QuerySet[Passage]:
    """Over which lanes of partners a release came under a key that was revoked since, until somebody here decides."""
    decided = {"entry__state": LaneEntry.State.REFUSED}
    return release.passages.filter(why_ended=Release.Gone.ASIDE).exclude(**decided).order_by("id")


def is_forgotten(release: Release) -> bool:
    """Whether this node knows by its own signed word alone that it had a partner's release, and shared it onward.

    It was restored from a backup that is older; the lane over which the release came brings it again.
    """
    return release.origin_id is not None and (release.state, release.gone) == (Release.State.ENDED, "")


def given(release: Release) -> QuerySet[Passage]:
    """Over which of our lanes a release went and still stands; the oldest first."""
    live = release.passages.filter(ended__isnull=True, entry__lane__sender__isnull=True)
    return live.select_related("entry__lane").order_by("id")


def best_way(release: Release) -> Passage | None:
    """The way that counts for this node: the oldest from its source itself, else from anybody; None for none."""
    ways = list(own_ways(release))
    return next((each for each in ways if _is_direct(each, release)), ways[0] if ways else None)


def came_from_its_source(release: Release) -> bool:
    """Whether its source itself sent it here, and it still stands by that."""
    return any(_is_direct(each, release) for each in provenances(release))


def _is_direct(way: Passage, release: Release) -> bool:
    return way.entry.lane.sender_id == release.origin_id and not said_in(way.entry.header).origin


def bound_by_its_ways(release: Release) -> None:
    """Write how far a received release may go on: as far as each hop lets it of the best way by which it came.

    What its source sent over several lanes goes on within the audiences of all of them. What a clause gives to guests
    of this node says nothing of how far this node may let it go.
    """
    ways = list(own_ways(release)) or list(provenances(release))
    if not ways:
        return
    headers = [said_in(each.entry.header) for each in ways]
    direct = [
        header
        for way, header in zip(ways, headers, strict=True)
        if way.entry.lane.sender_id == release.origin_id and not header.origin
    ]
    origin = reach_of_a_way(direct[0] if direct else headers[0])
    audiences = [frozenset(each.audience) for each in direct[1:] if each.audience]
    if origin.bound is not None:
        origin = Origin(origin.rule, origin.agreement, origin.named, origin.bound.intersection(*audiences))
    columns = {
        "onward": origin.rule,
        "onward_agreement": origin.agreement,
        "is_bound": origin.bound is not None,
    }
    Release.objects.filter(id=release.id).update(**columns)
    ReleaseParty.objects.filter(owner=release).delete()
    write_parties([(release, origin)])


def reach_of_a_way(header: Header) -> Origin:
    """How far every hop lets it go by which it came; nowhere, where the hops cannot be read."""
    try:
        hops = [header, *(each for _token, each in inner_headers(header))]
    except OriginRefused:
        return Origin("none")
    reaches = [reach_over(each) for each in hops]
    return reaches[0] if len(reaches) == 1 else narrowest(reaches, current_policy())


def write_parties(made: Iterable[tuple[Release, Origin]]) -> None:
    """Write the lists of origins of releases that have none."""
    ReleaseParty.objects.bulk_create(
        ReleaseParty(owner=release, role=role, party=party)
        for release, origin in made
        for role, parties in (
            (ReleaseParty.Role.NAMED, origin.named),
            (ReleaseParty.Role.BOUND, origin.bound or ()),
        )
        for party in sorted(set(parties))
    )
