"""Nothing typed is lost, in a real browser: two tabs, no connection, a session that ends, a node that is busy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import override_settings
from playwright.sync_api import expect

from taawun.capabilities.intel.models import Report
from taawun.cooperation.people import actions
from taawun.cooperation.people.actors import SystemActor
from taawun.platform.web.models import Draft
from tests.cast import Member, establish_node, person
from tests.pages import judge

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]

pytestmark = pytest.mark.browser
PASSWORD: Final = "seven quiet harbours"
NEW: Final = "/en/intel/reports/new/"
# the browser says so for each answer that is no success, which these tests bring about
# what the browser and htmx say on the console of a request that failed
ON_PURPOSE: Final = ("Failed to load resource", "htmx:afterRequest", "htmx:sendError")
LEAVES: Final = "window.dispatchEvent(new Event('pagehide'))"


@pytest.fixture
def analyst(transactional_db: None) -> Member:
    host = establish_node()
    minted = actions.invite(
        SystemActor("tests"),
        email="layla@cert.example",
        organisation=host,
        roles=["analyst", "administrator"],
    )
    return Member(
        actions.accept_invitation(minted.secret, name="Layla H.", password=PASSWORD, language="en"), None
    )


def typed(page: Page, title: str) -> None:
    """Type a title and have it kept at once: the script would wait three seconds."""
    page.fill("[name=title]", title)
    with page.expect_response("**/drafts/"):
        page.evaluate(LEAVES)


def test_what_was_typed_is_offered_again_without_a_script_and_goes_when_it_was_sent(
    visit: Visit, analyst: Member
) -> None:
    page = visit(NEW, analyst)
    page.fill("[name=summary]", "A wave <of> mails\nfrom one server")
    page.check("[name=is_warning]")
    with page.expect_response("**/drafts/", timeout=6000):  # some seconds after the last key
        page.fill("[name=title]", "موجة جديدة")
    expect(page.locator(".draft-state")).to_contain_text("Kept ")
    plain = visit(NEW, analyst, scripts=False)
    assert "was kept." in plain.locator(".keeps-draft").inner_text()
    assert plain.input_value("[name=title]") == ""
    plain.click("text=Go on with it")
    assert plain.input_value("[name=title]") == "موجة جديدة"
    assert plain.input_value("[name=summary]") == "A wave <of> mails\nfrom one server"
    assert plain.is_checked("[name=is_warning]")
    page.goto(plain.url)
    assert judge(page, "a form with a draft") == []
    plain.click("text=Discard it")
    assert plain.input_value("[name=title]") == ""
    assert not Draft.objects.exists()
    typed(page, "Wave 3")
    assert Draft.objects.count() == 1
    page.click("button[value=save]")
    expect(page.locator("h1")).to_contain_text("Wave 3")
    assert not Draft.objects.exists()


def test_what_is_typed_into_the_field_of_a_password_is_not_sent_to_be_kept(
    visit: Visit, analyst: Member
) -> None:
    page = visit("/en/people/providers/new/", analyst)
    assert page.get_attribute("[name=secret]", "type") == "password"
    page.fill("[name=secret]", "Zinnober")
    page.fill("[name=name]", "House")
    with page.expect_request("**/drafts/") as sent:
        page.evaluate(LEAVES)
    body = sent.value.post_data or ""
    assert "name=House" in body
    assert "Zinnober" not in body


def test_of_two_tabs_the_second_learns_of_the_first_and_both_are_kept_until_one_decides(
    visit: Visit, analyst: Member
) -> None:
    first = visit(NEW, analyst, forgives=ON_PURPOSE)
    second = first.context.new_page()
    second.goto(NEW)
    typed(first, "Mine of the morning")
    typed(second, "Mine of noon")
    notice = second.locator("#standing .notice")
    expect(notice).to_contain_text("You wrote into this form elsewhere on")
    assert Draft.objects.count() == 2
    assert judge(second, "a tab with something to decide") == []
    with second.expect_response("**/drafts/"):
        second.click("text=Keep mine")
    expect(notice).to_have_count(0)
    assert Draft.objects.count() == 1
    typed(second, "Mine of one")
    # the tab that lost is told when it goes on, and may load the other
    typed(first, "Mine of the evening")
    first.click("text=Load that one")
    assert first.input_value("[name=title]") == "Mine of one"
    expect(first.locator(".keeps-draft")).to_contain_text("This is what you wrote on")


def test_without_a_connection_the_form_stays_and_is_sent_when_there_is_one_again(
    visit: Visit, analyst: Member
) -> None:
    page = visit(NEW, analyst, forgives=ON_PURPOSE)
    page.route("**/*", lambda route: route.abort())
    page.fill("[name=title]", "Wave 4")
    page.click("button[value=save]")
    notice = page.locator("#standing .notice")
    expect(notice).to_contain_text("This node did not answer.")
    expect(page.locator(".draft-state")).to_have_text("Not kept: no connection. What you typed stays here.")
    assert page.input_value("[name=title]") == "Wave 4"
    page.unroute("**/*")
    page.click("text=Try again")
    expect(page.locator("h1")).to_contain_text("Wave 4")
    assert Report.objects.get().title == "Wave 4"


def test_on_a_machine_without_a_network_a_form_is_sent_to_the_node_that_runs_there(
    visit: Visit, analyst: Member
) -> None:
    page = visit(NEW, analyst)
    page.evaluate("Object.defineProperty(navigator, 'onLine', { value: false })")
    page.fill("[name=title]", "Wave 8")
    page.click("button[value=save]")
    expect(page.locator("h1")).to_contain_text("Wave 8")


def test_when_the_session_ended_the_form_stays_and_what_is_sent_waits_behind_the_sign_in(
    visit: Visit, analyst: Member
) -> None:
    page = visit("/en/account/login/", forgives=ON_PURPOSE)
    sign_in(page)
    page.goto(NEW)
    Session.objects.all().delete()
    typed(page, "Wave 5")
    expect(page.locator(".draft-state")).to_contain_text("Your session has ended. What you typed stays here")
    page.click("button[value=save]")
    page.wait_for_url("**/login/**")
    sign_in(page)
    page.click("text=Send it now")
    expect(page.locator("h1")).to_contain_text("Wave 5")


def sign_in(page: Page) -> None:
    page.fill("[name=login]", "layla@cert.example")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)


def test_a_page_older_than_the_last_sign_in_keeps_what_was_typed_and_offers_to_send_it(
    visit: Visit, analyst: Member
) -> None:
    page = visit("/en/account/login/", forgives=ON_PURPOSE)
    sign_in(page)
    page.goto(NEW)
    Session.objects.all().delete()
    other = page.context.new_page()
    other.goto("/en/account/login/")
    sign_in(other)
    typed(page, "Wave 6")
    expect(page.locator(".draft-state")).to_contain_text("Kept ")
    page.click("button[value=save]")
    expect(page.locator("main")).to_contain_text("older than your last sign-in")
    page.click("text=Send it now")
    expect(page.locator("h1")).to_contain_text("Wave 6")
    assert not Draft.objects.exists()


def test_after_a_busy_node_going_back_finds_again_what_was_typed(visit: Visit, analyst: Member) -> None:
    page = visit(NEW, analyst, forgives=ON_PURPOSE)
    page.fill("[name=title]", "Wave 7")
    with (
        patch("taawun.capabilities.intel.actions.create_report", side_effect=OperationalError),
        override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False),
    ):
        page.click("button[value=save]")
        expect(page.locator("main")).to_contain_text("Go back with your browser")
    page.go_back()
    if page.input_value("[name=title]") != "Wave 7":
        page.click("text=Go on with it")
    assert page.input_value("[name=title]") == "Wave 7"


def test_a_question_opens_over_its_page_and_is_answered_there(visit: Visit, analyst: Member) -> None:
    other = person("observer", name="Omar S.")
    page = visit(f"/en/people/{other.id}/", analyst, forgives=ON_PURPOSE)
    link = page.locator("a[data-asks]", has_text="Disable")
    link.click()
    dialog = page.locator("dialog#asking")
    expect(dialog).to_be_visible()
    expect(dialog.locator("h1")).to_have_text("Let Omar S. in no more?")
    assert judge(page, "a question over its page") == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    dialog.locator("text=Cancel").click()
    expect(dialog).to_be_hidden()
    link.click()
    dialog.locator("button[type=submit]").click()
    expect(page.locator(".told")).to_contain_text("Omar S. is not let in any more.")
    page.click("text=Undo")
    expect(page.locator(".told")).to_contain_text("Omar S. may sign in again.")
    page.route("**/disable/", lambda route: route.abort())
    page.locator("a[data-asks]", has_text="Disable").click()
    expect(page.locator("#standing")).to_contain_text("This node did not answer.")
    page.unroute("**/disable/")
    page.click("text=Try again")
    expect(dialog).to_be_visible()
    plain = visit(f"/en/people/{other.id}/", analyst, scripts=False)
    plain.click("a[data-asks]:has-text('Disable')")
    assert plain.locator("h1").inner_text() == "Let Omar S. in no more?"


def test_what_was_copied_is_said_for_some_seconds(visit: Visit, analyst: Member) -> None:
    page = visit(f"/en/people/{analyst.row.id}/", analyst)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.clock.install()
    page.click("main button.copy")
    expect(page.locator(".toast")).to_have_text("Copied")
    page.locator(".toast").hover()
    page.clock.run_for(7000)
    expect(page.locator(".toast")).to_have_count(1)
    page.mouse.move(900, 100)
    page.clock.run_for(7000)
    expect(page.locator(".toast")).to_have_count(0)
