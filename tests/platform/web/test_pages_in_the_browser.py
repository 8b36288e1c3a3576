"""Pages in a real browser: nothing that axe finds, nothing that runs over, nothing that its policy refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.urls import reverse
from django.utils.translation import override
from playwright.sync_api import expect

from taawun.cooperation.people import actions
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import DutyContact, Organisation, Person
from taawun.foundation.multilingual import Text
from taawun.platform.web import formats
from taawun.platform.web.reader import Calendar, Reader, read_by
from tests.cast import Member, establish_node, token_of
from tests.pages import axe_violations, judge, judge_all

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]

pytestmark = pytest.mark.browser
PASSWORD = "seven quiet harbours"
PROFILE = re.compile(r"^[^?]*/people/profile/$")
PEOPLE = ("people", "person", "organisation", "nation", "invitations", "invite", "profile", "tokens")
ACCOUNT = (
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_generate_recovery_codes",
    "account_change_password",
    "account_logout",
)
OUTSIDE = (
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_inactive",
    "invitation-accept",
)


@pytest.fixture
def administrator(transactional_db: None) -> Member:
    """An administrator with a password, who signed in a moment ago, and something on every page."""
    host = establish_node()
    first = SystemActor("tests")
    minted = actions.invite(
        first, email="maryam@cert.example", organisation=host, roles=["administrator", "officer"]
    )
    made = actions.accept_invitation(minted.secret, name="Maryam T.", password=PASSWORD, language="en")
    token_of(made, "read:people")
    member = Member(made, None)
    DutyContact.objects.create(
        organisation=host,
        names={"en": "Duty officer"},
        zone="Asia/Kathmandu",
        days=[6, 0, 1, 2, 3],
        opens=time(8),
        closes=time(16),
        phone="+977 1 5970 123",
    )
    actions.invite(member.actor, email="open@cert.example", organisation=host, roles=["analyst"])
    return member


def address_of(name: str, language: str, member: Member) -> str:
    with override(language):
        if name == "person":
            return reverse(name, args=[member.row.id])
        if name == "organisation":
            return reverse(name, args=[Organisation.objects.get(is_host=True).id])
        if name == "nation":
            return reverse(name, args=["NP"])
        if name == "invitation-accept":
            host = Organisation.objects.get(is_host=True)
            minted = actions.invite(
                member.actor, email="layla@cert.example", organisation=host, roles=["analyst"]
            )
            return reverse(name, args=[minted.secret])
        return reverse(name)


@pytest.mark.parametrize(("language", "width"), [("en", 360), ("ar", 1440)])
def test_the_pages_of_an_account_can_be_used_by_everybody(
    visit: Visit, administrator: Member, language: str, width: int
) -> None:
    page = sign_in(visit, administrator, language, width)
    found = prove_again(page, language)
    for name in ACCOUNT:
        page.goto(address_of(name, language, administrator))
        assert page.url.endswith(address_of(name, language, administrator))
        found += judge(page, name)
    assert found == []


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("ar", 360)])
def test_the_pages_before_the_door_can_be_used_by_everybody(
    visit: Visit, administrator: Member, language: str, width: int
) -> None:
    paths = [address_of(name, language, administrator) for name in OUTSIDE]
    assert judge_all(visit, paths, width=width) == []


def sign_in(visit: Visit, member: Member, language: str = "en", width: int = 1440) -> Page:
    page = visit(
        address_of("account_login", language, member) + f"?next=/{language}/people/profile/", width=width
    )
    page.fill("[name=login]", member.row.email)
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url(PROFILE)
    return page


def prove_again(page: Page, language: str = "en") -> list[str]:
    """Pass the question whether it is still oneself; what axe finds on its page."""
    page.goto(f"/{language}/account/reauthenticate/?next=/{language}/account/2fa/")
    found = judge(page, "account_reauthenticate")
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")
    page.wait_for_url("**/account/2fa/")
    return found


def test_what_axe_would_find_is_found(visit: Visit, administrator: Member) -> None:
    page = visit("/en/account/login/")
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [each.partition(":")[0] for each in axe_violations(page)] == ["image-alt"]


def test_a_wrong_password_says_so_beside_nothing_else(visit: Visit, administrator: Member) -> None:
    page = visit("/en/account/login/")
    page.fill("[name=login]", administrator.row.email)
    page.fill("[name=password]", "not this one")
    page.click("button.primary")
    expect(page.locator(".notice.alarm").first).to_be_visible()
    assert page.input_value("[name=login]") == administrator.row.email
    expect(page.locator("[role=alert]:focus")).to_be_visible()
    assert axe_violations(page) == []


def test_after_a_mistake_the_keyboard_begins_at_what_is_wrong_also_without_a_script(
    visit: Visit, administrator: Member
) -> None:
    page = visit("/ar/account/login/", scripts=False)
    page.fill("[name=login]", administrator.row.email)
    page.fill("[name=password]", "not this one")
    page.press("[name=password]", "Enter")
    expect(page.locator("[role=alert]:focus")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("[name=login]:focus")).to_be_visible()


def test_an_authenticator_app_is_set_up_and_then_asked_for(visit: Visit, administrator: Member) -> None:
    page = sign_in(visit, administrator)
    prove_again(page)
    page.goto("/en/account/2fa/totp/activate/")
    secret = page.locator("main .code code").inner_text()
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    page.fill("[name=code]", code)
    page.click("text=Activate the app")
    page.wait_for_url("**/recovery-codes/**")
    expect(page.locator(".codes li")).to_have_count(10)
    assert axe_violations(page) == []
    page.goto("/en/account/2fa/")
    assert axe_violations(page) == []
    second = visit("/en/account/login/")
    second.fill("[name=login]", administrator.row.email)
    second.fill("[name=password]", PASSWORD)
    second.click("button.primary")
    second.wait_for_url("**/2fa/authenticate/**")
    assert axe_violations(second) == []
    expect(second.locator("#mfa_webauthn_authenticate")).to_be_visible()


def test_a_passkey_is_added_and_opens_the_door(
    visit: Visit, administrator: Member, live_server: object
) -> None:
    page = sign_in(visit, administrator)
    prove_again(page)
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    page.goto("/en/account/2fa/webauthn/add/")
    page.fill("[name=name]", "office laptop")
    page.check("[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/**")
    page.goto("/en/account/2fa/webauthn/")
    expect(page.locator("tbody")).to_contain_text("office laptop")
    assert axe_violations(page) == []
    page.locator(".person summary").click()
    page.click("text=Sign out")
    page.wait_for_url("**/login/**")
    page.goto("/en/account/login/?next=/en/people/profile/")
    page.click("#passkey_login")
    page.wait_for_url(PROFILE)
    expect(page.locator("h1")).to_have_text("Your profile")


def test_one_chooses_how_pages_read_and_a_day_says_its_other_calendar_while_one_types(
    visit: Visit, administrator: Member
) -> None:
    community = actions.add_community(administrator.actor, code="demo", names=Text.of(en="Demo"))
    page = visit("/ar/people/profile/", administrator)
    page.select_option("[name=zone]", "Asia/Kathmandu")
    for name, value in (("calendar", "with-hijri"), ("digits", "western"), ("theme", "dark")):
        page.check(f"[name={name}][value={value}]")
    page.select_option("[name=language]", "ar")
    page.click("main button.primary")
    expect(page.locator(".notice.green")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert Person.objects.get(id=administrator.row.id).zone == "Asia/Kathmandu"
    for language, last in (("ar", "11 جمادى الآخرة 1448"), ("en", "11 Jumada al-Akhirah 1448")):
        page.goto(f"/{language}/people/communities/{community.id}/spans/new/")
        told = page.locator("#id_since + .other-day")
        expect(told).to_have_text("")
        page.fill("#id_since", "2026-11-22")
        expect(told).to_have_text(last)
    # the browser counts as the server does, over more than a cycle of thirty years
    with read_by(lambda: Reader(calendar=Calendar.WITH_HIJRI)):
        for count in range(60):
            day = date(1990, 1, 1) + timedelta(days=211 * count)
            page.fill("#id_since", day.isoformat())
            expect(told).to_have_text(formats.other_day(day))
    page.fill("#id_since", "0500-01-01")
    expect(told).to_have_text("")
    assert axe_violations(page) == []


def test_the_menu_of_a_phone_opens_and_closes_without_a_script(visit: Visit, administrator: Member) -> None:
    page = visit("/en/people/", administrator, width=360, scripts=False)
    menu = page.locator("#menu")
    expect(menu).to_be_hidden()
    page.click(".bottom-bar a[href='#menu']")
    expect(menu).to_be_visible()
    expect(menu.locator("text=Audit trail")).to_be_visible()
    page.click("#menu .side-close")
    expect(menu).to_be_hidden()


def test_escape_closes_the_menu_of_a_phone_and_leads_back_to_its_button(
    visit: Visit, administrator: Member
) -> None:
    page = visit("/en/people/", administrator, width=360)
    page.click(".bottom-bar a[href='#menu']")
    expect(page.locator("#menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()
    expect(page.locator(".bottom-bar a[href='#menu']")).to_be_focused()


def test_what_a_thumb_has_to_hit_on_a_phone_is_large_enough(visit: Visit, administrator: Member) -> None:
    page = visit("/en/people/profile/", administrator, width=390)
    heights = page.eval_on_selector_all("main button.button", "all => all.map(each => each.offsetHeight)")
    assert heights
    assert min(heights) >= 44


def test_a_key_and_a_link_open_the_help_beside_the_page_and_focus_returns(
    visit: Visit, administrator: Member
) -> None:
    page = visit("/ar/people/", administrator)
    page.keyboard.press("?")
    expect(page.locator("#help-head")).to_have_text("الأشخاص والأدوار")
    assert judge(page, "the panel") == []
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.click(".cover-help")
    # it was fetched once and is there still
    expect(page.locator("#help-head")).to_have_text("الأشخاص والأدوار")
    page.click("#help [data-close-dialog]")
    expect(page.locator(".cover-help")).to_be_focused()


@pytest.mark.parametrize(("language", "width", "theme"), [("en", 1440, "dark"), ("ar", 360, "light")])
def test_the_pages_of_the_help_can_be_used_by_everybody_and_without_scripts(
    visit: Visit, transactional_db: None, language: str, width: int, theme: str
) -> None:
    paths = [f"/{language}/help/", f"/{language}/help/lanes/"]
    assert judge_all(visit, paths, width=width, theme=theme) == []
    page = visit(f"/{language}/account/login/", scripts=False)
    page.click(".cover-help")
    assert page.url.endswith(f"/{language}/help/signing-in/")


def test_a_value_is_copied(visit: Visit, administrator: Member) -> None:
    page = visit(f"/en/people/{administrator.row.id}/", administrator)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("main button.copy")
    expect(page.locator("main button.copy.copied")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == administrator.row.email


def test_a_row_on_a_phone_tells_what_each_value_is(visit: Visit, administrator: Member) -> None:
    page = visit("/en/people/", administrator, width=360)
    label = page.evaluate("getComputedStyle(document.querySelector('td[data-label]'), '::before').content")
    assert label == '"Roles"'
