"""Who reads what was sent before: how a newcomer comes to lanes that were opened before it joined.

A lane for all whom a clause gives to goes on when somebody joins. From where a newcomer reads it is said by the clause
and by the sender: from its accession on, or, where the clause gives the history and somebody here confirmed the
newcomer, from the beginning. What named its audience went over another lane, and so did RED.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Max, Min, Q

from taawun.cooperation.agreements.decision import FOREVER, closed_by
from taawun.cooperation.agreements.history import Earlier
from taawun.cooperation.agreements.models import Newcomer
from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.federation.hops import giving_history
from taawun.cooperation.federation.late_guests import lay_missed
from taawun.cooperation.federation.models import Passage, Receipt, Release
from taawun.cooperation.partners.logs import joining
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.agreements.policy import Grant, Policy

__all__ = [
    "admit_newcomers",
    "earlier_for",
    "has_begun",
    "has_read",
    "let_newcomers_in",
    "open_to_newcomers",
    "side_of",
    "whole_lane_of",
]

_AGAIN_SECONDS: Final = 600
# why a party that a clause gives to cannot be sent anything for now
_PAUSES: Final = frozenset({"descriptor-lapsed", "not-verified", "partner-blocked"})


# ---- publishing ---------------------------------------------------------------------------------------------------
def whole_lane_of(grant: Grant) -> tuple[Lane, set[str]]:
    """The lane for all whom a clause gives to now, whoever joined among them, and their party keys."""
    side = side_of(current_policy(), (grant.agreement, grant.clause.ref), grant.digest)
    by_node = _by_node(side)
    # who is new comes to what stands on the other lanes as well, before it reads this one
    _let_in(grant.agreement, grant.clause.ref, side, only_nodes=True)
    lane = joining.whole_lane(
        agreement=grant.agreement,
        document=grant.digest,
        clause=grant.clause.ref,
        members=list(Partner.objects.filter(node__in=by_node)),
        first=lambda lane, partner: _first(lane, by_node[partner.node]),
        audience=set(side),
    )
    return lane, set(side)


def side_of(policy: Policy, clause: tuple[UUID, str], digest: str = "") -> dict[str, Grant]:
    """Every party key for which a clause holds now, each with its own grant: whoever reads what follows.

    Nobody else sees so much as a header of it, were it a reader until now: who left, and between whom and the giver a
    declaration leaves nothing of the clause. Who only cannot be sent anything for now stands here, and is served no
    clause lane until it can.

    Args:
        policy: of the giver.
        clause: lineage of the agreement, and the clause's ref.
        digest: of the version in which it is asked about; empty for whichever is in force.
    """
    at = now().timestamp()
    # of what a declaration leaves there is a grant that is not narrowed
    held = [
        (party, grant)
        for party in policy.side_over(clause)
        for grant in policy.grants_over(party, clause)
        if not grant.is_narrowed and grant.since != FOREVER
    ]
    in_force = {digest} if digest else {grant.digest for _party, grant in held if not closed_by(grant, at)}
    side: dict[str, Grant] = {}
    for party, grant in held:
        if grant.digest in in_force and _is_member(grant, at):
            side.setdefault(party, grant)
    return side


def _is_member(grant: Grant, at: float) -> bool:
    closed = closed_by(grant, at)
    # that a descriptor lapsed hides that its party had left
    has_left = grant.ending == "left" and at >= grant.closes
    return not closed or (closed in _PAUSES and not has_left)


def _by_node(side: Mapping[str, Grant]) -> dict[str, Grant]:
    """For each node the grant of its party, or of its guest, that reads furthest back."""
    found: dict[str, Grant] = {}
    for party, grant in side.items():
        node = party.partition("#")[0]
        if node not in found or grant.since < found[node].since:
            found[node] = grant
    return found


def _first(lane: Lane, grant: Grant) -> int | None:
    """The first entry of a lane that a newcomer reads; None where it reads from the next one on."""
    if grant.since > 0:
        later = LaneEntry.objects.filter(lane=lane, issued__gte=_instant(grant.since)).order_by("seq")
        begins = later.values_list("seq", flat=True).first()
        if begins is None:
            return None
        begins = _past_withdrawals(
            lane, begins, Passage.objects.filter(entry__lane=lane, entry__seq__lt=begins)
        )
        return begins if begins <= lane.head_seq else None
    before = Passage.objects.filter(entry__lane=lane, entry__issued__lt=_instant(grant.joined))
    documents = set(before.order_by().values_list("document", flat=True).distinct())
    closed = documents - giving_history(documents, lane.clause)
    # whoever published under a version that gave no history counted on it: not even a header is shown
    last = before.filter(document__in=closed).aggregate(last=Max("entry__seq"))["last"] if closed else None
    return 0 if last is None else _past_withdrawals(lane, last + 1, before.filter(document__in=closed))


def _past_withdrawals(lane: Lane, first: int, hidden: QuerySet[Passage]) -> int:
    """The first entry from one on after which nothing is withdrawn on a lane that a newcomer is not to see."""
    subjects = hidden.exclude(ended=None).values("release__subject")
    said = LaneEntry.objects.filter(lane=lane, seq__gte=first, action="withdraw", subject__in=subjects)
    last = said.aggregate(last=Max("seq"))["last"]
    return first if last is None else last + 1


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


# ---- when somebody joins ------------------------------------------------------------------------------------------
@transaction.atomic
def admit_newcomers(agreement: UUID) -> int:
    """Let parties that joined an agreement read our lanes under it, as far back as its clauses and somebody here say.

    It is done again by a sweep, and by each release that is published; what was done is done.

    Args:
        agreement: its lineage.

    Returns:
        How many readers are new, over all lanes.
    """
    if returning.is_returning():
        return 0
    one_speaker()
    own = Lane.objects.filter(sender=None, agreement=agreement, is_whole=True, is_closed=False)
    clauses = own.order_by("clause").values_list("clause", flat=True).distinct()
    policy = current_policy()
    return sum(_let_in(agreement, each, side_of(policy, (agreement, each))) for each in list(clauses))


@transaction.atomic
def _let_in(agreement: UUID, clause: str, side: Mapping[str, Grant], *, only_nodes: bool = False) -> int:
    """Let those read the lanes of a clause who read none of them yet, or whom somebody here confirmed since.

    Whoever else reads one of them was a party, and left out, when the others were opened: it reads on where it is, and
    not what was sent without it. Were it let in, what is not for it would need yet another lane, each time anew.

    Args:
        agreement: its lineage.
        clause: its ref.
        side: for whom the clause holds.
        only_nodes: whether guests of whoever reads a lane already are left to the sweep.

    Returns:
        How many readers are new, over all lanes.
    """
    one_speaker()
    own = sorted(joining.whole_lanes(agreement, clause), key=lambda lane: (lane.opened, lane.id))
    read: dict[UUID, set[str]] = {lane.id: set() for lane in own}
    for lane_id, node in LaneReader.objects.filter(lane__in=read).values_list("lane", "partner__node"):
        read[lane_id].add(node)
    reading = set[str]().union(*read.values())
    confirmed = dict(Newcomer.objects.filter(lineage=agreement).values_list("party", "at"))
    found = 0
    for lane in own:
        late = {
            key.partition("#")[0]
            for key in side
            if key.partition("#")[0] not in reading or (key in confirmed and confirmed[key] > lane.opened)
        }
        late -= read[lane.id]
        if late or not only_nodes:
            found += _admit(lane, side, read[lane.id], late)
    return found


def _admit(lane: Lane, side: Mapping[str, Grant], readers: AbstractSet[str], late: AbstractSet[str]) -> int:
    by_node = _by_node(side)
    first: dict[Partner, int | None] = {}
    for partner in Partner.objects.filter(node__in=late):
        begins = _first(lane, by_node[partner.node])
        # who has nothing to read there yet joins with the first release that is for it
        if begins is not None and begins <= lane.head_seq:
            first[partner] = begins
    nodes = {settings.BASE_URL, *readers, *(partner.node for partner in first)}
    # of whoever does not read it the lane says nothing: its readers would show such a one its heads
    its_side = {key: grant for key, grant in side.items() if key.partition("#")[0] in nodes}
    grant = next(iter(its_side.values()), None)
    if grant is None or not (first or _have_guests_joined(lane, its_side)):
        return 0
    audience = {*readers, *(partner.node for partner in first), *its_side}
    fresh = joining.admit(lane, first, document=grant.digest, audience=audience)
    for each in fresh:
        facts = {
            "party": each.partner.node,
            "clause": lane.clause,
            "lane": str(lane.id),
            "from": each.first_seq,
        }
        record(
            SystemActor("federation.history"),
            "federation.newcomer-reads",
            f"urn:uuid:{lane.agreement}",
            facts,
        )
    return len(fresh)


def _have_guests_joined(lane: Lane, side: Mapping[str, Grant]) -> bool:
    """Whether a lane does not say that it is for somebody's guest, who is to read something that stands there."""
    unsaid = {key for key in side if "#" in key} - joining.audience_at(lane)
    begins = [_first(lane, side[key]) for key in sorted(unsaid)]
    return any(each is not None and each <= lane.head_seq for each in begins)


