"""A session that ends while a page is open: said once, mended beside the page, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.urls import reverse

from taawun.cooperation.people.models import Person
from tests.cast import Cast
from tests.pages import judge, pages, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]

__all__ = ["pages", "visit"]

PASSWORD = "three-ordinary-words"
# what the browser and htmx say of an answer of 401
REFUSED = ("Failed to load resource", "Response Status Error Code 401")
ASK = "htmx.trigger('#part-notices', 'taawun:look')"


def sign_in(page: Page, person: Person) -> None:
    page.locator("input[name=login]").fill(person.email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")


def with_password(person: Person) -> Person:
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.mark.django_db(transaction=True)
def test_who_signs_in_again_beside_the_page_goes_on_with_what_they_typed(visit: Visit, cast: Cast) -> None:
    page = visit(reverse("profile"), cast.analyst, forgives=REFUSED)
    page.locator("input[name=name]").fill("Salma, who typed this")
    person = with_password(cast.analyst.row)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.evaluate(ASK)
    notice = page.locator("#standing .notice")
    notice.wait_for()
    assert "Your session has ended." in notice.inner_text()
    assert judge(page, "profile with the notice") == []
    # said once: who closed it is not told again by what asks by itself, for nothing does
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.evaluate(ASK)
    page.wait_for_timeout(100)
    assert asked == []
    with page.expect_popup() as beside:
        notice.get_by_role("link", name="Sign in again").click()
    sign_in(beside.value, person)
    page.locator(".toast").wait_for()
    assert beside.value.is_closed()
    assert notice.count() == 0
    # the form of the page is that of the new session
    assert page.locator("input[name=name]").input_value() == "Salma, who typed this"
    with page.expect_response(lambda told: told.status in {200, 304} and "/notices/" in told.url):
        page.evaluate(ASK)
    page.locator("input[name=name]").press("Enter")
    page.locator(".messages").wait_for()
    assert Person.objects.get(id=person.id).name == "Salma, who typed this"


@pytest.mark.django_db(transaction=True)
def test_what_one_typed_is_not_left_for_another_who_signs_in(visit: Visit, cast: Cast) -> None:
    page = visit(reverse("profile"), cast.analyst, forgives=REFUSED)
    page.locator("input[name=name]").fill("Only for Salma")
    other = with_password(cast.officer.row)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.evaluate(ASK)
    with page.expect_popup() as beside:
        page.locator("#standing a").click()
    sign_in(beside.value, other)
    page.wait_for_url("**/en/")
    assert page.locator("body").get_attribute("data-person") == str(other.id)
