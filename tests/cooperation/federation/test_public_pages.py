"""Pages and addresses of the public lane: what anybody sees, who opens something to everybody, who follows whom."""

from __future__ import annotations

import dataclasses

import pytest
from django.test import Client

from taawun.cooperation.agreements.document import Onward
from taawun.cooperation.federation.actions import Draft, publish, withdraw
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.views import public as public_views
from taawun.cooperation.partners.exchange import serving
from taawun.cooperation.partners.models import Partner
from taawun.foundation.tlp import Tlp
from taawun.platform.web.limits import Buckets, Rate
from tests.cast import SYSTEM, Cast, Member, PartnerNode, agreement_in_force, clause, partner
from tests.cooperation.conftest import Notes
from tests.cooperation.federation.test_exchange import note
from tests.lanes import clause_lane
from tests.pages import Markup, read

pytestmark = pytest.mark.usefixtures("pages")

ANYBODY = "/en/public/"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often somebody asked ends with the test."""
    for each in (serving, public_views):
        monkeypatch.setattr(each, "ANYBODY", Buckets(Rate(burst=1000, per_second=1)))


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner("Southern CERT")


def published(number: int = 1, *, in_public: bool = True, tlp: Tlp = Tlp.CLEAR) -> Release:
    draft = Draft(
        "tests.note", f"urn:test:{number}", "1", f"Warning number {number}", tlp, b'{"n":%d}' % number
    )
    return publish(SYSTEM, draft, in_public=in_public)


def seen(client: Client, path: str, status: int = 200) -> Markup:
    return read(client.get(path), status)


# ---- for anybody ----------------------------------------------------------------------------------------------------


def test_anybody_sees_what_stands_for_everybody_and_nothing_else(south: PartnerNode) -> None:
    assert Client().get(ANYBODY).status_code == 404
    agreement_in_force(south)
    published(1)
    published(2, in_public=False)
    published(3, in_public=False, tlp=Tlp.AMBER)
    gone = published(4)
    withdraw(SYSTEM, gone, "")
    for language, words in (("en", "For everybody"), ("fr", "Pour tout le monde"), ("ar", "للجميع")):
        markup = seen(Client(), f"/{language}/public/")
        assert words in markup.text
        assert "Warning number 1" in markup.text
        assert not any(f"Warning number {other}" in markup.text for other in (2, 3, 4))
    (link,) = markup.all("a", href=f"/federation/public/{Release.objects.get(subject='urn:test:1').digest}")
    assert Client().get(link["href"]).content == b'{"n":1}'
    assert Client().post(ANYBODY).status_code == 405
    assert Client().get(f"{ANYBODY}?after=nonsense").status_code == 302


def test_the_page_is_there_only_while_something_stands_and_goes_on_by_pages(
    south: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_views, "PUBLIC", dataclasses.replace(public_views.PUBLIC, limit=1))
    kept = [published(1), published(2)]
    markup = seen(Client(), ANYBODY)
    assert "Warning number 2" in markup.text
    (following,) = [each["href"] for each in markup.all("a") if "after=" in each.get("href", "")]
    assert "Warning number 1" in seen(Client(), f"{ANYBODY}{following}").text
    for each in kept:
        withdraw(SYSTEM, each, "")
    assert Client().get(ANYBODY).status_code == 404


def test_anybody_searches_what_stands_for_everybody(south: PartnerNode) -> None:
    agreement_in_force(south)
    published(1)
    published(2)
    found = seen(Client(), f"{ANYBODY}?q=NUMBER+2").text
    assert ("Warning number 1" in found, "Warning number 2" in found) == (False, True)
    assert "Warning number 1" in seen(Client(), f"{ANYBODY}?kind=tests.note&q=").text
    none = seen(Client(), f"{ANYBODY}?q=nowhere")
    assert "No release fits" in none.text
    assert none.all("a", href="?")
    # what does not stand for everybody is not found by its title either
    published(3, in_public=False)
    assert "No release fits" in seen(Client(), f"{ANYBODY}?q=number+3").text


def test_whoever_looks_too_often_waits(south: PartnerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    published()
    monkeypatch.setattr(public_views, "ANYBODY", Buckets(Rate(burst=1, per_second=0.01)))
    assert [Client().get(ANYBODY).status_code for _ in range(2)] == [200, 429]


# ---- opening something to everybody ---------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["administrator", "officer"])
def test_who_may_speak_to_everybody_is_asked_and_then_it_stands_there(
    cast: Cast, south: PartnerNode, who: str
) -> None:
    agreement_in_force(south)
    release = published(in_public=False)
    member: Member = dict(cast)[who]
    page, client = f"/en/releases/{release.id}/public/", member.browser()
    assert seen(client, f"/en/releases/{release.id}/").all("a", href=page)
    markup = seen(client, page)
    assert "Anybody may read the release" in markup.text
    assert "cannot be called back" in markup.text
    assert client.post(page).status_code == 302
    markup = seen(client, f"/en/releases/{release.id}/")
    assert "It stands on the public lane of this node." in markup.text
    assert not markup.all("a", href=page)
    assert "public lane" in seen(client, "/en/releases/").text
    assert "public lanes, without an agreement" in seen(client, "/en/releases/ledger/?by=agreement").text


def test_what_may_not_go_to_everybody_says_why_and_stays(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    release = published(in_public=False, tlp=Tlp.GREEN)
    page, client = f"/en/releases/{release.id}/public/", cast.officer.browser()
    assert not seen(client, f"/en/releases/{release.id}/").all("a", href=page)
    for asked in (client.get, client.post):
        assert "Only TLP:CLEAR is for everybody" in read(asked(page, follow=True), 200).text
    answer = cast.officer.api.post(f"/federation/releases/{release.id}/public")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:not-clear")
    assert release.passages.filter(agreement=None).count() == 0
    assert cast.analyst.browser().get(page).status_code == 403


def test_a_program_asks_and_does_the_same(cast: Cast, south: PartnerNode) -> None:
    asked = {"kind": "tests.note", "tlp": "TLP:CLEAR"}
    assert cast.officer.api.post("/federation/decide", asked).json()["public"]["allowed"] is True
    found = cast.officer.api.post("/federation/decide", {**asked, "tlp": "TLP:GREEN"}).json()["public"]
    assert (found["allowed"], found["reason"]) == (False, "not-clear")
    agreement = agreement_in_force(south, clauses=(clause(onward=Onward("public")),))
    lane = clause_lane(south, agreement)
    note(lane, tlp=Tlp.CLEAR)
    lane.deliver()
    release = Release.objects.get()
    assert (
        cast.officer.api.get(f"/federation/releases/{release.id}/onward").json()["public"]["allowed"] is True
    )
    assert cast.analyst.api.post(f"/federation/releases/{release.id}/public").status_code == 403
    assert cast.officer.api.post(f"/federation/releases/{release.id}/public").status_code == 200
    passages = cast.observer.api.get(f"/federation/releases/{release.id}/passages").json()["items"]
    assert [(each["direction"], each["agreement"] is None) for each in passages] == [
        ("received", False),
        ("sent", True),
    ]
    lines = cast.observer.api.get("/federation/ledger", by="agreement").json()["items"]
    assert {each["key"] for each in lines} == {str(agreement.id), None}
    assert Client().get(ANYBODY).status_code == 200


# ---- following ------------------------------------------------------------------------------------------------------


def test_an_administrator_follows_a_partner_on_its_page_and_stops(cast: Cast, south: PartnerNode) -> None:
    page, client = f"/en/partners/{south.row.id}/", cast.administrator.browser()
    assert "takes in nothing of what it publishes to everybody" in seen(client, page).text
    assert "without an agreement" in seen(client, f"{page}follow/").text
    assert client.post(f"{page}follow/").status_code == 302
    assert Partner.objects.get().is_followed
    assert "This node takes in what it publishes to everybody." in seen(client, page).text
    assert seen(client, page).all("a", href=f"{page}unfollow/")
    assert "What came stays here" in seen(client, f"{page}unfollow/").text
    assert client.post(f"{page}unfollow/").status_code == 302
    assert not Partner.objects.get().is_followed
    assert not seen(cast.observer.browser(), page).all("a", href=f"{page}follow/")
    assert cast.analyst.browser().post(f"{page}follow/").status_code == 403


def test_a_program_follows_and_stops(cast: Cast, south: PartnerNode) -> None:
    path = f"/partners/{south.row.id}"
    assert cast.administrator.api.get(path).json()["is_followed"] is False
    assert cast.administrator.api.post(f"{path}/follow").json()["is_followed"] is True
    assert cast.administrator.api.post(f"{path}/unfollow").json()["is_followed"] is False
    assert cast.officer.api.post(f"{path}/follow").status_code == 403
    Partner.objects.update(state=Partner.State.MET)
    answer = cast.administrator.api.post(f"{path}/follow")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:not-compared")
