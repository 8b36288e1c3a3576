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
    closed_by,
    kind_matches,
    obstacle,
    reads,
    strictness,
)
from taawun.cooperation.agreements.layout import Proposal, lay_out, narrowest_pattern
from taawun.cooperation.agreements.spans import (
    PartnerTrust,
    joined_in,
    keys_in,
    receivers_of,
    ref_of,
    spans_of,
    trust_in,
)
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from taawun.cooperation.agreements.document import Clause, Document
    from taawun.cooperation.agreements.layout import Layout
    from taawun.cooperation.agreements.spans import Span
    from taawun.cooperation.agreements.standing import Standing

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


# what is said of parties that stand in no clause of ours, whatever the kind
_NO_AGREEMENT: Final = lay_out((), (), Denied("no-agreement"), "", 0.0)
_DIRECTION: Final = lay_out((), (), Denied("direction"), "", 0.0)


class Policy:
    """The compiled rules of one party as a sender: this node, a partner, or a guest for whom its host sends.

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
        self._sides: dict[tuple[UUID, str], frozenset[str]] | None = None

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

    def allows_over(  # noqa: PLR0913 - what is asked about one entry of a lane
        self,
        party: str,
        release: Facts,
        at: float,
        clause: tuple[UUID, str],
        issued: float,
        *,
        gave_history: bool = True,
    ) -> bool:
        """Whether a party may have a release over one clause, in whatever version of it.

        Args:
            party: a party key.
            release: what is to be decided about.
            at: now, in seconds since the epoch.
            clause: lineage of the agreement, and the clause's ref.
            issued: when the release went over the clause; who joined later has it only with the clause's history.
            gave_history: whether the clause gave the history in the version under which it went.
        """
        return any(
            reads(grant, issued, gave_history=gave_history) and not obstacle(grant, release, at)
            for grant in self.grants_over(party, clause)
        ) and not self._hindrance(party, release, at)

    def obstacles(self, grants: Sequence[Grant], release: Facts, at: Sequence[float]) -> tuple[str, ...]:
        """For each of these clauses and instants, why it does not allow the release; empty where it does."""
        return tuple(obstacle(grant, release, moment) for grant in grants for moment in at)

    def grants(self, party: str) -> tuple[Grant, ...]:
        """Every clause that names the party as a receiver and was in force or will be, strictest first."""
        return self._grants.get(party, ())

    def open_to(self, party: str, at: float) -> tuple[Grant, ...]:
        """Every clause that gives a party something at an instant, strictest first."""
        return tuple(
            grant for grant in self.grants(party) if not grant.is_narrowed and not closed_by(grant, at)
        )

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

    def side_over(self, clause: tuple[UUID, str]) -> frozenset[str]:
        """Every party key that a clause (lineage and ref) lets us reach, in whatever version, whether now or not."""
        if self._sides is None:
            sides: dict[tuple[UUID, str], set[str]] = {}
            for party, held in self._grants.items():
                for each in held:
                    sides.setdefault((each.agreement, each.clause.ref), set()).add(party)
            self._sides = {key: frozenset(parties) for key, parties in sides.items()}
        return self._sides.get(clause, frozenset())

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
    own: str,
    agreed: Iterable[Agreed],
    trust: Mapping[str, PartnerTrust],
    generation: int,
    confirmed: Mapping[tuple[UUID, str], bool] | None = None,
) -> Policy:
    """Turn agreements into grants.

    Args:
        own: party key of the sender of every decision: our base address, a partner's, or that of a guest.
        agreed: all agreements that were ever proposed.
        trust: for each partner's base address, whether it may receive. A node that is missing is not verified.
        generation: the mark of the changes this is compiled at.
        confirmed: newcomers, by agreement and party key, that the sender confirmed, each with whether it may read what
            was sent before it joined. None where that is not ours to know: then all of them are.
    """
    grants: dict[str, list[Grant]] = {}
    known: set[str] = set()
    signatories: dict[UUID, dict[str, list[tuple[float, float]]]] = {}
    proposals: dict[UUID, Proposal] = {}
    speaker = own.partition("#")[0]
    for each in agreed:
        spans = spans_of(each.standing, own)
        joined = joined_in(spans)
        for span in spans:
            known.update(key for key in span.keys.values() if key != own)
            for key, bound in span.bound().items():
                signatories.setdefault(span.document.id, {}).setdefault(key, []).append(bound)
            trusted = {ref: trust_in(node, trust, speaker) for ref, node in span.nodes.items()}
            for clause in span.document.clauses:
                for ref in receivers_of(clause, span.sender, span.document):
                    key = span.keys[ref]
                    from_when = _reads_from(span, clause, ref, joined.get(key, 0.0), confirmed)
                    held = span.grant(
                        each.code, clause, ref, trusted[ref], from_when, joined=joined.get(key, 0.0)
                    )
                    grants.setdefault(key, []).extend(span.as_declared(held, ref))
        document = _never_in_force(each.standing, own)
        if document is not None:
            known.update(key for key in keys_in(document).values() if key != own)
            proposals[document.id] = _proposal(each, document, own)
    return Policy(grants, frozenset(known), signatories, generation, proposals)


def _reads_from(
    span: Span,
    clause: Clause,
    ref: str,
    joined: float,
    confirmed: Mapping[tuple[UUID, str], bool] | None,
) -> float | None:
    """From when on a receiver reads what is sent over a clause; None for a newcomer that nobody confirmed."""
    if clause.history != "all":
        return joined
    if confirmed is None or not span.document.has_acceded(ref):
        return 0.0
    answer = confirmed.get((span.document.id, span.keys[ref]))
    return None if answer is None else 0.0 if answer else joined


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
    if standing.state == "draft" or document is None or standing.windows or not ref_of(document, own):
        return None
    return document


def _proposal(agreed: Agreed, document: Document, own: str) -> Proposal:
    """One refusal for a whole version: whoever proposes hundreds of clauses takes no more room than for one."""
    reason = _why_not(agreed.standing, document)
    sender, keys = ref_of(document, own), keys_in(document)
    reaching = [
        (clause, refs) for clause in document.clauses if (refs := receivers_of(clause, sender, document))
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


def _why_not(standing: Standing, document: Document) -> str:
    if standing.state == "terminated":
        return "terminated"
    is_signed = len(standing.signed_by) >= document.required_signatures()
    return "unratified" if is_signed and standing.signed_by != standing.ratified_by else "unsigned"


def _by_receiver(proposals: Iterable[Proposal]) -> dict[str, tuple[Proposal, ...]]:
    """What was proposed about each party; of those with the same kinds and reason the first says it all."""
    found: dict[str, dict[tuple[str, frozenset[str]], Proposal]] = {}
    for each in proposals:
        for key in each.receivers:
            found.setdefault(key, {}).setdefault((each.refusal.reason, each.kinds), each)
    return {key: tuple(held.values()) for key, held in found.items()}
