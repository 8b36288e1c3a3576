"""Radar charts: which way round, how far out, and what is left open."""

from __future__ import annotations

import pytest

from taawun.platform.web.charts import CannotDraw, Radar, Series
from tests.platform.web.charts.samples import ARABIC, ENGLISH, outside, shapes, words

PILLARS = (
    "Education and training",
    "Research",
    "Threat-intelligence sharing",
    "Standards",
    "Innovation",
    "Resilience and response",
    "Cooperation",
)


def test_axes_run_clockwise_from_the_top_and_the_other_way_for_who_reads_from_the_right() -> None:
    radar = Radar("Pillar", PILLARS, (Series("Ours", (50,) * 7),))
    left, right = ({each.says: each for each in words(radar.draw(reader))} for reader in (ENGLISH, ARABIC))
    assert left["Research"].x > 210 > left["Cooperation"].x
    assert right["Research"].x < 210 < right["Cooperation"].x
    assert left["training"].x == right["training"].x == 210
    assert left["training"].y < left["Research"].y < left["intelligence"].y < left["Standards"].y
    assert (outside(radar.draw(ENGLISH)), outside(radar.draw(ARABIC))) == ([], [])


def test_values_lie_on_their_axis_between_the_middle_and_the_rim() -> None:
    square = Radar("Pillar", ("N", "E", "S", "W"), (Series("Ours", (100, 50, 0, 100)),))
    (line,) = shapes(square.draw(ENGLISH), "path", "line")
    assert line["d"] == "M210 27L262 131L210 131L106 131Z"
    assert shapes(square.draw(ARABIC), "path", "line")[0]["d"] == "M210 27L158 131L210 131L314 131Z"
    assert len(shapes(square.draw(ENGLISH), "path", "area")) == 1


def test_what_nobody_knows_leaves_the_line_open_marks_the_axis_and_is_a_dash_in_the_table() -> None:
    radar = Radar(
        "Pillar", ("N", "E", "S", "W"), (Series("Ours", (100, None, 0, 100)), Series("All", (9,) * 4))
    )
    drawing = radar.draw(ENGLISH)
    assert len(shapes(drawing, "path", "line")) == 3  # two sides that are known, and the other series
    assert shapes(drawing, "path", "area") == []
    assert len(shapes(drawing, "g", "missing")) == 1
    assert radar.table(ENGLISH).rows == (
        ("N", "100", "9"),
        ("E", "—", "9"),
        ("S", "0", "9"),
        ("W", "100", "9"),
    )
    assert [each.words for each in drawing.key] == ["Ours", "All"]


@pytest.mark.parametrize(
    ("axes", "series", "says"),
    [
        (2, [(1, 2)], "A radar needs three axes, and has 2"),
        (3, [(1, 2)], "S0 has 2 values for 3 axes"),
        (3, [(1, 2, 101)], "S0, A2 has 101: the rim is 100"),
        (3, [(1, 2, -1)], "S0, A2 has -1"),
        (3, [(1, 2, 3)] * 6, "at most 5 series, not 6"),
    ],
)
def test_what_is_no_radar_is_refused(axes: int, series: list[tuple[float, ...]], says: str) -> None:
    with pytest.raises(CannotDraw, match=says):
        Radar(
            "Pillar",
            tuple(f"A{number}" for number in range(axes)),
            tuple(Series(f"S{number}", values) for number, values in enumerate(series)),
        )
