"""How allauth behaves here: nobody signs up, people are invited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.adapter import DefaultAccountAdapter

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["AccountAdapter"]


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no py.typed
    """Closes the open door of self-registration."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody becomes a person of a node without an invitation."""
        del request
        return False
