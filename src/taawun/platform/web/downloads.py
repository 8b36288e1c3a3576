"""Files that leave by the browser: always saved, never opened as a page of this node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponseBase

__all__ = ["SANDBOX", "attachment", "confine"]

# even a browser that is talked into showing the file runs nothing of it and lets it reach nothing
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"


def attachment(
    content: bytes | Iterable[bytes], *, name: str, content_type: str = "application/octet-stream"
) -> HttpResponseBase:
    """A file to save.

    Args:
        content: its bytes, or an iterator of pieces of them.
        name: what the browser calls it; path separators and control characters are taken out.
        content_type: its media type. It is told, and never guessed at by the browser.

    Returns:
        The response, under a sandboxing content security policy.
    """
    response: HttpResponseBase
    if isinstance(content, bytes):
        response = HttpResponse(content, content_type=content_type)
        response["Content-Length"] = str(len(content))
    else:
        response = StreamingHttpResponse(content, content_type=content_type)
    return confine(response, name)


def confine(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """Makes any response a file to save, under a sandboxing content security policy."""
    plain = "".join("-" if char in '/\\:"' or not char.isprintable() else char for char in name).strip(". ")
    disposition = content_disposition_header(as_attachment=True, filename=plain or "file")
    response["Content-Disposition"] = str(disposition)
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    return response
