"""Where an agreement stands: a pure function of the signed evidence and the clock.

Messages only ever add evidence. So whatever order they come in, doubled or late, two nodes that hold the same
evidence give the same answer (docs/protocol.md, "States").

Three rules keep a party's word to what that party may say. A version takes over from the one in force once every
signatory of that one whom it still names has signed it, so nobody is moved into another text without its own
signature. An instrument binds when its party is a signatory of the version in force at that instant. And no instant is
earlier than the signatures that make a party bound: what is dated before them counts from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document

__all__ = ["Evidence", "Instrument", "Signature", "Standing", "State", "Window", "stand"]


class State(StrEnum):
    """The states of an agreement (docs/protocol.md, "States")."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    COUNTERED = "countered"
    SIGNED = "signed"
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Signature:
    """A party's signature on one version.

    Args:
        digest: of the document.
        party: the party's ref.
        at: when it signed.
        received: when it was recorded here; None for whoever looks on from nowhere. Where an agreement stands does
            not depend on it, from when its party gives and takes here does.
    """

    digest: str
    party: str
    at: datetime
    received: datetime | None = None


@dataclass(frozen=True, slots=True)
class Instrument:
    """A party's signed declaration about the agreement.

    Args:
        id: its own id.
        kind: ``suspended``, ``resumed``, ``terminated``, ``declined`` or ``countered``.
        party: the party's ref.
        digest: the version it speaks about.
        at: when it was signed.
        lifts: for ``resumed``: the id of the suspension it lifts.
        answers: for ``declined``: the id of the counter-proposal it says no to, rather than to the version.
    """

    id: UUID
    kind: str
    party: str
    digest: str
    at: datetime
    lifts: UUID | None = None
    answers: UUID | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was signed about one agreement.

    Args:
        versions: the depositary's versions, in any order.
        signatures: in any order.
        instruments: in any order.
    """

    versions: Sequence[Document]
    signatures: Sequence[Signature]
    instruments: Sequence[Instrument]


@dataclass(frozen=True, slots=True)
class Window:
    """When a version is in force.

    Args:
        document: the version.
        opens: first instant.
        closes: first instant after, or None without end; equal to ``opens`` for a version that all have signed
            and that ended before it could begin.
        signed: refs of the parties that signed it, each with when it did and that was recorded here; nobody else gives
            or takes anything under it, and nobody does from an earlier instant on.
        complete: when it had every signature it needs; from then on its signatories are bound, whenever it opens.
        suspensions: open suspensions by parties that signed it, each under the ref that its party has in it.
    """

    document: Document
    opens: datetime
    closes: datetime | None
    signed: tuple[tuple[str, datetime], ...]
    complete: datetime
    suspensions: tuple[Instrument, ...] = ()

    @property
    def is_put_off(self) -> bool:
        """Whether it opens later than by itself, for want of a signature of somebody the one before it binds."""
        return self.opens > max(self.document.valid_from, self.complete)

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        return self.opens <= at and (self.closes is None or at < self.closes)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the agreement stands.

    Args:
        state: its state now.
        current: the version the state speaks about: in force, else the newest.
        pending: a newer version than the one in force that still waits for signatures, or None.
        windows: when each completed version is, was or will be in force, oldest first.
        signed_by: refs of the parties that signed ``pending`` or, without one, ``current``.
        suspensions: suspensions that nobody lifted, oldest first; under a version in force those of its signatories.
        ends: when a termination takes effect, or None.
        proposals: counter-proposals to the version that is being signed, or proposals to change the one in force,
            that nobody answered yet, oldest first.
    """

    state: State
    current: Document | None
    pending: Document | None
    windows: tuple[Window, ...]
    signed_by: frozenset[str]
    suspensions: tuple[Instrument, ...]
    ends: datetime | None
    proposals: tuple[Instrument, ...] = ()

    @property
    def signatories(self) -> frozenset[str]:
        """Refs of the parties that are bound by ``current``; nobody before it is complete."""
        window = next((each for each in self.windows if each.document is self.current), None)
        return frozenset(ref for ref, _at in window.signed) if window else frozenset()

    @property
    def joined(self) -> frozenset[str]:
        """Base addresses of the nodes that signed a version that came about, whether or not it is still in force."""
        return frozenset(_node(window.document, ref) for window in self.windows for ref, _at in window.signed)


_NOTHING: Final = Standing(State.DRAFT, None, None, (), frozenset(), (), None)


