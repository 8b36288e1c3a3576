"""What binds: two of our officers approve the same text, and this node signs, ratifies or accedes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.actions.speaking import (
    SIGNATURE_TYP,
    changed,
    known_nodes,
    others_of,
    say,
    tell,
    urn,
)
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, Approval, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.rules import can_accede, can_ratify, can_sign, own_invitation
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.rules import ensure, require
from taawun.foundation.clock import now, timestamp
from taawun.foundation.identifiers import uuid7
from taawun.foundation.strict_json import canonical
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.people.actors import Actor

__all__ = ["APPROVALS", "accede", "approve", "ratify"]

APPROVALS: Final = 2


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
    held, version = _to_approve(actor, agreement, digest)
    document = version.document()
    ensure(can_sign(document, standing_of(held), known_nodes()))
    if _approved_by_two(actor, held, version, Approval.Step.SIGNATURE):
        _sign(actor, held, document)
    return version


@transaction.atomic
def ratify(actor: Actor, agreement: Agreement, digest: str) -> Version:
    """Approve the ratification of a version that this node signed. With the second approval it is ratified.

    Args:
        actor: one of our officers, a person.
        agreement: which.
        digest: of the version they read.

    Raises:
        NotAllowed: the actor may not, or is no person.
        StepRefused: the version is not waiting for our ratification.
    """
    held, version = _to_approve(actor, agreement, digest)
    standing = standing_of(held)
    document = _as_it_stands(standing, version.document())
    ensure(can_ratify(document, standing))
    if _approved_by_two(actor, held, version, Approval.Step.RATIFICATION):
        say(actor, held, document, PartyInstrument.Kind.RATIFIED, note="")
        own = PartySignature.objects.filter(lineage=held.id, digest=digest, node=settings.BASE_URL)
        own.update(awaits_ratification=False)
    return version


@transaction.atomic
def accede(actor: Actor, agreement: Agreement, digest: str) -> Version:
    """Approve the accession to a version to which this node was invited. With the second approval it accedes.

    It is a party from when the depositary has countersigned.

    Args:
        actor: one of our officers, a person.
        agreement: which.
        digest: of the version they read.

    Raises:
        NotAllowed: the actor may not, is no person, or the depositary is not verified.
        StepRefused: this node has no open invitation to this version.
    """
    held, version = _to_approve(actor, agreement, digest)
    standing = standing_of(held)
    document = _as_it_stands(standing, version.document())
    ensure(can_accede(document, standing, known_nodes()))
    invitation = own_invitation(standing)
    if invitation and _approved_by_two(actor, held, version, Approval.Step.ACCESSION):
        row = PartyInstrument.objects.get(id=invitation.id)
        say(actor, held, document, PartyInstrument.Kind.ACCEDED, note="", answers=row)
    return version


def _to_approve(actor: Actor, agreement: Agreement, digest: str) -> tuple[Agreement, Version]:
    require(actor, "approve:agreements")
    if not isinstance(actor, PersonActor):
        raise NotAllowed("person-needed", _("Only a person can approve an agreement."))
    held = Agreement.objects.select_for_update().get(id=agreement.id)
    version = Version.objects.filter(agreement=held, digest=digest).first()
    if version is None:
        raise StepRefused("unknown-version", _("There is no such version of this agreement."))
    if held.versions.filter(number=version.number).count() > 1:
        raise StepRefused(
            "two-texts",
            _(
                "The depositary proposed two texts under this number, so nobody can tell which of them others sign. "
                "Ask it for a next version."
            ),
        )
    return held, version


def _as_it_stands(standing: Standing, text: Document) -> Document:
    """A version with whoever acceded to it."""
    known = (standing.pending, standing.current)
    return next((each for each in known if each and each.digest == text.digest), text)


def _approved_by_two(actor: Actor, held: Agreement, version: Version, step: Approval.Step) -> bool:
    """Note an approval; whether it is the second one."""
    if not isinstance(actor, PersonActor):
        raise NotAllowed("person-needed", _("Only a person can approve an agreement."))
    _approval, is_new = Approval.objects.get_or_create(version=version, person_id=actor.id, step=step)
    if not is_new:
        raise StepRefused(
            "approved-before", _("You approved this version already. Another person has to approve it too.")
        )
    about = {"version": version.number, "digest": version.digest}
    record(
        actor,
        "agreements.approved",
        urn(held),
        about if step == Approval.Step.SIGNATURE else {**about, "step": str(step)},
    )
    return version.approvals.filter(step=step).count() >= APPROVALS


def _sign(actor: Actor, agreement: Agreement, document: Document) -> None:
    at = now()
    payload = {
        "id": str(uuid7()),
        "agreement": str(document.id),
        "digest": document.digest,
        "node": settings.BASE_URL,
        "at": timestamp(at),
        "to": others_of(document),
    }
    token = node_key().sign(canonical(payload), SIGNATURE_TYP)
    PartySignature.objects.create(
        lineage=document.id,
        digest=document.digest,
        node=settings.BASE_URL,
        token=token,
        jwk=node_key().public.to_jwk(),
        at=at,
        is_said=True,
        awaits_ratification=any(
            party.ratifies for party in document.parties if party.node == settings.BASE_URL
        ),
    )
    tell(document, "agreement.signed", {"signature": token})
    Agreement.objects.filter(id=document.id).update(is_unsettled=True, is_uncompared=True)
    record(
        actor, "agreements.signed", urn(agreement), {"version": document.version, "digest": document.digest}
    )
    changed()
