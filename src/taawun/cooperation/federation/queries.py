"""Reading releases."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Sum

from taawun.cooperation.agreements.queries import readable_by
from taawun.cooperation.federation.decisions import policy_of_giver
from taawun.cooperation.federation.models import (
    Behalf,
    GuestToken,
    Passage,
    Reach,
    Receipt,
    Release,
    ReleaseParty,
    ReleaseTopic,
)
from taawun.cooperation.partners.logs.lanes import own_public_lanes
from taawun.cooperation.partners.models import LaneReader, Partner
from taawun.foundation.clock import now
from taawun.foundation.identifiers import lowest_uuid7
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.policy import Facts

__all__ = [
    "come_before",
    "come_since",
    "ending_before",
    "facts_of",
    "newest_with_partner",
    "passages_of",
    "public_releases",
    "reach_of",
    "readable_now",
    "readable_releases",
    "receipts_of",
    "received_under",
    "releases",
    "stood_for_everybody",
    "waiting_for_everybody",
    "with_partner",
    "withdrawals_signed",
]


def releases() -> QuerySet[Release]:
    """Releases of this node and of its partners, newest first."""
    return Release.objects.select_related("origin").order_by("-id")


def facts_of(found: Iterable[Release]) -> dict[UUID, Facts]:
    """What a decision looks at of many releases, by their ids: their topics and parties are read in two statements.

    Args:
        found: releases.
    """
    held = {each.id: each for each in found}
    # a prefetch would make a query of its own for each of them, though it asks none
    topics: dict[UUID, list[str]] = defaultdict(list)
    for owner, topic in ReleaseTopic.objects.filter(owner__in=held).values_list("owner_id", "topic"):
        topics[owner].append(topic)
    parties: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    lists = ReleaseParty.objects.filter(owner__in=held)
    for owner, role, party in lists.values_list("owner_id", "role", "party"):
        parties[owner].append((role, party))
    return {key: each.facts_with(topics[key], parties[key]) for key, each in held.items()}


def readable_releases(party: str, at: datetime | None = None) -> QuerySet[Release]:
    """The live releases a party may have now, newest first: the query twin of ``Policy.decide``.

    Whether they were ever sent to it is not asked; :func:`readable_now` does.

    Args:
        party: a party key.
        at: the instant; now by default.
    """
    condition = readable_by(party, at or now(), ReleaseTopic, ReleaseParty)
    return Release.objects.filter(condition, state=Release.State.LIVE).order_by("-id")


def readable_now(found: QuerySet[Release], partner: UUID) -> QuerySet[Release]:
    """Those among releases that this node serves a partner, or guests of it, at this moment.

    They stand on a lane of ours that it reads, from its floor on, and clauses that hold now let it have them. What
    stands on the public lane alone is not among them: anybody has that.

    Args:
        found: releases.
        partner: the partner's id.
    """
    at, node = now(), Partner.objects.filter(id=partner).values_list("node", flat=True).first() or ""
    lanes = LaneReader.objects.filter(partner=partner, lane__sender=None, lane__agreement__isnull=False)
    reads = list(lanes.values_list("lane", "first_seq", "lane__agreement", "lane__clause"))
    by_clause: dict[tuple[UUID, str], dict[UUID, int | None]] = defaultdict(dict)
    for lane, first, agreement, clause in reads:
        if agreement:
            by_clause[agreement, clause][lane] = first
    # the clause over whose lane it went is the one that is asked whether it lets the reader have it
    over = {clause: _on_lanes(held, ended=None) for clause, held in by_clause.items()}
    condition = Q(pk__in=[])
    for behalf in (None, *_givers()):
        policy = policy_of_giver(behalf)
        whose = Q(on_behalf=behalf.guest if behalf else "", on_behalf_under=behalf and behalf.agreement)
        for key in policy.keys_of(node):
            condition |= whose & readable_by(key, at, ReleaseTopic, ReleaseParty, policy, over=over)
    return found.filter(condition, state=Release.State.LIVE)


def _givers() -> list[Behalf]:
    """The guests of this node that may have given something: each was made a token."""
    tokens = GuestToken.objects.order_by("agreement", "guest").values_list("agreement", "guest").distinct()
    return [Behalf(f"{settings.BASE_URL}#{guest}", agreement) for agreement, guest in tokens]


def public_releases() -> QuerySet[Release]:
    """The live releases that anybody may have, newest first: the query twin of ``may_be_public``."""
    on_it = Passage.objects.filter(
        release=OuterRef("pk"),
        ended=None,
        entry__lane__in=own_public_lanes().filter(is_closed=False),
    )
    return Release.objects.filter(
        Exists(on_it),
        state=Release.State.LIVE,
        tlp=Tlp.CLEAR,
        has_audience=False,
        names_persons=False,
        is_bound=False,
        onward__in=[Release.Onward.OWN, Release.Onward.PUBLIC],
    ).order_by("-id")


def stood_for_everybody() -> QuerySet[Passage]:
    """Over which public lanes of before a restore something stood that was not taken back, by what is known here."""
    closed = own_public_lanes().filter(is_closed=True)
    return Passage.objects.filter(lane__in=closed.values("id"), ended=None).order_by("id")


def waiting_for_everybody() -> QuerySet[Release]:
    """What stood for everybody before a restore and goes to nobody until somebody here decides, newest first."""
    undecided = stood_for_everybody().filter(left_off=None)
    return Release.objects.filter(
        id__in=undecided.order_by().values("release"), state=Release.State.LIVE
    ).order_by("-id")


def with_partner(found: QuerySet[Release], partner: UUID) -> QuerySet[Release]:
    """Those among releases that came from a partner, or went over a lane that it reads.

    Args:
        found: releases.
        partner: the partner's id.
    """
    # its lanes are few, and read first: PostgreSQL would join every passage there is to its entry
    reads = dict(LaneReader.objects.filter(partner=partner).values_list("lane", "first_seq"))
    return found.filter(Q(origin=partner) | _on_lanes(reads))


def newest_with_partner(partner: UUID, count: int) -> QuerySet[Release]:
    """The newest of what :func:`with_partner` gives, newest first, where few are wanted.

    What came and what went is each asked for its newest, which an index holds: to walk all releases for the few of a
    partner that gave little is to read all there are.

    Args:
        partner: the partner's id.
        count: how many at most.
    """
    whole, late = [], Q(pk__in=[])
    for lane, first in LaneReader.objects.filter(partner=partner).values_list("lane", "first_seq"):
        if first:
            late |= Q(lane=lane, entry__seq__gte=first)
        else:
            whole.append(lane)
    came = Release.objects.filter(origin=partner).order_by("-id").values_list("id", flat=True)
    newest = set(came[:count])
    for went in (Q(lane__in=whole), late):
        sent = Passage.objects.filter(went).order_by("-release").values_list("release", flat=True)
        newest |= set(sent.distinct()[:count])
    return Release.objects.filter(id__in=newest).order_by("-id")[:count]


def received_under(found: QuerySet[Release], agreement: UUID) -> QuerySet[Release]:
    """Those among a partner's releases that came here under an agreement.

    Args:
        found: releases of partners.
        agreement: the agreement's id.
    """
    came = Passage.objects.filter(
        agreement=agreement, release=OuterRef("pk"), entry__lane__sender__isnull=False
    )
    return found.filter(Exists(came))


def come_since(found: QuerySet[Release], at: datetime) -> QuerySet[Release]:
    """Those among releases that were made known here at an instant or later; their keys tell it."""
    return found.filter(id__gte=lowest_uuid7(at))


def come_before(found: QuerySet[Release], at: datetime) -> QuerySet[Release]:
    """Those among releases that were made known here before an instant."""
    return found.filter(id__lt=lowest_uuid7(at))


def _on_lanes(reads: Mapping[UUID, int | None], **passages: None) -> Q:
    """Whether a release went over one of some lanes.

    Args:
        reads: the lanes, each with the first entry that its reader reads, where that joined it later.
        passages: what else holds of how it went.
    """
    sent = Passage.objects.filter(release=OuterRef("pk"), **passages)
    read = Q(Exists(sent.filter(lane__in=[lane for lane, first in reads.items() if not first])))
    for lane, first in reads.items():
        if first:
            read |= Q(Exists(sent.filter(lane=lane, entry__seq__gte=first)))
    return read


def withdrawals_signed(passages: Collection[Passage]) -> dict[tuple[UUID, UUID], datetime]:
    """Who signed for the withdrawal of a release on our lanes, and when, by lane and partner.

    Args:
        passages: of one release, with their entries.
    """
    ended = [each for each in passages if each.ended is not None]
    if not ended:
        return {}
    about = ended[0].entry
    receipts = Receipt.objects.filter(
        entry__lane__sender=None,
        entry__subject=about.subject,
        entry__version=about.version,
        entry__action="withdraw",
    ).select_related("entry__lane")
    signed: dict[tuple[UUID, UUID], datetime] = {}
    for each in receipts.order_by("at"):
        said = each.entry.lane
        # it may have been said on another lane of the clause, to those alone who read what was published
        for passage in ended:
            is_of_it = said.agreement is not None and said.agreement == passage.agreement
            if said.id == passage.entry.lane_id or (is_of_it and said.clause == passage.clause):
                signed[passage.entry.lane_id, each.partner_id] = each.at
    return signed


def ending_before(found: QuerySet[Release], at: datetime) -> QuerySet[Release]:
    """Those among releases of which a way ends before an instant, because the time that its clause gives it is over.

    Args:
        found: releases.
        at: the instant.
    """
    ends = Passage.objects.filter(release=OuterRef("pk"), ended__isnull=True, ends__lt=at)
    return found.filter(Exists(ends), origin__isnull=False)


def reach_of(release: Release) -> tuple[int, int]:
    """How far a release reached: how many parties signed for it here, and how many it reached onward, by their count.

    Two that share onward may reach the same party, and each counts it.
    """
    direct = receipts_of(release).filter(outcome="done").order_by().values("partner").distinct().count()
    told = Reach.objects.filter(release=release).aggregate(n=Sum("parties"))["n"]
    return direct, told or 0


def passages_of(release: Release) -> QuerySet[Passage]:
    """Where a release of ours went, or over what a partner's came; oldest first."""
    return release.passages.select_related("entry__lane__sender").order_by("id")


def receipts_of(release: Release) -> QuerySet[Receipt]:
    """Who signed for a release of ours."""
    return Receipt.objects.filter(entry__passage__release=release).select_related("partner").order_by("at")
