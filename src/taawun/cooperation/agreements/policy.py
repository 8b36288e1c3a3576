"""The decision: may this party have this release? Compiled once, asked in microseconds. Pure.

Source: docs/protocol.md, "Decision". :meth:`Policy.decide` answers for one party and one release;
``queries.readable_by`` says the same as a database condition, and a property test holds the two equal.

Two readings of the protocol are fixed here. A clause that lists topics matches a release that has at least one of
them. And RED flows only to a release that names its persons.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements.document import ANY
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.agreements.standing import Standing, Window

__all__ = [
    "Agreed",
    "Allowed",
    "Decision",
    "Denied",
    "Facts",
    "Grant",
    "Origin",
    "PartnerTrust",
    "Policy",
    "compile_policy",
]

_FOREVER: Final = float("inf")


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
        ending: reason once its version is over: ``terminated``, ``expired``, or ``ended`` when another followed.
        since: what was issued before this instant is not the receiver's: it joined then, and the clause gives no
            earlier history; 0 where it does.
        terminates: when a notice of termination takes effect; from then on that is why nothing flows, also where its
            version was over before.
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
    terminates: float = _FOREVER


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes, over this clause."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Denied:
    """No, and why.

    Args:
        reason: stable code: ``no-agreement``, ``direction``, ``kind``, ``topics``, ``not-begun``, ``ended``,
            ``suspended``, ``terminated``, ``expired``, ``unsigned``, ``not-verified``, ``descriptor-lapsed``,
            ``partner-blocked``, ``tlp``, ``red-unnamed``, ``audience``, ``onward``.
        grant: the clause that came nearest, where one did.
    """

    reason: str
    grant: Grant | None = None


Decision = Allowed | Denied


@dataclass(frozen=True, slots=True)
class Agreed:
    """One agreement as the policy is compiled from it.

    Args:
        code: what people here call it.
        standing: where it stands.
    """

    code: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class PartnerTrust:
    """Whether a partner may receive anything at all.

    Args:
        hindrance: reason code, or empty.
        until: when its descriptor lapses, in seconds since the epoch.
    """

    hindrance: str
    until: float


# The stages of a decision, in order: of several refusals the one that came furthest is the helpful one
_STAGES: Final = (
    "no-agreement",
    "direction",
    "kind",
    "topics",
    "unsigned",
    "terminated",
    "expired",
    "ended",
    "not-begun",
    "suspended",
    "partner-blocked",
    "not-verified",
    "descriptor-lapsed",
    "tlp",
)
_RANK: Final = {reason: rank for rank, reason in enumerate(_STAGES)}
_ONWARD_RANK: Final = {"none": 0, "named": 1, "parties": 2, "public": 3}


@dataclass(frozen=True, slots=True)
class _Clauses:
    """What one party's clauses say about one kind, laid out so that a refusal is as quick as a yes.

    Args:
        free: clauses on all topics, strictest first.
        levels: their highest markings, ascending, for a binary search.
        by_topic: clauses on some topics, for each of their topics, strictest first.
        off_topic: one of the latter, for the reason "covers other topics".
        stopped: clauses under suspension, strictest first; why they do not hold changes when they end.
        closed: the most helpful refusal by a clause that does not hold at all now.
    """

    free: tuple[_Open, ...]
    levels: tuple[int, ...]
    by_topic: Mapping[str, tuple[_Open, ...]]
    off_topic: Grant | None
    stopped: tuple[Grant, ...]
    closed: Denied


@dataclass(frozen=True, slots=True)
class _Open:
    """A clause that holds, with its place in the order of strictness and the answer it would give."""

    place: int
    grant: Grant
    answer: Allowed


# how many clauses that fail by time alone are looked at for a reason; one is enough for nearly all
_LOOKED_AT: Final = 8


class Policy:
    """The compiled rules of this node as a sender.

    Args:
        grants: for each party key, every clause that names it as a receiver and us as a sender.
        known: party keys that stand in any agreement, whatever its direction.
        signatories: for each lineage and party key that signed, the spans in which it is bound.
        generation: the count of changes it was compiled at.
    """

    def __init__(
        self,
        grants: Mapping[str, Sequence[Grant]],
        known: frozenset[str],
        signatories: Mapping[UUID, Mapping[str, Sequence[tuple[float, float]]]],
        generation: int,
    ) -> None:
        self._grants = {party: tuple(sorted(held, key=_strictness)) for party, held in grants.items()}
        self._known = known
        self._signatories = dict(signatories)
        self.generation = generation
        self._clauses: dict[tuple[str, str], _Clauses] = {}

    @property
    def parties(self) -> tuple[str, ...]:
        """Every party key that stands in any agreement, sorted."""
        return tuple(sorted(self._known))

    def decide(self, party: str, release: Facts, at: float) -> Decision:
        """Whether a party may have a release.

        Args:
            party: a node's base address, or ``host#ref`` for a guest.
            release: what is to be decided about.
            at: now, in seconds since the epoch.

        Returns:
            ``Allowed`` over the strictest clause that allows it, or ``Denied`` with the most helpful reason.
        """
        clauses = self._clauses_for(party, release.kind)
        found = _strictest(clauses, release, at)
        if found is None:
            return _why_not(clauses, release, at)
        hindrance = self._hindrance(party, release, at)
        return Denied(hindrance, found.grant) if hindrance else found.answer

    def all_allowing(self, party: str, release: Facts, at: float) -> tuple[Grant, ...]:
        """Every clause over which the party may have the release, strictest first; the publisher may tick more."""
        if self._hindrance(party, release, at):
            return ()
        return tuple(grant for grant in self.grants(party) if not _obstacle(grant, release, at))

    def obstacles(self, grants: Sequence[Grant], release: Facts, at: Sequence[float]) -> tuple[str, ...]:
        """For each of these clauses and instants, why it does not allow the release; empty where it does."""
        return tuple(_obstacle(grant, release, moment) for grant in grants for moment in at)

    def grants(self, party: str) -> tuple[Grant, ...]:
        """Every clause that names the party as a receiver, strictest first."""
        return self._grants.get(party, ())

    def signatories(self, agreement: UUID, at: float) -> frozenset[str]:
        """Party keys that an agreement in force binds at an instant; nobody for an unknown one."""
        return frozenset(
            party for party in self._signatories.get(agreement, ()) if self._is_bound(agreement, party, at)
        )

    def agreements_of(self, party: str, at: float) -> frozenset[UUID]:
        """Lineages of the agreements in force that bind the party at an instant."""
        return frozenset(each for each in self._signatories if self._is_bound(each, party, at))

    def _is_bound(self, agreement: UUID, party: str, at: float) -> bool:
        spans = self._signatories.get(agreement, {}).get(party, ())
        return any(opens <= at < closes for opens, closes in spans)

    def _clauses_for(self, party: str, kind: str) -> _Clauses:
        found = self._clauses.get((party, kind))
        if found is None:
            found = self._laid_out(party, kind)
            # kinds come from outside too: only what some clause names is worth remembering
            if found.free or found.by_topic:
                self._clauses[party, kind] = found
        return found

    def _laid_out(self, party: str, kind: str) -> _Clauses:
        free: list[_Open] = []
        by_topic: dict[str, list[_Open]] = {}
        off_topic: Grant | None = None
        stopped: list[Grant] = []
        closed = Denied("direction" if party in self._known else "no-agreement")
        for place, grant in enumerate(self.grants(party)):
            clause = grant.clause
            if not kind_matches(clause.kinds, kind):
                closed = _further(closed, Denied("kind", grant))
            elif grant.hindrance == "suspended":
                stopped.append(grant)
            elif grant.hindrance:
                closed = _further(closed, Denied(grant.hindrance, grant))
            elif clause.topics:
                off_topic = grant
                for topic in clause.topics:
                    by_topic.setdefault(topic, []).append(_Open(place, grant, Allowed(grant)))
            else:
                free.append(_Open(place, grant, Allowed(grant)))
        return _Clauses(
            free=tuple(free),
            levels=tuple(each.grant.clause.tlp_max for each in free),
            by_topic={topic: tuple(held) for topic, held in by_topic.items()},
            off_topic=off_topic,
            stopped=tuple(stopped),
            closed=closed,
        )

    def _hindrance(self, party: str, release: Facts, at: float) -> str:
        """What stands in the way whatever the clause."""
        if release.audience is not None and party not in release.audience:
            return "audience"
        if release.tlp == Tlp.RED and not release.names_persons:
            return "red-unnamed"
        if release.origin.rule != "own" and not self._may_go_onward(party, release, at):
            return "onward"
        return ""

    def _may_go_onward(self, party: str, release: Facts, at: float) -> bool:
        origin = release.origin
        if release.tlp >= Tlp.AMBER_STRICT or origin.rule == "none":
            return False
        if origin.bound is not None and party not in origin.bound:
            return False
        if origin.rule == "named":
            return party in origin.named
        if release.tlp == Tlp.AMBER:
            return False
        if origin.rule == "parties":
            return origin.agreement is not None and self._is_bound(origin.agreement, party, at)
        return origin.rule == "public"


def _strictest(clauses: _Clauses, release: Facts, at: float) -> _Open | None:
    """The strictest clause that allows it, or None."""
    best = None
    for each in clauses.free[bisect_left(clauses.levels, release.tlp) :]:
        if each.grant.opens <= at < each.grant.closes:
            best = each
            break
    for topic in release.topics if clauses.by_topic else ():
        for each in clauses.by_topic.get(topic, ()):
            if best is not None and best.place < each.place:
                break
            if release.tlp <= each.grant.clause.tlp_max and each.grant.opens <= at < each.grant.closes:
                best = each
                break
    return best


def _why_not(clauses: _Clauses, release: Facts, at: float) -> Denied:
    """Of all refusals the one that came furthest: it is the helpful one."""
    best = clauses.closed
    if clauses.off_topic:
        best = _further(best, Denied("topics", clauses.off_topic))
    first = bisect_left(clauses.levels, release.tlp)
    # too strict a marking, nearest first; then clauses that fail by time alone
    near = [*reversed(clauses.free[:first][-_LOOKED_AT:]), *clauses.free[first : first + _LOOKED_AT]]
    near += [each for topic in release.topics for each in clauses.by_topic.get(topic, ())[-_LOOKED_AT:]]
    for grant in clauses.stopped[-_LOOKED_AT:]:
        best = _further(best, Denied(_obstacle(grant, release, at), grant))
    for each in near:
        best = _further(best, Denied(_obstacle(each.grant, release, at), each.grant))
    return best


def _further(one: Denied, other: Denied) -> Denied:
    return other if _RANK[other.reason] > _RANK[one.reason] else one


def kind_matches(patterns: Iterable[str], kind: str) -> bool:
    """Whether a kind is one of these: exact, ``room.*`` or ``*``."""
    return any(
        pattern in ("*", kind) or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))
        for pattern in patterns
    )


def _obstacle(grant: Grant, release: Facts, at: float) -> str:  # noqa: PLR0911 - one line for each reason
    """Why this clause does not allow it, or empty."""
    clause = grant.clause
    if not kind_matches(clause.kinds, release.kind):
        return "kind"
    if clause.topics and release.topics.isdisjoint(clause.topics):
        return "topics"
    # a suspension that nobody lifted ends with what it suspends
    is_over = grant.closes <= at < grant.lapses and grant.hindrance == "suspended"
    if grant.hindrance and not is_over:
        return grant.hindrance
    if at < grant.opens:
        return "not-begun"
    if at >= grant.lapses:
        return "descriptor-lapsed"
    if at >= grant.closes:
        return "terminated" if at >= grant.terminates else grant.ending
    if release.tlp > clause.tlp_max:
        return "tlp"
    return ""


def _strictness(grant: Grant) -> tuple[int, int, int, str, str]:
    """Strictest first: lowest marking, then least onward, then shortest keeping, then a stable order."""
    clause = grant.clause
    kept = clause.retention_days if clause.retention_days is not None else 1_000_000
    return (clause.tlp_max, _ONWARD_RANK[clause.onward.rule], kept, grant.code, clause.ref)


def compile_policy(
    own: str, agreed: Iterable[Agreed], trust: Mapping[str, PartnerTrust], generation: int
) -> Policy:
    """Turn agreements into grants.

    Args:
        own: our base address: the sender of every decision.
        agreed: all agreements that were ever proposed.
        trust: for each partner's base address, whether it may receive. A node that is missing is not verified.
        generation: the count of changes this is compiled at.
    """
    grants: dict[str, list[Grant]] = {}
    known: set[str] = set()
    signatories: dict[UUID, dict[str, list[tuple[float, float]]]] = {}
    for each in agreed:
        spans = _spans(each.standing, own)
        joined = _joined(spans)
        for span in spans:
            keys = span.keys
            known.update(key for key in keys.values() if key != own)
            for key, bound in span.bound().items():
                signatories.setdefault(span.document.id, {}).setdefault(key, []).append(bound)
            for clause in span.document.clauses:
                for ref in _receivers(clause, span.sender, span.document):
                    held = _trust_of(span.document, ref, trust, own)
                    grant = span.grant(each.code, clause, ref, held, joined.get(keys[ref], 0.0))
                    grants.setdefault(keys[ref], []).append(grant)
    return Policy(grants, frozenset(known), signatories, generation)


@dataclass(frozen=True, slots=True)
class _Span:
    """A version while it holds, or why it does not, as seen by a sender.

    Args:
        document: the version.
        sender: the sender's ref in it, or empty.
        opens, closes: seconds since the epoch.
        hindrance: why nothing flows under it at all, or empty.
        ending: reason once it is over.
        terminates: when a notice of termination takes effect.
        signed: refs that its signatures bind, each with when; a guest is bound by its host's.
    """

    document: Document
    sender: str
    opens: float
    closes: float
    hindrance: str
    ending: str
    terminates: float
    signed: Mapping[str, float]

    @property
    def keys(self) -> dict[str, str]:
        """The party key of each ref."""
        return {party.ref: self.document.key_of(party) for party in self.document.parties}

    def joined(self) -> dict[str, float]:
        """When each party key that signed did so."""
        keys = self.keys
        return {keys[ref]: at for ref, at in self.signed.items()}

    def bound(self) -> dict[str, tuple[float, float]]:
        """Party keys that it binds, each with from when to when."""
        if self.hindrance:
            return {}
        return {key: (max(self.opens, at), self.closes) for key, at in self.joined().items()}

    def grant(self, code: str, clause: Clause, ref: str, held: PartnerTrust, joined: float) -> Grant:
        """A clause of it for one receiver that joined the agreement at an instant."""
        unsigned = "" if ref in self.signed and self.sender in self.signed else "unsigned"
        began = [self.signed[each] for each in (ref, self.sender) if each in self.signed]
        return Grant(
            agreement=self.document.id,
            code=code,
            digest=self.document.digest,
            clause=clause,
            opens=max(self.opens, *began) if began else self.opens,
            closes=min(self.closes, held.until),
            lapses=held.until,
            hindrance=self.hindrance or unsigned or held.hindrance,
            ending=self.ending,
            since=0.0 if clause.history == "all" else joined,
            terminates=self.terminates,
        )


def _joined(spans: Iterable[_Span]) -> dict[str, float]:
    """When each party key first signed any version."""
    first: dict[str, float] = {}
    for span in spans:
        for key, at in span.joined().items():
            first[key] = min(at, first.get(key, at))
    return first


def _spans(standing: Standing, own: str) -> list[_Span]:
    """Versions with a sender in them: each with its window, or with the reason it has none."""
    if standing.state == "draft" or standing.current is None:
        return []
    hindrance = "suspended" if standing.suspensions else ""
    terminates = standing.ends.timestamp() if standing.ends else _FOREVER
    spans = [
        _Span(
            window.document,
            _ref_of(window.document, own),
            window.opens.timestamp(),
            window.closes.timestamp() if window.closes else _FOREVER,
            hindrance,
            _ending(window, standing),
            terminates,
            _bound_refs(window),
        )
        for window in standing.windows
    ]
    if not spans:
        reason = "terminated" if standing.state == "terminated" else "unsigned"
        ref = _ref_of(standing.current, own)
        spans = [_Span(standing.current, ref, 0.0, _FOREVER, reason, reason, terminates, {})]
    return [span for span in spans if span.sender]


def _ref_of(document: Document, node: str) -> str:
    party = document.party_of(node)
    return party.ref if party else ""


def _bound_refs(window: Window) -> dict[str, float]:
    signed = {ref: at.timestamp() for ref, at in window.signed}
    speakers = {party.ref: party.host or party.ref for party in window.document.parties}
    return {ref: signed[speaker] for ref, speaker in speakers.items() if speaker in signed}


def _ending(window: Window, standing: Standing) -> str:
    if window.closes is None:
        return "ended"
    if window.closes == standing.ends:
        return "terminated"
    return "expired" if window.closes == window.document.valid_until else "ended"


def _receivers(clause: Clause, sender: str, document: Document) -> list[str]:
    """Refs of the parties a clause lets this sender reach; the sender itself never is one."""
    if ANY not in clause.senders and sender not in clause.senders:
        return []
    everybody = [party.ref for party in document.parties] if ANY in clause.receivers else clause.receivers
    return [ref for ref in everybody if ref != sender]


def _trust_of(document: Document, ref: str, trust: Mapping[str, PartnerTrust], own: str) -> PartnerTrust:
    party = document.party(ref)
    if party is not None and party.kind == "guest":
        party = document.party(party.host)
    if party is not None and party.node == own:
        return PartnerTrust("", _FOREVER)  # our own guest
    return trust.get(party.node if party else "", PartnerTrust("not-verified", _FOREVER))
