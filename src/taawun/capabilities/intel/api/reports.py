"""Reports: written, previewed, published, withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.capabilities.intel import actions, models, queries, schemas
from taawun.capabilities.intel.composing import bundle_chunks
from taawun.cooperation.federation.api import decided
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.tlp import Tlp
from taawun.platform.web.api import (
    ApiRequest,
    Listing,
    Paging,
    check_edition,
    etag,
    missing,
)
from taawun.platform.web.downloads import attachment
from taawun.platform.web.openapi import IF_MATCH, answering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.people.actors import PersonActor

from taawun.capabilities.intel.api.routing import STIX, marking, router


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
        tlp=marking(wanted.tlp) if wanted.tlp else None,
        only_warnings=wanted.early_warnings,
    )
    found = queries.page_of_reports(actor, filters, after=paging.after, limit=paging.limit)
    return Listing[schemas.ReportSummary](items=_listed(found.items), next=found.next)


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
    shown = decided(found, found.public)
    return schemas.Previewed(
        receivers=shown.receivers,
        others=shown.others,
        public=shown.public,
        objects=found.objects,
        missing=list(found.missing),
        leaves_as=found.leaves_as,
    )


@router.post("/intel/reports/{uuid:report_id}/publish", response=schemas.Report, summary="Publish a report")
def publish_report(request: ApiRequest, report_id: UUID, body: schemas.Publication) -> schemas.Report:
    """Sign it with its objects, and send it to whom the clauses allow; to everybody as well where that is chosen."""
    actor = acting(request)
    report = _found_report(actor, report_id)
    published = actions.publish_report(
        actor, report, body.audience, edition=body.edition, in_public=body.public
    )
    return _report(actor, published)


@router.post("/intel/reports/{uuid:report_id}/withdraw", response=schemas.Report, summary="Withdraw a report")
def withdraw_report(request: ApiRequest, report_id: UUID, body: schemas.Withdrawal) -> schemas.Report:
    """Withdraw all its versions, at every receiver."""
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
        tlp=marking(body.tlp),
        topics=tuple(body.topics),
        object_ids=tuple(body.object_ids),
        languages=tuple(body.languages),
        persons=tuple(body.persons),
        is_warning=body.is_warning,
    )


def _listed(rows: Sequence[queries.ListedReport]) -> list[schemas.ReportSummary]:
    return [schemas.ReportSummary(**_summary(each, each.author, each.node)) for each in rows]


def _summary(report: Any, author: str | None, partner: str | None) -> dict[str, Any]:
    # the report itself, or what a list has of it
    return {
        "id": report.id,
        "stix_id": report.stix_id,
        "title": report.title,
        "tlp": Tlp(report.tlp).label,
        "state": report.state,
        "topics": report.topics,
        "is_warning": report.is_warning,
        "edition": report.edition,
        "author": author,
        "partner": partner,
        "created": report.created,
        "changed": report.changed,
    }


def _report(actor: PersonActor, report: models.Report) -> schemas.Report:
    author = report.author.name if report.author else None
    partner = report.release.origin if report.release else None
    return schemas.Report(
        **_summary(report, author, partner.node if partner else None),
        summary=report.summary,
        languages=report.languages,
        persons=report.persons,
        object_ids=list(queries.objects_of(actor, report).values_list("stix_id", flat=True)),
        release=report.release_id,
    )