def stand(evidence: Evidence, at: datetime) -> Standing:
    """Where an agreement stands at an instant.

    Args:
        evidence: verified, whatever order it came in.
        at: the instant.
    """
    by_digest = {document.digest: document for document in evidence.versions}
    versions = sorted(by_digest.values(), key=lambda document: (document.version, document.digest))
    if not versions:
        return _NOTHING
    signed = {document.digest: _signed(evidence, document) for document in versions}
    chain = _chain(versions, signed)
    binding = list(_binding(evidence, by_digest, signed, chain))
    ends = min((word.at + word.notice for word in binding if word.said.kind == "terminated"), default=None)
    windows = tuple(_suspended(window, binding) for window in _cut(chain, ends))
    in_force = next((window for window in reversed(windows) if window.holds(at)), None)
    suspensions = (
        in_force.suspensions if in_force else tuple(word.said for word in _open_suspensions(binding))
    )
    newest = versions[-1]
    negotiation = _negotiation(evidence, newest)
    came_about = next((window for window in chain if window.document is newest), None)
    is_negotiable = negotiation != State.DECLINED and (came_about is None or came_about.is_put_off)
    current = in_force.document if in_force else newest
    pending = newest if current is not newest and is_negotiable else None
    facts = _Facts(in_force, windows, suspensions, ends, negotiation, is_complete=came_about is not None)
    state = _state(at, facts)
    about = pending or current
    is_over = state in {State.DECLINED, State.TERMINATED}
    signatures = {ref: each.at for ref, each in signed[about.digest].items()}
    proposals = () if is_over else _open_proposals(evidence, about, signatures)
    return Standing(state, current, pending, windows, frozenset(signatures), suspensions, ends, proposals)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the state is read from."""

    in_force: Window | None
    windows: tuple[Window, ...]
    suspensions: tuple[Instrument, ...]
    ends: datetime | None
    negotiation: State
    is_complete: bool  # the newest version has all the signatures it needs


def _state(at: datetime, facts: _Facts) -> State:
    if facts.in_force:
        return State.SUSPENDED if facts.suspensions else State.IN_FORCE
    if facts.ends and at >= facts.ends:
        return State.TERMINATED
    if any(window.opens > at for window in facts.windows):
        return State.SIGNED
    # what came after an expired version may still be signed
    return State.EXPIRED if facts.is_complete else facts.negotiation


def _negotiation(evidence: Evidence, newest: Document) -> State:
    about = [each for each in evidence.instruments if each.digest == newest.digest]
    if any(each.kind == "declined" and each.answers is None for each in about):
        return State.DECLINED
    answered = _answered(evidence, newest)
    if any(each.kind == "countered" and each.id not in answered for each in about):
        return State.COUNTERED
    return State.PROPOSED


def _answered(evidence: Evidence, document: Document) -> frozenset[UUID]:
    """Counter-proposals to which the depositary, who alone could adopt them, said no."""
    return frozenset(
        each.answers
        for each in evidence.instruments
        if each.answers and each.kind == "declined" and each.party == document.depositary.ref
    )


def _open_proposals(
    evidence: Evidence, about: Document, signed: Mapping[str, datetime]
) -> tuple[Instrument, ...]:
    """Counter-proposals to a version that nobody answered.

    Who signs a version after having countered it has settled that; who counters it after having signed it proposes
    to change it. Both instants are by the clock of that one party, so no other clock has a say.
    """
    answered = _answered(evidence, about)
    found = [
        each
        for each in evidence.instruments
        if each.kind == "countered"
        and each.digest == about.digest
        and each.id not in answered
        and signed.get(each.party, each.at) <= each.at
    ]
    # the same instrument delivered twice is one
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.at, each.id)))


def _signed(evidence: Evidence, document: Document) -> dict[str, Signature]:
    """The node parties that signed a version, each with its first signature."""
    nodes = {party.ref for party in document.parties if party.kind == "node"}
    first: dict[str, Signature] = {}
    for each in evidence.signatures:
        if each.digest == document.digest and each.party in nodes:
            first[each.party] = min(each, first.get(each.party, each), key=_age)
    return first


def _age(signature: Signature) -> tuple[datetime, datetime]:
    return signature.at, signature.received or signature.at


# ---- from when to when each version is in force -----------------------------------------------------------------


def _chain(versions: Sequence[Document], signed: Mapping[str, Mapping[str, Signature]]) -> tuple[Window, ...]:
    """A window for each version that came about, oldest first, as if nobody had given notice; some are empty."""
    chain: list[Window] = []
    for document in versions:
        signatures = signed[document.digest]
        complete = _complete(document, signatures)
        opens = _takes_over(document, signed, chain, complete) if complete else None
        if complete is None or opens is None:
            continue
        chain = [replace(window, closes=_earliest(window.closes, opens)) for window in chain]
        since = {ref: max(each.at, each.received or each.at) for ref, each in signatures.items()}
        chain.append(Window(document, opens, document.valid_until, tuple(sorted(since.items())), complete))
    return tuple(chain)


def _complete(document: Document, signatures: Mapping[str, Signature]) -> datetime | None:
    """When a version had as many signatures as it asks for, the depositary's among them."""
    needed = document.required_signatures()
    if len(signatures) < needed or document.depositary.ref not in signatures:
        return None
    completing = sorted(each.at for each in signatures.values())[needed - 1]
    return max(completing, signatures[document.depositary.ref].at)


