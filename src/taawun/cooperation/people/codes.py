"""Codes of a second factor as people type them: in the digits of their keyboard, in groups or in one."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base import forms as base
from allauth.mfa.totp import forms as totp

__all__ = ["ActivateTOTPForm", "AuthenticateForm", "ReauthenticateForm", "as_codes_are_kept"]


def as_codes_are_kept(typed: str) -> str:
    """A code without blanks and with the digits 0 to 9, whichever script's were typed.

    Args:
        typed: for example ``١٢٣ ٤٥٦`` or ``۱۲۳۴۵۶``.
    """
    solid = "".join(typed.split())
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in solid)


class _AnyDigits:
    """For forms of allauth with a code; each checks it in ``clean_code``."""

    cleaned_data: dict[str, Any]  # what Django keeps there

    def clean_code(self) -> str:
        self.cleaned_data["code"] = as_codes_are_kept(self.cleaned_data["code"])
        return str(super().clean_code())  # type: ignore[misc]  # the form beside which this stands has it


class AuthenticateForm(_AnyDigits, base.AuthenticateForm):  # type: ignore[misc]  # allauth ships no py.typed
    """The second factor at the door."""


class ReauthenticateForm(_AnyDigits, base.ReauthenticateForm):  # type: ignore[misc]  # allauth ships no py.typed
    """The second factor before what changes how one signs in."""


class ActivateTOTPForm(_AnyDigits, totp.ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no py.typed
    """The first code of a new authenticator app."""
