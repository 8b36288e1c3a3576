"""Line charts: where lines go, how they are told apart, and what stands at their ends."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.platform.web.charts import CannotDraw, Lines, Series
from tests.platform.web.charts.samples import ARABIC, ENGLISH, outside, shapes, words

MONTHS = ("Apr", "May", "Jun")


def chart(*series: Series, steps: tuple[str, ...] = MONTHS) -> Lines:
    return Lines("Month", steps, series, width=500, height=220)


def many(count: int) -> tuple[Series, ...]:
    return tuple(Series(f"N{number}", (number, number, number)) for number in range(1, count + 1))


@pytest.mark.parametrize(
    ("reader", "path"),
    [(ENGLISH, "M24.2 147L235.9 102L447.6 12"), (ARABIC, "M475.8 147L264.1 102L52.4 12")],
    ids=["en", "ar"],
)
def test_time_begins_where_the_reader_does(reader, path: str) -> None:
    (line,) = shapes(chart(Series("South", (5, 10, 20))).draw(reader), "path", "line")
    assert line["d"] == path


def test_series_are_told_apart_by_colour_dash_and_mark() -> None:
    drawing = chart(*many(5)).draw(ENGLISH)
    # ours lies over the others, so it is drawn last
    assert [each["class"] for each in shapes(drawing, "g")] == ["s5", "s4", "s3", "s2", "s1"]
    dashes = [each.get("stroke-dasharray") for each in shapes(drawing, "path", "line")]
    assert dashes == ["1 3", "8 3 2 3", "2 4", "6 4", None]
    marks = [each["class"] for each in shapes(drawing, "path", "mark")]
    assert marks == ["mark cross", "mark triangle", "mark diamond", "mark square"]
    assert len(shapes(drawing, "circle", "mark")) == 1


def test_beyond_five_the_rest_is_one_line_and_the_table_has_each() -> None:
    lines = chart(*many(7))
    names = [each.says for each in words(lines.draw(ENGLISH)) if "name" in each.classes]
    assert names == ["others", "N4", "N3", "N2", "N1"]
    # 5, 6 and 7 are 18: near the top of an axis that ends at 20
    assert shapes(lines.draw(ENGLISH), "path", "line")[0]["d"].split()[1].startswith("30")
    assert lines.table(ENGLISH).heads == ("Month", "N1", "N2", "N3", "N4", "N5", "N6", "N7")


def test_what_nobody_knows_is_a_gap_and_a_dash_in_the_table() -> None:
    lines = chart(
        Series("South", (4, None, 6)), Series("East", (None, 2, None)), Series("Coast", (None,) * 3)
    )
    drawing = lines.draw(ENGLISH)
    assert shapes(drawing, "path", "line") == []
    # a value without neighbours is a mark; what is not known at all has no line
    assert [len(shapes(drawing, "circle", "mark")), len(shapes(drawing, "path", "square"))] == [2, 1]
    assert [each.says for each in words(drawing) if "name" in each.classes] == ["East", "South"]
    assert lines.table(ENGLISH).rows == (
        ("Apr", "4", "—", "—"),
        ("May", "—", "2", "—"),
        ("Jun", "6", "—", "—"),
    )
    # the line that ended early is led to its name
    assert len(shapes(drawing, "line", "leader")) == 1


def test_one_step_only_zeros_and_nothing_at_all_are_drawn_too() -> None:
    (point,) = shapes(chart(Series("South", (3,)), steps=("Apr",)).draw(ENGLISH), "circle", "mark")
    assert point["cy"] == "12"
    zeros = chart(Series("South", (0, 0, 0))).draw(ENGLISH)
    assert shapes(zeros, "path", "line")[0]["d"].count(" 192") == 3
    assert [each.says for each in words(zeros) if each.classes == "axis"][:2] == ["0", "1"]
    empty = Lines("Month", (), ())
    assert (empty.table(ENGLISH).rows, outside(empty.draw(ENGLISH))) == ((), [])


def test_steps_are_named_as_far_as_there_is_room() -> None:
    steps = tuple(f"day {number}" for number in range(100))
    drawing = chart(Series("South", tuple(range(100))), steps=steps).draw(ENGLISH)
    named = [each for each in words(drawing) if each.says.startswith("day")]
    assert named[0].says == "day 0"
    assert 6 <= len(named) <= 12
    assert all(before.high < after.low for before, after in pairwise(named))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((1, 2), "South has 2 values for 3 steps"),
        ((1, -2, 3), "from 0 on: South, May has -2. Show a difference"),
    ],
)
def test_what_is_no_chart_is_refused(values: tuple[float, ...], says: str) -> None:
    with pytest.raises(CannotDraw, match=says):
        chart(Series("South", values))


values = st.lists(st.none() | st.integers(0, 10**9), min_size=3, max_size=3).map(tuple)


@given(st.lists(values, min_size=1, max_size=8), st.sampled_from([ENGLISH, ARABIC]))
def test_names_at_the_ends_never_overlap_and_nothing_leaves_the_drawing(rows, reader) -> None:
    series = tuple(Series(f"Nation number {at}", row) for at, row in enumerate(rows))
    drawing = chart(*series).draw(reader)
    assert outside(drawing) == []
    ends = sorted(each.y for each in words(drawing) if "name" in each.classes)
    assert all(below - above >= 15.8 for above, below in pairwise(ends))
