"""The stylesheet mirrors by itself, and its colours can be read."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import taawun.platform.web
from taawun.foundation.tlp import Tlp

STYLESHEET = (Path(taawun.platform.web.__file__).parent / "static/web/taawun.css").read_text(encoding="utf-8")
RULES = re.sub(r"/\*.*?\*/", "", STYLESHEET, flags=re.DOTALL)
DECLARATIONS = re.findall(r"([\w-]+)\s*:\s*([^;{}]+)[;}]", RULES)
# physical properties, and those whose values name a side
PHYSICAL = re.compile(
    r"^((margin|padding|border)-(left|right|top|bottom)(-.*)?|left|right|top|bottom|float|clear"
    r"|border-(top|bottom)-(left|right)-radius|width|height|(min|max)-(width|height))$"
)
GROUNDS = ("paper", "sheet", "sunk", "green-tint", "gold-tint", "alarm-tint")


def colours(theme: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in re.findall(r"--([\w-]+):\s*(light-dark\([^)]*\)|#[0-9A-F]{6})", RULES):
        pair = re.findall(r"#[0-9A-F]{6}", value)
        if pair:
            found.setdefault(name, pair[theme] if len(pair) == 2 else pair[0])  # print comes last
    return found


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_no_declaration_names_a_side() -> None:
    assert len(DECLARATIONS) > 500
    physical = [name for name, _value in DECLARATIONS if PHYSICAL.match(name)]
    sided = [value for _name, value in DECLARATIONS if re.search(r"(?<![\w-])(left|right)(?![\w-])", value)]
    assert physical == []
    assert sided == []


@pytest.mark.parametrize(
    "name", ["margin", "padding", "inset", "border-width", "border-style", "border-color"]
)
def test_no_shorthand_gives_the_two_sides_of_a_line_different_values(name: str) -> None:
    four = [value.split() for found, value in DECLARATIONS if found == name and len(value.split()) == 4]
    assert [value for value in four if value[1] != value[3]] == []


def test_arabic_is_never_slanted_spaced_or_justified() -> None:
    names = {name for name, _value in DECLARATIONS}
    assert names.isdisjoint({"letter-spacing", "font-style", "text-transform"})
    assert "justify" not in {value for name, value in DECLARATIONS if name == "text-align"}


def test_nothing_is_asked_from_elsewhere() -> None:
    assert "url(" not in RULES
    assert "@import" not in RULES
    assert "@font-face" not in RULES


def test_only_three_importances_are_needed_more_than_the_reader() -> None:
    important = {name for name, value in DECLARATIONS if "!important" in value}
    assert important == {"display", "transition", "animation"}


@pytest.mark.parametrize(
    ("theme", "name", "lowest"),
    [
        (0, "ink", 14.2),
        (0, "ink-2", 7.2),
        (0, "ink-3", 5.0),
        (0, "green", 7.0),
        (0, "gold", 5.8),
        (0, "alarm", 6.5),
        (1, "ink", 11.6),
        (1, "ink-2", 7.5),
        (1, "ink-3", 5.1),
        (1, "green", 7.0),
        (1, "gold", 7.6),
        (1, "alarm", 6.3),
    ],
)
def test_text_can_be_read_on_every_ground(theme: int, name: str, lowest: float) -> None:
    known = colours(theme)
    measured = min(contrast(known[name], known[ground]) for ground in GROUNDS)
    assert measured == pytest.approx(lowest, abs=0.06)


@pytest.mark.parametrize(("theme", "ground"), list(product((0, 1), ("paper", "sheet"))))
def test_the_edge_of_a_control_can_be_seen(theme: int, ground: str) -> None:
    known = colours(theme)
    assert contrast(known["edge"], known[ground]) >= 3


@pytest.mark.parametrize(("theme", "lowest"), [(0, 7.3), (1, 9.4)])
def test_the_header_can_be_read(theme: int, lowest: float) -> None:
    known = colours(theme)
    assert contrast(known["on-cover-2"], known["cover"]) == pytest.approx(lowest, abs=0.06)


def test_the_markings_have_the_colours_of_first_in_both_themes() -> None:
    chips = dict(re.findall(r"\.tlp-([\w-]+)(?:, \.tlp-[\w-]+)? \{ color: (#\w+);", RULES))
    assert chips == {"green": "#33FF00", "amber": "#FFC000", "red": "#FF2B2B"}
    assert "light-dark(#33FF00" not in RULES


# ---- on paper ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("marking", list(Tlp))
def test_every_marking_stands_in_the_head_and_foot_of_its_paper(marking: Tlp) -> None:
    # the class is that of the templates: class="paper-{{ marking.name|lower }}"
    [name] = re.findall(rf"\.paper-{marking.name.lower()} \{{ page: ([\w-]+); \}}", RULES)
    [page] = re.findall(rf"@page {name} \{{(.*)\}}", RULES)
    for edge in ("@top-center", "@bottom-center"):
        assert f'{edge} {{ content: "{marking.label}"; font-weight: 700; }}' in page


def test_what_is_shortened_on_a_screen_stands_whole_on_paper() -> None:
    [_before, *papers] = RULES.split("@media print {")
    whole = ".code code[title]::after { content: attr(title); font-size: 9pt; overflow-wrap: anywhere; }"
    assert [whole in each.split("\n}\n", 1)[0] for each in papers] == [True, False]
