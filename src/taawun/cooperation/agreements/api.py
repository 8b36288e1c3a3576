"""The machine face of agreements: drafting, negotiating, signing, and reading what was agreed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from taawun.cooperation.agreements import actions, comparison, drafting, models, schemas, showing
from taawun.cooperation.agreements.document import Document, parse
from taawun.cooperation.agreements.errors import AgreementError, DocumentRefused, StepRefused
from taawun.cooperation.agreements.paper import printing
from taawun.cooperation.agreements.presenting.effects import effects
from taawun.cooperation.agreements.presenting.plain import plain
from taawun.cooperation.agreements.versions import version_of
from taawun.cooperation.partners.api import found_partner
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7
from taawun.foundation.strict_json import canonical
from taawun.platform.web.api import (
    ApiRequest,
    ErrorAnswers,
    Listing,
    Paging,
    Refusal,
    check_edition,
    etag,
    listing,
    missing,
)
from taawun.platform.web.openapi import IF_MATCH, IF_MATCH_THE_DRAFT, answering

__all__ = ["ERRORS", "found", "router", "shown", "to_sign"]

router = Router(tags=["agreements"])

_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_PRINTED: Final = answering(problems=[503]) | {
    "responses": {
        200: {
            "description": "The printed agreement",
            "content": dict.fromkeys(printing.FORMS.values(), _FILE),
        }
    }
}


# ---- reading ----------------------------------------------------------------------------------------------------


@router.get("/agreements", response=Listing[schemas.AgreementSummary], summary="List agreements")
def list_agreements(request: ApiRequest, paging: Query[Paging]) -> Listing[schemas.AgreementSummary]:
    """Every agreement with where it stands, newest first."""
    require(acting(request), "read:agreements")
    return listing(
        Listing[schemas.AgreementSummary],
        models.Agreement.objects.all(),
        paging,
        order=("-number",),
        show=showing.summaries,
    )


@router.get("/agreement-templates", response=schemas.TemplateList, summary="List templates")
def list_templates(request: ApiRequest) -> schemas.TemplateList:
    """Starts for a new agreement: those that this version of the node brings, so all of them come at once."""
    require(acting(request), "read:agreements")
    return schemas.TemplateList(items=[showing.template(each) for each in drafting.TEMPLATES])


@router.get("/agreements/{uuid:agreement_id}", response=schemas.Agreement, summary="Get an agreement")
def get_agreement(request: ApiRequest, agreement_id: UUID) -> schemas.Agreement:
    """Where an agreement stands, and everything that was signed about it."""
    require(acting(request), "read:agreements")
    return shown(request, found(agreement_id))


@router.get(
    "/agreements/{uuid:agreement_id}/versions/{int:number}", response=schemas.Version, summary="Get a version"
)
def get_version(
    request: ApiRequest, agreement_id: UUID, number: int, which: Query[schemas.VersionQuery]
) -> schemas.Version:
    """A version with its signatures and its text, parsed."""
    require(acting(request), "read:agreements")
    agreement = found(agreement_id)
    return showing.version(agreement, _found_version(agreement, number, which.digest))


@router.get(
    "/agreements/{uuid:agreement_id}/versions/{int:number}/text",
    response=dict[str, Any],
    summary="Get a version's exact text",
    openapi_extra=answering("ETag"),
)
def get_version_text(
    request: ApiRequest, agreement_id: UUID, number: int, which: Query[schemas.VersionQuery]
) -> HttpResponse:
    """The bytes that the parties sign; their SHA-256 is the version's digest, and the ETag."""
    require(acting(request), "read:agreements")
    version = _found_version(found(agreement_id), number, which.digest)
    response = HttpResponse(bytes(version.text), content_type="application/json")
    response["ETag"] = etag(version.digest)
    return response


@router.get(
    "/agreements/{uuid:agreement_id}/compare", response=schemas.Comparison, summary="Compare two texts"
)
def compare_texts(
    request: ApiRequest, agreement_id: UUID, texts: Query[schemas.ComparisonQuery]
) -> schemas.Comparison:
    """What differs between two versions, the draft, or counter-proposals, member by member."""
    require(acting(request), "read:agreements")
    agreement = found(agreement_id)
    before, after = _text(request, agreement, texts.before), _text(request, agreement, texts.after)
    return schemas.Comparison(
        before=texts.before,
        after=texts.after,
        changes=[
            schemas.Change(place=each.place, before=each.before, after=each.after)
            for each in comparison.compare(before, after)
        ],
        effects=[plain(each) for each in effects(parse(before), parse(after))],
    )


