"""Persons, organisations and nations at a glance, and their pages."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from django.urls import reverse

from taawun.cooperation.people import actions
from taawun.cooperation.people.models import DutyContact, Nation, Organisation, Person
from taawun.foundation.clock import frozen
from tests.cast import Cast, person
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")
# a Sunday, 07:58 in UTC, 13:43 in Kathmandu
AT = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
WORKING = [6, 0, 1, 2, 3]


def laboratory() -> Organisation:
    """An organisation of Nepal that has a duty contact there."""
    made = Organisation.objects.create(
        names={"en": "Security Lab", "ar": "مختبر الأمن"},
        kind="university",
        nation=Nation.objects.get_or_create(code="NP")[0],
    )
    duty(made, phone="+977 1 5970 123", languages=["ar", "en"])
    return made


def duty(at: Organisation, **given: object) -> DutyContact:
    held = {"zone": "Asia/Kathmandu", "days": WORKING, "opens": time(8), "closes": time(16)} | given
    return DutyContact.objects.create(organisation=at, names={"en": "Duty officer"}, **held)


@pytest.mark.parametrize(
    ("given", "at", "answers"),
    [
        ({}, AT, True),
        # Saturday; before and after the hours of a Sunday; the first and the last minute
        ({}, datetime(2026, 11, 21, 7, 58, tzinfo=UTC), False),
        ({}, datetime(2026, 11, 22, 2, 14, tzinfo=UTC), False),
        ({}, datetime(2026, 11, 22, 2, 15, tzinfo=UTC), True),
        ({}, datetime(2026, 11, 22, 10, 15, tzinfo=UTC), False),
        # over midnight: the night of Sunday ends on Monday morning, and that of Thursday on Friday's
        ({"opens": time(20), "closes": time(6)}, datetime(2026, 11, 22, 20, 0, tzinfo=UTC), True),
        ({"opens": time(20), "closes": time(6)}, datetime(2026, 11, 26, 20, 0, tzinfo=UTC), True),
        ({"opens": time(20), "closes": time(6)}, datetime(2026, 11, 27, 20, 0, tzinfo=UTC), False),
        ({"opens": time(20), "closes": time(6)}, AT, False),
        ({"is_always": True, "days": [], "opens": None, "closes": None}, AT, True),
    ],
)
def test_a_contact_answers_on_its_days_and_hours_by_its_own_clock(
    node: Organisation, given: dict[str, object], at: datetime, answers: bool
) -> None:
    assert duty(node, **given).answers_at(at) == answers


def test_an_organisation_tells_whom_to_call_on_both_clocks_and_who_works_there(cast: Cast) -> None:
    lab = laboratory()
    made = person("analyst", name="Layla H.", organisation=lab)
    Person.objects.filter(id=cast.analyst.row.id).update(zone="Asia/Amman")
    with frozen(AT):
        page = read(cast.analyst.browser().get(reverse("organisation", args=[lab.id])))
    assert "answers at this hour Sun to Thu, 08:00 to 16:00 (Kathmandu) 05:15 to 13:15 here" in page.text
    assert "Works Mon to Fri as its nation does" in page.text
    assert page.all("a", href=reverse("nation", args=["NP"]))
    assert page.all("a", href=reverse("person", args=[made.id]))
    # who may not see an address does not see it on a card either
    assert made.email not in page.text
    theirs = read(cast.administrator.browser().get(reverse("organisation", args=[lab.id])))
    assert made.email in theirs.text


def test_an_organisation_without_contacts_and_people_says_so(cast: Cast) -> None:
    empty = Organisation.objects.create(names={"en": "Donor"}, kind="donor")
    page = read(cast.analyst.browser().get(reverse("organisation", args=[empty.id])))
    assert "No duty contact yet" in page.text
    assert "Nobody of it works on this node yet." in page.text
    assert "Nation none" in page.text
    assert not page.all("a", href=reverse("contact-new", args=[empty.id]))


def test_a_person_has_a_card_of_where_they_work(cast: Cast) -> None:
    lab = laboratory()
    made = person("observer", "analyst", name="Layla H.", organisation=lab)
    with frozen(datetime(2026, 11, 21, 7, 58, tzinfo=UTC)):
        page = read(cast.analyst.browser().get(reverse("person", args=[made.id])))
    # in the order of the roles, not of the rows
    assert "Layla H. Analyst and observer" in page.text
    assert "Security Lab University Nepal Works Mon to Fri Duty officer not at this hour" in page.text
    nobody = read(cast.analyst.browser().get(reverse("person", args=[cast.stranger.row.id])))
    assert "No role yet" in nobody.text


def test_a_nation_has_a_page_of_its_names_its_clocks_its_week_and_what_is_here_of_it(cast: Cast) -> None:
    lab = laboratory()
    actions.add_shipped_community(cast.administrator.actor, "oic")
    browser = cast.analyst.browser()
    with frozen(AT):
        page = read(browser.get(reverse("nation", args=["NP"])))
    assert "The name is from locale data" in page.text
    assert "English Nepal Français Népal Works Mon to Fri Now 13:43 Kathmandu" in page.text
    assert page.all("a", href=reverse("organisation", args=[lab.id]))
    own = read(browser.get(reverse("nation", args=["XN"])))
    assert "So it calls itself." in own.text
    assert 'class="tile own large"' in browser.get(reverse("nation", args=["XN"])).content.decode()
    assert "In none that this node knows." in own.text
    several = read(browser.get(reverse("nation", args=["ID"])))
    assert "So it is called by Organisation of Islamic Cooperation." in several.text
    assert "Communities Organisation of Islamic Cooperation member" in several.text
    assert "None of its organisations works here" in several.text
    assert several.text.count("Jakarta") == 1


@pytest.mark.parametrize("code", ["np", "N", "NPL", "ZX", "٠١"])
def test_what_is_no_code_of_a_nation_has_no_page(cast: Cast, code: str) -> None:
    assert cast.analyst.browser().get(f"/en/people/nations/{code}/").status_code == 404


def test_an_organisation_may_work_on_other_days_than_its_nation(cast: Cast) -> None:
    lab = laboratory()
    browser, address = cast.administrator.browser(), reverse("organisation-change", args=[lab.id])
    form = {
        "name_en": "Security Lab",
        "kind": "university",
        "nation": "NP",
        "working_days": ["6", "0", "1"],
        "edition": "1",
    }
    assert browser.post(address, form).status_code == 302
    page = read(browser.get(reverse("organisation", args=[lab.id])))
    assert "Works Sun to Tue" in page.text
    assert "as its nation does" not in page.text
    checked = [
        has["value"]
        for has in read(browser.get(address)).all("input", name="working_days")
        if "checked" in has
    ]
    assert checked == ["0", "1", "6"]

    api, path = cast.administrator.api, f"/organisations/{lab.id}"
    assert api.get(path).json()["working_days"] == [0, 1, 6]
    body: dict[str, object] = {"name": {"en": "Lab"}, "kind": "university", "nation": "NP"}
    assert api.put(path, body).json()["working_days"] == [0, 1, 6]
    assert api.put(path, body | {"working_days": [2, 2]}).json()["working_days"] == [2]
    assert api.put(path, body | {"working_days": []}).json()["working_days"] == [0, 1, 2, 3, 4]
    assert api.put(path, body | {"working_days": [7]}).status_code == 422
    assert api.put(path, body | {"working_days": [*range(7), 0]}).status_code == 422
    assert api.post("/organisations", {"name": {"en": "Other"}, "working_days": [4]}).json()[
        "working_days"
    ] == [4]