def _takes_over(
    document: Document,
    signed: Mapping[str, Mapping[str, Signature]],
    earlier: Sequence[Window],
    complete: datetime,
) -> datetime | None:
    """When a complete version opens: at its date, once those it moves out of an earlier one have signed it too."""
    opens = max(document.valid_from, complete)
    # each time it is put off, more may have signed the earlier one by then
    while (next_try := _put_off(document, signed, earlier, opens)) is not None and next_try > opens:
        opens = next_try
    return next_try


def _put_off(
    document: Document,
    signed: Mapping[str, Mapping[str, Signature]],
    earlier: Sequence[Window],
    opens: datetime,
) -> datetime | None:
    """A later instant at which to look again, the same one if nothing hinders, or None while a signature is missing."""
    for window in earlier:
        if window.closes is not None and window.closes <= opens:
            continue
        for ref, before in signed[window.document.digest].items():
            party = document.party_of(_node(window.document, ref))
            # whom it leaves out has no part in it; who joined the earlier one later finds this one in its place
            if party is None or before.at > opens:
                continue
            own = signed[document.digest].get(party.ref)
            until = own.at if own else window.closes
            if until is None or until > opens:
                return until
    return opens


def _cut(chain: Sequence[Window], ends: datetime | None) -> tuple[Window, ...]:
    """The windows with notice taken into account, without the empty ones."""
    cut = [replace(window, closes=_earliest(window.closes, ends)) for window in chain]
    found = tuple(window for window in cut if window.closes is None or window.opens < window.closes)
    if cut and not found and cut[-1].closes:
        # signed by all and ended before it began: it says so, rather than to pass for unsigned
        return (replace(cut[-1], opens=cut[-1].closes),)
    return found


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


# ---- what parties say about the agreement -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    """An instrument that binds.

    Args:
        said: the instrument.
        node: its party's node; a ref may name another one in another version.
        at: from when it counts: never before its party was bound by what it speaks about.
        notice: of the version that bound its party then.
    """

    said: Instrument
    node: str
    at: datetime
    notice: timedelta


def _binding(
    evidence: Evidence,
    by_digest: Mapping[str, Document],
    signed: Mapping[str, Mapping[str, Signature]],
    chain: Sequence[Window],
) -> Iterator[_Word]:
    complete = {window.document.digest: window.complete for window in chain}
    # the same instrument delivered twice is one
    for each in dict.fromkeys(evidence.instruments):
        signature = signed.get(each.digest, {}).get(each.party)
        if signature is None or each.digest not in complete:
            continue
        node = _node(by_digest[each.digest], each.party)
        at = max(each.at, complete[each.digest], signature.at)
        ruling = _ruling(chain, signed, node, at)
        if ruling:
            yield _Word(each, node, at, timedelta(days=ruling.notice_days))
        elif each.kind == "resumed":
            # what a party suspended while it was bound it may lift whenever it likes
            yield _Word(each, node, at, timedelta())


def _ruling(
    chain: Sequence[Window], signed: Mapping[str, Mapping[str, Signature]], node: str, at: datetime
) -> Document | None:
    """The version that binds a node at an instant: the one in force, else one that is complete and yet to begin."""
    in_force = [window for window in chain if window.holds(at)]
    to_begin = [
        window
        for window in chain
        if window.complete <= at < window.opens and (window.closes is None or window.opens < window.closes)
    ]
    for window in in_force or to_begin:
        party = window.document.party_of(node)
        signature = signed[window.document.digest].get(party.ref) if party else None
        if signature and signature.at <= at:
            return window.document
    return None


def _open_suspensions(binding: Sequence[_Word]) -> list[_Word]:
    # only the party that suspended may lift, so a lift by another counts for nothing
    lifted = {(word.said.lifts, word.node) for word in binding if word.said.kind == "resumed"}
    still = [w for w in binding if w.said.kind == "suspended" and (w.said.id, w.node) not in lifted]
    return sorted(still, key=lambda word: (word.said.at, word.said.id))


def _suspended(window: Window, binding: Sequence[_Word]) -> Window:
    """A window with the suspensions of its signatories."""
    signatories = dict(window.signed)
    named = [(word, window.document.party_of(word.node)) for word in _open_suspensions(binding)]
    suspensions = tuple(
        word.said if word.said.party == party.ref else replace(word.said, party=party.ref)
        for word, party in named
        if party and party.ref in signatories
    )
    return replace(window, suspensions=suspensions) if suspensions else window


def _node(document: Document, ref: str) -> str:
    party = document.party(ref)
    return party.node if party else ""
