"""Graphs of things that hang together: boxes with a kind above and a name below, left to right from the first one.

Pure functions: what is drawn depends on the arguments alone. The colours are those of the stylesheet.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from unicodedata import bidirectional

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["MOST_NODES", "Edge", "Graph", "Node", "draw", "gathered"]

MOST_NODES: Final = 40
"""More boxes than this are gathered by kind: nobody reads them."""

# four columns fit beside the aside of a page
_WIDTH, _HEIGHT = 158, 42
_GAP, _ROW_GAP = 54, 12
_EDGE: Final = 4
_COLUMNS: Final = 4
# about how many characters fit in a box and between two
_KIND_LONG, _NAME_LONG, _LABEL_LONG = 23, 19, 12


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
    """

    root: Node
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


# ---- gathering --------------------------------------------------------------------------------------------------
def gathered(graph: Graph, name: Callable[[int], str]) -> Graph:
    """The same graph with one box a kind, if it has more than :data:`MOST_NODES` boxes.

    A kind of which there is only one keeps its own box.

    Args:
        graph: what was too much.
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
    return Graph(graph.root, tuple(nodes.values()), tuple(edges))


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
                if other not in depth and depth[at] < _COLUMNS:
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
def draw(graph: Graph, *, id: str, title: str, description: str) -> SafeString:  # noqa: A002 - the attribute's own name
    """Draw a graph as SVG, left to right; it is as wide as it needs, so it belongs into a frame that scrolls.

    Args:
        graph: at most some :data:`MOST_NODES` boxes; see :func:`gathered`.
        id: unique on the page.
        title: what the picture shows.
        description: what one sees in it, in a sentence.
    """
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
    height = 2 * _EDGE + _HEIGHT + max(rows.values()) * (_HEIGHT + _ROW_GAP)
    boxes = [
        _box(graph.root, *places[""], is_root=True),
        *(_box(each, *places[each.key]) for each in graph.nodes),
    ]
    lines = _lines(graph, tree, places, f"{id}-tip")
    return format_html(
        '<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="group" aria-labelledby="{id}-title {id}-desc" '
        'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>'
        '<defs><marker id="{id}-tip" class="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0.8 7 4 0 7.2z"/></marker></defs>{lines}{boxes}</svg>',
        id=id,
        title=title,
        description=description,
        width=_px(width),
        height=_px(height),
        lines=format_html_join("", "{}", ((each,) for each in lines)),
        boxes=format_html_join("", "{}", ((each,) for each in boxes)),
    )


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")


def _box(node: Node, x: float, y: float, *, is_root: bool = False) -> SafeString:
    classes = ["node", *(name for name in ("dashed", "marked") if getattr(node, name))]
    classes += ["root"] if is_root else []
    classes += ["many"] if node.holds > 1 else []
    kind = _("%(kind)s, %(note)s") % {"kind": node.kind, "note": node.note} if node.note else node.kind
    full = f"{kind}: {node.name}"
    behind = (
        format_html(
            '<rect class="behind" x="{}" y="{}" width="{}" height="{}" rx="3"/>',
            _px(x + 4),
            _px(y + 4),
            _WIDTH,
            _HEIGHT,
        )
        if node.holds > 1
        else ""
    )
    drawn = format_html(
        '<g class="{}"><title>{}</title>{}<rect x="{}" y="{}" width="{}" height="{}" rx="3"/>{}{}</g>',
        " ".join(classes),
        full,
        behind,
        _px(x),
        _px(y),
        _WIDTH,
        _HEIGHT,
        _words(kind, "kind", (x + 10, y + 16), _KIND_LONG),
        _words(node.name, "name code" if node.technical else "name", (x + 10, y + 33), _NAME_LONG),
    )
    return format_html('<a href="{}" aria-label="{}">{}</a>', node.url, full, drawn) if node.url else drawn


def _words(words: str, classes: str, at: tuple[float, float], most: int, anchor: str = "start") -> SafeString:
    """A line of text; one in a right-to-left script is set as such, and still begins at the left edge of its box."""
    line = " ".join(words.split())
    shown = line if len(line) <= most else line[: most - 1].rstrip() + "…"
    if not _is_rtl(shown):
        direction = ""
    else:
        direction, anchor = "rtl", "end" if anchor == "start" else anchor
    return format_html(
        '<text class="{}" x="{}" y="{}" text-anchor="{}"{}>{}</text>',
        classes,
        _px(at[0]),
        _px(at[1]),
        anchor,
        format_html(' direction="{}"', direction) if direction else "",
        shown,
    )


def _is_rtl(words: str) -> bool:
    """Whether the first strong character says so (Unicode Standard Annex 9, rules P2 and P3)."""
    first = next((found for letter in words if (found := bidirectional(letter)) in {"L", "R", "AL"}), "L")
    return first != "L"


def _lines(
    graph: Graph, tree: _Tree, places: Mapping[str, tuple[float, float]], tip: str
) -> list[SafeString]:
    """Lines from the root to the hubs, and the ties; a tie that hangs nothing is thin."""
    hanging = {(parent, child) for parent, held in tree.children.items() for child in held}
    drawn = [_line(places[""], places[hub], "stem") for hub in tree.children.get("", ())]
    for edge in _once(graph.edges):
        ends = (edge.source, edge.target)
        is_hanging = ends in hanging or ends[::-1] in hanging
        starts_left = tree.depth[edge.source] <= tree.depth[edge.target]
        left, right = ends if starts_left else ends[::-1]
        kind = "tie" if is_hanging else "tie across"
        marker = format_html(' marker-{}="url(#{})"', "end" if starts_left else "start", tip)
        drawn.append(_line(places[left], places[right], kind, marker=marker, label=edge.label))
    return drawn


def _once(edges: Iterable[Edge]) -> list[Edge]:
    """One line between two boxes in one direction, with everything that is said along it."""
    labels: dict[tuple[str, str], list[str]] = {}
    for edge in edges:
        if edge.source != edge.target:
            labels.setdefault((edge.source, edge.target), []).append(edge.label)
    return [Edge(source, target, ", ".join(dict.fromkeys(said))) for (source, target), said in labels.items()]


def _line(
    left: tuple[float, float], right: tuple[float, float], classes: str, *, marker: str = "", label: str = ""
) -> SafeString:
    (x1, y1), (x2, y2) = left, right
    middle = _HEIGHT / 2
    if x1 == x2:
        # within a column the line leaves and comes back at the right
        start, end, bend = (x1 + _WIDTH, y1 + middle), (x2 + _WIDTH, y2 + middle), x1 + _WIDTH + _GAP / 2
        curve = f"C{_px(bend)} {_px(start[1])} {_px(bend)} {_px(end[1])}"
        at = (x1 + _WIDTH + _GAP / 2, (start[1] + end[1]) / 2)
    else:
        start, end = (x1 + _WIDTH, y1 + middle), (x2, y2 + middle)
        half = (start[0] + end[0]) / 2
        curve = f"C{_px(half)} {_px(start[1])} {_px(half)} {_px(end[1])}"
        at = (end[0] - _GAP / 2, start[1] + (end[1] - start[1]) * 0.62 - 4 if y1 != y2 else end[1] - 5)
    path = format_html(
        '<path class="{}" d="M{} {} {} {} {}"{}/>',
        classes,
        _px(start[0]),
        _px(start[1]),
        curve,
        _px(end[0]),
        _px(end[1]),
        marker,
    )
    words = _words(label, "label", at, _LABEL_LONG, "middle") if label else ""
    return format_html("{}{}", path, words)
