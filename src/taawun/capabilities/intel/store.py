"""Writing checked objects: every version kept, one current, every source remembered, no marking ever lowered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.db import transaction

from taawun.capabilities.intel.models import NamedReader, Reference, Source, StixObject
from taawun.foundation.clock import now
from taawun.foundation.folding import search_text
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from taawun.capabilities.intel.models import Import
    from taawun.capabilities.intel.stix import CheckedObject
    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.people.models import Organisation, Person

__all__ = ["Counts", "Origin", "Prepared", "prepare", "remove_release", "store", "version_key"]

_BATCH: Final = 500
_SEARCHED: Final = 2000
_MICROSECONDS: Final = 6
# who made it stands in the text, and no page asks for it backwards
_NOT_KEPT: Final = frozenset({"created_by_ref"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where objects come from and who may see them.

    Args:
        organisation: inside which AMBER+STRICT stays.
        imported: the import, or None.
        release: the release, or None. Exactly one of the two is given.
        node: the partner's address for what a partner sent; empty for our own.
        readers: whom RED objects name; nobody else sees them.
    """

    organisation: Organisation
    imported: Import | None = None
    release: Release | None = None
    node: str = ""
    readers: Sequence[Person] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked object as it will be stored: its text, but no parsed value, so that many fit in memory."""

    stix_id: str
    type: str
    version: str
    name: str
    summary: str
    search: str
    tlp: Tlp
    text: str
    received: str
    references: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Counts:
    """What was stored.

    Args:
        new: versions that were not here.
        known: versions that were here already.
        differing: STIX identifiers of known versions that came with other content; the first is kept.
    """

    new: int = 0
    known: int = 0
    differing: list[str] = field(default_factory=list)


def prepare(checked: CheckedObject) -> Prepared:
    """Take from a checked object what is stored of it."""
    return Prepared(
        stix_id=checked.stix_id,
        type=checked.type,
        version=version_key(checked.version),
        name=checked.name,
        summary=checked.summary,
        search=search_text(checked.name, checked.summary[:_SEARCHED], checked.stix_id, *_values(checked)),
        tlp=checked.tlp,
        text=checked.text,
        received=checked.received,
        references=tuple(
            (reference.relation, reference.target)
            for reference in checked.refs
            if reference.relation not in _NOT_KEPT
        ),
    )


def version_key(version: str) -> str:
    """The version with at least six digits of a second, so that versions sort as text and one instant is one key."""
    if not version:
        return ""
    seconds, _dot, fraction = version.rstrip("Z").partition(".")
    return f"{seconds}.{fraction.ljust(_MICROSECONDS, '0')}Z"


def _values(checked: CheckedObject) -> Iterator[str]:
    """What a person would paste into a search besides the name: pattern, hashes, external identifiers."""
    value = checked.value
    pattern = value.get("pattern")
    if isinstance(pattern, str):
        yield pattern[:_SEARCHED]
    hashes = value.get("hashes")
    if isinstance(hashes, dict):
        yield from (text for text in hashes.values() if isinstance(text, str))
    for reference in value.get("external_references") or ():
        external = reference.get("external_id")
        if isinstance(external, str):
            yield external


def store(objects: Sequence[Prepared], origin: Origin) -> Iterator[Counts]:
    """Store objects in batches, each in its own transaction; doing it again changes nothing.

    Args:
        objects: in any order.
        origin: where they come from.

    Yields:
        The counts so far, after each batch.
    """
    counts = Counts()
    for start in range(0, len(objects), _BATCH):
        with transaction.atomic():
            _store_batch(objects[start : start + _BATCH], origin, counts)
        yield counts


def _store_batch(batch: Sequence[Prepared], origin: Origin, counts: Counts) -> None:
    held = {
        (row.stix_id, row.version): row
        for row in StixObject.objects.select_for_update()
        .filter(stix_id__in={each.stix_id for each in batch})
        .defer("text", "received", "search", "summary")
    }
    fresh: dict[tuple[str, str], Prepared] = {}
    known: list[Prepared] = []
    for each in batch:
        key = (each.stix_id, each.version)
        if key in held:
            known.append(each)
        else:
            fresh.setdefault(key, each)
    made = _create(list(fresh.values()), list(held.values()), origin)
    _meet_again(known, held, counts)
    counts.new += len(made)
    counts.known += len(known)
    _remember_source(made + [held[each.stix_id, each.version] for each in known], origin)


def _remember_source(rows: Sequence[StixObject], origin: Origin) -> None:
    Source.objects.bulk_create(
        (Source(object=row, release=origin.release, imported=origin.imported) for row in rows),
        ignore_conflicts=True,
    )
    NamedReader.objects.bulk_create(
        (
            NamedReader(object=row, person=person)
            for row in rows
            if row.tlp == Tlp.RED
            for person in origin.readers
        ),
        ignore_conflicts=True,
    )


def _create(fresh: Sequence[Prepared], held: Sequence[StixObject], origin: Origin) -> list[StixObject]:
    if not fresh:
        return []
    newest = _newest(fresh, held, origin.node)
    outdated = [row.id for row in held if row.is_current and newest[row.stix_id] != row.version]
    if outdated:
        StixObject.objects.filter(id__in=outdated).update(is_current=False)
    at = now()
    made = StixObject.objects.bulk_create(
        StixObject(
            stix_id=each.stix_id,
            type=each.type,
            version=each.version,
            is_current=newest[each.stix_id] == each.version,
            name=each.name,
            summary=each.summary,
            search=each.search,
            tlp=each.tlp,
            text=each.text,
            received=each.received,
            organisation=origin.organisation,
            origin=origin.node,
            created=at,
        )
        for each in fresh
    )
    Reference.objects.bulk_create(
        Reference(source=row, relation=relation[:60], target=target[:160])
        for row, each in zip(made, fresh, strict=True)
        for relation, target in each.references
    )
    return made


def _newest(fresh: Sequence[Prepared], held: Sequence[StixObject], node: str) -> dict[str, str]:
    """For each identifier, the version that is current once these are stored.

    A version of another origin than the current one's never becomes current: a partner cannot replace what is ours,
    nor what another partner said.
    """
    newest: dict[str, str] = {}
    guarded: set[str] = set()
    for row in held:
        if row.is_current:
            newest[row.stix_id] = row.version
            if row.origin != node:
                guarded.add(row.stix_id)
    for each in fresh:
        if each.stix_id not in guarded and each.version >= newest.get(each.stix_id, ""):
            newest[each.stix_id] = each.version
    return newest


def _meet_again(known: Sequence[Prepared], held: dict[tuple[str, str], StixObject], counts: Counts) -> None:
    """Versions that are here: withdrawn content comes back, and the stricter of two markings holds."""
    if not known:
        return
    rows = {(each.stix_id, each.version): held[each.stix_id, each.version] for each in known}
    texts = dict(
        StixObject.objects.filter(id__in=[row.id for row in rows.values()]).values_list("id", "text")
    )
    for each in known:
        row = rows[each.stix_id, each.version]
        if row.state == StixObject.State.WITHDRAWN:
            _bring_back(row, each)
        elif each.version and texts[row.id] != each.text:
            counts.differing.append(each.stix_id)
        if each.tlp > row.tlp:
            row.tlp = each.tlp
            StixObject.objects.filter(id=row.id).update(tlp=each.tlp)


def _bring_back(row: StixObject, each: Prepared) -> None:
    row.state, row.name, row.summary, row.search = StixObject.State.LIVE, each.name, each.summary, each.search
    row.text, row.received, row.tlp = each.text, each.received, max(each.tlp, row.tlp)
    row.save(update_fields=["state", "name", "summary", "search", "text", "received", "tlp"])
    _choose_current(row.stix_id)


@transaction.atomic
def remove_release(release_id: UUID) -> int:
    """Take back what a release brought: content without another source goes, its identifier stays.

    Returns:
        How many versions lost their content.
    """
    gone = Source.objects.filter(release_id=release_id)
    touched = list(gone.values_list("object_id", flat=True))
    gone.delete()
    removed = 0
    for start in range(0, len(touched), _BATCH):
        orphans = list(
            StixObject.objects.filter(
                id__in=touched[start : start + _BATCH],
                sources__isnull=True,
                state=StixObject.State.LIVE,
            )
        )
        _empty(orphans)
        removed += len(orphans)
    return removed


def _empty(rows: Sequence[StixObject]) -> None:
    Reference.objects.filter(source__in=rows).delete()
    NamedReader.objects.filter(object__in=rows).delete()
    for row in rows:
        was_current = row.is_current
        row.state, row.is_current = StixObject.State.WITHDRAWN, False
        row.name = row.summary = row.search = row.text = row.received = ""
        row.save(update_fields=["state", "is_current", "name", "summary", "search", "text", "received"])
        if was_current:
            _choose_current(row.stix_id)


def _choose_current(stix_id: str) -> None:
    live = StixObject.objects.filter(stix_id=stix_id, state=StixObject.State.LIVE)
    # our own word first, then the newest
    newest = live.order_by("origin", "-version").first()
    outdated = StixObject.objects.filter(stix_id=stix_id, is_current=True)
    (outdated.exclude(id=newest.id) if newest else outdated).update(is_current=False)
    if newest and not newest.is_current:
        StixObject.objects.filter(id=newest.id).update(is_current=True)
