"""What a clause asks of a receiver when its time or its agreement is over, and how far that is proven.

An agreement is over between two nodes from the instant from which no version of it binds both, now or later: it was
terminated, it expired, one of the two left it, or a version without one of them followed. A suspension ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q

from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.queries import standings_of
from taawun.cooperation.federation.models import Deletion, Passage, Receipt, Release
from taawun.cooperation.federation.readers import is_reader
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.standing import Standing

__all__ = [
    "DUE",
    "GRACE",
    "Duty",
    "Owed",
    "duties_of",
    "ended_between",
    "over_with_their_agreement",
    "overdue",
    "owed_under",
]

# after an agreement is over, its receiver deletes by itself; until then people there can still see what will go
GRACE: Final = timedelta(days=1)
# from then on what was not said to be deleted is overdue at the giver
DUE: Final = timedelta(days=3)


def ended_between(standing: Standing, one: str, other: str, at: datetime) -> datetime | None:
    """When an agreement ended between two nodes; None while a version binds both, or will, or none ever did.

    Args:
        standing: where the agreement stands.
        one: base address of a node.
        other: that of another.
        at: now.
    """
    ends: list[datetime] = []
    for window in standing.windows:
        leaves = dict(window.leaves)
        refs = {party.node: party.ref for party in window.document.parties if party.node}
        bound = {ref for ref, _at in window.signed}
        both = [refs.get(one, ""), refs.get(other, "")]
        if not bound.issuperset(both):
            continue
        closes = [end for end in (window.closes, *map(leaves.get, both)) if end is not None]
        if not closes or min(closes) > at:
            return None
        ends.append(min(closes))
    return max(ends) if ends else None


# ---- what this node holds ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Owed:
    """What this node is to delete of one partner's under an agreement that is over.

    Args:
        agreement: lineage.
        sender: who sent it.
        ended: when the agreement ended between the two.
        passages: what is still held by it.
    """

    agreement: UUID
    sender: Partner
    ended: datetime
    passages: QuerySet[Passage]

    @property
    def goes(self) -> datetime:
        """When it is deleted."""
        return self.ended + GRACE


def over_with_their_agreement(agreement: UUID | None = None) -> list[Owed]:
    """What this node is to delete because agreements are over, by agreement and partner.

    Args:
        agreement: of one lineage alone; of all when left out.
    """
    # what is in quarantine is held as well, and goes with the rest; a public lane brings nothing under an agreement
    stands = Q(ended__isnull=True) | Q(why_ended=Release.Gone.ASIDE)
    held = Passage.objects.filter(stands, agreement__isnull=False, entry__lane__sender__isnull=False)
    if agreement:
        held = held.filter(agreement=agreement)
    rows = held.order_by().values_list("agreement", "entry__lane__sender").distinct()
    pairs = {(lineage, sender) for lineage, sender in rows if lineage}
    standings = standings_of(list(Agreement.objects.filter(id__in={each for each, _sender in pairs})))
    partners = Partner.objects.in_bulk({sender for _each, sender in pairs})
    at, found = now(), []
    for lineage, sender in sorted(pairs, key=str):
        standing, partner = standings.get(lineage), partners[sender]
        ended = ended_between(standing, settings.BASE_URL, partner.node, at) if standing else None
        if ended is not None:
            passages = held.filter(_to_delete(lineage), entry__lane__sender=sender)
            if passages.exists():
                found.append(Owed(lineage, partner, ended, passages.order_by("id")))
    return found


def _to_delete(lineage: UUID) -> Q:
    """Passages under clauses of an agreement that are to be deleted at its end, each by the version it went under."""
    condition = Q(pk__in=[])
    for version in Version.objects.filter(agreement=lineage).defer("text"):
        document = version.document()
        refs = [clause.ref for clause in document.clauses if clause.on_termination == "delete"]
        if refs:
            condition |= Q(document=version.digest, clause__in=refs)
    return condition & Q(agreement=lineage)


# ---- what others hold of ours -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Duty:
    """What one party has to delete of ours, and what of it is proven.

    Args:
        partner: the party's node.
        ended: when the agreement ended between us; None while it has not.
        given: how many entries it may still hold: sent under a clause that deletes, not withdrawn, not refused there.
        proven: of how many it signed that they are deleted.
        held: of how many of those it says that it keeps them by another way.
        last: its last statement; None without one.
    """

    partner: Partner
    ended: datetime | None
    given: int
    proven: int
    held: int
    last: datetime | None

    @property
    def left(self) -> int:
        """How many it has not spoken of."""
        return self.given - self.proven

    @property
    def due(self) -> datetime | None:
        """Until when it has to say so."""
        return self.ended + DUE if self.ended else None

    @property
    def is_overdue(self) -> bool:
        """Whether the time is over and something is left."""
        return self.left > 0 and self.due is not None and self.due < now()


def duties_of(agreement: Agreement, partners: Iterable[Partner] | None = None) -> list[Duty]:
    """What each party holds of ours under an agreement that is over, or has said to be deleted under any.

    Args:
        agreement: which.
        partners: these alone; all that read a lane of ours under it when left out.
    """
    standing, at = standings_of([agreement])[agreement.id], now()
    asked = partners or Partner.objects.filter(
        reads__lane__agreement=agreement.id, reads__lane__sender=None
    ).distinct().order_by("node")
    found = []
    for partner in asked:
        duty = _duty(agreement, partner, ended_between(standing, settings.BASE_URL, partner.node, at))
        if duty.given and (duty.ended or duty.proven):
            found.append(duty)
    return found


def overdue() -> list[tuple[Agreement, list[Duty]]]:
    """For each agreement that is over with somebody for longer than they have, who has not said that all is deleted.

    Returns:
        Agreements under which something of ours still stands, with nobody where nothing is overdue.
    """
    sent = Passage.objects.filter(ended__isnull=True, entry__lane__sender__isnull=True)
    agreements = list(Agreement.objects.filter(id__in=sent.order_by().values("agreement").distinct()))
    standings, at, found = standings_of(agreements), now(), []
    for agreement in agreements:
        readers = Partner.objects.filter(reads__lane__agreement=agreement.id, reads__lane__sender=None)
        late = []
        for partner in readers.distinct().order_by("node"):
            ended = ended_between(standings[agreement.id], settings.BASE_URL, partner.node, at)
            # most are in force, and nothing is asked about them
            if ended is not None and ended + DUE < at:
                late += [each for each in [_duty(agreement, partner, ended)] if each.is_overdue]
        found.append((agreement, late))
    return found


def owed_under(agreement: Agreement) -> list[Owed]:
    """What this node is to delete under an agreement that is over."""
    return over_with_their_agreement(agreement.id)


def _duty(agreement: Agreement, partner: Partner, ended: datetime | None) -> Duty:
    sent = Passage.objects.filter(
        _to_delete(agreement.id),
        is_reader(partner),
        entry__lane__sender__isnull=True,
    )
    said = Deletion.objects.filter(entry=OuterRef("entry"), partner=partner)
    turned_away = Receipt.objects.filter(entry=OuterRef("entry"), partner=partner).exclude(
        outcome=LaneEntry.State.DONE
    )
    # what was withdrawn is proven by its own receipt, what was never opened was never held
    given = sent.filter(Q(ended__isnull=True) | Q(Exists(said))).exclude(Exists(turned_away))
    told = Deletion.objects.filter(partner=partner, entry__in=given.values("entry"))
    return Duty(
        partner,
        ended,
        given.count(),
        told.count(),
        told.filter(is_held=True).count(),
        told.aggregate(last=Max("at"))["last"],
    )
