"""What every chart draws with: a canvas that mirrors, text that knows its direction, marks, hatches, and round numbers.

Lengths are pixels of the page at its usual size. A chart is drawn from left to right; a canvas for who reads from the
right turns it around, each shape by itself, so that letters stay letters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final, Literal, Protocol
from unicodedata import bidirectional, category

from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext

from taawun.foundation.multilingual import is_rtl
from taawun.platform.web import formats

__all__ = [
    "DASHES",
    "MARKS",
    "Anchor",
    "CannotDraw",
    "Canvas",
    "Drawing",
    "KeyEntry",
    "Picture",
    "Reader",
    "Table",
    "begins_right",
    "checked",
    "joined",
    "px",
    "round_steps",
    "shortened",
    "spread",
    "width_of",
    "wrapped",
]

Anchor = Literal["start", "middle", "end"]
Mark = Literal["circle", "square", "diamond", "triangle", "cross"]

DASHES: Final = ("", "6 4", "2 4", "8 3 2 3", "1 3")
MARKS: Final[tuple[Mark, ...]] = ("circle", "square", "diamond", "triangle", "cross")
"""Series are told apart by colour, dash and mark, in this order."""

_SIZE: Final = 12.5
_LEFTWARDS: Final = ' direction="rtl"'


class CannotDraw(ValueError):
    """What was given is no chart; the message names the place and why."""


# ---- what goes in and comes out ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a chart: from which side, and how numbers and times are written for them.

    Args:
        is_rtl: whether they begin at the right.
        write: a number.
        time: the time of a moment.
        day: the day of a moment.
        local: a moment in the zone that is shown.
    """

    is_rtl: bool = False
    write: Callable[[float], str] = formats.number
    time: Callable[[datetime], str] = formats.time_of_day
    day: Callable[[date], str] = formats.short_day
    local: Callable[[datetime], datetime] = formats.local

    @classmethod
    def of_page(cls) -> Reader:
        """Who reads the page in its language."""
        return cls(is_rtl(get_language() or "en"))

    def alone(self, value: float) -> str:
        """A number that stands alone. In Arabic zero is a word there: its digit looks like a dot."""
        if value == 0:
            # Translators: the number 0 where it stands alone in a chart or a cell
            return pgettext("a number that stands alone", "0")
        return self.write(value)