# with which policy, and when, everybody was let in last; what was done is found there, and is not done twice
_seen: list[tuple[int, int]] = []


def let_newcomers_in() -> int:
    """Look through all agreements for who joined since; nothing where nothing changed since this was last asked.

    An agreement may also begin by itself, so it is looked at again after a while. Guests of this node join too, whose
    host reads the lane already.
    """
    seen = (current_policy().generation, int(now().timestamp()) // _AGAIN_SECONDS)
    if _seen == [seen]:
        return 0
    own = Lane.objects.filter(sender=None, is_whole=True, is_closed=False, agreement__isnull=False)
    agreements = own.order_by().values_list("agreement", flat=True).distinct()
    found = sum(admit_newcomers(each) for each in list(agreements) if each)
    lay_missed()
    _seen[:] = [seen]
    return found


# ---- what somebody is asked about ---------------------------------------------------------------------------------
def earlier_for(agreement: Agreement, party: str) -> list[Earlier]:
    """What a newcomer would read, once it is confirmed, of what was sent before, by clause, kind and marking.

    Args:
        agreement: which.
        party: the newcomer's key.
    """
    at, found = now().timestamp(), list[Earlier]()
    for grant in current_policy().grants(party):
        is_asked = grant.agreement == agreement.id and grant.clause.history == "all"
        if not is_asked or grant.is_narrowed or closed_by(grant, at) not in {"", "unconfirmed"}:
            continue
        for lane in joining.whole_lanes(agreement.id, grant.clause.ref):
            found += _on(lane, grant)
    return _summed(found)


def _on(lane: Lane, grant: Grant) -> list[Earlier]:
    clause = grant.clause
    first = _first(lane, _from_the_beginning(grant)) or 0
    sent = Passage.objects.filter(
        entry__lane=lane,
        entry__seq__gte=first,
        ended=None,
        release__state=Release.State.LIVE,
        release__tlp__lte=clause.tlp_max,
    ).filter(_of_kinds(clause.kinds))
    if clause.topics:
        sent = sent.filter(release__topics__topic__in=clause.topics)
    rows = sent.order_by().values("kind", tlp=F("release__tlp"))
    return [
        Earlier(clause.ref, row["kind"], Tlp(row["tlp"]), row["count"], row["since"])
        for row in rows.annotate(count=Count("release", distinct=True), since=Min("entry__issued"))
    ]


def _from_the_beginning(grant: Grant) -> Grant:
    return replace(grant, since=0.0)


def _of_kinds(kinds: Iterable[str]) -> Q:
    condition = Q(pk__in=[])
    for kind in kinds:
        if kind == "*":
            return Q()
        room = Q(kind__startswith=kind[:-1]) if kind.endswith(".*") else Q(kind=kind)
        condition |= room
    return condition


def _summed(found: Sequence[Earlier]) -> list[Earlier]:
    """One row for each clause, kind and marking, over all lanes."""
    rows: dict[tuple[str, str, Tlp], Earlier] = {}
    for each in found:
        key = (each.clause, each.kind, each.tlp)
        held = rows.get(key)
        rows[key] = (
            each
            if held is None
            else Earlier(*key, count=held.count + each.count, since=min(held.since, each.since))
        )
    return [rows[key] for key in sorted(rows)]


def open_to_newcomers(agreement: Agreement) -> int:
    """The same for an agreement that is at hand."""
    return admit_newcomers(agreement.id)


def has_begun(agreement: Agreement, party: str) -> bool:
    """Whether a newcomer reads a lane of ours under an agreement from a later entry than its first one on."""
    node = party.partition("#")[0]
    return LaneReader.objects.filter(
        partner__node=node,
        lane__agreement=agreement.id,
        lane__sender=None,
        lane__is_whole=True,
        first_seq__gt=0,
    ).exists()


def has_read(agreement: Agreement, party: str) -> bool:
    """Whether a newcomer has signed for something of ours under an agreement."""
    node = party.partition("#")[0]
    return Receipt.objects.filter(
        partner__node=node, entry__lane__agreement=agreement.id, entry__passage__isnull=False
    ).exists()
