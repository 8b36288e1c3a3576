"""Signing in, and what nobody can do with an account: take an address, guess on, or be led elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from taawun.cooperation.people import actions
from taawun.cooperation.people.models import Organisation
from taawun.platform.web.models import Counted
from tests.addresses import ADDRESSES
from tests.cast import SYSTEM, person
from tests.pages import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.cooperation.people.models import Person

pytestmark = pytest.mark.usefixtures("pages", "node")
PASSWORD: Final = "seven quiet harbours"
OURS: Final = "layla@cert.example"
THEIRS: Final = "minister@gov.example"
# what allauth brings and a node leaves out
LEFT_OUT: Final = (
    "email/",
    "confirm-email/",
    "confirm-email/MQ:1vT:abc/",
    "login/code/",
    "login/code/confirm/",
    "signup/passkey/",
    "2fa/webauthn/signup/",
    "2fa/trust/",
    "phone/change/",
    "3rdparty/",
    "sessions/",
    "",
)


def invited(email: str = OURS) -> Person:
    """Somebody who came in by an invitation, as everybody does."""
    host = Organisation.objects.get(is_host=True)
    minted = actions.invite(SYSTEM, email=email, organisation=host, roles=["trainee"])
    return actions.accept_invitation(minted.secret, name="Layla", password=PASSWORD, language="en")


def without_a_row() -> Person:
    """Somebody whose address allauth keeps no row of, verified or not."""
    made = person("trainee")
    made.email = OURS
    made.set_password(PASSWORD)
    made.save()
    assert not EmailAddress.objects.exists()
    return made


def signed_in(email: str = OURS) -> Client:
    client = Client()
    answer = client.post("/en/account/login/", {"login": email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


@pytest.mark.parametrize("path", LEFT_OUT)
def test_what_the_node_does_not_use_is_not_there(path: str) -> None:
    invited()
    for client in (Client(), signed_in()):
        for answer in (client.get(f"/en/account/{path}"), client.post(f"/en/account/{path}")):
            assert answer.status_code == 404


@pytest.mark.parametrize("come_in", [invited, without_a_row])
def test_nobody_can_claim_an_address(come_in: Callable[[], Person]) -> None:
    somebody = come_in()
    client = signed_in()
    claim = {"email": THEIRS, "login": THEIRS, "action_add": "", "action_primary": "", "action_send": ""}
    routes = [each.route for each in ADDRESSES if each.is_borrowed and "<" not in each.route]
    asked = [*(f"account/{path}" for path in LEFT_OUT), *routes]
    for route in asked:
        if "logout" not in route and "^" not in route:
            client.post(f"/en/{route}", claim)
    somebody.refresh_from_db()
    assert somebody.email == OURS
    assert set(EmailAddress.objects.values_list("email", flat=True)) <= {OURS}
    assert actions.invite(
        SYSTEM, email=THEIRS, organisation=Organisation.objects.get(is_host=True), roles=["trainee"]
    ).secret


def test_guesses_are_held_off_whatever_address_they_say_they_come_from() -> None:
    invited()
    statuses = [
        Client(headers={"X-Forwarded-For": f"203.0.113.{number}"})
        .post("/en/account/login/", {"login": f"{number}@cert.example", "password": "x"})
        .status_code
        for number in range(31)
    ]
    assert statuses == [200] * 30 + [429]
    refused = Client().post("/ar/account/login/", {"login": "31@cert.example", "password": "x"})
    assert "حاولت مرات كثيرة" in read(refused, 429).text


def test_who_guessed_too_often_is_told_so_in_a_page_of_this_node() -> None:
    invited()
    for _ in range(5):
        Client().post("/en/account/login/", {"login": OURS, "password": "wrong"})
    right = {"login": OURS, "password": PASSWORD}
    assert "Too many failed login attempts" in read(Client().post("/en/account/login/", right)).text
    Counted.objects.all().delete()
    assert Client().post("/en/account/login/", right).status_code == 302


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "http:elsewhere.example",
        "javascript:alert(1)",
    ],
)
def test_signing_in_leads_nowhere_else(address: str) -> None:
    invited()
    given = {"login": OURS, "password": PASSWORD, "next": address}
    answer = Client().post(f"/en/account/login/?next={address}", given)
    assert (answer.status_code, answer["Location"]) == (302, "/en/")


def test_a_new_password_ends_the_other_sessions() -> None:
    invited()
    here, there = signed_in(), signed_in()
    new = PASSWORD + " more"
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/en/account/password/change/", given).status_code == 302
    assert (here.get("/en/people/").status_code, there.get("/en/people/").status_code) == (200, 302)
