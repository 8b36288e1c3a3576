"""The frame around every page, in each language and for each visitor."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.translation import override

from taawun.cooperation.people.models import Person
from taawun.platform.web import views
from taawun.platform.web.shell import THEME_COOKIE
from tests.cast import Cast
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("en", "ltr"), ("fr", "ltr")])
def test_a_page_says_its_language_and_direction_and_is_sound(
    cast: Cast, language: str, direction: str
) -> None:
    page = read(cast.administrator.browser().get(f"/{language}/people/profile/"))
    [root] = page.all("html")
    assert (root["lang"], root["dir"]) == (language, direction)
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}


@pytest.mark.parametrize(
    ("language", "name", "nation"),
    [("en", "Northern CERT", "Nation: Northland"), ("ar", "فريق الشمال", "الدولة: الشمال")],
)
def test_the_header_says_whose_node_it_is(cast: Cast, language: str, name: str, nation: str) -> None:
    page = read(cast.analyst.browser().get(f"/{language}/people/profile/"))
    assert name in page.text
    assert nation in page.text


def test_a_page_before_the_node_has_an_owner_is_still_a_page(db: None) -> None:
    assert "Taawun" in read(Client().get("/en/account/login/")).text


def test_the_policy_of_content_lets_nothing_run_that_stands_in_a_page(cast: Cast) -> None:
    answer = cast.analyst.browser().get("/en/people/profile/")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


@pytest.mark.parametrize("path", ["/en/account/login/", "/en/nothing/", "/healthz"])
def test_the_policy_of_content_names_this_node_alone_and_lets_no_other_frame_it(
    cast: Cast, path: str
) -> None:
    policy = Client().get(path)["Content-Security-Policy"]
    told = dict(each.strip().split(" ", 1) for each in policy.split(";") if each.strip())
    assert told == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_before_the_door_the_theme_is_that_of_the_browser_and_nonsense_is_none(cast: Cast) -> None:
    browser, sign_in = Client(), "/en/account/login/"
    assert "data-theme" not in read(browser.get(sign_in)).all("html")[0]
    browser.cookies[THEME_COOKIE] = "dark"
    assert read(browser.get(sign_in)).all("html")[0]["data-theme"] == "dark"
    for nonsense in ('"><script>', "device"):
        browser.cookies[THEME_COOKIE] = nonsense
        assert "data-theme" not in read(browser.get(sign_in)).all("html")[0]


def test_behind_the_door_the_theme_is_that_of_the_person_whoever_used_the_browser_before(cast: Cast) -> None:
    browser, profile = cast.analyst.browser(), "/en/people/profile/"
    browser.cookies[THEME_COOKIE] = "dark"
    assert "data-theme" not in read(browser.get(profile)).all("html")[0]
    Person.objects.filter(id=cast.analyst.row.id).update(theme="light")
    assert read(browser.get(profile)).all("html")[0]["data-theme"] == "light"


def test_the_navigation_leads_only_where_the_reader_may_go(cast: Cast) -> None:
    administrator = read(cast.administrator.browser().get("/en/people/profile/"))
    stranger = read(cast.stranger.browser().get("/en/people/profile/"))
    addresses = {has["href"] for has in administrator.all("a")}
    assert {reverse("people"), reverse("audit"), reverse("notices")} <= addresses
    assert {reverse("people"), reverse("audit")}.isdisjoint(has["href"] for has in stranger.all("a"))


def request_for(path: str, accept: str = "text/html") -> HttpRequest:
    return RequestFactory().get(path, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("view", "status", "title"),
    [
        (views.bad_request, 400, "The request cannot be read"),
        (views.forbidden, 403, "Not allowed"),
        (views.not_found, 404, "Not found"),
        (views.csrf_failure, 403, "The form was not accepted"),
        (views.server_error, 500, "A fault of this node"),
    ],
)
def test_a_failure_is_a_sentence_with_a_next_step(db: None, view: object, status: int, title: str) -> None:
    assert callable(view)
    with override("en"):
        page = read(view(request_for("/en/nowhere/")), status)
    assert title in page.text
    assert page.all("a", **{"class": "button primary"})


def test_a_refusal_tells_no_reason_that_a_library_wrote_for_developers(db: None) -> None:
    answer = views.forbidden(request_for("/en/x/"), PermissionDenied("Reauthentication not available"))
    page = read(answer, 403)
    assert "Reauthentication" not in page.text
    assert "Ask an administrator of this node for a role that includes it." in page.text


def test_the_page_of_a_fault_asks_no_database() -> None:
    # without the database fixture, any query fails this test
    assert b"A fault of this node" in views.server_error(request_for("/en/people/")).content


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_database_that_does_not_answer_is_no_fault(accept: str) -> None:
    request = request_for("/en/people/", accept)

    def ask() -> None:
        raise OperationalError("deadlock detected")

    try:
        ask()
    except OperationalError:
        answer = views.server_error(request)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert b"The database did not answer in time. Nothing was changed; try again." in answer.content
    assert views.server_error(request).status_code == 500


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/api/v1/nothing", "application/json"), ("/federation/x", "*/*"), ("/api/v1/x", "text/html")],
)
def test_a_machine_gets_a_problem_document(path: str, accept: str) -> None:
    answer = views.not_found(request_for(path, accept))
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(answer.content)["type"] == "urn:taawun:problem:not-found"
