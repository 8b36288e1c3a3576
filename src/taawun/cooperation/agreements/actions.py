"""The verbs on agreements: draft, propose, counter, approve and sign, decline, suspend, resume, terminate."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import parse, write
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import (
    Agreement,
    Approval,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.notices import tell_of_suspension
from taawun.cooperation.agreements.policy import basis_of
from taawun.cooperation.agreements.queries import forget_policy, standing_of
from taawun.cooperation.agreements.rules import can_declare, can_propose, can_sign
from taawun.cooperation.partners import messages
from taawun.cooperation.partners.keys import node_key
from taawun.cooperation.partners.models import Partner, PolicyGeneration
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.signing import SignatureRefused, peek
from taawun.foundation.strict_json import JsonRefused, canonical
from taawun.foundation.strict_json import parse as parse_json
from taawun.platform.audit.actions import record
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "adopt",
    "approve",
    "changed",
    "changing",
    "counter",
    "decline",
    "discard_draft",
    "draft",
    "edit_draft",
    "next_agreement_number",
    "propose",
    "resume",
    "suspend",
    "terminate",
    "turn_down",
    "urn",
]

SIGNATURE_TYP: Final = "taawun-signature+jws"
INSTRUMENT_TYP: Final = "taawun-instrument+jws"
APPROVALS: Final = 2


def urn(agreement: Agreement) -> str:
    """The agreement as audit and messages name it."""
    return f"urn:uuid:{agreement.id}"


@transaction.atomic
def draft(actor: Actor, document: Document) -> Agreement:
    """Begin an agreement. Nobody else sees it until it is proposed.

    Args:
        actor: an officer.
        document: its first version; its id becomes the lineage.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: the document does not hold together.
        StepRefused: this node is not its depositary, or there is such an agreement already.
    """
    require(actor, "write:agreements")
    text = write(document)
    checked = parse(text)
    if checked.depositary.node != settings.BASE_URL:
        raise StepRefused("not-depositary", _("The first party of an agreement drafted here is this node."))
    if Agreement.objects.filter(id=checked.id).exists():
        raise StepRefused("exists", _("There is an agreement with this id already."))
    take_turn("agreements.number")
    agreement = Agreement.objects.create(
        id=checked.id, number=next_agreement_number(), titles=checked.title.to_json(), draft=text.decode()
    )
    record(actor, "agreements.drafted", urn(agreement), {"code": agreement.code})
    return agreement


@transaction.atomic
def edit_draft(actor: Actor, agreement: Agreement, document: Document, *, edition: int) -> Agreement:
    """Replace the draft.

    Args:
        actor: an officer.
        agreement: which.
        document: the new text; id and version are the agreement's own.
        edition: the edition the editor had before them.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: the document does not hold together.
        StepRefused: somebody else edited it meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    _ensure_edition(held, edition)
    text = write(replace(document, id=held.id, version=_next_number(held)))
    checked = parse(text)
    if not held.versions.exists():
        # once something was proposed, the agreement is called what its newest version calls it
        held.titles = checked.title.to_json()
    held.draft, held.draft_edition = text.decode(), held.draft_edition + 1
    held.save(update_fields=["titles", "draft", "draft_edition"])
    record(actor, "agreements.draft-edited", urn(held), {"edition": held.draft_edition})
    return held


def _ensure_edition(held: Agreement, edition: int) -> None:
    """Go on only with the draft that somebody had before them; what is written meanwhile is not lost unread."""
    if held.draft_edition != edition:
        raise StepRefused("edited-meanwhile", _("Somebody else edited the draft meanwhile. Load it again."))


