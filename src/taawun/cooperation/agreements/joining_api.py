"""The machine face of joining, narrowing and leaving: ratification, accession, declarations, and the paper's scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router

from taawun.cooperation.agreements import actions, models, newcomers, queries, schemas
from taawun.cooperation.agreements.api import found, shown, to_sign
from taawun.cooperation.agreements.document import Party, check_meant, parse_narrowings, parse_parts
from taawun.cooperation.partners.api import found_partner
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.multilingual import Text
from taawun.platform.files import actions as files
from taawun.platform.files.errors import FileGone, FileTooLarge
from taawun.platform.web.api import ApiRequest, Refusal, missing
from taawun.platform.web.openapi import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["router"]

router = Router(tags=["agreements"])

_CHUNK: Final = 1024 * 1024
_SCAN: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/agreements/{uuid:agreement_id}/ratify", response=schemas.Agreement, summary="Ratify a version")
def ratify_agreement(
    request: ApiRequest, agreement_id: UUID, body: schemas.ApprovalGiven
) -> schemas.Agreement:
    """Approve the ratification of a version that this node signed; the second officer's approval ratifies it."""
    agreement = to_sign(request, agreement_id)
    actions.ratify(acting(request), agreement, body.digest)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/accede", response=schemas.Agreement, summary="Accede to an agreement"
)
def accede_agreement(
    request: ApiRequest, agreement_id: UUID, body: schemas.ApprovalGiven
) -> schemas.Agreement:
    """Approve the accession to which this node was invited; with the second officer's approval it is signed and sent.

    This node is a party from when the depositary has countersigned.
    """
    agreement = to_sign(request, agreement_id)
    actions.accede(acting(request), agreement, body.digest)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/invite",
    response=schemas.Agreement,
    summary="Invite a node to accede",
)
def invite_to_agreement(
    request: ApiRequest, agreement_id: UUID, body: schemas.AccessionInvitation
) -> schemas.Agreement:
    """Invite a verified partner that the agreement does not name, as its depositary.

    It is shown every version, and who signed what. It is answered 404 where the partner is not there.
    """
    agreement = to_sign(request, agreement_id)
    partner = found_partner(body.partner)
    entry = Party(
        ref=body.ref,
        kind="node",
        node="",
        host="",
        nation=partner.nation,
        organisation=Text(body.organisation) if body.organisation else partner.name,
        kid="",
        ratifies=body.ratifies,
    )
    parts = None if body.parts is None else parse_parts([each.model_dump() for each in body.parts])
    actions.invite(acting(request), agreement, partner, entry, body.note, parts=parts, until=body.until)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/newcomers",
    response=schemas.Agreement,
    summary="Confirm a newcomer",
)
def confirm_newcomer(
    request: ApiRequest, agreement_id: UUID, body: schemas.NewcomerConfirmed
) -> schemas.Agreement:
    """Confirm a party that acceded, for clauses that give newcomers what this node sent before."""
    agreement = to_sign(request, agreement_id)
    actions.confirm_newcomer(acting(request), agreement, body.party, reads_earlier=body.reads_earlier)
    return shown(request, agreement)


@router.get(
    "/agreements/{uuid:agreement_id}/newcomers",
    response=schemas.Newcomers,
    summary="List newcomers",
)
def list_newcomers(request: ApiRequest, agreement_id: UUID) -> schemas.Newcomers:
    """The parties that acceded and to which this node gives the history, and what each would read of it."""
    agreement = to_sign(request, agreement_id)
    return schemas.Newcomers(items=[_newcomer(agreement, each) for each in newcomers.joined(agreement)])


def _newcomer(agreement: models.Agreement, found: newcomers.Joined) -> schemas.NewcomerShown:
    said = found.confirmed
    return schemas.NewcomerShown(
        party=found.party.node,
        ref=found.party.ref,
        clauses=list(found.clauses),
        reads_earlier=said.reads_earlier if said else None,
        confirmed_by=said.confirmed_by if said else "",
        at=said.at if said else None,
        earlier=[
            schemas.Earlier(
                clause=each.clause, kind=each.kind, tlp=each.tlp.label, count=each.count, since=each.since
            )
            for each in newcomers.earlier_for(agreement, found.party.node)
        ],
    )


