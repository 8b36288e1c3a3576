"""Heat maps: an amount for each pair of two lists, by lightness and in writing; what is missing leaps to the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from taawun.platform.web.charts.drawing import (
    CannotDraw,
    Canvas,
    Drawing,
    KeyEntry,
    Reader,
    Table,
    checked,
    joined,
    width_of,
)

__all__ = ["HeatColumn", "HeatMap", "HeatRow"]

_WIDE, _HIGH, _APART = 44, 26, 3
_HEAD: Final = 32
_STEPS: Final = 4
# a column of codes is set in a face whose letters are all this wide
_CODE_LETTER: Final = 7.6
_MOST_NAME: Final = 250


@dataclass(frozen=True, slots=True)
class HeatColumn:
    """A column, mostly a nation.

    Args:
        name: in full.
        code: two letters of a nation, drawn as its tile; without one the name is written.
        is_own: whether it is the reader's nation.
    """

    name: str
    code: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A row.

    Args:
        name: of what.
        values: one for each column; None is missing, which is more than a zero.
        code: a technical code before the name.
        seen: how often it was met; what is met often and missing stands first.
    """

    name: str
    values: tuple[float | None, ...]
    code: str = ""
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A heat map.

    Args:
        head: what the rows are: “Technique”.
        columns: in the order in which they are read.
        rows: in any order; they are sorted by most missing, then by most seen.
        seen: what is counted beside the names; empty for none: “Seen”.
        missing: the word in a missing cell.
        bounds: from which value on each of the four steps of colour begins; found from the values by default.
        width: at least so wide, in pixels.

    Raises:
        CannotDraw: a row has more or fewer values than there are columns, or one that is no amount.
    """

    head: str
    columns: tuple[HeatColumn, ...]
    rows: tuple[HeatRow, ...]
    seen: str = ""
    missing: str = "—"
    bounds: tuple[float, ...] = ()
    width: int = 0

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise CannotDraw(f"{row.name} has {len(row.values)} values for {len(self.columns)} columns.")
            for column, value in zip(self.columns, row.values, strict=True):
                if value is not None:
                    checked(value, f"{row.name}, {column.name}")

    @property
    def ordered(self) -> tuple[HeatRow, ...]:
        """The rows as they are shown."""
        return tuple(sorted(self.rows, key=lambda row: (-row.values.count(None), -(row.seen or 0))))

    def table(self, reader: Reader) -> Table:
        """A row for each row, with names in full."""
        rows = []
        for row in self.ordered:
            named = f"{row.code} {row.name}".strip()
            seen = ("—" if row.seen is None else reader.alone(row.seen),) if self.seen else ()
            rows.append((named, *seen, *(self._written(value, reader) for value in row.values)))
        heads = (self.head, *([self.seen] if self.seen else []), *(each.name for each in self.columns))
        return Table(heads, tuple(rows), frozenset(range(1, len(heads))))

    def _written(self, value: float | None, reader: Reader) -> str:
        return self.missing if value is None else reader.alone(value)

    def _limits(self) -> tuple[float, ...]:
        """From which value on each step begins; none twice."""
        if self.bounds:
            return self.bounds
        most = max((value or 0 for row in self.rows for value in row.values), default=0)
        if self._is_whole():
            return tuple(dict.fromkeys(int(most * step / _STEPS) + 1 for step in range(_STEPS) if most))
        return tuple(most * step / _STEPS for step in range(_STEPS))

    def _is_whole(self) -> bool:
        return all(float(value or 0).is_integer() for row in self.rows for value in row.values)

    def _step(self, value: float, limits: tuple[float, ...]) -> int:
        # what few steps there are end at the strongest colour
        reached = sum(value >= limit for limit in limits) if value else 0
        return reached and reached + _STEPS - len(limits)

    def draw(self, reader: Reader) -> Drawing:
        """Draw it; the first column is at the side where the reader begins."""
        rows = self.ordered
        codes = max((len(row.code) for row in rows), default=0) * _CODE_LETTER
        codes += 10 if codes else 0
        names = min(max(map(width_of, (self.head, *(row.name for row in rows)))), _MOST_NAME)
        counted = [reader.alone(row.seen) for row in rows if row.seen is not None]
        seen = max(map(width_of, (self.seen, *counted))) + 16 if self.seen else 0
        cells = len(self.columns) * (_WIDE + _APART)
        width = max(self.width, codes + names + seen + 16 + cells)
        begin = width - cells + _APART
        canvas = Canvas(width, reader.is_rtl)
        parts = [canvas.text(0, 20, self.head, "head", is_bold=True)]
        if self.seen:
            parts.append(canvas.text(begin - 16, 20, self.seen, "head", anchor="end", is_bold=True))
        for at, column in enumerate(self.columns):
            parts.append(_column(canvas, begin + at * (_WIDE + _APART), column))
        limits = self._limits()
        for line, row in enumerate(rows):
            y = _HEAD + line * (_HIGH + _APART)
            if row.code:
                parts.append(canvas.text(0, y + 17, row.code, "mono", is_rtl=False))
            parts.append(canvas.text(codes, y + 17, row.name, room=names))
            if self.seen:
                number = "—" if row.seen is None else reader.alone(row.seen)
                parts.append(canvas.text(begin - 16, y + 17, number, "axis", anchor="end"))
            for at, value in enumerate(row.values):
                parts.append(
                    format_html(
                        "<g><title>{}</title>{}</g>",
                        f"{row.name}, {self.columns[at].name}: {self._written(value, reader)}",
                        self._cell(canvas, (begin + at * (_WIDE + _APART), y), value, reader, limits),
                    )
                )
        height = _HEAD + len(rows) * (_HIGH + _APART)
        return Drawing("heat", width, height, joined(parts), key=self._key(reader, limits))

    def _cell(
        self,
        canvas: Canvas,
        at: tuple[float, float],
        value: float | None,
        reader: Reader,
        limits: tuple[float, ...],
    ) -> SafeString:
        x, y = at
        middle = (x + _WIDE / 2, y + 17)
        if value is None:
            words = canvas.text(*middle, self.missing, "none", anchor="middle", room=_WIDE - 4, is_bold=True)
            return format_html("{}{}", canvas.missing(x, y, _WIDE, _HIGH), words)
        number = canvas.text(*middle, reader.alone(value), anchor="middle", room=_WIDE - 2, is_bold=True)
        step = self._step(value, limits)
        return format_html(
            '<g class="h{}">{}{}</g>', step, canvas.rect("cell", x, y, _WIDE, _HIGH, 2), number
        )

    def _key(self, reader: Reader, limits: tuple[float, ...]) -> tuple[KeyEntry, ...]:
        small = Canvas(16)
        key = []
        if any(None in row.values for row in self.rows):
            # Translators: what a hatched cell of a heat map means, where the cell itself has but a dash
            words = _("missing") if self.missing == "—" else self.missing
            key.append(KeyEntry(small.swatch(small.missing(0, 0, 16, 16)), words))
        for at, limit in enumerate(limits):
            following = limits[at + 1] if at + 1 < len(limits) else None
            step = self._step(limit, limits) or 1
            box = format_html('<g class="h{}">{}</g>', step, small.rect("cell", 0, 0, 16, 16, 2))
            key.append(KeyEntry(small.swatch(box), self._range(reader, limit, following)))
        return tuple(key)

    def _range(self, reader: Reader, limit: float, following: float | None) -> str:
        if following is None:
            return _("%(number)s or more") % {"number": reader.write(limit)}
        last = following - 1 if self._is_whole() else following
        return reader.write(limit) if last == limit else f"{reader.write(limit)}–{reader.write(last)}"


def _column(canvas: Canvas, x: float, column: HeatColumn) -> SafeString:
    if column.code:
        drawn = canvas.tile(column.code, x + (_WIDE - 26) / 2, 3, is_own=column.is_own)
    else:
        drawn = canvas.text(x + _WIDE / 2, 20, column.name, "head", anchor="middle", room=_WIDE)
    return format_html("<g><title>{}</title>{}</g>", column.name, drawn)
