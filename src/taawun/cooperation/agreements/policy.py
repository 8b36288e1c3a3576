"""The decision: may this party have this release? Compiled once, asked in microseconds. Pure.

Source: docs/protocol.md, "Decision". :meth:`Policy.decide` answers for one party and one release;
``queries.readable_by`` says the same as a database condition, and a property test holds the two equal.

Two readings of the protocol are fixed here. A clause that lists topics matches a release that has at least one of
them. And RED flows only to a release that names its persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements.decision import (
    FOREVER,
    Allowed,
    Decision,
    Denied,
    Facts,
    Grant,
    Origin,
    kind_matches,
    obstacle,
    strictness,
)
from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.agreements.layout import Proposal, lay_out, narrowest_pattern
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.agreements.layout import Layout
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
    "basis_of",
    "compile_policy",
    "kind_matches",
]


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


# what is said of parties that stand in no clause of ours, whatever the kind
_NO_AGREEMENT: Final = lay_out((), (), Denied("no-agreement"), "", 0.0)
_DIRECTION: Final = lay_out((), (), Denied("direction"), "", 0.0)


class Policy:
    """The compiled rules of this node as a sender.

    Args:
        grants: for each party key, every clause that names it as a receiver and us as a sender.
        known: party keys that stand in any agreement, whatever its direction.
        signatories: for each lineage and party key that signed, the spans in which it is bound.
        generation: the mark of the changes it was compiled at.
        proposals: for each lineage that never was in force, what it proposes.
    """

    def __init__(
        self,
        grants: Mapping[str, Sequence[Grant]],
        known: frozenset[str],
        signatories: Mapping[UUID, Mapping[str, Sequence[tuple[float, float]]]],
        generation: int,
        proposals: Mapping[UUID, Proposal],
    ) -> None:
        self._grants = {party: tuple(sorted(held, key=strictness)) for party, held in grants.items()}
        self._proposals = dict(proposals)
        self._proposed = _by_receiver(proposals.values())
        self._signatories = dict(signatories)
        self.parties: tuple[str, ...] = tuple(sorted(known))
        """Every party key that stands in any agreement, sorted."""
        self.generation = generation
        self._known = known
        self._patterns: dict[str, frozenset[str]] = {}
        self._layouts: dict[tuple[str, str], Layout] = {}
        self._by_clause: dict[str, dict[tuple[UUID, str], list[Grant]]] = {}

    def decide(self, party: str, release: Facts, at: float) -> Decision:
        """Whether a party may have a release.

        Args:
            party: a node's base address, or ``host#ref`` for a guest.
            release: what is to be decided about.
            at: now, in seconds since the epoch.

        Returns:
            ``Allowed`` over the strictest clause that allows it, or ``Denied`` with the most helpful reason.
        """
        found = self._layout(party, release.kind, at).decide(release)
        if isinstance(found, Denied):
            return found
        hindrance = self._hindrance(party, release, at)
        return Denied(hindrance, found.grant) if hindrance else found

    def all_allowing(self, party: str, release: Facts, at: float) -> tuple[Grant, ...]:
        """Every clause over which the party may have the release, strictest first; the publisher may tick more."""
        if self._hindrance(party, release, at):
            return ()
        return self._layout(party, release.kind, at).allowing(release)

    def allows_over(
        self, party: str, release: Facts, at: float, clause: tuple[UUID, str], issued: float
    ) -> bool:
        """Whether a party may have a release over one clause, in whatever version of it.

        Args:
            party: a party key.
            release: what is to be decided about.
            at: now, in seconds since the epoch.
            clause: lineage of the agreement, and the clause's ref.
            issued: when the release went over the clause; who joined later has it only with the clause's history.
        """
        return any(
            grant.since <= issued and not obstacle(grant, release, at)
            for grant in self.grants_over(party, clause)
        ) and not self._hindrance(party, release, at)

    def obstacles(self, grants: Sequence[Grant], release: Facts, at: Sequence[float]) -> tuple[str, ...]:
        """For each of these clauses and instants, why it does not allow the release; empty where it does."""
        return tuple(obstacle(grant, release, moment) for grant in grants for moment in at)

    def grants(self, party: str) -> tuple[Grant, ...]:
        """Every clause that names the party as a receiver and was in force or will be, strictest first."""
        return self._grants.get(party, ())

    def grants_over(self, party: str, clause: tuple[UUID, str]) -> tuple[Grant, ...]:
        """What one clause (lineage and ref) gives a party, in every version."""
        if party not in self._grants:
            return ()
        held = self._by_clause.get(party)
        if held is None:
            held = {}
            for grant in self.grants(party):
                held.setdefault((grant.agreement, grant.clause.ref), []).append(grant)
            self._by_clause[party] = held
        return tuple(held.get(clause, ()))

    def keys_of(self, node: str) -> tuple[str, ...]:
        """The party keys of a node and of its guests, sorted."""
        return self._keys.get(node, ())

    def unopened(self, agreement: UUID) -> str:
        """Why nothing flows under an agreement that never was in force; empty for any other."""
        proposal = self._proposals.get(agreement)
        return proposal.refusal.reason if proposal else ""

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

    @cached_property
    def _keys(self) -> dict[str, tuple[str, ...]]:
        keys: dict[str, list[str]] = {}
        for party in self.parties:
            keys.setdefault(party.partition("#")[0], []).append(party)
        return {node: tuple(held) for node, held in keys.items()}

    def _layout(self, party: str, kind: str, at: float) -> Layout:
        # parties and kinds come from outside too: what is remembered is bounded by what agreements name
        grants, proposals = self._grants.get(party, ()), self._proposed.get(party, ())
        if not grants and not proposals:
            return _DIRECTION if party in self._known else _NO_AGREEMENT
        key = (party, narrowest_pattern(self._patterns_of(party), kind))
        found = self._layouts.get(key)
        if found is None or not found.opens <= at < found.closes:
            found = self._layouts[key] = lay_out(grants, proposals, Denied("direction"), kind, at)
        return found

    def _patterns_of(self, party: str) -> frozenset[str]:
        """Every pattern of a kind that some clause or proposal names for the party."""
        found = self._patterns.get(party)
        if found is None:
            named = [grant.clause.kinds for grant in self.grants(party)]
            found = frozenset().union(*named, *(each.kinds for each in self._proposed.get(party, ())))
            self._patterns[party] = found
        return found

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


def compile_policy(
    own: str, agreed: Iterable[Agreed], trust: Mapping[str, PartnerTrust], generation: int
) -> Policy:
    """Turn agreements into grants.

    Args:
        own: our base address: the sender of every decision.
        agreed: all agreements that were ever proposed.
        trust: for each partner's base address, whether it may receive. A node that is missing is not verified.
        generation: the mark of the changes this is compiled at.
    """
    grants: dict[str, list[Grant]] = {}
    known: set[str] = set()
    signatories: dict[UUID, dict[str, list[tuple[float, float]]]] = {}
    proposals: dict[UUID, Proposal] = {}
    for each in agreed:
        spans = _spans(each.standing, own)
        joined = _joined(spans)
        for span in spans:
            known.update(key for key in span.keys.values() if key != own)
            for key, bound in span.bound().items():
                signatories.setdefault(span.document.id, {}).setdefault(key, []).append(bound)
            trusted = {ref: _trust_in(node, trust, own) for ref, node in span.nodes.items()}
            for clause in span.document.clauses:
                for ref in _receivers(clause, span.sender, span.document):
                    key = span.keys[ref]
                    held = span.grant(each.code, clause, ref, trusted[ref], joined.get(key, 0.0))
                    grants.setdefault(key, []).append(held)
        document = _never_in_force(each.standing, own)
        if document is not None:
            known.update(key for key in _keys(document).values() if key != own)
            proposals[document.id] = _proposal(each, document, own)
    return Policy(grants, frozenset(known), signatories, generation, proposals)


def basis_of(standing: Standing) -> tuple[object, ...]:
    """What of a standing grants are made of: as long as it is the same, so is every policy."""
    return (
        standing.windows,
        bool(standing.suspensions),
        standing.ends,
        None if standing.windows else standing.current,
        standing.state == "terminated",
    )


def _never_in_force(standing: Standing, own: str) -> Document | None:
    """The version of an agreement that never was in force nor will be as it stands; None where one was or will be."""
    document = standing.current
    if standing.state == "draft" or document is None or standing.windows or document.party_of(own) is None:
        return None
    return document


def _proposal(agreed: Agreed, document: Document, own: str) -> Proposal:
    """One refusal for a whole version: whoever proposes hundreds of clauses takes no more room than for one."""
    reason = "terminated" if agreed.standing.state == "terminated" else "unsigned"
    sender, keys = _ref_of(document, own), _keys(document)
    reaching = [
        (clause, refs) for clause in document.clauses if (refs := _receivers(clause, sender, document))
    ]
    first = Grant(
        agreement=document.id,
        code=agreed.code,
        digest=document.digest,
        clause=reaching[0][0] if reaching else document.clauses[0],
        opens=0.0,
        closes=FOREVER,
        lapses=FOREVER,
        hindrance=reason,
    )
    receivers = frozenset(keys[ref] for _clause, refs in reaching for ref in refs)
    kinds = frozenset(kind for clause, _refs in reaching for kind in clause.kinds)
    return Proposal(Denied(reason, first), receivers, kinds)


def _by_receiver(proposals: Iterable[Proposal]) -> dict[str, tuple[Proposal, ...]]:
    """What was proposed about each party; of those with the same kinds and reason the first says it all."""
    found: dict[str, dict[tuple[str, frozenset[str]], Proposal]] = {}
    for each in proposals:
        for key in each.receivers:
            found.setdefault(key, {}).setdefault((each.refusal.reason, each.kinds), each)
    return {key: tuple(held.values()) for key, held in found.items()}


@dataclass(frozen=True, slots=True)
class _Span:
    """A version while it holds, as seen by a sender.

    Args:
        document: the version.
        sender: the sender's ref in it.
        keys: the party key of each ref.
        nodes: the node of each ref, for a guest its host's.
        opens, closes: seconds since the epoch.
        hindrance: why nothing flows under it at all, or empty.
        ending: reason once it is over.
        terminates: when a notice of termination takes effect.
        signed: refs that its signatures bind, each with when; a guest is bound by its host's.
    """

    document: Document
    sender: str
    keys: Mapping[str, str]
    nodes: Mapping[str, str]
    opens: float
    closes: float
    hindrance: str
    ending: str
    terminates: float
    signed: Mapping[str, float]

    def joined(self) -> dict[str, float]:
        """When each party key that signed did so."""
        return {self.keys[ref]: at for ref, at in self.signed.items()}

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
    """Versions that were in force or will be and name the sender, each with its window."""
    if standing.state == "draft" or standing.current is None:
        return []
    terminates = standing.ends.timestamp() if standing.ends else FOREVER
    return [
        _Span(
            window.document,
            sender,
            _keys(window.document),
            _nodes(window.document),
            window.opens.timestamp(),
            window.closes.timestamp() if window.closes else FOREVER,
            "suspended" if window.suspensions else "",
            _ending(window, standing),
            terminates,
            _bound_refs(window),
        )
        for window in standing.windows
        if (sender := _ref_of(window.document, own))
    ]


def _ref_of(document: Document, node: str) -> str:
    party = document.party_of(node)
    return party.ref if party else ""


def _nodes(document: Document) -> dict[str, str]:
    """The node that speaks for each ref."""
    own = {party.ref: party.node for party in document.parties}
    return {party.ref: party.node or own.get(party.host, "") for party in document.parties}


def _keys(document: Document) -> dict[str, str]:
    """How decisions name each ref: see :meth:`~taawun.cooperation.agreements.document.Document.key_of`."""
    nodes = _nodes(document)
    return {
        party.ref: party.node if party.kind == "node" else f"{nodes[party.ref]}#{party.ref}"
        for party in document.parties
    }


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


def _trust_in(node: str, trust: Mapping[str, PartnerTrust], own: str) -> PartnerTrust:
    """Whether the node that speaks for a party may receive."""
    if node == own:
        return PartnerTrust("", FOREVER)  # our own guest
    return trust.get(node, PartnerTrust("not-verified", FOREVER))
