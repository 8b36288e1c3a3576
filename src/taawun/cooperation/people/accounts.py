"""How allauth behaves here: nobody signs up, people are invited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter

from taawun.cooperation.people import actions, unsent

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.models import Person

__all__ = ["AccountAdapter"]


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no py.typed
    """Closes the open door of self-registration, records new passwords, and lets a browser know who signed in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody becomes a person of a node without an invitation."""
        del request
        return False

    def set_password(self, user: Person, password: str) -> None:
        """Change a password, by the page of who is signed in or by a link."""
        actions.change_password(user, password)

    def post_login(
        self,
        request: HttpRequest,
        user: Person,
        **kwargs: Any,  # what allauth passes
    ) -> HttpResponseBase:
        """Lead on whoever signed in."""
        response: HttpResponseBase = super().post_login(request, user, **kwargs)
        unsent.remember(response, user)
        return response
