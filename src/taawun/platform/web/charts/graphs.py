"""Graphs of things that hang together: boxes with a kind above and a name below, left to right from the first one.

They are not mirrored: what is tied to what reads the same to everybody, and most names in them are code.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from taawun.platform.web.charts.drawing import Canvas, Drawing, Reader, Table, joined, px

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["MOST_NODES", "Edge", "Graph", "Node", "gathered"]

MOST_NODES: Final = 40
"""More boxes than this are gathered by kind: nobody reads them."""

# four columns fit beside the aside of a page
_WIDTH, _HEIGHT = 154, 42
_GAP, _ROW_GAP = 60, 12
_EDGE: Final = 4
_COLUMNS: Final = 4
# what words may take in a box, and between two
_INSIDE, _BETWEEN = _WIDTH - 18, 66
# half of what a finger or a pointer needs
_REACH: Final = 12


@dataclass(frozen=True, slots=True)
class Node:
    """A box.

    Args:
        key: unique in its graph.
        kind: what it is, in the reader's language.
        name: what it is called.
        url: its page; empty for none.
        technical: whether the name is code.
        dashed: drawn with a dashed border, for a technique.
        marked: drawn on gold, for what was seen.
        note: a few words behind the kind, for example how often it was seen.
        holds: how many things the box stands for.
        unfold: the address of the graph with what this one is tied to, or without it where that is shown.
        is_unfolded: whether it is shown.
    """

    key: str
    kind: str
    name: str
    url: str = ""
    technical: bool = False
    dashed: bool = False
    marked: bool = False
    note: str = ""
    holds: int = 1
    unfold: str = ""
    is_unfolded: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A tie from one box to another, and what it says."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph and the box that everything begins from.

    Args:
        root: drawn first, in green; it needs no edges.
        nodes: all others, the more important first.
        edges: ties among the others.
        columns: so many beside the first box; what hangs further away begins again beside it.
    """

    root: Node
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    columns: int = _COLUMNS

    def table(self, reader: Reader) -> Table:
        """A row for each tie; what is tied to nothing has a row of its own."""
        del reader
        names = {node.key: node.name for node in self.nodes}
        rows = [(names[each.source], each.label or "—", names[each.target]) for each in self.edges]
        tied = {key for each in self.edges for key in (each.source, each.target)}
        rows += [(node.name, "—", "—") for node in self.nodes if node.key not in tied]
        return Table((_("Object"), _("Tie"), _("Other object")), tuple(rows))

    def draw(self, reader: Reader) -> Drawing:
        """Draw it, left to right, as wide as it needs: it belongs into a frame that scrolls."""
        del reader
        return _draw(self)


# ---- gathering --------------------------------------------------------------------------------------------------
def gathered(graph: Graph, name: Callable[[int], str]) -> Graph:
    """The same graph with one box a kind, if it has more than :data:`MOST_NODES` boxes.

    A kind of which there is only one keeps its own box.

    Args:
        graph: what is too much.
        name: tells how many things a box stands for, for example “37 of them”.
    """
    if len(graph.nodes) <= MOST_NODES:
        return graph
    kinds = Counter(node.kind for node in graph.nodes)
    keys = {node.key: node.key if kinds[node.kind] == 1 else f"kind {node.kind}" for node in graph.nodes}
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        key = keys[node.key]
        if key == node.key:
            nodes[key] = node
        elif key in nodes:
            nodes[key] = replace(nodes[key], marked=nodes[key].marked or node.marked)
        else:
            count = kinds[node.kind]
            nodes[key] = Node(
                key, node.kind, name(count), dashed=node.dashed, marked=node.marked, holds=count
            )
    edges = dict.fromkeys(
        Edge(keys[edge.source], keys[edge.target], edge.label)
        for edge in graph.edges
        if keys[edge.source] != keys[edge.target]
    )
    return replace(graph, nodes=tuple(nodes.values()), edges=tuple(edges))


# ---- layout -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Tree:
    """Which box hangs on which, in the order of the page; the key of the root is empty."""

    children: Mapping[str, Sequence[str]]
    depth: Mapping[str, int]


