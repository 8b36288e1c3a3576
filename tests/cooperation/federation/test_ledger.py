"""The ledger: what was given and received, by agreement, partner, kind and month, and how far it reached."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.accounts import flows
from taawun.cooperation.federation.actions import withdraw
from taawun.cooperation.federation.ledger import Cell, Sums, Wanted, cells, flowed, grouped, total
from taawun.cooperation.federation.models import Passage, Reach, Receipt, Release
from taawun.cooperation.partners.models import LaneEntry
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.web.charts import Flow
from tests.cast import SYSTEM, Cast, PartnerNode, agreement_in_force, partner, some_id
from tests.cooperation.federation.test_views import published, received
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

LEDGER = "/en/releases/ledger/"


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT")


@pytest.fixture
def east(cast: Cast) -> PartnerNode:
    return partner("Eastern CERT", nation="XE")


def signed_for(release: Release, other: PartnerNode, outcome: str = "done") -> None:
    entry = LaneEntry.objects.get(passage__release=release)
    Receipt.objects.create(
        **Receipt.place_of(entry), entry=entry, partner=other.row, outcome=outcome, at=now()
    )


def recorded(release: Release, at: datetime) -> None:
    LaneEntry.objects.filter(passage__release=release).update(recorded=at)
    for passage in Passage.objects.filter(release=release):
        Passage.objects.filter(id=passage.id).update(**Passage.place_of(passage.entry))


# ---- counted ----------------------------------------------------------------------------------------------------
def test_what_one_lane_carries_to_two_partners_was_given_once_and_delivered_twice(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    held = agreement_in_force(south, east)
    first, second = published(1), published(2)
    signed_for(first, south)
    signed_for(first, east, "refused")
    signed_for(second, south)
    found = cells(Wanted())
    size = first.size + second.size
    assert total(found) == Sums(given=2, deliveries=4, signed=2, given_bytes=size)
    assert grouped(found, "agreement") == {held.id: total(found)}
    by_partner = grouped(found, "partner")
    assert by_partner[south.row.id] == Sums(given=2, deliveries=2, signed=2, given_bytes=size)
    assert by_partner[east.row.id] == Sums(given=2, deliveries=2, signed=0, given_bytes=size)


def test_both_sides_stand_against_each_other_by_kind_and_month(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    old, new = published(1), published(2, kind="intel.sighting")
    recorded(old, datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))
    recorded(new, datetime(2026, 2, 1, tzinfo=UTC))
    recorded(received(south, held, 1), datetime(2026, 2, 28, 12, tzinfo=UTC))
    found = cells(Wanted())
    assert {month: (sums.given, sums.received) for month, sums in grouped(found, "month").items()} == {
        "2026-01": (1, 0),
        "2026-02": (1, 1),
    }
    assert {kind: (sums.given, sums.received) for kind, sums in grouped(found, "kind").items()} == {
        "intel.report": (1, 1),
        "intel.sighting": (1, 0),
    }
    assert total(cells(Wanted(since="2026-02"))).given == 1
    # and each clause says how much flowed under it, both ways
    assert flowed(held.id) == {"1": 3}
    assert flowed(some_id()) == {}
    assert total(cells(Wanted(until="2026-01"))) == Sums(given=1, deliveries=1, given_bytes=old.size)
    assert total(cells(Wanted(until="2026-12", kind="intel.sighting"))).given == 1


def test_the_ledger_is_asked_for_one_agreement_or_one_partner(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    ours, theirs = agreement_in_force(south), agreement_in_force(east)
    published(1)
    received(south, ours, 1)
    received(east, theirs, 1)
    assert total(cells(Wanted(agreement=ours.id))).received == 1
    assert set(grouped(cells(Wanted(partner=east.row.id)), "agreement")) == {theirs.id}
    assert cells(Wanted(partner=some_id())) == cells(Wanted(agreement=some_id())) == []


def test_what_was_taken_back_is_counted_as_given_and_as_taken_back(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    wrong = published(1)
    signed_for(wrong, south)
    withdraw(SYSTEM, wrong, "wrong")
    [taken_back] = LaneEntry.objects.filter(action="withdraw")
    Receipt.objects.create(
        **Receipt.place_of(taken_back), entry=taken_back, partner=south.row, outcome="done", at=now()
    )
    Passage.objects.filter(release=received(south, held, 1)).update(ended=now())
    sums = total(cells(Wanted()))
    assert (sums.given, sums.given_back, sums.received, sums.received_back) == (1, 1, 1, 1)
    # who signed for the withdrawal took in nothing more by it
    assert (sums.deliveries, sums.signed) == (1, 1)


def test_what_was_taken_back_over_two_clauses_is_counted_over_both(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement_in_force(south)
    agreement_in_force(east)
    withdraw(SYSTEM, published(1), "wrong")
    sums = total(cells(Wanted()))
    assert (sums.given, sums.given_back) == (2, 2)


def test_the_largest_stands_first_and_months_in_their_order() -> None:
    found = [
        Cell(None, some_id(), kind, month, some_id(), Sums(given=given, received=1))
        for kind, month, given in (("a", "2026-11", 1), ("b", "2026-10", 7), ("c", "2026-12", 3))
    ]
    assert list(grouped(found, "kind")) == ["b", "c", "a"]
    assert list(grouped(found, "month")) == ["2026-10", "2026-11", "2026-12"]


def test_the_questions_do_not_grow_with_what_there_is(
    cast: Cast, south: PartnerNode, django_assert_num_queries: Any
) -> None:
    held = agreement_in_force(south)
    for number in range(1, 6):
        published(number)
        received(south, held, number)
        with django_assert_num_queries(5):
            cells(Wanted())


# ---- how far it went on -----------------------------------------------------------------------------------------
def test_how_far_it_went_on_is_what_partners_tell_and_a_dash_where_none_does(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    held = agreement_in_force(south, east)
    first, second = published(1), published(2)
    assert total(cells(Wanted())).onward is None
    Reach.objects.create(release=first, partner=south.row, parties=4, at=now())
    Reach.objects.create(release=second, partner=south.row, parties=3, at=now())
    by_partner = grouped(cells(Wanted()), "partner")
    assert (by_partner[south.row.id].onward, by_partner[east.row.id].onward) == (7, None)
    assert grouped(cells(Wanted()), "agreement")[held.id].onward == 7


# ---- shown ------------------------------------------------------------------------------------------------------
def test_the_page_says_what_is_the_case_and_tells_nothing_of_what_it_is_about(
    cast: Cast, south: PartnerNode
) -> None:
    held = agreement_in_force(south)
    published(1, title="Wanted", tlp=Tlp.AMBER)
    received(south, held, 1, title="Redacted name", tlp=Tlp.RED, persons=["a@b.example"])
    client = cast.observer.browser()
    for by in ("", "partner", "kind", "month"):
        shown = read(client.get(f"{LEDGER}?by={by}"))
        assert "This node gave 1 release. It received 1 release." in shown.text
        assert "Wanted" not in shown.text
        assert "Redacted" not in shown.text
        assert "urn:" not in shown.text
        assert len(shown.all("svg", role="img")) == 2
    assert "0 of 1" in shown.text


def test_a_flow_draws_each_release_once_and_the_kinds_beyond_seven_together(db: None) -> None:
    found = [
        Cell(
            None,
            some_id(),
            f"kind.{number}",
            "2026-11",
            some_id(),
            Sums(given=number, deliveries=5 * number),
        )
        for number in range(1, 11)
    ]
    ours, theirs = flows(found)
    assert isinstance(ours.picture, Flow)
    assert isinstance(theirs.picture, Flow)
    assert [(band.name, band.count) for band in ours.picture.bands] == [
        *((f"kind.{number}", number) for number in range(10, 3, -1)),
        ("others", 6),
    ]
    assert ours.finding == "The largest part: kind.10, 10 of 55."
    assert (theirs.picture.bands, theirs.finding) == ((), "Nothing was received.")


def test_an_empty_ledger_says_what_to_do_first(cast: Cast) -> None:
    assert "The ledger is empty" in read(cast.analyst.browser().get(LEDGER)).text
    assert cast.stranger.browser().get(LEDGER).status_code == 403


def test_filters_are_kept_in_the_address_and_an_unknown_one_is_let_be(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    published(1)
    client = cast.observer.browser()
    shown = read(client.get(f"{LEDGER}?agreement={held.id}&by=month"))
    assert shown.all("option", value=str(held.id), selected="")
    assert "Nothing fits" in read(client.get(f"{LEDGER}?kind=intel.sighting")).text
    assert client.get(f"{LEDGER}?agreement=nonsense&since=soon").status_code == 200


def test_the_ledger_is_exported_and_asked_for_by_programs(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    published(1)
    client = cast.observer.browser()
    answer = client.get(f"{LEDGER}?format=csv")
    [row] = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert (row["agreement"], row["given"], row["onward"]) == (held.code, "1", "")
    [row] = json.loads(client.get(f"{LEDGER}?format=json&by=partner").getvalue())
    assert (row["partner"], row["deliveries"], row["signed"]) == (south.node, 1, 0)
    found = cast.observer.api.get("/federation/ledger", by="partner", partner=str(south.row.id)).json()
    assert found["items"] == [{**found["total"], "key": str(south.row.id)}]
    assert found["total"]["given"] == 1
    assert cast.observer.api.get("/federation/ledger", since="2026-13").status_code == 422
    assert cast.stranger.api.get("/federation/ledger").status_code in {401, 403}


def test_an_agreement_shows_what_passed_under_it(cast: Cast, south: PartnerNode) -> None:
    held = agreement_in_force(south)
    client = cast.observer.browser()
    assert (
        "Nothing has passed under this agreement yet." in read(client.get(f"/en/agreements/{held.id}/")).text
    )
    published(1)
    shown = read(client.get(f"/en/agreements/{held.id}/"))
    assert "The largest part: Threat report, 1 of 1." in shown.text
    assert "Received Nothing was received." in shown.text
    assert len(shown.all("svg", id="flow-given")) == 1
    assert shown.all("a", href=f"{LEDGER}?agreement={held.id}&by=month&since=all")
    assert Agreement.objects.count() == 1
