"""Every request is one unit of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.platform.web.unit import unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

__all__ = ["RequestUnit"]


class RequestUnit:
    """Opens a unit of work around the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request inside its unit."""
        with unit():
            return self._get_response(request)
