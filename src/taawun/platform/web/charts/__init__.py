"""Charts, drawn on the server as SVG: a room of pure functions, of which this is the door.

Each kind is a frozen thing that holds its data, refuses what it cannot show, and answers two questions: ``draw`` gives
the picture, ``table`` the same as a table. The tag ``{% chart %}`` puts both into one frame (see
:class:`taawun.platform.web.components.Chart`). The colours are those of the stylesheet.
"""

from taawun.platform.web.charts.bars import Bar, Bars
from taawun.platform.web.charts.drawing import CannotDraw, Drawing, KeyEntry, Picture, Reader, Table
from taawun.platform.web.charts.flows import MOST_BANDS, Band, Flow
from taawun.platform.web.charts.graphs import MOST_NODES, Edge, Graph, Node, gathered
from taawun.platform.web.charts.heat import HeatColumn, HeatMap, HeatRow
from taawun.platform.web.charts.lines import MOST_SERIES, Lines, Series
from taawun.platform.web.charts.maps import MapNation, Standing, TileMap
from taawun.platform.web.charts.radar import Radar
from taawun.platform.web.charts.timelines import (
    DETECTED,
    MISSED,
    SHARED,
    Deed,
    Inject,
    Sign,
    Timeline,
    TimelineRow,
    Wording,
)

__all__ = [
    "DETECTED",
    "MISSED",
    "MOST_BANDS",
    "MOST_NODES",
    "MOST_SERIES",
    "SHARED",
    "Band",
    "Bar",
    "Bars",
    "CannotDraw",
    "Deed",
    "Drawing",
    "Edge",
    "Flow",
    "Graph",
    "HeatColumn",
    "HeatMap",
    "HeatRow",
    "Inject",
    "KeyEntry",
    "Lines",
    "MapNation",
    "Node",
    "Picture",
    "Radar",
    "Reader",
    "Series",
    "Sign",
    "Standing",
    "Table",
    "TileMap",
    "Timeline",
    "TimelineRow",
    "Wording",
    "gathered",
]
