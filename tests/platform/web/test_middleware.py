"""What a page says about who may keep it, what the back button then shows, and how it goes over a line."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.test import Client

from taawun.cooperation.people import queries
from taawun.cooperation.people.models import Person
from tests.addresses import ADDRESSES, NOTHING
from tests.cast import Cast, Member, establish_node, person
from tests.world import WithWorld

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from pytest_django.fixtures import Settings as SettingsWrapper

    Visit = Callable[..., Page]

pytestmark = pytest.mark.usefixtures("pages")
NOWHERE = "private, no-store"
SIGN_IN = re.compile(r"/en/account/login/\?next=")


# test_every_address.py opens the same pages on both databases
@pytest.mark.any_database
class TestEveryPage(WithWorld):
    """Each page, whoever opens it with a session."""

    def test_no_page_of_somebody_who_is_signed_in_is_kept_by_a_cache(self) -> None:
        for address in ADDRESSES:
            if not address.is_page or address.get == NOTHING:
                continue
            for name in ("administrator", "analyst", "stranger"):
                with self.each(f"{address.route} {name}"):
                    answer = self.world.comer(name, machine=False).send(
                        "GET", address.path(self.world.things)
                    )
                    assert "no-store" in answer["Cache-Control"], answer.status_code


def test_pages_of_refusals_are_not_kept_either(cast: Cast) -> None:
    client = cast.trainee.browser()
    for path, status in (("/en/nothing/", 404), ("/en/audit/", 403), ("/en/people/roles/1/take/", 403)):
        answer = client.get(path)
        assert (answer.status_code, answer["Cache-Control"]) == (status, NOWHERE)


def test_the_page_of_a_fault_is_not_kept_and_does_not_ask_who_is_here(cast: Cast) -> None:
    client = cast.analyst.browser()
    client.raise_request_exception = False
    with patch.object(queries, "persons", side_effect=RuntimeError):
        answer = client.get("/en/people/")
    assert (answer.status_code, answer["Cache-Control"]) == (500, NOWHERE)
    with patch("django.contrib.auth.middleware.get_user", side_effect=RuntimeError):
        answer = client.get("/en/people/")
    assert (answer.status_code, answer["Cache-Control"]) == (500, NOWHERE)


def test_what_a_page_says_itself_is_left(cast: Cast) -> None:
    answer = cast.analyst.browser().get("/en/people/tokens/")
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_what_a_stranger_is_shown_is_nobodys_secret(node: object) -> None:
    assert "Cache-Control" not in Client().get("/en/nothing/")


def test_pages_are_sent_compressed_and_what_programs_ask_for_as_it_is(cast: Cast) -> None:
    reads = {"Accept-Encoding": "gzip"}
    page = cast.observer.browser().get("/en/people/", headers=reads)
    assert (page["Content-Encoding"], page["Content-Length"]) == ("gzip", str(len(page.content)))
    assert "Accept-Encoding" in page["Vary"]
    whole = cast.observer.browser().get("/en/people/")
    assert "Content-Encoding" not in whole
    assert len(page.content) * 3 < len(whole.content)
    assert gzip.decompress(page.content).endswith(whole.content[-1000:])
    told = cast.observer.api.send("GET", "/people", headers=reads)
    assert (told.status_code, "Content-Encoding" in told) == (200, False)


def test_static_files_may_be_kept(cast: Cast, settings: SettingsWrapper, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("p {}")
    settings.STATIC_ROOT = tmp_path
    answer = cast.analyst.browser().get("/static/a.css")
    assert (answer.getvalue(), answer["Cache-Control"]) == (b"p {}", "max-age=60, public")
    answer.close()


# ---- in the browser ---------------------------------------------------------------------------------------------
@pytest.fixture
def administrator(transactional_db: None) -> Member:
    establish_node()
    return Member(person("administrator", name="Maryam T."), None)


@pytest.mark.browser
def test_after_signing_out_the_back_button_leads_to_the_door(visit: Visit, administrator: Member) -> None:
    page = visit("/en/people/", administrator)
    assert "Maryam T." in page.locator("main").inner_text()
    page.context.clear_cookies(name=django_settings.SESSION_COOKIE_NAME)
    page.goto("/en/account/login/")
    page.go_back()
    page.wait_for_url(SIGN_IN)


@pytest.mark.browser
def test_a_form_works_after_going_back_to_it(visit: Visit, administrator: Member) -> None:
    page = visit("/en/people/profile/", administrator)
    for name in ("Maryam Two", "Maryam Three"):
        page.fill("[name=name]", name)
        page.click("main form button.primary")
        page.wait_for_selector(".notice.green")
        assert Person.objects.get(id=administrator.row.id).name == name
        page.goto("/en/people/")
        page.go_back()
        page.go_back()
        page.wait_for_selector("[name=name]")


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/v1/intel/objects/%00", "/en/intel/objects/a%00b/"])
def test_nothing_is_found_at_an_address_that_holds_nul(cast: Cast, address: str) -> None:
    headers = {"Authorization": f"Bearer {cast.analyst.token}"} if address.startswith("/api") else {}
    answer = cast.analyst.browser().get(address, headers=headers)
    assert answer.status_code == 404
