"""Files that are brought in, and what was noticed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import Query, Status

from taawun.capabilities.intel import actions, models, queries, schemas
from taawun.capabilities.intel.search import imports_like
from taawun.capabilities.intel.wording import issue_sentence
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.foundation.tlp import Tlp
from taawun.platform.web.api import (
    ApiRequest,
    Listing,
    Paging,
    Refusal,
    listing,
    missing,
)
from taawun.platform.web.openapi import answering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.people.actors import PersonActor

from taawun.capabilities.intel.api.routing import STIX, marking, router

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
        default_tlp=marking(how.tlp),
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
    return listing(
        Listing[schemas.Import],
        imports_like(queries.imports(actor), wanted.text, wanted.state),
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
