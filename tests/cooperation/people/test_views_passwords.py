"""A forgotten password: the link for a new one, from an administrator or from the operator's console."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import TYPE_CHECKING, Final

import pytest
from django.test import Client
from django.urls import reverse

from taawun.cooperation.people import actions
from taawun.cooperation.people.errors import NotAllowed, PeopleError
from taawun.cooperation.people.letters import password_link
from taawun.node.cli import CannotDo
from taawun.node.commands import person as command
from taawun.platform.audit.models import Entry
from tests.cast import SYSTEM, Cast
from tests.pages import read

if TYPE_CHECKING:
    from taawun.cooperation.people.models import Person

pytestmark = pytest.mark.usefixtures("pages")
BASE: Final = "http://127.0.0.1:8000"
OLD: Final = "seven quiet harbours"
NEW: Final = "nine loud mountains"


def trail() -> list[tuple[str, str, str]]:
    rows = Entry.objects.filter(verb__startswith="people.password").order_by("id")
    return [(each.verb, each.actor_id, each.subject) for each in rows]


def with_password(person: Person) -> Person:
    person.set_password(OLD)
    person.save()
    return person


def sign_in(person: Person, password: str) -> Client:
    client = Client()
    client.post("/en/account/login/", {"login": person.email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/en/people/profile/").status_code == 200


def choose(link: str, password: str = NEW) -> str:
    """Open a link and choose a password; what the last page says."""
    browser = Client()
    opened = browser.get(link.removeprefix(BASE), follow=True)
    if opened.context.get("token_fail"):
        return read(opened).text
    address = opened.redirect_chain[-1][0]
    assert address.endswith("-set-password/")
    given = {"password1": password, "password2": password}
    return read(browser.post(address, given, follow=True)).text


def test_an_administrator_hands_over_a_link_that_works_once_and_ends_the_sessions(cast: Cast) -> None:
    somebody = with_password(cast.analyst.row)
    before = sign_in(somebody, OLD)
    browser = cast.administrator.browser()
    assert "New password…" in read(browser.get(reverse("person", args=[somebody.id]))).text
    asked = reverse("new-password", args=[somebody.id])
    assert "Whoever opens the link chooses the password" in read(browser.get(asked)).text
    assert trail() == []
    page = read(browser.post(asked, follow=True))
    [link] = [has["data-copy"] for has in page.all("button") if "/password/" in has.get("data-copy", "")]
    assert link.startswith(f"{BASE}/{somebody.language}/account/password/reset/key/")
    assert "It works once, within 24 hours." in page.text
    assert is_in(before)
    assert "This link was shown once" in read(browser.get(f"{asked}link/", follow=True)).text
    assert "Your password is changed" in choose(link)
    assert not is_in(before)
    assert not is_in(sign_in(somebody, OLD))
    assert is_in(sign_in(somebody, NEW))
    assert "This link cannot be used" in choose(link, OLD)
    urn = f"urn:uuid:{somebody.id}"
    assert trail() == [
        ("people.password-link-made", str(cast.administrator.row.id), urn),
        ("people.password-changed", str(somebody.id), urn),
    ]


def test_a_link_opens_nothing_once_its_person_signed_in(cast: Cast) -> None:
    somebody = with_password(cast.analyst.row)
    link = password_link(somebody, actions.make_password_link(SYSTEM, somebody).secret)
    assert is_in(sign_in(somebody, OLD))
    assert "This link cannot be used" in choose(link)


def test_a_weak_password_changes_nothing(cast: Cast) -> None:
    somebody = with_password(cast.analyst.row)
    link = password_link(somebody, actions.make_password_link(SYSTEM, somebody).secret)
    assert "too short" in choose(link, "short")
    assert is_in(sign_in(somebody, OLD))


def test_only_who_manages_people_makes_a_link_and_only_for_who_is_active(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        actions.make_password_link(cast.analyst.actor, cast.administrator.row)
    somebody = cast.analyst.row
    somebody.is_active = False
    somebody.save()
    browser = cast.administrator.browser()
    assert "New password…" not in read(browser.get(reverse("person", args=[somebody.id]))).text
    refused = read(browser.post(reverse("new-password", args=[somebody.id])), 422)
    assert "is no longer active here" in refused.text
    with pytest.raises(PeopleError):
        actions.make_password_link(SYSTEM, somebody)
    assert trail() == []


def test_the_operator_makes_the_link_at_the_console(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    somebody = with_password(cast.administrator.row)
    given = Namespace(what="reset-link", person=somebody.email.upper(), json=False)
    assert command.run(given) == 0
    link = capsys.readouterr().out.strip()
    assert re.fullmatch(rf"{BASE}/en/account/password/reset/key/[0-9a-f]{{32}}-[\w-]+/", link)
    assert trail() == [("people.password-link-made", "console", f"urn:uuid:{somebody.id}")]
    assert "Your password is changed" in choose(link)
    with pytest.raises(CannotDo, match="is nobody on this node"):
        command.run(Namespace(what="reset-link", person="nobody@cert.example", json=False))


def test_the_page_of_a_forgotten_password_names_who_helps(cast: Cast) -> None:
    del cast
    page = read(Client().get("/en/account/password/reset/")).text
    assert "Ask an administrator of the node" in page
    assert "taawun person reset-link --person …" in page
