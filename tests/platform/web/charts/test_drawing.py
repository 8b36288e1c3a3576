"""What all charts draw with: mirroring, the direction of text, round numbers, and labels that keep apart."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.utils.translation import override
from hypothesis import example, given
from hypothesis import strategies as st

from taawun.platform.web.charts import CannotDraw
from taawun.platform.web.charts.drawing import (
    Canvas,
    Reader,
    checked,
    round_steps,
    shortened,
    spread,
    width_of,
    wrapped,
)
from tests.platform.web.charts.samples import ARABIC, ENGLISH, all_kinds, outside, parsed

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [
    "Demo South",
    "الجنوب",
    "A name of very many words " * 8,
    "كلمات كثيرة جدًّا " * 12,
    "W" * 200,
    "م" * 200,
    "<b>&",
]


def test_who_reads_from_the_right_gets_every_shape_turned_around() -> None:
    canvas = Canvas(100, is_rtl=True)
    assert canvas.rect("bar", 10, 5, 30, 8) == '<rect class="bar" x="60" y="5" width="30" height="8"/>'
    assert canvas.path("line", [(0, 1), (100, 2.25)], dash="6 4") == (
        '<path class="line" d="M100 1L0 2.2" stroke-dasharray="6 4"/>'
    )
    assert canvas.mark("circle", 20, 5) == '<circle class="mark" cx="80" cy="5" r="4"/>'


@pytest.mark.parametrize(
    ("words", "page_is_rtl", "expected"),
    [
        ("South", False, 'x="10" y="9" text-anchor="start">'),
        ("الجنوب", False, 'x="10" y="9" text-anchor="end" direction="rtl">'),
        ("الجنوب", True, 'x="90" y="9" text-anchor="start" direction="rtl">'),
        ("South", True, 'x="90" y="9" text-anchor="end">'),
        # what has no direction of its own takes that of the page
        ("12", True, 'x="90" y="9" text-anchor="start" direction="rtl">'),
        ("12", False, 'x="10" y="9" text-anchor="start">'),
    ],
)
def test_text_runs_as_its_letters_do_and_stays_at_its_side(
    words: str, page_is_rtl: bool, expected: str
) -> None:
    assert Canvas(100, page_is_rtl).text(10, 9, words) == f"<text {expected}{words}</text>"


def test_what_is_too_long_is_cut_and_whole_when_hovered() -> None:
    drawn = Canvas(100).text(0, 9, "A very long name", room=60)
    assert drawn == '<text x="0" y="9" text-anchor="start">A very l…<title>A very long name</title></text>'
    assert width_of(shortened("م" * 200, 60)) <= 60


def test_a_name_of_several_words_breaks_at_blanks_and_hyphens() -> None:
    assert wrapped("Threat-intelligence sharing", 84) == ["Threat-", "intelligence", "sharing"]
    assert wrapped("a b c d e", 8, most=3) == ["a", "b", "…"]


def test_the_place_of_a_missing_value_is_hatched_up_to_its_edges() -> None:
    assert Canvas(100).missing(10, 20, 8, 8) == (
        '<g class="missing"><path class="hatch" d="M10 26L16 20M15 28L18 25"/>'
        '<rect class="outline" x="10.5" y="20.5" width="7" height="7" rx="2"/></g>'
    )


# ---- numbers ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("most", "is_whole", "steps"),
    [
        (18, True, [0, 5, 10, 15, 20]),
        (100, True, [0, 50, 100]),
        (4, True, [0, 1, 2, 3, 4]),
        (1, True, [0, 1]),
        (0, True, [0, 1]),
        (0.3, False, [0, 0.1, 0.2, 0.3]),
        (1_234_567, True, [0, 500_000, 1_000_000, 1_500_000]),
    ],
)
def test_an_axis_has_round_steps(most: float, is_whole: bool, steps: list[float]) -> None:
    assert round_steps(most, is_whole=is_whole) == steps


@given(st.floats(1e-6, 1e12))
@example(0.07)
def test_an_axis_reaches_its_largest_value_and_little_further(most: float) -> None:
    steps = round_steps(most)
    assert 2 <= len(steps) <= 6
    assert steps[-2] < most * (1 + 1e-6)
    assert steps[-1] >= most * (1 - 1e-6)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_what_is_no_amount_is_refused_by_its_place(value: float) -> None:
    with pytest.raises(CannotDraw, match="A chart shows amounts from 0 on: South, May has"):
        checked(value, "South, May")


@given(st.lists(st.floats(0, 200), max_size=12))
def test_labels_keep_apart_in_their_order_and_inside(wanted: list[float]) -> None:
    placed = spread(wanted, 16, 0, 200)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    gap = min(16, 200 / max(1, len(wanted) - 1))
    assert all(placed[after] - placed[before] >= gap - 1e-6 for before, after in pairwise(order))
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in placed)


def test_labels_that_are_apart_stay_where_they_are_and_others_share_the_way() -> None:
    assert spread([10, 100], 16, 0, 200) == [10, 100]
    assert spread([100, 100], 16, 0, 200) == [92, 108]
    assert spread([3, 1], 16, 0, 200) == [16, 0]
    assert spread([], 16, 0, 200) == []


def test_zero_alone_is_a_word_in_arabic_whose_digit_is_a_dot() -> None:
    with override("ar"):
        assert [Reader.of_page().is_rtl, ARABIC.alone(0), ARABIC.alone(7)] == [True, "صفر", "7"]
    assert ENGLISH.alone(0) == "0"


# ---- of every kind ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", list(all_kinds()))
def test_every_chart_is_named_and_described_and_its_table_has_as_many_cells_as_heads(kind: str) -> None:
    picture = all_kinds()[kind]
    svg = parsed(picture.draw(ENGLISH))
    assert [svg.get("id"), svg.get("aria-labelledby"), svg.get("aria-describedby")] == [
        "c",
        "c-title",
        "c-desc",
    ]
    assert [svg.findtext(f"{SVG}title"), svg.findtext(f"{SVG}desc")] == ["What it shows", "What one sees."]
    assert svg.get("role") == ("group" if kind == "graph" else "img")
    table = picture.table(ENGLISH)
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.heads)}


@pytest.mark.parametrize("reader", [ENGLISH, ARABIC], ids=["en", "ar"])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_nothing_leaves_a_drawing_whatever_things_are_called(reader: Reader, name: str) -> None:
    faults = {kind: outside(picture.draw(reader)) for kind, picture in all_kinds(name).items()}
    assert {kind: found for kind, found in faults.items() if found} == {}