@dataclass(frozen=True, slots=True)
class Table:
    """The table behind a chart.

    Args:
        heads: of the columns.
        rows: as many cells each; the first one names the row. A cell may be markup made with ``format_html``.
        numbers: the columns whose cells are numbers, counted from 0.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What a mark or colour means, for a chart that cannot write it where it is."""

    mark: SafeString
    words: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart that was drawn.

    Args:
        name: of its kind, as the stylesheet has it.
        width: in pixels.
        height: in pixels.
        body: what stands in the SVG.
        key: what its marks mean.
        note: a sentence that belongs to it wherever it is shown.
        has_links: whether parts of it can be followed.
    """

    name: str
    width: float
    height: float
    body: SafeString
    key: tuple[KeyEntry, ...] = ()
    note: str = ""
    has_links: bool = False

    def svg(self, *, id: str, title: str, description: str) -> SafeString:  # noqa: A002 - the attribute's own name
        """The SVG, named and described.

        Args:
            id: unique on the page.
            title: what it shows.
            description: what one sees in it, in a sentence.
        """
        return format_html(
            '<svg class="{name}" id="{id}" xmlns="http://www.w3.org/2000/svg" role="{role}" '
            'aria-labelledby="{id}-title" aria-describedby="{id}-desc" '
            'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{body}</svg>',
            name=self.name,
            id=id,
            role="group" if self.has_links else "img",
            width=px(self.width),
            height=px(self.height),
            title=title,
            description=description,
            body=self.body,
        )


class Picture(Protocol):
    """Data that can be drawn, and told as a table."""

    def draw(self, reader: Reader) -> Drawing:
        """Draw it for who reads."""

    def table(self, reader: Reader) -> Table:
        """The same as a table."""


# ---- the canvas -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Canvas:
    """Draws shapes; every x is measured from the side where reading begins.

    A drawing has hundreds of them, so of what they are made only words are escaped: classes are those of the
    stylesheet, and lengths are numbers.

    Args:
        width: of the whole drawing.
        is_rtl: whether that side is the right one.
    """

    width: float
    is_rtl: bool = False

    def x(self, at: float, width: float = 0) -> float:
        """Where something that begins at ``at`` begins in the SVG."""
        return self.width - at - width if self.is_rtl else at

    def rect(  # noqa: PLR0913, PLR0917 - a rectangle is four lengths
        self, classes: str, x: float, y: float, width: float, height: float, radius: float = 0
    ) -> SafeString:
        """A rectangle."""
        rounded = f' rx="{px(radius)}"' if radius else ""
        return SafeString(
            f'<rect class="{classes}" x="{px(self.x(x, width))}" y="{px(y)}" width="{px(width)}" '
            f'height="{px(height)}"{rounded}/>'
        )

    def line(self, classes: str, start: tuple[float, float], end: tuple[float, float]) -> SafeString:
        """A straight line."""
        return SafeString(
            f'<line class="{classes}" x1="{px(self.x(start[0]))}" y1="{px(start[1])}" '
            f'x2="{px(self.x(end[0]))}" y2="{px(end[1])}"/>'
        )

    def path(
        self, classes: str, points: Sequence[tuple[float, float]], *, dash: str = "", is_closed: bool = False
    ) -> SafeString:
        """Straight lines from point to point."""
        steps = "L".join(f"{px(self.x(x))} {px(y)}" for x, y in points)
        return format_html(
            '<path class="{}" d="M{}{}"{}/>',
            classes,
            steps,
            "Z" if is_closed else "",
            format_html(' stroke-dasharray="{}"', dash) if dash else "",
        )

    def mark(self, kind: Mark, x: float, y: float, classes: str = "mark") -> SafeString:
        """A mark some 8 pixels wide around a point."""
        at, half = self.x(x), 4.5
        if kind == "circle":
            return SafeString(f'<circle class="{classes}" cx="{px(at)}" cy="{px(y)}" r="4"/>')
        d = {
            "square": f"M{px(at - 4)} {px(y - 4)}h8v8h-8Z",
            "diamond": f"M{px(at)} {px(y - 5)}l5 5l-5 5l-5-5Z",
            "triangle": f"M{px(at)} {px(y - half)}l5 9h-10Z",
            "cross": f"M{px(at - 4)} {px(y - 4)}l8 8m0-8l-8 8",
        }[kind]
        return SafeString(f'<path class="{classes} {kind}" d="{d}"/>')

    def missing(self, x: float, y: float, width: float, height: float) -> SafeString:
        """A place whose value nobody has: an outline in gold, and hatched."""
        left = self.x(x, width)
        strokes = []
        for start in range(6, round(width + height), 7):
            # from the lower left edge up to the right, cut off at the sides
            begin = (left, y + start) if start <= height else (left + start - height, y + height)
            end = (left + start, y) if start <= width else (left + width, y + start - width)
            strokes.append(f"M{px(begin[0])} {px(begin[1])}L{px(end[0])} {px(end[1])}")
        return format_html(
            '<g class="missing"><path class="hatch" d="{}"/>{}</g>',
            "".join(strokes),
            self.rect("outline", x + 0.5, y + 0.5, width - 1, height - 1, 2),
        )

    def tile(self, code: str, x: float, y: float, *, is_own: bool = False) -> SafeString:
        """A nation's tile, 26 by 22 pixels."""
        return format_html(
            '<g class="nation{}">{}{}</g>',
            " own" if is_own else "",
            self.rect("tile-box", x + 0.5, y + 0.5, 25, 21, 2),
            self.text(x + 13, y + 15, code, "letters", anchor="middle", is_rtl=False),
        )

    def text(  # noqa: PLR0913 - where it stands, what it says, and how
        self,
        x: float,
        y: float,
        words: str,
        classes: str = "",
        *,
        anchor: Anchor = "start",
        room: float = math.inf,
        size: float = _SIZE,
        is_bold: bool = False,
        is_rtl: bool | None = None,
    ) -> SafeString:
        """A line of text. Its own letters say in which direction it runs, and it stays at the side it was put to.

        Args:
            x: of its start, middle or end, as the anchor says.
            y: of its base line.
            words: what it says.
            classes: of the stylesheet.
            anchor: which part of it stands at ``x``; its start is at the side where the page's reading begins.
            room: at most so wide; what is longer is cut, and whole when hovered.
            size: of its type, as the stylesheet has it for these classes.
            is_bold: whether it is set in bold.
            is_rtl: its direction, where that is known; by default its first strong letter tells it.
        """
        line = " ".join(words.split())
        shown = shortened(line, room, is_bold=is_bold, size=size)
        own = begins_right(line) if is_rtl is None else is_rtl
        runs_left = self.is_rtl if own is None else own
        opposite: dict[Anchor, Anchor] = {"start": "end", "end": "start", "middle": "middle"}
        placed = anchor if runs_left == self.is_rtl else opposite[anchor]
        named = f' class="{classes}{" strong" if is_bold else ""}"' if classes else ' class="strong"'
        return SafeString(
            f'<text{named if classes or is_bold else ""} x="{px(self.x(x))}" y="{px(y)}" text-anchor="{placed}"'
            f"{_LEFTWARDS if runs_left else ''}>{escape(shown)}"
            f"{f'<title>{escape(line)}</title>' if shown != line else ''}</text>"
        )

    def swatch(self, *shapes: SafeString, width: float = 16, height: float = 16) -> SafeString:
        """A small drawing of its own, for a key; an ornament beside its words."""
        return format_html(
            '<svg class="swatch" width="{w}" height="{h}" viewBox="0 0 {w} {h}" aria-hidden="true">{shapes}</svg>',
            w=px(width),
            h=px(height),
            shapes=joined(shapes),
        )


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Parts of a drawing, one over the other."""
    return SafeString("".join(map(conditional_escape, parts)))


def px(length: float) -> str:
    """A length with one decimal at most."""
    return f"{length:.1f}".removesuffix(".0")


# ---- words ------------------------------------------------------------------------------------------------------
def begins_right(words: str) -> bool | None:
    """Whether words run from right to left, by their first strong letter; None where they have none.

    Source: Unicode Standard Annex #9, rules P2 and P3.
    """
    strong = next((found for letter in words if (found := bidirectional(letter)) in {"L", "R", "AL"}), None)
    return None if strong is None else strong != "L"


_NARROW: Final = frozenset("iljtfr.,:;'|!()[]- ")
_WIDE: Final = frozenset("mwMW@%—…")


def width_of(words: str, *, is_bold: bool = False, size: float = _SIZE) -> float:
    """About how wide words are in the faces of the interface; rather too wide than too narrow."""
    return sum(map(_share, words)) * size * (1.06 if is_bold else 1)


@lru_cache(maxsize=4096)
def _share(letter: str) -> float:
    """The width of a letter, as a share of the size of the type."""
    if category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    if letter in _NARROW:
        return 0.35
    if letter in _WIDE:
        return 0.95
    if "\u0600" <= letter <= "\u06ff":
        return 0.52
    if letter >= "\u1100" and category(letter) == "Lo" and letter < "\ufb50":
        return 1.05
    return 0.69 if letter.isupper() else 0.57


def shortened(words: str, room: float, *, is_bold: bool = False, size: float = _SIZE) -> str:
    """Words that are no wider than their room: cut, and ended with “…”, where they are."""
    if width_of(words, is_bold=is_bold, size=size) <= room:
        return words
    kept = words
    while kept and width_of(kept + "…", is_bold=is_bold, size=size) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def wrapped(words: str, room: float, most: int = 3) -> list[str]:
    """Words on several lines, broken at blanks and hyphens; the last of the lines takes what is left."""
    lines: list[str] = []
    for word in re.findall(r"[^\s-]+-?|-", words):
        joint = "" if lines and lines[-1].endswith("-") else " "
        if lines and (width_of(f"{lines[-1]}{joint}{word}") <= room or len(lines) == most):
            lines[-1] = f"{lines[-1]}{joint}{word}"
        else:
            lines.append(word)
    return [shortened(line, room) for line in lines]


# ---- numbers ----------------------------------------------------------------------------------------------------
def checked(value: float, where: str) -> float:
    """A value that a chart can show.

    Raises:
        CannotDraw: it is below zero, or no number at all.
    """
    if not math.isfinite(value) or value < 0:
        raise CannotDraw(f"A chart shows amounts from 0 on: {where} has {value}. Show a difference in words.")
    return value


def round_steps(most: float, *, about: int = 4, is_whole: bool = False) -> list[float]:
    """Steps of an axis from 0 up to at least ``most``, each 1, 2 or 5 times a power of ten.

    Args:
        most: the largest value.
        about: how many steps there should be, at most one more than these.
        is_whole: whether there is nothing between two whole numbers.
    """
    if most <= 0:
        return [0, 1]
    power = 10.0 ** math.floor(math.log10(most / about))
    step = next(each * power for each in (1, 2, 5, 10) if each * power * about >= most * (1 - 1e-9))
    step = max(step, 1) if is_whole else step
    decimals = max(0, -math.floor(math.log10(step)))
    count = max(1, math.ceil(most / step - 1e-9))
    return [round(step * each, decimals) for each in range(count + 1)]


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as can be to the wanted ones, in their order, none nearer to another than the gap.

    They move by the least sum of squares (isotonic regression: pool adjacent violators). Where they do not fit, the
    gap shrinks.

    Args:
        wanted: in any order.
        gap: between two.
        low: none is below.
        high: none is above.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    pools: list[tuple[float, int]] = []
    for rank, at in enumerate(order):
        mean, size = wanted[at] - rank * gap, 1
        while pools and pools[-1][0] > mean:
            before, held = pools.pop()
            mean, size = (before * held + mean * size) / (held + size), held + size
        pools.append((mean, size))
    level = [mean for mean, size in pools for _each in range(size)]
    last = high - gap * (len(wanted) - 1)
    placed = [0.0] * len(wanted)
    for rank, at in enumerate(order):
        placed[at] = min(max(level[rank], low), last) + rank * gap
    return placed
