"""Heat maps: the order of rows, the steps of colour, and what is missing."""

from __future__ import annotations

import pytest

from taawun.platform.web.charts import CannotDraw, HeatColumn, HeatMap, HeatRow
from tests.platform.web.charts.samples import ARABIC, ENGLISH, outside, shapes, words

NATIONS = (HeatColumn("Demo North", "XN", is_own=True), HeatColumn("Demo South", "XS"))


def test_rows_are_sorted_by_most_missing_then_by_most_seen() -> None:
    rows = (
        HeatRow("a", (1, 2), seen=9),
        HeatRow("b", (None, 2), seen=3),
        HeatRow("c", (None, None)),
        HeatRow("d", (None, 1), seen=7),
    )
    heat = HeatMap("Technique", NATIONS, rows, seen="Seen", missing="none")
    assert [row.name for row in heat.ordered] == ["c", "d", "b", "a"]
    table = heat.table(ENGLISH)
    assert table.heads == ("Technique", "Seen", "Demo North", "Demo South")
    assert table.rows == (
        ("c", "—", "none", "none"),
        ("d", "7", "none", "1"),
        ("b", "3", "none", "2"),
        ("a", "9", "1", "2"),
    )


def test_cells_are_as_dark_as_their_numbers_and_the_number_is_written_in_each() -> None:
    nations = tuple(HeatColumn(f"Nation {number}", f"X{number}") for number in range(9))
    heat = HeatMap("Technique", nations, (HeatRow("a", tuple(range(9)), "T1190"),))
    drawing = heat.draw(ENGLISH)
    assert [each["class"] for each in shapes(drawing, "g") if each.get("class", "").startswith("h")] == [
        "h0", "h1", "h1", "h2", "h2", "h3", "h3", "h4", "h4",
    ]  # fmt: skip
    assert [each.says for each in words(drawing)][-9:] == [str(number) for number in range(9)]
    assert [each.words for each in drawing.key] == ["1–2", "3–4", "5–6", "7 or more"]


@pytest.mark.parametrize(
    ("values", "bounds", "steps", "key"),
    [
        ((1, 0), (), ["h4", "h0"], ["1 or more"]),
        ((2, 1), (), ["h4", "h3"], ["1", "2 or more"]),
        ((0, 0), (), ["h0", "h0"], []),
        ((2, 9), (1, 2, 4, 6), ["h2", "h4"], ["1", "2–3", "4–5", "6 or more"]),
        ((0.5, 1), (), ["h3", "h4"], ["0–0.25", "0.25–0.5", "0.5–0.75", "0.75 or more"]),
    ],
)
def test_few_values_have_few_steps_that_end_at_the_strongest(
    values: tuple[float, ...], bounds: tuple[float, ...], steps: list[str], key: list[str]
) -> None:
    drawing = HeatMap("Technique", NATIONS, (HeatRow("a", values),), bounds=bounds).draw(ENGLISH)
    assert [each["class"] for each in shapes(drawing, "g") if each.get("class", "").startswith("h")] == steps
    assert [each.words for each in drawing.key] == key


def test_missing_is_no_pale_cell_but_hatched_in_gold_with_a_word() -> None:
    drawing = HeatMap("Technique", NATIONS, (HeatRow("a", (None, 3)),), missing="none").draw(ENGLISH)
    (outline,) = shapes(drawing, "rect", "outline")
    assert (outline["width"], outline["height"]) == ("43", "25")
    assert [each.says for each in words(drawing) if "none" in each.classes] == ["none"]
    assert drawing.key[0].words == "none"


def test_the_first_column_is_at_the_side_where_the_reader_begins() -> None:
    heat = HeatMap("Technique", NATIONS, (HeatRow("a", (1, 2), "T1190"),))
    for reader, comes_first in ((ENGLISH, False), (ARABIC, True)):
        drawing = heat.draw(reader)
        north, south = (next(each.x for each in words(drawing) if each.says == code) for code in ("XN", "XS"))
        assert (north > south) is comes_first
        code = next(each for each in words(drawing) if each.says == "T1190")
        assert not code.is_rtl


def test_empty_and_very_large_ones_are_drawn_too() -> None:
    assert HeatMap("Technique", NATIONS, ()).table(ENGLISH).rows == ()
    assert outside(HeatMap("Technique", (), ()).draw(ENGLISH)) == []
    columns = tuple(HeatColumn(f"Nation {number}") for number in range(57))
    rows = tuple(HeatRow(f"Row {number}", (1_000_000,) * 57) for number in range(30))
    assert outside(HeatMap("Technique", columns, rows).draw(ARABIC)) == []


def test_rows_that_do_not_fit_and_amounts_below_zero_are_refused() -> None:
    with pytest.raises(CannotDraw, match="a has 1 values for 2 columns"):
        HeatMap("Technique", NATIONS, (HeatRow("a", (1,)),))
    with pytest.raises(CannotDraw, match="a, Demo South has -1"):
        HeatMap("Technique", NATIONS, (HeatRow("a", (1, -1)),))
