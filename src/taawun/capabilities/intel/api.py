"""The machine face of intelligence: bring in, read, report, publish, sight.

Objects are joined from stored text, never built anew: that is exact, and a hundred times cheaper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import Query, Router, Status

from taawun.capabilities.intel import actions, models, queries, schemas
from taawun.capabilities.intel.composing import bundle_chunks, text_under
from taawun.capabilities.intel.errors import EditedMeanwhile, ImportRefused, IntelError
from taawun.capabilities.intel.wording import issue_sentence
from taawun.cooperation.federation.api import decided
from taawun.cooperation.federation.decisions import Preview
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.tlp import Tlp, UnknownMarking
from taawun.platform.web import formats
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
from taawun.platform.web.downloads import attachment
from taawun.platform.web.openapi import IF_MATCH, answering
from taawun.platform.web.paging import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["ERRORS", "router"]

router = Router(tags=["intel"])

STIX: Final = "application/stix+json;version=2.1"
_ANY_FILE: Final = {"type": "string", "format": "binary"}
_FILE: Final = {
    "requestBody": {
        "required": True,
        "description": (
            "The file, at most as large as the node's setting `TAAWUN_MAX_UPLOAD_BYTES`. What it is, is seen by its "
            "content: whatever is sent as another type than that of a form is read as the file itself."
        ),
        "content": {
            "application/json": {"schema": {"description": "STIX 2.1, STIX 2.0 or MISP."}},
            STIX: {"schema": {"type": "object", "description": "A bundle."}},
            "application/octet-stream": {"schema": _ANY_FILE},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _ANY_FILE}}
            },
        },
    }
}


def _marking(text: str, pointer: str = "/tlp") -> Tlp:
    try:
        return Tlp.parse(text)
    except UnknownMarking:
        names = formats.listed([tlp.label for tlp in Tlp])
        raise Refusal(
            422,
            "unknown-marking",
            _("Choose one of these markings: %(names)s.") % {"names": names},
            pointer=pointer,
        ) from None


# ---- bringing in ------------------------------------------------------------------------------------------------


@router.post(
    "/intel/imports",
    response={202: schemas.Import},
    summary="Bring a file in",
    openapi_extra=_FILE | answering("Location"),
)
def begin_import(
    request: ApiRequest, response: HttpResponse, how: Query[schemas.NewImport]
) -> Status[schemas.Import]:
    """STIX 2.1, STIX 2.0 or MISP, as the body itself or as `file` of a form.

    What is no intelligence is refused at once, with its line and column, and nothing is stored. Otherwise the worker
    takes it in: look at the import that is answered.
    """
    actor = acting(request)
    require(actor, "write:intel")
    data, name = _uploaded(request)
    held = actions.begin_import(
        actor,
        data,
        name=how.name or name,
        default_tlp=_marking(how.tlp),
        leave_out_refused=how.leave_out_refused,
    )
    response["Location"] = f"{request.path}/{held.id}"
    return Status(202, _imports([held])[0])


def _uploaded(request: HttpRequest) -> tuple[bytes, str]:
    """The file and its name; read from the stream, because it may be larger than the bodies of other requests."""
    try:
        if request.content_type != "multipart/form-data":
            return request.read(), ""
        file = request.FILES.get("file")
        if file is not None:
            return file.read(), file.name or ""
    except (MultiPartParserError, UnreadablePostError, SuspiciousOperation):
        detail = _("The form cannot be read; send it as multipart/form-data with one file.")
        raise Refusal(400, "bad-form", detail) from None
    raise Refusal(422, "no-file", _("Send the file as “file”."), pointer="/file")


@router.get("/intel/imports", response=Listing[schemas.Import], summary="List imports")
def list_imports(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.ImportFilter]
) -> Listing[schemas.Import]:
    """What was brought in, newest first; for who brings in."""
    actor = acting(request)
    require(actor, "write:intel")
    found = queries.imports(actor)
    if wanted.text:
        found = found.filter(name__icontains=wanted.text)
    if wanted.state:
        found = found.filter(state=wanted.state)
    return listing(
        Listing[schemas.Import],
        found,
        paging,
        order=("-id",),
        show=_imports,
    )


@router.get("/intel/imports/{uuid:import_id}", response=schemas.Import, summary="Watch an import")
def get_import(request: ApiRequest, import_id: UUID) -> schemas.Import:
    """How far it is, and what came of it."""
    return _imports([_found_import(acting(request), import_id)])[0]


@router.get(
    "/intel/imports/{uuid:import_id}/issues",
    response=Listing[schemas.Issue],
    summary="List an import's issues",
)
def list_issues(request: ApiRequest, import_id: UUID, paging: Query[Paging]) -> Listing[schemas.Issue]:
    """What was wrong or could not be mapped, in the order of the file; in others' files of what one may see."""
    actor = acting(request)
    issues = queries.issues_of(actor, _found_import(actor, import_id))
    return listing(Listing[schemas.Issue], issues, paging, order=("id",), show=_issues)


