"""What of our clause lanes a reader may have at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import current_policy, standings_of
from taawun.cooperation.federation.models import Passage, Release
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.partners.models import Lane, LaneEntry, Partner

__all__ = ["readable", "serves"]


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
