"""How what a report names hangs together, as a graph and as the table behind it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import Reference, StixObject
from taawun.capabilities.intel.presenting import is_technical, names_of, sighted
from taawun.capabilities.intel.rules import visible_objects
from taawun.capabilities.intel.wording import type_name
from taawun.platform.web import formats
from taawun.platform.web.graphs import Edge, Graph, Node, draw, gathered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taawun.capabilities.intel.models import Report
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["Picture", "Tie", "picture_of"]

T = TypeVar("T")

# a report of more objects has no picture; its list tells more
_MOST_DRAWN: Final = 2000
_MOST_LISTED: Final = 200
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
# who wrote and how it is marked says nothing of how things hang together
_NOT_DRAWN: Final = frozenset(
    {"relationship", "marking-definition", "extension-definition", "language-content"}
)


@dataclass(frozen=True, slots=True)
class Tie:
    """A line of the table behind the graph; what the graph writes along it may be less."""

    source: StixObject
    relation: str
    target: StixObject
    drawn: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """How a report's objects hang together.

    Args:
        svg: the graph.
        ties: the table behind it; at most 200 lines.
        more: how many lines are left out of it.
        is_gathered: whether the boxes stand for whole kinds.
        is_left_out: whether there are more objects than are drawn; then the list alone tells of them.
    """

    svg: SafeString
    ties: tuple[Tie, ...]
    more: int
    is_gathered: bool
    is_left_out: bool = False


def picture_of(actor: PersonActor, report: Report) -> Picture | None:
    """The picture of a report for one reader; None where there is nothing to draw."""
    named = queries.objects_of(actor, report).exclude(type__in=_NOT_DRAWN).exclude(stix_id=report.stix_id)
    rows = list(named.defer("text", "received", "search", "summary")[: _MOST_DRAWN + 1])
    if not rows:
        return None
    if len(rows) > _MOST_DRAWN:
        return Picture(SafeString(""), (), 0, is_gathered=False, is_left_out=True)
    ties = _ties(actor, {row.stix_id: row for row in rows})
    graph = _graph(actor, report, rows, ties)
    drawn = gathered(graph, _so_many)
    svg = draw(drawn, id="picture", title=_("How it hangs together"), description=_sentence(graph, ties))
    return Picture(svg, tuple(ties[:_MOST_LISTED]), max(0, len(ties) - _MOST_LISTED), drawn is not graph)


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
    ranks = {type_: rank for rank, type_ in enumerate(_FIRST)}
    ordered = sorted(rows, key=lambda row: (ranks.get(row.type, len(ranks)), row.pk))
    return Graph(
        Node("", _("Report"), report.title),
        tuple(_node(row, called[row.pk], seen.get(row.stix_id, 0)) for row in ordered),
        tuple(Edge(tie.source.stix_id, tie.target.stix_id, tie.drawn) for tie in ties),
    )


def _node(row: StixObject, name: str, times: int) -> Node:
    note = ngettext("seen %(count)s time", "seen %(count)s times", times) % {"count": formats.number(times)}
    return Node(
        row.stix_id,
        type_name(row.type),
        name,
        reverse("object", args=[row.stix_id]),
        technical=is_technical(row),
        dashed=row.type == "attack-pattern",
        marked=times > 0,
        note=note if times else "",
    )


def _ties(actor: PersonActor, rows: Mapping[str, StixObject]) -> list[Tie]:
    """Relationships between two of these objects, and what one of them names of the others by itself."""
    ends: dict[int, dict[str, str]] = defaultdict(dict)
    names: dict[int, str] = {}
    own = {row.pk: row for row in rows.values()}
    direct: list[Tie] = []
    visible = StixObject.objects.filter(visible_objects(actor), type="relationship", is_current=True)
    for chunk in _chunks(sorted(rows)):
        touching = Reference.objects.filter(
            target__in=chunk, relation__in=("source_ref", "target_ref"), source__in=visible
        )
        for each in (
            touching.select_related("source").only("relation", "target", "source__name").order_by("id")
        ):
            ends[each.source_id][each.relation] = each.target
            names[each.source_id] = each.source.name
    for some in _chunks(sorted(own)):
        named = Reference.objects.filter(source_id__in=some).order_by("id")
        direct += [
            Tie(own[each.source_id], _of_property(each.relation), rows[each.target])
            for each in named
            if each.target in rows and each.target != own[each.source_id].stix_id
        ]
    tied = [
        Tie(rows[both["source_ref"]], names[key], rows[both["target_ref"]], names[key])
        for key, both in ends.items()
        if len(both) == 2  # noqa: PLR2004 - a source and a target
    ]
    return [*tied, *direct]


def _of_property(name: str) -> str:
    """A property that names others, as a word: ``object_refs`` is “object”."""
    return name.removesuffix("s").removesuffix("_ref").replace("_", " ")


def _chunks(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + 500] for start in range(0, len(items), 500)]