@router.get(
    "/agreements/{uuid:agreement_id}/versions/{int:number}/paper",
    response={202: schemas.PaperAwaited},
    summary="Print a version",
    openapi_extra=_PRINTED,
)
def print_version(
    request: ApiRequest, agreement_id: UUID, number: int, wanted: Query[schemas.PaperQuery]
) -> HttpResponse | Status[schemas.PaperAwaited]:
    """A version as PDF or DOCX, in one language or two, with signatures, digest and the exact text.

    A long one is set in the background: it is answered 202 with a job, and with the file once that is done.
    """
    require(acting(request), "read:agreements")
    agreement = found(agreement_id)
    _found_version(agreement, number)
    return _printed(agreement, str(number), wanted)


@router.get(
    "/agreements/{uuid:agreement_id}/draft/paper",
    response={202: schemas.PaperAwaited},
    summary="Print the draft",
    openapi_extra=_PRINTED,
)
def print_draft(
    request: ApiRequest, agreement_id: UUID, wanted: Query[schemas.PaperQuery]
) -> HttpResponse | Status[schemas.PaperAwaited]:
    """The draft as PDF or DOCX, marked as one on every page; otherwise as a version is printed."""
    agreement = _to_write(request, agreement_id)
    if not agreement.draft:
        missing("no-draft", _("There is no draft of this agreement."))
    return _printed(agreement, printing.DRAFT, wanted)


# ---- drafting ---------------------------------------------------------------------------------------------------


@router.post(
    "/agreements",
    response={201: schemas.Agreement},
    summary="Draft an agreement",
    openapi_extra=answering(problems=[404]),
)
def draft_agreement(request: ApiRequest, body: schemas.NewAgreement) -> Status[schemas.Agreement]:
    """Begin an agreement from a document or a template. Nobody else sees it until it is proposed.

    It is answered 404 where one of the partners is not there.
    """
    actor = acting(request)
    require(actor, "write:agreements")
    agreement = actions.draft(actor, _first_document(body))
    return Status(201, shown(request, agreement))


@router.get(
    "/agreements/{uuid:agreement_id}/draft",
    response=schemas.Draft,
    summary="Get the draft",
    openapi_extra=answering("ETag"),
)
def get_draft(request: ApiRequest, response: HttpResponse, agreement_id: UUID) -> schemas.Draft:
    """The draft that is being written here. Its edition is the ETag."""
    require(acting(request), "write:agreements")
    agreement = found(agreement_id)
    if not agreement.draft:
        missing("no-draft", _("There is no draft of this agreement."))
    response["ETag"] = etag(agreement.draft_edition)
    return showing.draft(agreement)


@router.put(
    "/agreements/{uuid:agreement_id}/draft",
    response=schemas.Draft,
    summary="Replace the draft",
    openapi_extra=IF_MATCH | answering("ETag"),
)
def edit_draft(
    request: ApiRequest, response: HttpResponse, agreement_id: UUID, body: schemas.DraftEdit
) -> schemas.Draft:
    """Replace the draft, or begin one of the next version."""
    actor = acting(request)
    require(actor, "write:agreements")
    agreement = found(agreement_id)
    check_edition(request, agreement.draft_edition)
    edited = actions.edit_draft(
        actor, agreement, _document(body.document, agreement.id), edition=agreement.draft_edition
    )
    response["ETag"] = etag(edited.draft_edition)
    return showing.draft(edited)


@router.delete(
    "/agreements/{uuid:agreement_id}/draft",
    response={204: None},
    summary="Discard the draft",
    openapi_extra=IF_MATCH,
)
def discard_draft(request: ApiRequest, agreement_id: UUID) -> Status[None]:
    """Throw the draft away. Where nothing was ever proposed, the agreement goes with it."""
    agreement = _to_write(request, agreement_id)
    if not agreement.draft:
        missing("no-draft", _("There is no draft of this agreement."))
    check_edition(request, agreement.draft_edition)
    actions.discard_draft(acting(request), agreement, edition=agreement.draft_edition)
    return Status(204, None)


@router.post(
    "/agreements/{uuid:agreement_id}/propose",
    response=schemas.Agreement,
    summary="Propose the draft",
    openapi_extra=IF_MATCH,
)
def propose_agreement(request: ApiRequest, agreement_id: UUID) -> schemas.Agreement:
    """Send the draft to every other party as the next version."""
    agreement = _to_write(request, agreement_id)
    if agreement.draft:
        check_edition(request, agreement.draft_edition)
    actions.propose(acting(request), agreement, edition=agreement.draft_edition)
    return shown(request, agreement)