def _found_import(actor: PersonActor, import_id: UUID) -> models.Import:
    require(actor, "write:intel")
    held = queries.imports(actor).filter(id=import_id).first()
    if held is None:
        missing("no-such-import", _("There is no such import of yours."))
    return held


def _imports(rows: Sequence[models.Import]) -> list[schemas.Import]:
    jobs = queries.jobs_of(rows)
    return [
        schemas.Import(
            id=held.id,
            name=held.name,
            format=held.format,
            size=held.size,
            tlp=Tlp(held.default_tlp).label,
            leave_out_refused=held.leave_out_refused,
            state=held.state,
            done=job.done if (job := jobs.get(held.id)) else 0,
            total=job.total if job else None,
            counts=held.counts,
            person=held.person.name if held.person else None,
            created=held.created,
            finished=held.finished,
        )
        for held in rows
    ]


def _issues(rows: Sequence[models.ImportIssue]) -> list[schemas.Issue]:
    return [
        schemas.Issue(
            severity=each.severity,
            code=each.code,
            sentence=issue_sentence(each.code, each.params),
            place=each.place,
            line=each.line or None,
            object=each.object_id,
        )
        for each in rows
    ]


# ---- objects ----------------------------------------------------------------------------------------------------


@router.get("/intel/objects", response=Listing[schemas.StixObject], summary="List objects")
def list_objects(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.ObjectFilter]
) -> HttpResponse:
    """The newest version of each object, newest first, each exactly as it is held."""
    actor = acting(request)
    require(actor, "read:intel")
    filters = queries.ObjectFilters(
        text=wanted.text, type=wanted.type, tlp=_marking(wanted.tlp) if wanted.tlp else None
    )
    rows, first = queries.objects_and_first(actor, filters)
    found = page(
        queries.only_texts(rows),
        order=("-id",),
        after=paging.after,
        limit=paging.limit,
        sooner=None if first is None else queries.only_texts(first),
    )
    items = ",".join(text_under(each.text, Tlp(each.tlp)) for each in found.items)
    following = orjson.dumps(found.next).decode()
    return HttpResponse(f'{{"items":[{items}],"next":{following}}}', content_type="application/json")


@router.get(
    "/intel/objects/{stix_id}",
    response=schemas.StixObject,
    summary="Get an object",
    openapi_extra=answering(media_type=STIX),
)
def get_object(request: ApiRequest, stix_id: str) -> HttpResponse:
    """The newest version of an object, under the marking it is held under."""
    held = _found_object(acting(request), stix_id)
    return HttpResponse(text_under(held.text, Tlp(held.tlp)), content_type=STIX)


