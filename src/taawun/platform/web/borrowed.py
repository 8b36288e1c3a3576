"""Sentences of Django and allauth that their own catalogues lack or misspell in Arabic or French.

They stand here so that they are in our catalogues, which are asked before those of the libraries.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop, ngettext_lazy

__all__ = ["BORROWED"]

BORROWED = (
    gettext_noop("Email"),
    # Django 5.2, contrib/auth/password_validation.py: not in its Arabic catalogue
    ngettext_lazy(
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
)
