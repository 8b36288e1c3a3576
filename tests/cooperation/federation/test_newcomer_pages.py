"""Confirming a newcomer on its page and over the API, with what it would read, and taking that back."""

from __future__ import annotations

import pytest
from django.utils import translation
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.models import Agreement, Newcomer
from taawun.cooperation.federation.actions import publish
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.queries import newest_with_partner, with_partner
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, PartnerNode, partner
from tests.cooperation.federation.newcomers import accede
from tests.cooperation.federation.test_actions import draft
from tests.cooperation.federation.test_history import agreed, subjects
from tests.pages import read

pytestmark = pytest.mark.usefixtures("notes", "pages")


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT", nation="XS")


@pytest.fixture
def east(cast: Cast) -> PartnerNode:
    return partner("Eastern CERT", nation="XE")


@pytest.fixture
def joined(cast: Cast, south: PartnerNode, east: PartnerNode) -> Agreement:
    """An agreement to which East acceded after three releases."""
    agreement = agreed(south)
    publish(cast.analyst.actor, draft("urn:test:1"))
    publish(cast.analyst.actor, draft("urn:test:2"))
    publish(cast.analyst.actor, draft("urn:test:3", tlp=Tlp.AMBER))
    accede(cast.officer.actor, agreement, east)
    return agreement


def _page(agreement: Agreement, rest: str = "", language: str = "en") -> str:
    return f"/{language}/agreements/{agreement.id}/{rest}"


def test_the_page_leads_to_who_waits_shows_what_it_would_read_and_confirms_it(
    cast: Cast, joined: Agreement, east: PartnerNode
) -> None:
    client = cast.officer.browser()
    shown = read(client.get(_page(joined)))
    assert "new acceded, and receives nothing from this node under clause 1" in shown.text
    assert _page(joined, "newcomers/new/") in [has["href"] for has in shown.all("a")]
    asked = read(client.get(_page(joined, "newcomers/new/")))
    assert "3 releases, by clause, kind and marking:" in asked.text
    assert not [has for has in asked.all("input", type="radio") if "checked" in has]
    refused = read(client.post(_page(joined, "newcomers/new/"), {}), 422)
    assert "Choose from where it reads." in refused.text
    assert subjects(east) == []
    answer = client.post(_page(joined, "newcomers/new/"), {"reads": "everything"})
    assert answer["Location"] == _page(joined)
    assert subjects(east) == ["urn:test:1", "urn:test:2", "urn:test:3"]
    after = read(client.get(_page(joined)))
    assert "receives nothing from this node" not in after.text
    assert "What new reads…" in after.text


def test_it_is_confirmed_for_what_follows_and_cannot_be_given_more_later(
    cast: Cast, joined: Agreement, east: PartnerNode
) -> None:
    client = cast.officer.browser()
    client.post(_page(joined, "newcomers/new/"), {"reads": "accession"})
    publish(cast.analyst.actor, draft("urn:test:after"))
    assert subjects(east) == ["urn:test:after"]
    shown = read(client.get(_page(joined, "newcomers/new/")))
    assert "it reads from its accession on." in shown.text
    refused = read(client.post(_page(joined, "newcomers/new/"), {"reads": "everything"}), 422)
    assert "a lane has one beginning" in refused.text


def test_a_confirmation_is_taken_back_on_its_page(cast: Cast, joined: Agreement, east: PartnerNode) -> None:
    client = cast.officer.browser()
    client.post(_page(joined, "newcomers/new/"), {"reads": "everything"})
    back = _page(joined, "newcomers/new/take-back/")
    assert back in [
        has["href"] for has in read(client.get(_page(joined, "newcomers/new/"))).all("a") if "href" in has
    ]
    assert "until it has signed for something" in read(client.get(back)).text
    assert client.post(back)["Location"] == _page(joined)
    assert (subjects(east), Newcomer.objects.count()) == ([], 0)
    assert "Nobody here has confirmed this party." in read(client.post(back), 422).text


def test_who_may_not_bind_this_node_sees_who_waits_and_no_more(cast: Cast, joined: Agreement) -> None:
    client = cast.observer.browser()
    shown = read(client.get(_page(joined)))
    assert "until it is confirmed here" in shown.text
    assert _page(joined, "newcomers/new/") not in [has["href"] for has in shown.all("a")]
    assert client.get(_page(joined, "newcomers/new/")).status_code == 403
    assert client.post(_page(joined, "newcomers/new/"), {"reads": "everything"}).status_code == 403


def test_of_who_did_not_accede_there_is_no_page(cast: Cast, joined: Agreement) -> None:
    client = cast.officer.browser()
    assert client.get(_page(joined, "newcomers/xs/")).status_code == 404
    assert client.get(_page(joined, "newcomers/xs/take-back/")).status_code == 404


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_pages_are_whole_in_every_language(cast: Cast, joined: Agreement, language: str) -> None:
    client = cast.officer.browser()
    client.post(_page(joined, "newcomers/new/"), {"reads": "everything"})
    pages = [
        read(client.get(_page(joined, f"newcomers/new/{each}", language))).text for each in ("", "take-back/")
    ]
    with translation.override(language):
        questions = [_("Confirm %(name)s?"), _("Take back the confirmation of %(name)s?")]
    assert [
        " ".join((each % {"name": "new"}).split()) in page
        for each, page in zip(questions, pages, strict=True)
    ] == [
        True,
        True,
    ]


def test_over_the_api_newcomers_are_listed_confirmed_and_taken_back(
    cast: Cast, joined: Agreement, east: PartnerNode
) -> None:
    path = f"/agreements/{joined.id}/newcomers"
    [item] = cast.officer.api.get(path).json()["items"]
    assert (item["party"], item["ref"], item["clauses"], item["reads_earlier"]) == (
        east.node,
        "new",
        ["1"],
        None,
    )
    assert [(each["clause"], each["kind"], each["tlp"], each["count"]) for each in item["earlier"]] == [
        ("1", "tests.note", "TLP:GREEN", 2),
        ("1", "tests.note", "TLP:AMBER", 1),
    ]
    body = {"party": east.node, "reads_earlier": True}
    assert cast.officer.api.post(path, body).status_code == 200
    assert cast.officer.api.get(path).json()["items"][0]["reads_earlier"] is True
    assert len(subjects(east)) == 3
    assert cast.officer.api.delete(f"{path}?party={east.node}").status_code == 200
    assert subjects(east) == []
    again = cast.officer.api.delete(f"{path}?party={east.node}")
    assert (again.status_code, again.json()["type"]) == (409, "urn:taawun:problem:not-confirmed")
    stranger = cast.officer.api.post(path, {"party": "https://nobody.example", "reads_earlier": True})
    assert (stranger.status_code, stranger.json()["type"]) == (409, "urn:taawun:problem:no-newcomer")


def test_the_newest_with_a_partner_are_the_first_of_all_with_it_from_where_it_reads(
    cast: Cast, joined: Agreement, south: PartnerNode, east: PartnerNode
) -> None:
    cast.officer.browser().post(_page(joined, "newcomers/new/"), {"reads": "accession"})
    publish(cast.analyst.actor, draft("urn:test:after"))
    everything = ["after", "3", "2", "1"]
    for each, count, expected in ((south, 2, everything[:2]), (south, 9, everything), (east, 9, ["after"])):
        newest = list(newest_with_partner(each.row.id, count))
        assert newest == list(with_partner(Release.objects.order_by("-id"), each.row.id)[:count])
        assert [release.subject.removeprefix("urn:test:") for release in newest] == expected