@router.get(
    "/intel/objects/{stix_id}/versions",
    response=Listing[schemas.ObjectVersion],
    summary="List an object's versions",
)
def list_versions(request: ApiRequest, stix_id: str, paging: Query[Paging]) -> Listing[schemas.ObjectVersion]:
    """Every version that was ever held, newest first; a withdrawn one has lost its content."""
    actor = acting(request)
    require(actor, "read:intel")
    versions = queries.versions_of(actor, stix_id)
    if not versions.exists():
        missing("no-such-object", _("There is no such object here."))
    shown = queries.object_named(actor, stix_id)
    return listing(
        Listing[schemas.ObjectVersion],
        versions,
        paging,
        order=("-version", "-id"),
        show=lambda rows: [_version(each, shown) for each in rows],
    )


@router.get(
    "/intel/objects/{stix_id}/relations",
    response=Listing[schemas.Relation],
    summary="List what an object is tied to",
)
def list_relations(request: ApiRequest, stix_id: str, paging: Query[Paging]) -> Listing[schemas.Relation]:
    """What it names, and what names it, as far as the caller may see it."""
    actor = acting(request)
    held = _found_object(actor, stix_id)
    return listing(
        Listing[schemas.Relation],
        queries.references_of(actor, held),
        paging,
        order=("id",),
        show=lambda rows: _relations(actor, held, rows),
    )


def _found_object(actor: PersonActor, stix_id: str) -> models.StixObject:
    require(actor, "read:intel")
    held = queries.object_named(actor, stix_id)
    if held is None:
        missing("no-such-object", _("There is no such object here."))
    return held


def _version(row: models.StixObject, shown: models.StixObject | None) -> schemas.ObjectVersion:
    return schemas.ObjectVersion(
        id=row.stix_id,
        type=row.type,
        version=row.version,
        is_current=row == shown,
        state=row.state,
        tlp=Tlp(row.tlp).label,
        name=row.name,
        origin=row.origin,
        recorded=row.created,
    )


def _relations(
    actor: PersonActor, held: models.StixObject, rows: Sequence[models.Reference]
) -> list[schemas.Relation]:
    others = queries.current_among(actor, [_other_end(held, each) for each in rows])
    return [
        schemas.Relation(
            relation=each.relation,
            id=_other_end(held, each),
            direction="out" if each.source_id == held.pk else "in",
            type=other.type if (other := others.get(_other_end(held, each))) else "",
            name=other.name if other else "",
        )
        for each in rows
    ]


def _other_end(held: models.StixObject, reference: models.Reference) -> str:
    return reference.target if reference.source_id == held.pk else reference.source.stix_id


# ---- reports ----------------------------------------------------------------------------------------------------


@router.get("/intel/reports", response=Listing[schemas.ReportSummary], summary="List reports")
def list_reports(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.ReportFilter]
) -> Listing[schemas.ReportSummary]:
    """Ours and partners', newest first."""
    actor = acting(request)
    require(actor, "read:intel")
    filters = queries.ReportFilters(
        text=wanted.text,
        state=wanted.state,
        tlp=_marking(wanted.tlp) if wanted.tlp else None,
        only_warnings=wanted.early_warnings,
    )
    return listing(
        Listing[schemas.ReportSummary],
        queries.only_listed(queries.reports(actor, filters)),
        paging,
        order=("-id",),
        show=lambda rows: [schemas.ReportSummary(**_summary(each)) for each in rows],
    )


@router.post(
    "/intel/reports",
    response={201: schemas.Report},
    summary="Begin a report",
    openapi_extra=answering("ETag", "Location"),
)
def create_report(
    request: ApiRequest, response: HttpResponse, body: schemas.ReportText
) -> Status[schemas.Report]:
    """A draft of ours; nobody outside sees it until it is published."""
    actor = acting(request)
    report = actions.create_report(actor, _fields(body))
    response["ETag"] = etag(report.edition)
    response["Location"] = f"{request.path}/{report.id}"
    return Status(201, _report(actor, report))


