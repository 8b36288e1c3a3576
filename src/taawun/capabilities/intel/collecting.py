"""Collecting what goes with a report: the objects it names, what those need, and the ties between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db.models import Q

from taawun.capabilities.intel.models import Reference, ReportObject, Source, StixObject
from taawun.capabilities.intel.rules import visible_objects
from taawun.cooperation.federation.models import Release
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from taawun.capabilities.intel.models import Report
    from taawun.cooperation.agreements.policy import Origin
    from taawun.cooperation.people.actors import Actor

__all__ = ["Collected", "collect"]

_MOST: Final = 20_000
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What goes with a report.

    Args:
        refs: STIX identifiers the report names.
        texts: every object that travels, as STIX 2.1.
        levels: the markings among them.
        stricter: identifiers of objects that are marked more strictly than the report.
        origins: how far what came from partners may go.
    """

    refs: tuple[str, ...]
    texts: tuple[str, ...]
    levels: frozenset[Tlp]
    stricter: tuple[str, ...]
    origins: tuple[Origin, ...]


def collect(actor: Actor, report: Report) -> Collected:
    """Collect a report's objects as the actor may see them.

    With the objects it names go those they refer to (observables, creators, markings) and the relationships between
    any two of them.
    """
    named = list(ReportObject.objects.filter(report=report).order_by("id").values_list("stix_id", flat=True))
    rows = _with_needed(actor, named)
    rows.update(_ties(actor, set(rows)))
    rows.pop(report.stix_id, None)
    refs = [each for each in named if each in rows]
    refs += [
        stix_id for stix_id, row in rows.items() if row.type == "relationship" and stix_id not in set(refs)
    ]
    return Collected(
        refs=tuple(refs),
        texts=tuple(row.text for row in rows.values()),
        levels=frozenset(Tlp(row.tlp) for row in rows.values()),
        stricter=tuple(sorted(row.stix_id for row in rows.values() if row.tlp > report.tlp)),
        origins=_origins(rows.values()),
    )


def _with_needed(actor: Actor, named: Collection[str]) -> dict[str, StixObject]:
    rows: dict[str, StixObject] = {}
    wanted = set(named)
    while wanted and len(rows) < _MOST:
        found = _current(actor, wanted)
        rows.update(found)
        needed = {need for row in found.values() for need in _needs(row)}
        wanted = needed - rows.keys()
    return rows


def _current(actor: Actor, stix_ids: Collection[str]) -> dict[str, StixObject]:
    found: dict[str, StixObject] = {}
    ordered = sorted(stix_ids)
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        for row in StixObject.objects.filter(visible_objects(actor), stix_id__in=chunk, is_current=True):
            found[row.stix_id] = row
    return found


def _needs(row: StixObject) -> Iterable[str]:
    """Every identifier an object names; a relationship's two ends must be there already for it to go."""
    value: dict[str, Any] = orjson.loads(row.text)
    if row.type == "relationship":
        yield from (value.get("source_ref", ""), value.get("target_ref", ""))
    for name, held in value.items():
        if name.endswith("_ref") and isinstance(held, str):
            yield held
        elif name.endswith("_refs") and isinstance(held, list):
            yield from (each for each in held if isinstance(each, str))


def _ties(actor: Actor, stix_ids: set[str]) -> dict[str, StixObject]:
    """Relationships whose two ends are both among these objects."""
    ends: dict[int, set[str]] = {}
    ordered = sorted(stix_ids)
    for start in range(0, len(ordered), _CHUNK):
        touching = Reference.objects.filter(
            Q(relation="source_ref") | Q(relation="target_ref"),
            target__in=ordered[start : start + _CHUNK],
            source__is_current=True,
            source__type="relationship",
        ).values_list("source_id", "relation")
        for source, relation in touching:
            ends.setdefault(source, set()).add(relation)
    both = [source for source, relations in ends.items() if len(relations) == 2]  # noqa: PLR2004 - two ends
    found: dict[str, StixObject] = {}
    for start in range(0, len(both), _CHUNK):
        rows = StixObject.objects.filter(visible_objects(actor), id__in=both[start : start + _CHUNK])
        found.update({row.stix_id: row for row in rows})
    return found


def _origins(rows: Iterable[StixObject]) -> tuple[Origin, ...]:
    """How far each release may go on that brought something here which we do not have from ourselves."""
    ids = [row.id for row in rows]
    releases: set[Any] = set()
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        sources = Source.objects.filter(object_id__in=chunk).select_related("release")
        own = {each.object_id for each in sources if each.imported_id or _is_ours(each)}
        releases |= {each.release_id for each in sources if each.object_id not in own}
    held = Release.objects.filter(id__in=releases).prefetch_related("topics", "parties")
    return tuple(release.facts().origin for release in held)


def _is_ours(source: Source) -> bool:
    return source.release is not None and source.release.origin_id is None