# ---- negotiating and signing ------------------------------------------------------------------------------------


@router.post(
    "/agreements/{uuid:agreement_id}/counter",
    response=schemas.Agreement,
    summary="Make a counter-proposal",
    openapi_extra=IF_MATCH_THE_DRAFT,
)
def counter_agreement(
    request: ApiRequest, agreement_id: UUID, body: schemas.CounterProposal
) -> schemas.Agreement:
    """Answer a proposal, or propose a change to what is in force, with a text of one's own for the depositary to adopt.

    What is in force stays so until a next version is signed by all. The depositary itself proposes versions instead.
    A draft that is being written here is done with.
    """
    agreement = _to_write(request, agreement_id)
    if agreement.draft:
        check_edition(request, agreement.draft_edition)
    actions.counter(
        acting(request),
        agreement,
        _document(body.document, agreement.id),
        body.note,
        edition=agreement.draft_edition,
        digest=body.digest or "",
    )
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/adopt",
    response=schemas.Agreement,
    summary="Adopt a counter-proposal",
    openapi_extra=IF_MATCH_THE_DRAFT,
)
def adopt_counter(
    request: ApiRequest, agreement_id: UUID, body: schemas.SuggestionAdopted
) -> schemas.Agreement:
    """Take a party's counter-proposal as our draft of the next version, in place of one that is being written here."""
    agreement = _to_write(request, agreement_id)
    suggestion = _suggestion(agreement, body.suggestion)
    if agreement.draft:
        check_edition(request, agreement.draft_edition)
    adopted = actions.adopt(acting(request), agreement, suggestion, edition=agreement.draft_edition)
    return shown(request, adopted)


@router.post(
    "/agreements/{uuid:agreement_id}/turn-down",
    response=schemas.Agreement,
    summary="Turn down a counter-proposal",
)
def turn_down_counter(
    request: ApiRequest, agreement_id: UUID, body: schemas.SuggestionTurnedDown
) -> schemas.Agreement:
    """Say no to a party's counter-proposal, as its depositary; the version it is about is not touched by that."""
    agreement = _to_write(request, agreement_id)
    actions.turn_down(acting(request), agreement, _suggestion(agreement, body.suggestion), body.note)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/approve", response=schemas.Agreement, summary="Approve a version"
)
def approve_agreement(
    request: ApiRequest, agreement_id: UUID, body: schemas.ApprovalGiven
) -> schemas.Agreement:
    """Approve a version. The second officer's approval lets the node sign it, in the same step."""
    agreement = to_sign(request, agreement_id)
    actions.approve(acting(request), agreement, body.digest)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/decline", response=schemas.Agreement, summary="Decline a version"
)
def decline_agreement(request: ApiRequest, agreement_id: UUID, body: schemas.Note) -> schemas.Agreement:
    """Say no to the version that was proposed."""
    agreement = to_sign(request, agreement_id)
    actions.decline(acting(request), agreement, body.note)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/suspend", response=schemas.Agreement, summary="Suspend an agreement"
)
def suspend_agreement(request: ApiRequest, agreement_id: UUID, body: schemas.Note) -> schemas.Agreement:
    """Suspend the agreement at once: nothing more flows under it until this node resumes it."""
    agreement = to_sign(request, agreement_id)
    actions.suspend(acting(request), agreement, body.note)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/resume", response=schemas.Agreement, summary="Resume an agreement"
)
def resume_agreement(request: ApiRequest, agreement_id: UUID, body: schemas.Note) -> schemas.Agreement:
    """Lift our own suspension."""
    agreement = to_sign(request, agreement_id)
    actions.resume(acting(request), agreement, body.note)
    return shown(request, agreement)


@router.post(
    "/agreements/{uuid:agreement_id}/terminate", response=schemas.Agreement, summary="Terminate an agreement"
)
def terminate_agreement(request: ApiRequest, agreement_id: UUID, body: schemas.Note) -> schemas.Agreement:
    """Give notice. The agreement ends when the days of notice in it are over."""
    agreement = to_sign(request, agreement_id)
    actions.terminate(acting(request), agreement, body.note)
    return shown(request, agreement)


# ---- what was asked for -----------------------------------------------------------------------------------------


