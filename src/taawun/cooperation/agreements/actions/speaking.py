"""What this node says about an agreement: signed, kept as evidence, and told to the other parties."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _

from taawun.cooperation.agreements import statements
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument
from taawun.cooperation.agreements.notices import tell_of_suspension
from taawun.cooperation.agreements.policy import basis_of
from taawun.cooperation.agreements.queries import forget_policy, standing_of
from taawun.cooperation.agreements.standing.words import SAYS_NOTHING_OF_WHAT_FLOWS, most_of
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner, PolicyGeneration
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "INSTRUMENT_TYP",
    "SIGNATURE_TYP",
    "changed",
    "changing",
    "is_ours",
    "known_nodes",
    "next_agreement_number",
    "others_of",
    "say",
    "tell",
    "urn",
]

SIGNATURE_TYP: Final = "taawun-signature+jws"
INSTRUMENT_TYP: Final = "taawun-instrument+jws"


def urn(agreement: Agreement) -> str:
    """The agreement as audit and messages name it."""
    return f"urn:uuid:{agreement.id}"


def say(  # noqa: PLR0913 - each argument is one member of the instrument
    actor: Actor,
    agreement: Agreement,
    document: Document,
    kind: PartyInstrument.Kind,
    *,
    note: str,
    lifts: UUID | None = None,
    answers: PartyInstrument | None = None,
    suggestion: bytes | None = None,
    more: Mapping[str, object] | None = None,
    beside: Sequence[str] = (),
) -> PartyInstrument:
    """Sign an instrument in this node's name, keep it, and tell the other parties.

    Args:
        actor: who decided it.
        agreement: about which.
        document: the version it speaks about, with whoever acceded to it.
        kind: what is said.
        note: a word to the other parties.
        lifts: the suspension or declaration of ours that is lifted, by its name.
        answers: the instrument it answers.
        suggestion: a counter-proposal's text.
        more: further members that are signed, as ``statements.check`` reads them.
        beside: base addresses of nodes to which it is addressed too, though they are no parties (yet).

    Raises:
        StepRefused: ``too-many-words``: others would not keep it.
    """
    at, instrument_id = now(), uuid7()
    said = PartyInstrument.objects.filter(
        lineage=document.id, node=settings.BASE_URL, kind=kind, digest=document.digest
    )
    if said.count() >= most_of(kind):
        raise StepRefused(
            "too-many-words",
            _(
                "This node has said this so often about this version that others keep no more. Propose a next version."
            ),
        )
    signed = statements.write(
        str(kind),
        document,
        id=instrument_id,
        node=settings.BASE_URL,
        at=at,
        note=note,
        to={*others_of(document), *beside} - {settings.BASE_URL},
        lifts=lifts,
        answers=(answers.chosen, answers.node) if answers else None,
        suggestion=suggestion,
        more=more,
    )
    token = node_key().sign(signed, INSTRUMENT_TYP)
    instrument = PartyInstrument.objects.create(
        id=instrument_id,
        chosen=instrument_id,
        words=sha256(signed),
        lineage=document.id,
        kind=kind,
        node=settings.BASE_URL,
        digest=document.digest,
        lifts=lifts,
        answers=answers.chosen if answers else None,
        of=answers.node if answers else "",
        note=note[: statements.LONGEST_NOTE],
        suggestion=suggestion,
        said=dict(more or {}),
        mark=sha256(token.encode()),
        jwk=node_key().public.to_jwk(),
        token=token,
        at=at,
        is_said=True,
    )
    message: dict[str, object] = {"instrument": token}
    if suggestion is not None:
        message["document"] = suggestion.decode()
    tell(document, "agreement.declared", message)
    Agreement.objects.filter(id=document.id).update(is_unsettled=True, is_uncompared=True)
    record(actor, f"agreements.{kind}", urn(agreement), {"version": document.version})
    changed()
    tell_of_suspension(document.id)
    return instrument


def changed() -> None:
    """Every compiled policy is out of date, in this unit of work and in every process."""
    PolicyGeneration.bump()
    forget_policy()


@contextmanager
def changing(lineage: UUID, kind: str = "") -> Iterator[None]:
    """Evidence about an agreement is written inside: policies are out of date where it changes what flows.

    To compile them anew costs much more than a message does, and most messages change nothing: evidence on an
    agreement that nobody proposed, a second signature, a counter-proposal.

    Args:
        lineage: of the agreement, which may not be known here.
        kind: of the one instrument that is written; empty for whatever it is.
    """
    held = Agreement.objects.select_for_update().filter(id=lineage).first()
    if held and kind in SAYS_NOTHING_OF_WHAT_FLOWS:
        yield
        Agreement.objects.filter(id=lineage).update(is_unsettled=True, is_uncompared=True)
        return
    before = basis_of(standing_of(held)) if held else None
    yield
    Agreement.objects.filter(id=lineage).update(is_unsettled=True, is_uncompared=True)
    if held is None:
        # whoever brings the agreement itself at this moment marks its change once this is done, or was done before
        list(PolicyGeneration.objects.select_for_update().filter(id=1))
        held = Agreement.objects.filter(id=lineage).first()
    if held and basis_of(standing_of(held)) != before:
        changed()
        tell_of_suspension(lineage)


def tell(document: Document, kind: str, payload: Mapping[str, object]) -> None:
    """Say something to every other party that this node has met."""
    # a party that we have not met yet cannot be told: before we sign, all of them are verified
    for partner in Partner.objects.filter(node__in=others_of(document)).order_by("node"):
        messages.send(partner, kind, payload)


def others_of(document: Document) -> list[str]:
    """The base addresses of the other node parties."""
    return [
        party.node for party in document.parties if party.kind == "node" and party.node != settings.BASE_URL
    ]


def known_nodes() -> dict[str, Partner]:
    """Every partner by its base address."""
    return {partner.node: partner for partner in Partner.objects.all()}


def is_ours(document: Document | None, ref: str) -> bool:
    """Whether a ref is this node's."""
    party = document.party(ref) if document else None
    return party is not None and party.node == settings.BASE_URL


def next_agreement_number() -> int:
    """The next number of this node's own counting; people read it as AG-001, AG-002 and so on."""
    return (Agreement.objects.aggregate(last=Max("number"))["last"] or 0) + 1
