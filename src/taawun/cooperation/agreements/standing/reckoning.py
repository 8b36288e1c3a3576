"""Versions, their windows, and the state that follows from them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from taawun.cooperation.agreements.standing.joining import invitation_of, invitations_to, roll_of
from taawun.cooperation.agreements.standing.nouns import Standing, State, Window
from taawun.cooperation.agreements.standing.words import (
    binding,
    declarations,
    leaving,
    node_of,
    open_words,
    overfull,
    suspended,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing.joining import Roll
    from taawun.cooperation.agreements.standing.nouns import Evidence, Instrument, Signature
    from taawun.cooperation.agreements.standing.words import Word

__all__ = ["stand"]

_NOTHING: Final = Standing(State.DRAFT, None, None, (), frozenset(), (), None)


def stand(evidence: Evidence, at: datetime) -> Standing:
    """Where an agreement stands at an instant.

    Args:
        evidence: verified, whatever order it came in.
        at: the instant.
    """
    rolls = {document.digest: roll_of(evidence, document) for document in evidence.versions}
    versions = sorted(
        (roll.document for roll in rolls.values()), key=lambda document: (document.version, document.digest)
    )
    if not versions:
        return _NOTHING
    chain = _chain(evidence, versions, rolls)
    words = list(binding(evidence, rolls, chain))
    leaves = {document.digest: leaving(words, rolls[document.digest]) for document in versions}
    notice = min((w.effect for w in words if w.said.kind == "terminated"), default=None)
    deserted = _deserted(chain, rolls, leaves, words)
    ends = _earliest(notice, deserted)
    too_much = overfull(evidence, rolls)
    windows = tuple(
        _told(window, words, rolls, leaves, too_much.get(window.document.digest, ()))
        for window in _cut(chain, ends)
    )
    in_force = next((window for window in reversed(windows) if window.holds(at)), None)
    suspensions = (
        tuple(each for each in in_force.suspensions if each.party not in in_force.left_by(at))
        if in_force
        else tuple(word.said for word in open_words(words, "suspended", "resumed"))
    )
    newest = versions[-1]
    negotiation = _negotiation(evidence, newest)
    came_about = next((window for window in chain if window.document is newest), None)
    is_negotiable = negotiation != State.DECLINED and (came_about is None or came_about.is_put_off)
    current = in_force.document if in_force else newest
    pending = newest if current is not newest and is_negotiable else None
    facts = _Facts(in_force, windows, suspensions, ends, negotiation, is_complete=came_about is not None)
    state = _state(at, facts)
    about = rolls[(pending or current).digest]
    is_over = state in {State.DECLINED, State.TERMINATED}
    signatures = {ref: each.at for ref, each in about.signed.items()}
    proposals = () if is_over else _open_proposals(evidence, about.document, signatures)
    now = next((window for window in windows if window.document is current), None)
    return Standing(
        state,
        current,
        pending,
        windows,
        frozenset(signatures),
        suspensions,
        ends,
        proposals,
        signatories=frozenset(ref for ref, _at in now.signed) - now.left_by(at) if now else frozenset(),
        ratified_by=frozenset(about.bound),
        invitations=() if is_over else _open_invitations(evidence, current, at),
        accessions=() if is_over else _waiting_accessions(evidence, current),
        is_deserted=ends is not None and ends == deserted and ends != notice,
    )


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
    if any(each.kind == "countered" and not answered(each) for each in about):
        return State.COUNTERED
    return State.PROPOSED


def _answered(evidence: Evidence, document: Document) -> Callable[[Instrument], bool]:
    """Whether the depositary, who alone could adopt a counter-proposal, said no to it."""
    answers: dict[UUID, list[Instrument]] = {}
    for each in evidence.instruments:
        if each.answers and each.kind == "declined" and each.party == document.depositary.ref:
            answers.setdefault(each.answers, []).append(each)
    return lambda counter: any(each.answers_to(counter) for each in answers.get(counter.name, ()))


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
        and not answered(each)
        and signed.get(each.party, each.at) <= each.at
    ]
    return _in_order(found)


def _open_invitations(evidence: Evidence, document: Document, at: datetime) -> tuple[Instrument, ...]:
    """Invitations to a version that nobody has answered by an accession, and that can still be answered."""
    nodes = {party.node for party in document.parties}
    answers: dict[UUID | None, list[Instrument]] = {}
    for said in evidence.instruments:
        if said.kind == "acceded":
            answers.setdefault(said.answers, []).append(said)
    return _in_order(
        each
        for each in evidence.instruments
        if each.kind == "invited"
        and (each.digest, each.party) == (document.digest, document.depositary.ref)
        and each.invites
        and not any(said.answers_to(each) for said in answers.get(each.name, ()))
        and each.invites.node not in nodes
        and (each.until is None or at < each.until)
    )


def _waiting_accessions(evidence: Evidence, document: Document) -> tuple[Instrument, ...]:
    """Accessions to a version that do not count (yet): the depositary has not countersigned them."""
    nodes = {party.node for party in document.parties}
    invitations = invitations_to(document, evidence.instruments)
    return _in_order(
        each
        for each in evidence.instruments
        if each.kind == "acceded"
        and each.digest == document.digest
        and each.node not in nodes
        and invitation_of(each, invitations)
    )


def _in_order(instruments: Iterable[Instrument]) -> tuple[Instrument, ...]:
    # the same instrument delivered twice is one
    return tuple(sorted(dict.fromkeys(instruments), key=lambda each: each.order))


# ---- from when to when each version is in force -----------------------------------------------------------------


def _chain(evidence: Evidence, versions: Sequence[Document], rolls: Mapping[str, Roll]) -> tuple[Window, ...]:
    """A window for each version that came about, oldest first, as if nobody had given notice; some are empty."""
    chain: list[Window] = []
    for document in versions:
        roll = rolls[document.digest]
        complete = _complete(document, roll.bound)
        opens = _takes_over(evidence, document, rolls, chain, complete) if complete else None
        if complete is None or opens is None:
            continue
        chain = [replace(window, closes=_earliest(window.closes, opens)) for window in chain]
        since = tuple(sorted((ref, each.since) for ref, each in roll.bound.items()))
        chain.append(
            Window(document, opens, document.valid_until, since, complete, unratified=roll.unratified)
        )
    return tuple(chain)


def _complete(document: Document, bound: Mapping[str, Signature]) -> datetime | None:
    """When a version bound as many parties as it asks for, the depositary among them; who acceded does not count."""
    needed = document.required_signatures()
    counted = {ref: each for ref, each in bound.items() if not document.has_acceded(ref)}
    if len(counted) < needed or document.depositary.ref not in counted:
        return None
    completing = sorted(each.at for each in counted.values())[needed - 1]
    return max(completing, counted[document.depositary.ref].at)


def _takes_over(
    evidence: Evidence,
    document: Document,
    rolls: Mapping[str, Roll],
    earlier: Sequence[Window],
    complete: datetime,
) -> datetime | None:
    """When a complete version opens: at its date, once those it moves out of an earlier one have signed it too."""
    words = list(binding(evidence, rolls, earlier)) if earlier else []
    leaves = {window.document.digest: leaving(words, rolls[window.document.digest]) for window in earlier}
    opens = max(document.valid_from, complete)
    # each time it is put off, more may have signed the earlier one by then
    while (next_try := _put_off(document, rolls, earlier, leaves, opens)) is not None and next_try > opens:
        opens = next_try
    return next_try


def _put_off(
    document: Document,
    rolls: Mapping[str, Roll],
    earlier: Sequence[Window],
    leaves: Mapping[str, Mapping[str, datetime]],
    opens: datetime,
) -> datetime | None:
    """A later instant at which to look again, the same one if nothing hinders, or None while a signature is missing."""
    for window in earlier:
        if window.closes is not None and window.closes <= opens:
            continue
        digest = window.document.digest
        for ref, before in rolls[digest].bound.items():
            party = document.party_of(node_of(window.document, ref))
            left = leaves[digest].get(ref)
            # whom it leaves out has no part in it; who joined the earlier one later finds this one in its place
            if party is None or before.at > opens or (left is not None and left <= opens):
                continue
            own = rolls[document.digest].bound.get(party.ref)
            until = own.at if own else _earliest(window.closes, left)
            if until is None or until > opens:
                return until
    return opens


def _deserted(
    chain: Sequence[Window],
    rolls: Mapping[str, Roll],
    leaves: Mapping[str, Mapping[str, datetime]],
    words: Sequence[Word],
) -> datetime | None:
    """When too few parties remain of a version while it holds, or its depositary has left."""
    found = [word.effect for word in words if word.said.kind == "left" and word.is_depositary]
    for window in chain:
        digest, left = window.document.digest, leaves[window.document.digest]
        for at in sorted(left.values()):
            if at < window.complete or (window.closes is not None and at >= window.closes):
                continue
            remain = [
                ref
                for ref, bond in rolls[digest].bound.items()
                if bond.at <= max(at, window.complete) and not (ref in left and left[ref] <= at)
            ]
            if len(remain) < window.document.least_signatories():
                found.append(at)
                break
    return min(found, default=None)


def _cut(chain: Sequence[Window], ends: datetime | None) -> tuple[Window, ...]:
    """The windows with notice taken into account, without the empty ones."""
    cut = [replace(window, closes=_earliest(window.closes, ends)) for window in chain]
    found = tuple(window for window in cut if window.closes is None or window.opens < window.closes)
    if cut and not found and cut[-1].closes:
        # signed by all and ended before it began: it says so, rather than to pass for unsigned
        return (replace(cut[-1], opens=cut[-1].closes),)
    return found


def _told(
    window: Window,
    words: Sequence[Word],
    rolls: Mapping[str, Roll],
    leaves: Mapping[str, Mapping[str, datetime]],
    too_much: Sequence[Instrument],
) -> Window:
    """A window with what its signatories say about it; who signed once it was over has no part in it."""
    bound, closes = rolls[window.document.digest].bound, window.closes
    if closes is not None and window.opens < closes:
        in_time = tuple((ref, since) for ref, since in window.signed if bound[ref].at < closes)
        window = window if in_time == window.signed else replace(window, signed=in_time)
    left = leaves[window.document.digest]
    told = replace(window, leaves=tuple(sorted(left.items()))) if left else window
    declared = declarations(window, words, rolls)
    signatories = {ref for ref, _since in window.signed}
    of_signatories = (each for each in too_much if each.party in signatories)
    suspensions = _in_order((*suspended(window, words), *of_signatories))
    if suspensions or declared:
        told = replace(told, suspensions=suspensions, declared=declared)
    return told


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
