"""Charts as a page would have them, in English and in Arabic; and their SVG, taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

from taawun.platform.web.charts import (
    DETECTED,
    Band,
    Bar,
    Bars,
    Deed,
    Drawing,
    Edge,
    Flow,
    Graph,
    HeatColumn,
    HeatMap,
    HeatRow,
    Inject,
    Lines,
    MapNation,
    Node,
    Picture,
    Radar,
    Reader,
    Series,
    Standing,
    TileMap,
    Timeline,
    TimelineRow,
)
from taawun.platform.web.charts.drawing import width_of

__all__ = [
    "ARABIC",
    "ENGLISH",
    "START",
    "Words",
    "after",
    "all_kinds",
    "outside",
    "parsed",
    "shapes",
    "words",
]

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def _written(value: float) -> str:
    return f"{value:g}"


def _time(at: datetime) -> str:
    return f"{at:%H:%M}"


def _day(at: date) -> str:
    return f"{at:%d %b}"


ENGLISH = Reader(write=_written, time=_time, day=_day, local=lambda at: at)
ARABIC = Reader(is_rtl=True, write=_written, time=_time, day=_day, local=lambda at: at)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def all_kinds(name: str = "Demo South") -> dict[str, Picture]:
    """One of each kind, of which one thing is named so."""
    return {
        "lines": Lines(
            "Month", ("Apr", name, "Jun"), (Series(name, (1, 2, 3)), Series("East", (3, None, 3)))
        ),
        "bars": Bars("Kind", "Releases", (Bar(name, 61), Bar("Rules", None), Bar("Courses", 0))),
        "radar": Radar(
            "Pillar", ("Research", "Standards", name, "Innovation"), (Series(name, (45, None, 100, 0)),)
        ),
        "heat": HeatMap(
            "Technique",
            (HeatColumn("Demo North", "XN", is_own=True), HeatColumn(name)),
            (HeatRow(name, (2, None), "T1190", 17), HeatRow("PowerShell", (9, 0), "T1059", 20)),
            seen="Seen",
        ),
        "timeline": Timeline(
            "Nation",
            START,
            after(240),
            (TimelineRow("XN", name, (Deed(after(22), DETECTED, "1"),)), TimelineRow("XS", "South")),
            (Inject("1", after(10), name), Inject("2", after(120))),
            now=after(102),
        ),
        "map": TileMap(
            "Nation",
            "Standing",
            (MapNation("XN", name, Standing(name, 4), is_own=True), MapNation("BH", "Bahrain")),
        ),
        "flow": Flow("Kind", "Releases", (Band(561, name), Band(1, "rules")), (name, "562 releases")),
        "graph": Graph(
            Node("", "Report", name), (Node("a", name, name), Node("b", "Tool", "B")), (Edge("a", "b", name),)
        ),
    }


# ---- taken apart ------------------------------------------------------------------------------------------------
def parsed(drawing: Drawing) -> ET.Element:
    svg = drawing.svg(id="c", title="What it shows", description="What one sees.")
    return ET.fromstring(svg)  # noqa: S314 - our own drawing


def shapes(drawing: Drawing, tag: str, classes: str = "") -> list[dict[str, str]]:
    """The attributes of every such shape that has these classes."""
    wanted = set(classes.split())
    return [
        dict(each.attrib)
        for each in parsed(drawing).iter(f"{SVG}{tag}")
        if wanted <= set(each.get("class", "").split())
    ]


@dataclass(frozen=True)
class Words:
    """A line of text: what it says, and its edges as they are estimated."""

    says: str
    x: float
    y: float
    low: float
    high: float
    is_rtl: bool
    classes: str


def words(drawing: Drawing) -> Iterator[Words]:
    for each in parsed(drawing).iter(f"{SVG}text"):
        says = (each.text or "") + "".join(
            (part.text or "") + (part.tail or "") for part in each if part.tag != f"{SVG}title"
        )
        x, is_rtl = float(each.get("x", "")), each.get("direction") == "rtl"
        classes = each.get("class", "")
        wide = width_of(says, is_bold="strong" in classes, size=11 if classes == "label" else 12.5)
        before = {"start": 0.0, "middle": 0.5, "end": 1.0}[each.get("text-anchor", "start")]
        before = 1 - before if is_rtl else before
        low = x - wide * before
        yield Words(says, x, float(each.get("y", "")), low, low + wide, is_rtl, classes)


def outside(drawing: Drawing) -> list[str]:
    """Everything that reaches over the edge of the drawing."""
    found = [
        f"{each.says!r} from {each.low:.0f} to {each.high:.0f} at {each.y:.0f}"
        for each in words(drawing)
        if each.low < -1 or each.high > drawing.width + 1 or not 8 <= each.y <= drawing.height
    ]
    for each in shapes(drawing, "rect"):
        x, y, width, height = (float(each[name]) for name in ("x", "y", "width", "height"))
        if (
            min(x, y, width, height) < 0
            or x + width > drawing.width + 0.1
            or y + height > drawing.height + 0.1
        ):
            found.append(f"{each}")
    points = [(each["cx"], each["cy"]) for each in shapes(drawing, "circle")]
    for each in shapes(drawing, "line"):
        points += [(each["x1"], each["y1"]), (each["x2"], each["y2"])]
    found += [
        f"a point at {x} {y}"
        for x, y in points
        if not (0 <= float(x) <= drawing.width and 0 <= float(y) <= drawing.height)
    ]
    return found
