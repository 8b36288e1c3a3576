"""What each version of an agreement lets one sender give to whom, clause by clause: what grants are made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taawun.cooperation.agreements.decision import FOREVER, Grant
from taawun.cooperation.agreements.document import ANY, narrowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taawun.cooperation.agreements.document import Clause, Document, Narrowing
    from taawun.cooperation.agreements.standing import Standing, Window

__all__ = [
    "PartnerTrust",
    "Span",
    "joined_in",
    "keys_in",
    "nodes_of",
    "receivers_of",
    "ref_of",
    "spans_of",
    "trust_in",
]


@dataclass(frozen=True, slots=True)
class PartnerTrust:
    """Whether a partner may receive anything at all.

    Args:
        hindrance: reason code, or empty.
        until: when its descriptor lapses, in seconds since the epoch.
    """

    hindrance: str
    until: float


@dataclass(frozen=True, slots=True)
class Span:
    """A version while it holds, as seen by a sender.

    Args:
        document: the version.
        sender: the sender's ref in it.
        keys: the party key of each ref.
        nodes: the node of each ref, for a guest its host's.
        opens, closes: seconds since the epoch.
        suspended: until when a suspension stops everything; 0 without one.
        ending: reason once it is over.
        terminates: when a notice of termination takes effect.
        signed: refs that it binds, each with when; a guest is bound with its host.
        leaves: refs of the parties that leave, each with when; a guest leaves with its host.
        speakers: the ref of the node party that speaks for each ref: its own, or its host's.
        unratified: refs of the parties that signed it and have not ratified.
        narrows: what is declared, by clause, direction and the ref of who declared it.
    """

    document: Document
    sender: str
    keys: Mapping[str, str]
    nodes: Mapping[str, str]
    opens: float
    closes: float
    suspended: float
    ending: str
    terminates: float
    signed: Mapping[str, float]
    leaves: Mapping[str, float]
    speakers: Mapping[str, str]
    unratified: frozenset[str]
    narrows: Mapping[tuple[str, str, str], Sequence[Narrowing]]

    def joined(self) -> dict[str, tuple[float, float]]:
        """When each party key that signed did so, and until when it is bound."""
        return {
            self.keys[ref]: (at, min(self.closes, self.leaves.get(ref, FOREVER)))
            for ref, at in self.signed.items()
        }

    def bound(self) -> dict[str, tuple[float, float]]:
        """Party keys that it binds, each with from when to when."""
        return {
            key: (max(self.opens, at, self.suspended), until) for key, (at, until) in self.joined().items()
        }

    def grant(  # noqa: PLR0913 - what a clause is for one receiver
        self, code: str, clause: Clause, ref: str, held: PartnerTrust, since: float | None, *, joined: float
    ) -> Grant:
        """A clause of it for one receiver that reads from an instant on; None where nobody confirmed it."""
        both = (ref, self.sender)
        began = [self.signed[each] for each in both if each in self.signed]
        leaves = min(self.leaves.get(each, FOREVER) for each in both)
        unconfirmed = "unconfirmed" if since is None else ""
        return Grant(
            agreement=self.document.id,
            code=code,
            digest=self.document.digest,
            clause=clause,
            opens=max(self.opens, *began) if began else self.opens,
            closes=min(self.closes, held.until, leaves),
            lapses=held.until,
            hindrance=self._unbound(both) or held.hindrance or unconfirmed,
            ending="left" if leaves < self.closes else self.ending,
            since=FOREVER if since is None else since,
            joined=joined,
            terminates=self.terminates,
            suspended_until=self.suspended,
        )

    def _unbound(self, refs: tuple[str, str]) -> str:
        missing = [self.speakers[ref] for ref in refs if ref not in self.signed]
        if not missing:
            return ""
        return "unratified" if self.unratified.issuperset(missing) else "unsigned"

    def as_declared(self, grant: Grant, ref: str) -> list[Grant]:
        """A clause with what its sender and its receiver declared: what is left of it, and that there was more."""
        if not self.narrows:
            return [grant]
        ends = ((self.sender, "gives", ref), (ref, "takes", self.sender))
        left: Clause | None = grant.clause
        for own, direction, other in ends:
            declared = self.narrows.get((grant.clause.ref, direction, self.speakers[own]), ())
            left = narrowed(left, {other, self.speakers[other]}, declared) if left and declared else left
        if left == grant.clause:
            return [grant]
        more = replace(grant, is_narrowed=True)
        return [replace(grant, clause=left), more] if left else [more]


def joined_in(spans: Iterable[Span]) -> dict[str, float]:
    """When each party key joined: with its first version or, for who left and came back, when it did."""
    first: dict[str, float] = {}
    until: dict[str, float] = {}  # of those that left
    for span in spans:
        for key, (at, ends) in span.joined().items():
            has_left = until.get(key, FOREVER) < at
            first[key] = at if has_left else min(at, first.get(key, at))
            if ends < span.closes:
                until[key] = ends
            else:
                until.pop(key, None)
    return first


def spans_of(standing: Standing, own: str) -> list[Span]:
    """Versions that were in force or will be and name the sender, each with its window.

    Args:
        standing: of the agreement.
        own: party key of the sender.
    """
    if standing.state == "draft" or standing.current is None:
        return []
    terminates = standing.ends.timestamp() if standing.ends else FOREVER
    return [
        Span(
            document=window.document,
            sender=sender,
            keys=keys_in(window.document),
            nodes=nodes_of(window.document),
            opens=window.opens.timestamp(),
            closes=window.closes.timestamp() if window.closes else FOREVER,
            suspended=_suspended(window),
            ending=_ending(window, standing),
            terminates=terminates,
            signed=_of_speakers(window, {ref: at.timestamp() for ref, at in window.signed}),
            leaves=_of_speakers(window, {ref: at.timestamp() for ref, at in window.leaves}),
            speakers=_speakers(window.document),
            unratified=window.unratified,
            narrows=_narrows(window),
        )
        for window in standing.windows
        if (sender := ref_of(window.document, own))
    ]


def _suspended(window: Window) -> float:
    if not window.suspensions:
        return 0.0
    until = window.suspended_until()
    return until.timestamp() if until else FOREVER


def _narrows(window: Window) -> dict[tuple[str, str, str], list[Narrowing]]:
    found: dict[tuple[str, str, str], list[Narrowing]] = {}
    for said in window.declared:
        for each in said.narrows:
            found.setdefault((each.clause, each.direction, said.party), []).append(each)
    return found


def ref_of(document: Document, key: str) -> str:
    """The ref of a party key: of the node at an address, or of a guest of that node; empty where it is no party."""
    node, _hash, guest = key.partition("#")
    host = document.party_of(node)
    if host is None or not guest:
        return host.ref if host else ""
    party = document.party(guest)
    return guest if party is not None and party.kind == "guest" and party.host == host.ref else ""


def nodes_of(document: Document) -> dict[str, str]:
    """The node that speaks for each ref."""
    own = {party.ref: party.node for party in document.parties}
    return {party.ref: party.node or own.get(party.host, "") for party in document.parties}


def keys_in(document: Document) -> dict[str, str]:
    """How decisions name each ref: see :meth:`~taawun.cooperation.agreements.document.Document.key_of`."""
    nodes = nodes_of(document)
    return {
        party.ref: party.node if party.kind == "node" else f"{nodes[party.ref]}#{party.ref}"
        for party in document.parties
    }


def _speakers(document: Document) -> dict[str, str]:
    return {party.ref: party.host or party.ref for party in document.parties}


def _of_speakers(window: Window, instants: Mapping[str, float]) -> dict[str, float]:
    """What is said of a node party goes for its guests too."""
    return {
        ref: instants[speaker] for ref, speaker in _speakers(window.document).items() if speaker in instants
    }


def _ending(window: Window, standing: Standing) -> str:
    if window.closes is None:
        return "ended"
    if window.closes == standing.ends:
        return "terminated"
    return "expired" if window.closes == window.document.valid_until else "ended"


def receivers_of(clause: Clause, sender: str, document: Document) -> list[str]:
    """Refs of the parties a clause lets this sender reach; the sender itself never is one."""
    if ANY not in clause.senders and sender not in clause.senders:
        return []
    outside = {
        (ref, direction)
        for ref, parts in document.acceded
        for direction in ("gives", "takes")
        # who was invited to some clauses takes part in no other
        if parts is not None
        and not any(part.clause == clause.ref and direction in part.directions for part in parts)
    }
    if (sender, "gives") in outside:
        return []
    everybody = [party.ref for party in document.parties] if ANY in clause.receivers else clause.receivers
    return [ref for ref in everybody if ref != sender and (ref, "takes") not in outside]


def trust_in(node: str, trust: Mapping[str, PartnerTrust], own: str) -> PartnerTrust:
    """Whether the node that speaks for a party may receive."""
    if node == own:
        return PartnerTrust("", FOREVER)  # our own guest
    return trust.get(node, PartnerTrust("not-verified", FOREVER))
