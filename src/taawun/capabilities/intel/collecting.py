"""Collecting what goes with a report: the objects it names, what those need, and the ties between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from taawun.capabilities.intel.composing import text_under
from taawun.capabilities.intel.models import Reference, ReportObject, Source, StixObject
from taawun.capabilities.intel.rules import listed_objects, visible_objects
from taawun.cooperation.federation.models import Release
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from django.db.models import Q

    from taawun.capabilities.intel.models import Report
    from taawun.cooperation.agreements.policy import Origin
    from taawun.cooperation.people.actors import Actor

__all__ = ["MOST_TRAVELLING", "Collected", "collect"]

T = TypeVar("T")

MOST_TRAVELLING: Final = 40_000
"""The most objects that travel in one release: a receiver stores them in one transaction."""

_CHUNK: Final = 500
_ENDS: Final = frozenset({"source_ref", "target_ref"})


@dataclass(frozen=True, slots=True)
class Collected:
    """What goes with a report.

    Args:
        refs: STIX identifiers the report names.
        texts: every object that travels, as STIX 2.1, each under the level it is held under.
        levels: the markings among them.
        stricter: what the objects are called that are marked more strictly than the report; by its identifier one
            that has no name.
        origins: how far what came from partners may go.
        missing: identifiers the report names that do not go: the actor may not see them, or they are here no more.
    """

    refs: tuple[str, ...]
    texts: tuple[str, ...]
    levels: frozenset[Tlp]
    stricter: tuple[str, ...]
    origins: tuple[Origin, ...]
    missing: tuple[str, ...]


def collect(actor: Actor, report: Report) -> Collected:
    """Collect a report's objects as the actor may see them.

    With the objects it names go those they refer to (observables, creators, markings) and the relationships between
    any two of them.
    """
    named = list(ReportObject.objects.filter(report=report).order_by("id").values_list("stix_id", flat=True))
    current = listed_objects(actor, within=Tlp(report.tlp))
    rows = _with_needed(current, named)
    rows.update(_ties(current, rows.keys()))
    rows.pop(report.stix_id, None)
    ties = [row.stix_id for row in rows.values() if row.type == "relationship"]
    return Collected(
        refs=tuple(dict.fromkeys([*(each for each in named if each in rows), *ties])),
        texts=tuple(text_under(row.text, Tlp(row.tlp)) for row in rows.values()),
        levels=frozenset(Tlp(row.tlp) for row in rows.values()),
        stricter=tuple(sorted(row.name or row.stix_id for row in rows.values() if row.tlp > report.tlp)),
        origins=_origins(actor, [*map(_text, rows.values()), *_own_versions(actor, report)]),
        missing=tuple(each for each in named if each not in rows and each != report.stix_id),
    )


def _own_versions(actor: Actor, report: Report) -> list[tuple[str, str]]:
    """The report's own object as it was brought here: what a partner wrote first stays bound by its clause too."""
    own = StixObject.objects.filter(visible_objects(actor), stix_id=report.stix_id, origin="")
    return list(own.values_list("stix_id", "digest"))


def _text(row: StixObject) -> tuple[str, str]:
    return row.stix_id, row.digest


def _with_needed(current: Q, named: Collection[str]) -> dict[str, StixObject]:
    rows: dict[str, StixObject] = {}
    wanted = set(named)
    while wanted and len(rows) <= MOST_TRAVELLING:
        found = _found(current, wanted)
        rows.update(found)
        needed = {need for row in found.values() for need in _needs(row)}
        wanted = needed - rows.keys()
    return rows


def _found(current: Q, stix_ids: Collection[str]) -> dict[str, StixObject]:
    return {
        row.stix_id: row
        for chunk in _chunks(sorted(stix_ids))
        for row in StixObject.objects.filter(current, stix_id__in=chunk)
    }


def _needs(row: StixObject) -> Iterator[str]:
    """Every identifier an object names, so that whoever receives it can resolve them."""
    value: dict[str, Any] = orjson.loads(row.text)
    for name, held in value.items():
        if name.endswith("_ref") and isinstance(held, str):
            yield held
        elif name.endswith("_refs") and isinstance(held, list):
            yield from (each for each in held if isinstance(each, str))


def _ties(current: Q, stix_ids: Collection[str]) -> dict[str, StixObject]:
    """Relationships whose two ends are both among these objects."""
    ends: dict[int, set[str]] = {}
    for chunk in _chunks(sorted(stix_ids)):
        touching = Reference.objects.filter(
            relation__in=_ENDS,
            target__in=chunk,
            source__is_current=True,
            source__type="relationship",
        )
        for source, relation in touching.values_list("source_id", "relation"):
            ends.setdefault(source, set()).add(relation)
    both = [source for source, relations in ends.items() if relations == _ENDS]
    return {
        row.stix_id: row
        for chunk in _chunks(both)
        for row in StixObject.objects.filter(current, id__in=chunk)
    }


def _origins(actor: Actor, texts: Sequence[tuple[str, str]]) -> tuple[Origin, ...]:
    """How far each release may go on that brought something here which we had not from ourselves before.

    What a partner told us first stays bound by what its clause allows, also when we import the same later, and for
    whomever: a copy for another audience is bound by what the actor knows of the text.

    Args:
        actor: who collects.
        texts: identifier and digest of each.
    """
    releases: set[Any] = set()  # keys of releases
    visible = StixObject.objects.filter(visible_objects(actor))
    for chunk in _chunks(texts):
        stix_ids, digests = zip(*chunk, strict=True)
        first: dict[str, bool] = {}
        known = visible.filter(stix_id__in=set(stix_ids), digest__in=set(digests))
        sources = Source.objects.filter(object__in=known).order_by("id")
        for digest, release, partner in sources.values_list(
            "object__digest", "release_id", "release__origin_id"
        ):
            if first.setdefault(digest, partner is not None) and partner is not None:
                releases.add(release)
    held = Release.objects.filter(id__in=releases).order_by("id").prefetch_related("topics", "parties")
    return tuple(release.facts().origin for release in held)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
