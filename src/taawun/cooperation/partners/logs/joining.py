"""Lanes that go on when somebody joins: who reads one of ours from a later entry on, and since which.

A lane for all whom its clause gives to is not closed when one more party accedes. An entry on it says who joined, so
that its readers know of each other, and the newcomer is given a signed floor, from which it verifies the chain on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs import floors, lanes
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import GENESIS, Lane, LaneEntry, LaneReader, Partner
from taawun.foundation import strict_json
from taawun.foundation.clock import now
from taawun.foundation.digests import as_sha256
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from taawun.cooperation.partners.exchange.wire import LaneOffer
    from taawun.cooperation.partners.identity.lineage import Verifier
    from taawun.cooperation.partners.logs.floors import Floor
    from taawun.foundation.signing import SigningKey

__all__ = [
    "JOINED",
    "MOST_JOINED",
    "admit",
    "audience_at",
    "first_of",
    "floor_of",
    "newcomers",
    "offered_floor",
    "readers_lane",
    "regain_readers",
    "were_named",
    "whole_lane",
    "whole_lanes",
]

# the kind of the entry that says who joined
JOINED: Final = "lane.joined"
# such entries on one lane: who reads it is found by reading all of them. A document names 250 parties
MOST_JOINED: Final = 300


# ---- our lanes ----------------------------------------------------------------------------------------------------
@transaction.atomic
def whole_lane(  # noqa: PLR0913 - what a lane is made of
    *,
    agreement: UUID,
    document: str,
    clause: str,
    members: Collection[Partner],
    first: Callable[[Lane, Partner], int | None],
    audience: Collection[str],
) -> Lane:
    """The lane of a clause for all whom it gives to; opened when it is first used, and joined by who came since.

    It goes on as long as everybody who reads it is among those: once somebody is not, what follows is not for them to
    see, and goes over a lane of its own. Once they are the same again as on an earlier lane, that one goes on: a party
    that is left out and comes back, as often as it likes, makes no more than one lane of it.

    Args:
        agreement: lineage of the agreement.
        document: digest of its document in force.
        clause: the clause's ref.
        members: who reads it. Empty only where guests of this node alone do.
        first: asked for who joins a lane that was opened before: the first entry that it reads, or None for those that
            are yet to come.
        audience: base addresses and guests' refs, as its entries state them.

    Raises:
        ValueError: there is nobody to read it.
    """
    one_speaker()
    ids = {each.id for each in members}
    lane = _fitting(whole_lanes(agreement, clause), ids)
    if lane is not None:
        readers = set(LaneReader.objects.filter(lane=lane).values_list("partner_id", flat=True))
        late = {each: first(lane, each) for each in members if each.id not in readers}
        # a guest of a node that reads it already is no new reader, and its host learns of it nowhere else
        if late or not audience_at(lane).issuperset(audience):
            admit(lane, late, document=document, audience=audience)
        return lane
    return lanes.open_lane(
        agreement=agreement,
        document=document,
        clause=clause,
        readers=members,
        audience=audience,
        is_whole=True,
    )


def _fitting(among: Sequence[Lane], ids: AbstractSet[UUID]) -> Lane | None:
    """The newest lane that these read and nobody else, else the newest that those of them who are new may join."""
    read: dict[UUID, set[UUID]] = {each.id: set() for each in among}
    for lane, partner in LaneReader.objects.filter(lane__in=read).values_list("lane", "partner"):
        read[lane].add(partner)
    # whoever reads another lane of the clause was left out of this one, and may be left out again
    new = ids - set[UUID]().union(*read.values())
    exact = (lane for lane in among if read[lane.id] == ids)
    joinable = (lane for lane in among if read[lane.id] == ids - new)
    return next(exact, None) or next(joinable, None)


def whole_lanes(agreement: UUID, clause: str) -> list[Lane]:
    """Our lanes for all whom a clause gives to and that go on, the newest first."""
    opened = Lane.objects.filter(
        sender=None,
        purpose=Lane.Purpose.CLAUSE,
        agreement=agreement,
        clause=clause,
        is_whole=True,
        is_closed=False,
    ).order_by("-opened", "-id")
    joined = LaneEntry.objects.filter(lane__in=opened.values("id"), kind=JOINED).order_by().values("lane")
    # on one that has as many no more can be said to join, and nobody takes a further one
    full = joined.annotate(n=Count("id")).filter(n__gte=MOST_JOINED).values_list("lane", flat=True)
    over = set(full)
    return [each for each in opened if each.id not in over]


@transaction.atomic
def readers_lane(lane: Lane, seq: int, *, document: str, may_join: Collection[str]) -> Lane | None:
    """A lane of ours for those alone who read an entry of a whole lane, and nobody who comes to read it further on.

    Args:
        lane: a whole lane of ours.
        seq: place of the entry.
        document: digest of the document under which it was published.
        may_join: base addresses of all who read the lane, or may be let join it.

    Returns:
        The lane itself where these are all; None where no partner read the entry.
    """
    one_speaker()
    held = LaneReader.objects.filter(lane=lane).select_related("partner").order_by("partner__node")
    readers = [each.partner for each in held if first_of(each) <= seq]
    nodes = {each.node for each in readers}
    everybody = len(readers) == len(held) and nodes.issuperset(set(may_join) - {settings.BASE_URL})
    if everybody or lane.agreement is None:
        return lane
    if not readers:
        return None
    return lanes.open_clause_lane(
        agreement=lane.agreement, document=document, clause=lane.clause, readers=readers, audience=nodes
    )


@transaction.atomic
def admit(
    lane: Lane, first: Mapping[Partner, int | None], *, document: str, audience: Collection[str]
) -> list[LaneReader]:
    """Let partners read one of our lanes that was opened before they came, or their guests, and say so on it.

    Args:
        lane: one for all whom its clause gives to.
        first: who, each with the first entry that it reads, or None for those that are yet to come. Empty where only
            guests of readers are new.
        document: digest of the agreement's document in force.
        audience: everybody who reads it from now on, as entry 0 names them. Whom the lane named before it names
            still: guests who come and go again make no more entries than there are of them.

    Returns:
        Those that are new.
    """
    one_speaker()
    held = Lane.objects.select_for_update().get(id=lane.id)
    known = set(LaneReader.objects.filter(lane=held).values_list("partner_id", flat=True))
    fresh = [
        _newcomer(held, partner, begins)
        for partner, begins in sorted(first.items(), key=lambda each: each[0].node)
        if partner.id not in known
    ]
    named = audience_at(held)
    if not fresh and named.issuperset(audience):
        return []
    audience = named.union(audience)
    LaneReader.objects.bulk_create(fresh)
    content = {
        "sender": settings.BASE_URL,
        "purpose": str(held.purpose),
        "agreement": str(held.agreement),
        "clause": held.clause,
        "audience": sorted(audience),
        "joined": [
            {"node": each.partner.node, "seq": each.first_seq, "prev": _before(held, each.first_seq or 0)}
            for each in fresh
        ],
    }
    said = lanes.Item(
        kind=JOINED,
        subject=f"urn:taawun:node:{settings.BASE_URL}",
        version="",
        action="publish",
        tlp=Tlp.AMBER,
        content=canonical(content),
        agreement=document,
        clause=held.clause,
        audience=tuple(sorted(audience)),
    )
    lanes.append(held, [said])
    lane.refresh_from_db()
    return fresh


def _newcomer(lane: Lane, partner: Partner, first: int | None) -> LaneReader:
    # where nothing is for it yet, it begins with the entry that says that it joined
    begins = lane.head_seq + 1 if first is None else first
    return LaneReader(
        lane=lane, partner=partner, first_seq=begins, receipt_seq=begins - 1, delivered_seq=begins - 1
    )


def _before(lane: Lane, seq: int) -> str:
    """The digest of the header before a place of a lane of ours."""
    if seq == 0:
        return GENESIS
    if seq == lane.head_seq + 1:
        return lane.head_digest
    return LaneEntry.objects.values_list("digest", flat=True).get(lane=lane, seq=seq - 1)


def floor_of(lane: Lane, newcomer: LaneReader, key: SigningKey) -> str:
    """Our signed word on from where a newcomer reads a lane of ours.

    Args:
        lane: the lane.
        newcomer: a reader that joined it later.
        key: the node's key.
    """
    if lane.agreement is None or newcomer.first_seq is None:
        raise ValueError(
            "nobody joins a talk lane, and whom a lane was opened for reads it from its beginning"
        )
    floor = floors.Floor(
        lane=lane.id,
        reader=newcomer.partner.node,
        agreement=lane.agreement,
        clause=lane.clause,
        seq=newcomer.first_seq,
        prev=_before(lane, newcomer.first_seq),
        at=now(),
    )
    return floors.write(floor, key)


def newcomers(partner: Partner, among: Iterable[UUID]) -> dict[UUID, LaneReader]:
    """For those of our lanes that a partner joined later, by their ids, how it reads them."""
    late = LaneReader.objects.filter(partner=partner, lane__in=set(among), first_seq__isnull=False)
    return {each.lane_id: each for each in late.select_related("partner")}


def first_of(newcomer: LaneReader | None) -> int:
    """The first entry that a reader of a lane of ours reads; None stands for whom it was opened for."""
    return 0 if newcomer is None or newcomer.first_seq is None else newcomer.first_seq


def audience_at(lane: Lane, seq: int | None = None) -> frozenset[str]:
    """Whom a lane is for at an entry, by its sender's own word: who reads it from the last ``lane.joined`` on.

    Args:
        lane: ours, or a partner's.
        seq: place of the entry; the last one when left out.

    Returns:
        Party keys; nobody for a lane that was joined later, of which nothing is held here that says so.
    """
    # all of them, unordered: asked for the last one, a database walks back through every release of the lane
    joined = LaneEntry.objects.filter(lane=lane, kind=JOINED).values_list("seq", flat=True)
    last = max((each for each in joined if seq is None or each <= seq), default=0)
    header = LaneEntry.objects.filter(lane=lane, seq=last).values_list("header", flat=True).first()
    return _audience_of(header) if header else frozenset()


def were_named(lane: UUID) -> frozenset[str]:
    """Whom a lane of ours was for at any time, by what it says itself."""
    # asked for both at once, a database walks through every release of the lane
    entries = (LaneEntry.objects.filter(each, lane=lane) for each in (Q(seq=0), Q(kind=JOINED)))
    headers = [header for each in entries for header in each.values_list("header", flat=True)]
    return frozenset[str]().union(*map(_audience_of, headers))


def _audience_of(header: str) -> frozenset[str]:
    try:
        return frozenset(said_in(header).audience)
    except ChainBroken:
        return frozenset()


def regain_readers(lane: Lane, content: bytes | None) -> None:
    """Know again, after a restore, who joined a lane of ours, by the entry that says so.

    Args:
        lane: a lane of ours that was restored.
        content: of an entry of the kind ``lane.joined``; None where nobody has it any more.
    """
    try:
        said = strict_json.parse(content or b"{}")
        joined = {
            str(each["node"]): strict_json.as_count(each["seq"])
            for each in said["joined"]
            if as_sha256(each["prev"])
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return
    LaneReader.objects.bulk_create(
        (
            LaneReader(lane=lane, partner=partner, first_seq=joined[partner.node])
            for partner in Partner.objects.filter(node__in=joined)
        ),
        ignore_conflicts=True,
    )


# ---- a partner's lane ---------------------------------------------------------------------------------------------
def offered_floor(offer: LaneOffer, keys: Verifier) -> Floor | None:
    """From where this node is to read a lane that it is offered; None for one that was opened for it.

    Args:
        offer: of a partner.
        keys: those of that partner.

    Raises:
        ChainBroken: the floor is not the partner's word, or is for another node or another lane.
    """
    if not offer.floor:
        return None
    floor = floors.read(offer.floor, keys)
    said = (floor.lane, floor.reader, floor.agreement, floor.clause)
    if said != (offer.lane, settings.BASE_URL, offer.agreement, offer.clause):
        raise ChainBroken("sender", -1, "the floor is for another node, or of another lane")
    return floor
