"""Radar charts: how far along each of several axes; clockwise for who reads from the left, else the other way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from taawun.platform.web.charts.drawing import (
    DASHES,
    MARKS,
    Anchor,
    CannotDraw,
    Canvas,
    Drawing,
    KeyEntry,
    Reader,
    Table,
    checked,
    joined,
    wrapped,
)
from taawun.platform.web.charts.lines import MOST_SERIES, Series

__all__ = ["Radar"]

_WIDTH, _RADIUS, _ROOM, _LINE, _RINGS = 420, 104, 94, 15, 4
_LEAST: Final = 3
# a label whose spoke stands almost upright is set around its middle
_UPRIGHT: Final = 0.15


@dataclass(frozen=True, slots=True)
class Radar:
    """A radar chart.

    Args:
        head: what the axes are, for the table: “Pillar”.
        axes: at least three, from the top in the direction of reading.
        series: one value for each axis, None where nobody knows; ours first, at most five.
        most: the value at the rim.

    Raises:
        CannotDraw: fewer than three axes, more than five series, values that do not fit the axes, or that are no
            amount up to the rim.
    """

    head: str
    axes: tuple[str, ...]
    series: tuple[Series, ...]
    most: float = 100

    def __post_init__(self) -> None:
        if len(self.axes) < _LEAST:
            raise CannotDraw(f"A radar needs three axes, and has {len(self.axes)}. Draw bars.")
        if len(self.series) > MOST_SERIES:
            raise CannotDraw(f"A radar shows at most {MOST_SERIES} series, not {len(self.series)}.")
        for each in self.series:
            if len(each.values) != len(self.axes):
                raise CannotDraw(f"{each.name} has {len(each.values)} values for {len(self.axes)} axes.")
            for axis, value in zip(self.axes, each.values, strict=True):
                if value is not None and checked(value, f"{each.name}, {axis}") > self.most:
                    raise CannotDraw(f"{each.name}, {axis} has {value}: the rim is {self.most}.")

    def table(self, reader: Reader) -> Table:
        """A row for each axis, a column for each series."""
        rows = tuple(
            (
                axis,
                *(
                    "—" if each.values[at] is None else reader.alone(each.values[at] or 0)
                    for each in self.series
                ),
            )
            for at, axis in enumerate(self.axes)
        )
        heads = (self.head, *(each.name for each in self.series))
        return Table(heads, rows, frozenset(range(1, len(heads))))

    def draw(self, reader: Reader) -> Drawing:
        """Draw it."""
        canvas = Canvas(_WIDTH, reader.is_rtl)
        labels = [wrapped(axis, _ROOM) for axis in self.axes]
        centre = (_WIDTH / 2, 12 + _LINE * len(labels[0]) + _RADIUS)
        parts = []
        for ring in range(1, _RINGS + 1):
            rim = [self._point(centre, at, ring / _RINGS) for at in range(len(self.axes))]
            parts.append(canvas.path("zero" if ring == _RINGS else "grid", rim, is_closed=True))
        parts += [canvas.line("grid", centre, self._point(centre, at, 1)) for at in range(len(self.axes))]
        parts += [self._series(canvas, centre, rank) for rank in reversed(range(len(self.series)))]
        lowest = 0.0
        for at, lines in enumerate(labels):
            x, y = self._point(centre, at, 1)
            drawn, foot = self._label(canvas, (x, y), at, lines)
            lowest = max(lowest, foot)
            parts.append(drawn)
            if self.series and self.series[0].values[at] is None:
                parts.append(canvas.missing(x - 6, y - 6, 12, 12))
        return Drawing("radar", _WIDTH, lowest + 6, joined(parts), key=self._key())

    def _point(self, centre: tuple[float, float], at: int, share: float) -> tuple[float, float]:
        turn = 2 * math.pi * at / len(self.axes)
        return (
            centre[0] + _RADIUS * share * math.sin(turn),
            centre[1] - _RADIUS * share * math.cos(turn),
        )

    def _series(self, canvas: Canvas, centre: tuple[float, float], rank: int) -> SafeString:
        """A line around the axes, open where a value is not known; ours is filled."""
        values = self.series[rank].values
        points = [
            None if value is None else self._point(centre, at, value / self.most)
            for at, value in enumerate(values)
        ]
        known = [point for point in points if point is not None]
        parts = (
            [canvas.path("area", known, is_closed=True)] if rank == 0 and len(known) == len(points) else []
        )
        if len(known) == len(points):
            parts.append(canvas.path("line", known, dash=DASHES[rank], is_closed=True))
        else:
            sides = [(points[at - 1], points[at]) for at in range(len(points))]
            parts += [canvas.path("line", (a, b), dash=DASHES[rank]) for a, b in sides if a and b]
        parts += [canvas.mark(MARKS[rank], *point) for point in known]
        return format_html('<g class="s{}">{}</g>', rank + 1, joined(parts))

    def _label(
        self, canvas: Canvas, rim: tuple[float, float], at: int, lines: list[str]
    ) -> tuple[SafeString, float]:
        """The name of an axis outside of its end, and how far down it reaches."""
        turn = 2 * math.pi * at / len(self.axes)
        across, up = math.sin(turn), math.cos(turn)
        anchor: Anchor = "middle" if abs(across) < _UPRIGHT else "start" if across > 0 else "end"
        x = rim[0] + 11 * across
        # above the rim the last line stands nearest to it, below the first one, beside it they stand in the middle
        tall = _LINE * (len(lines) - 1)
        first = rim[1] - 11 * up + 4 - tall * (1 + up) / 2
        drawn = [
            canvas.text(x, first + _LINE * row, line, "axis", anchor=anchor) for row, line in enumerate(lines)
        ]
        whole = self.axes[at]
        title = format_html("<title>{}</title>", whole) if any(line.endswith("…") for line in lines) else ""
        return format_html("<g>{}{}</g>", title, joined(drawn)), first + tall

    def _key(self) -> tuple[KeyEntry, ...]:
        key = []
        small = Canvas(28)
        for rank, each in enumerate(self.series):
            shapes = joined(
                [small.path("line", [(0, 8), (28, 8)], dash=DASHES[rank]), small.mark(MARKS[rank], 14, 8)]
            )
            swatch = small.swatch(format_html('<g class="s{}">{}</g>', rank + 1, shapes), width=28)
            key.append(KeyEntry(swatch, each.name))
        return tuple(key)
