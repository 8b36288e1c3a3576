"""After a restore nothing goes to everybody again by itself: somebody here says of what stood there whether it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from taawun.cooperation.federation import actions, queries
from taawun.cooperation.federation.actions import Draft, publish, publish_to_everybody, withdraw
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.exchange import serving
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Awaited, Lane, LaneEntry
from taawun.cooperation.partners.restored import asking, held, returning
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from taawun.platform.web.limits import Buckets, Rate
from taawun.platform.work.models import Job
from tests.cast import SYSTEM, Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.conftest import Notes
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

AGAIN = "/en/releases/public/"


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process remembers ends with the test."""
    monkeypatch.setattr(serving, "ANYBODY", Buckets(Rate(burst=1000, per_second=1)))
    yield
    returning._Known.is_over = False


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


def to_all(number: int) -> Release:
    draft = Draft("tests.note", f"urn:test:{number}", "1", f"Note {number}", Tlp.CLEAR, b'{"n":%d}' % number)
    return publish(SYSTEM, draft, in_public=True)


@pytest.fixture
def stood(south: PartnerNode, cast: Cast) -> list[Release]:
    """Three notes that stood for everybody when the backup was made, and the node speaks again."""
    found = [to_all(number) for number in (1, 2, 3)]
    returning.begin(SYSTEM)
    returning.give_up(cast.administrator.actor, south.row)
    return found


def waiting() -> set[str]:
    return set(queries.waiting_for_everybody().values_list("subject", flat=True))


def read_by_anybody() -> list[int]:
    """The numbers of those of which anybody at all has the content now."""
    answer = Client().get("/federation/public")
    if answer.status_code == 404:
        return []
    said = [json.loads(line).get("content", {}) for line in answer.content.splitlines()]
    return [each["n"] for each in said if "n" in each]


def test_what_stood_for_everybody_waits_until_somebody_says_so(stood: list[Release]) -> None:
    assert waiting() == {"urn:test:1", "urn:test:2", "urn:test:3"}
    assert Client().get("/federation/public").status_code == 404
    assert [Client().get(f"/federation/public/{each.digest}").status_code for each in stood] == [404] * 3
    assert Client().get("/en/public/").status_code == 404
    notice = Notice.objects.get(kind="federation.public-waits", resolved=None)
    assert notice.level == Notice.Level.WARNING


def test_nobody_reads_it_while_the_node_waits_for_its_partners_either(south: PartnerNode) -> None:
    release = to_all(1)
    assert read(Client().get("/en/public/"), 200).all("a", href=f"/federation/public/{release.digest}")
    returning.begin(SYSTEM)
    assert Client().get("/en/public/").status_code == 404
    assert waiting() == {"urn:test:1"}
    assert not Notice.objects.filter(kind="federation.public-waits").exists()


def test_a_node_without_partners_asks_as_well(cast: Cast, notes: Notes) -> None:
    to_all(1)
    assert returning.begin(SYSTEM) == ()
    assert waiting() == {"urn:test:1"}
    assert Notice.objects.filter(kind="federation.public-waits", resolved=None).exists()


def test_what_is_put_back_stands_there_again_and_what_is_left_off_does_not(
    stood: list[Release], cast: Cast
) -> None:
    done = actions.put_back(cast.administrator.actor, [stood[0].id])
    assert (done.count, done.kept) == (1, 0)
    assert read_by_anybody() == [1]
    assert stood[0].passages.get().entry.lane == Lane.objects.get(purpose="public", is_closed=False)
    assert actions.leave_off(cast.administrator.actor, [stood[1].id]).count == 1
    assert waiting() == {"urn:test:3"}
    assert Notice.objects.filter(kind="federation.public-waits", resolved=None).exists()
    assert actions.leave_off(cast.administrator.actor, None).count == 1
    assert waiting() == set()
    assert not Notice.objects.filter(kind="federation.public-waits", resolved=None).exists()
    assert read_by_anybody() == [1]
    acts = AuditEntry.objects.filter(verb__in=["federation.put-back", "federation.left-off"])
    assert [each.verb for each in acts.order_by("id")] == [
        "federation.put-back",
        "federation.left-off",
        "federation.left-off",
    ]


