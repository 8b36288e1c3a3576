"""What is answered when a request fails; ``node.urls`` names these as its handlers."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.db import OperationalError
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from taawun.platform.web.drafts import words_in
from taawun.platform.web.drafts.keeping import LONGEST, NEVER
from taawun.platform.web.pages import refuse, wants_page
from taawun.platform.web.problems import problem

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["bad_request", "csrf_failure", "forbidden", "not_found", "server_error", "too_many_requests"]


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself is unsound."""
    del exception  # it may quote the request
    sentence = _(
        "Your browser sent something that this node cannot read. Go back, load the page again and retry."
    )
    return refuse(request, 400, _("The request cannot be read"), sentence, code="bad-request")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: somebody may not."""
    del exception  # only a library raises it, with a reason for developers in one language
    sentence = _("You may not open this. Ask an administrator of this node for a role that includes it.")
    return refuse(request, 403, _("Not allowed"), sentence, code="not-allowed")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: there is nothing, or nothing that this reader may know of."""
    del exception  # it tells addresses
    sentence = _(
        "There is nothing at this address, or you may not see it. Look for it by name, or begin at home."
    )
    return refuse(request, 404, _("Not found"), sentence, code="not-found")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form did not come from a page of this node, or is too old."""
    del reason  # for developers; Django logs it
    fields = _what_our_page_sent(request)
    if fields:
        path = request.get_full_path()
        context = {"path": path, "back": path, "fields": fields, "words": words_in(fields)}
        return render(request, "web/send_again.html", context, status=403)
    sentence = _(
        "This form is too old, or came from elsewhere. Go back, load the page again and send it once more."
    )
    return refuse(request, 403, _("The form was not accepted"), sentence, code="form-not-accepted")


def _what_our_page_sent(request: HttpRequest) -> list[tuple[str, str]]:
    """What a page of this node sent that is older than the last sign-in, so that it can be sent once more.

    Only where the browser itself says that the form stood on a page of ours: what another site sends is never offered,
    for whoever trusts it would send it with one click. Neither are files and secrets, which are not written into a
    page, nor what belongs to signing in.
    """
    # whether it came by HTTPS is not what is asked: behind some proxies nobody knows
    own = {f"{scheme}://{request.get_host()}" for scheme in ("http", "https")}
    is_ours = (
        request.headers.get("Sec-Fetch-Site") == "same-origin" or request.headers.get("Origin", "") in own
    )
    if not is_ours or not wants_page(request) or request.FILES or _is_of_signing_in(request):
        return []
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    has_secrets = any(word in name.lower() for name, _value in fields for word in NEVER)
    length = sum(len(name) + len(value) for name, value in fields)
    return [] if has_secrets or length > LONGEST else fields


def _is_of_signing_in(request: HttpRequest) -> bool:
    return request.path_info.partition("/account/")[1] != ""


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429: somebody tries to sign in too often, or to guess a code."""
    del exception  # there is none; allauth calls it like the others
    sentence = _("You tried too often. Wait a few minutes, then try again.")
    return refuse(request, 429, _("Too many attempts"), sentence, code="too-many-attempts")


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours. The page asks neither the database nor the session, which may be what failed.

    503 where it was the database that was busy, or chose us of two that waited for each other: that is over soon.
    """
    status, code, title = 500, "fault", _("A fault of this node")
    sentence = _(
        "This node made a mistake; its operator finds it in the log. What you sent was not saved. Try again."
    )
    if isinstance(
        sys.exc_info()[1], OperationalError
    ):  # Django calls this view while it handles the exception
        status, code, title = 503, "busy", _("This node is busy")
        sentence = _("The database did not answer in time. Nothing was changed; try again.")
    if wants_page(request):
        context = {"title": title, "sentence": sentence, "was_sent": request.method == "POST"}
        answer = HttpResponse(render_to_string("web/fault.html", context), status=status)
    else:
        answer = problem(status, code, sentence)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["Retry-After"] = "1"
    return answer
