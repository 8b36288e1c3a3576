"""Codes of a second factor as people type them: in the digits of their keyboard, in groups or in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.utils import decrypt
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

__all__ = ["ActivateTOTPForm", "AuthenticateForm", "ReauthenticateForm", "as_codes_are_kept"]


def as_codes_are_kept(typed: str) -> str:
    """A code without blanks and with the digits 0 to 9, whichever script's were typed.

    Args:
        typed: for example ``١٢٣ ٤٥٦`` or ``۱۲۳۴۵۶``.
    """
    solid = "".join(typed.split())
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in solid)


if TYPE_CHECKING:

    class _Coded:
        """What each of allauth's forms with a code has."""

        def clean_code(self) -> str:
            # for mypy alone, and never run: a body that does nothing would be abstract, and super() may not call that
            raise NotImplementedError

else:
    _Coded = object  # allauth's own stands beside it in each form


class _AnyDigits(_Coded):
    """For forms of allauth with a code; each checks it in ``clean_code``, and says of a wrong one what helps."""

    cleaned_data: dict[str, Any]  # what Django keeps there
    user: Any  # a person, whom allauth has untyped

    def clean_code(self) -> str:
        code = self.cleaned_data["code"] = as_codes_are_kept(self.cleaned_data["code"])
        try:
            return str(super().clean_code())
        except ValidationError as refused:
            if refused.code != "incorrect_code":
                raise
            raise ValidationError(self._sentence(code), code=refused.code) from None

    def _sentence(self, code: str) -> str:
        if self._was_right(code):
            return _("This code was used already. Wait until the app shows the next one.")
        return _("This code is not right. Wait for the next one, and check the clock of your telephone.")

    def _was_right(self, code: str) -> bool:
        """Whether an app of theirs shows this code now: allauth takes each once, and refuses it then like any other."""
        apps = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP)
        return any(validate_totp_code(decrypt(app.data["secret"]), code) for app in apps)


class AuthenticateForm(_AnyDigits, base.AuthenticateForm):  # type: ignore[misc]  # allauth ships no py.typed
    """The second factor at the door."""


class ReauthenticateForm(_AnyDigits, base.ReauthenticateForm):  # type: ignore[misc]  # allauth ships no py.typed
    """The second factor before what changes how one signs in."""


class ActivateTOTPForm(_AnyDigits, totp.ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no py.typed
    """The first code of a new authenticator app."""
