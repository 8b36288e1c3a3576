"""Flows: bands as wide as their counts, and numbers before names on either side."""

from __future__ import annotations

from itertools import pairwise

import pytest

from taawun.platform.web.charts import Band, CannotDraw, Flow
from tests.platform.web.charts.samples import ARABIC, ENGLISH, outside, shapes, words


def flow(*bands: Band, is_other: bool = False) -> Flow:
    return Flow("Kind", "Releases", bands, ("We gave", "862 releases"), is_other=is_other)


@pytest.mark.parametrize(
    ("reader", "whole", "part"), [(ENGLISH, "130", "290"), (ARABIC, "342", "182")], ids=["en", "ar"]
)
def test_it_begins_where_the_reader_does(reader, whole: str, part: str) -> None:
    drawing = flow(Band(3, "reports"), Band(1, "rules")).draw(reader)
    bars = shapes(drawing, "rect", "bar")
    assert [(each["x"], each["height"]) for each in bars] == [(whole, "150"), (part, "112.5"), (part, "37.5")]
    assert outside(drawing) == []


def test_the_number_stands_before_the_name_in_the_direction_of_the_page() -> None:
    labels = [each for each in words(flow(Band(3, "reports"), Band(1, "قواعد")).draw(ARABIC)) if each.x < 200]
    assert [(each.says, each.is_rtl) for each in labels] == [("3 reports", True), ("1 قواعد", True)]
    assert len(shapes(flow(Band(3, "reports")).draw(ARABIC), "tspan", "isolated")) == 1


def test_labels_keep_apart_however_small_the_bands_are_and_the_table_says_the_same() -> None:
    bands = [Band(count, f"kind {count}") for count in (1000, 7, 6, 5, 4, 3, 2, 1)]
    drawing = flow(*bands).draw(ENGLISH)
    labels = [each.y for each in words(drawing) if "kind" in each.says]
    assert all(below - above >= 17.9 for above, below in pairwise(labels))
    assert outside(drawing) == []
    assert flow(*bands).table(ENGLISH).rows[:2] == (("kind 1000", "1000"), ("kind 7", "7"))


def test_the_other_side_has_the_second_colour_nothing_is_no_fault_and_an_empty_part_is_refused() -> None:
    assert flow(Band(1, "a"), is_other=True).draw(ENGLISH).name == "flow s2"
    assert (outside(flow().draw(ENGLISH)), flow().table(ENGLISH).rows) == ([], ())
    with pytest.raises(CannotDraw, match="rules has 0: a flow shows parts that are more than none"):
        flow(Band(0, "rules"))
