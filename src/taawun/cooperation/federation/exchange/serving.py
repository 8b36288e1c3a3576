"""What of our clause lanes a reader may have at this moment, and who reads those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import current_policy, standings_of
from taawun.cooperation.federation.decisions import policy_of_giver
from taawun.cooperation.federation.hops import giving_history
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.federation.queries import facts_of
from taawun.cooperation.partners.logs.joining import JOINED
from taawun.cooperation.partners.models import LaneEntry
from taawun.foundation import strict_json
from taawun.foundation.clock import now
from taawun.foundation.signing import SignatureRefused, peek
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taawun.cooperation.partners.models import Lane, Partner

__all__ = ["readable", "readers", "serves", "urgent_kinds"]


def urgent_kinds() -> frozenset[str]:
    """Kinds of releases that go before all others on a slow line."""
    return frozenset(kind.name for kind in registry.all(ReleaseKind) if kind.is_urgent)


def serves(lanes: Sequence[Lane], reader: Partner) -> list[bool]:
    """A lane is read by who signed its agreement, were it only in a version that is over; others do not know of it.

    What the agreement still allows of the contents is asked for each of them.
    """
    agreements = list(Agreement.objects.filter(id__in={lane.agreement for lane in lanes}))
    joined = {key for key, standing in standings_of(agreements).items() if reader.node in standing.joined}
    return [lane.agreement in joined for lane in lanes]


def readers(lanes: Sequence[Lane]) -> dict[UUID, frozenset[str]]:
    """The nodes that a partner's lanes are for: those that their entries name, as far as they signed the agreement.

    A guest is served by its host. Who did not sign does not read the lane, and is not to know of it.
    """
    agreements = list(Agreement.objects.filter(id__in={lane.agreement for lane in lanes}))
    joined = {key: standing.joined for key, standing in standings_of(agreements).items()}
    # asked for both at once, a database walks through every release of the lanes
    saying = (Q(seq=0, kind="lane.opened"), Q(kind=JOINED))
    named: dict[UUID, frozenset[str]] = {}
    for entries in (LaneEntry.objects.filter(each, lane__in=lanes) for each in saying):
        for lane_id, header in entries.values_list("lane_id", "header"):
            named[lane_id] = named.get(lane_id, frozenset()) | _named_in(header)
    return {
        lane.id: named.get(lane.id, frozenset()) & joined.get(lane.agreement, frozenset())
        for lane in lanes
        if lane.agreement
    }


def _named_in(opening: str) -> frozenset[str]:
    """The nodes of the audience of an entry that was verified when it came."""
    try:
        audience = strict_json.parse(peek(opening).payload).get("audience", [])
    except (SignatureRefused, strict_json.JsonRefused):
        return frozenset()
    return frozenset(str(each).partition("#")[0] for each in audience)


def readable(lane: Lane, entries: Sequence[LaneEntry], reader: Partner | None) -> list[bool]:
    """Which contents a reader may have at this moment: decided anew each time, whatever was true at publishing."""
    if reader is None:
        return [False] * len(entries)
    publishing = [entry.id for entry in entries if entry.action == "publish"]
    passages = {
        passage.entry_id: passage
        for passage in Passage.objects.filter(entry_id__in=publishing).select_related("release")
    }
    facts = facts_of(passage.release for passage in passages.values())
    own, at, agreement = current_policy(), now().timestamp(), lane.agreement
    giving = giving_history({passage.document for passage in passages.values()}, lane.clause)

    def may(entry: LaneEntry) -> bool:
        if entry.kind in {"lane.opened", JOINED}:
            return True
        passage = passages.get(entry.id)
        if (
            agreement is None
            or passage is None
            or passage.ended
            or passage.release.state != Release.State.LIVE
        ):
            return False
        issued = entry.issued.timestamp()
        behalf = passage.release.behalf
        policy = policy_of_giver(behalf) if behalf else own
        gave, clause = passage.document in giving, (agreement, lane.clause)
        return any(
            policy.allows_over(key, facts[passage.release_id], at, clause, issued, gave_history=gave)
            for key in policy.keys_of(reader.node)
        )

    return [may(entry) for entry in entries]
