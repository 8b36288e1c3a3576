"""Graphs: where boxes stand, what is written in them, and what is gathered when there are too many."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.platform.web.charts import MOST_NODES, Edge, Graph, Node, Reader, gathered

ROOT = Node("", "Report", "Wave 3")
SVG = "{http://www.w3.org/2000/svg}"


def svg_of(graph: Graph, title: str = "How it hangs together", description: str = "Two things.") -> str:
    return graph.draw(Reader()).svg(id="g", title=title, description=description)


def drawn(*nodes: Node, edges: tuple[Edge, ...] = ()) -> ET.Element:
    return ET.fromstring(svg_of(Graph(ROOT, nodes, edges)))  # noqa: S314 - our own drawing


def boxes(svg: ET.Element) -> dict[str, tuple[float, float]]:
    """The place of each box by the name in it."""
    found = {}
    for group in svg.iter(f"{SVG}g"):
        rect = next(each for each in group.iter(f"{SVG}rect") if each.get("class") != "behind")
        name = next(each for each in group.iter(f"{SVG}text") if "name" in (each.get("class") or ""))
        found[name.text or ""] = (float(rect.get("x", "")), float(rect.get("y", "")))
    return found


def test_boxes_stand_left_to_right_from_the_first_one() -> None:
    tool, host = Node("t", "Tool", "Kit B"), Node("h", "Domain", "host.example")
    campaign = Node("c", "Campaign", "Duty notice")
    edges = (Edge("c", "t", "uses"), Edge("h", "t", "indicates"))
    places = boxes(drawn(campaign, tool, host, edges=edges))
    # the tool holds the most together, so everything hangs on it
    assert places["Wave 3"][0] < places["Kit B"][0] < places["Duty notice"][0]
    assert places["Duty notice"][0] == places["host.example"][0]


def test_what_holds_others_stands_in_their_middle() -> None:
    nodes = tuple(Node(str(number), "Domain", f"n{number}") for number in range(4))
    places = boxes(drawn(*nodes, edges=tuple(Edge("0", str(number)) for number in (1, 2, 3))))
    assert places["n0"][1] == places["n2"][1] == places["Wave 3"][1]
    assert places["n1"][1] < places["n2"][1] < places["n3"][1]


def test_a_box_without_ties_stands_beside_the_first_one() -> None:
    places = boxes(drawn(Node("a", "Domain", "a.example"), Node("b", "Domain", "b.example")))
    assert places["a.example"][0] == places["b.example"][0]
    assert places["a.example"][1] != places["b.example"][1]


@pytest.mark.parametrize(
    ("source", "target", "tip"), [("a", "b", "M431 25l-6 -3v6Z"), ("b", "a", "M373 25l6 -3v6Z")]
)
def test_the_arrow_points_to_what_is_named(source: str, target: str, tip: str) -> None:
    svg = drawn(Node("a", "Tool", "A"), Node("b", "Tool", "B"), edges=(Edge(source, target, "uses"),))
    assert [path.get("d") for path in svg.iter(f"{SVG}path") if path.get("class") == "tip"] == [tip]
    assert [each.text for each in svg.iter(f"{SVG}text") if each.get("class") == "label"] == ["uses"]


def test_several_ties_in_one_direction_are_one_line() -> None:
    edges = (Edge("a", "b", "uses"), Edge("a", "b", "drops"), Edge("a", "b", "uses"))
    svg = drawn(Node("a", "Tool", "A"), Node("b", "Tool", "B"), edges=edges)
    assert [each.text for each in svg.iter(f"{SVG}text") if each.get("class") == "label"] == ["uses, drops"]


def test_the_picture_is_named_and_described_and_its_boxes_are_links() -> None:
    svg = drawn(
        Node("a", "Domain", "a.example", url="/en/a/", technical=True, marked=True, note="seen 3 times")
    )
    assert (svg.get("aria-labelledby"), svg.get("aria-describedby")) == ("g-title", "g-desc")
    assert [svg.findtext(f"{SVG}title"), svg.findtext(f"{SVG}desc")] == [
        "How it hangs together",
        "Two things.",
    ]
    (link,) = svg.iter(f"{SVG}a")
    assert link.get("href") == "/en/a/"
    assert link.get("aria-label") == "Domain, seen 3 times: a.example"
    (group,) = link.iter(f"{SVG}g")
    assert group.get("class") == "node marked"


def test_a_technique_is_dashed_and_the_first_box_is_the_root() -> None:
    svg = drawn(Node("a", "Attack pattern", "Phishing", dashed=True))
    assert [group.get("class") for group in svg.iter(f"{SVG}g")] == ["node root", "node dashed"]


@pytest.mark.parametrize(
    ("name", "direction", "anchor"),
    [
        ("تصيّد", "rtl", "end"),
        ("Phishing", None, "start"),
        ("123 تصيّد", "rtl", "end"),
        ("198.51.100.23", None, "start"),
    ],
)
def test_arabic_is_set_from_right_to_left_and_begins_at_the_left_edge(
    name: str, direction: str | None, anchor: str
) -> None:
    svg = drawn(Node("a", "Tool", name))
    (text,) = (each for each in svg.iter(f"{SVG}text") if each.text == name)
    assert (text.get("direction"), text.get("text-anchor")) == (direction, anchor)


def test_a_long_name_is_cut_in_its_box_and_whole_in_its_title() -> None:
    name = "portal.customs-duty.example/v3/login"
    svg = drawn(Node("a", "URL", name))
    assert "portal.customs-dut…" in boxes(svg)
    assert f"URL: {name}" in [each.text for each in svg.iter(f"{SVG}title")]


def test_markup_in_names_and_labels_stays_text() -> None:
    evil = "<script>alert(1)</script>"
    nodes = (Node("a", evil, evil, url='"><b>', unfold='"><b>'), Node("b", "x", "y"))
    svg = svg_of(Graph(ROOT, nodes, (Edge("a", "b", evil),)), evil, evil)
    assert "<script" not in svg
    assert "<b>" not in svg


def many(count: int) -> tuple[Node, ...]:
    return tuple(Node(str(number), "Domain", f"n{number}", marked=number == 7) for number in range(count))


def test_up_to_forty_boxes_stay_as_they_are() -> None:
    graph = Graph(ROOT, many(MOST_NODES), ())
    assert gathered(graph, str) is graph


def test_more_are_gathered_by_kind_and_the_only_one_of_its_kind_keeps_its_box() -> None:
    tool = Node("t", "Tool", "Kit B", url="/t/")
    edges = (*(Edge("t", str(number), "drops") for number in range(41)), Edge("0", "1", "resolves to"))
    found = gathered(Graph(ROOT, (tool, *many(41)), edges), lambda count: f"{count} of them")
    assert found.nodes == (tool, Node("kind Domain", "Domain", "41 of them", marked=True, holds=41))
    assert found.edges == (Edge("t", "kind Domain", "drops"),)


keys = st.integers(0, 15).map(str)
edges_of = st.lists(st.builds(Edge, keys, keys, st.text(max_size=3)), max_size=40).map(tuple)


@given(edges_of)
def test_every_box_has_a_place_of_its_own_however_they_are_tied(edges: tuple[Edge, ...]) -> None:
    nodes = tuple(Node(str(number), "Kind", f"n{number}") for number in range(16))
    svg = svg_of(Graph(ROOT, nodes, edges))
    places = re.findall(r'<rect class="box" x="([\d.]+)" y="([\d.]+)"', svg)
    assert len(set(places)) == len(places) == 17
    width, height = _size(svg)
    assert all(float(x) + 154 <= width and float(y) + 42 <= height for x, y in places)


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'width="([\d.]+)" height="([\d.]+)" viewBox', svg)
    assert found
    return float(found[1]), float(found[2])
