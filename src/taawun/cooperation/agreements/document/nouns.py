"""What an agreement's document is made of. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from uuid import UUID

    from taawun.foundation.multilingual import Prose, Text
    from taawun.foundation.tlp import Tlp

__all__ = [
    "ANY",
    "KIND",
    "MAX_CLAUSES",
    "MAX_DAYS",
    "MAX_PARTIES",
    "MAX_PURPOSE",
    "MAX_RULES",
    "REF",
    "TOPIC",
    "Clause",
    "Document",
    "Narrowing",
    "Onward",
    "Paper",
    "Part",
    "Party",
]

ANY: Final = "any"
MAX_PARTIES: Final = 250
MAX_CLAUSES: Final = 500
# what one agreement may ask of every decision: each clause is a rule for each party it may reach
MAX_RULES: Final = 10_000
MAX_DAYS: Final = 36500
MAX_PURPOSE: Final = 300
# the short name of a party, or the number of a clause
REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# a kind is exact (`intel.report`), a whole room (`intel.*`) or everything (`*`)
KIND: Final = re.compile(r"\*|[a-z][a-z0-9-]*\.(\*|[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*)")
# a vocabulary and a term of it
TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9-]*:\S{1,120}")


@dataclass(frozen=True, slots=True)
class Party:
    """One party.

    Args:
        ref: its short name in the clauses.
        kind: ``node`` or ``guest``.
        node: base address of a node party; empty for a guest.
        host: ref of the node party that speaks for a guest; empty for a node.
        nation: ISO 3166-1 alpha-2, or empty.
        organisation: its name.
        kid: thumbprint of a node's key at the time of drafting; stands for its lineage of keys.
        ratifies: whether its signature binds it only once it has ratified.
    """

    ref: str
    kind: str
    node: str
    host: str
    nation: str
    organisation: Text
    kid: str
    ratifies: bool = False


@dataclass(frozen=True, slots=True)
class Onward:
    """Whether and to whom a receiver may share onward.

    Args:
        rule: ``none``, ``named``, ``parties`` or ``public``.
        named: for ``named``: base addresses.
    """

    rule: str
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """What may flow, from whom to whom, and what the receiver may do with it.

    Args:
        ref: its number in the document, for example ``2.1``.
        title: what it is about.
        senders: refs, or ``("any",)``: any other signatory.
        receivers: refs, or ``("any",)``.
        kinds: release kinds: exact, ``room.*`` or ``*``.
        topics: ``vocabulary:id`` terms; empty means all.
        tlp_max: the highest marking that may flow.
        purpose: shown to people, not enforced; as somebody typed it, or in several languages.
        onward: whether and to whom the receiver may share it.
        history: ``from-accession`` or ``all``: what a later party may still read.
        retention_days: how long the receiver keeps it; None without limit.
        on_termination: ``keep`` or ``delete``.
        recognises: credentials the clause gives standing to, as written.
    """

    ref: str
    title: Text
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    kinds: tuple[str, ...]
    topics: tuple[str, ...]
    tlp_max: Tlp
    purpose: tuple[Text | str, ...]
    onward: Onward
    history: str
    retention_days: int | None
    on_termination: str
    recognises: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper instrument of which an agreement is the enforceable annex.

    Args:
        title: what it is called.
        date: the day on it.
        digest: SHA-256 of its scan, which each party keeps.
    """

    title: Text
    date: date
    digest: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Less than a clause allows: what a party does not give, or does not take, though it might.

    Without a marking, kinds, topics and parties it closes the clause for its party in that direction.

    Args:
        clause: the clause's ref.
        direction: ``gives`` or ``takes``.
        tlp_max: the highest marking; None leaves the clause's.
        kinds: only these; empty leaves the clause's.
        topics: only what is about one of these; empty leaves the clause's.
        without: refs of the parties to whom it gives nothing, or from whom it takes nothing.
    """

    clause: str
    direction: str
    tlp_max: Tlp | None = None
    kinds: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def closes(self) -> bool:
        """Whether nothing is left of the clause for its party in that direction."""
        return self.tlp_max is None and not self.kinds and not self.topics and not self.without


@dataclass(frozen=True, slots=True)
class Part:
    """A clause in which a party that was invited takes part.

    Args:
        clause: the clause's ref.
        directions: ``gives``, ``takes`` or both.
    """

    clause: str
    directions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """An agreement's text at one version.

    Args:
        id: lineage: the same in every version.
        version: 1, 2, 3 … numbered by the depositary.
        title: what the parties call it.
        parties: the first is the depositary.
        clauses: in order.
        valid_from: earliest entry into force.
        valid_until: end, or None.
        supersedes: digest of the version it replaces, or empty.
        accession: ``closed`` or ``by-invitation``.
        min_signatories: how many must be bound at least, at its entry into force and ever after.
        entry_into_force: ``all``, ``date`` (as soon as ``min_signatories`` are bound), or how many parties.
        notice_days: days between a notice of termination and its effect.
        authentic_languages: languages in which the text is authentic.
        prevailing: the language that prevails.
        preamble: principles the parties wrote, a paragraph a line.
        instrument: the paper it belongs to, or None.
        acceded: refs of ``parties`` that the text does not name: they acceded to it, each with the clauses in which
            it takes part, or None for all that reach any party. Empty in a text as it is read.
        text: the exact bytes.
        digest: their SHA-256.
    """

    id: UUID
    version: int
    title: Text
    parties: tuple[Party, ...]
    clauses: tuple[Clause, ...]
    valid_from: datetime
    valid_until: datetime | None
    supersedes: str
    accession: str
    min_signatories: int
    entry_into_force: str | int
    notice_days: int
    authentic_languages: tuple[str, ...]
    prevailing: str
    preamble: Prose | None
    text: bytes
    digest: str
    instrument: Paper | None = None
    acceded: tuple[tuple[str, tuple[Part, ...] | None], ...] = ()

    @property
    def depositary(self) -> Party:
        """The party that numbers versions and collects signatures."""
        return self.parties[0]

    def party(self, ref: str) -> Party | None:
        """The party with this ref."""
        return next((party for party in self.parties if party.ref == ref), None)

    def party_of(self, node: str) -> Party | None:
        """The party that is the node at this address."""
        return next((party for party in self.parties if party.node == node and party.kind == "node"), None)

    def clause(self, ref: str) -> Clause | None:
        """The clause with this ref."""
        return next((clause for clause in self.clauses if clause.ref == ref), None)

    def required_signatures(self) -> int:
        """How many node parties must be bound before it can enter into force."""
        nodes = sum(party.kind == "node" for party in self.parties) - len(self.acceded)
        if isinstance(self.entry_into_force, int):
            return min(nodes, max(self.entry_into_force, self.min_signatories))
        return min(nodes, self.min_signatories) if self.entry_into_force == "date" else nodes

    def least_signatories(self) -> int:
        """With fewer parties bound than this it is over."""
        nodes = sum(party.kind == "node" for party in self.parties) - len(self.acceded)
        return min(nodes, self.min_signatories)

    def has_acceded(self, ref: str) -> bool:
        """Whether this party is not named by the text, but joined it."""
        return any(ref == each for each, _parts in self.acceded)

    def key_of(self, party: Party) -> str:
        """How decisions name a party: a node by its address, a guest by its host's address and its ref."""
        if party.kind == "node":
            return party.node
        host = self.party(party.host)
        return f"{host.node if host else ''}#{party.ref}"
