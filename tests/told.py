"""Every answer of the machine interface is held against its OpenAPI document, whichever test asked for it.

So the document is wrong in no place where a test comes by: neither in a status nor in a media type, a header or the
shape of what is answered.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from taawun.node.api import api

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

__all__ = ["hold_against_the_document"]

_HEADERS = ("Allow", "Content-Disposition", "ETag", "Idempotency-Replayed", "Location", "Retry-After")


def hold_against_the_document(method: str, path: str, answer: Response) -> None:
    """Fail where the document tells something else than was answered.

    Args:
        method: that was asked by.
        path: with its query.
        answer: what came. Of one that is streamed, or is no JSON, the content is left to its reader.
    """
    found = _operation(method.lower(), path.partition("?")[0])
    if found is None:
        return
    address, told = found
    status = str(answer.status_code)
    place = f"{method} {address}"
    assert status in told, f"the document does not tell that {place} may answer {status}"
    _hold_headers(place, told[status], answer)
    content = told[status].get("content")
    if content is None:
        assert answer.content == b"", f"the document tells no content of {place}, {status}"
        return
    # of JSON a charset says nothing (RFC 8259, section 11)
    media_type = answer["Content-Type"].removesuffix("; charset=utf-8")
    assert media_type in content, f"the document does not tell that {place} answers as {media_type}"
    if not answer.streaming and media_type.endswith("json"):
        _validator(address, method.lower(), status, media_type).validate(json.loads(answer.content))


def _hold_headers(place: str, told: dict[str, Any], answer: Response) -> None:
    headers = told.get("headers", {})
    for name in _HEADERS:
        assert name not in answer or name in headers, f"the document does not tell {name} of {place}"
    for name, header in headers.items():
        assert name in answer or not header["required"], f"{place} answers without {name}"


@cache
def _document() -> dict[str, Any]:
    # as a client reads it
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    return document


@cache
def _addresses() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(address))), address)
        for address in _document()["paths"]
    ]


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    address = next((address for pattern, address in _addresses() if pattern.fullmatch(path)), None)
    operation = _document()["paths"][address].get(method) if address else None
    return (address, operation["responses"]) if address and operation else None


@cache
def _validator(address: str, method: str, status: str, media_type: str) -> jsonschema_rs.Draft202012Validator:
    document = _document()
    told = document["paths"][address][method]["responses"][status]["content"][media_type]["schema"]
    return jsonschema_rs.Draft202012Validator(
        {**told, "components": document["components"]}, validate_formats=True
    )
