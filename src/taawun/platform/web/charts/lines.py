"""Line charts: how amounts went over time, each series named where its line ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from taawun.platform.web.charts.drawing import (
    DASHES,
    MARKS,
    CannotDraw,
    Canvas,
    Drawing,
    Reader,
    Table,
    checked,
    joined,
    round_steps,
    spread,
    width_of,
)

__all__ = ["MOST_SERIES", "Lines", "Series", "told_apart"]

MOST_SERIES: Final = 5
"""More series than this are not told apart: those from the fifth on are summed up as “others”."""

_TOP, _FOOT, _LABEL = 12, 28, 16
# a name so far from the end of its line, or less, needs nothing that leads to it
_NEAR: Final = 4


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Args:
        name: of what.
        values: one for each step; None where nobody knows.
    """

    name: str
    values: tuple[float | None, ...]


def told_apart(series: Sequence[Series]) -> tuple[Series, ...]:
    """At most :data:`MOST_SERIES` of them; the last one then sums up the rest, step by step."""
    if len(series) <= MOST_SERIES:
        return tuple(series)
    kept, rest = series[: MOST_SERIES - 1], series[MOST_SERIES - 1 :]
    sums = []
    for values in zip(*(each.values for each in rest), strict=True):
        known = [value for value in values if value is not None]
        sums.append(sum(known) if known else None)
    return (*kept, Series(_("others"), tuple(sums)))


@dataclass(frozen=True, slots=True)
class Lines:
    """A line chart.

    Args:
        head: what the steps are, for the table: “Month”.
        steps: as the reader writes them, in the order of time.
        series: ours first. Of more than five, those from the fifth on are summed up.
        most: the axis reaches at least so far, for example 100 for percentages.
        width: in pixels.
        height: in pixels.

    Raises:
        CannotDraw: a series has more or fewer values than there are steps, or one that is no amount.
    """

    head: str
    steps: tuple[str, ...]
    series: tuple[Series, ...]
    most: float = 0
    width: int = 560
    height: int = 220

    def __post_init__(self) -> None:
        for each in self.series:
            if len(each.values) != len(self.steps):
                raise CannotDraw(f"{each.name} has {len(each.values)} values for {len(self.steps)} steps.")
            for step, value in zip(self.steps, each.values, strict=True):
                if value is not None:
                    checked(value, f"{each.name}, {step}")

    def table(self, reader: Reader) -> Table:
        """A row for each step, a column for each series, all of them."""
        rows = tuple(
            (
                step,
                *(
                    "—" if each.values[at] is None else reader.alone(each.values[at] or 0)
                    for each in self.series
                ),
            )
            for at, step in enumerate(self.steps)
        )
        heads = (self.head, *(each.name for each in self.series))
        return Table(heads, rows, frozenset(range(1, len(heads))))

    def draw(self, reader: Reader) -> Drawing:
        """Draw it; time begins where the reader does."""
        return _Sheet(self, told_apart(self.series), reader).drawing()


class _Sheet:
    """The measures of one line chart."""

    def __init__(self, lines: Lines, shown: tuple[Series, ...], reader: Reader) -> None:
        self.lines, self.shown, self.reader = lines, shown, reader
        self.canvas = Canvas(lines.width, reader.is_rtl)
        known = [value for each in shown for value in each.values if value is not None]
        whole = all(float(value).is_integer() for value in known)
        self.steps = round_steps(max([lines.most, *known]), is_whole=whole)
        self.begin = max(width_of(reader.write(step)) for step in self.steps) + 10
        names = max((width_of(each.name, is_bold=True) for each in shown), default=0)
        self.name_room = min(names + 4, lines.width * 0.36)
        self.end = lines.width - self.name_room - 12
        self.bottom = lines.height - _FOOT

    def x(self, at: int) -> float:
        count = len(self.lines.steps)
        return self.begin + (self.end - self.begin) * (at / (count - 1) if count > 1 else 0.5)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - _TOP) * value / self.steps[-1]

    def drawing(self) -> Drawing:
        body = joined([*self._grid(), *self._times(), *self._series()])
        return Drawing("lines", self.lines.width, self.lines.height, body)

    def _grid(self) -> list[SafeString]:
        drawn = []
        for step in self.steps:
            y = self.y(step)
            drawn += [
                self.canvas.line("grid" if step else "zero", (self.begin, y), (self.end, y)),
                self.canvas.text(self.begin - 8, y + 4, self.reader.write(step), "axis", anchor="end"),
            ]
        return drawn

    def _times(self) -> list[SafeString]:
        """As many steps by name as there is room for, the first always."""
        steps = self.lines.steps
        if not steps:
            return []
        apart = (self.end - self.begin) / max(1, len(steps) - 1)
        room = min(max(map(width_of, steps)), 110)
        every = max(1, -int(-(room + 12) // max(apart, 0.01)))
        drawn = []
        for at in range(0, len(steps), every):
            half = min(width_of(steps[at]), room) / 2
            x = min(max(self.x(at), half), self.lines.width - half)
            drawn.append(self.canvas.text(x, self.bottom + 19, steps[at], "axis", anchor="middle", room=room))
        return drawn

    def _series(self) -> list[SafeString]:
        """Ours over the others; names beside the ends, moved apart where lines end near each other."""
        ends = []
        for rank, each in enumerate(self.shown):
            last = max((at for at, value in enumerate(each.values) if value is not None), default=None)
            if last is not None:
                ends.append((rank, self.x(last), self.y(each.values[last] or 0)))
        places = spread([y for _rank, _x, y in ends], _LABEL, _TOP - 4, self.bottom)
        drawn = [self._one(rank, (x, y), place) for (rank, x, y), place in zip(ends, places, strict=True)]
        return drawn[::-1]

    def _one(self, rank: int, end: tuple[float, float], label: float) -> SafeString:
        each, canvas = self.shown[rank], self.canvas
        parts = [canvas.path("line", run, dash=DASHES[rank]) for run in self._runs(each) if len(run) > 1]
        parts += [
            canvas.mark(MARKS[rank], *run[0]) for run in self._runs(each) if len(run) == 1 and run[0] != end
        ]
        parts.append(canvas.mark(MARKS[rank], *end))
        if abs(label - end[1]) > _NEAR or self.end - end[0] > 1:
            parts.append(canvas.line("leader", (end[0] + 5, end[1]), (self.end + 9, label)))
        parts.append(
            canvas.text(self.end + 12, label + 4, each.name, "name", room=self.name_room, is_bold=True)
        )
        return format_html('<g class="s{}">{}</g>', rank + 1, joined(parts))

    def _runs(self, series: Series) -> list[list[tuple[float, float]]]:
        """Points that follow each other without one that nobody knows in between."""
        runs: list[list[tuple[float, float]]] = []
        known = [at for at, value in enumerate(series.values) if value is not None]
        starts = (
            {known[0], *(after for before, after in pairwise(known) if after - before > 1)}
            if known
            else set()
        )
        for at in known:
            if at in starts:
                runs.append([])
            runs[-1].append((self.x(at), self.y(series.values[at] or 0)))
        return runs
