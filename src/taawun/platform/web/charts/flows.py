"""Flows: how something divides into kinds, as bands from one side to the other.

Pure functions: what is drawn depends on the arguments alone. The colours are those of the stylesheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.html import format_html, format_html_join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.safestring import SafeString

__all__ = ["MOST_BANDS", "Band", "draw_flow"]

MOST_BANDS: Final = 7
"""More bands than this are gathered into the last one: nobody tells them apart."""

_WIDTH, _BAR, _FROM, _TO = 480, 8, 130, 290
_TOP, _HEIGHT, _GAP, _LEAST, _LABEL = 10, 150, 10, 2, 18


@dataclass(frozen=True, slots=True)
class Band:
    """One part.

    Args:
        count: how many, more than none.
        number: the same as the reader writes it.
        name: of what.
    """

    count: int
    number: str
    name: str


def draw_flow(  # noqa: PLR0913 - what is drawn, what it is called, and how
    bands: Sequence[Band],
    *,
    id: str,  # noqa: A002 - the attribute's own name
    title: str,
    whole: tuple[str, str],
    is_other: bool = False,
    is_rtl: bool = False,
) -> SafeString:
    """Draw a flow as SVG; it begins at the side where the reader begins.

    Args:
        bands: the largest first; at most :data:`MOST_BANDS`.
        id: unique on the page.
        title: the finding, in a sentence.
        whole: two lines beside the whole.
        is_other: whether it is the other side's: the second colour.
        is_rtl: whether the reader begins at the right.
    """
    all_of_it = sum(band.count for band in bands)
    heights = [max(_LEAST, _HEIGHT * band.count / all_of_it) for band in bands]
    ends = _ends(heights)
    height = max(_TOP * 2 + sum(heights), ends[-1] + heights[-1] + _TOP)
    begin = _TOP + (height - 2 * _TOP - sum(heights)) / 2
    side = _Side(is_rtl=is_rtl)
    parts = [side.bar(_FROM, begin, sum(heights))]
    at = begin
    for band, size, end in zip(bands, heights, ends, strict=True):
        parts += [side.band(at, end, size), side.bar(_TO, end, size)]
        parts.append(side.label(_TO + _BAR + 8, end + size / 2 + 4, band.number, band.name))
        at += size
    middle = begin + sum(heights) / 2
    parts += [
        side.words(_FROM - 8, middle - 2, "whole", whole[0], ends_here=True),
        side.words(_FROM - 8, middle + 14, "part", whole[1], ends_here=True),
    ]
    return format_html(
        '<svg class="flow{}" xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{}" viewBox="0 0 {} {}" '
        'width="{}" height="{}"><title id="{}">{}</title>{}</svg>',
        " other" if is_other else "",
        f"{id}-title",
        _WIDTH,
        round(height),
        _WIDTH,
        round(height),
        f"{id}-title",
        title,
        format_html_join("", "{}", ((part,) for part in parts)),
    )


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


@dataclass(frozen=True, slots=True)
class _Side:
    """Draws from the side where the reader begins."""

    is_rtl: bool

    def x(self, at: float, width: float = 0) -> str:
        return f"{_WIDTH - at - width if self.is_rtl else at:.1f}"

    def bar(self, x: float, y: float, height: float) -> SafeString:
        return format_html(
            '<rect class="bar" x="{}" y="{}" width="{}" height="{}"/>',
            self.x(x, _BAR),
            f"{y:.1f}",
            _BAR,
            f"{height:.1f}",
        )

    def band(self, start: float, end: float, size: float) -> SafeString:
        left, right, middle = (
            self.x(_FROM + _BAR),
            self.x(_TO),
            self.x((_FROM + _BAR + _TO) / 2),
        )
        points = (
            f"M{left} {start:.1f}C{middle} {start:.1f} {middle} {end:.1f} {right} {end:.1f}"
            f"V{end + size:.1f}C{middle} {end + size:.1f} {middle} {start + size:.1f} {left} {start + size:.1f}Z"
        )
        return format_html('<path class="band" d="{}"/>', points)

    def label(self, x: float, y: float, number: str, name: str) -> SafeString:
        # in a text from right to left “start” is at the right
        return format_html(
            '<text x="{}" y="{}" text-anchor="start"{}><tspan class="whole">{}</tspan> {}</text>',
            self.x(x),
            f"{y:.1f}",
            self._direction(),
            number,
            name,
        )

    def words(self, x: float, y: float, style: str, words: str, *, ends_here: bool) -> SafeString:
        return format_html(
            '<text class="{}" x="{}" y="{}" text-anchor="{}"{}>{}</text>',
            style,
            self.x(x),
            f"{y:.1f}",
            "end" if ends_here else "start",
            self._direction(),
            words,
        )

    def _direction(self) -> SafeString:
        return format_html(' direction="{}"', "rtl") if self.is_rtl else format_html("{}", "")
