"""How far what was shared onward reached: counted here, told to who sent it, at most daily and only when it changed."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Count, Sum

from taawun.cooperation.federation.bounds import MOST_IN_A_MESSAGE, MOST_PARTIES_REACHED
from taawun.cooperation.federation.models import Passage, Reach, Receipt, Release, ToldReach
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

__all__ = ["onward_counts", "tell_reach"]

_DAY: Final = timedelta(days=1)


def onward_counts(releases: Collection[UUID]) -> Mapping[UUID, int]:
    """How many parties some releases reached from here on: who signed for them, and what those told of further ones.

    Args:
        releases: ids of releases that were received and shared onward.
    """
    signed = (
        Receipt.objects.filter(
            outcome=LaneEntry.State.DONE,
            entry__passage__release__in=releases,
            entry__lane__sender=None,
        )
        .order_by()
        .values_list("entry__passage__release")
        .annotate(n=Count("partner", distinct=True))
    )
    further = (
        Reach.objects.filter(release__in=releases)
        .order_by()
        .values_list("release")
        .annotate(n=Sum("parties"))
    )
    counts: dict[UUID, int] = dict.fromkeys(releases, 0)
    for found in (signed, further):
        for release, count in found:
            counts[release] += count
    # what partners told adds up to more than one of them may tell: its receiver would refuse all that is told with it
    return {release: min(count, MOST_PARTIES_REACHED) for release, count in counts.items()}


def tell_reach() -> int:
    """Tell who sent something how many parties it reached from here. Runs as a schedule.

    Returns:
        How many messages were sent.
    """
    shared = Passage.objects.filter(entry__lane__sender=None, release__origin__isnull=False)
    releases = list(shared.order_by().values_list("release", flat=True).distinct())
    sent = 0
    for start in range(0, len(releases), MOST_IN_A_MESSAGE):
        counts = onward_counts(releases[start : start + MOST_IN_A_MESSAGE])
        ways = _ways(list(counts))
        for partner in Partner.objects.filter(state=Partner.State.VERIFIED, id__in=ways).order_by("id"):
            sent += _tell(partner, ways[partner.id], counts)
    return sent


def _ways(releases: Collection[UUID]) -> Mapping[UUID, set[UUID]]:
    """From whom each of some releases came first, their source before all others; they by their ids.

    Two that have one release from the same source and share it with each other would count each other without end, were
    both told. That of one that is over counts still, so that it is not another one tomorrow.
    """
    came = Passage.objects.filter(
        release__in=releases, entry__lane__sender__isnull=False, is_for_guests=False
    ).order_by("id")
    found: dict[UUID, tuple[bool, UUID]] = {}
    for each in came.select_related("entry__lane", "release"):
        sender = each.entry.lane.sender_id
        is_direct = sender == each.release.origin_id and not said_in(each.entry.header).origin
        if sender and (each.release_id not in found or (is_direct and not found[each.release_id][0])):
            found[each.release_id] = is_direct, sender
    ways: dict[UUID, set[UUID]] = defaultdict(set)
    for release, (_is_direct, sender) in found.items():
        ways[sender].add(release)
    return ways


@transaction.atomic
def _tell(partner: Partner, releases: Collection[UUID], counts: Mapping[UUID, int]) -> int:
    told = {each.release_id: each for each in ToldReach.objects.filter(partner=partner, release__in=counts)}
    at = now()
    # said anew when it changed, and not twice in a day
    fresh = [
        release
        for release in Release.objects.filter(id__in=releases).order_by("id")
        if (
            counts[release.id] > 0
            if release.id not in told
            else told[release.id].parties != counts[release.id] and told[release.id].at <= at - _DAY
        )
    ]
    if not fresh:
        return 0
    about = [
        {
            "subject": each.subject,
            "version": each.version,
            "digest": each.digest,
            "parties": counts[each.id],
        }
        for each in fresh
    ]
    messages.send(partner, "reached", {"releases": about})
    ToldReach.objects.bulk_create(
        (ToldReach(release=each, partner=partner, parties=counts[each.id], at=at) for each in fresh),
        update_conflicts=True,
        unique_fields=["release", "partner"],
        update_fields=["parties", "at"],
    )
    return 1
