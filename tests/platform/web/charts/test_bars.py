"""Bar charts: how long bars are, from which side they begin, and what is written beside them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from taawun.platform.web.charts import Bar, Bars, CannotDraw
from tests.platform.web.charts.samples import ARABIC, ENGLISH, outside, shapes, words


def chart(*bars: Bar) -> Bars:
    return Bars("Kind", "Releases", bars, width=400)


def test_bars_begin_where_the_reader_does_and_are_as_long_as_their_values() -> None:
    bars = chart(Bar("Reports", 50), Bar("Sightings", 200))
    (short, long), (right_short, right_long) = (
        shapes(bars.draw(reader), "rect", "bar") for reader in (ENGLISH, ARABIC)
    )
    assert short["x"] == long["x"]
    assert float(long["width"]) == pytest.approx(4 * float(short["width"]), abs=0.3)
    # from the right they end at one edge, at the same distance from it
    for left, right in ((short, right_short), (long, right_long)):
        assert float(right["x"]) + float(right["width"]) == pytest.approx(400 - float(left["x"]), abs=0.1)
        assert right["width"] == left["width"]


def test_the_number_stands_behind_the_bar_and_the_table_says_the_same() -> None:
    bars = chart(Bar("Reports", 61), Bar("Rules", 18, is_compared=True))
    drawing = bars.draw(ENGLISH)
    assert [each.says for each in words(drawing)] == ["Reports", "61", "Rules", "18"]
    assert [each["class"] for each in shapes(drawing, "g")] == ["s1", "s2"]
    assert bars.table(ENGLISH).rows == (("Reports", "61"), ("Rules", "18"))
    (bar, _other), number = (
        shapes(drawing, "rect", "bar"),
        next(each for each in words(drawing) if each.says == "61"),
    )
    assert number.x == pytest.approx(float(bar["x"]) + float(bar["width"]) + 8, abs=0.1)


def test_zero_has_no_bar_and_what_nobody_knows_is_hatched_and_said() -> None:
    bars = Bars("Kind", "Releases", (Bar("Courses", 0), Bar("Drills", None)), missing="not told")
    drawing = bars.draw(ENGLISH)
    assert shapes(drawing, "rect", "bar") == []
    assert len(shapes(drawing, "g", "missing")) == 1
    assert [each.says for each in words(drawing)] == ["Courses", "0", "Drills", "not told"]
    assert bars.table(ENGLISH).rows == (("Courses", "0"), ("Drills", "not told"))


def test_a_hundred_bars_stand_below_each_other_and_none_at_all_are_no_fault() -> None:
    drawing = chart(*(Bar(f"Kind {number}", number) for number in range(1, 101))).draw(ARABIC)
    assert outside(drawing) == []
    rows = [float(each["y"]) for each in shapes(drawing, "rect", "bar")]
    assert [after - before for before, after in pairwise(rows)] == [28.0] * 99
    assert drawing.height == 2812
    assert outside(chart().draw(ENGLISH)) == []


def test_an_amount_below_zero_is_refused_by_name() -> None:
    with pytest.raises(CannotDraw, match=r"A chart shows amounts from 0 on: Reports has -1\."):
        chart(Bar("Reports", -1))
