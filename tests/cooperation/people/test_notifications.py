"""Choosing how one is told of things: the page, and the machine interface."""

from __future__ import annotations

import pytest
from django.urls import reverse

from taawun.capabilities.intel.models import Report
from taawun.cooperation.people.models import Letterbox, Organisation, Wish
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.notices.news import Way
from tests.cast import Caller, Cast, token_of
from tests.pages import Markup, read

pytestmark = pytest.mark.usefixtures("pages")


def chosen(page: Markup) -> dict[str, str]:
    """The choice of each field of the page, by its name."""
    found, name = {}, ""
    for tag, has in page.elements:
        if tag == "select":
            name = has.get("name", "")
        elif tag == "option" and "selected" in has:
            found[name] = has["value"]
    return found


def test_everybody_chooses_among_what_they_may_be_told(cast: Cast) -> None:
    address = reverse("notifications")
    seen = {
        name: set(chosen(read(member.browser().get(address))))
        for name, member in cast
        if member.person and member.person.is_active
    }
    everywhere = {"rhythm", "hour"}
    assert seen["stranger"] == everywhere
    assert seen["trainee"] - everywhere == {
        f"{room}.{what}"
        for room, what in (
            *(
                (room, what)
                for room in ("partners", "agreements", "federation")
                for what in ("alarms", "notices")
            ),
            ("federation", "received"),
        )
    }
    assert "agreements.approval" in seen["officer"]
    assert "intel.draft" in seen["analyst"] - seen["officer"]
    assert {"partners.uncompared", "people.alarms", "node.alarms"} <= seen["administrator"] - seen["officer"]


def test_alarms_go_at_once_to_who_can_act_and_stand_on_the_page_for_the_others(cast: Cast) -> None:
    address = reverse("notifications")
    acting, reading = (
        chosen(read(each.browser().get(address))) for each in (cast.administrator, cast.analyst)
    )
    assert (acting["partners.alarms"], acting["partners.notices"]) == ("at-once", "summary")
    assert (reading["partners.alarms"], reading["partners.notices"]) == ("page", "page")


def test_what_is_chosen_is_kept_as_far_as_it_differs(cast: Cast) -> None:
    browser, address = cast.analyst.browser(), reverse("notifications")
    sent = chosen(read(browser.get(address))) | {
        "federation.received": "summary",
        "hour": "17",
        "rhythm": "weekly",
    }
    answer = browser.post(address, sent | {"days": ["6", "0"]}, follow=True)
    page = read(answer)
    assert "Your choices are saved." in page.text
    assert chosen(page)["federation.received"] == "summary"
    [kept] = Wish.objects.all()
    assert (kept.person, kept.kind, kept.way) == (cast.analyst.row, "federation.received", Way.SUMMARY)
    box = Letterbox.objects.get(person=cast.analyst.row)
    assert (box.rhythm, box.hour, box.days) == ("weekly", 17, [0, 6])
    assert Entry.objects.get(verb="people.notifications-chosen").actor_id == str(cast.analyst.row.id)
    # without a day none would ever come
    wrong = browser.post(address, sent)
    assert (wrong.status_code, "Choose a day at least." in read(wrong, 422).text) == (422, True)
    # risks are never hidden
    assert browser.post(address, sent | {"days": "1", "partners.alarms": "never"}).status_code == 422


def test_of_what_somebody_wants_to_hear_nothing_the_first_page_is_silent(cast: Cast) -> None:
    Report.objects.create(
        stix_id="report--00000000-0000-4000-8000-000000000000",
        title="Half a report",
        tlp=Tlp.GREEN,
        organisation=Organisation.objects.get(is_host=True),
        author=cast.analyst.row,
    )
    browser = cast.analyst.browser()
    assert "Half a report" in read(browser.get(reverse("home"))).text
    Wish.objects.create(person=cast.analyst.row, kind="intel.draft", way=Way.NEVER)
    assert "Half a report" not in read(browser.get(reverse("home"))).text


def test_programs_choose_for_their_person_among_what_they_could_read(cast: Cast) -> None:
    api = cast.analyst.api
    told = api.get("/me/notifications").json()
    assert (told["email"], told["sends_mail"]) == (cast.analyst.row.email, False)
    assert told["summary"] == {"rhythm": "daily", "hour": 8, "days": [0, 1, 2, 3, 4], "zone": "UTC"}
    first = {each["name"]: each for each in told["kinds"]}
    assert first["partners.alarms"]["ways"] == ["at-once", "summary", "page"]
    assert first["federation.received"]["ways"] == ["at-once", "summary", "page", "never"]
    body = {
        "kinds": {"federation.received": "at-once"},
        "summary": {"rhythm": "never", "hour": 0, "days": [4]},
    }
    answer = api.put("/me/notifications", body).json()
    after = {each["name"]: each["way"] for each in answer["kinds"]}
    assert after == {name: each["way"] for name, each in first.items()} | {"federation.received": "at-once"}
    assert answer["summary"] == {"rhythm": "never", "hour": 0, "days": [4], "zone": "UTC"}
    refused = {
        str(kinds): api.put("/me/notifications", body | {"kinds": kinds}).status_code
        for kinds in ({"people.alarms": "page"}, {"no.such": "page"}, {"partners.alarms": "never"})
    }
    assert set(refused.values()) == {422}
    # a token that reads little chooses little, and leaves what others chose
    narrow = Caller(token_of(cast.analyst.row, "read:partners"))
    assert {each["name"] for each in narrow.get("/me/notifications").json()["kinds"]} == {
        "partners.alarms",
        "partners.notices",
    }
    assert narrow.put("/me/notifications", body | {"kinds": {}}).status_code == 200
    assert Wish.objects.get().way == Way.AT_ONCE
