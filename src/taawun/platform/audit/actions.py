"""Writing to the trail, and chaining what was written."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from django.db import connection, transaction

from taawun.foundation.clock import timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.strict_json import canonical
from taawun.platform.audit.models import Entry
from taawun.platform.work.rows import insert_rows, update_rows
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taawun.platform.audit.actors import Auditable

__all__ = ["Verification", "digest_of", "record", "record_all", "seal", "verify"]

# Before the first row stands a digest of nothing, so that the first link is made like every other.
GENESIS = "0" * 64
_BATCH = 1000
_FIELDS: Final = Entry._meta.concrete_fields  # noqa: SLF001 - Django's documented way to a model's columns


def record(actor: Auditable, verb: str, subject: str, details: Mapping[str, object] | None = None) -> Entry:
    """Write one row, inside the caller's transaction.

    Args:
        actor: who acts.
        verb: ``room.what-was-done``, for example ``agreements.signed``.
        subject: the URN of the thing acted on.
        details: what a reader needs to understand the act; JSON values, never marked content or a secret.

    Returns:
        The row, not yet sealed.
    """
    row = _row(actor, verb, subject, details)
    # a row is in every write there is, and `save` takes longer to put its statement together than it takes to run
    with connection.cursor() as cursor:
        cursor.execute(
            _insertion(),
            [field.get_db_prep_save(getattr(row, field.attname), connection) for field in _FIELDS],
        )
    return row


@functools.cache
def _insertion() -> str:
    name = connection.ops.quote_name
    columns = ", ".join(name(str(field.column)) for field in _FIELDS)
    table, values = name(Entry._meta.db_table), ", ".join(["%s"] * len(_FIELDS))  # noqa: SLF001 - as above
    return f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 - names of the model alone


def record_all(actor: Auditable, verb: str, acts: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Write a row for each of many acts of one actor at once, inside the caller's transaction.

    Args:
        actor: who acts.
        verb: as for :func:`record`.
        acts: subject and details of each, in order.
    """
    insert_rows(_row(actor, verb, subject, details) for subject, details in acts)


def _row(actor: Auditable, verb: str, subject: str, details: Mapping[str, object] | None) -> Entry:
    who = actor.audit_identity
    return Entry(
        actor_kind=who.kind,
        actor_id=who.id,
        # a partner names itself, at whatever length
        actor_label=who.label[:300],
        verb=verb,
        subject=subject,
        details=dict(details or {}),
    )


def seal() -> int:
    """Give every row that has none its place in the chain, oldest first.

    Runs as a schedule. Several workers may run it at once: they take turns, a batch each.

    Returns:
        How many rows were sealed.
    """
    sealed = 0
    while batch := _seal_batch():
        sealed += batch
    return sealed


@transaction.atomic
def _seal_batch() -> int:
    take_turn("audit.seal")
    last = Entry.objects.filter(seq__isnull=False).order_by("-seq").first()
    seq, previous = (last.seq or 0, last.digest) if last else (0, GENESIS)
    rows = list(Entry.objects.filter(seq__isnull=True).order_by("id")[:_BATCH])
    for row in rows:
        seq += 1
        row.seq = seq
        row.digest = previous = digest_of(row, previous)
    update_rows(rows, ("seq", "digest"))
    return len(rows)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the chain found.

    Args:
        rows: sealed rows that were read.
        broken_at: the ``seq`` of the first row that does not fit, or None.
        unsealed: rows still waiting for the sweep.
        head: digest of the last good row; compare it with one noted earlier to see a cut-off end.
    """

    rows: int
    broken_at: int | None
    unsealed: int
    head: str


def verify() -> Verification:
    """Walk the chain from its first row and recompute every link."""
    previous, count = GENESIS, 0
    for row in Entry.objects.filter(seq__isnull=False).order_by("seq").iterator(chunk_size=2000):
        if row.seq != count + 1 or not _holds(row, previous):
            return Verification(count, count + 1, _unsealed(), previous)
        previous, count = row.digest, count + 1
    return Verification(count, None, _unsealed(), previous)


def _unsealed() -> int:
    return Entry.objects.filter(seq__isnull=True).count()


def _holds(row: Entry, previous: str) -> bool:
    """Whether a row is linked to the one before it.

    What is written fast is nearly always the same, byte for byte, as what is written canonically; where it is, and its
    digest is the one that stands there, nothing else needs to be written.
    """
    try:
        written = orjson.dumps(_said(row, previous), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        written = b""
    return row.digest == sha256(written) or row.digest == digest_of(row, previous)


def digest_of(row: Entry, previous: str) -> str:
    """The link of a row: over what it says, its place, and the link before it."""
    return sha256(canonical(_said(row, previous)))


def _said(row: Entry, previous: str) -> list[object]:
    return [
        previous,
        row.seq,
        str(row.id),
        timestamp(row.at),
        row.actor_kind,
        row.actor_id,
        row.actor_label,
        row.verb,
        row.subject,
        row.details,
    ]
