"""Writing checked objects: every version kept, every source remembered, no marking ever lowered.

A version is held once for each audience: what everybody of the node may read, what stays inside one organisation,
what is for certain persons. One text under two markings is two rows, so whoever marks something strictly takes it
out of nobody's hands, and nobody's markings tell of what somebody else holds.

Of all versions of an object that one audience has, one is current: our own word before a partner's, the partner's who
spoke first before another's, and of what that one says, a named creator's before nobody's and the newest version. So
a partner can neither replace what is ours nor what another partner said, and a converter's stub does not displace the
object itself. Which of several current versions a reader sees is told in rules.py.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from django.db import transaction

from taawun.capabilities.intel.bulk import insert, one_writer, reserve_ids
from taawun.capabilities.intel.models import STIX_ID, NamedReader, Reference, Source, StixObject
from taawun.capabilities.intel.preparing import TAKEN
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from taawun.capabilities.intel.models import Import
    from taawun.capabilities.intel.preparing import Origin, Prepared
    from taawun.cooperation.federation.models import Release

__all__ = ["Counts", "remove_import", "remove_release", "store", "store_together"]

# a transaction of the store holds the only writer of SQLite for as long as these take
_BATCH: Final = 500
_BATCH_REFERENCES: Final = 10_000


@dataclass(slots=True)
class Counts:
    """What was stored.

    Args:
        new: versions that were not here.
        known: versions that were here already, or stood in the same batch twice.
        differing: STIX identifiers of new versions of which another text was here; both are kept.
    """

    new: int = 0
    known: int = 0
    differing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Row:
    """A stored version, without its texts."""

    id: int
    audience: str
    stix_id: str
    version: str
    creator: str
    digest: str
    origin: str
    tlp: int
    state: str
    is_current: bool


# digest of a text, and the audience that it is held for
_Key = tuple[str, str]
_OF_ONE: Final = attrgetter("stix_id", "audience")
_ROW: Final = tuple(each.name for each in fields(_Row))
_taken: Final = attrgetter(*TAKEN)


def store(objects: Sequence[Prepared], origin: Origin) -> Iterator[Counts]:
    """Store objects in batches, each in its own transaction; doing it again changes nothing.

    Args:
        objects: in any order.
        origin: where they come from.

    Yields:
        The counts so far, after each batch.
    """
    counts = Counts()
    # in the order of the indexes, which are else written all over with every batch
    ordered = sorted(objects, key=attrgetter("stix_id", "version"))
    for batch in _batches(ordered):
        with transaction.atomic():
            keys = _store_batch(batch, origin, counts)
            _remember(keys.values(), origin)
            _name_readers(
                [number for key, (number, _new) in keys.items() if key[1].startswith("persons:")], origin
            )
        yield counts


def store_together(brought: Sequence[tuple[Release, Sequence[Prepared]]], origin: Origin) -> None:
    """Store what many releases of one partner brought, inside the caller's transaction.

    Args:
        brought: each release with its objects; all of them together no more than one transaction should hold.
        origin: where they come from, without the release; its readers are nobody.
    """
    wanted: dict[_Key, Prepared] = {}
    releases: dict[_Key, dict[UUID, None]] = defaultdict(dict)
    for release, objects in brought:
        for each in objects:
            key = each.digest, each.audience(origin)
            held = wanted.get(key, each)
            # of two markings for one audience the stricter holds
            wanted[key] = held if held.tlp >= each.tlp else each
            releases[key][release.pk] = None
    ordered = sorted(wanted.values(), key=attrgetter("stix_id", "version"))
    keys = _store_batch(ordered, origin, Counts())
    sources = (
        (release_id, number, is_new and position == 0)
        for key, (number, is_new) in keys.items()
        for position, release_id in enumerate(releases[key])
    )
    insert(Source, ("release", "object", "is_first"), sources, skip_known=True)


def _batches(ordered: Sequence[Prepared]) -> Iterator[Sequence[Prepared]]:
    """Cut into batches by objects and by what these name: one report may name a hundred thousand others."""
    start = named = 0
    for end, each in enumerate(ordered):
        is_full = end - start == _BATCH or named + len(each.references) > _BATCH_REFERENCES
        if is_full and end > start:
            yield ordered[start:end]
            start, named = end, 0
        named += len(each.references)
    if start < len(ordered):
        yield ordered[start:]


def _store_batch(batch: Sequence[Prepared], origin: Origin, counts: Counts) -> dict[_Key, tuple[int, bool]]:
    """Store some objects; the row of each, and whether it is new. Where they came from is not remembered yet."""
    one_writer()
    wanted = {(each.digest, each.audience(origin)): each for each in batch}
    # what other audiences hold is compared with nothing: a count would tell of it
    audiences = {"", *(audience for _digest, audience in wanted)}
    rows = _rows({each.stix_id for each in batch}, audiences)
    held = {(row.digest, row.audience): row for row in rows}
    fresh = {key: each for key, each in wanted.items() if key not in held}
    met = {key: _met(held[key], each, origin) for key, each in wanted.items() if key in held}
    made = {
        key: _made(each, number, origin)
        for (key, each), number in zip(fresh.items(), reserve_ids(StixObject, len(fresh)), strict=True)
    }
    current = _current([*(held | met).values(), *made.values()])
    _dethrone(row.id for row in held.values() if row.is_current and row.id not in current)
    _insert(fresh, made, current, origin)
    _change(wanted, held, met, origin)
    _enthrone(row.id for row in held.values() if row.id in current and not row.is_current)
    counts.new += len(fresh)
    counts.known += len(batch) - len(fresh)
    counts.differing += _differing(rows, fresh)
    return {key: (row.id, False) for key, row in met.items()} | {
        key: (row.id, True) for key, row in made.items()
    }


def _rows(stix_ids: Collection[str], audiences: Collection[str] | None = None) -> list[_Row]:
    found = StixObject.objects.filter(stix_id__in=stix_ids)
    if audiences is not None:
        found = found.filter(audience__in=audiences)
    return [_Row(*each) for each in found.order_by("id").values_list(*_ROW)]


def _differing(rows: Iterable[_Row], fresh: Mapping[_Key, Prepared]) -> list[str]:
    """Identifiers of new versions of which another text is here, for the same audience or for everybody."""
    texts: dict[tuple[str, str], set[_Key]] = defaultdict(set)
    for row in rows:
        if row.state == StixObject.State.LIVE:
            texts[row.stix_id, row.version].add((row.digest, row.audience))
    return [
        each.stix_id
        for (digest, audience), each in fresh.items()
        if any(
            text != digest and seen_by in ("", audience)
            for text, seen_by in texts.get((each.stix_id, each.version), ())
        )
    ]


def _made(each: Prepared, key: int, origin: Origin) -> _Row:
    return _Row(
        id=key,
        audience=each.audience(origin),
        stix_id=each.stix_id,
        version=each.version,
        creator=each.creator,
        digest=each.digest,
        origin=origin.node,
        tlp=each.tlp,
        state=StixObject.State.LIVE,
        is_current=False,
    )


def _met(row: _Row, each: Prepared, origin: Origin) -> _Row:
    """What becomes of a version that is here when it comes again.

    Withdrawn content comes back; what we bring ourselves is our word from then on; of two markings for one audience
    the stricter holds. But a partner cannot raise the marking of what is ours: our reports on it could not leave.
    """
    if row.state == StixObject.State.WITHDRAWN:
        return replace(row, state=StixObject.State.LIVE, origin=origin.node, tlp=max(row.tlp, each.tlp))
    if origin.node and not row.origin:
        return row
    return replace(row, origin=row.origin if origin.node else "", tlp=max(row.tlp, each.tlp))


def _current(rows: Iterable[_Row]) -> set[int]:
    """Which of these versions, all that are held of their objects, are current."""
    live = (row for row in rows if row.state == StixObject.State.LIVE)
    current = set()
    for _object, versions in groupby(sorted(live, key=_OF_ONE), key=_OF_ONE):
        ordered = list(versions)
        first = min(ordered, key=lambda row: (bool(row.origin), row.id))
        said = [row for row in ordered if row.origin == first.origin]
        # a name is easily made up, so it counts only among what one party says
        creator = min(said, key=lambda row: (not row.creator, row.id)).creator
        current.add(
            max((row for row in said if row.creator == creator), key=lambda row: (row.version, -row.id)).id
        )
    return current


def _insert(
    fresh: Mapping[_Key, Prepared], made: Mapping[_Key, _Row], current: set[int], origin: Origin
) -> None:
    rows = [(made[key], each) for key, each in fresh.items()]
    insert(
        StixObject,
        ("id", "audience", "is_current", *TAKEN),
        ((row.id, row.audience, row.id in current, *_taken(each)) for row, each in rows),
        same={
            "origin": origin.node,
            "state": StixObject.State.LIVE,
            "organisation": origin.organisation.pk,
            "created": now(),
        },
    )
    _insert_references((row.id, each) for row, each in rows)


def _insert_references(rows: Iterable[tuple[int, Prepared]]) -> None:
    insert(
        Reference,
        ("source", "relation", "target"),
        ((key, relation, target[:STIX_ID]) for key, each in rows for relation, target in each.references),
    )


def _change(
    wanted: Mapping[_Key, Prepared], held: Mapping[_Key, _Row], met: Mapping[_Key, _Row], origin: Origin
) -> None:
    """Write what meeting again has changed; mostly nothing."""
    changed = [(held[key], row, wanted[key]) for key, row in met.items() if row != held[key]]
    back = [(row, each) for before, row, each in changed if before.state != row.state]
    StixObject.objects.bulk_update(
        [
            StixObject(
                id=row.id,
                origin=row.origin,
                organisation=origin.organisation,
                tlp=row.tlp,
                state=row.state,
                name=each.name,
                summary=each.summary,
                search=each.search,
                text=each.text,
                received=each.received,
            )
            for row, each in back
        ],
        ["origin", "organisation", "tlp", "state", "name", "summary", "search", "text", "received"],
    )
    _insert_references((row.id, each) for row, each in back)
    stayed = [(before, row) for before, row, _each in changed if before.state == row.state]
    adopted = [row.id for before, row in stayed if before.origin != row.origin]
    StixObject.objects.filter(id__in=adopted).update(origin="", organisation=origin.organisation)
    for tlp in Tlp:
        raised = [row.id for before, row in stayed if before.tlp != row.tlp == tlp]
        StixObject.objects.filter(id__in=raised).update(tlp=tlp)


def _dethrone(ids: Iterable[int]) -> None:
    StixObject.objects.filter(id__in=list(ids)).update(is_current=False)


def _enthrone(ids: Iterable[int]) -> None:
    StixObject.objects.filter(id__in=list(ids)).update(is_current=True)


def _remember(rows: Iterable[tuple[int, bool]], origin: Origin) -> None:
    """Remember a source of some rows, each with whether it is the first."""
    insert(
        Source,
        ("object", "is_first"),
        rows,
        same={
            "release": origin.release.pk if origin.release else None,
            "imported": origin.imported.pk if origin.imported else None,
            "sighting": origin.sighting.pk if origin.sighting else None,
        },
        skip_known=True,
    )


def _name_readers(red: Sequence[int], origin: Origin) -> None:
    if not red or not origin.readers:
        return
    sources = Source.objects.filter(
        object_id__in=red, release=origin.release, imported=origin.imported, sighting=origin.sighting
    )
    NamedReader.objects.bulk_create(
        (NamedReader(source=source, person=person) for source in sources for person in origin.readers),
        ignore_conflicts=True,
    )


@transaction.atomic
def remove_release(release: Release) -> int:
    """Take back what a release brought: content without another source goes, its identifier stays.

    Returns:
        How many versions lost their content.
    """
    one_writer()
    brought = Source.objects.filter(release=release)
    touched = list(brought.order_by("object_id").values_list("object_id", flat=True))
    brought.delete()
    return sum(
        _release_batch(touched[start : start + _BATCH], release) for start in range(0, len(touched), _BATCH)
    )


def _release_batch(touched: Sequence[int], release: Release) -> int:
    node = release.origin.node if release.origin else ""
    remaining = _speakers(touched)
    gone = [key for key in touched if key not in remaining]
    for speaker in set(remaining.values()) - {node}:
        left = [key for key, each in remaining.items() if each == speaker]
        # where the same text came from others too it is now their word
        StixObject.objects.filter(id__in=left, origin=node).update(origin=speaker)
    removed = _empty(gone)
    _crown(StixObject.objects.filter(id__in=touched).values_list("stix_id", flat=True))
    return removed


@transaction.atomic
def remove_import(imported: Import) -> list[str]:
    """Take back what an import brought, as if it had not begun: for one that broke off.

    What it alone brought goes without a trace; what was here before loses a source, and what had been withdrawn is
    withdrawn again. A marking that it raised stays raised.

    Returns:
        Identifiers of the objects it had brought, each once.
    """
    one_writer()
    brought = list(
        Source.objects.filter(imported=imported).order_by("object_id").values_list("object_id", "is_first")
    )
    found: dict[str, None] = {}
    for start in range(0, len(brought), _BATCH):
        found |= dict.fromkeys(_unmake_batch(dict(brought[start : start + _BATCH]), imported))
    return list(found)


def _unmake_batch(brought: Mapping[int, bool], imported: Import) -> list[str]:
    keys = list(brought)
    stix_ids = list(StixObject.objects.filter(id__in=keys).values_list("stix_id", flat=True))
    Source.objects.filter(object_id__in=keys, imported=imported).delete()
    remaining = _speakers(keys)
    gone = [key for key in keys if key not in remaining]
    StixObject.objects.filter(id__in=[key for key in gone if brought[key]]).delete()
    _empty([key for key in gone if not brought[key]])
    for speaker in set(remaining.values()):
        left = [key for key, each in remaining.items() if each == speaker]
        StixObject.objects.filter(id__in=left).exclude(origin=speaker).update(origin=speaker)
    _crown(stix_ids)
    return stix_ids


def _crown(stix_ids: Iterable[str]) -> None:
    """Let one version of each of these objects be current, after others went."""
    rows = _rows(set(stix_ids))
    current = _current(rows)
    _dethrone(row.id for row in rows if row.is_current and row.id not in current)
    _enthrone(row.id for row in rows if row.id in current and not row.is_current)


def _speakers(ids: Sequence[int]) -> dict[int, str]:
    """Whose word each of these versions is by the sources it has: ours if one is, else the earliest's."""
    found: dict[int, str] = {}
    sources = Source.objects.filter(object_id__in=ids).order_by("id")
    for key, imported, node in sources.values_list("object_id", "imported", "release__origin__node"):
        speaker = "" if imported or node is None else node
        if not speaker or key not in found:
            found[key] = speaker
    return found


def _empty(ids: Sequence[int]) -> int:
    Reference.objects.filter(source__in=ids).delete()
    return StixObject.objects.filter(id__in=ids, state=StixObject.State.LIVE).update(
        state=StixObject.State.WITHDRAWN,
        is_current=False,
        name="",
        summary="",
        search="",
        text="",
        received="",
    )
