"""A stopped lane is restarted on pages and over the API: each step, what is shown of it, and who may."""

from __future__ import annotations

import json

import pytest

from taawun.cooperation.partners.models import Reset
from tests.cooperation.conftest import Notes
from tests.cooperation.partners.restarts.test_restarting import Ours, Stopped, ours, stopped

__all__ = ["ours", "stopped"]

pytestmark = pytest.mark.usefixtures("pages")
LANGUAGES = ("ar", "en", "fr")


def _page(stopped: Stopped | Ours, path: str, language: str = "en") -> str:
    answer = stopped.cast.administrator.browser().get(f"/{language}/partners/{path}")
    assert answer.status_code == 200, path
    return answer.content.decode()


def _post(stopped: Stopped | Ours, path: str, **fields: str) -> tuple[int, str]:
    answer = stopped.cast.administrator.browser().post(f"/en/partners/{path}", fields)
    return answer.status_code, answer.get("Location", "") or answer.content.decode()


def test_the_partners_page_offers_the_restart_and_the_proofs_to_who_may(stopped: Stopped) -> None:
    home = f"{stopped.south.row.id}/"
    page = _page(stopped, home)
    assert "stopped: the sender signed two different histories" in page
    assert f"lanes/{stopped.row.id}/restart/" in page
    assert "Two histories at entry 2" in page
    reader = stopped.cast.analyst.browser().get(f"/en/partners/{home}").content.decode()
    assert "Two histories at entry 2" in reader
    assert "/restart/" not in reader


def test_a_lane_is_restarted_on_pages(stopped: Stopped, notes: Notes) -> None:
    path = f"{stopped.south.row.id}/lanes/{stopped.row.id}/restart/"
    assert "It stopped at entry 2: the sender signed two different histories." in _page(stopped, path)
    status, place = _post(stopped, path)
    reset = Reset.objects.get()
    assert (status, place) == (302, f"/en/partners/restarts/{reset.id}/")
    assert "Its administrator answers." in _page(stopped, f"restarts/{reset.id}/")
    status, refusal = _post(stopped, f"restarts/{reset.id}/confirm/")
    assert status == 422
    assert "There is no answer of the sender to be confirmed." in refusal
    status, place = _post(stopped, f"{stopped.south.row.id}/statement/", statement=stopped.statement(reset))
    assert (status, place) == (302, f"/en/partners/restarts/{reset.id}/")
    assert f"restarts/{reset.id}/confirm/" in _page(stopped, f"restarts/{reset.id}/")
    asked = _page(stopped, f"restarts/{reset.id}/confirm/")
    assert "The last entry on which both agree is 1. 2 entries after it are left behind." in asked
    assert _post(stopped, f"restarts/{reset.id}/confirm/")[0] == 302
    assert stopped.row.state == "running"
    page = _page(stopped, f"{stopped.south.row.id}/")
    assert "left behind by a restart" in page
    assert "A lane of this partner" in page
    assert "Both have signed, and the lane goes on." in page


def test_a_statement_that_is_not_genuine_is_not_taken_and_says_why(stopped: Stopped) -> None:
    stopped.propose()
    path = f"{stopped.south.row.id}/statement/"
    status, page = _post(stopped, path, statement="a.b.c")
    assert status == 422
    assert "It was not taken: it cannot be read, or its signature is not its sender" in page


def test_the_pages_speak_three_languages(stopped: Stopped) -> None:
    reset = stopped.propose()
    stopped.answer(reset)
    for language in LANGUAGES:
        for path in (
            f"{stopped.south.row.id}/",
            f"{stopped.south.row.id}/statement/",
            f"{stopped.south.row.id}/lanes/{stopped.row.id}/restart/",
            f"restarts/{reset.id}/",
            f"restarts/{reset.id}/confirm/",
        ):
            page = _page(stopped, path, language)
            assert f'lang="{language}"' in page


def test_the_sender_answers_on_its_page(ours: Ours) -> None:
    ours.say(ours.propose())
    reset = Reset.objects.get()
    assert "Answer with where your lane goes on." in _page(ours, f"{ours.south.row.id}/")
    asked = _page(ours, f"restarts/{reset.id}/answer/")
    assert "The last entry on which both agree is 1. 2 entries after it are left behind." in asked
    assert _post(ours, f"restarts/{reset.id}/answer/")[0] == 302
    assert Reset.objects.get().state == "answered"
    assert "Its reader confirms." in _page(ours, f"restarts/{reset.id}/")


def test_the_proofs_are_a_file_that_anybody_can_verify(stopped: Stopped) -> None:
    answer = stopped.cast.analyst.browser().get(f"/en/partners/{stopped.south.row.id}/proofs/")
    [proof] = json.loads(answer.getvalue())
    assert proof["sender_key"] == stopped.south.row.jwk
    assert (proof["lane"], proof["seq"], proof["held"]) == (
        str(stopped.lane.row.wire_id),
        2,
        stopped.lane.entries[2].token,
    )


# ---- the machine interface ------------------------------------------------------------------------------------------
def test_a_lane_is_restarted_over_the_api(stopped: Stopped) -> None:
    api, partner_id = stopped.cast.administrator.api, stopped.south.row.id
    made = api.post(f"/partners/{partner_id}/lanes/{stopped.row.id}/restart")
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["direction"], told["held"], told["stopped_at"], told["point"]) == (
        "proposed",
        "received",
        3,
        2,
        None,
    )
    assert told["stop_sentence"] == "the sender signed two different histories"
    reset = Reset.objects.get(id=told["id"])
    early = api.post(f"/restarts/{reset.id}/confirm")
    assert (early.status_code, early.json()["type"]) == (409, "urn:taawun:problem:not-answered")
    lie = {"statement": stopped.statement(reset, seq=2, digest="e" * 64)}
    refused = api.post(f"/partners/{partner_id}/statements", lie)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:taawun:problem:other-head")
    taken = api.post(f"/partners/{partner_id}/statements", {"statement": stopped.statement(reset)})
    assert (taken.status_code, taken.json()["point"], taken.json()["leaves_behind"]) == (200, 1, 2)
    assert api.post(f"/restarts/{reset.id}/answer").json()["type"] == "urn:taawun:problem:not-proposed"
    done = api.post(f"/restarts/{reset.id}/confirm").json()
    assert (done["state"], bool(done["confirmation"])) == ("done", True)
    assert api.get(f"/restarts/{reset.id}").json() == done
    assert api.get(f"/partners/{partner_id}/restarts").json()["items"] == [done]
    lanes = api.get(f"/partners/{partner_id}/lanes").json()["items"]
    left = next(each for each in lanes if each["state"] == "left")
    assert (left["part_of"], left["stop_reason"]) == (str(stopped.row.id), "fork")
    [fork] = api.get(f"/partners/{partner_id}/forks").json()["items"]
    assert (fork["sender"], fork["seq"], fork["shown_by"]) == (stopped.south.node, 2, None)


def test_what_is_not_there_is_not_restarted(stopped: Stopped, ours: Ours) -> None:
    api, missing = stopped.cast.administrator.api, "0190a0a0-0000-7000-8000-000000000000"
    for path in (
        f"/restarts/{missing}/answer",
        f"/partners/{stopped.east.row.id}/lanes/{stopped.row.id}/restart",
    ):
        assert api.post(path).status_code == 404
    # our own lane is not ours to stop, so there is nothing to restart
    own = api.post(f"/partners/{ours.south.row.id}/lanes/{ours.lane.id}/restart")
    assert (own.status_code, own.json()["type"]) == (409, "urn:taawun:problem:not-stopped")