@router.get(
    "/intel/reports/{uuid:report_id}",
    response=schemas.Report,
    summary="Get a report",
    openapi_extra=answering("ETag"),
)
def get_report(request: ApiRequest, response: HttpResponse, report_id: UUID) -> schemas.Report:
    """A report with the identifiers of what it names; the objects themselves are in its bundle."""
    actor = acting(request)
    report = _found_report(actor, report_id)
    response["ETag"] = etag(report.edition)
    return _report(actor, report)


@router.put(
    "/intel/reports/{uuid:report_id}",
    response=schemas.Report,
    summary="Change a report",
    openapi_extra=IF_MATCH | answering("ETag"),
)
def edit_report(
    request: ApiRequest, response: HttpResponse, report_id: UUID, body: schemas.ReportText
) -> schemas.Report:
    """All of its fields. Receivers see the change when it is published as a new version."""
    actor = acting(request)
    report = _found_report(actor, report_id)
    check_edition(request, report.edition)
    edited = actions.edit_report(actor, report, _fields(body), edition=report.edition)
    response["ETag"] = etag(edited.edition)
    return _report(actor, edited)


@router.get(
    "/intel/reports/{uuid:report_id}/bundle",
    response=schemas.StixBundle,
    summary="Download a report's objects",
    openapi_extra=answering("Content-Disposition", media_type=STIX),
)
def get_bundle(request: ApiRequest, report_id: UUID) -> HttpResponseBase:
    """The report and what it names, as one STIX 2.1 bundle, each under the marking it is held under."""
    actor = acting(request)
    report = _found_report(actor, report_id)
    texts = queries.texts_with(actor, report)
    return attachment(bundle_chunks(texts), name=f"{report.stix_id}.json", content_type=STIX)


@router.post(
    "/intel/reports/{uuid:report_id}/preview",
    response=schemas.Previewed,
    summary="Who would receive this report?",
)
def preview_report(request: ApiRequest, report_id: UUID, body: schemas.Audience) -> schemas.Previewed:
    """Who would receive it, by which clause; who would not, and why; and what would go. Changes nothing."""
    actor = acting(request)
    found = actions.preview_report(actor, _found_report(actor, report_id), body.audience)
    shown = decided(found)
    return schemas.Previewed(
        receivers=shown.receivers,
        others=shown.others,
        objects=found.objects,
        missing=list(found.missing),
        leaves_as=found.leaves_as,
    )


@router.post("/intel/reports/{uuid:report_id}/publish", response=schemas.Report, summary="Publish a report")
def publish_report(request: ApiRequest, report_id: UUID, body: schemas.Publication) -> schemas.Report:
    """Sign it with its objects, and send it to whom the clauses allow."""
    actor = acting(request)
    report = _found_report(actor, report_id)
    return _report(actor, actions.publish_report(actor, report, body.audience, edition=body.edition))


@router.post("/intel/reports/{uuid:report_id}/withdraw", response=schemas.Report, summary="Withdraw a report")
def withdraw_report(request: ApiRequest, report_id: UUID, body: schemas.Withdrawal) -> schemas.Report:
    """Take back all its versions, at every receiver."""
    actor = acting(request)
    report = _found_report(actor, report_id)
    return _report(actor, actions.withdraw_report(actor, report, body.reason, edition=body.edition))


def _found_report(actor: PersonActor, report_id: UUID) -> models.Report:
    require(actor, "read:intel")
    report = queries.report_named(actor, report_id)
    if report is None:
        missing("no-such-report", _("There is no such report here."))
    return report


def _fields(body: schemas.ReportText) -> actions.ReportFields:
    return actions.ReportFields(
        title=body.title,
        summary=body.summary,
        tlp=_marking(body.tlp),
        topics=tuple(body.topics),
        object_ids=tuple(body.object_ids),
        languages=tuple(body.languages),
        persons=tuple(body.persons),
        is_warning=body.is_warning,
    )


