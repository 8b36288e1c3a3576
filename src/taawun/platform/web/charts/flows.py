"""Flows: how something divides into kinds, as bands from one side to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from taawun.platform.web.charts.drawing import (
    CannotDraw,
    Canvas,
    Drawing,
    Reader,
    Table,
    begins_right,
    joined,
    px,
    shortened,
    width_of,
)

__all__ = ["MOST_BANDS", "Band", "Flow"]

MOST_BANDS: Final = 7
"""More bands than this are gathered into the last one: nobody tells them apart."""

_WIDTH, _BAR, _FROM, _TO = 480, 8, 130, 290
_TOP, _HEIGHT, _GAP, _LEAST, _LABEL = 10, 150, 10, 2, 18


@dataclass(frozen=True, slots=True)
class Band:
    """One part.

    Args:
        count: how many, more than none.
        name: of what.
    """

    count: int
    name: str


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow.

    Args:
        head: what the parts are, for the table: “Kind”.
        amount: what is counted, for the table: “Releases”.
        bands: the largest first; at most :data:`MOST_BANDS` and one for the others.
        whole: two lines beside the whole.
        is_other: whether it is the other side's: the second colour.

    Raises:
        CannotDraw: a part has nothing in it.
    """

    head: str
    amount: str
    bands: tuple[Band, ...]
    whole: tuple[str, str]
    is_other: bool = False

    def __post_init__(self) -> None:
        for band in self.bands:
            if band.count <= 0:
                raise CannotDraw(f"{band.name} has {band.count}: a flow shows parts that are more than none.")

    def table(self, reader: Reader) -> Table:
        """A row for each part."""
        rows = tuple((band.name, reader.write(band.count)) for band in self.bands)
        return Table((self.head, self.amount), rows, frozenset({1}))

    def draw(self, reader: Reader) -> Drawing:
        """Draw it; it begins at the side where the reader begins."""
        canvas = Canvas(_WIDTH, reader.is_rtl)
        all_of_it = sum(band.count for band in self.bands) or 1
        heights = [max(_LEAST, _HEIGHT * band.count / all_of_it) for band in self.bands]
        ends = _ends(heights)
        foot = ends[-1] + heights[-1] + _TOP if ends else _LABEL * 3
        height = round(max(_TOP * 2 + sum(heights), foot))
        begin = _TOP + (height - 2 * _TOP - sum(heights)) / 2
        parts = [canvas.rect("bar", _FROM, begin, _BAR, sum(heights))] if heights else []
        at = begin
        for band, size, end in zip(self.bands, heights, ends, strict=True):
            parts += [_band(canvas, at, end, size), canvas.rect("bar", _TO, end, _BAR, size)]
            parts.append(_label(canvas, end + size / 2 + 4, reader.write(band.count), band.name))
            at += size
        middle = begin + sum(heights) / 2
        for below, classes, words in ((-2, "whole", self.whole[0]), (14, "part", self.whole[1])):
            parts.append(
                canvas.text(
                    _FROM - 8,
                    middle + below,
                    words,
                    classes,
                    anchor="end",
                    room=_FROM - 10,
                    is_bold=classes == "whole",
                )
            )
        return Drawing("flow s2" if self.is_other else "flow s1", _WIDTH, height, joined(parts))


def _ends(heights: Sequence[float]) -> list[float]:
    """Where each band ends: below the one before it, with room for its label."""
    found: list[float] = []
    at, label = float(_TOP), -float("inf")
    for size in heights:
        at = max(at, label + _LABEL - size / 2)
        found.append(at)
        label = at + size / 2
        at += size + _GAP
    return found


def _band(canvas: Canvas, start: float, end: float, size: float) -> SafeString:
    left, right, middle = (px(canvas.x(x)) for x in (_FROM + _BAR, _TO, (_FROM + _BAR + _TO) / 2))
    points = (
        f"M{left} {px(start)}C{middle} {px(start)} {middle} {px(end)} {right} {px(end)}"
        f"V{px(end + size)}C{middle} {px(end + size)} {middle} {px(start + size)} {left} {px(start + size)}Z"
    )
    return format_html('<path class="band" d="{}"/>', points)


def _label(canvas: Canvas, y: float, number: str, name: str) -> SafeString:
    """The number before the name, in the direction of the page, or the two would change places."""
    x = _TO + _BAR + 8
    room = _WIDTH - x - width_of(f"{number} ", is_bold=True)
    shown = shortened(name, room)
    isolated = begins_right(shown) not in {None, canvas.is_rtl}
    return format_html(
        '<text x="{}" y="{}" text-anchor="start"{}><tspan class="whole">{}</tspan> <tspan{}>{}</tspan>{}</text>',
        px(canvas.x(x)),
        px(y),
        format_html(' direction="{}"', "rtl") if canvas.is_rtl else "",
        number,
        format_html(' class="{}"', "isolated") if isolated else "",
        shown,
        format_html("<title>{}</title>", name) if shown != name else "",
    )
