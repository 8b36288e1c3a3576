"""What a page says while this node is returning."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.cooperation.partners.errors import NodeReturning
from taawun.platform.web.pages import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

__all__ = ["Returning"]


class Returning:
    """Says why nothing can be published, signed or withdrawn yet, on whichever page that was asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Tell what was refused, where the view did not."""
        if not isinstance(exception, NodeReturning):
            return None
        title = _("This node is returning")
        return refuse(request, HTTPStatus.SERVICE_UNAVAILABLE, title, str(exception), code=exception.code)
