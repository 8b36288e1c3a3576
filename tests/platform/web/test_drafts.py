"""Drafts of forms: kept for their writer alone, in bounds, and gone when they were sent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from taawun.cooperation.people.models import Organisation, Person
from taawun.cooperation.people.permissions import Role
from taawun.foundation.clock import frozen, now
from taawun.platform.web import drafts
from taawun.platform.web.drafts.marks import new_mark
from taawun.platform.web.models import Draft
from taawun.platform.web.sealed import unseal
from tests.cast import Cast, Member, person
from tests.pages import Markup, read

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.usefixtures("pages")
NEW: Final = "/en/intel/reports/new/"
KEEP: Final = "/en/drafts/"
DISCARD: Final = "/en/drafts/discard/"
WORDS: Final = {
    "title": "Wave <3>",
    "summary": "first\nsecond",
    "languages": ["ar", "fr"],
    "tlp": "TLP:GREEN",
}


def mark_in(page: Markup) -> str:
    [found] = page.all("input", name=drafts.FIELD)
    return found["value"]


def opened(client: Client, path: str = NEW) -> str:
    return mark_in(read(client.get(path)))


def kept(client: Client, mark: str, **fields: Any) -> Response:
    # Any: values of a form, alone or several
    return client.post(KEEP, {drafts.FIELD: mark, **fields})


def test_what_was_typed_is_sealed_and_comes_back_into_its_form(cast: Cast) -> None:
    client = cast.analyst.browser()
    with frozen(now()) as clock:
        mark = opened(client)
        clock.advance(timedelta(minutes=1))
        answer = kept(
            client, mark, **WORDS, edition="7", csrfmiddlewaretoken="x", new_password="p", client_secret="s"
        )
        assert answer.status_code == 200
        assert answer.json()["said"].startswith("Kept ")
        [row] = Draft.objects.all()
        assert "Wave" not in row.sealed
        assert row.page == "/intel/reports/new/#report-form"
        clock.advance(timedelta(hours=1))
        page = read(client.get(NEW))
        assert "was kept. Go on with it Discard it" in page.text
        assert page.all("input", name="title")[0].get("value", "") == ""
        again = read(client.get(f"{NEW}?draft={row.id}"))
        assert again.all("input", name="title")[0]["value"] == "Wave <3>"
        assert again.inside["summary"].strip() == "first\nsecond"
        assert {has["value"] for has in again.all("input", name="languages") if "checked" in has} == {
            "ar",
            "fr",
        }
        assert again.all("input", name="edition")[0].get("value", "") == ""
        # keeping what goes on from it takes its place
        assert kept(client, mark_in(again), title="Wave 4").status_code == 200
        [row] = Draft.objects.all()
        # in another language it is the same form
        assert read(client.get(f"/fr/intel/reports/new/?draft={row.id}")).all(
            "input", name="title", value="Wave 4"
        )


def test_it_goes_when_its_form_is_taken_and_stays_when_it_is_not(cast: Cast) -> None:
    client = cast.analyst.browser()
    mark = opened(client)
    kept(client, mark, title="Wave")
    wrong = read(client.post(NEW, {drafts.FIELD: mark, "title": "", "step": "save"}), 422)
    assert Draft.objects.count() == 1
    # it is the same opening that is shown again
    kept(client, mark_in(wrong), title="Wave 2")
    assert Draft.objects.count() == 1
    sent = {drafts.FIELD: mark_in(wrong), "title": "Wave", "tlp": "TLP:GREEN", "step": "save"}
    assert client.post(NEW, sent).status_code == 302
    assert not Draft.objects.exists()


def test_no_secret_and_nothing_of_the_form_itself_is_kept_with_what_was_typed(cast: Cast) -> None:
    client = cast.analyst.browser()
    hidden = {"new_password": "p", "client_secret": "s", "Passphrase-2": "w"}
    kept(client, opened(client), title="Wave", **hidden, edition="7", csrfmiddlewaretoken="x")
    [row] = Draft.objects.all()
    assert json.loads(unseal(row.sealed) or b"") == [["title", "Wave"]]


@pytest.fixture
def colleague(cast: Cast) -> Client:
    """The browser of another who may write into the same forms."""
    return Member(person(Role.ANALYST), None).browser()


def test_a_colleague_who_may_write_into_the_same_form_is_shown_nothing_of_what_one_wrote(
    cast: Cast, colleague: Client
) -> None:
    writer = cast.analyst.browser()
    kept(writer, opened(writer), title="Harbour")
    [row] = Draft.objects.all()
    for path in (NEW, f"{NEW}?draft={row.id}"):
        page = read(colleague.get(path))
        assert "was kept" not in page.text
        assert page.all("input", name="title")[0].get("value", "") == ""


def test_nobody_keeps_anything_as_another_or_discards_what_another_wrote(
    cast: Cast, colleague: Client
) -> None:
    writer = cast.analyst.browser()
    mark = opened(writer)
    kept(writer, mark, title="Harbour")
    [row] = Draft.objects.all()
    assert kept(colleague, mark, title="Mine now").status_code == 403
    assert colleague.post(DISCARD, {"draft": row.id})["Location"] == "/en/"
    assert [each.pk for each in Draft.objects.all()] == [row.id]
    assert writer.post(DISCARD, {"draft": row.id})["Location"] == NEW + "#report-form"
    assert not Draft.objects.exists()


@pytest.mark.parametrize("mark", ["", "x", "a:b:c"])
@pytest.mark.parametrize("draft", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_what_no_page_of_ours_sent_keeps_and_discards_nothing(cast: Cast, mark: str, draft: str) -> None:
    client = cast.analyst.browser()
    assert kept(client, mark, title="x").status_code == 403
    assert client.post(DISCARD, {"draft": draft})["Location"] == "/en/"
    assert read(client.get(f"{NEW}?draft={draft}")).all("input", name="title")[0].get("value", "") == ""
    assert not Draft.objects.exists()


def test_a_mark_is_over_after_a_fortnight_and_so_is_what_was_kept_under_it(cast: Cast) -> None:
    client = cast.analyst.browser()
    mark = opened(client)
    kept(client, mark, title="Wave")
    with frozen(now() + drafts.LIFE - timedelta(minutes=1)):
        assert drafts.prune() == 0
    with frozen(now() + drafts.LIFE + timedelta(minutes=1)):
        assert "was kept" not in read(cast.analyst.browser().get(NEW)).text
        assert drafts.prune() == 1


def test_what_is_too_long_is_not_kept_and_the_page_says_so(cast: Cast) -> None:
    client = cast.analyst.browser()
    mark = opened(client)
    assert kept(client, mark, summary="x" * (256 * 1024 - 7)).status_code == 200
    answer = kept(client, mark, summary="x" * 256 * 1024)
    assert (answer.status_code, answer.json()["said"]) == (
        413,
        "Not kept by itself: this is too long. Send it to save it.",
    )


def test_a_form_keeps_five_drafts_and_a_person_forty(cast: Cast) -> None:
    me = cast.analyst.row.id
    at = now()
    for number in range(50):
        with frozen(at + timedelta(seconds=number)):
            drafts.keep(new_mark(me, f"/page/{number // 6}#form", ""), [("a", str(number))])
    assert Draft.objects.count() == 40
    assert Draft.objects.filter(page="/page/7#form").count() == 5
    assert Draft.objects.filter(page="/page/0#form").count() == 3


def test_a_person_who_is_removed_takes_their_drafts_along(cast: Cast) -> None:
    member = cast.analyst
    drafts.keep(new_mark(member.row.id, NEW, ""), [("a", "b")])
    member.row.delete()
    assert not Draft.objects.exists()


def test_of_two_openings_the_second_to_save_learns_of_the_first(cast: Cast) -> None:
    client = cast.analyst.browser()
    with frozen(now()) as clock:
        first, second = opened(client), opened(client)
        clock.advance(timedelta(seconds=5))
        assert kept(client, first, title="First").status_code == 200
        clock.advance(timedelta(seconds=5))
        answer = kept(client, second, title="Second")
        [older, newer] = Draft.objects.order_by("written")
        assert answer.status_code == 409
        assert f"/en/intel/reports/new/?draft={older.id}" in answer.json()["notice"]
        assert "You wrote into this form elsewhere on" in answer.json()["notice"]
        done = kept(client, second, title="Second", **{"draft-keep": "1"})
        assert (done.status_code, [each.id for each in Draft.objects.all()]) == (200, [newer.id])
        clock.advance(timedelta(seconds=5))
        assert kept(client, done.json()["mark"], title="Third").status_code == 200
        clock.advance(timedelta(seconds=5))
        assert kept(client, first, title="Fourth").status_code == 409


def test_a_draft_of_an_older_edition_is_shown_beside_what_is_saved(cast: Cast) -> None:
    client = cast.analyst.browser()
    saved = {"title": "Wave", "tlp": "TLP:GREEN", "step": "save"}
    path = client.post(NEW, saved)["Location"] + "edit/"
    with frozen(now()) as clock:
        mark = opened(client, path)
        clock.advance(timedelta(seconds=5))
        assert kept(client, mark, **{**saved, "title": "Mine"}).status_code == 200
        other = cast.analyst.browser()
        [edition] = read(other.get(path)).all("input", name="edition")
        assert other.post(path, {**saved, "title": "Theirs", "edition": edition["value"]}).status_code == 302
        told = kept(client, mark, **{**saved, "title": "Mine"})
        assert told.status_code == 409
        assert f"{cast.analyst.row.name}</bdi> saved it on" in told.json()["notice"]
        page = read(client.get(path))
        assert "What is saved has been changed since you began." in page.text
        assert "Title Theirs Mine" in page.text
        assert "Go on with mine Take what is saved" in page.text
        [row] = Draft.objects.all()
        mine = read(client.get(f"{path}?draft={row.id}"))
        assert mine.all("input", name="title")[0]["value"] == "Mine"
        [edition] = mine.all("input", name="edition")
        # sending it is about the edition that was shown beside it
        sent = {**saved, "title": "Mine", "edition": edition["value"], drafts.FIELD: mark_in(mine)}
        assert client.post(path, sent).status_code == 302
        assert not Draft.objects.exists()


def test_a_session_that_ended_keeps_nothing_leads_nowhere_and_says_so(cast: Cast) -> None:
    client = cast.analyst.browser()
    mark = opened(client)
    client.logout()
    answer = client.post(
        KEEP, {drafts.FIELD: mark, "title": "x"}, headers={"X-Requested-With": "XMLHttpRequest"}
    )
    assert answer.status_code == 401
    assert json.loads(answer.content)["detail"].startswith("Your session has ended.")
    assert not Draft.objects.exists()


def test_a_form_of_another_key_of_the_node_is_not_there(cast: Cast, settings: SettingsWrapper) -> None:
    drafts.keep(new_mark(cast.analyst.row.id, "/intel/reports/new/#report-form", ""), [("title", "x")])
    settings.SECRET_KEY = "another key of the node " * 3
    assert "was kept" not in read(cast.analyst.browser().get(NEW)).text


# ---- a page that is older than the last sign-in -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("headers", "fields", "offers"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, {"title": "Wave 6 of mails"}, True),
        ({"Origin": "http://testserver"}, {"title": "Wave 6 of mails"}, True),
        ({"Origin": "https://elsewhere.example"}, {"title": "Wave 6 of mails"}, False),
        ({"Origin": "null"}, {"title": "Wave 6 of mails"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, {"title": "Wave 6 of mails"}, False),
        ({}, {"title": "Wave 6 of mails"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, {"title": "Wave 6 of mails", "password": "p"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, {"title": "x" * 256 * 1024}, False),
    ],
)
def test_a_form_of_our_own_page_is_offered_to_be_sent_again_and_no_other(
    cast: Cast, headers: dict[str, str], fields: dict[str, str], *, offers: bool
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = cast.analyst.browser().cookies
    page = read(client.post(NEW, fields, headers=headers), 403)
    assert ("Wave 6 of mails Send it now" in page.text) is offers
    assert bool(page.all("input", name="title", type="hidden")) is offers


def test_what_is_offered_to_be_sent_again_is_all_that_was_chosen(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = cast.analyst.browser().cookies
    fields = {"title": "x", "languages": ["ar", "fr"]}
    page = read(client.post(NEW, fields, headers={"Sec-Fetch-Site": "same-origin"}), 403)
    assert [has["value"] for has in page.all("input", name="languages", type="hidden")] == ["ar", "fr"]


# ---- what can be undone -----------------------------------------------------------------------------------------
def undone(client: Client, page: Markup) -> Response:
    """Press Undo on a page."""
    [form] = [has for has in page.all("form") if has.get("class") == "told"]
    hidden: dict[str, list[str]] = {}
    for has in page.all("input", type="hidden"):
        if has["name"] in {"roles", "role", "organisation"}:
            hidden.setdefault(has["name"], []).append(has["value"])
    return client.post(form["action"], hidden, follow=True)


def test_what_was_done_to_a_person_is_undone_by_the_button_beside_the_message(cast: Cast) -> None:
    client, person = cast.administrator.browser(), cast.analyst.row
    host = Organisation.objects.get(is_host=True)
    page = read(client.post(f"/en/people/{person.id}/disable/", follow=True))
    assert not Person.objects.get(id=person.id).is_active
    assert f"{person.name} may sign in again. Undo" in read(undone(client, page)).text
    assert Person.objects.get(id=person.id).is_active

    def roles() -> set[str]:
        return set(person.memberships.values_list("role", flat=True))

    change = {"roles": ["observer", "trainee"]}
    page = read(client.post(f"/en/people/{person.id}/organisations/{host.id}/", change, follow=True))
    assert roles() == {"observer", "trainee"}
    undone(client, page)
    assert roles() == {"analyst"}
    given = {"organisation": str(host.id), "role": "trainee"}
    page = read(client.post(f"/en/people/{person.id}/roles/", given, follow=True))
    assert roles() == {"analyst", "trainee"}
    page = read(undone(client, page))
    assert roles() == {"analyst"}
    undone(client, page)
    assert roles() == {"analyst", "trainee"}
