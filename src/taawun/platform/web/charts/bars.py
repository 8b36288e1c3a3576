"""Bar charts: amounts beside each other, lying, so that names are read as any line."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from taawun.platform.web.charts.drawing import (
    Canvas,
    Drawing,
    Reader,
    Table,
    checked,
    joined,
    width_of,
)

__all__ = ["Bar", "Bars"]

_ROW, _THICK, _TOP, _NONE = 28, 14, 6, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount.

    Args:
        name: of what.
        value: None where nobody knows.
        is_compared: drawn in the second colour: what the others are held against.
    """

    name: str
    value: float | None
    is_compared: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart.

    Args:
        head: what the bars are, for the table: “Kind”.
        amount: what is measured, for the table: “Releases”.
        bars: in the order in which they are read.
        most: the longest bar may stand for more than the largest value, for example 100 for percentages.
        missing: the word for what nobody knows.
        width: in pixels.

    Raises:
        CannotDraw: a value is no amount.
    """

    head: str
    amount: str
    bars: tuple[Bar, ...]
    most: float = 0
    missing: str = "—"
    width: int = 480

    def __post_init__(self) -> None:
        for each in self.bars:
            if each.value is not None:
                checked(each.value, each.name)

    def table(self, reader: Reader) -> Table:
        """A row for each bar."""
        rows = tuple((each.name, self._written(each, reader)) for each in self.bars)
        return Table((self.head, self.amount), rows, frozenset({1}))

    def _written(self, bar: Bar, reader: Reader) -> str:
        return self.missing if bar.value is None else reader.alone(bar.value)

    def draw(self, reader: Reader) -> Drawing:
        """Draw it; bars begin where the reader does."""
        canvas = Canvas(self.width, reader.is_rtl)
        names = min(max((width_of(each.name) for each in self.bars), default=0), self.width * 0.42)
        numbers = max((width_of(self._written(each, reader), is_bold=True) for each in self.bars), default=0)
        begin = names + 12
        longest = max(self.width - begin - numbers - 10, 40)
        most = max([self.most, *(each.value or 0 for each in self.bars)]) or 1
        height = 2 * _TOP + _ROW * max(1, len(self.bars))
        parts = [canvas.line("zero", (begin, 0), (begin, height))]
        for row, each in enumerate(self.bars):
            y = _TOP + row * _ROW + _ROW / 2
            long = _NONE if each.value is None else longest * each.value / most
            parts.append(
                format_html(
                    '<g class="s{}"><title>{}: {}</title>{}{}{}</g>',
                    2 if each.is_compared else 1,
                    each.name,
                    self._written(each, reader),
                    canvas.text(0, y + 4, each.name, room=names),
                    _bar(canvas, begin, y, long, is_missing=each.value is None),
                    canvas.text(
                        begin + long + 8,
                        y + 4,
                        self._written(each, reader),
                        "none" if each.value is None else "value",
                        is_bold=True,
                    ),
                )
            )
        return Drawing("bars", self.width, height, joined(parts))


def _bar(canvas: Canvas, begin: float, y: float, long: float, *, is_missing: bool) -> SafeString:
    if is_missing:
        return canvas.missing(begin + 2, y - _THICK / 2, long - 2, _THICK)
    return canvas.rect("bar", begin, y - _THICK / 2, long, _THICK) if long else SafeString("")
