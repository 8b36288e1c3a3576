"""What many requests ask the database alike: written down as SQL once, then asked with other values."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field, QuerySet
    from django.db.models.sql.compiler import SQLCompiler

__all__ = ["Question", "given", "place"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands among the parameters of the SQL."""

    name: str
    field: Field[Any, Any]


class _Given(Expression):
    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self._place = _Place(name, field)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """The place itself among the parameters, which becomes a value before the database sees it."""
        del compiler, connection
        return "%s", (self._place,)


def given(name: str, field: Field[Any, Any]) -> Any:  # Any: stands in a filter for a value of whatever type
    """A value that is told with each asking.

    Args:
        name: what it is called there.
        field: of the kind of the column it is compared with.
    """
    return _Given(name, field)


def place(name: str, field: Field[Any, Any]) -> object:
    """The same among the parameters of a :class:`~django.db.models.expressions.RawSQL`."""
    return _Place(name, field)


@dataclass(frozen=True, slots=True)
class _Written:
    connection: BaseDatabaseWrapper
    compiler: SQLCompiler
    sql: str
    parameters: Sequence[object]


class Question:
    """A question that is asked often, in which only values change.

    Django writes a queryset down anew each time, which takes ten to thirty times as long as SQLite takes to answer
    it. For what is not asked by every request a queryset is the plainer way.

    Args:
        write: gives the queryset, of rows by :meth:`~django.db.models.QuerySet.values_list`, with :func:`given` in its
            filters where a value is told with each asking. Called once for each connection.
    """

    def __init__(self, write: Callable[[], QuerySet[Any, Any]]) -> None:
        self._write = write
        # Django's connections are one a thread, and what turns rows into values belongs to one of them
        self._here = threading.local()

    def ask(self, **values: object) -> list[tuple[Any, ...]]:
        """The rows that answer it.

        Args:
            values: what is :func:`given`, by its name.

        Raises:
            KeyError: a value is not told.
        """
        try:
            written = self._written()
        except EmptyResultSet:
            return []
        parameters = [_filled(each, values, written.connection) for each in written.parameters]
        with written.connection.cursor() as cursor:
            cursor.execute(written.sql, parameters)
            rows = cursor.fetchall()
        return [tuple(row) for row in written.compiler.results_iter([rows], tuple_expected=True)]

    def _written(self) -> _Written:
        now = connections[DEFAULT_DB_ALIAS]
        written: _Written | None = getattr(self._here, "written", None)
        if written is None or written.connection is not now:
            compiler = self._write().query.get_compiler(connection=now)
            written = self._here.written = _Written(now, compiler, *compiler.as_sql())
        return written


def _filled(
    parameter: object, values: Mapping[str, object], on: BaseDatabaseWrapper
) -> Any:  # Any: as Django's own
    if not isinstance(parameter, _Place):
        return parameter
    return parameter.field.get_db_prep_value(values[parameter.name], on)
