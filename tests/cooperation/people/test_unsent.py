"""A form that is sent when the session has ended: what was written comes back after the sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from taawun.cooperation.people import actions
from taawun.cooperation.people.models import Organisation, Person
from taawun.foundation.clock import frozen, now
from tests.cast import SYSTEM
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages", "node")
PASSWORD: Final = "seven quiet harbours"
LAYLA: Final = "layla@cert.example"
PROFILE: Final = "/en/people/profile/"
WORDS: Final = {
    "name": "Layla of the <north>",
    "language": "en",
    "digits": "territory",
    "addressed": "neutral",
    "zone": "node",
    "calendar": "gregorian",
    "theme": "device",
}
KEPT: Final = "What you wrote is kept for half an hour"
LOST: Final = "Your session had ended, so what you sent was not saved."


def somebody(email: str = LAYLA) -> Person:
    host = Organisation.objects.get(is_host=True)
    minted = actions.invite(SYSTEM, email=email, organisation=host, roles=["trainee"])
    return actions.accept_invitation(minted.secret, name="Layla", password=PASSWORD, language="en")


def sign_in(client: Client, email: str = LAYLA, back: str = "") -> str:
    answer = client.post("/en/account/login/", {"login": email, "password": PASSWORD, "next": back})
    assert answer.status_code == 302
    return str(answer["Location"])


@pytest.fixture
def client() -> Client:
    """A browser in which Layla was signed in, until her session ended."""
    somebody()
    client = Client()
    sign_in(client)
    Session.objects.all().delete()
    return client


def test_what_was_written_waits_behind_the_sign_in_and_is_sent_then(client: Client) -> None:
    answer = client.post(PROFILE + "?from=menu", WORDS, follow=True)
    assert answer.redirect_chain == [("/en/account/login/?next=/en/people/unsent/", 302)]
    asked = read(answer)
    assert KEPT in asked.text
    back = sign_in(client, back=asked.all("input", name="next")[0]["value"])
    assert back == "/en/people/unsent/"
    page = read(client.get(back))
    assert "What you wrote Layla of the <north> Send it now" in page.text
    assert len(page.all("form", action=PROFILE + "?from=menu")) == 1
    hidden = {has["name"]: has.get("value", "") for has in page.all("input", type="hidden")}
    assert {name: hidden[name] for name in WORDS} == WORDS
    assert client.post(PROFILE + "?from=menu", WORDS).status_code == 302
    assert Person.objects.get(email=LAYLA).name == "Layla of the <north>"
    # it was sent: whoever goes back is not told that it waits
    assert "Nothing that you wrote is waiting" in read(client.get(back, follow=True)).text


def test_it_is_sealed_and_for_half_an_hour(client: Client) -> None:
    client.post(PROFILE, WORDS)
    [row] = Session.objects.all()
    assert "north" not in str(row.get_decoded())
    sign_in(client)
    with frozen(now() + timedelta(minutes=31)):
        assert client.get("/en/people/unsent/").status_code == 302


def test_another_person_does_not_find_it(client: Client) -> None:
    somebody("omar@cert.example")
    client.post(PROFILE, WORDS)
    sign_in(client, "omar@cert.example")
    assert client.get("/en/people/unsent/").status_code == 302


def test_a_stranger_is_told_that_nothing_is_kept_and_nothing_is() -> None:
    client = Client()
    told = read(client.post(PROFILE, WORDS, follow=True)).text
    assert LOST in told
    assert not Session.objects.exists()


def test_a_forged_sign_of_who_was_here_keeps_nothing(client: Client) -> None:
    [name] = [each for each in client.cookies if each.endswith("-known")]
    client.cookies[name] = client.cookies[name].value[:-1] + "x"
    assert LOST in read(client.post(PROFILE, WORDS, follow=True)).text


@pytest.mark.parametrize(
    "extra",
    [
        {"file": SimpleUploadedFile("a.txt", b"a")},
        {"password": PASSWORD},
        {"long": "x" * 256 * 1024},
    ],
    ids=["a-file", "a-password", "too-long"],
)
def test_what_cannot_be_kept_leads_back_to_its_page_and_says_so(
    client: Client, extra: dict[str, object]
) -> None:
    answer = client.post(
        "/en/audit/chain/", {**WORDS, **extra}, headers={"Referer": "http://testserver/en/audit/?verb=a"}
    )
    assert answer["Location"] == "/en/account/login/?next=/en/audit/%3Fverb%3Da"
    assert LOST in read(client.get(answer["Location"])).text


@pytest.mark.parametrize("referer", ["https://elsewhere.example/en/audit/", "javascript:alert(1)", ""])
def test_nobody_is_led_elsewhere(client: Client, referer: str) -> None:
    answer = client.post(PROFILE, {"password": "x"}, headers={"Referer": referer})
    assert answer["Location"] == "/en/account/login/?next=/en/"


def test_reading_a_page_without_a_session_says_nothing_of_it(client: Client) -> None:
    page = read(client.get(PROFILE, follow=True))
    assert "session" not in page.text