def _summary(report: models.Report) -> dict[str, Any]:
    partner = report.release.origin if report.release else None
    return {
        "id": report.id,
        "stix_id": report.stix_id,
        "title": report.title,
        "tlp": Tlp(report.tlp).label,
        "state": report.state,
        "topics": report.topics,
        "is_warning": report.is_warning,
        "edition": report.edition,
        "author": report.author.name if report.author else None,
        "partner": partner.node if partner else None,
        "created": report.created,
        "changed": report.changed,
    }


def _report(actor: PersonActor, report: models.Report) -> schemas.Report:
    return schemas.Report(
        **_summary(report),
        summary=report.summary,
        languages=report.languages,
        persons=report.persons,
        object_ids=list(queries.objects_of(actor, report).values_list("stix_id", flat=True)),
        release=report.release_id,
    )


# ---- sightings --------------------------------------------------------------------------------------------------


@router.get("/intel/sightings", response=Listing[schemas.Sighting], summary="List sightings")
def list_sightings(
    request: ApiRequest, paging: Query[Paging], wanted: Query[schemas.SightingFilter]
) -> Listing[schemas.Sighting]:
    """Who saw an object, we and the partners that told us, newest first."""
    actor = acting(request)
    require(actor, "read:intel")
    return listing(
        Listing[schemas.Sighting],
        queries.sightings(actor, wanted.of),
        paging,
        order=("-id",),
        show=lambda rows: [_sighting(each) for each in rows],
    )


@router.post("/intel/sightings", response={201: schemas.SightingMade}, summary="Say that something was seen")
def sight(request: ApiRequest, body: schemas.NewSighting) -> Status[schemas.SightingMade]:
    """Recorded here, and sent to the partners the object came from as far as a clause allows it."""
    outcome = actions.sight(
        acting(request),
        body.of,
        count=body.count,
        first_seen=body.first_seen,
        last_seen=body.last_seen,
        note=body.note,
    )
    return Status(201, _outcome(outcome))


@router.get(
    "/intel/sightings/{uuid:sighting_id}/outcome",
    response=schemas.SightingMade,
    summary="Tell where a sighting went",
)
def get_sighting_outcome(request: ApiRequest, sighting_id: UUID) -> schemas.SightingMade:
    """To whom a sighting of ours went, and to whom it did not and why, as the clauses are now."""
    actor = acting(request)
    require(actor, "write:intel")
    made = queries.sightings(actor).filter(id=sighting_id, seen_by="").first()
    if made is None:
        missing("no-such-sighting", _("There is no such sighting here."))
    return _outcome(actions.sighting_outcome(actor, made))


def _outcome(outcome: actions.SightingOutcome) -> schemas.SightingMade:
    return schemas.SightingMade(
        sighting=_sighting(outcome.sighting),
        sources=list(outcome.sources),
        sent_to=list(outcome.sent_to),
        not_sent=decided(Preview((), outcome.refused)).others,
        withheld=[each.party for each in outcome.withheld],
        release=outcome.sighting.release_id,
    )


def _sighting(sighting: models.Sighting) -> schemas.Sighting:
    return schemas.Sighting(
        id=sighting.id,
        of=sighting.of,
        count=sighting.count,
        first_seen=sighting.first_seen,
        last_seen=sighting.last_seen,
        note=sighting.note,
        tlp=Tlp(sighting.tlp).label,
        seen_by=sighting.seen_by,
        created=sighting.created,
    )


def _import_refused(refused: ImportRefused) -> Refusal:
    place: dict[str, Any] = {"line": refused.line, "column": refused.column} if refused.line else {}
    status = 413 if refused.code == "too-large" else 422
    return Refusal(status, refused.code, str(refused), pointer=refused.pointer, **place)


def _refused(refused: IntelError) -> Refusal:
    return Refusal(422, refused.code, str(refused), pointer=f"/{refused.field}" if refused.field else "")


ERRORS: Final[ErrorAnswers] = {
    ImportRefused: _import_refused,
    EditedMeanwhile: lambda refused: Refusal(412, refused.code, str(refused)),
    IntelError: _refused,
}
