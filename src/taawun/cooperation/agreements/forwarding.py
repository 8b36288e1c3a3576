"""Showing what is held of an agreement to another party: everything, some of it, or what it lacks.

Whatever a party signed proves itself, so anybody may pass it on. That is how a word that its author, or the depositary,
told to some and not to others reaches them all (docs/protocol.md, "What the others hold").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner
from taawun.foundation.digests import sha256
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

_Row = TypeVar("_Row", bound="Version | PartySignature | PartyInstrument")

__all__ = ["answer_comparisons", "compare", "marks_of", "show", "show_all"]

# signed texts in one message; a message may be of 4 MiB, and each of these is of some hundred bytes to some KiB
MOST_SHOWN: Final = 200
# versions in one message, each of at most 1 MiB as a text, somewhat more as it is quoted
MOST_DOCUMENTS: Final = 2
# what a comparison names at most; an agreement of 57 parties through ten versions has a quarter of it
MOST_MARKS: Final = 5_000
_AT_ONCE: Final = 100


def marks_of(lineage: UUID) -> dict[str, tuple[str, str]]:
    """What is held of an agreement: of each version, signature and instrument the digest of its text, with its row."""
    found: dict[str, tuple[str, str]] = {}
    for digest, pk in Version.objects.filter(agreement_id=lineage).values_list("digest", "pk"):
        found[digest] = ("version", str(pk))
    for token, pk in PartySignature.objects.filter(lineage=lineage).values_list("token", "pk"):
        found[sha256(token.encode())] = ("signature", str(pk))
    for token, chosen in PartyInstrument.objects.filter(lineage=lineage).values_list("token", "id"):
        found[sha256(token.encode())] = ("instrument", str(chosen))
    return found


def show_all(agreement: Agreement, partner: Partner) -> None:
    """Show a partner everything that was proposed and signed: who was invited sees what it may accede to."""
    _send(agreement, partner, marks_of(agreement.id).values())


def show(agreement: Agreement, partner: Partner, instruments: Collection[UUID]) -> None:
    """Show a partner some instruments, whoever signed them."""
    _send(agreement, partner, [("instrument", str(each)) for each in instruments])


def _send(agreement: Agreement, partner: Partner, wanted: Iterable[tuple[str, str]]) -> None:
    rows: dict[str, list[str]] = {"version": [], "signature": [], "instrument": []}
    for kind, pk in wanted:
        rows[kind].append(pk)
    documents = Version.objects.filter(pk__in=rows["version"]).order_by("number")
    signatures = list(PartySignature.objects.filter(pk__in=rows["signature"]).order_by("at", "pk"))
    instruments = list(PartyInstrument.objects.filter(pk__in=rows["instrument"]).order_by("at", "pk"))
    # a version goes with the signature of its depositary, without which nobody takes it from somebody else
    for some in _batched(list(documents), MOST_DOCUMENTS):
        own = PartySignature.objects.filter(
            lineage=agreement.id,
            digest__in=[each.digest for each in some],
            node__in=[each.depositary for each in some],
        )
        _say(agreement, partner, some, list(own), [each for each in instruments if each.kind == "invited"])
    signed: list[PartySignature | PartyInstrument] = [*signatures, *instruments]
    for group in _batched(signed, MOST_SHOWN):
        _say(
            agreement,
            partner,
            (),
            [each for each in group if isinstance(each, PartySignature)],
            [each for each in group if isinstance(each, PartyInstrument)],
        )


def _batched(things: Sequence[_Row], size: int) -> list[Sequence[_Row]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def _say(
    agreement: Agreement,
    partner: Partner,
    documents: Sequence[Version],
    signatures: Sequence[PartySignature],
    instruments: Sequence[PartyInstrument],
) -> None:
    rows: list[PartySignature | PartyInstrument] = [*signatures, *instruments]
    keys = {jwk["x"]: jwk for each in rows if (jwk := _key_of(each))}
    messages.send(
        partner,
        "agreement.evidence",
        {
            "agreement": str(agreement.id),
            "documents": [bytes(each.text).decode() for each in documents],
            "signatures": [each.token for each in signatures],
            "instruments": [
                {
                    "instrument": each.token,
                    **({"document": bytes(each.suggestion).decode()} if each.suggestion is not None else {}),
                }
                for each in instruments
            ],
            "keys": list(keys.values()),
        },
    )


def _key_of(row: PartySignature | PartyInstrument) -> dict[str, str]:
    """The public key that signed a row; what was kept by an earlier version of this node has it by its party."""
    if row.jwk:
        return dict(row.jwk)
    if row.node == settings.BASE_URL:
        return node_key().public.to_jwk()
    partner = Partner.objects.filter(node=row.node).first()
    return dict(partner.jwk) if partner else {}


# ---- comparing --------------------------------------------------------------------------------------------------


def compare() -> int:
    """Tell the other parties what is held here of the agreements about which something new came; how many were told.

    Two parties need no third to tell them what the other one said.
    """
    told = 0
    for agreement in Agreement.objects.filter(is_uncompared=True).order_by("number")[:_AT_ONCE]:
        with transaction.atomic():
            held = Agreement.objects.select_for_update().get(id=agreement.id)
            nodes = _parties(held)
            if len(nodes) > 1:
                marks = sorted(marks_of(held.id))[:MOST_MARKS]
                for partner in _met(nodes):
                    messages.send(partner, "agreement.held", {"agreement": str(held.id), "held": marks})
                    told += 1
            Agreement.objects.filter(id=held.id).update(is_uncompared=False)
    return told


def answer_comparisons() -> int:
    """Show those who told what they hold what they lack, and ask them for what they have more; how many were.

    Two may each hold a word that the other never takes, of an author that said two things. So what both hold is
    answered once: as long as neither has anything new, there is nothing more to say.
    """
    answered = 0
    for row in Comparison.objects.filter(is_waiting=True).order_by("received")[:_AT_ONCE]:
        with transaction.atomic():
            agreement = Agreement.objects.select_for_update().filter(id=row.lineage).first()
            partner = Partner.objects.filter(node=row.node).first()
            answer = ""
            if agreement and partner and partner.node in _parties(agreement):
                own, theirs = marks_of(agreement.id), set(row.held)
                answer = sha256(canonical([sorted(own), sorted(theirs)]))
                if answer != row.answered:
                    _answer(agreement, partner, own, theirs)
                    answered += 1
            waiting = Comparison.objects.filter(pk=row.pk, received=row.received)
            waiting.update(is_waiting=False, answered=answer)
    return answered


def _answer(
    agreement: Agreement, partner: Partner, own: Mapping[str, tuple[str, str]], theirs: Collection[str]
) -> None:
    lacking = [own[mark] for mark in sorted(own.keys() - set(theirs))]
    if lacking:
        _send(agreement, partner, lacking)
    if set(theirs) - own.keys():
        marks = sorted(own)[:MOST_MARKS]
        messages.send(partner, "agreement.held", {"agreement": str(agreement.id), "held": marks})


def _parties(agreement: Agreement) -> set[str]:
    """The other nodes that are, or were, parties of it, or acceded to it."""
    standing = standing_of(agreement)
    documents = [standing.current, standing.pending, *(window.document for window in standing.windows)]
    nodes = {party.node for document in documents if document for party in document.parties if party.node}
    return nodes - {settings.BASE_URL}


def _met(nodes: Collection[str]) -> list[Partner]:
    met = Partner.objects.filter(node__in=nodes).exclude(kid="")
    return list(met.filter(~Q(state=Partner.State.BLOCKED)).order_by("node"))
