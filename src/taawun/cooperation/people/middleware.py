"""A person without a second factor sets one up before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language_from_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

__all__ = ["SecondFactor"]


class SecondFactor:
    """Where a second factor is required, leads whoever has none to the page that sets one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Let the request pass, or send its person to set up a second factor."""
        if settings.SECOND_FACTOR_REQUIRED and self._is_missing(request):
            return HttpResponseRedirect(reverse("mfa_index"))
        return self._get_response(request)

    @staticmethod
    def _is_missing(request: HttpRequest) -> bool:
        language = get_language_from_path(request.path_info)
        # addresses without a language know tokens and signatures, no sessions; the account pages are the mend
        if language is None or request.path_info.startswith(f"/{language}/account/"):
            return False
        return request.user.is_authenticated and not is_mfa_enabled(request.user)
