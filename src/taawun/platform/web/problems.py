"""Errors for machines: problem documents of RFC 9457."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = ["MEDIA_TYPE", "TYPE_PREFIX", "problem", "title_of"]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:taawun:problem:"

# the statuses that this node answers with; any other keeps the English phrase of RFC 9110
_TITLES: dict[int, _StrOrPromise] = {
    HTTPStatus.BAD_REQUEST: _("The request cannot be read"),
    HTTPStatus.UNAUTHORIZED: _("Who are you?"),
    HTTPStatus.FORBIDDEN: _("Not allowed"),
    HTTPStatus.NOT_FOUND: _("Not found"),
    HTTPStatus.METHOD_NOT_ALLOWED: _("Wrong method"),
    HTTPStatus.NOT_ACCEPTABLE: _("No such form of the answer"),
    HTTPStatus.REQUEST_TIMEOUT: _("The request took too long to arrive"),
    HTTPStatus.CONFLICT: _("In conflict with what is there"),
    HTTPStatus.GONE: _("No longer there"),
    HTTPStatus.PRECONDITION_FAILED: _("Changed by somebody else meanwhile"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _("Too large"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: _("No such form of the request"),
    HTTPStatus.UNPROCESSABLE_ENTITY: _("Understood, and not possible"),
    HTTPStatus.PRECONDITION_REQUIRED: _("Say which version you changed"),
    HTTPStatus.TOO_MANY_REQUESTS: _("Too many requests"),
    HTTPStatus.INTERNAL_SERVER_ERROR: _("A fault of this node"),
    HTTPStatus.SERVICE_UNAVAILABLE: _("Not ready yet"),
}


def title_of(status: int) -> str:
    """A short phrase for an HTTP status, in the reader's language where we have one."""
    return str(_TITLES.get(status) or HTTPStatus(status).phrase)


def problem(
    status: int,
    code: str,
    detail: _StrOrPromise,
    *,
    pointer: str = "",
    line: int | None = None,
    **members: Any,
) -> HttpResponse:
    """An error as a problem document (RFC 9457, section 3.1).

    Args:
        status: the HTTP status, for example 422.
        code: stable, kebab-case; it becomes the ``type``.
        detail: one sentence that says what is wrong here and how to mend it.
        pointer: JSON pointer (RFC 6901) to the part of the request that is wrong.
        line: line of the request's body that is wrong, counted from 1.
        members: extension members (RFC 9457, section 3.2); JSON values.

    Returns:
        The response, with the media type ``application/problem+json``.
    """
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": title_of(status),
        "status": status,
        "detail": str(detail),
    }
    if pointer:
        document["pointer"] = pointer
    if line is not None:
        document["line"] = line
    document |= members
    body = json.dumps(document, ensure_ascii=False)
    return HttpResponse(body, status=status, content_type=MEDIA_TYPE)
