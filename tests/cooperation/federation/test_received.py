"""The page of what partners gave: its provenance row by row, its filters, its files, and what it keeps back."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.permissions import Role
from taawun.foundation.clock import now
from taawun.foundation.identifiers import lowest_uuid7
from taawun.foundation.tlp import Tlp
from tests.cast import Cast, Member, agreement_in_force, partner, person
from tests.cooperation.federation.test_views import published, received, seen

pytestmark = pytest.mark.usefixtures("pages")

PAGE = "/en/releases/received/"


def test_each_row_tells_from_whom_by_which_clause_and_whose_signature(cast: Cast) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", nation="XE")
    first, second = agreement_in_force(south), agreement_in_force(east)
    published()
    theirs = received(south, first)
    passed_on = received(east, second, 2, source="https://far.example")
    page = seen(cast.analyst.browser(), PAGE)
    assert "Report number 1" not in page.text  # it is ours
    for release, node, agreement in ((theirs, south, first), (passed_on, east, second)):
        assert page.all("a", href=f"/en/releases/{release.id}/")
        assert page.all("a", href=f"/en/partners/{node.row.id}/")
        assert node.node in page.text
        assert page.all("a", href=f"/en/agreements/{agreement.id}/#clause-1")
    assert "not verified by us written by https://far.example" in page.text
    assert page.text.count("verified") == 2


def test_it_is_filtered_by_partner_agreement_kind_words_and_days(cast: Cast) -> None:
    south, east = partner("Southern CERT"), partner("Eastern CERT", nation="XE")
    first, second = agreement_in_force(south), agreement_in_force(east)
    received(south, first)
    received(east, second, 2, kind="intel.sighting")
    before = now() - timedelta(days=40)
    received(south, first, 3, id=lowest_uuid7(before))
    client = cast.analyst.browser()
    today, day = f"{now():%Y-%m-%d}", f"{before:%Y-%m-%d}"
    for query, wanted in (
        ("", {1, 2, 3}),
        (f"partner={south.row.id}", {1, 3}),
        (f"agreement={second.id}", {2}),
        ("kind=intel.sighting", {2}),
        ("q=report+3", {3}),
        (f"since={today}", {1, 2}),
        (f"until={day}", {3}),
        (f"since={day}&until={day}&partner={east.row.id}", set()),
        ("since=1900-01-01&until=8999-12-30", {1, 2, 3}),
    ):
        rows = json.loads(b"".join(client.get(f"{PAGE}?{query}&format=json")))
        assert {int(row["title"].rpartition(" ")[2]) for row in rows} == wanted, query
    assert "Nothing received fits" in seen(client, f"{PAGE}?q=zebra").text
    # what is not understood narrows nothing, so no file is made of it
    for query in ("since=yesterday", "since=0001-01-01&until=9999-12-31"):
        shown = seen(client, f"{PAGE}?{query}").text
        assert [number for number in (1, 2, 3) if f"Their report {number}" not in shown] == []
        assert client.get(f"{PAGE}?{query}&format=json")["Location"] == f"?{query}"
    assert seen(client, f"{PAGE}?since={day}").all("input", type="date", name="since", value=day)


def test_a_file_carries_the_whole_provenance(cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    release = received(south, held)
    answer = cast.analyst.browser().get(f"{PAGE}?format=csv")
    (row,) = csv.DictReader(b"".join(answer).decode("utf-8-sig").splitlines())
    assert row["id"] == str(release.id)
    assert (row["partner"], row["nation"], row["source"]) == (south.node, "XS", "")
    assert (row["clauses"], row["is_verified"], row["tlp"]) == (f"{held.code} § 1", "True", "TLP:AMBER")
    assert row["received"]


def test_what_one_may_not_read_has_no_title_and_is_found_by_none(cast: Cast) -> None:
    south = partner("Southern CERT")
    received(south, agreement_in_force(south), title="Redwood", tlp=Tlp.RED, persons=["far@x.example"])
    client = cast.analyst.browser()
    page = seen(client, PAGE)
    assert "Redwood" not in page.text
    assert "for the persons it names" in page.text
    assert "Nothing received fits" in seen(client, f"{PAGE}?q=redwood").text
    assert b"Redwood" not in b"".join(client.get(f"{PAGE}?format=json"))


def test_an_empty_page_says_what_will_come_and_a_stranger_sees_none(cast: Cast) -> None:
    assert "Nothing was received yet" in seen(cast.analyst.browser(), PAGE).text
    assert Member(person(Role.TRAINEE), None).browser().get(PAGE).status_code == 200
    assert cast.stranger.browser().get(PAGE).status_code == 403


def test_it_costs_the_same_queries_however_much_came(cast: Cast) -> None:
    south = partner("Southern CERT")
    held = agreement_in_force(south)
    received(south, held)
    client = cast.analyst.browser()
    seen(client, PAGE)
    with CaptureQueriesContext(connection) as few:
        seen(client, PAGE)
    for number in range(2, 12):
        received(south, held, number)
    with CaptureQueriesContext(connection) as many:
        seen(client, PAGE)
    assert len(many) == len(few)
    assert Release.objects.count() == 11
