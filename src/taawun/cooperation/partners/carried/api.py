"""The machine face of lanes on a disk: which there are for a partner, a file of one, and one that was brought."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import Router, Status
from pydantic import Field

from taawun.cooperation.partners.api import found_partner
from taawun.cooperation.partners.carried import carrying
from taawun.cooperation.partners.carried.wording import refusal_words
from taawun.cooperation.partners.logs.lane_files import FileRefused
from taawun.cooperation.partners.models import Lane
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import acting
from taawun.platform.files.errors import FileTooLarge
from taawun.platform.web.api import ApiRequest, Body, ErrorAnswers, Refusal, missing
from taawun.platform.web.downloads import confine
from taawun.platform.web.openapi import answering
from taawun.platform.web.shapes import Schema

__all__ = ["ERRORS", "router"]

router = Router(tags=["partners"])

_ENCRYPTED: Final = "application/octet-stream"
_FILE: Final = {
    "requestBody": {
        "required": True,
        "description": "The file, as `taawun lane export` or this interface of its sender wrote it.",
        "content": {
            _ENCRYPTED: {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


class CarriedLane(Schema):
    """A lane of this node of which a file can be written for a partner."""

    lane: UUID
    purpose: str
    agreement: Annotated[UUID | None, Field(description="The agreement's lineage; null for the talk.")]
    clause: str
    head: Annotated[int, Field(description="Number of its last entry.")]


class CarriedLanes(Schema):
    """The lanes that a partner may read at this moment."""

    items: list[CarriedLane]


class FromEntry(Body):
    """Where the file begins."""

    after: Annotated[
        int, Field(ge=-1, description="The last entry that the partner holds; -1 for none.")
    ] = -1


class Carried(Schema):
    """A file that waits to be taken in."""

    job: Annotated[
        UUID, Field(description="Watch it at `/jobs/{id}`; its result tells what the file brought.")
    ]


@router.get(
    "/partners/{uuid:partner_id}/lane-files",
    response=CarriedLanes,
    summary="List lanes that can be carried to a partner",
)
def list_lane_files(request: ApiRequest, partner_id: UUID) -> CarriedLanes:
    """Lanes of this node that the partner may read now."""
    require(acting(request), carrying.MANAGE)
    return CarriedLanes(
        items=[
            CarriedLane(
                lane=each.id,
                purpose=each.purpose,
                agreement=each.agreement,
                clause=each.clause,
                head=each.head_seq,
            )
            for each in carrying.readable(found_partner(partner_id))
        ]
    )


@router.post(
    "/partners/{uuid:partner_id}/lane-files/{uuid:lane_id}",
    summary="Write a lane into a file for a partner",
    response=bytes,
    openapi_extra=answering("Content-Disposition", media_type=_ENCRYPTED),
)
def export_lane_file(
    request: ApiRequest, partner_id: UUID, lane_id: UUID, body: FromEntry
) -> HttpResponseBase:
    """Its entries with the contents that the partner may have at this moment, encrypted so that only its node opens it.

    That it was written stands in the trail.
    """
    actor = acting(request)
    require(actor, carrying.MANAGE)
    reader = found_partner(partner_id)
    lane = Lane.objects.filter(id=lane_id, sender=None).first()
    if lane is None:
        missing("no-such-lane", _("There is no such lane here."))
    _done, file = carrying.written(actor, lane, reader, after=body.after)
    return confine(FileResponse(file, content_type=_ENCRYPTED), f"lane-{lane.id}.taawun")


@router.post(
    "/lane-files",
    response={202: Carried},
    summary="Bring a file with a partner's lane",
    openapi_extra=_FILE | answering("Location"),
)
def import_lane_file(request: ApiRequest, response: HttpResponse) -> Status[Carried]:
    """As the body itself, or as `file` of a form. What is no file for this node is refused at once.

    Otherwise the worker holds it to the sender's keys and to the chain, and takes it in: look at the job.
    """
    actor = acting(request)
    require(actor, carrying.MANAGE)
    job = carrying.begin_import(actor, _uploaded(request))
    response["Location"] = f"{request.path.removesuffix('lane-files')}jobs/{job.id}"
    return Status(202, Carried(job=job.id))


def _uploaded(request: HttpRequest) -> Iterator[bytes]:
    """The file, piece by piece: it may be larger than the bodies of other requests, and than what memory is free."""
    try:
        if request.content_type != "multipart/form-data":
            yield from iter(partial(request.read, carrying.PIECE), b"")
            return
        file = request.FILES.get("file")
        if file is not None:
            yield from file.chunks(carrying.PIECE)
            return
    except (MultiPartParserError, UnreadablePostError, SuspiciousOperation):
        detail = _("The form cannot be read; send it as multipart/form-data with one file.")
        raise Refusal(400, "bad-form", detail) from None
    raise Refusal(422, "no-file", _("Send the file as “file”."), pointer="/file")


ERRORS: Final[ErrorAnswers] = {
    FileRefused: lambda refused: Refusal(422, refused.code, refusal_words(refused.code, refused.line)),
    FileTooLarge: lambda _error: Refusal(413, "too-large", _("The file is larger than this node accepts.")),
}
