"""What the libraries say on our pages is said in Arabic and French as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm, DeactivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.functional import Promise
from django.utils.translation import override

FORMS = (
    account.LoginForm,
    account.ChangePasswordForm,
    account.ResetPasswordForm,
    account.ResetPasswordKeyForm,
    account.ReauthenticateForm,
    AuthenticateForm,
    ReauthenticateForm,
    ActivateTOTPForm,
    DeactivateTOTPForm,
    AddWebAuthnForm,
)
# the same word in both languages
SAME = {("fr", "Code"), ("fr", "Passwordless")}


def sentences() -> Iterator[Promise | str]:
    for form in FORMS:
        for field in form.base_fields.values():
            if isinstance(field.label, Promise):
                yield field.label
            if isinstance(field.help_text, Promise):
                yield field.help_text
    for adapter in (get_adapter(), get_mfa_adapter()):
        yield from adapter.error_messages.values()


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_every_label_and_error_of_the_account_pages_is_translated(language: str) -> None:
    asked = list(sentences())
    assert len(asked) > 30
    with override("en"):
        english = [str(sentence) for sentence in asked]
    with override(language):
        translated = [str(sentence) for sentence in asked]
    untranslated = {one for one, other in zip(english, translated, strict=True) if one == other}
    assert {one for one in untranslated if (language, one) not in SAME} == set()


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_every_rule_of_passwords_is_translated(language: str) -> None:
    with override("en"):
        english = set(password_validators_help_texts())
    with override(language):
        assert english.isdisjoint(password_validators_help_texts())
