"""On which days nations work."""

from __future__ import annotations

import pytest

from taawun.foundation.nations import ASSIGNED
from taawun.foundation.weeks import WEEK, working_days

MON, TUE, WED, THU, FRI, SAT, SUN = WEEK
MONDAY_TO_FRIDAY = (MON, TUE, WED, THU, FRI)
SUNDAY_TO_THURSDAY = (MON, TUE, WED, THU, SUN)


@pytest.mark.parametrize(
    ("nation", "days"),
    [
        # what others' data disagrees on
        ("AF", (MON, TUE, WED, SAT, SUN)),
        ("BD", SUNDAY_TO_THURSDAY),
        ("BN", (MON, TUE, WED, THU, SAT)),
        ("DJ", SUNDAY_TO_THURSDAY),
        ("LY", SUNDAY_TO_THURSDAY),
        ("MV", SUNDAY_TO_THURSDAY),
        ("MR", MONDAY_TO_FRIDAY),
        ("NE", MONDAY_TO_FRIDAY),
        ("UG", MONDAY_TO_FRIDAY),
        # a weekend of one day, and the two usual ones
        ("IR", (MON, TUE, WED, THU, SAT, SUN)),
        ("SA", SUNDAY_TO_THURSDAY),
        ("AE", MONDAY_TO_FRIDAY),
        ("MY", MONDAY_TO_FRIDAY),
        # nobody has data of these
        ("AQ", MONDAY_TO_FRIDAY),
        ("XN", MONDAY_TO_FRIDAY),
        ("", MONDAY_TO_FRIDAY),
    ],
)
def test_a_nation_works_on_its_own_days(nation: str, days: tuple[int, ...]) -> None:
    assert working_days(nation) == days


def test_every_nation_works_on_five_or_six_days() -> None:
    assert {len(working_days(code)) for code in ASSIGNED} == {5, 6}
