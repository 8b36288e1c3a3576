"""Charts, drawn on the server as SVG: a room of pure functions, of which this is the door.

What is drawn depends on the arguments alone, and its colours are those of the stylesheet.
"""

from taawun.platform.web.charts.flows import MOST_BANDS, Band, draw_flow
from taawun.platform.web.charts.graphs import MOST_NODES, Edge, Graph, Node, draw, gathered

__all__ = ["MOST_BANDS", "MOST_NODES", "Band", "Edge", "Graph", "Node", "draw", "draw_flow", "gathered"]
