"""What a decision is about and what it says: the nouns of :mod:`~taawun.cooperation.agreements.policy`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from taawun.cooperation.agreements.document import Clause

__all__ = [
    "FOREVER",
    "ONWARD_RANK",
    "Allowed",
    "Decision",
    "Denied",
    "Facts",
    "Grant",
    "Origin",
    "closed_by",
    "kind_matches",
    "obstacle",
    "reads",
    "stage",
    "strictness",
]

FOREVER: Final = float("inf")
ONWARD_RANK: Final = {"none": 0, "named": 1, "parties": 2, "public": 3}
# The stages of a decision, in order: of several refusals the one that came furthest is the helpful one
_STAGES: Final = (
    "no-agreement",
    "direction",
    "kind",
    "topics",
    "unsigned",
    "unratified",
    "left",
    "terminated",
    "expired",
    "ended",
    "not-begun",
    "suspended",
    "partner-blocked",
    "not-verified",
    "descriptor-lapsed",
    "unconfirmed",
    "tlp",
    "narrowed",
)
_RANK: Final = {reason: rank for rank, reason in enumerate(_STAGES)}


@dataclass(frozen=True, slots=True)
class Origin:
    """How far something that came from elsewhere may go onward: the strictest of all its hops.

    Args:
        rule: ``own`` for what is ours, else ``none``, ``named``, ``parties`` or ``public``.
        agreement: for ``parties``: lineage of the agreement whose signatories it may reach.
        named: for ``named``: party keys.
        bound: a narrowed audience of some hop: party keys it may not go beyond; None without one.
    """

    rule: str = "own"
    agreement: UUID | None = None
    named: frozenset[str] = frozenset()
    bound: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision looks at in a release.

    Args:
        kind: release kind.
        tlp: its marking.
        topics: ``vocabulary:id`` terms.
        audience: party keys the publisher named, or None for all the clauses allow. Empty reaches nobody.
        names_persons: whether it names the persons it is for.
        origin: where it came from and how far it may go.
    """

    kind: str
    tlp: Tlp
    topics: frozenset[str] = frozenset()
    audience: frozenset[str] | None = None
    names_persons: bool = False
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class Grant:
    """A clause as it applies to one receiver.

    Args:
        agreement: lineage.
        code: what people here call the agreement, for example ``AG-014``.
        digest: of the document.
        clause: the clause.
        opens, closes: instants (seconds since the epoch) between which it holds.
        lapses: when the receiver's descriptor lapses; ``closes`` is never later.
        hindrance: stable reason why it does not hold at all now, or empty.
        ending: reason once its version is over: ``terminated``, ``expired``, ``ended`` when another followed, or
            ``left`` where one of the two parties leaves before.
        since: what was issued before this instant is not the receiver's: it joined then, and the clause gives no
            earlier history; 0 where it does.
        joined: when the receiver joined; what was issued before is its only where the clause gave newcomers the history
            when it was issued too.
        terminates: when a notice of termination takes effect; from then on that is why nothing flows, also where its
            version was over before.
        suspended_until: until when it is suspended, for example until the party that suspended it has left; 0 where
            it is not.
        is_narrowed: whether a declaration leaves it out; what one leaves of it is another grant.
    """

    agreement: UUID
    code: str
    digest: str
    clause: Clause
    opens: float
    closes: float
    lapses: float
    hindrance: str
    ending: str = "ended"
    since: float = 0.0
    joined: float = 0.0
    terminates: float = FOREVER
    suspended_until: float = 0.0
    is_narrowed: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes, over this clause."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Denied:
    """No, and why.

    Args:
        reason: stable code: ``no-agreement``, ``direction``, ``kind``, ``topics``, ``not-begun``, ``ended``,
            ``suspended``, ``terminated``, ``expired``, ``unsigned``, ``unratified``, ``left``, ``unconfirmed``,
            ``narrowed``, ``not-verified``, ``descriptor-lapsed``, ``partner-blocked``, ``tlp``, ``red-unnamed``,
            ``audience``, ``onward``, ``has-it``.
        grant: the clause that came nearest, where one did.
    """

    reason: str
    grant: Grant | None = None


Decision = Allowed | Denied


def kind_matches(patterns: Iterable[str], kind: str) -> bool:
    """Whether a kind is one of these: exact, ``room.*`` or ``*``."""
    return any(
        pattern in ("*", kind) or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))
        for pattern in patterns
    )


def obstacle(grant: Grant, release: Facts, at: float) -> str:
    """Why this clause does not allow it, or empty."""
    clause = grant.clause
    if not kind_matches(clause.kinds, release.kind):
        return "kind"
    if clause.topics and release.topics.isdisjoint(clause.topics):
        return "topics"
    closed = closed_by(grant, at) or ("tlp" if release.tlp > clause.tlp_max else "")
    return closed or ("narrowed" if grant.is_narrowed else "")


def reads(grant: Grant, issued: float, *, gave_history: bool) -> bool:
    """Whether a clause lets its receiver read what was issued over it at an instant, as far as that is about when.

    Args:
        grant: the clause as it is now.
        issued: when it was sent, in seconds since the epoch.
        gave_history: whether the clause gave newcomers the history in the version under which it was sent. Whoever
            published it under one that did not counted on that.
    """
    return grant.since <= issued and (gave_history or grant.joined <= issued)


def closed_by(grant: Grant, at: float) -> str:
    """Why this clause holds for nothing at an instant, or empty."""
    # a suspension that nobody lifted ends with what it suspends
    if at < grant.suspended_until and not grant.closes <= at < grant.lapses:
        return "suspended"
    if grant.hindrance:
        return grant.hindrance
    if at < grant.opens:
        return "not-begun"
    if at >= grant.lapses:
        return "descriptor-lapsed"
    if at >= grant.closes:
        return "terminated" if at >= grant.terminates else grant.ending
    return ""


def stage(reason: str) -> int:
    """How far a decision came before this reason stopped it; more is further."""
    return _RANK[reason]


def strictness(grant: Grant) -> tuple[int, int, int, str, str]:
    """Strictest first: lowest marking, then least onward, then shortest keeping, then a stable order."""
    clause = grant.clause
    kept = clause.retention_days if clause.retention_days is not None else 1_000_000
    return (clause.tlp_max, ONWARD_RANK[clause.onward.rule], kept, grant.code, clause.ref)