@transaction.atomic
def discard_draft(actor: Actor, agreement: Agreement, *, edition: int) -> None:
    """Throw the draft away. Where nothing was ever proposed, the agreement goes with it.

    Nobody else has seen it, so nobody is told; the trail keeps that there was one, and the digest of its text.

    Args:
        actor: an officer.
        agreement: which.
        edition: the edition they had before them.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: there is no draft, or somebody else edited it meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    if not held.draft:
        raise StepRefused("no-draft", _("There is no draft of this agreement."))
    _ensure_edition(held, edition)
    about = {"code": held.code, "edition": edition, "digest": sha256(held.draft.encode())}
    record(actor, "agreements.draft-discarded", urn(held), about)
    if held.versions.exists():
        held.draft, held.draft_edition = "", held.draft_edition + 1
        held.save(update_fields=["draft", "draft_edition"])
    else:
        held.delete()


@transaction.atomic
def propose(actor: Actor, agreement: Agreement, *, edition: int) -> Version:
    """Send the draft to every other party as the next version.

    Args:
        actor: an officer.
        agreement: which.
        edition: the edition they read, so that nobody sends what somebody else wrote meanwhile.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: there is no draft, somebody else edited it meanwhile (``edited-meanwhile``), this node is not the
            depositary, or a party is no partner yet.
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    if not held.draft:
        raise StepRefused("no-draft", _("There is no draft to propose. Write one first."))
    _ensure_edition(held, edition)
    standing = standing_of(held)
    text = write(
        replace(
            parse(held.draft.encode()),
            version=_next_number(held),
            supersedes=standing.current.digest if standing.current else "",
        )
    )
    document = parse(text)
    ensure(can_propose(document, standing))
    version = Version.objects.create(
        agreement=held,
        number=document.version,
        text=text,
        digest=document.digest,
        depositary=document.depositary.node,
    )
    # whoever still has the draft before them edits what is no longer there
    held.draft, held.draft_edition = "", held.draft_edition + 1
    held.titles = document.title.to_json()
    held.save(update_fields=["draft", "draft_edition", "titles"])
    _tell(document, "agreement.proposed", {"document": text.decode()})
    record(actor, "agreements.proposed", urn(held), {"version": document.version, "digest": document.digest})
    changed()
    return version


@transaction.atomic
def counter(  # noqa: PLR0913 - what they write, and what they had read
    actor: Actor, agreement: Agreement, document: Document, note: str, *, edition: int, digest: str = ""
) -> PartyInstrument:
    """Answer a proposal, or what is in force, with a text of one's own; the depositary may adopt it.

    Only the depositary numbers versions. So whoever else wants an agreement in force changed sends the text as they
    want it; what is in force stays so until a next version is signed by all. The draft it was written in is done with.

    Args:
        actor: an officer.
        agreement: which.
        document: the text they want; id and version are the agreement's own.
        note: a word to the other parties.
        edition: of the draft they had before them; it matters where there is a draft.
        digest: of the version they compared it with; empty for whichever is on the table.

    Raises:
        NotAllowed: the actor may not.
        DocumentRefused: the document does not hold together.
        StepRefused: there is nothing to counter, we are the depositary of what is in force, or the draft or the
            version it answers is another meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    ensure(can_declare(standing, "countered"))
    about = standing.pending or standing.current
    if about is None:
        raise StepRefused("no-version", _("No version was proposed yet."))
    if digest and about.digest != digest:
        raise StepRefused(
            "edited-meanwhile", _("Another version came meanwhile. Compare your text with that one.")
        )
    if held.draft:
        _ensure_edition(held, edition)
    text = write(replace(document, id=held.id, version=about.version + 1, supersedes=about.digest))
    parse(text)
    if held.draft:
        held.draft, held.draft_edition = "", held.draft_edition + 1
        held.save(update_fields=["draft", "draft_edition"])
    return _declare(actor, held, about, PartyInstrument.Kind.COUNTERED, note=note, suggestion=text)


@transaction.atomic
def adopt(actor: Actor, agreement: Agreement, suggestion: PartyInstrument, *, edition: int) -> Agreement:
    """Take a party's counter-proposal as our draft of the next version.

    Args:
        actor: an officer.
        agreement: which.
        suggestion: the counter-proposal.
        edition: of the draft that they know is replaced; it matters where there is one.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is no counter-proposal to this agreement, this node is not the depositary, or there is another
            draft meanwhile (``edited-meanwhile``).
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    if suggestion.lineage != held.id or suggestion.suggestion is None:
        raise StepRefused("no-suggestion", _("This is no counter-proposal to this agreement."))
    document = replace(parse(bytes(suggestion.suggestion)), version=_next_number(held))
    if document.depositary.node != settings.BASE_URL:
        raise StepRefused("not-depositary", _("Only the depositary numbers versions."))
    if held.draft:
        _ensure_edition(held, edition)
    held.draft, held.draft_edition = write(document).decode(), held.draft_edition + 1
    held.save(update_fields=["draft", "draft_edition"])
    record(actor, "agreements.counter-adopted", urn(held), {"suggestion": str(suggestion.id)})
    return held