def found(agreement_id: UUID) -> models.Agreement:
    """The agreement that an address names, or 404."""
    agreement = models.Agreement.objects.filter(id=agreement_id).first()
    if agreement is None:
        missing("no-such-agreement", _("There is no such agreement on this node."))
    return agreement


def _to_write(request: ApiRequest, agreement_id: UUID) -> models.Agreement:
    # the action asks too; asked first, who may not write is not told what there is
    require(acting(request), "write:agreements")
    return found(agreement_id)


def to_sign(request: ApiRequest, agreement_id: UUID) -> models.Agreement:
    """The agreement that an address names, for who may bind this node; others are not told what there is."""
    require(acting(request), "approve:agreements")
    return found(agreement_id)


def _suggestion(agreement: models.Agreement, chosen: UUID) -> models.PartyInstrument:
    found = models.PartyInstrument.objects.filter(id=chosen, lineage=agreement.id).first()
    if found is None:
        raise Refusal(
            422,
            "no-suggestion",
            _("There is no such counter-proposal to this agreement."),
            pointer="/suggestion",
        )
    return found


def _printed(
    agreement: models.Agreement, text: str, wanted: schemas.PaperQuery
) -> HttpResponse | Status[schemas.PaperAwaited]:
    languages = tuple(dict.fromkeys(each for each in (wanted.language, wanted.beside) if each))
    order = printing.PrintOrder.of(agreement, text, languages=languages, form=wanted.form)
    made = printing.printed(order)
    if isinstance(made, bytes):
        return HttpResponse(made, content_type=printing.FORMS[order.form])
    if made is None or made.state == "failed":
        raise Refusal(
            503,
            "not-printed",
            _("Several long texts are being printed already. Try again in a minute."),
            headers={"Retry-After": "60"},
        )
    return Status(202, schemas.PaperAwaited(job=made.id))


def _found_version(agreement: models.Agreement, number: int, digest: str = "") -> models.Version:
    version = version_of(agreement, number, digest)
    if version is None:
        missing("no-such-version", _("There is no such version of this agreement here."))
    return version


def _text(request: ApiRequest, agreement: models.Agreement, name: str) -> bytes:
    """The text that a comparison names."""
    if name == "draft" and agreement.draft:
        require(acting(request), "write:agreements")
        return agreement.draft.encode()
    by_digest = models.Version.objects.filter(agreement=agreement, digest=name).first()
    if by_digest is not None:
        return bytes(by_digest.text)
    if name.isascii() and name.isdigit():
        return bytes(_found_version(agreement, int(name)).text)
    counters = models.PartyInstrument.objects.filter(lineage=agreement.id, suggestion__isnull=False)
    found = next((each.suggestion for each in counters if str(each.id) == name), None)
    if found is None:
        missing("no-such-text", _("This agreement has no text of the name “%(name)s”.") % {"name": name})
    return bytes(found)


def shown(request: ApiRequest, agreement: models.Agreement) -> schemas.Agreement:
    """An agreement as it stands after what was done."""
    agreement.refresh_from_db()
    return showing.agreement(agreement, shows_draft="write:agreements" in request.auth.permissions)


def _first_document(body: schemas.NewAgreement) -> Document:
    if (body.document is None) == (body.template is None):
        raise Refusal(
            422, "document-or-template", _("Send either a “document” or a “template” with its “partners”.")
        )
    if body.document is not None:
        return _document(body.document, uuid7())
    partners = [found_partner(each) for each in body.partners]
    return drafting.draft_from(
        body.template or "", partners, valid_from=body.valid_from or now(), valid_until=body.valid_until
    )


def _document(value: dict[str, Any], lineage: UUID) -> Document:
    """A document that came in a body; it may leave out its id and version, which are the agreement's affair."""
    try:
        return parse(canonical({"id": str(lineage), "version": 1, **value}))
    except DocumentRefused as refused:
        raise Refusal(422, refused.code, str(refused), pointer=f"/document{refused.place}") from None


def _document_refused(refused: DocumentRefused) -> Refusal:
    return Refusal(422, refused.code, str(refused), pointer=refused.place)


def _step_refused(refused: StepRefused) -> Refusal:
    statuses = {"edited-meanwhile": 412, "unknown-version": 422, "unknown-template": 422}
    return Refusal(statuses.get(refused.code, 409), refused.code, str(refused))


ERRORS: Final[ErrorAnswers] = {
    DocumentRefused: _document_refused,
    StepRefused: _step_refused,
    AgreementError: lambda refused: Refusal(409, refused.code, str(refused)),
}
