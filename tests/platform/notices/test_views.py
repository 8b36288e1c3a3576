"""The page of notices, and their number in the frame of every page."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from django.test import Client
from django.urls import reverse

from taawun.platform.audit.models import Entry
from taawun.platform.notices import queries, views
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import Capability, Registry
from tests.cast import Cast
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")


def kind(name: str, permission: str) -> NoticeKind:
    def sentence(facts: Mapping[str, str]) -> str:
        return f"The lane of {facts['partner']} stopped."

    return NoticeKind(
        name, permission, sentence, lambda _facts: "Telephone them.", lambda facts: f"/en/{facts['partner']}/"
    )


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Registry()
    made.register(
        Capability(
            "tests", "tests", (kind("tests.stopped", "read:partners"), kind("tests.secret", "manage:people"))
        )
    )
    for module in (queries, views):
        monkeypatch.setattr(module, "registry", made)
    monkeypatch.setattr("taawun.platform.notices.actions.registry", made)


@pytest.mark.usefixtures("kinds")
def test_a_reader_sees_what_is_open_and_meant_for_them(cast: Cast) -> None:
    raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "<b>South"})
    raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "<b>South"})
    raise_notice("tests.secret", "urn:2", Notice.Level.WARNING, {"partner": "East"})
    analyst = read(cast.analyst.browser().get(reverse("notices")))
    assert "The lane of <b>South stopped. Telephone them. alarm now 2" in analyst.text
    assert "East" not in analyst.text
    administrator = read(cast.administrator.browser().get(reverse("notices")))
    assert "East" in administrator.text


@pytest.mark.usefixtures("kinds")
def test_chosen_notices_are_marked_as_dealt_with_in_one_step(cast: Cast) -> None:
    mine = [
        raise_notice("tests.stopped", f"urn:{at}", Notice.Level.ALARM, {"partner": f"P{at}"})
        for at in range(3)
    ]
    browser, path = cast.administrator.browser(), reverse("notices-resolve")
    told = read(browser.post(path, {"chosen": [mine[0].id, mine[2].id, "nonsense"]}, follow=True)).text
    assert "2 notices are marked as dealt with." in told
    assert list(Notice.objects.filter(resolved=None)) == [mine[1]]
    assert Entry.objects.filter(verb="notices.resolved").count() == 2
    assert "Nothing was chosen." in read(browser.post(path, follow=True)).text
    listed = read(cast.analyst.browser().get(reverse("notices")))
    assert not listed.all("button", formaction=path)


@pytest.mark.usefixtures("kinds")
def test_notices_are_filtered_by_how_much_they_matter_and_exported(cast: Cast) -> None:
    raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "South"})
    raise_notice("tests.stopped", "urn:2", Notice.Level.WARNING, {"partner": "East"})
    raise_notice("tests.secret", "urn:3", Notice.Level.ALARM, {"partner": "West"})
    browser, path = cast.analyst.browser(), reverse("notices")
    alarms = read(browser.get(f"{path}?level=alarm")).text
    assert ("South" in alarms, "East" in alarms) == (True, False)
    none = read(browser.get(f"{path}?level=information"))
    assert "No notice fits" in none.text
    assert none.all("a", href="?")
    exported = json.loads(browser.get(f"{path}?format=json").getvalue())
    assert [(each["subject"], each["level"], each["times"]) for each in exported] == [
        ("urn:2", "warning", 1),
        ("urn:1", "alarm", 1),
    ]
    lines = browser.get(f"{path}?format=csv&level=alarm").getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "id,level,kind,sentence,mend,subject,created,last_seen,times"
    assert "The lane of South stopped." in lines[1]
    assert len(lines) == 2


@pytest.mark.usefixtures("kinds")
def test_every_page_tells_how_many_wait(cast: Cast) -> None:
    browser = cast.analyst.browser()
    assert not read(browser.get(reverse("profile"))).all("b", **{"class": "cover-count"})
    raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "South"})
    page = read(browser.get(reverse("profile")))
    assert page.all("a", **{"class": "cover-notices"})[0]["href"] == reverse("notices")
    assert page.all("b", **{"class": "cover-count"})


@pytest.mark.usefixtures("kinds")
def test_who_may_marks_a_notice_as_dealt_with_on_its_page(cast: Cast) -> None:
    notice = raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "South"})
    address = reverse("notice-resolve", args=[notice.id])
    analyst = cast.analyst.browser()
    assert address not in analyst.get(reverse("notices")).content.decode()
    assert analyst.post(address).status_code == 403
    administrator = cast.administrator.browser()
    assert address in administrator.get(reverse("notices")).content.decode()
    after = read(administrator.post(address, follow=True))
    assert "The notice is marked as dealt with. Undo" in after.text
    [undo] = after.all("form", **{"class": "told"})
    assert undo["action"] == reverse("notice-reopen", args=[notice.id])
    assert "South" not in after.text
    assert Entry.objects.get(verb="notices.resolved").actor_id == str(cast.administrator.row.id)
    assert administrator.post(address).status_code == 404


def test_without_notices_the_page_says_what_would_stand_there(cast: Cast) -> None:
    assert "Nothing to mend" in read(cast.stranger.browser().get(reverse("notices"))).text
    assert Client().get(reverse("notices")).status_code == 302


@pytest.mark.usefixtures("kinds")
def test_what_was_dealt_with_stands_in_the_history_and_is_opened_again(cast: Cast) -> None:
    first = raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "South"})
    hidden = raise_notice("tests.secret", "urn:2", Notice.Level.ALARM, {"partner": "East"})
    administrator, analyst = cast.administrator.browser(), cast.analyst.browser()
    for each in (first, hidden):
        # the page is read, so that what the history offers below is not the message's own
        administrator.post(reverse("notice-resolve", args=[each.id]), follow=True)
    history, undo = reverse("notices-history"), reverse("notice-reopen", args=[first.id])
    assert "The lane of South stopped." in read(analyst.get(history)).text
    assert "East" not in read(analyst.get(history)).text
    assert undo not in analyst.get(history).content.decode()
    assert analyst.post(undo).status_code == 403
    assert undo in administrator.get(history).content.decode()
    assert [
        each["subject"] for each in json.loads(administrator.get(f"{history}?format=json").getvalue())
    ] == [
        "urn:2",
        "urn:1",
    ]
    assert "The notice is open again." in read(administrator.post(undo, follow=True)).text
    assert Notice.objects.get(resolved=None) == first
    assert Entry.objects.get(verb="notices.reopened").actor_id == str(cast.administrator.row.id)
    assert administrator.post(undo).status_code == 404
    # what was told anew meanwhile is open already
    administrator.post(reverse("notice-resolve", args=[first.id]))
    raise_notice("tests.stopped", "urn:1", Notice.Level.ALARM, {"partner": "South"})
    assert "that notice is open" in read(administrator.post(undo, follow=True)).text
    assert Notice.objects.filter(resolved=None).count() == 1
