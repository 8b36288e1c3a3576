"""The code of a second factor, as people type it."""

from __future__ import annotations

from typing import Final

import pytest
from allauth.mfa.totp.internal import auth
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.cooperation.people.codes import as_codes_are_kept
from tests.cast import Cast, Member
from tests.pages import read

SECRET: Final = "JBSWY3DPEHPK3PXP"
ARABIC: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PERSIAN: Final = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
PASSWORD: Final = "seven quiet harbours"
pytestmark = pytest.mark.usefixtures("pages")


def code_now() -> str:
    return str(auth.format_hotp_value(auth.hotp_value(SECRET, next(auth.yield_hotp_counters_from_time()))))


def somebody_with_an_app(cast: Cast) -> Member:
    cast.analyst.row.set_password(PASSWORD)
    cast.analyst.row.save()
    auth.TOTP.activate(cast.analyst.row, SECRET)
    return cast.analyst


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("123456", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("۱۲۳۴۵۶", "123456"),
        (" ١٢٣ ٤٥٦ ", "123456"),
        ("123\u00a0456", "123456"),
        ("ab12-cd", "ab12-cd"),
        ("²³", "²³"),
        ("", ""),
    ],
)
def test_a_code_is_kept_in_one_group_of_western_digits(typed: str, kept: str) -> None:
    assert as_codes_are_kept(typed) == kept


@pytest.mark.parametrize("digits", [ARABIC, PERSIAN], ids=["arabic", "persian"])
def test_a_code_in_the_digits_of_the_keyboard_opens_the_door(cast: Cast, digits: dict[int, int]) -> None:
    member = somebody_with_an_app(cast)
    browser = Client()
    given = {"login": member.row.email, "password": PASSWORD}
    assert browser.post("/ar/account/login/", given)["Location"] == "/ar/account/2fa/authenticate/"
    code = code_now().translate(digits)
    assert browser.post("/ar/account/2fa/authenticate/", {"code": code})["Location"] == "/ar/"
    assert browser.get("/ar/people/").status_code == 200


def test_the_first_code_of_an_app_may_be_in_arabic_digits(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.analyst.row.set_password(PASSWORD)
    cast.analyst.row.save()
    browser = Client()
    browser.post("/en/account/login/", {"login": cast.analyst.row.email, "password": PASSWORD})
    monkeypatch.setattr("allauth.mfa.totp.forms.auth.get_totp_secret", lambda **_how: SECRET)
    browser.post("/ar/account/reauthenticate/", {"password": PASSWORD})
    read(browser.get("/ar/account/2fa/totp/activate/"))
    answer = browser.post("/ar/account/2fa/totp/activate/", {"code": code_now().translate(ARABIC)})
    assert answer.status_code == 302
    assert auth.Authenticator.objects.filter(user=cast.analyst.row, type="totp").exists()


def test_a_wrong_code_is_not_said_to_be_unsaved(cast: Cast) -> None:
    member = somebody_with_an_app(cast)
    browser = Client()
    browser.post("/en/account/login/", {"login": member.row.email, "password": PASSWORD})
    page = read(browser.post("/en/account/2fa/authenticate/", {"code": "000000"}))
    assert (
        "Signing in did not work: Code : This code is not right. Wait for the next one, and check the clock"
        in (page.text)
    )
    assert "saved" not in page.text


def test_a_right_code_is_taken_once_and_the_second_time_said_to_be_used(cast: Cast) -> None:
    member, code = somebody_with_an_app(cast), code_now()
    for told in ("", "This code was used already. Wait until the app shows the next one."):
        browser = Client()
        browser.post("/en/account/login/", {"login": member.row.email, "password": PASSWORD})
        answer = browser.post("/en/account/2fa/authenticate/", {"code": code})
        assert (answer.status_code == 302) is not bool(told)
        assert told in answer.content.decode()


def test_the_page_of_recovery_codes_says_where_to_keep_them_and_leads_home(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.analyst.row.set_password(PASSWORD)
    cast.analyst.row.save()
    browser = Client()
    browser.post("/en/account/login/", {"login": cast.analyst.row.email, "password": PASSWORD})
    monkeypatch.setattr("allauth.mfa.totp.forms.auth.get_totp_secret", lambda **_how: SECRET)
    browser.post("/en/account/reauthenticate/", {"password": PASSWORD})
    page = read(browser.post("/en/account/2fa/totp/activate/", {"code": code_now()}, follow=True))
    assert "Keep them apart from your telephone" in page.text
    assert page.all("a", **{"class": "button primary", "href": "/en/"})


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Signing in did not work: The email address and/or password you specified are not correct."),
        ("ar", "تعذّر تسجيل الدخول: عنوان البريد الإلكتروني أو كلمة المرور غير صحيحة."),
    ],
)
def test_a_failed_sign_in_says_that_it_failed(cast: Cast, language: str, told: str) -> None:
    given = {"login": cast.analyst.row.email, "password": "wrong"}
    page = read(Client().post(f"/{language}/account/login/", given))
    assert told in page.text


@pytest.mark.parametrize(("required", "told"), [(True, "to work here"), (False, "does not ask for one")])
def test_the_page_of_second_factors_asks_for_one_only_where_the_node_does(
    cast: Cast, pages: SettingsWrapper, required: bool, told: str
) -> None:
    pages.SECOND_FACTOR_REQUIRED = required
    assert told in read(cast.analyst.browser().get("/en/account/2fa/")).text
