"""Many rows at once: what arrives by hundreds is written faster than it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import connection
from django.db.models import (
    BigIntegerField,
    BooleanField,
    CharField,
    IntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SmallIntegerField,
    TextField,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.db.models import Field, Model
    from django.db.models.options import Options

__all__ = ["insert_rows", "update_rows"]

# keys that the database gives
_GIVEN: Final = frozenset({"AutoField", "BigAutoField", "SmallAutoField"})
# what both databases take as it is: Django asks five functions for each value and gives it back
_AS_IT_IS: Final[dict[type[Any], type]] = {
    CharField: str,
    TextField: str,
    BooleanField: bool,
    **dict.fromkeys(
        (
            BigIntegerField,
            IntegerField,
            SmallIntegerField,
            PositiveIntegerField,
            PositiveSmallIntegerField,
        ),
        int,
    ),
}


def insert_rows(rows: Iterable[Model]) -> None:
    """Insert new rows of one model in one go, inside the caller's transaction. Keys from the database are not told.

    ``bulk_create`` compiles every value of every row by itself, which takes two to three times as long.

    Args:
        rows: of one model, none of them in the database.

    Raises:
        IntegrityError: a constraint refuses one of them; the transaction has to end without any.
    """
    ready = list(rows)
    if not ready:
        return
    model, quote = _options(ready[0]), connection.ops.quote_name
    fields = [each for each in model.concrete_fields if each.get_internal_type() not in _GIVEN]
    columns = ", ".join(quote(str(each.column)) for each in fields)
    places = ", ".join(["%s"] * len(fields))
    table = quote(model.db_table)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - names of the model alone
    _for_each(ready, fields, statement, is_new=True)
    for row in ready:
        # as Django itself marks what it has inserted
        row._state.adding, row._state.db = False, connection.alias  # noqa: SLF001 - Django's documented state of a row


def update_rows(rows: Iterable[Model], names: Sequence[str]) -> None:
    """Write some fields of held rows of one model in one go, inside the caller's transaction.

    ``bulk_update`` writes one condition a row into one statement, which takes ten times as long.

    Args:
        rows: of one model, each in the database.
        names: the fields to write, none of them the key.

    Raises:
        IntegrityError: a constraint refuses one of them; the transaction has to end without any.
    """
    ready = list(rows)
    if not ready:
        return
    model, quote = _options(ready[0]), connection.ops.quote_name
    by_name = {each.name: each for each in model.concrete_fields}
    fields = [*(by_name[each] for each in names), model.pk]
    *columns, key = (f"{quote(str(each.column))} = %s" for each in fields)
    table = quote(model.db_table)
    statement = f"UPDATE {table} SET {', '.join(columns)} WHERE {key}"  # noqa: S608 - names of the model alone
    _for_each(ready, fields, statement, is_new=False)


def _options(row: Model) -> Options[Any]:
    return row._meta  # noqa: SLF001 - Django's documented way to a model's columns


def _for_each(
    rows: Sequence[Model], fields: Sequence[Field[Any, Any]], statement: str, *, is_new: bool
) -> None:
    """Execute a statement, of names of the model alone, with these values of each row."""
    values = [_value_of(each, is_new=is_new) for each in fields]
    with connection.cursor() as cursor:
        cursor.executemany(statement, [[value(row) for value in values] for row in rows])


def _value_of(field: Field[Any, Any], *, is_new: bool) -> Callable[[Model], Any]:
    """What gives a field's value of a row as the database takes it."""

    def prepared(row: Model) -> Any:  # Any: as Django's own
        return field.get_db_prep_save(field.pre_save(row, is_new), connection)

    kind, name = _AS_IT_IS.get(type(field)), field.attname
    if kind is None:
        return prepared

    def plain(row: Model) -> Any:  # Any: as above
        value = getattr(row, name)
        # no subclass: a choice, for one, is a text that has to be taken out of it
        return value if value is None or type(value) is kind else prepared(row)

    return plain
