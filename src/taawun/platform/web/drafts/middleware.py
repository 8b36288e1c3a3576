"""A draft goes when its form was sent and taken."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.utils.translation import get_language_from_path

from taawun.platform.web.drafts.keeping import forget_sent
from taawun.platform.web.drafts.marks import FIELD, read_mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

__all__ = ["SentForms"]

# what a page answers to a form that it took; one that it did not take is shown again
_TAKEN: Final = frozenset({HTTPStatus.FOUND, HTTPStatus.SEE_OTHER})


class SentForms:
    """Forgets what was kept of a form when the form is taken.

    It stands next to the views, so that whoever is led elsewhere on the way there has not sent anything yet.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and forget."""
        response = self._get_response(request)
        if request.method != "POST" or response.status_code not in _TAKEN:
            return response
        if get_language_from_path(request.path_info) and request.POST.get(FIELD) and request.user.pk:
            mark = read_mark(request.POST[FIELD], request.user.pk)
            if mark is not None:
                forget_sent(mark)
        return response
