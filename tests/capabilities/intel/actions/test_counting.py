"""Sightings shared as a count: how often and in which months at least three nodes saw it, and nothing of who."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.actions.counting import LEAST_NODES
from taawun.capabilities.intel.errors import SightingRefused
from taawun.capabilities.intel.models import Sighting
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.cooperation.federation.models import Release
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import Sender, bring, indicator, sender
from tests.capabilities.intel.stix.examples import identifier, sdo
from tests.cast import Cast, partner
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

FIRST = identifier("indicator", 1)
OBJECT = f"/en/intel/objects/{FIRST}/"


def seen(number: int, **properties: Any) -> dict[str, Any]:
    given = {
        "sighting_of_ref": FIRST,
        "count": 4,
        "first_seen": "2024-02-11T10:11:12Z",
        "last_seen": "2024-03-20T01:02:03Z",
        "description": "at the customs portal",
        "x_taawun_may_count": True,
    }
    return sdo("sighting", number, **{**given, **properties})


@pytest.fixture
def three(cast: Cast) -> list[Sender]:
    """Three partners, each of which saw an indicator of ours and lets that be counted."""
    bring(indicator(1))
    found = [
        sender("South", "XS"),
        sender("East", "XE"),
        sender("West", "XW"),
    ]
    for number, each in enumerate(found, start=1):
        assert each.publish(seen(number, count=number), kind="intel.sighting").state == "done"
    return found


def refusal(cast: Cast) -> str:
    with pytest.raises(SightingRefused) as caught:
        actions.count_sightings(cast.analyst.actor, FIRST)
    return caught.value.code


# ---- what it says -----------------------------------------------------------------------------------------------
def test_a_count_says_how_often_and_in_which_months_and_nothing_of_who_or_where(
    cast: Cast, three: list[Sender]
) -> None:
    made = actions.publish_count(cast.analyst.actor, FIRST)
    assert (made.count, made.is_count, made.seen_by) == (6, True, "")
    assert (made.first_seen, made.last_seen) == (
        datetime(2024, 2, 1, tzinfo=UTC),
        datetime(2024, 3, 1, tzinfo=UTC),
    )
    release = made.release
    assert release is not None
    left = contents.get(release.digest).decode()
    told = next(each for each in json.loads(left)["objects"] if each["type"] == "sighting")
    assert (told["summary"], told["count"]) == (True, 6)
    assert told["first_seen"].startswith("2024-02-01T00:00:00")
    assert told["last_seen"].startswith("2024-03-01T00:00:00")
    for kept in ("where_sighted_refs", "description", "x_taawun_may_count"):
        assert kept not in told
    for each in three:
        assert each.node not in left
        assert str(each.partner.row.id) not in left
    assert "customs" not in left
    assert all(identifier("sighting", number) not in left for number in (1, 2, 3))


def test_it_goes_to_whom_the_clauses_on_sightings_allow_also_to_who_saw_nothing(
    cast: Cast, three: list[Sender]
) -> None:
    north = sender("North", "XO")
    found = actions.count_sightings(cast.analyst.actor, FIRST)
    assert {each.party for each in found.preview.receivers} == {north.node, *(each.node for each in three)}
    chosen = actions.count_sightings(cast.analyst.actor, FIRST, [north.node])
    assert [each.party for each in chosen.preview.receivers] == [north.node]


# ---- who is not told from it ------------------------------------------------------------------------------------
def test_fewer_than_three_nodes_are_not_counted(cast: Cast, three: list[Sender]) -> None:
    assert LEAST_NODES == 3
    three[0].withdraw(seen(1), kind="intel.sighting")
    assert refusal(cast) == "too-few"
    # the same node twice is one
    three[1].publish(seen(4), kind="intel.sighting")
    assert refusal(cast) == "too-few"
    # we are one more, where we let it be counted
    actions.sight(cast.analyst.actor, FIRST)
    assert refusal(cast) == "too-few"
    actions.sight(cast.analyst.actor, FIRST, count=10, may_count=True)
    assert actions.count_sightings(cast.analyst.actor, FIRST).total == 2 + 3 + 4 + 10


def test_what_its_observer_does_not_let_be_counted_is_not(cast: Cast, three: list[Sender]) -> None:
    silent = sender("North", "XO")
    silent.publish(seen(9, count=100, x_taawun_may_count=False), kind="intel.sighting")
    # only a plain yes is one
    silent.publish(seen(10, count=100, x_taawun_may_count="true"), kind="intel.sighting")
    assert actions.count_sightings(cast.analyst.actor, FIRST).total == 6


def test_the_next_count_waits_for_three_nodes_so_that_no_difference_tells_one_of_them(
    cast: Cast, three: list[Sender]
) -> None:
    actions.publish_count(cast.analyst.actor, FIRST)
    assert refusal(cast) == "too-few"
    for number, each in enumerate(three[:2], start=4):
        each.publish(seen(number, count=1), kind="intel.sighting")
    assert refusal(cast) == "too-few"
    three[2].publish(seen(6, count=1), kind="intel.sighting")
    assert actions.publish_count(cast.analyst.actor, FIRST).count == 9


def test_a_count_is_not_counted_again(cast: Cast, three: list[Sender]) -> None:
    other = sender("North", "XO")
    other.publish(seen(7, summary=True, count=500), kind="intel.sighting")
    came = Sighting.objects.get(stix_id=identifier("sighting", 7))
    assert (came.is_count, came.may_count) == (True, False)
    assert actions.count_sightings(cast.analyst.actor, FIRST).total == 6


# ---- who may ----------------------------------------------------------------------------------------------------
def test_only_whoever_told_of_the_object_counts(cast: Cast, three: list[Sender]) -> None:
    three[0].publish(indicator(2), kind="intel.report")
    with pytest.raises(SightingRefused) as caught:
        actions.count_sightings(cast.analyst.actor, identifier("indicator", 2))
    assert caught.value.code in {"unknown-object", "not-ours-to-count"}
    with pytest.raises(NotAllowed):
        actions.publish_count(cast.observer.actor, FIRST)
    assert not Release.objects.filter(origin=None).exists()


def test_what_is_for_its_readers_alone_is_not_counted(cast: Cast) -> None:
    bring(indicator(1), actor=cast.analyst.actor, tlp=Tlp.AMBER_STRICT)
    assert refusal(cast) == "not-ours-to-count"


def test_without_a_clause_it_goes_to_nobody(cast: Cast) -> None:
    bring(indicator(1))
    Sighting.objects.bulk_create(
        Sighting(
            stix_id=identifier("sighting", number),
            of=FIRST,
            count=1,
            first_seen=datetime(2024, 2, 1, tzinfo=UTC),
            last_seen=datetime(2024, 2, 1, tzinfo=UTC),
            tlp=Tlp.GREEN,
            seen_by=partner(f"P{number}").row.node,
            may_count=True,
        )
        for number in (1, 2, 3)
    )
    with pytest.raises((NobodyReceives, SightingRefused)):
        actions.publish_count(cast.analyst.actor, FIRST)


# ---- by page and by program -------------------------------------------------------------------------------------
def test_a_count_is_shared_by_page_and_shown_as_one(cast: Cast, three: list[Sender]) -> None:
    client = cast.analyst.browser()
    assert "Share how often it was seen, as a count" in read(client.get(OBJECT)).text
    asked = read(client.get(f"{OBJECT}count/"))
    assert "seen 6 times" in asked.text
    parties = [each["value"] for each in asked.all("input", name="shown")]
    assert len(parties) == 3
    sent = client.post(f"{OBJECT}count/", {"shown": parties, "receivers": parties[:1]})
    assert sent.status_code == 302
    shown = read(client.get(OBJECT)).text
    assert "a count" in shown
    assert "Several nodes saw it" in shown
    # nothing new has come since
    refused = client.post(f"{OBJECT}count/", {"shown": parties, "receivers": parties})
    assert "The next count needs 3" in read(refused, 422).text


def test_a_sighting_is_let_be_counted_and_a_count_is_shared_by_a_program(
    cast: Cast, three: list[Sender]
) -> None:
    api = cast.analyst.api
    said = api.post("/intel/sightings", {"of": FIRST, "may_count": True}).json()["sighting"]
    assert (said["may_count"], said["is_count"]) == (True, False)
    asked = api.post(f"/intel/objects/{FIRST}/count/preview", {}).json()
    assert (asked["count"], len(asked["receivers"])) == (7, 3)
    made = api.post(f"/intel/objects/{FIRST}/count", {"audience": [three[0].node]})
    assert made.status_code == 201
    assert (made.json()["is_count"], made.json()["count"]) == (True, 7)
    again = api.post(f"/intel/objects/{FIRST}/count", {})
    assert (again.status_code, again.json()["type"]) == (422, "urn:taawun:problem:too-few")
