"""What people do to their own accounts is told by the trail."""

from __future__ import annotations

import re
from typing import Final

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.test import Client

from taawun.cooperation.people.models import Person
from taawun.platform.audit.models import Entry
from tests.cast import person

pytestmark = pytest.mark.usefixtures("pages", "node")

PASSWORD: Final = "seven quiet harbours"
OTHER: Final = "nine loud mountains"


@pytest.fixture
def layla() -> Person:
    made = person("trainee", name="Layla")
    made.set_password(PASSWORD)
    made.save()
    return made


def sign_in(somebody: Person, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/en/account/login/", {"login": somebody.email, "password": password})
    return client


def told(somebody: Person) -> list[tuple[str, dict[str, object]]]:
    rows = Entry.objects.filter(actor_id=str(somebody.id), subject=f"urn:uuid:{somebody.id}").order_by("id")
    return [(each.verb, each.details) for each in rows]


def code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def test_signing_in_and_out_is_told_with_what_it_was_done_by(layla: Person) -> None:
    client = sign_in(layla)
    client.post("/en/account/logout/")
    client.post("/en/account/logout/")
    assert told(layla) == [("people.signed-in", {"by": ["password"]}), ("people.signed-out", {})]


def test_signing_in_with_a_second_factor_names_both(layla: Person) -> None:
    secret = generate_totp_secret()
    TOTP.activate(layla, secret)
    client = sign_in(layla)
    assert told(layla) == []
    client.post("/en/account/2fa/authenticate/", {"code": code(secret)})
    assert told(layla) == [("people.signed-in", {"by": ["password", "totp"]})]


def test_a_wrong_password_is_no_act(layla: Person) -> None:
    sign_in(layla, "wrong")
    assert told(layla) == []


def test_a_changed_password_is_told_without_a_word_of_it(layla: Person) -> None:
    client = sign_in(layla)
    form = {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER}
    client.post("/en/account/password/change/", form)
    assert ("people.password-changed", {}) in told(layla)
    kept = str(list(Entry.objects.values_list("details", "actor_label", "subject")))
    assert PASSWORD not in kept
    assert OTHER not in kept


def test_a_password_that_was_reset_by_mail_is_told(layla: Person) -> None:
    client = Client()
    client.post("/en/account/password/reset/", {"email": layla.email})
    found = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[0].body))
    assert found
    form = client.get(found[1])["Location"]
    client.post(form, {"password1": OTHER, "password2": OTHER})
    assert ("people.password-changed", {}) in told(layla)


@pytest.mark.django_db(transaction=True)  # allauth says it when it is committed
def test_a_second_factor_that_comes_goes_or_is_made_anew_is_told(layla: Person) -> None:
    client = sign_in(layla)
    client.post("/en/account/reauthenticate/", {"password": PASSWORD})
    client.get("/en/account/2fa/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    client.post("/en/account/2fa/totp/activate/", {"code": code(secret)})
    client.post("/en/account/2fa/recovery-codes/generate/")
    client.post("/en/account/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert told(layla)[1:] == [
        ("people.factor-added", {"type": "totp"}),
        ("people.factor-added", {"type": "recovery_codes"}),
        ("people.factor-renewed", {"type": "recovery_codes"}),
        ("people.factor-removed", {"type": "totp"}),
        ("people.factor-removed", {"type": "recovery_codes"}),
    ]
