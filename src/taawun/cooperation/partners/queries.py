"""Reading partners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, UUIDField, Value, When
from django.db.models.functions import Coalesce

from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.models import (
    GENESIS,
    Fork,
    Lane,
    LaneEntry,
    LaneReader,
    Partner,
    Reset,
    called,
)
from taawun.cooperation.partners.restarts import statements
from taawun.foundation.folding import words_match
from taawun.foundation.multilingual import Text
from taawun.platform.web.questions import Question, given

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = [
    "agreed_point",
    "forks_with",
    "known_partners",
    "lane_with",
    "lanes_with",
    "matching",
    "nation_words",
    "partner_addresses",
    "partner_names",
    "point_of",
    "pulse",
    "troubled_first",
]


def matching(text: str = "", state: str = "") -> list[Partner]:
    """Partners by nation and address. Who may ask is the caller's question (``read:partners``).

    Names are compared folded and in every language they are given in, so «الجنوب» finds «جنوب». A node has at most
    some hundred partners: they are read and compared one by one.

    Args:
        text: words of a name, a nation or an address; empty for all.
        state: a ``Partner.State`` value; empty for any.
    """
    found = Partner.objects.order_by("nation", "node")
    if state:
        found = found.filter(state=state)
    return [partner for partner in found if words_match(text, _texts(partner))]


def known_partners() -> QuerySet[Partner]:
    """Partners whose key is known, nation by nation: from whom something can have come."""
    return Partner.objects.exclude(kid="").order_by("nation", "node")


def partner_names() -> dict[UUID, Text]:
    """What those are called, by their ids, in the same order: for lists to choose one from."""
    return {key: called(names, node) for key, names, node in _NAMES.ask()}


def partner_addresses() -> dict[str, Text]:
    """What those are called, by the addresses of their nodes, in the same order."""
    return {node: called(names, node) for _key, names, node in _NAMES.ask()}


_NAMES: Final = Question(lambda: known_partners().values_list("id", "names", "node"))


def nation_words() -> dict[str, Text]:
    """What nations call themselves, as the partners that speak for them say; only those that were compared."""
    # two nodes of one nation: the one that was compared first
    return {code: Text.from_json(names) for code, names in _NAMED_THEMSELVES.ask()}


def pulse(partner: str) -> str:
    """When a partner was last heard and how far its lanes are, which leaves no row in the trail.

    Every poll of its page asks it.

    Args:
        partner: its id.
    """
    return "".join(
        f"{state}:{failures}:{heard.timestamp() if heard else ''}:{taken}:{given_on}".replace(".", "_")
        for state, failures, heard, taken, given_on in _HOW_IT_STANDS.ask(partner=UUID(partner))
    )


def _sum(rows: QuerySet[Any], *fields: str) -> Coalesce:
    """Of numbers that only grow: it changes with each of them."""
    whole = sum((F(each) for each in fields[1:]), start=F(fields[0]))
    added = rows.order_by().values("partner" if rows.model is LaneReader else "sender")
    return Coalesce(Subquery(added.annotate(whole=Sum(whole)).values("whole")[:1]), Value(0))


_HOW_IT_STANDS: Final = Question(
    lambda: Partner.objects.filter(id=given("partner", UUIDField())).values_list(
        "state",
        "failures",
        "last_contact",
        _sum(Lane.objects.filter(sender=OuterRef("pk")), "known_seq", "head_seq", "acknowledged_seq"),
        _sum(LaneReader.objects.filter(partner=OuterRef("pk")), "receipt_seq", "delivered_seq"),
    )
)

# every page asks it
_NAMED_THEMSELVES: Final = Question(
    lambda: (
        Partner.objects.filter(kind="nation", state=Partner.State.VERIFIED)
        .exclude(nation_names={})
        .order_by("-verified", "node")
        .values_list("nation", "nation_names")
    )
)


def _texts(partner: Partner) -> list[str]:
    return [*partner.names.values(), *partner.nation_names.values(), partner.nation, partner.node]


# ---- lanes ------------------------------------------------------------------------------------------------------
def lanes_with(partner: Partner, direction: str = "", state: str = "") -> QuerySet[Lane]:
    """The lanes between this node and a partner, each with how far its reader signed for it (``receipt_seq``).

    Args:
        partner: which.
        direction: ``received`` or ``sent``; empty for both.
        state: a ``Lane.State`` value, or ``waiting`` for what runs and is not in step; empty for any.
    """
    # only a lane of ours is read by somebody else, who signs receipts; of theirs we know our own
    signed = LaneReader.objects.filter(lane__sender=None, partner=partner)
    theirs, ours = Q(sender=partner), Q(id__in=signed.values("lane"))
    sides = {"received": theirs, "sent": ours}.get(direction, theirs | ours)
    found = Lane.objects.filter(sides).annotate(
        receipt_seq=Subquery(signed.filter(lane=OuterRef("pk")).values("receipt_seq"))
    )
    if state == "waiting":
        to_fetch = Q(known_seq__gt=F("head_seq")) | Q(stale_since__isnull=False)
        # messages are answered by messages; all else is signed for
        to_sign = Q(receipt_seq__lt=F("head_seq")) & ~Q(purpose=Lane.Purpose.TALK)
        found = found.filter(to_fetch | to_sign, state=Lane.State.RUNNING)
    elif state:
        found = found.filter(state=state)
    return found


def troubled_first(lanes: QuerySet[Lane]) -> QuerySet[Lane]:
    """Lanes in the order in which people look at them: what stands still, then talk, the partner's before ours."""
    stands = Q(state=Lane.State.STOPPED) | Q(stale_since__isnull=False) | Q(known_seq__gt=F("head_seq"))
    return lanes.order_by(
        Case(When(stands, then=Value(0)), default=Value(1)),
        "-purpose",
        Case(When(sender=None, then=Value(1)), default=Value(0)),
        "opened",
        "id",
    )


# ---- stopped lanes ----------------------------------------------------------------------------------------------
def lane_with(partner: Partner, lane_id: UUID) -> Lane | None:
    """A lane between this node and a partner, in either direction; None where there is no such."""
    between = Q(sender=partner) | Q(sender=None, readers__partner=partner)
    return Lane.objects.filter(between, id=lane_id, part_of=None).first()


def forks_with(partner: Partner) -> QuerySet[Fork]:
    """The proofs of two histories of lanes that a partner sends, and of ours that it showed us."""
    of_it = Q(lane__sender=partner) | Q(lane__sender=None, shown_by=partner)
    return Fork.objects.filter(of_it).select_related("lane__sender", "shown_by")


def agreed_point(reset: Reset) -> tuple[int, str]:
    """The last entry of our lane that its reader holds as well, as far as it named the entries that it holds.

    Args:
        reset: a restart of one of our lanes.

    Returns:
        Its number and digest; -1 and 64 zeros where they agree on none.
    """
    told = statements.read(reset.proposal, lineage_of(reset.partner))
    named = [seq for seq, _digest in told.places]
    ours = dict(LaneEntry.objects.filter(lane=reset.lane_id, seq__in=named).values_list("seq", "digest"))
    return max(
        ((seq, digest) for seq, digest in told.places if ours.get(seq) == digest), default=(-1, GENESIS)
    )


def point_of(reset: Reset) -> int | None:
    """From which entry a lane goes on: what was signed for, or what we would sign for; None while it is not known."""
    if reset.point_seq is None and reset.lane.sender_id is None and reset.state == Reset.State.PROPOSED:
        return agreed_point(reset)[0]
    return reset.point_seq