@router.delete(
    "/agreements/{uuid:agreement_id}/newcomers",
    response=schemas.Agreement,
    summary="Take back the confirmation of a newcomer",
)
def take_back_newcomer(
    request: ApiRequest, agreement_id: UUID, party: Annotated[str, Query(max_length=340)]
) -> schemas.Agreement:
    """Take back a confirmation, as long as the newcomer has signed for nothing that it was sent."""
    agreement = to_sign(request, agreement_id)
    actions.take_back_newcomer(acting(request), agreement, party)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/leave", response=schemas.Agreement, summary="Leave an agreement"
)
def leave_agreement(request: ApiRequest, agreement_id: UUID, body: schemas.Note) -> schemas.Agreement:
    """Give notice of leaving. The agreement goes on among the others when the days of notice in it are over."""
    agreement = to_sign(request, agreement_id)
    actions.leave(acting(request), agreement, body.note)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/declare",
    response=schemas.Agreement,
    summary="Declare that less is given or taken",
)
def declare_on_agreement(
    request: ApiRequest, agreement_id: UUID, body: schemas.DeclarationMade
) -> schemas.Agreement:
    """Declare that this node gives or takes less than the clauses allow; it counts at once, at every node.

    What would widen a clause, or changes nothing, is refused with its place.
    """
    agreement = to_sign(request, agreement_id)
    narrows = parse_narrowings(
        [each.model_dump(exclude_none=True, exclude={"closes"}) for each in body.narrows]
    )
    if about := queries.standing_of(agreement).current:
        for index, (said, each) in enumerate(zip(body.narrows, narrows, strict=True)):
            check_meant(about, each, f"/narrows/{index}", closes=said.closes)
    actions.declare(acting(request), agreement, narrows, body.note)
    return shown(request, agreement)


@router.post("/agreements/{uuid:agreement_id}/lift", response=schemas.Agreement, summary="Lift a declaration")
def lift_declaration(
    request: ApiRequest, agreement_id: UUID, body: schemas.DeclarationLifted
) -> schemas.Agreement:
    """Lift a declaration of this node."""
    agreement = to_sign(request, agreement_id)
    actions.lift(acting(request), agreement, body.declaration, body.note)
    return shown(request, agreement)


@router.put(
    "/agreements/{uuid:agreement_id}/scan",
    response=schemas.Scan,
    summary="Attach the scan of the paper",
    openapi_extra=_SCAN,
)
def attach_scan(request: ApiRequest, agreement_id: UUID) -> schemas.Scan:
    """Keep the scan of the paper instrument that the agreement names; refused where its digest is another."""
    actor = acting(request)
    require(actor, "write:agreements")
    agreement = found(agreement_id)
    try:
        scan = actions.attach_scan(actor, agreement, _chunks(request), request.GET.get("name", "")[:200])
    except FileTooLarge as refused:
        raise Refusal(413, "too-large", str(refused)) from None
    return schemas.Scan(digest=scan.digest, size=scan.size, name=scan.name)


def _chunks(request: ApiRequest) -> Iterator[bytes]:
    while chunk := request.read(_CHUNK):
        yield chunk


@router.get(
    "/agreements/{uuid:agreement_id}/scan",
    response=bytes,
    summary="Get the scan of the paper",
    openapi_extra=answering("Content-Disposition", media_type="application/octet-stream"),
)
def get_scan(request: ApiRequest, agreement_id: UUID) -> HttpResponse:
    """The scan that was attached here last."""
    actor = acting(request)
    require(actor, "read:agreements")
    agreement = found(agreement_id)
    papers = queries.papers_of(agreement, with_draft="write:agreements" in actor.permissions)
    scan = max((kept for _paper, kept in papers if kept), key=lambda each: each.at, default=None)
    if scan is None:
        missing("no-scan", _("No scan is attached to this agreement here."))
    try:
        content = files.read(scan.digest)
    except FileGone:
        missing("no-scan", _("No scan is attached to this agreement here."))
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{agreement.code}-scan"'
    return response
