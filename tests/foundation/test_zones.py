"""Time zones of nations, and which clocks show the same."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from taawun.foundation.clock import frozen
from taawun.foundation.nations import ASSIGNED
from taawun.foundation.zones import (
    CANONICAL,
    are_alike,
    is_zone,
    names_of_zone,
    zone_of_nation,
    zones_of_nation,
)

WINTER, SUMMER = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Asia/Kathmandu", True),
        ("Asia/Katmandu", True),
        ("UTC", True),
        ("Mars/Olympus", False),
        ("", False),
        ("../etc", False),
    ],
)
def test_a_zone_is_one_that_the_machine_knows(name: str, known: bool) -> None:
    assert is_zone(name) == known


@pytest.mark.parametrize(
    ("nation", "zone"),
    [
        ("NP", "Asia/Kathmandu"),
        ("MY", "Asia/Kuala_Lumpur"),
        ("PS", "Asia/Gaza"),
        ("CY", "Asia/Nicosia"),
        ("ID", ""),
        ("KZ", "Asia/Almaty"),
        ("XN", ""),
        ("", ""),
    ],
)
def test_a_nation_has_a_zone_of_its_own_where_all_its_clocks_agree(nation: str, zone: str) -> None:
    with frozen(WINTER):
        assert zone_of_nation(nation) == zone


def test_a_nation_has_the_zones_that_people_there_live_in() -> None:
    assert zones_of_nation("ID") == ("Asia/Jakarta", "Asia/Jayapura", "Asia/Makassar", "Asia/Pontianak")
    assert {code for code in ASSIGNED if not zones_of_nation(code)} <= {"BV", "HM"}


def test_two_clocks_may_agree_in_winter_and_not_in_summer() -> None:
    assert are_alike("Europe/London", "UTC", WINTER)
    assert not are_alike("Europe/London", "UTC", SUMMER)
    with frozen(SUMMER):
        assert not are_alike("Europe/London", "UTC")


def test_each_zone_is_listed_once_under_a_name_that_the_machine_knows() -> None:
    assert CANONICAL[0] == "UTC"
    assert len(set(CANONICAL)) == len(CANONICAL) > 400
    assert set(CANONICAL) <= available_timezones()
    assert {"Asia/Kathmandu", "Asia/Riyadh"} <= set(CANONICAL)
    assert not {"Asia/Katmandu", "Etc/GMT+3"} & set(CANONICAL)


def test_a_zone_is_known_by_the_names_it_had_too() -> None:
    assert names_of_zone("Asia/Kathmandu") == ("Asia/Kathmandu", "Asia/Katmandu")
    assert names_of_zone("Asia/Riyadh")[0] == "Asia/Riyadh"
