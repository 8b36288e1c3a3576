"""What holds for every request: one unit of work, for its reader, and what it shows is private and what it seems."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.utils.translation import get_language_from_path
from django.utils.translation import gettext as _

from taawun.platform.web.access import doorkeeper
from taawun.platform.web.directions import visible_page
from taawun.platform.web.pages import refuse, wants_page
from taawun.platform.web.reader import read_by
from taawun.platform.web.unit import unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

__all__ = [
    "ForWhoeverReads",
    "NothingAtNul",
    "PackedPages",
    "PrivatePages",
    "RefusedMethods",
    "RequestUnit",
    "VisibleDirections",
]


class RequestUnit:
    """Opens a unit of work around the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request inside its unit."""
        with unit():
            return self._get_response(request)


class ForWhoeverReads:
    """Writes pages as who is signed in wants to read them; see :mod:`.reader`.

    Addresses without a language are read by machines, which know no reader. The person is asked for with the first
    date or number, and is loaded already where a page asks who is at the door.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, for its reader."""
        door = doorkeeper()
        if door is None or get_language_from_path(request.path_info) is None:
            return self._get_response(request)
        with read_by(lambda: door.reader(request)):
            return self._get_response(request)


class PackedPages(GZipMiddleware):
    """Packs pages for the line (RFC 9110, section 8.4.1.3): a list of a hundred rows goes in a tenth of its size.

    What machines and partners read is packed by who answers, where that pays, and files are sent as they are. Django
    makes the size of what is packed vary, so that it does not tell what else stands in a page beside a guess (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Pack the answer, if it is a page."""
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)


class PrivatePages:
    """Lets no cache keep what somebody with a session is shown, their browser's included (RFC 9111, section 5.2.2).

    So whoever comes to the machine after them reads nothing with the back button. An answer that says itself how it
    is kept is left as it is. It asks for the cookie and not for the person, for a fault's page is made without
    the database.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and say who may keep the answer."""
        response = self._get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class NothingAtNul:
    """Finds nothing at an address that holds NUL: nothing is called so, and PostgreSQL cannot be asked for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, unless there is nothing to answer about."""
        if "\0" in request.path_info:
            raise Http404
        return self._get_response(request)


class RefusedMethods:
    """Says in a page why an address of pages answers nothing: it was typed or loaded again, and takes only a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with a page where there would be none."""
        response = self._get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or not wants_page(request):
            return response
        sentence = _(
            "This address takes only what a form sends, or only shows a page. Go back to the page you came from, "
            "or begin at home."
        )
        told = refuse(
            request, HTTPStatus.METHOD_NOT_ALLOWED, _("Nothing to show here"), sentence, code="method"
        )
        told["Allow"] = response["Allow"]
        return told


class VisibleDirections:
    """Shows characters that turn the direction of text as marks, in every page; see :mod:`.directions`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with such characters as marks where the answer is a page."""
        response = self._get_response(request)
        if isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html"):
            page = response.content
            shown = visible_page(page)
            if shown is not page:
                response.content = shown
        return response
