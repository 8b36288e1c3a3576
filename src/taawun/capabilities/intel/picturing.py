"""How what a report names hangs together, and what hangs on one object: graphs, and the table behind one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, F, OuterRef, Subquery
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import Reference, StixObject
from taawun.capabilities.intel.presenting import is_technical, names_of, sighted
from taawun.capabilities.intel.reports import REPORT_TYPES
from taawun.capabilities.intel.rules import current_objects
from taawun.capabilities.intel.wording import type_name
from taawun.platform.web import formats
from taawun.platform.web.charts import Edge, Graph, Node, draw, gathered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taawun.capabilities.intel.models import Report
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["Picture", "Tie", "picture_around", "picture_of"]

# a report of more objects has no picture; its list tells more
_MOST_DRAWN: Final = 2000
_MOST_LISTED: Final = 200
# a file may tie every object to every other; a picture of more says nothing
_MOST_TIES: Final = 5000
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
_MOST_AROUND: Final = 200
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
    """How a report's objects hang together.

    Args:
        svg: the graph.
        ties: the table behind it; at most 200 lines.
        more: how many lines are left out of it.
        is_cut: whether there are more ties than were looked at, so that neither graph nor table has all.
        is_gathered: whether the boxes stand for whole kinds.
        is_left_out: whether there are more objects than are drawn; then the list alone tells of them.
    """

    svg: SafeString
    ties: tuple[Tie, ...]
    more: int
    is_gathered: bool
    is_left_out: bool = False
    is_cut: bool = False


def picture_of(actor: PersonActor, report: Report) -> Picture | None:
    """The picture of a report for one reader; None where there is nothing to draw."""
    named = queries.objects_of(actor, report).exclude(type__in=_NOT_DRAWN).exclude(stix_id=report.stix_id)
    rows = list(named.defer("text", "received", "search", "summary")[: _MOST_DRAWN + 1])
    if not rows:
        return None
    if len(rows) > _MOST_DRAWN:
        return Picture(SafeString(""), (), 0, is_gathered=False, is_left_out=True)
    found = _ties(actor, {row.stix_id: row for row in rows})
    ties = found[:_MOST_TIES]
    graph = _graph(actor, report, rows, ties)
    drawn = gathered(graph, _so_many)
    svg = draw(drawn, id="picture", title=_("How it hangs together"), description=_sentence(graph, ties))
    return Picture(
        svg,
        tuple(ties[:_MOST_LISTED]),
        max(0, len(ties) - _MOST_LISTED),
        is_gathered=drawn is not graph,
        is_cut=len(found) > _MOST_TIES,
    )


def picture_around(actor: PersonActor, held: StixObject) -> Picture | None:
    """The picture of what an object is tied to, and how that hangs together; None where there is nothing to draw."""
    ends = _ends(actor, held)
    others = queries.current_among(actor, list(ends)[:_MOST_AROUND])
    rows = [row for row in others.values() if row.type not in _NOT_AROUND and row.stix_id != held.stix_id]
    if not rows:
        return None
    ties = _ties(actor, {row.stix_id: row for row in rows})[:_MOST_TIES]
    called = names_of(actor, [held, *rows])
    ordered = sorted(rows, key=lambda row: (_RANKS.get(row.type, len(_RANKS)), row.pk))
    graph = Graph(
        Node("", type_name(held.type), called[held.pk], technical=is_technical(held)),
        tuple(replace(_node(row, called[row.pk], 0), note=ends[row.stix_id]) for row in ordered),
        tuple(Edge(tie.source.stix_id, tie.target.stix_id, tie.drawn) for tie in ties),
    )
    drawn = gathered(graph, _so_many)
    count = len(graph.nodes)
    sentence = ngettext("It is tied to %(count)s object.", "It is tied to %(count)s objects.", count) % {
        "count": formats.number(count)
    }
    svg = draw(drawn, id="picture", title=_("What it is tied to"), description=sentence)
    is_cut = len(ends) > _MOST_AROUND
    return Picture(svg, (), 0, is_gathered=drawn is not graph, is_cut=is_cut)


def _ends(actor: PersonActor, held: StixObject) -> dict[str, str]:
    """What an object is tied to, by identifier, and how: over relationships first, then what names it or is named."""
    visible = StixObject.objects.filter(current_objects(actor), pk=OuterRef("source_id"))
    tied = Reference.objects.filter(Exists(visible), target=held.stix_id).order_by("id")
    found: dict[str, str] = {}
    for near, far in (("source_ref", "target_ref"), ("target_ref", "source_ref")):
        other = Reference.objects.filter(source=OuterRef("source_id"), relation=far).values("target")[:1]
        over = tied.filter(relation=near, source__type="relationship").annotate(other=Subquery(other))
        for end, name in over.values_list("other", "source__name")[: _MOST_AROUND + 1]:
            found.setdefault(end, name)
    own = Reference.objects.filter(source=held).order_by("id")
    for end, relation in own.values_list("target", "relation")[: _MOST_AROUND + 1]:
        found.setdefault(end, _of_property(relation))
    by_others = tied.exclude(source__type__in=_NOT_AROUND)
    for end, relation in by_others.values_list("source__stix_id", "relation")[: _MOST_AROUND + 1]:
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
    ordered = sorted(rows, key=lambda row: (_RANKS.get(row.type, len(_RANKS)), row.pk))
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
    """Relationships between two of these objects, and what one of them names of the others by itself.

    One more than are drawn at most, so that who asks knows whether there are more.
    """
    tied = _relationships(actor, rows)
    return [*tied, *_named(rows, _MOST_TIES + 1 - len(tied))]


def _relationships(actor: PersonActor, rows: Mapping[str, StixObject]) -> list[Tie]:
    visible = StixObject.objects.filter(current_objects(actor), type="relationship", pk=OuterRef("source_id"))
    other = Reference.objects.filter(source=OuterRef("source_id"), relation="target_ref").values("target")[:1]
    found = (
        Reference.objects.filter(Exists(visible), relation="source_ref", target__in=list(rows))
        .annotate(other=Subquery(other))
        .filter(other__in=list(rows))
        .order_by("id")
    )
    return [
        Tie(rows[source], name, rows[target], name)
        for source, name, target in found.values_list("target", "source__name", "other")[: _MOST_TIES + 1]
    ]


def _named(rows: Mapping[str, StixObject], most: int) -> list[Tie]:
    own = {row.pk: row for row in rows.values()}
    # in the order of the index, so that the database stops where we do
    found = (
        Reference.objects.filter(source__in=list(own), target__in=list(rows))
        .exclude(target=F("source__stix_id"))
        .order_by("source_id", "id")
    )
    return [
        Tie(own[source], _of_property(relation), rows[target])
        for source, relation, target in found.values_list("source_id", "relation", "target")[:most]
    ]


def _of_property(name: str) -> str:
    """A property that names others, as a word: ``object_refs`` is “object”."""
    return name.removesuffix("s").removesuffix("_ref").replace("_", " ")
