"""Timelines of a drill: what is past, what is to come, and what each nation did."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from taawun.platform.web.charts import (
    DETECTED,
    MISSED,
    SHARED,
    CannotDraw,
    Deed,
    Inject,
    Sign,
    Timeline,
    TimelineRow,
    Wording,
)
from tests.platform.web.charts.samples import ARABIC, ENGLISH, START, after, outside, shapes, words

ROWS = (
    TimelineRow(
        "XN",
        "North",
        (
            Deed(after(84), MISSED, "3"),
            Deed(after(28), DETECTED, "1"),
            Deed(after(28), SHARED),
        ),
        is_own=True,
    ),
    TimelineRow("XS", "South"),
)
INJECTS = (Inject("1", after(10)), Inject("2", after(240), "a call"))


def drill(**changed: object) -> Timeline:
    given: dict[str, object] = {"rows": ROWS, "injects": INJECTS, "now": after(120)}
    return Timeline("Nation", START, after(240), **{**given, **changed})  # type: ignore[arg-type]  # the test's own


@pytest.mark.parametrize("reader", [ENGLISH, ARABIC], ids=["en", "ar"])
def test_lines_are_solid_up_to_now_and_now_is_a_line_with_its_hour_on_top(reader) -> None:
    drawing = drill().draw(reader)
    (now,) = shapes(drawing, "line", "now")
    for row in shapes(drawing, "line", "done"):
        assert row["x2"] == now["x1"] == now["x2"]
        assert (float(row["x1"]) < float(row["x2"])) is not reader.is_rtl
    assert [each.y for each in words(drawing) if each.says == "08:00"][-1] == 15
    assert outside(drawing) == []


def test_injects_are_numbered_and_those_to_come_are_dashed() -> None:
    drawing = drill().draw(ENGLISH)
    assert [each["class"] for each in shapes(drawing, "g", "inject")] == ["inject", "inject to-come"]
    assert len(shapes(drawing, "line", "given")) == 1


def test_detected_is_a_circle_shared_a_diamond_missed_a_cross_and_none_hides_another() -> None:
    drawing = drill().draw(ENGLISH)
    assert [each["class"] for each in shapes(drawing, "g") if each["class"].startswith("deed")] == [
        "deed cross",
        "deed circle",
        "deed diamond",
    ]
    (circle,) = shapes(drawing, "circle", "mark")
    (diamond,) = shapes(drawing, "path", "diamond")
    # of one moment, so they stand beside each other
    assert float(diamond["d"][1:].split()[0]) - float(circle["cx"]) == pytest.approx(11, abs=0.1)
    assert len(shapes(drawing, "path", "cross")) == 1
    assert [each.words for each in drawing.key] == ["detected", "shared with others", "missed"]


def test_the_table_tells_each_deed_in_order_and_who_did_nothing() -> None:
    assert drill().table(ENGLISH).rows == (
        ("North", "detected", "1", "06:28"),
        ("North", "shared with others", "—", "06:28"),
        ("North", "missed", "3", "07:24"),
        ("South", "—", "—", "—"),
    )


def test_over_several_days_each_moment_bears_its_day_and_marks_mean_what_is_said_of_them() -> None:
    signed = Sign("diamond", "signed")
    wording = Wording((signed,), "Versions", "Version", "What was done")
    rows = (TimelineRow("XN", "North", (Deed(after(3 * 1440), signed, "2"),)),)
    timeline = drill(rows=rows, now=None, wording=wording)
    assert timeline.table(ENGLISH).heads == ("Nation", "What was done", "Version", "Time")
    assert timeline.table(ENGLISH).rows == (("North", "signed", "2", "25 Nov, 06:00"),)
    drawing = timeline.draw(ENGLISH)
    assert "Versions" in [each.says for each in words(drawing)]
    assert [each.words for each in drawing.key] == ["signed"]
    assert "North: signed, 25 Nov, 06:00" in drawing.svg(id="c", title="", description="")


@pytest.mark.parametrize(
    ("minutes", "first"),
    [
        (4, ["06:00", "06:01", "06:02"]),
        (240, ["06:00", "06:30"]),
        (1440, ["06:00", "09:00"]),
        (14400, ["24 Nov", "26 Nov"]),
    ],
)
def test_times_are_round_and_have_room(minutes: int, first: list[str]) -> None:
    timeline = Timeline("Nation", START, after(minutes), (TimelineRow("XN", "North"),))
    times = [each for each in words(timeline.draw(ENGLISH)) if each.classes == "axis"]
    assert [each.says for each in times][: len(first)] == first
    assert all(before.high < after.low for before, after in pairwise(times))


def test_one_that_is_over_has_no_now_and_one_that_did_not_begin_no_solid_line() -> None:
    over = drill(now=None).draw(ENGLISH)
    assert shapes(over, "line", "now") == []
    assert [each["class"] for each in shapes(over, "g", "inject")] == ["inject", "inject"]
    early = drill(now=START - timedelta(hours=1), rows=(TimelineRow("XS", "South"),)).draw(ENGLISH)
    assert shapes(early, "line", "now") == []
    (row,) = shapes(early, "line", "done")
    assert row["x1"] == row["x2"]


def test_forty_injects_of_one_minute_and_no_rows_stay_inside() -> None:
    crowd = tuple(Inject(str(number), START) for number in range(40))
    drawing = drill(injects=crowd, rows=()).draw(ARABIC)
    assert outside(drawing) == []
    assert len({each["x"] for each in shapes(drawing, "rect", "box")}) == 41


def test_one_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(CannotDraw, match="before it starts"):
        Timeline("Nation", after(1), START, ())