def _tree(graph: Graph) -> _Tree:
    """Hang every box on the one through which it is reached first; each group hangs on the root by its hub."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges:
        neighbours[edge.source].append(edge.target)
        neighbours[edge.target].append(edge.source)
    children: dict[str, list[str]] = defaultdict(list)
    depth: dict[str, int] = {"": 0}
    for hub in _hubs(graph, neighbours):
        if hub in depth:
            continue
        depth[hub] = 1
        children[""].append(hub)
        waiting = deque([hub])
        while waiting:
            at = waiting.popleft()
            for other in dict.fromkeys(neighbours[at]):
                if other not in depth and depth[at] < graph.columns:
                    depth[other] = depth[at] + 1
                    children[at].append(other)
                    waiting.append(other)
    return _Tree(children, depth)


def _hubs(graph: Graph, neighbours: Mapping[str, Sequence[str]]) -> list[str]:
    """Boxes by how much hangs on them; among equals as they were given."""
    degree = {node.key: len(set(neighbours.get(node.key, ()))) for node in graph.nodes}
    return sorted(degree, key=lambda key: -degree[key])


def _rows(tree: _Tree) -> dict[str, float]:
    """The row of each box: leaves stand below each other, what holds some stands in their middle."""
    rows: dict[str, float] = {}
    following = 0.0

    def place(key: str) -> None:
        nonlocal following
        held = tree.children.get(key, ())
        for child in held:
            place(child)
        if held:
            rows[key] = (rows[held[0]] + rows[held[-1]]) / 2
        else:
            rows[key] = following
            following += 1

    place("")
    return rows


# ---- drawing ----------------------------------------------------------------------------------------------------
_CANVAS: Final = Canvas(0)


def _draw(graph: Graph) -> Drawing:
    tree = _tree(graph)
    rows, columns = _rows(tree), tree.depth
    places = {
        key: (_EDGE + columns[key] * (_WIDTH + _GAP), _EDGE + row * (_HEIGHT + _ROW_GAP))
        for key, row in rows.items()
    }
    last = max(columns.values())
    width = 2 * _EDGE + _WIDTH + last * (_WIDTH + _GAP)
    if any(columns[edge.source] == columns[edge.target] == last for edge in graph.edges):
        width += _GAP // 2
    elif any(node.unfold and columns[node.key] == last for node in graph.nodes):
        width += _REACH
    height = 2 * _EDGE + _HEIGHT + max(rows.values()) * (_HEIGHT + _ROW_GAP)
    boxes = [
        _box(graph.root, *places[""], is_root=True),
        *(_box(each, *places[each.key]) for each in graph.nodes),
    ]
    return Drawing("graph", width, height, joined([*_lines(graph, tree, places), *boxes]), has_links=True)


def _box(node: Node, x: float, y: float, *, is_root: bool = False) -> SafeString:
    classes = ["node", *(name for name in ("dashed", "marked") if getattr(node, name))]
    classes += ["root"] if is_root else []
    classes += ["many"] if node.holds > 1 else []
    kind = _("%(kind)s, %(note)s") % {"kind": node.kind, "note": node.note} if node.note else node.kind
    full = f"{kind}: {node.name}"
    behind = _CANVAS.rect("behind", x + 4, y + 4, _WIDTH, _HEIGHT, 3) if node.holds > 1 else ""
    name = "name code" if node.technical else "name"
    drawn = format_html(
        '<g class="{}"><title>{}</title>{}{}{}{}</g>',
        " ".join(classes),
        full,
        behind,
        _CANVAS.rect("box", x, y, _WIDTH, _HEIGHT, 3),
        _CANVAS.text(x + 10, y + 16, kind, "kind", room=_INSIDE, size=11.5),
        _CANVAS.text(
            x + 10, y + 33, node.name, name, room=_INSIDE, size=11.5 if node.technical else 12.5, is_bold=True
        ),
    )
    box = format_html('<a href="{}" aria-label="{}">{}</a>', node.url, full, drawn) if node.url else drawn
    return format_html("{}{}", box, _handle(node, x + _WIDTH, y + _HEIGHT / 2)) if node.unfold else box


def _handle(node: Node, x: float, y: float) -> SafeString:
    """What shows the neighbours of a box in place; without scripts it is one more way to its page."""
    said = _("Hide what %(name)s is tied to") if node.is_unfolded else _("Show what %(name)s is tied to")
    return format_html(
        '<a class="handle" id="unfold-{}" href="{}" hx-get="{}" aria-label="{words}"><title>{words}</title>'
        '<circle class="reach" cx="{x}" cy="{y}" r="{}"/><circle class="knob" cx="{x}" cy="{y}" r="8"/>'
        '<path class="sign" d="M{} {y}h8{}"/></a>',
        node.key,
        node.url,
        node.unfold,
        _REACH,
        px(x - 4),
        "" if node.is_unfolded else "m-4-4v8",
        words=said % {"name": node.name},
        x=px(x),
        y=px(y),
    )


def _lines(graph: Graph, tree: _Tree, places: Mapping[str, tuple[float, float]]) -> list[SafeString]:
    """Lines from the root to the hubs, and the ties; a tie that hangs nothing is thin."""
    hanging = {(parent, child) for parent, held in tree.children.items() for child in held}
    drawn = [_line(places[""], places[hub], "stem") for hub in tree.children.get("", ())]
    for edge in _once(graph.edges):
        ends = (edge.source, edge.target)
        is_hanging = ends in hanging or ends[::-1] in hanging
        starts_left = tree.depth[edge.source] <= tree.depth[edge.target]
        left, right = ends if starts_left else ends[::-1]
        kind = "tie" if is_hanging else "tie across"
        tip = "end" if starts_left else "start"
        drawn.append(_line(places[left], places[right], kind, tip=tip, label=edge.label))
    return drawn


def _once(edges: Iterable[Edge]) -> list[Edge]:
    """One line between two boxes in one direction, with everything that is said along it."""
    labels: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        if edge.source != edge.target:
            labels.setdefault((edge.source, edge.target), []).append(edge.label)
    return [Edge(source, target, ", ".join(dict.fromkeys(said))) for (source, target), said in labels.items()]


def _line(
    left: tuple[float, float], right: tuple[float, float], classes: str, *, tip: str = "", label: str = ""
) -> SafeString:
    """A line between two boxes, with its tip at one of its ends and what it says before the right one."""
    (x1, y1), (x2, y2) = left, right
    middle = _HEIGHT / 2
    start = (x1 + _WIDTH, y1 + middle)
    if x1 == x2:
        # within a column the line leaves and comes back at the right
        end, bend = (x2 + _WIDTH, y2 + middle), x1 + _WIDTH + _GAP / 2
        at = (bend, (start[1] + end[1]) / 2)
    else:
        end = (x2, y2 + middle)
        bend = (start[0] + end[0]) / 2
        at = (end[0] - _GAP / 2, start[1] + (end[1] - start[1]) * 0.62 - 4 if y1 != y2 else end[1] - 5)
    path = format_html(
        '<path class="{}" d="M{} {}C{} {} {} {} {} {}"/>',
        classes,
        *map(px, (*start, bend, start[1], bend, end[1], *end)),
    )
    # lines arrive level: from the left at a box's left side, from the right at its right one
    ends = {"end": (end, -1 if x1 != x2 else 1), "start": (start, 1)}
    pointed = _tip(*ends[tip]) if tip else ""
    words = _CANVAS.text(*at, label, "label", anchor="middle", room=_BETWEEN, size=11) if label else ""
    return format_html("{}{}{}", path, pointed, words)


def _tip(at: tuple[float, float], side: int) -> SafeString:
    """The tip of an arrow that comes from the given side: -1 the left, 1 the right."""
    x, y = at[0] + side, at[1]
    return format_html('<path class="tip" d="M{} {}l{} -3v6Z"/>', px(x), px(y), px(6 * side))
