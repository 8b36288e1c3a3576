"""The map of nations: a tile for each, all of one size, so that Bahrain is read as well as Brazil.

Where tiles lie stands in ``tile_grid.csv`` (ISO 3166-1 code, column, row). Codes that ISO 3166-1 leaves to its users
(XA to XZ, QM to QZ) are invented nations; each has a cell of its own that is free, and so are all around it.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from string import ascii_uppercase
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from taawun.platform.web.charts.drawing import CannotDraw, Canvas, Drawing, KeyEntry, Reader, Table, joined

__all__ = ["MapNation", "Standing", "TileMap"]

Cell = tuple[int, int]

_TILE, _APART, _DOT, _MARGIN = 30, 5, 6, 4
_LAST_COLUMN, _LAST_ROW = 31, 17
# the Americas lie before this column
_OLD_WORLD: Final = 9
# XK names Kosovo in locale data, XX and QO an unknown place, QU the European Union
_NOT_INVENTED: Final = frozenset({"XK", "XX", "QO", "QU"})
_STRONGEST: Final = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """How a nation takes part, in words, and the step of colour that shows it: 0 (least) to 4."""

    words: str
    step: int

    def __post_init__(self) -> None:
        if not 0 <= self.step <= _STRONGEST:
            raise CannotDraw(f"{self.words} has the step {self.step}; there are 0 to {_STRONGEST}.")


@dataclass(frozen=True, slots=True)
class MapNation:
    """A nation that takes part.

    Args:
        code: its two letters.
        name: as it calls itself.
        standing: how it takes part as a member; None for a partner of the community.
        is_own: whether it is the reader's.
    """

    code: str
    name: str
    standing: Standing | None = None
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class TileMap:
    """A map of those who take part; all other nations of the grid are small squares, without a status.

    Args:
        head: what the rows of the table are: “Nation”.
        standing: what is told of each, for the table: “How it takes part”.
        nations: each once.

    Raises:
        CannotDraw: a code is there twice.
    """

    head: str
    standing: str
    nations: tuple[MapNation, ...]

    def __post_init__(self) -> None:
        twice = [code for code, count in Counter(each.code for each in self.nations).items() if count > 1]
        if twice:
            raise CannotDraw(f"{twice[0]} is on the map twice.")

    def table(self, reader: Reader) -> Table:
        """A row for each nation that takes part."""
        del reader
        rows = tuple((each.name, _words(each)) for each in sorted(self.nations, key=lambda each: each.code))
        return Table((self.head, self.standing), rows)

    def draw(self, reader: Reader) -> Drawing:
        """Draw it. It is never mirrored: east stays east for everybody."""
        places = _places(tuple(sorted(each.code for each in self.nations)))
        has_americas = any(places[each.code][0] < _OLD_WORLD for each in self.nations if each.code in places)
        first = 1 if has_americas else _OLD_WORLD
        width = 2 * _MARGIN + (_LAST_COLUMN - first + 1) * (_TILE + _APART) - _APART
        height = 2 * _MARGIN + _LAST_ROW * (_TILE + _APART) - _APART
        canvas = Canvas(width)
        taking_part = {each.code for each in self.nations}
        parts = [
            _dot(canvas, _corner(cell, first))
            for code, cell in _grid().items()
            if code not in taking_part and cell[0] >= first
        ]
        parts += [
            _tile(canvas, _corner(places[each.code], first), each)
            for each in self.nations
            if each.code in places
        ]
        return Drawing("map", width, height, joined(parts), key=self._key(reader), note=self._note(places))

    def _key(self, reader: Reader) -> tuple[KeyEntry, ...]:
        small = Canvas(16)
        standings = Counter(each.standing for each in self.nations if each.standing)
        entries = []
        for standing in sorted(standings, key=lambda each: -each.step):
            box = format_html('<g class="h{}">{}</g>', standing.step, small.rect("cell", 0.5, 0.5, 15, 15, 2))
            entries.append(KeyEntry(small.swatch(box), _counted(standing.words, standings[standing], reader)))
        partners = sum(each.standing is None for each in self.nations)
        if partners:
            box = format_html('<g class="partner">{}</g>', small.rect("cell", 1, 1, 14, 14, 2))
            entries.append(KeyEntry(small.swatch(box), _counted(_partner(), partners, reader)))
        entries.append(
            KeyEntry(
                small.swatch(small.rect("elsewhere", 5, 5, _DOT, _DOT)), _("Another nation, no status shown")
            )
        )
        if any(each.is_own for each in self.nations):
            entries.append(KeyEntry(small.swatch(small.rect("ring", 1, 1, 14, 14, 3)), _("Your nation")))
        return tuple(entries)

    def _note(self, places: dict[str, Cell]) -> str:
        said = [_("One tile a nation, placed approximately; it says nothing about borders or size.")]
        if any(each.code in places and each.code not in _grid() for each in self.nations):
            said.append(_("Nations without a place on the grid lie where it is free."))
        return " ".join(said)


def _words(nation: MapNation) -> str:
    return nation.standing.words if nation.standing else _partner()


def _partner() -> str:
    return pgettext("a nation on a map", "Partner")


def _counted(words: str, count: int, reader: Reader) -> str:
    # Translators: what a colour of a map means, and how many nations have it
    return _("%(words)s, %(count)s") % {"words": words, "count": reader.write(count)}


# ---- where they lie ---------------------------------------------------------------------------------------------
@cache
def _grid() -> dict[str, Cell]:
    """The place of each nation: column and row, counted from 1."""
    text = resources.files(__package__).joinpath("tile_grid.csv").read_text("utf-8")
    return {row["iso2"]: (int(row["column"]), int(row["row"])) for row in csv.DictReader(text.splitlines())}


@cache
def _free() -> tuple[Cell, ...]:
    """Cells that no nation is on or beside, outwards from where most of them lie together."""
    taken = {
        (column + across, row + down)
        for column, row in _grid().values()
        for across, down in product((-1, 0, 1), repeat=2)
    }
    cells = set(product(range(_OLD_WORLD, _LAST_COLUMN + 1), range(1, _LAST_ROW + 1))) - taken

    def together(cell: Cell) -> int:
        near = product(range(-2, 3), repeat=2)
        return sum((cell[0] + across, cell[1] + down) in cells for across, down in near)

    heart = max(sorted(cells), key=together)
    return tuple(sorted(cells, key=lambda cell: (abs(cell[0] - heart[0]) + abs(cell[1] - heart[1]), cell)))


@cache
def _invented() -> tuple[str, ...]:
    codes = [f"X{letter}" for letter in ascii_uppercase] + [f"Q{letter}" for letter in ascii_uppercase[12:]]
    return tuple(code for code in codes if code not in _NOT_INVENTED)


def _places(codes: tuple[str, ...]) -> dict[str, Cell]:
    """Where each nation lies. An invented one lies in the same place on every map, whoever else is there."""
    places = {code: _grid()[code] for code in codes if code in _grid()}
    invented = dict(zip(_invented(), _free(), strict=False))
    places |= {code: invented[code] for code in codes if code in invented}
    # any other code, for which nobody has a place; beyond the free cells the table alone tells of it
    others = [code for code in codes if code not in places]
    return places | dict(zip(others, _free()[len(_invented()) :], strict=False))


def _corner(cell: Cell, first: int) -> tuple[float, float]:
    return (
        _MARGIN + (cell[0] - first) * (_TILE + _APART),
        _MARGIN + (cell[1] - 1) * (_TILE + _APART),
    )


# ---- what lies there --------------------------------------------------------------------------------------------
def _dot(canvas: Canvas, corner: tuple[float, float]) -> SafeString:
    inset = (_TILE - _DOT) / 2
    return canvas.rect("elsewhere", corner[0] + inset, corner[1] + inset, _DOT, _DOT)


def _tile(canvas: Canvas, corner: tuple[float, float], nation: MapNation) -> SafeString:
    x, y = corner
    ring = canvas.rect("ring", x - 2.5, y - 2.5, _TILE + 5, _TILE + 5, 4) if nation.is_own else ""
    return format_html(
        '<g class="{}"><title>{}: {}</title>{}{}{}</g>',
        f"h{nation.standing.step}" if nation.standing else "partner",
        nation.name,
        _words(nation),
        canvas.rect("cell", x + 0.5, y + 0.5, _TILE - 1, _TILE - 1, 2),
        canvas.text(x + _TILE / 2, y + 19.5, nation.code, "letters", anchor="middle", is_rtl=False),
        ring,
    )