def test_what_was_left_off_is_withdrawn_at_who_still_has_it_and_may_go_to_everybody_once_more(
    stood: list[Release], cast: Cast
) -> None:
    actions.leave_off(cast.administrator.actor, None)
    publish_to_everybody(cast.administrator.actor, stood[0])
    assert read_by_anybody() == [1]
    assert stood[0].passages.count() == 1
    withdraw(SYSTEM, stood[1], "")
    lane = Lane.objects.get(purpose="public", is_closed=False)
    last = LaneEntry.objects.filter(lane=lane).order_by("-seq").first()
    assert last is not None
    assert (last.action, last.subject) == ("withdraw", "urn:test:2")


def test_whether_it_may_go_to_everybody_is_asked_anew(stood: list[Release], cast: Cast) -> None:
    # what the backup held under another marking meanwhile, and what nobody gave back the content of
    Release.objects.filter(id=stood[0].id).update(tlp=Tlp.AMBER)
    lost = stood[1].digest
    contents.drop_unused(lost)
    LaneEntry.objects.filter(content_digest=lost).update(state=LaneEntry.State.WITHDRAWN)
    contents.drop_unused(lost)
    done = actions.put_back(cast.administrator.actor, None)
    assert (done.count, done.kept) == (1, 2)
    assert read_by_anybody() == [3]
    assert waiting() == {"urn:test:1", "urn:test:2"}


def test_what_was_decided_already_is_not_decided_again(stood: list[Release], cast: Cast) -> None:
    actions.put_back(cast.administrator.actor, [stood[0].id])
    before = LaneEntry.objects.count()
    with pytest.raises(ReleaseRefused, match="Look at the list again"):
        actions.leave_off(cast.administrator.actor, [stood[0].id, stood[1].id])
    assert waiting() == {"urn:test:2", "urn:test:3"}
    assert LaneEntry.objects.count() == before


def test_only_who_may_speak_to_everybody_decides(stood: list[Release], cast: Cast) -> None:
    for verb in (actions.put_back, actions.leave_off, actions.decide_about_all):
        arguments: list[Any] = ["put-back"] if verb is actions.decide_about_all else [[stood[0].id]]
        with pytest.raises(NotAllowed):
            verb(cast.analyst.actor, *arguments)
    assert len(waiting()) == 3


def test_all_of_it_is_decided_in_the_background_each_by_itself(stood: list[Release], cast: Cast) -> None:
    job = actions.decide_about_all(cast.administrator.actor, "put-back")
    assert waiting()
    reported: list[int] = []

    class Reporter:
        def progress(self, done: int, total: int | None = None) -> None:
            assert total == 3
            reported.append(done)

    assert actions.PUBLIC_AGAIN.run(Reporter(), job.subject_id) == {"count": 3, "kept": 0}
    assert sorted(read_by_anybody()) == [1, 2, 3]
    assert reported == [1, 2, 3]
    # done twice after a crash it does nothing
    assert actions.PUBLIC_AGAIN.run(Reporter(), job.subject_id) == {"count": 0, "kept": 0}
    assert Job.objects.filter(kind="federation.public-again").count() == 1


