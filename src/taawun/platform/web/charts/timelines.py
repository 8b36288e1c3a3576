"""Timelines: a row for each party, what it did and when, against what was put before all of them.

In a drill that is the injects, under an agreement the versions that were proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from taawun.platform.web.charts.drawing import (
    CannotDraw,
    Canvas,
    Drawing,
    KeyEntry,
    Mark,
    Reader,
    Table,
    joined,
    spread,
    width_of,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

__all__ = [
    "DETECTED",
    "MISSED",
    "SHARED",
    "Deed",
    "Inject",
    "Sign",
    "Timeline",
    "TimelineRow",
    "Wording",
]


@dataclass(frozen=True, slots=True)
class Sign:
    """What a mark on a line stands for.

    Args:
        mark: its shape, by which it is told apart without its colour.
        words: what it stands for.
    """

    mark: Mark
    words: _StrOrPromise


DETECTED: Final = Sign("circle", pgettext_lazy("an inject of a drill", "detected"))
SHARED: Final = Sign("diamond", pgettext_lazy("an inject of a drill", "shared with others"))
MISSED: Final = Sign("cross", pgettext_lazy("an inject of a drill", "missed"))


@dataclass(frozen=True, slots=True)
class Wording:
    """What a timeline calls its things.

    Args:
        signs: every mark that may stand on a line, in the order of the key.
        numbered: the numbered boxes above the lines, together.
        number: the head of their column in the table.
        deed: the head of the column of what was done.
    """

    signs: tuple[Sign, ...]
    numbered: _StrOrPromise
    number: _StrOrPromise
    deed: _StrOrPromise


DRILL: Final = Wording(
    (DETECTED, SHARED, MISSED), gettext_lazy("Injects"), gettext_lazy("Inject"), gettext_lazy("What it did")
)

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
# minutes between two times on the axis; beyond these it is days
_TICKS: Final = (1, 2, 5, 10, 15, 30, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR)
_TICK_ROOM: Final = 90

_NOW_TOP, _INJECTS, _FIRST, _ROW, _BOX = 2, 26, 74, 34, 20
_MARK_APART: Final = 11


@dataclass(frozen=True, slots=True)
class Deed:
    """What one of a row did, and when; the number is that of the box it answers, empty where it answers none."""

    at: datetime
    sign: Sign
    inject: str = ""


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A nation or a party: two letters, its name, what it did, and whether it is the reader's own."""

    code: str
    name: str
    deeds: tuple[Deed, ...] = ()
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Inject:
    """A numbered box above the rows, as an inject or a version: its number as the reader writes it, when, and what."""

    number: str
    at: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A timeline.

    Args:
        head: what the rows are, for the table: “Nation”.
        starts: when what it tells begins, with a zone, as every other moment here.
        ends: when it ends. What lies outside stretches the axis.
        now: up to when lines are solid; None for what is over.
        rows: in the order in which they are read.
        injects: in any order; those after ``now`` are dashed.
        wording: what its things are called.
        width: in pixels.

    Raises:
        CannotDraw: it ends before it starts.
    """

    head: str
    starts: datetime
    ends: datetime
    rows: tuple[TimelineRow, ...]
    injects: tuple[Inject, ...] = ()
    now: datetime | None = None
    wording: Wording = DRILL
    width: int = 880

    def __post_init__(self) -> None:
        if self.ends < self.starts:
            raise CannotDraw(f"The timeline ends at {self.ends}, before it starts at {self.starts}.")

    def table(self, reader: Reader) -> Table:
        """A row for each deed, nation by nation; a nation that did nothing has a row that says so."""
        rows = []
        write = _Sheet(self, reader).write
        for row in self.rows:
            deeds = sorted(row.deeds, key=lambda each: each.at)
            rows += [(row.name, str(deed.sign.words), deed.inject or "—", write(deed.at)) for deed in deeds]
            rows += [] if deeds else [(row.name, "—", "—", "—")]
        heads = (self.head, self.wording.deed, self.wording.number, gettext_lazy("Time"))
        return Table(tuple(map(str, heads)), tuple(rows))

    def draw(self, reader: Reader) -> Drawing:
        """Draw it; time begins where the reader does."""
        return _Sheet(self, reader).drawing()


class _Sheet:
    """The measures of one timeline."""

    def __init__(self, timeline: Timeline, reader: Reader) -> None:
        self.timeline, self.reader = timeline, reader
        self.canvas = Canvas(timeline.width, reader.is_rtl)
        moments = [each.at for each in timeline.injects]
        moments += [deed.at for row in timeline.rows for deed in row.deeds]
        self.low = min([timeline.starts, *moments])
        self.high = max([timeline.ends, *moments, self.low + timedelta(minutes=1)])
        self.is_one_day = reader.local(self.low).date() == reader.local(self.high).date()
        self.injects_word = str(timeline.wording.numbered)
        names = max(
            [width_of(row.name) + 34 for row in timeline.rows] + [width_of(self.injects_word, is_bold=True)]
        )
        self.name_room = min(names, timeline.width * 0.3)
        self.begin, self.end = self.name_room + 16, timeline.width - 24
        self.foot = _FIRST + len(timeline.rows) * _ROW

    def write(self, at: datetime) -> str:
        """A moment; with its day where the axis has more than one."""
        time = self.reader.time(at)
        if self.is_one_day:
            return time
        return _("%(day)s, %(time)s") % {"day": self.reader.day(self.reader.local(at).date()), "time": time}

    def x(self, at: datetime) -> float:
        return self.begin + (self.end - self.begin) * ((at - self.low) / (self.high - self.low))

    def drawing(self) -> Drawing:
        parts = [*self._axis(), *self._rows(), *self._injects(), *self._now()]
        return Drawing(
            "timeline", self.timeline.width, self.foot + 24, joined(parts), key=_key(self.timeline.wording)
        )

    def _axis(self) -> list[SafeString]:
        minutes = self._tick()
        write = self.reader.day if minutes >= _DAY else self.reader.time
        start = self.reader.local(self.low).replace(hour=0, minute=0, second=0, microsecond=0)
        passed = (self.low - start) / timedelta(minutes=minutes)
        at = start + timedelta(minutes=minutes) * -int(-passed // 1)
        drawn = []
        while at <= self.high:
            x, words = self.x(at), write(at)
            drawn.append(self.canvas.line("grid", (x, _FIRST - 16), (x, self.foot)))
            middle = min(x, self.timeline.width - width_of(words) / 2)
            drawn.append(self.canvas.text(middle, self.foot + 18, words, "axis", anchor="middle"))
            at += timedelta(minutes=minutes)
        return drawn

    def _tick(self) -> int:
        """How many minutes lie between two times on the axis, so that these have room."""
        whole = (self.high - self.low) / timedelta(minutes=1)
        least = whole / max(1, (self.end - self.begin) // _TICK_ROOM)
        return next((each for each in _TICKS if each >= least), _DAY * -int(-least // _DAY))

    def _rows(self) -> list[SafeString]:
        until = self.x(min(max(self.timeline.now, self.low), self.high)) if self.timeline.now else self.end
        drawn = []
        for number, row in enumerate(self.timeline.rows):
            y = _FIRST + number * _ROW
            drawn += [
                self.canvas.tile(row.code, 0, y - 11, is_own=row.is_own),
                self.canvas.text(34, y + 4, row.name, room=self.name_room - 34),
                self.canvas.line("done", (self.begin, y), (until, y)),
            ]
            # marks of one moment stand beside each other
            places = spread([self.x(deed.at) for deed in row.deeds], _MARK_APART, self.begin, self.end)
            for deed, x in zip(row.deeds, places, strict=True):
                drawn.append(
                    SafeString(
                        f'<g class="deed {deed.sign.mark}"><title>'
                        f"{escape(f'{row.name}: {deed.sign.words}, {self.write(deed.at)}')}</title>"
                        f"{self.canvas.mark(deed.sign.mark, x, y)}</g>"
                    )
                )
        return drawn

    def _injects(self) -> list[SafeString]:
        injects = sorted(self.timeline.injects, key=lambda each: each.at)
        if not injects:
            return []
        drawn = [self.canvas.text(0, _INJECTS + 14, self.injects_word, "head", is_bold=True)]
        places = spread([self.x(each.at) for each in injects], _BOX + 4, self.begin, self.end)
        for each, x in zip(injects, places, strict=True):
            is_done = self.timeline.now is None or each.at <= self.timeline.now
            if is_done:
                drawn.append(
                    self.canvas.line(
                        "given", (self.x(each.at), _INJECTS + _BOX), (self.x(each.at), self.foot)
                    )
                )
            drawn.append(
                format_html(
                    '<g class="inject{}"><title>{}</title>{}{}</g>',
                    "" if is_done else " to-come",
                    f"{each.number}: {each.name}, {self.write(each.at)}" if each.name else each.number,
                    self.canvas.rect("box", x - _BOX / 2, _INJECTS, _BOX, _BOX, 2),
                    self.canvas.text(
                        x, _INJECTS + 14, each.number, anchor="middle", room=_BOX + 4, is_bold=True
                    ),
                )
            )
        return drawn

    def _now(self) -> list[SafeString]:
        now = self.timeline.now
        if now is None or not self.low <= now <= self.high:
            return []
        x, words = self.x(now), self.write(now)
        wide = width_of(words, is_bold=True) + 12
        box = min(max(x - wide / 2, 0), self.timeline.width - wide)
        return [
            self.canvas.line("now", (x, _NOW_TOP + 18), (x, self.foot)),
            format_html(
                '<g class="now-box">{}{}</g>',
                self.canvas.rect("box", box, _NOW_TOP, wide, 18, 2),
                self.canvas.text(box + wide / 2, _NOW_TOP + 13, words, anchor="middle", is_bold=True),
            ),
        ]


def _key(wording: Wording) -> tuple[KeyEntry, ...]:
    small = Canvas(16)
    return tuple(
        KeyEntry(
            small.swatch(format_html('<g class="deed {}">{}</g>', each.mark, small.mark(each.mark, 8, 8))),
            str(each.words),
        )
        for each in wording.signs
    )