@transaction.atomic
def turn_down(actor: Actor, agreement: Agreement, suggestion: PartyInstrument, note: str) -> PartyInstrument:
    """Say no to a counter-proposal, as its depositary; the version that it is about is not touched by that.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is not open, or this node is not the depositary.
    """
    require(actor, "write:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    about = standing.pending or standing.current
    if about is None or suggestion.id not in {each.id for each in standing.proposals}:
        raise StepRefused("no-suggestion", _("This is no open counter-proposal to this agreement."))
    if about.depositary.node != settings.BASE_URL:
        raise StepRefused("not-depositary", _("Only the depositary answers counter-proposals."))
    return _declare(actor, held, about, PartyInstrument.Kind.DECLINED, note=note, answers=suggestion)


@transaction.atomic
def approve(actor: Actor, agreement: Agreement, digest: str) -> Version:
    """Approve a version. The second person's approval lets the node sign it, in the same step.

    Args:
        actor: one of our officers, a person.
        agreement: which.
        digest: of the version they read, so that nobody approves what came meanwhile.

    Raises:
        NotAllowed: the actor may not, is no person, or a party is not verified.
        StepRefused: the version is not waiting for our signature.
    """
    require(actor, "approve:agreements")
    if not isinstance(actor, PersonActor):
        raise NotAllowed("person-needed", _("Only a person can approve an agreement."))
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    version = Version.objects.filter(agreement=held, digest=digest).first()
    if version is None:
        raise StepRefused("unknown-version", _("There is no such version of this agreement."))
    document = version.document()
    ensure(can_sign(document, standing_of(held), _nodes()))
    _approval, is_new = Approval.objects.get_or_create(version=version, person_id=actor.id)
    if not is_new:
        raise StepRefused(
            "approved-before", _("You approved this version already. Another person has to approve it too.")
        )
    record(actor, "agreements.approved", urn(held), {"version": version.number, "digest": digest})
    if version.approvals.count() >= APPROVALS:
        _sign(actor, held, document)
    return version


def _sign(actor: Actor, agreement: Agreement, document: Document) -> None:
    at = now()
    payload = {
        "id": str(uuid7()),
        "agreement": str(document.id),
        "digest": document.digest,
        "node": settings.BASE_URL,
        "at": timestamp(at),
        "to": _others(document),
    }
    token = node_key().sign(canonical(payload), SIGNATURE_TYP)
    PartySignature.objects.create(
        lineage=document.id, digest=document.digest, node=settings.BASE_URL, token=token, at=at
    )
    _tell(document, "agreement.signed", {"signature": token})
    record(
        actor, "agreements.signed", urn(agreement), {"version": document.version, "digest": document.digest}
    )
    changed()


def decline(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Say no to the version that was proposed.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: nothing is proposed.
    """
    return _step(actor, agreement, PartyInstrument.Kind.DECLINED, note)


def suspend(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Suspend the agreement at once: nothing more flows under it until this node resumes it.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is not in force, or is suspended by us already.
    """
    return _step(actor, agreement, PartyInstrument.Kind.SUSPENDED, note)


def resume(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Lift our own suspension.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: we did not suspend it.
    """
    return _step(actor, agreement, PartyInstrument.Kind.RESUMED, note)


def terminate(actor: Actor, agreement: Agreement, note: str) -> PartyInstrument:
    """Give notice. The agreement ends when the days of notice in it are over.

    Raises:
        NotAllowed: the actor may not.
        StepRefused: it is not in force.
    """
    return _step(actor, agreement, PartyInstrument.Kind.TERMINATED, note)


@transaction.atomic
def _step(actor: Actor, agreement: Agreement, kind: PartyInstrument.Kind, note: str) -> PartyInstrument:
    require(actor, "approve:agreements")
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    standing = standing_of(held)
    ensure(can_declare(standing, kind))
    lifts = None
    if kind == PartyInstrument.Kind.RESUMED:
        lifts = next(each.id for each in standing.suspensions if _is_ours(standing.current, each.party))
    about = (standing.pending if kind == PartyInstrument.Kind.DECLINED else None) or standing.current
    if about is None:
        raise StepRefused("no-version", _("No version was proposed yet."))
    return _declare(actor, held, about, kind, note=note, lifts=lifts)


def _declare(  # noqa: PLR0913 - each argument is one member of the instrument
    actor: Actor,
    agreement: Agreement,
    document: Document,
    kind: PartyInstrument.Kind,
    *,
    note: str,
    lifts: UUID | None = None,
    answers: PartyInstrument | None = None,
    suggestion: bytes | None = None,
) -> PartyInstrument:
    at, instrument_id = now(), uuid7()
    payload: dict[str, object] = {
        "id": str(instrument_id),
        "kind": str(kind),
        "agreement": str(document.id),
        "digest": document.digest,
        "node": settings.BASE_URL,
        "at": timestamp(at),
        "note": note[:4000],
        "to": _others(document),
    }
    if lifts:
        payload["lifts"] = str(lifts)
    if answers:
        payload |= {"answers": _chosen_id(answers), "of": answers.node}
    if suggestion is not None:
        payload["suggestion"] = sha256(suggestion)
    token = node_key().sign(canonical(payload), INSTRUMENT_TYP)
    instrument = PartyInstrument.objects.create(
        id=instrument_id,
        lineage=document.id,
        kind=kind,
        node=settings.BASE_URL,
        digest=document.digest,
        lifts=lifts,
        answers=answers.id if answers else None,
        note=note[:4000],
        suggestion=suggestion,
        token=token,
        at=at,
    )
    message: dict[str, object] = {"instrument": token}
    if suggestion is not None:
        message["document"] = suggestion.decode()
    _tell(document, "agreement.declared", message)
    record(actor, f"agreements.{kind}", urn(agreement), {"version": document.version})
    changed()
    tell_of_suspension(document.id)
    return instrument


def _chosen_id(instrument: PartyInstrument) -> str:
    """The id that its party gave an instrument, by which the others know it; ours may differ where that was taken."""
    try:
        said = parse_json(peek(instrument.token).payload)
    except (SignatureRefused, JsonRefused):
        return str(instrument.id)
    return str(said["id"]) if isinstance(said, dict) and "id" in said else str(instrument.id)


def changed() -> None:
    """Every compiled policy is out of date, in this unit of work and in every process."""
    PolicyGeneration.bump()
    forget_policy()


@contextmanager
def changing(lineage: UUID) -> Iterator[None]:
    """Evidence about an agreement is written inside: policies are out of date where it changes what flows.

    To compile them anew costs much more than a message does, and most messages change nothing: evidence on an
    agreement that nobody proposed, a second signature, a counter-proposal.

    Args:
        lineage: of the agreement, which may not be known here.
    """
    held = Agreement.objects.select_for_update().filter(id=lineage).first()
    before = basis_of(standing_of(held)) if held else None
    yield
    if held is None:
        # whoever brings the agreement itself at this moment marks its change once this is done, or was done before
        list(PolicyGeneration.objects.select_for_update().filter(id=1))
        held = Agreement.objects.filter(id=lineage).first()
    if held and basis_of(standing_of(held)) != before:
        changed()
        tell_of_suspension(lineage)


def _tell(document: Document, kind: str, payload: dict[str, object]) -> None:
    # a party that we have not met yet cannot be told: before we sign, all of them are verified
    for partner in Partner.objects.filter(node__in=_others(document)).order_by("node"):
        messages.send(partner, kind, payload)


def _others(document: Document) -> list[str]:
    return [
        party.node for party in document.parties if party.kind == "node" and party.node != settings.BASE_URL
    ]


def _nodes() -> dict[str, Partner]:
    return {partner.node: partner for partner in Partner.objects.all()}


def _is_ours(document: Document | None, ref: str) -> bool:
    party = document.party(ref) if document else None
    return party is not None and party.node == settings.BASE_URL


def _next_number(agreement: Agreement) -> int:
    last = Version.objects.filter(agreement=agreement).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def next_agreement_number() -> int:
    """The next number of this node's own counting; people read it as AG-001, AG-002 and so on."""
    return (Agreement.objects.aggregate(last=Max("number"))["last"] or 0) + 1
