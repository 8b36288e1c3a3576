"""The rows of a node, out of its database and into another: neither needs to be the kind of database the other is.

Rows are read and written through the models *as they were* at the migrations that the database has, so that a backup of
an older node is loaded into the tables it was taken from, and the migrations then bring them forward as they would have
on that node. They are read in one transaction that sees one instant: on SQLite a reader of the write-ahead log, on
PostgreSQL ``REPEATABLE READ``. The node goes on writing meanwhile.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import DateTimeField, JSONField, Value
from django.utils.duration import duration_string

from taawun.node.backup.container import BackupRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.db.models import Field, Manager, Model
    from django.db.models.options import Options

__all__ = ["Loading", "about", "applied", "build_tables", "chunks_of", "models_at", "one_instant", "unknown"]

# signs of a presence, not of what a node holds: who was signed in then is not signed in now, and what somebody typed
# and did not send is theirs for a fortnight, not for as long as a backup is kept
_LEFT_OUT: Final = frozenset({"sessions.session", "web.counted", "web.draft"})
_CHUNK_BYTES: Final = 4 * 1024 * 1024
_ROWS: Final = 2000
_BATCH: Final = 500

Migrations = tuple[str, ...]


def applied() -> Migrations:
    """The migrations that the database has, ``app.name`` each."""
    return tuple(sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()))


def unknown(migrations: Iterable[str]) -> list[str]:
    """Those that this program does not have: a newer one made them."""
    nodes = MigrationLoader(None).graph.nodes
    return [each for each in migrations if _key(each) not in nodes]


def models_at(migrations: Sequence[str]) -> list[type[Model]]:
    """The models whose tables those migrations make, by name, without what is left out of backups."""
    state = MigrationLoader(None).project_state([_key(each) for each in migrations])
    models = state.apps.get_models(include_auto_created=True)
    kept = [each for each in models if about(each).managed and about(each).label_lower not in _LEFT_OUT]
    return sorted(kept, key=lambda each: about(each).label)


def about(model: type[Model]) -> Options[Model]:
    """What Django knows of a model."""
    return model._meta  # noqa: SLF001 - Django's public name for it


def _rows_of(model: type[Model]) -> Manager[Model]:
    return model._base_manager  # noqa: SLF001 - Django's public name for it


def _key(name: str) -> tuple[str, str]:
    app, _dot, migration = name.partition(".")
    return app, migration


@contextmanager
def one_instant() -> Iterator[None]:
    """Whatever is read inside is as it was at one instant."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        # not `atomic`, which would keep everybody else from writing (settings.py: transaction_mode)
        cursor.execute("BEGIN DEFERRED")
        # the instant is that of the first read
        cursor.execute("SELECT 1 FROM django_migrations LIMIT 1").fetchall()
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def chunks_of(model: type[Model]) -> Iterator[tuple[bytes, int]]:
    """All rows of a model, as members of a backup: JSON lines, the names of the columns first.

    Returns:
        Some MiB each, with the number of rows in it.
    """
    names = [field.attname for field in about(model).concrete_fields]
    beginning = orjson.dumps(names)
    lines, size = [beginning], 0
    rows = _rows_of(model).order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=_ROWS):
        line = _line(row)
        lines.append(line)
        size += len(line) + 1
        if size >= _CHUNK_BYTES:
            yield b"\n".join(lines), len(lines) - 1
            lines, size = [beginning], 0
    if len(lines) > 1:
        yield b"\n".join(lines), len(lines) - 1


def _line(row: tuple[object, ...]) -> bytes:
    try:
        return orjson.dumps(row, default=_plain)
    except TypeError:
        # a number beyond 64 bits in a JSON column
        return json.dumps(_made_plain(row), ensure_ascii=True).encode()


def _made_plain(value: object) -> object:
    """The same value made of what every JSON writer knows."""
    if isinstance(value, (list, tuple)):
        return [_made_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _made_plain(each) for name, each in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return orjson.loads(orjson.dumps(value, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, timedelta):
        return duration_string(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


# ---- putting back -----------------------------------------------------------------------------------------------


def build_tables(migrations: Sequence[str]) -> None:
    """Make the tables of those migrations in an empty database."""
    executor = MigrationExecutor(connection)
    wanted = {_key(each) for each in migrations}
    plan = [
        step
        for step in executor.migration_plan(executor.loader.graph.leaf_nodes())
        if (step[0].app_label, step[0].name) in wanted
    ]
    executor.migrate(targets=None, plan=plan)


class Loading:
    """Puts rows into tables just made, in the transaction of the caller.

    Args:
        migrations: those of the tables.
    """

    def __init__(self, migrations: Sequence[str]) -> None:
        self._models = {about(each).label: each for each in models_at(migrations)}
        self.rows = 0
        for model in self._models.values():
            for each in about(model).concrete_fields:
                if isinstance(each, DateTimeField):
                    # it was then, and is not now; these are models of the migrations, which nobody else uses
                    each.auto_now = each.auto_now_add = False
        with connection.cursor() as cursor:
            for model in self._models.values():
                # a migration may have put something there already, which is in the backup too
                table = connection.ops.quote_name(about(model).db_table)
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of our own, quoted

    def take(self, label: str, data: bytes) -> None:
        """The rows of one member.

        Raises:
            BackupRefused: they do not fit the table.
        """
        model = self._models.get(label)
        if model is None:
            raise BackupRefused(
                "damaged", f"the backup holds rows of {label}, which has no table; take another one"
            )
        lines = data.split(b"\n")
        fields = {field.attname: field for field in about(model).concrete_fields}
        try:
            columns = [fields[name] for name in json.loads(lines[0])]
            rows = [_row(model, columns, json.loads(line)) for line in lines[1:]]
        except (KeyError, TypeError, ValueError) as problem:
            raise BackupRefused(
                "damaged",
                f"the rows of {label} in the backup do not fit its table ({problem}); take another one",
            ) from None
        _rows_of(model).bulk_create(rows, batch_size=_BATCH)
        self.rows += len(rows)

    def end(self) -> None:
        """Let the next rows be numbered on, and see that every row that another one names is there."""
        connection.check_constraints()
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), list(self._models.values())):
                cursor.execute(statement)


# Any: what a column of any type holds
def _row(model: type[Model], columns: Sequence[Field[Any, Any]], values: Sequence[Any]) -> Model:
    return model(**{each.attname: _value(each, value) for each, value in zip(columns, values, strict=True)})


def _value(field: Field[Any, Any], value: Any) -> Any:
    if isinstance(field, JSONField):
        # JSON's own null, where the column takes no other
        return Value(None, field) if value is None and not field.null else value
    return field.to_python(value)
