"""Guests of this node that a later version names: what was sent before lies ready for them, as a clause gives it.

What comes once they are named lies ready when it comes. A lane may say that a guest joined before the version that
names it is known here, so it is looked through again when what is agreed changes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Exists, OuterRef

from taawun.cooperation.agreements.decision import FOREVER
from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.federation.guests import lay_ready, policies_of
from taawun.cooperation.federation.hops import giving_history
from taawun.cooperation.federation.models import GuestCopy, Passage, Release
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.logs.joining import JOINED, audience_at
from taawun.cooperation.partners.models import Lane, LaneEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.policy import Grant

__all__ = ["lay_missed", "lay_missed_on"]

_BATCH: Final = 500


def lay_missed() -> int:
    """Look through all lanes that somebody joined later, and through our own, for what a guest here may read by now.

    Returns:
        How many releases lie ready for somebody that did not before.
    """
    joined = Exists(LaneEntry.objects.filter(lane=OuterRef("pk"), kind=JOINED))
    own = Lane.objects.filter(sender=None, is_whole=True)
    theirs = Lane.objects.filter(joined, sender__isnull=False)
    return lay_missed_on([*own, *theirs.select_related("sender")])


def lay_missed_on(lanes: Iterable[Lane]) -> int:
    """The same for some lanes.

    Args:
        lanes: of clauses, ours or partners'.
    """
    return sum(_lay(lane, key, held) for lane in lanes for key, held in _named_on(lane).items())


def _named_on(lane: Lane) -> dict[str, list[Grant]]:
    """The guests of this node that a lane is for, each with what its clause gives it."""
    if lane.agreement is None:
        return {}
    clause, own = (lane.agreement, lane.clause), f"{settings.BASE_URL}#"
    policies = policies_of(lane.sender.node) if lane.sender else [current_policy()]
    keys = {key for each in policies for key in each.side_over(clause) if key.startswith(own)}
    if keys and lane.sender:
        keys &= audience_at(lane)
    return {key: [grant for each in policies for grant in each.grants_over(key, clause)] for key in keys}


def _lay(lane: Lane, key: str, grants: Iterable[Grant]) -> int:
    count = 0
    for grant in grants:
        missed = _given_by(grant, lane).exclude(
            Exists(GuestCopy.objects.filter(passage=OuterRef("pk"), guest=key))
        )
        ids = list(missed.values_list("id", flat=True))
        for start in range(0, len(ids), _BATCH):
            some = Passage.objects.filter(id__in=ids[start : start + _BATCH]).select_related("entry")
            narrowed = {each.id for each in some if said_in(each.entry.header).audience}
            # a header never changes, and what is agreed changes often: it is read once
            Passage.objects.filter(id__in=narrowed).update(names_readers=True)
            found = [(each, [key]) for each in some if each.id not in narrowed]
            lay_ready(found)
            count += len(found)
    return count


def _given_by(grant: Grant, lane: Lane) -> QuerySet[Passage]:
    """What of a lane a grant lets its receiver read, as far as that is about when it was sent."""
    standing = Passage.objects.filter(
        entry__lane=lane, names_readers=False, ended=None, release__state=Release.State.LIVE
    )
    if grant.since == FOREVER:
        return standing.none()
    if grant.since > 0:
        return standing.filter(entry__issued__gte=_instant(grant.since))
    before = standing.filter(entry__issued__lt=_instant(grant.joined))
    documents = set(before.order_by().values_list("document", flat=True).distinct())
    closed = documents - giving_history(documents, lane.clause)
    # whoever published under a version that gave no history counted on it
    return standing.exclude(document__in=closed, entry__issued__lt=_instant(grant.joined))


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
