"""What parties say about an agreement, and from when it counts. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing.joining import Roll
    from taawun.cooperation.agreements.standing.nouns import Evidence, Instrument, Window

__all__ = [
    "SAYS_NOTHING_OF_WHAT_FLOWS",
    "Word",
    "binding",
    "declarations",
    "leaving",
    "most_of",
    "node_of",
    "open_words",
    "overfull",
    "suspended",
]

# instruments of one kind that one party signs about one version; each is reckoned with at every message. A depositary
# invites and countersigns for everybody
MOST_SAID: Final = 100
MOST_BY_DEPOSITARY: Final = 2_000
_BY_DEPOSITARY: Final = frozenset({"invited", "countersigned"})
# an invitation is none of these: what its node said before may count by it
SAYS_NOTHING_OF_WHAT_FLOWS: Final = frozenset({"countered", "declined"})


@dataclass(frozen=True, slots=True)
class Word:
    """An instrument that binds.

    Args:
        said: the instrument.
        node: its party's node; a ref may name another one in another version.
        at: from when it counts: never before its party was bound by what it speaks about.
        notice: of the version that bound its party then.
        is_depositary: whether its party was the depositary of that version.
    """

    said: Instrument
    node: str
    at: datetime
    notice: timedelta
    is_depositary: bool = False

    @property
    def effect(self) -> datetime:
        """When its notice is over."""
        return self.at + self.notice


def node_of(document: Document, ref: str) -> str:
    """The base address of a node party; empty for anybody else."""
    party = document.party(ref)
    return party.node if party else ""


def binding(evidence: Evidence, rolls: Mapping[str, Roll], chain: Sequence[Window]) -> Iterator[Word]:
    """The instruments of parties that are bound by what they speak about, each with from when it counts."""
    complete = {window.document.digest: window.complete for window in chain}
    # the same instrument delivered twice is one
    for each in dict.fromkeys(evidence.instruments):
        roll = rolls.get(each.digest)
        bond = roll.bound.get(roll.ref_of(each)) if roll else None
        if roll is None or bond is None or each.digest not in complete:
            continue
        node = node_of(roll.document, bond.party)
        at = max(each.at, complete[each.digest], bond.at)
        ruling = _ruling(chain, rolls, node, at)
        if ruling:
            notice = timedelta(days=ruling.notice_days)
            yield Word(each, node, at, notice, ruling.depositary.node == node)
        elif each.kind in {"resumed", "lifted"}:
            # what a party suspended or narrowed while it was bound it may lift whenever it likes
            yield Word(each, node, at, timedelta())


def _ruling(chain: Sequence[Window], rolls: Mapping[str, Roll], node: str, at: datetime) -> Document | None:
    """The version that binds a node at an instant: the one in force, else one that is complete and yet to begin."""
    in_force = [window for window in chain if window.holds(at)]
    to_begin = [
        window
        for window in chain
        if window.complete <= at < window.opens and (window.closes is None or window.opens < window.closes)
    ]
    for window in in_force or to_begin:
        party = window.document.party_of(node)
        bond = rolls[window.document.digest].bound.get(party.ref) if party else None
        if bond and bond.at <= at:
            return window.document
    return None


def leaving(words: Sequence[Word], roll: Roll) -> dict[str, datetime]:
    """The parties of a version that gave notice of leaving, each with when it is one no more.

    Who signs a version after having given notice stays a party of that version. The depositary does not leave: its
    notice ends the agreement.
    """
    found: dict[str, datetime] = {}
    for word in words:
        party = roll.document.party_of(word.node)
        if word.said.kind != "left" or word.is_depositary or party is None:
            continue
        own = roll.signed.get(party.ref)
        if own is None or own.at > word.said.at:
            continue
        found[party.ref] = min(word.effect, found.get(party.ref, word.effect))
    return found


def open_words(words: Sequence[Word], kind: str, lift: str) -> list[Word]:
    """Words of a kind that nobody lifted, oldest first; only who said it lifts it, so a lift by another is nothing."""
    lifted = {(word.said.lifts, word.node) for word in words if word.said.kind == lift}
    still = [w for w in words if w.said.kind == kind and (w.said.name, w.node) not in lifted]
    return sorted(still, key=lambda word: word.said.order)


def suspended(window: Window, words: Sequence[Word]) -> tuple[Instrument, ...]:
    """The open suspensions of a window's signatories, each under its party's ref in it."""
    signatories = dict(window.signed)
    named = [
        (word, window.document.party_of(word.node)) for word in open_words(words, "suspended", "resumed")
    ]
    return tuple(
        word.said if word.said.party == party.ref else replace(word.said, party=party.ref)
        for word, party in named
        if party and party.ref in signatories
    )


def most_of(kind: str) -> int:
    """How many instruments of a kind one party may sign about one version."""
    return MOST_BY_DEPOSITARY if kind in _BY_DEPOSITARY else MOST_SAID


def overfull(evidence: Evidence, rolls: Mapping[str, Roll]) -> dict[str, tuple[Instrument, ...]]:
    """Of each party that says more about a version than is kept one word, which stands for a suspension by it.

    Others may hold other words of it, so nobody knows where it stands, and it gains nothing by what is let go of. It
    may suspend at any time; this it can lift by nothing, and it is over with the version.

    Args:
        evidence: verified, whatever order it came in.
        rolls: of the versions, by their digests.

    Returns:
        By the digest of the version; nothing for one about which nobody did.
    """
    if len(evidence.instruments) <= MOST_SAID:
        return {}
    said: defaultdict[tuple[str, str, str], dict[UUID, Instrument]] = defaultdict(dict)
    for each in evidence.instruments:
        if each.digest in rolls and each.kind not in SAYS_NOTHING_OF_WHAT_FLOWS:
            said[each.digest, rolls[each.digest].ref_of(each), each.kind][each.id] = each
    found: defaultdict[str, dict[str, Instrument]] = defaultdict(dict)
    for (digest, ref, kind), words in said.items():
        if ref in rolls[digest].bound and len(words) > most_of(kind):
            last = max([*words.values(), *([found[digest][ref]] if ref in found[digest] else [])], key=_order)
            found[digest][ref] = last
    return {
        digest: tuple(replace(last, kind="suspended", party=ref) for ref, last in sorted(lasts.items()))
        for digest, lasts in found.items()
    }


def _order(said: Instrument) -> tuple[datetime, UUID, str]:
    return said.order


def declarations(window: Window, words: Sequence[Word], rolls: Mapping[str, Roll]) -> tuple[Instrument, ...]:
    """The open declarations of a window's signatories, in the refs of its version.

    They go on narrowing the clauses of the same number in a later version until their author lifts them.
    """
    signatories = dict(window.signed)
    found = []
    for word in open_words(words, "declared", "lifted"):
        party = window.document.party_of(word.node)
        if party is None or party.ref not in signatories:
            continue
        spoken = rolls[word.said.digest].document
        narrows = tuple(
            replace(each, without=_refs(each.without, spoken, window.document)) if each.without else each
            for each in word.said.narrows
        )
        found.append(replace(word.said, party=party.ref, narrows=narrows))
    return tuple(found)


def _refs(refs: Sequence[str], spoken: Document, now: Document) -> tuple[str, ...]:
    """What parties that one version names by these refs are called in another."""
    if spoken.digest == now.digest:
        return tuple(refs)
    keys = {spoken.key_of(party) for ref in refs if (party := spoken.party(ref))}
    found = tuple(party.ref for party in now.parties if now.key_of(party) in keys)
    # an empty list would close the clause for all: who is no party any more is nobody to be left out
    return found or ("",)
