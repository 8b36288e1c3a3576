"""Many rows at once: what the store needs beyond Django's own way, in two bodies, one a database.

``bulk_create`` compiles every value by itself, which made storing five times as slow as reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import Field, Model
    from django.db.models.options import Options

__all__ = ["insert", "one_writer", "reserve_ids"]


def one_writer() -> None:
    """Wait until no other transaction writes to the store; it is ours until the transaction ends.

    Two writers of the same objects would otherwise meet in the unique constraints.

    Raises:
        TransactionManagementError: no transaction is open.
    """
    take_turn("intel.store")


def reserve_ids(model: type[Model], count: int) -> Sequence[int]:
    """Keys that no row has or will have but those the caller inserts, ascending.

    Args:
        model: a model with an automatic integer key.
        count: how many.
    """
    table = _options(model).db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        # nobody else writes while this transaction does, and SQLite itself moves the mark when the rows come
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        last = found[0] if found else 0
        return range(last + 1, last + 1 + count)


def insert(
    model: type[Model],
    names: Sequence[str],
    rows: Iterable[tuple[str | int | bool | UUID, ...]],
    *,
    same: Mapping[str, Any] | None = None,
    skip_known: bool = False,
) -> None:
    """Insert rows in one go.

    Args:
        model: into whose table. Columns that are named nowhere must be nullable: defaults are Django's.
        names: fields that differ from row to row; of texts, numbers, truth values and keys only.
        rows: a value for each of them.
        same: fields that are the same in every row, of whatever type.
        skip_known: leave out rows that a unique constraint refuses.
    """
    ready = list(rows)
    if not ready:
        return
    if not connection.features.has_native_uuid_field and any(isinstance(each, UUID) for each in ready[0]):
        ready = [tuple(each.hex if isinstance(each, UUID) else each for each in row) for row in ready]
    by_name = {field.name: field for field in _options(model).concrete_fields}
    fields = [by_name[name] for name in (*names, *(same or {}))]
    constants = tuple(by_name[name].get_db_prep_save(each, connection) for name, each in (same or {}).items())
    if constants:
        ready = [(*row, *constants) for row in ready]
    quote = connection.ops.quote_name
    into = f"{quote(_options(model).db_table)} ({', '.join(quote(str(field.column)) for field in fields)})"
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            known = " OR IGNORE" if skip_known else ""
            cursor.executemany(f"INSERT{known} INTO {into} VALUES ({', '.join(['%s'] * len(fields))})", ready)
        elif skip_known:
            arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
            cursor.execute(
                f"INSERT INTO {into} SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
                [list(column) for column in zip(*ready, strict=True)],
            )
        else:
            with cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in ready:
                    copy.write_row(row)


def _options(model: type[Model]) -> Options[Any]:
    return model._meta  # noqa: SLF001 - Django's public name for it


def _type(field: Field[Any, Any]) -> str:
    """The type of a column in PostgreSQL; without its length, because a cast would cut what is too long."""
    return str(field.rel_db_type(connection)).partition("(")[0]