def test_the_end_of_the_return_reads_no_content(
    south: PartnerNode, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_all(1)
    returning.begin(SYSTEM)

    def unread(digest: str) -> bytes:
        raise AssertionError(digest)

    monkeypatch.setattr(contents, "get", unread)
    returning.answered(south.row)
    assert not returning.is_returning()


def test_a_partner_that_was_not_waited_for_closes_no_lane_that_was_opened_since(
    stood: list[Release], south: PartnerNode, cast: Cast
) -> None:
    """It says only how far it holds a lane, and of this one nobody holds more than its sender."""
    actions.put_back(cast.administrator.actor, None)
    lane = Lane.objects.get(purpose="public", is_closed=False)
    assert Awaited.objects.get(partner=south.row).answered is None
    assert held.wanted(south.row, [asking.HeldOffer(lane.id, 0, "0" * 64)]) == []
    assert held.wanted(south.row, [asking.HeldOffer(lane.id, 99, "0" * 64)]) == []
    assert sorted(read_by_anybody()) == [1, 2, 3]


def test_what_goes_by_a_clause_as_well_goes_on_there(south: PartnerNode, cast: Cast) -> None:
    agreement_in_force(south)
    release = to_all(1)
    returning.begin(SYSTEM)
    returning.answered(south.row)
    assert waiting() == {"urn:test:1"}
    by_clause = Passage.objects.get(release=release, agreement__isnull=False)
    assert by_clause.ended is None
    actions.leave_off(cast.administrator.actor, None)
    release.refresh_from_db()
    assert release.state == Release.State.LIVE
    assert LaneEntry.objects.filter(action="withdraw").count() == 0


# ---- page and machine interface -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_page_lists_it_and_asks(stood: list[Release], cast: Cast, language: str) -> None:
    Release.objects.filter(id=stood[1].id).update(tlp=Tlp.GREEN)
    browser = cast.administrator.browser()
    page = read(browser.get(f"/{language}/releases/public/"), 200)
    assert [f"Note {number}" in page.text for number in (1, 2, 3)] == [True] * 3
    # what may not go to everybody any more can only be left off, and says why
    boxes = {each["value"] for each in page.all("input", name="release")}
    assert boxes == {str(each.id) for each in stood}
    assert {each["value"] for each in page.all("button", name="decide")} == {
        "put-back",
        "leave-off",
        "put-back-all",
        "leave-off-all",
    }
    answer = browser.post(
        f"/{language}/releases/public/", {"decide": "put-back", "release": str(stood[0].id)}
    )
    assert answer.status_code == 302
    assert read_by_anybody() == [1]
    refused = browser.post(
        f"/{language}/releases/public/", {"decide": "leave-off", "release": str(stood[0].id)}
    )
    assert refused.status_code == 409
    assert browser.post(f"/{language}/releases/public/", {"decide": "leave-off"}).status_code == 409


def test_its_own_page_says_nothing_of_anybody_while_it_waits_and_publishes_it_once_it_was_left_off(
    stood: list[Release], cast: Cast
) -> None:
    browser, address = cast.administrator.browser(), f"/en/releases/{stood[0].id}/"
    actions.put_back(cast.administrator.actor, [stood[1].id])
    assert "Anybody may read it." in read(browser.get(f"/en/releases/{stood[1].id}/"), 200).text
    assert "Anybody may read it." not in read(browser.get(address), 200).text
    actions.leave_off(cast.administrator.actor, [stood[0].id])
    page = read(browser.get(address), 200)
    assert "Anybody may read it." not in page.text
    assert page.all("a", href=f"{address}public/")


def test_all_of_it_by_the_page_is_a_job_and_an_export_lists_it(stood: list[Release], cast: Cast) -> None:
    browser = cast.administrator.browser()
    lines = browser.get(f"{AGAIN}?format=csv").getvalue().decode().splitlines()
    assert len(lines) == 4
    found = read(browser.get(f"{AGAIN}?q=Note+2"), 200)
    assert "Note 2" in found.text
    assert "Note 3" not in found.text
    assert browser.post(AGAIN, {"decide": "leave-off-all"}).status_code == 302
    assert Job.objects.get(kind="federation.public-again").state == Job.State.QUEUED
    assert len(waiting()) == 3


def test_the_machine_interface_says_and_does_the_same(stood: list[Release], cast: Cast) -> None:
    api = cast.administrator.api
    items = api.get("/federation/public/waiting").json()["items"]
    assert [each["subject"] for each in items] == ["urn:test:3", "urn:test:2", "urn:test:1"]
    assert {each["refusal"] for each in items} == {""}
    done = api.post("/federation/public/waiting/put-back", {"releases": [items[0]["id"]]})
    assert done.json() == {"count": 1, "kept": 0, "job": None}
    again = api.post("/federation/public/waiting/put-back", {"releases": [items[0]["id"]]})
    assert (again.status_code, again.json()["type"]) == (409, "urn:taawun:problem:not-waiting")
    all_of_it = api.post("/federation/public/waiting/leave-off", {}).json()
    assert (all_of_it["count"], all_of_it["kept"]) == (0, 0)
    assert api.get(f"/jobs/{all_of_it['job']}").json()["state"] == "queued"
    assert read_by_anybody() == [3]
