"""Which agreements wait for somebody on this node: cheap enough to be asked on every page."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery

from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.models import (
    Agreement,
    Approval,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.queries import standings_of
from taawun.cooperation.agreements.rules import can_ratify, own_invitation
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.people.rules import Granted
from taawun.platform.web.kept import Kept
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from uuid import UUID

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["Waiting", "count", "waiting_for"]

WRITE = "write:agreements"
APPROVE = "approve:agreements"
# what waits for two officers, and the step that each of them approves
_STEPS: Final = {
    "approval": Approval.Step.SIGNATURE,
    "ratification": Approval.Step.RATIFICATION,
    "accession": Approval.Step.ACCESSION,
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """An agreement that waits for the reader.

    Args:
        agreement: which.
        what: ``approval`` (the reader has not approved the version), ``ratification`` or ``accession`` (nor that of a
            version that we signed, or to which we are invited), ``counter`` (a counter-proposal, or a proposal
            to change what is in force, that only we can adopt) or ``draft`` (written and not proposed).
        document: the version it is about, or the draft where nothing was proposed yet.
        approvals: how many of our officers approved that version.
        instrument: the counter-proposal's id, for ``counter``.
        is_negotiation: whether the version that is countered waits for signatures; else a change of it is proposed.
    """

    agreement: Agreement
    what: str
    document: Document
    approvals: int = 0
    instrument: UUID | None = None
    is_negotiation: bool = True


def waiting_for(actor: PersonActor) -> list[Waiting]:
    """What waits for this actor: approvals first, then counter-proposals, then drafts; each oldest first."""
    found: list[Waiting] = []
    if actor.permissions.isdisjoint({APPROVE, WRITE}):
        return found
    open_ones = once("agreements.open", _OPEN.get, list)
    if APPROVE in actor.permissions:
        approved = set(Approval.objects.filter(person_id=actor.id).values_list("version__digest", "step"))
        found += [
            each
            for each in open_ones
            if each.what in _STEPS and (each.document.digest, _STEPS[each.what]) not in approved
        ]
    if WRITE in actor.permissions:
        found += [each for each in open_ones if each.what in {"counter", "draft"}]
    return found


def count(actor: PersonActor) -> int:
    """How many agreements wait for this actor."""
    return len({each.agreement.id for each in waiting_for(actor)})


def _open_agreements() -> list[Waiting]:
    """What waits on this node, for whomever.

    Only agreements whose newest version lacks our signature, has a counter-proposal, or that have a draft are looked
    at: what is in force and quiet costs nothing, however much of it there is.
    """
    question, values = _candidates(settings.BASE_URL)
    agreements = list(Agreement.objects.raw(question, values))
    standings = standings_of(agreements) if agreements else {}
    approvals: dict[tuple[str, str], int] = {}
    for digest, step in Approval.objects.filter(version__agreement__in=agreements).values_list(
        "version__digest", "step"
    ):
        approvals[digest, step] = approvals.get((digest, step), 0) + 1
    found = [
        waiting
        for agreement in agreements
        for waiting in _of_agreement(agreement, standings[agreement.id], approvals)
    ]
    order = (*_STEPS, "counter", "draft")
    return sorted(found, key=lambda each: (order.index(each.what), each.agreement.number))


# every page asks
_OPEN: Final = Kept(_open_agreements)


@functools.cache
def _candidates(node: str) -> tuple[str, tuple[object, ...]]:
    """The question which agreements may wait on this node, and its values.

    Every page asks it, and for Django to put it into SQL took longer than to answer it.
    """
    newest = (
        Version.objects.filter(agreement=OuterRef("pk")).order_by("-number", "-digest").values("digest")[:1]
    )
    candidates = Agreement.objects.annotate(newest=Subquery(newest))
    # by lineage first: the index of signatures begins with it
    signed = PartySignature.objects.filter(lineage=OuterRef("pk"), digest=OuterRef("newest"), node=node)
    countered = PartyInstrument.objects.filter(
        lineage=OuterRef("pk"), digest=OuterRef("newest"), kind=PartyInstrument.Kind.COUNTERED
    ).exclude(node=node)
    answers = PartyInstrument.objects.filter(
        lineage=OuterRef("lineage"), answers=OuterRef("chosen"), of=OuterRef("node")
    )
    countered = countered.exclude(Exists(answers))
    unsigned = Q(newest__isnull=False) & ~Q(Exists(signed))
    unratified = Q(Exists(PartySignature.objects.filter(lineage=OuterRef("pk"), awaits_ratification=True)))
    wanted = candidates.filter(~Q(draft="") | unsigned | Q(Exists(countered)) | unratified)
    question, values = wanted.order_by("number").query.sql_with_params()
    return question, tuple(values)


def _of_agreement(
    agreement: Agreement, standing: Standing, approvals: dict[tuple[str, str], int]
) -> list[Waiting]:
    about = standing.pending or standing.current
    is_open = standing.pending is not None or standing.state in {State.PROPOSED, State.COUNTERED}
    found = []
    if about and is_open:
        me = about.party_of(settings.BASE_URL)
        if me and me.ref not in standing.signed_by:
            given = approvals.get((about.digest, Approval.Step.SIGNATURE), 0)
            found.append(Waiting(agreement, "approval", about, given))
    for document in dict.fromkeys((standing.pending, standing.current)):
        if document and isinstance(can_ratify(document, standing), Granted):
            given = approvals.get((document.digest, Approval.Step.RATIFICATION), 0)
            found.append(Waiting(agreement, "ratification", document, given))
    if standing.current and own_invitation(standing):
        given = approvals.get((standing.current.digest, Approval.Step.ACCESSION), 0)
        found.append(Waiting(agreement, "accession", standing.current, given))
    if about and standing.proposals and about.depositary.node == settings.BASE_URL and not agreement.draft:
        theirs = [each for each in standing.proposals if each.party != about.depositary.ref]
        if theirs:
            found.append(
                Waiting(agreement, "counter", about, instrument=theirs[-1].id, is_negotiation=is_open)
            )
    if agreement.draft and standing.state not in {State.TERMINATED, State.DECLINED}:
        found.append(Waiting(agreement, "draft", about or parse(agreement.draft.encode())))
    return found
