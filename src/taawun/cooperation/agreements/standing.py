"""Where an agreement stands: a pure function of the signed evidence and the clock.

Messages only ever add evidence. So whatever order they come in, doubled or late, two nodes that hold the same
evidence give the same answer (docs/protocol.md, "States").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
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
        at: when it signed, by its own clock.
    """

    digest: str
    party: str
    at: datetime


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
        signed: refs of the parties that signed it, each with when; nobody else gives or takes anything under it.
    """

    document: Document
    opens: datetime
    closes: datetime | None
    signed: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the agreement stands.

    Args:
        state: its state now.
        current: the version the state speaks about: in force, else the newest.
        pending: a newer version than the one in force that still waits for signatures, or None.
        windows: when each completed version is, was or will be in force, oldest first.
        signed_by: refs of the parties that signed ``pending`` or, without one, ``current``.
        suspensions: suspensions that nobody lifted, oldest first.
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
    binding = [each for each in evidence.instruments if each.party in signed.get(each.digest, {})]
    ends = _ends(binding, versions)
    complete = [
        (document, opens)
        for document in versions
        if (opens := _opens(document, signed[document.digest])) is not None
    ]
    windows = _windows(complete, signed, ends)
    suspensions = _open_suspensions(binding)
    in_force = next(
        (w for w in reversed(windows) if w.opens <= at and (w.closes is None or at < w.closes)), None
    )
    newest = versions[-1]
    negotiation = _negotiation(evidence, newest)
    is_complete = any(document is newest for document, _opens in complete)
    pending = newest if in_force and not is_complete and negotiation != State.DECLINED else None
    current = in_force.document if in_force else newest
    facts = _Facts(in_force, windows, suspensions, ends, negotiation, is_complete)
    state = _state(at, facts)
    about = pending or current
    is_over = state in {State.DECLINED, State.TERMINATED}
    proposals = () if is_over else _open_proposals(evidence, about, signed[about.digest])
    signatories = frozenset(signed[about.digest])
    return Standing(state, current, pending, windows, signatories, suspensions, ends, proposals)


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


def _signed(evidence: Evidence, document: Document) -> dict[str, datetime]:
    """The node parties that signed a version, each with its first signature."""
    nodes = {party.ref for party in document.parties if party.kind == "node"}
    first: dict[str, datetime] = {}
    for each in evidence.signatures:
        if each.digest == document.digest and each.party in nodes:
            first[each.party] = min(each.at, first.get(each.party, each.at))
    return first


def _opens(document: Document, signed: Mapping[str, datetime]) -> datetime | None:
    """When a version enters into force: its date, or the signature that completed it, whichever is later."""
    needed = document.required_signatures()
    if len(signed) < needed or document.depositary.ref not in signed:
        return None
    completing = sorted(signed.values())[needed - 1]
    return max(document.valid_from, completing, signed[document.depositary.ref])


def _windows(
    complete: Sequence[tuple[Document, datetime]],
    signed: Mapping[str, Mapping[str, datetime]],
    ends: datetime | None,
) -> tuple[Window, ...]:
    windows = []
    for index, (document, opens) in enumerate(complete):
        later = [after for _document, after in complete[index + 1 :]]
        closings = [moment for moment in (document.valid_until, ends, *later) if moment is not None]
        closes = min(closings) if closings else None
        if closes is None or opens < closes:
            windows.append(Window(document, opens, closes, tuple(sorted(signed[document.digest].items()))))
    if complete and not windows:
        # signed by all and ended before it began: it says so, rather than to pass for unsigned
        document, opens = complete[-1]
        closes = min(moment for moment in (document.valid_until, ends) if moment is not None)
        windows.append(Window(document, closes, closes, tuple(sorted(signed[document.digest].items()))))
    return tuple(windows)


def _ends(binding: Iterable[Instrument], versions: Sequence[Document]) -> datetime | None:
    """When the earliest notice of termination takes effect."""
    notice = {document.digest: timedelta(days=document.notice_days) for document in versions}
    return min((each.at + notice[each.digest] for each in binding if each.kind == "terminated"), default=None)


def _open_suspensions(binding: Sequence[Instrument]) -> tuple[Instrument, ...]:
    # only the party that suspended may lift, so a lift by another counts for nothing
    lifted = {(each.lifts, each.party) for each in binding if each.kind == "resumed"}
    still = [each for each in binding if each.kind == "suspended" and (each.id, each.party) not in lifted]
    # the same instrument delivered twice is one
    return tuple(sorted(dict.fromkeys(still), key=lambda each: (each.at, each.id)))
