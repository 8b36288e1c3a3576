"""How what a report names hangs together, and what hangs on one object: graphs, and the tables behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import Reference, StixObject
from taawun.capabilities.intel.presenting import is_technical, names_of, sighted
from taawun.capabilities.intel.reports import REPORT_TYPES
from taawun.capabilities.intel.ties import naming, relationships_among
from taawun.capabilities.intel.wording import type_name
from taawun.platform.web import formats
from taawun.platform.web.charts import MOST_NODES, Edge, Graph, Node, Table, gathered
from taawun.platform.web.components import Chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taawun.capabilities.intel.models import Report
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["MOST_DRAWN", "Picture", "Tie", "picture_around", "picture_of"]

# a report of more objects has no picture; its list tells more
MOST_DRAWN: Final = 2000
_MOST_LISTED: Final = 200
# a file may tie every object to every other; a picture of more says nothing
_MOST_TIES: Final = 2000
# what others hang on stands first
_FIRST: Final = (
    "campaign",
    "intrusion-set",
    "threat-actor",
    "incident",
    "malware",
    "tool",
    "infrastructure",
    "vulnerability",
    "attack-pattern",
)
_RANKS: Final = {type_: rank for rank, type_ in enumerate(_FIRST)}
# who wrote and how it is marked says nothing of how things hang together
_NOT_DRAWN: Final = frozenset(
    {"relationship", "marking-definition", "extension-definition", "language-content"}
)
# around an object; its list has all of them
_MOST_AROUND: Final = 100
# stands for an object in the address of its page
_ONE: Final = "object--one"
# whoever unfolds more has lost the picture; and each is some questions to the database
_MOST_UNFOLDED: Final = 6
_MOST_FRESH: Final = 12
# these have lists of their own beside an object
_NOT_AROUND: Final = _NOT_DRAWN | {"sighting", *REPORT_TYPES}


@dataclass(frozen=True, slots=True)
class Tie:
    """A line of the table behind the graph; what the graph writes along it may be less."""

    source: StixObject
    relation: str
    target: StixObject
    drawn: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """How the objects of a report, or those around one, hang together.

    Args:
        chart: the graph in its frame; None where there are more objects than are drawn: the list alone tells of them.
        ties: the ties among them, as far as the table behind the graph lists them.
        more: how many more there are.
        is_cut: whether there are more ties than were looked at, so that neither graph nor table has all.
        is_gathered: whether the boxes stand for whole kinds.
    """

    chart: Chart | None
    ties: tuple[Tie, ...] = ()
    more: int = 0
    is_gathered: bool = False
    is_cut: bool = False


def picture_of(
    actor: PersonActor,
    report: Report,
    unfolded: Sequence[str] = (),
    *,
    named: Sequence[StixObject] | None = None,
) -> Picture | None:
    """The picture of a report for one reader; None where there is nothing to draw.

    Args:
        actor: who reads.
        report: one they may see.
        unfolded: identifiers of objects in it that show what else they are tied to.
        named: what it names, as they see it, where that is at hand.
    """
    if named is None:
        drawable = queries.objects_of(actor, report).exclude(type__in=_NOT_DRAWN)
        named = list(
            drawable.exclude(stix_id=report.stix_id).defer(*queries.NOT_LISTED, "summary")[: MOST_DRAWN + 1]
        )
    rows = [row for row in named if row.type not in _NOT_DRAWN and row.stix_id != report.stix_id]
    if not rows:
        return None
    if len(rows) > MOST_DRAWN:
        return Picture(None)
    found = _ties(actor, {row.stix_id: row for row in rows})
    ties = found[:_MOST_TIES]
    graph = _graph(actor, report, rows, ties)
    drawn, unfolding = _unfolded(
        actor, gathered(graph, _so_many), unfolded, reverse("report-picture", args=[report.id])
    )
    listed = [*ties[:_MOST_LISTED], *unfolding]
    chart = Chart(
        "picture",
        _("How it hangs together"),
        _sentence(graph, ties),
        drawn,
        _behind(drawn, listed),
        is_titled=False,
        unfolds=True,
    )
    return Picture(
        chart,
        tuple(ties[:_MOST_LISTED]),
        max(0, len(ties) - _MOST_LISTED),
        is_gathered=len(graph.nodes) > MOST_NODES,
        is_cut=len(found) > _MOST_TIES,
    )


def picture_around(actor: PersonActor, held: StixObject, unfolded: Sequence[str] = ()) -> Picture | None:
    """The picture of what an object is tied to, and how that hangs together; None where there is nothing to draw.

    Args:
        actor: who reads.
        held: one they may see.
        unfolded: identifiers of objects in it that show what else they are tied to.
    """
    ends = _ends(actor, held)
    rows = _around(actor, held, ends)
    if not rows:
        return None
    ties = _ties(actor, {row.stix_id: row for row in rows})[:_MOST_TIES]
    called = names_of(actor, [held, *rows])
    graph = Graph(
        Node("", type_name(held.type), called[held.pk], technical=is_technical(held)),
        tuple(replace(_node(row, called[row.pk], 0), note=ends[row.stix_id]) for row in rows),
        tuple(Edge(tie.source.stix_id, tie.target.stix_id, tie.drawn) for tie in ties),
    )
    address = reverse("object-picture", args=[held.stix_id])
    drawn, unfolding = _unfolded(actor, gathered(graph, _so_many), unfolded, address, hidden=held.stix_id)
    count = len(graph.nodes)
    sentence = ngettext("It is tied to %(count)s object.", "It is tied to %(count)s objects.", count) % {
        "count": formats.number(count)
    }
    table = _behind(drawn, [*(Tie(held, ends[row.stix_id], row) for row in rows), *ties, *unfolding])
    chart = Chart("picture", _("What it is tied to"), sentence, drawn, table, is_titled=False, unfolds=True)
    return Picture(chart, is_gathered=len(graph.nodes) > MOST_NODES, is_cut=len(ends) > _MOST_AROUND)


def _around(actor: PersonActor, held: StixObject, ends: Mapping[str, str]) -> list[StixObject]:
    """What an object is tied to, as far as it is drawn, the more important first."""
    others = queries.current_among(actor, list(ends)[:_MOST_AROUND])
    rows = [row for row in others.values() if row.type not in _NOT_AROUND and row.stix_id != held.stix_id]
    return sorted(rows, key=_by_rank)


def _by_rank(row: StixObject) -> tuple[int, int]:
    return _RANKS.get(row.type, len(_RANKS)), row.pk


# ---- unfolding --------------------------------------------------------------------------------------------------
def _unfolded(
    actor: PersonActor, graph: Graph, unfolded: Sequence[str], address: str, hidden: str = ""
) -> tuple[Graph, list[Tie]]:
    """The graph with what some of its boxes are tied to, and the ties that came with it.

    One box after the other is unfolded, so that what one brings may be unfolded too. Each brings a few new boxes and
    one that says how many more there are; where everything stands already, its ties do.

    Args:
        actor: who reads: nothing comes in that they may not see.
        graph: as it stands.
        unfolded: identifiers, in the order in which they were unfolded; what is not drawn is passed over.
        address: of the graph, to which the unfolded ones are given.
        hidden: an identifier that is drawn already, as the first box.
    """
    nodes = {node.key: node for node in graph.nodes}
    edges = list(graph.edges)
    brought: list[Tie] = []
    shown: list[str] = []
    for stix_id in dict.fromkeys(unfolded):
        if len(shown) == _MOST_UNFOLDED or not (stix_id in nodes and nodes[stix_id].url):
            continue
        held = queries.object_named(actor, stix_id)
        if held is None:
            continue
        shown.append(stix_id)
        ends = _ends(actor, held)
        rows = [row for row in _around(actor, held, ends) if row.stix_id != hidden]
        fresh = [row for row in rows if row.stix_id not in nodes]
        called = names_of(actor, fresh[:_MOST_FRESH])
        nodes |= {row.stix_id: _node(row, called[row.pk], 0) for row in fresh[:_MOST_FRESH]}
        tied = {frozenset((edge.source, edge.target)) for edge in edges}
        for row in rows:
            if row.stix_id in nodes and frozenset((stix_id, row.stix_id)) not in tied:
                edges.append(Edge(stix_id, row.stix_id, ends[row.stix_id]))
                brought.append(Tie(held, ends[row.stix_id], row))
        rest = len(fresh) - _MOST_FRESH
        if rest > 0:
            key = f"more {stix_id}"
            nodes[key] = Node(key, _("More"), _so_many(rest), nodes[stix_id].url, holds=rest)
            edges.append(Edge(stix_id, key))
    handled = tuple(_with_handle(node, shown, address) for node in nodes.values())
    return replace(graph, nodes=handled, edges=tuple(edges), columns=graph.columns + len(shown)), brought


def _with_handle(node: Node, shown: Sequence[str], address: str) -> Node:
    """The box with what shows its neighbours in place, or hides them. Boxes for many things have none."""
    is_unfolded = node.key in shown
    if not node.url or node.holds > 1 or (len(shown) == _MOST_UNFOLDED and not is_unfolded):
        return node
    following = [each for each in shown if each != node.key] if is_unfolded else [*shown, node.key]
    asked = QueryDict(mutable=True)
    asked.setlist("open", following)
    return replace(node, unfold=f"{address}?{asked.urlencode()}", is_unfolded=is_unfolded)


def _behind(graph: Graph, ties: Sequence[Tie]) -> Table:
    """The table behind a graph: its ties with links, and a line for each box that none of them names."""
    named = {each.stix_id: each for tie in ties for each in (tie.source, tie.target)}
    links = {stix_id: _link(each) for stix_id, each in named.items()}
    rows = [(links[tie.source.stix_id], _relation(tie.relation), links[tie.target.stix_id]) for tie in ties]
    rows += [(_boxed(node), _relation("—"), _relation("—")) for node in graph.nodes if node.key not in named]
    return Table((_("Object"), _("Tie"), _("Other object")), tuple(rows))


def _boxed(node: Node) -> SafeString:
    if node.holds > 1:
        return format_html("{}: {}", node.kind, node.name)
    return format_html('<a href="{}"><bdi>{}</bdi></a>', node.url, node.name)


def _link(row: StixObject) -> SafeString:
    return format_html('<a href="{}"><bdi>{}</bdi></a>', _address(row.stix_id), row.name or row.stix_id)


def _address(stix_id: str) -> str:
    return _address_of_one(get_language() or settings.LANGUAGE_CODE).replace(_ONE, stix_id)


@cache
def _address_of_one(_language: str) -> str:
    """Where the page of an object is in this language: Django looks up each anew, which takes 50 µs."""
    return reverse("object", args=[_ONE])


def _relation(name: str) -> SafeString:
    return format_html('<bdi dir="ltr">{}</bdi>', name)


def _ends(actor: PersonActor, held: StixObject) -> dict[str, str]:
    """What an object is tied to, by identifier, and how: over relationships first, then what names it or is named."""
    found: dict[str, str] = {}
    for near, far in (("source_ref", "target_ref"), ("target_ref", "source_ref")):
        other = Reference.objects.filter(source=OuterRef("pk"), relation=far).values("target")[:1]
        over = naming(actor, held.stix_id, near).filter(type="relationship").annotate(other=Subquery(other))
        for end, name in over.values_list("other", "name")[: _MOST_AROUND + 1]:
            found.setdefault(end, name)
    own = Reference.objects.filter(source=held).order_by("id")
    for end, relation in own.values_list("target", "relation")[: _MOST_AROUND + 1]:
        found.setdefault(end, _of_property(relation))
    by_others = naming(actor, held.stix_id).exclude(type__in=_NOT_AROUND)
    for end, relation in by_others.values_list("stix_id", "references__relation")[: _MOST_AROUND + 1]:
        found.setdefault(end, _of_property(relation))
    return found


def _so_many(count: int) -> str:
    return ngettext("%(count)s of them", "%(count)s of them", count) % {"count": formats.number(count)}


def _sentence(graph: Graph, ties: Sequence[Tie]) -> str:
    things = ngettext("%(count)s object", "%(count)s objects", len(graph.nodes))
    tied = ngettext("%(count)s tie among them", "%(count)s ties among them", len(ties))
    return _("The report names %(things)s, with %(ties)s.") % {
        "things": things % {"count": formats.number(len(graph.nodes))},
        "ties": tied % {"count": formats.number(len(ties))},
    }


def _graph(actor: PersonActor, report: Report, rows: Sequence[StixObject], ties: Sequence[Tie]) -> Graph:
    seen = sighted(actor, [row.stix_id for row in rows])
    called = names_of(actor, rows)
    ordered = sorted(rows, key=_by_rank)
    return Graph(
        Node("", _("Report"), report.title),
        tuple(_node(row, called[row.pk], seen.get(row.stix_id, 0)) for row in ordered),
        tuple(Edge(tie.source.stix_id, tie.target.stix_id, tie.drawn) for tie in ties),
    )


def _node(row: StixObject, name: str, times: int) -> Node:
    note = ""
    if times:
        seen = ngettext("seen %(count)s time", "seen %(count)s times", times)
        note = seen % {"count": formats.number(times)}
    return Node(
        row.stix_id,
        type_name(row.type),
        name,
        _address(row.stix_id),
        technical=is_technical(row),
        dashed=row.type == "attack-pattern",
        marked=times > 0,
        note=note,
    )


def _ties(actor: PersonActor, rows: Mapping[str, StixObject]) -> list[Tie]:
    """Relationships between two of these objects, and what one of them names of the others by itself.

    One more than are drawn at most, so that who asks knows whether there are more.
    """
    tied = _relationships(actor, rows)
    return [*tied, *_named(rows, _MOST_TIES + 1 - len(tied))]


def _relationships(actor: PersonActor, rows: Mapping[str, StixObject]) -> list[Tie]:
    other = Reference.objects.filter(source=OuterRef("source_id"), relation="target_ref").values("target")[:1]
    found = (
        Reference.objects.filter(relation="source_ref", target__in=list(rows))
        .annotate(other=Subquery(other))
        .filter(other__in=list(rows))
        .order_by("id")
        .values_list("id", "source_id", "target", "other")
    )
    ties: list[Tie] = []
    last = 0
    while True:
        batch = list(found.filter(id__gt=last)[: _MOST_TIES + 1])
        names = relationships_among(actor, [key for _id, key, _near, _far in batch])
        ties += [
            Tie(rows[near], names[key], rows[far], names[key])
            for _id, key, near, far in batch
            if key in names
        ]
        if len(batch) <= _MOST_TIES or len(ties) > _MOST_TIES:
            return ties[: _MOST_TIES + 1]
        last = batch[-1][0]


def _named(rows: Mapping[str, StixObject], most: int) -> list[Tie]:
    own = {row.pk: row for row in rows.values()}
    # in the order of the index, so that the database stops where we do; it would sort all of them if it were asked
    # which of the objects name themselves
    found = Reference.objects.filter(source__in=list(own), target__in=list(rows)).order_by("source_id", "id")
    told = found.values_list("source_id", "relation", "target")[: most + len(own)]
    ties = (
        Tie(own[source], _of_property(relation), rows[target])
        for source, relation, target in told
        if own[source].stix_id != target
    )
    return list(islice(ties, most))


@cache
def _of_property(name: str) -> str:
    """A property that names others, as a word: ``object_refs`` is “object”."""
    return name.removesuffix("s").removesuffix("_ref").replace("_", " ")
