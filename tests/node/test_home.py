"""The first page: what is new, what waits, what is at risk, for each of the cast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from taawun.cooperation.agreements import actions
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import frozen, now
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from tests.cast import Cast, agreement_in_force, agreement_proposed, document, partner
from tests.cooperation.federation.test_views import received
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

HOME = "/en/"


def shown_to(client: Client) -> str:
    return read(client.get(HOME)).text


def test_a_stranger_is_led_to_the_sign_in() -> None:
    assert Client().get(HOME)["Location"].startswith("/en/account/login/")


def test_a_person_without_a_role_learns_whom_to_ask(cast: Cast) -> None:
    text = shown_to(cast.stranger.browser())
    assert "You have no role on this node yet." in text
    assert "New for you" not in text


@pytest.mark.parametrize(
    "who", ["administrator", "analyst", "officer", "other_officer", "observer", "trainee"]
)
def test_a_quiet_node_says_that_it_is_quiet(cast: Cast, who: str) -> None:
    agreement_in_force(partner())
    text = shown_to(dict(cast)[who].browser())
    assert "Nothing new came in, nothing waits for you, and nothing is at risk." in text


def test_what_partners_sent_is_new_for_a_week(cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    received(south, held, 1)
    received(south, held, 2, tlp=Tlp.RED, title="The secret plan")
    text = shown_to(cast.analyst.browser())
    assert "In the last seven days partners sent 2 releases. All of it under 1 clause." in text
    assert "Their report 1" in text
    assert "The secret plan" not in text
    with frozen(now() + timedelta(days=8)):
        assert "Their report 1" not in shown_to(cast.analyst.browser())


def test_what_waits_is_different_for_each(cast: Cast) -> None:
    south = partner("Southern CERT")
    partner("Western CERT", nation="XW", state=Partner.State.MET)
    agreement_proposed(south)
    actions.draft(cast.officer.actor, document(south))
    officer, administrator = shown_to(cast.officer.browser()), shown_to(cast.administrator.browser())
    assert "Approve “Sharing agreement”" in officer
    assert "XS Finish the draft of “Sharing agreement”" in officer
    assert "2 things wait for you." in officer
    assert "Compare the fingerprint of Western CERT" in administrator
    assert "1 thing waits for you." in administrator
    assert "Nothing waits for you." in shown_to(cast.analyst.browser())


def test_what_was_approved_waits_for_the_other_officer_alone(cast: Cast) -> None:
    held = agreement_proposed(partner())
    actions.approve(cast.officer.actor, held, held.versions.get().digest)
    assert "Approve “" not in shown_to(cast.officer.browser())
    assert "1 of 2 approvals" in shown_to(cast.other_officer.browser())


def test_open_notices_are_what_is_at_risk(cast: Cast) -> None:
    south = partner("Southern CERT")
    facts = {"node": south.node, "partner": str(south.row.id), "name": "Southern CERT"}
    raise_notice("partners.key-changed", f"urn:taawun:node:{south.node}", Notice.Level.ALARM, facts)
    text = shown_to(cast.observer.browser())
    assert "1 thing is at risk." in text
    assert f"{south.node} shows another key than the one that was compared." in text


def test_the_first_steps_are_shown_to_those_who_can_take_them(cast: Cast) -> None:
    assert "First steps Add a partner" in shown_to(cast.administrator.browser())
    assert "First steps" not in shown_to(cast.observer.browser())
    partner()
    assert "First steps" not in shown_to(cast.administrator.browser())
    assert "First steps Draft an agreement" in shown_to(cast.officer.browser())


@pytest.mark.parametrize(
    ("hour", "greeting"), [(8, "This morning"), (13, "This afternoon"), (21, "This evening")]
)
def test_the_page_knows_the_time_of_day(cast: Cast, hour: int, greeting: str) -> None:
    client = cast.analyst.browser()
    with frozen(datetime(2026, 11, 22, hour, 42, tzinfo=UTC)):
        text = shown_to(client)
    assert greeting in text
    assert "Sunday 22 November 2026" in text
    assert f"{hour:02}:42, Northland" in text
