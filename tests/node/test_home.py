"""The first page: what is new, what waits, what is at risk, for each of the cast."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from taawun.cooperation.agreements import actions
from taawun.cooperation.federation.home import by_week
from taawun.cooperation.federation.ledger import weeks
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Person
from taawun.foundation.clock import frozen, now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from taawun.platform.work.models import ScheduleState
from taawun.platform.work.schedules import Schedule
from tests.capabilities.intel.factories import bring, indicator
from tests.capabilities.intel.test_home import report
from tests.capabilities.intel.viewing import draft
from tests.cast import Cast, agreement_in_force, agreement_proposed, document, partner
from tests.cooperation.federation.test_views import published, received
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


def test_what_does_not_fit_on_the_first_page_is_counted(cast: Cast) -> None:
    for number in range(10):
        report(cast.analyst.row, f"Wave {number}")
    text = shown_to(cast.analyst.browser())
    assert "10 things wait for you." in text
    assert "2 more" in text


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


def test_what_came_since_the_last_visit_is_counted_and_marked(cast: Cast) -> None:
    south, client = partner("Southern CERT"), cast.analyst.browser()
    held = agreement_in_force(south)
    begun = datetime(2026, 11, 19, 16, 40, tzinfo=UTC)
    with frozen(begun):
        received(south, held, 1)
        # the first visit knows no other
        assert "In the last seven days partners sent 1 release." in shown_to(client)
    with frozen(begun + timedelta(minutes=20)):
        received(south, held, 2)
        # the same visit, still the first
        assert "In the last seven days partners sent 2 releases." in shown_to(client)
    with frozen(begun + timedelta(days=3)):
        assert "Nothing has come from partners since Thursday 17:00." in shown_to(client)
    with frozen(begun + timedelta(days=3, minutes=5)):
        received(south, held, 3)
        received(south, held, 4)
        # what asks by itself is no visit
        client.get(HOME, headers={"X-Taawun-Part": "home"})
        page = read(client.get(HOME))
        assert "Since Thursday 17:00 partners sent 2 releases. All of it under 1 clause." in page.text
        assert len(page.all("li", **{"class": "fresh"})) == 2
    with frozen(begun + timedelta(days=3, hours=2)):
        assert "Nothing has come from partners since 16:45 today." in shown_to(client)
    with frozen(begun + timedelta(days=20)):
        assert "since 22 Nov 2026" not in shown_to(client)
        assert "Since " not in shown_to(cast.officer.browser())


def test_a_page_that_asks_by_itself_is_no_visit(cast: Cast) -> None:
    client = cast.analyst.browser()
    client.get(HOME)
    visits = Person.objects.filter(id=cast.analyst.row.id).values_list("looked", "looked_before")
    before = visits.get()
    with frozen(now() + timedelta(minutes=45)):
        assert client.get(HOME, headers={"X-Taawun-Part": "home"}).status_code == 200
    assert visits.get() == before


def test_who_approves_agreements_sees_what_passed_and_how_agreements_stand(cast: Cast) -> None:
    south = partner("Southern CERT")
    policymaker = cast.other_officer.browser()
    assert "The last eight weeks" not in shown_to(policymaker)
    assert "How agreements stand" not in shown_to(policymaker)
    held = agreement_in_force(south)
    received(south, held, 1)
    with frozen(now() + timedelta(days=10)):
        received(south, held, 2)
        text = shown_to(policymaker)
        analyst = shown_to(cast.analyst.browser())
    assert "The last eight weeks This node gave 0 releases. It received 2 releases." in text
    assert "How agreements stand In force 1 None waits for others" in text
    assert "The last eight weeks" not in analyst
    assert "How agreements stand" not in analyst
    proposed = agreement_proposed(partner("Western CERT", nation="XW"))
    actions.approve(cast.officer.actor, proposed, proposed.versions.get().digest)
    actions.approve(cast.other_officer.actor, proposed, proposed.versions.get().digest)
    text = shown_to(policymaker)
    assert "Proposed 1" in text
    assert "waits for the signature of Western CERT" in text


def test_weeks_are_counted_to_the_instant_and_each_way_apart(cast: Cast) -> None:
    del cast
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    until = datetime(2026, 11, 30, 12, tzinfo=UTC)
    for number, days in enumerate((0, 6, 7, 8, 21), start=1):
        with frozen(until - timedelta(days=days)):
            received(south, held, number)
    assert [(each.given, each.received) for each in weeks(until, 3)] == [(0, 0), (0, 2), (0, 2)]
    assert [each.ends for each in weeks(until, 3)] == [until - timedelta(days=days) for days in (14, 7, 0)]


def test_the_weeks_are_drawn_each_way_as_they_were_counted(cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    published(1)
    for number in (1, 2):
        received(south, held, number)
    drawn = by_week(cast.other_officer.actor)
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', drawn)
    last = re.findall(r"<td[^>]*><bdi>(\d+)</bdi></td>", drawn)[-2:]
    assert dict(zip(heads[-2:], last, strict=True)) == {"Given": "1", "Received": "2"}


def test_those_who_keep_the_node_see_whether_it_is_well(cast: Cast) -> None:
    administrator = cast.administrator.browser()
    text = shown_to(administrator)
    assert "There was never a backup of this node." in text
    assert "Work in the background does not go on" in text
    assert "This node checked" not in shown_to(cast.officer.browser())
    record(SystemActor("console"), "node.backed-up", "urn:x")
    ScheduleState.objects.bulk_create(
        ScheduleState(name=each.name, started=now(), finished=now()) for each in registry.all(Schedule)
    )
    text = shown_to(administrator)
    assert "The newest backup was made now." in text
    assert "Work in the background goes on." in text
    ScheduleState.objects.filter(name="audit.seal").update(error="no")
    with frozen(now() + timedelta(minutes=1)):
        assert "Some of the work in the background fails." in shown_to(administrator)
    with frozen(now() + timedelta(days=3)):
        assert "The newest backup was made 3 days ago. Have it backed up daily" in shown_to(administrator)


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


def test_everything_that_waits_is_counted_however_much_of_it_is_listed(cast: Cast) -> None:
    bring(indicator(1))
    for number in range(13):
        draft(cast.analyst, title=f"Wave {number}")
    for number in range(21):
        Partner.objects.filter(id=partner(f"CERT {number}").row.id).update(verified=None, state="met")
    assert "13 things wait for you." in shown_to(cast.analyst.browser())
    assert "21 things wait for you." in shown_to(cast.administrator.browser())


def test_of_very_much_that_came_it_is_only_said_that_it_is_much(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    for number in range(3):
        received(south, held, number)
    monkeypatch.setattr("taawun.cooperation.federation.home._MOST_COUNTED", 2)
    text = shown_to(cast.analyst.browser())
    assert "In the last seven days partners sent more than 2 releases." in text
    assert "under 1 clause" not in text
    monkeypatch.setattr("taawun.cooperation.federation.home._MOST_COUNTED", 3)
    assert "In the last seven days partners sent 3 releases. All of it under 1 clause." in shown_to(
        cast.analyst.browser()
    )
