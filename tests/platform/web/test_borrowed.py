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
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.functional import Promise
from django.utils.translation import override

# the rules of passwords count in the digits of the node's nation
pytestmark = pytest.mark.django_db

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


# of what no form here asks for
ELSEWHERE = ("هاتف", "اسم المستخدم")


@pytest.mark.parametrize("other", ["كود", "شفرة", "شيفرة", "و / أو", "و/أو"])
def test_one_thing_has_one_word_in_arabic(other: str) -> None:
    with override("ar"):
        said = [str(sentence) for sentence in sentences()]
    assert [each for each in said if other in each and not any(part in each for part in ELSEWHERE)] == []


def test_a_file_that_is_empty_is_said_to_be_so_in_arabic() -> None:
    with override("ar"):
        with pytest.raises(ValidationError) as refused:
            forms.FileField().clean(SimpleUploadedFile("a.json", b""))
        assert refused.value.messages == ["الملف المرسل فارغ."]
