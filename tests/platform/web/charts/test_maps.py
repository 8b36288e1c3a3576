"""The map of nations: one tile each, never mirrored, and invented nations where nobody is."""

from __future__ import annotations

from itertools import product

import pytest

from taawun.platform.web.charts import CannotDraw, MapNation, Standing, TileMap
from taawun.platform.web.charts.maps import _grid, _invented, _places
from tests.platform.web.charts.samples import ARABIC, ENGLISH, outside, shapes, words

MEMBER = Standing("Member with a node", 4)
PREPARING = Standing("Member, node in preparation", 2)


def chart(*nations: MapNation) -> TileMap:
    return TileMap("Nation", "How it takes part", nations)


def test_the_grid_has_195_nations_of_which_none_share_a_tile() -> None:
    cells = set(_grid().values())
    assert (len(_grid()), len(cells)) == (195, 195)
    assert (max(column for column, _row in cells), max(row for _column, row in cells)) == (31, 17)


def test_members_are_tiles_partners_have_a_gold_outline_and_others_are_small_squares() -> None:
    nations = chart(
        MapNation("EG", "Egypt", MEMBER, is_own=True),
        MapNation("JO", "Jordan", PREPARING),
        MapNation("MT", "Malta"),
    )
    drawing = nations.draw(ENGLISH)
    assert [each["class"] for each in shapes(drawing, "g")] == ["h4", "h2", "partner"]
    assert len(shapes(drawing, "rect", "ring")) == 1
    (egypt, *_others) = shapes(drawing, "rect", "cell")
    assert (egypt["x"], egypt["y"], egypt["width"], egypt["height"]) == ("249.5", "284.5", "29", "29")
    elsewhere = shapes(drawing, "rect", "elsewhere")
    assert len(elsewhere) == sum(column >= 9 for column, _row in _grid().values()) - 3
    assert {(each["width"], each["height"]) for each in elsewhere} == {("6", "6")}
    assert [each.words for each in drawing.key] == [
        "Member with a node, 1",
        "Member, node in preparation, 1",
        "Partner, 1",
        "Another nation, no status shown",
        "Your nation",
    ]
    assert nations.table(ENGLISH).rows == (
        ("Egypt", "Member with a node"),
        ("Jordan", "Member, node in preparation"),
        ("Malta", "Partner"),
    )


def test_it_is_never_mirrored_and_always_says_that_it_says_nothing_about_borders() -> None:
    nations = chart(MapNation("EG", "مصر", MEMBER), MapNation("XN", "الشمال", MEMBER))
    assert nations.draw(ARABIC).body == nations.draw(ENGLISH).body
    assert "placed approximately; it says nothing about borders" in nations.draw(ENGLISH).note
    assert [each.is_rtl for each in words(nations.draw(ARABIC))] == [False, False]


def test_the_americas_are_left_out_unless_one_of_them_takes_part() -> None:
    assert chart(MapNation("EG", "Egypt")).draw(ENGLISH).width == 808
    assert chart(MapNation("EG", "Egypt"), MapNation("BR", "Brazil")).draw(ENGLISH).width == 1088


def test_invented_nations_lie_one_cell_away_from_every_real_one_and_always_in_the_same_place() -> None:
    codes = _invented()
    assert (codes[0], codes[23], codes[24], len(codes)) == ("XA", "XZ", "QM", 36)
    assert not {"XK", "XX", "QO", "QU"} & set(codes)
    places = _places(tuple(codes))
    taken = {
        (column + across, row + down)
        for column, row in _grid().values()
        for across, down in product((-1, 0, 1), repeat=2)
    }
    assert len(set(places.values())) == 36
    assert not taken & set(places.values())
    assert all(9 <= column <= 31 and 1 <= row <= 17 for column, row in places.values())
    assert _places(("EG", "XN")) == {"EG": _grid()["EG"], "XN": places["XN"]}


def test_a_code_that_nobody_has_a_place_for_lies_where_it_is_free_or_in_the_table_alone() -> None:
    strange = tuple(f"{first}{second}" for first in "abcdefgh" for second in "0123456789")
    nations = chart(*(MapNation(code, code) for code in strange))
    assert outside(nations.draw(ENGLISH)) == []
    assert len(shapes(nations.draw(ENGLISH), "g", "partner")) == 110 - 36
    assert len(nations.table(ENGLISH).rows) == 80
    assert "lie where it is free" in nations.draw(ENGLISH).note


def test_a_nation_that_is_there_twice_and_a_step_that_there_is_not_are_refused() -> None:
    with pytest.raises(CannotDraw, match="EG is on the map twice"):
        chart(MapNation("EG", "Egypt"), MapNation("EG", "Egypt"))
    with pytest.raises(CannotDraw, match="Member has the step 5"):
        Standing("Member", 5)
