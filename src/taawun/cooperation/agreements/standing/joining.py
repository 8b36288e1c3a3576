"""Who is bound by a version, and from when: signatures, ratifications and accessions. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from taawun.cooperation.agreements.document import ANY, MAX_PARTIES, MAX_RULES
from taawun.cooperation.agreements.standing.nouns import Signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing.nouns import Evidence, Instrument

__all__ = ["Roll", "invitation_of", "invitations_to", "roll_of"]


@dataclass(frozen=True, slots=True)
class _Accession:
    """One that the depositary countersigned."""

    invitation: Instrument
    said: Instrument
    at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Roll:
    """The parties of one version, and how each stands to it.

    Args:
        document: the version, with the parties that acceded to it.
        signed: the first signature or accession of each party that gave one.
        bound: of those, whom it binds: each with the instant from which it does.
    """

    document: Document
    signed: Mapping[str, Signature]
    bound: Mapping[str, Signature]

    @property
    def unratified(self) -> frozenset[str]:
        """Those whose signature waits for a ratification."""
        return frozenset(self.signed.keys() - self.bound.keys())

    def ref_of(self, said: Instrument) -> str:
        """The ref of whoever said something about this version; empty for who is no party of it."""
        if said.party:
            return said.party
        party = self.document.party_of(said.node)
        return party.ref if party else ""


def roll_of(evidence: Evidence, text: Document) -> Roll:
    """Who signed, ratified and acceded to a version.

    Args:
        evidence: verified, whatever order it came in.
        text: the version, as it was proposed.
    """
    about = [each for each in evidence.instruments if each.digest == text.digest]
    accessions = tuple(_accessions(text, about))
    document = text
    if accessions:
        document = replace(
            text,
            parties=(
                *text.parties,
                *(each.invitation.invites for each in accessions if each.invitation.invites),
            ),
            acceded=tuple(
                (each.invitation.invites.ref, each.invitation.parts)
                for each in accessions
                if each.invitation.invites
            ),
        )
    signed = _signed(evidence, text)
    for each in accessions:
        if each.invitation.invites:
            ref = each.invitation.invites.ref
            signed[ref] = Signature(text.digest, ref, each.at, each.since)
    return Roll(document, signed, _bound(document, signed, about))


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


def _bound(
    document: Document, signed: Mapping[str, Signature], about: Iterable[Instrument]
) -> dict[str, Signature]:
    """Those whom a version binds: where a ratification is due, from when it was given."""
    ratified: dict[str, Signature] = {}
    for each in about:
        if each.kind == "ratified":
            party = document.party(each.party) if each.party else document.party_of(each.node)
            if party:
                own = Signature(each.digest, party.ref, each.at, each.received)
                ratified[party.ref] = min(own, ratified.get(party.ref, own), key=_age)
    bound = {}
    for ref, signature in signed.items():
        party = document.party(ref)
        if party is None or not party.ratifies:
            bound[ref] = signature
        elif ref in ratified:
            other = ratified[ref]
            bound[ref] = Signature(
                signature.digest, ref, max(signature.at, other.at), max(signature.since, other.since)
            )
    return bound


# ---- accessions -------------------------------------------------------------------------------------------------


def _accessions(text: Document, about: Sequence[Instrument]) -> Iterator[_Accession]:
    """The accessions that count, oldest first: invited, signed by who was invited, and countersigned.

    Of two that cannot both be, of one node or one ref, the older one counts; both are there to be seen.
    """
    if text.accession != "by-invitation":
        return
    nodes = {party.node for party in text.parties if party.node}
    refs = {ANY, *(party.ref for party in text.parties)}
    room = min(MAX_PARTIES, MAX_RULES // len(text.clauses)) - len(text.parties)
    for each in sorted(_countersigned(text, about), key=lambda each: (each.at, *each.said.order)):
        party = each.invitation.invites
        if party is None or party.node in nodes or party.ref in refs or room <= 0:
            continue
        nodes.add(party.node)
        refs.add(party.ref)
        room -= 1
        yield each


def _countersigned(text: Document, about: Sequence[Instrument]) -> Iterator[_Accession]:
    depositary, invitations = text.depositary.ref, invitations_to(text, about)
    seen: defaultdict[object, list[Instrument]] = defaultdict(list)
    for each in about:
        if each.kind == "countersigned" and each.party == depositary:
            seen[(each.answers, each.sees)].append(each)
    for said in dict.fromkeys(each for each in about if each.kind == "acceded"):
        invitation = invitation_of(said, invitations)
        # who revokes its key says the same again with the next, and is a party as before
        digests = dict.fromkeys((said.mark, said.words or said.mark))
        words = [each for digest in digests for each in seen[(said.name, digest)] if each.answers_to(said)]
        if invitation is None or not words or (invitation.until and said.at >= invitation.until):
            continue
        # the first countersignature counts; of two the other one changes nothing
        word = min(words, key=lambda each: each.order)
        three = (invitation, said, word)
        yield _Accession(
            invitation,
            said,
            max(each.at for each in three),
            max(max(each.at, each.received or each.at) for each in three),
        )


def invitations_to(text: Document, said: Iterable[Instrument]) -> dict[UUID, list[Instrument]]:
    """The depositary's invitations of nodes to a version, by the name under which they are answered."""
    found: dict[UUID, list[Instrument]] = {}
    for each in said:
        is_its_own = (each.digest, each.party) == (text.digest, text.depositary.ref)
        if each.kind == "invited" and is_its_own and each.invites and each.invites.kind == "node":
            found.setdefault(each.name, []).append(each)
    return found


def invitation_of(
    accession: Instrument, invitations: Mapping[UUID, Sequence[Instrument]]
) -> Instrument | None:
    """The invitation of its own node that an accession answers; None without one."""
    found = [
        each
        for each in (invitations.get(accession.answers, ()) if accession.answers else ())
        if each.invites and each.invites.node == accession.node and accession.answers_to(each)
    ]
    # a depositary that invited twice under one name, with two texts, may not choose afterwards which one it was
    return min(found, key=lambda each: each.mark, default=None)
