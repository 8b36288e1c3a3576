"""The machine face of sightings: recorded, listed, and where they went."""

from __future__ import annotations

from typing import Any

import pytest

from taawun.capabilities.intel.models import Sighting
from taawun.cooperation.agreements import actions as agreements
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.models import Release
from tests.capabilities.intel.factories import Sender, indicator, report, sender
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.cast import Caller, Cast, clause, some_id, token_of

pytestmark = pytest.mark.django_db

FIRST, SECOND = identifier("indicator", 1), identifier("indicator", 2)


@pytest.fixture
def told(cast: Cast) -> Sender:
    south = sender("South", "XS")
    south.publish(report(1, FIRST), indicator(1))
    return south


def test_a_sighting_is_recorded_sent_back_and_listed(cast: Cast, told: Sender) -> None:
    answer = cast.analyst.api.post(
        "/intel/sightings",
        {"of": FIRST, "count": 4, "first_seen": "2024-03-01T08:00:00Z", "note": "At the gateway."},
    )
    made = answer.json()
    assert answer.status_code == 201
    assert (made["sources"], made["sent_to"], made["not_sent"]) == ([told.node], [told.node], [])
    assert (made["sighting"]["count"], made["sighting"]["last_seen"]) == (4, "2024-03-01T08:00:00Z")
    listed = cast.analyst.api.get("/intel/sightings", of=FIRST).json()["items"]
    assert listed == [made["sighting"]]
    assert cast.analyst.api.get("/intel/sightings").json()["items"] == listed
    assert cast.analyst.api.get("/intel/sightings", of=SECOND).json()["items"] == []


def test_why_a_sighting_did_not_go_back_is_told(cast: Cast) -> None:
    south = sender("South", "XS", clauses=(clause(kinds=("intel.report",)),))
    south.publish(report(1, FIRST), indicator(1))
    made = cast.analyst.api.post("/intel/sightings", {"of": FIRST}).json()
    assert made["sent_to"] == []
    assert [(each["party"], each["reason"]) for each in made["not_sent"]] == [(south.node, "kind")]


def test_where_a_sighting_went_is_told_as_long_as_it_is_held(cast: Cast, told: Sender) -> None:
    made = cast.analyst.api.post("/intel/sightings", {"of": FIRST}).json()
    path = f"/intel/sightings/{made['sighting']['id']}/outcome"
    assert cast.analyst.api.get(path).json() == made
    assert (made["withheld"], made["release"]) == ([], str(Release.objects.get(kind="intel.sighting").id))
    agreements.terminate(cast.officer.actor, Agreement.objects.get(), "")
    # whom it went to is not among those whom no clause lets have it now
    assert cast.analyst.api.get(path).json() == made


def test_a_sighting_of_who_may_not_publish_names_those_from_whom_it_was_withheld(
    cast: Cast, told: Sender
) -> None:
    writing = Caller(token_of(cast.analyst.row, "read:intel", "write:intel"))
    made = writing.post("/intel/sightings", {"of": FIRST}).json()
    assert (made["sent_to"], made["withheld"], made["not_sent"]) == ([], [told.node], [])
    assert made["release"] is None
    assert writing.get(f"/intel/sightings/{made['sighting']['id']}/outcome").json() == made


def test_where_a_partners_sighting_went_is_not_ours_to_tell(cast: Cast, told: Sender) -> None:
    told.publish(sdo("sighting", 1, sighting_of_ref=FIRST), kind="intel.sighting")
    for sighting_id in (Sighting.objects.get().id, some_id()):
        answer = cast.analyst.api.get(f"/intel/sightings/{sighting_id}/outcome")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-sighting")


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"of": SECOND}, "unknown-object", "/of"),
        ({"count": 0}, "invalid", "/count"),
        ({"last_seen": "2999-01-01T00:00:00Z"}, "times", "/last_seen"),
        (
            {"first_seen": "2024-03-02T00:00:00Z", "last_seen": "2024-03-01T00:00:00Z"},
            "times",
            "/last_seen",
        ),
        ({"first_seen": "2024-03-02T00:00:00"}, "invalid", "/first_seen"),
    ],
)
def test_a_sighting_that_makes_no_sense_names_the_place(
    cast: Cast, told: Sender, changes: dict[str, Any], code: str, pointer: str
) -> None:
    answer = cast.analyst.api.post("/intel/sightings", {"of": FIRST, **changes})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        f"urn:taawun:problem:{code}",
        pointer,
    )
    assert not Sighting.objects.exists()


def test_who_may_sight_and_read_sightings(cast: Cast, told: Sender) -> None:
    assert cast.meet("POST", "/intel/sightings", {"of": FIRST}) == Cast.statuses(403, analyst=201)
    assert cast.meet("GET", "/intel/sightings") == Cast.statuses(
        403, analyst=200, officer=200, other_officer=200
    )
    outcome = f"/intel/sightings/{Sighting.objects.get().id}/outcome"
    assert cast.meet("GET", outcome) == Cast.statuses(403, analyst=200)
