"""Searching lists of the database by words, folded as every search of this node folds them.

A short list is read and matched here; a long one keeps the folded words of what it is searched by in a column.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from django.db import connection
from django.db.models import Q, TextField
from django.db.models.expressions import RawSQL

from taawun.foundation.folding import query_terms, search_text, words_matcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Model, QuerySet

__all__ = ["WordsOf", "has_words", "words_begin", "words_of"]

# beyond so many words a question narrows nothing any more
_MOST_WORDS: Final = 12


class WordsOf(TextField["str | None", str]):
    """A column that holds the folded words of another, written with it.

    Django does not ask it where a statement writes the other column of many rows: that writes :func:`words_of` too.

    Args:
        of: the other column.
    """

    def __init__(self, of: str = "", **options: Any) -> None:  # Any: as Django takes them
        super().__init__(**{"blank": True, "default": "", "editable": False, **options})
        self.of = of

    def deconstruct(self) -> Any:
        """How a migration makes it again."""
        name, path, arguments, options = super().deconstruct()
        return name, path, arguments, {**options, "of": self.of}

    def pre_save(self, model_instance: Model, add: bool) -> str:  # noqa: FBT001 - Django calls it with a boolean by position
        """The words of the other column as it is written now."""
        del add
        words = words_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, words)
        return words


def words_of(text: str) -> str:
    """What such a column holds of a text: each folded word behind a space."""
    words = search_text(text)
    return f" {words}" if words else ""


def words_begin(column: str, text: str) -> Q:
    """The rows in which every word of a text begins a word of such a column.

    Args:
        column: its name.
        text: what a person typed; without any word in it, it is in no row.
    """
    wanted = query_terms(text)[:_MOST_WORDS]
    if not wanted:
        return Q(pk__in=())
    condition = Q()
    for word in wanted:
        condition &= Q(**{f"{column}__contains": f" {word}"})
    return condition


def has_words(found: QuerySet[Any, Any], text: str, *columns: str) -> Q:
    """The rows in which every word of a text begins a word of some columns, whatever its accents, case or article.

    A database folds no Arabic, and SQLite knows the small letters of ASCII alone: so the keys and these columns of all
    rows are read and matched here. That is for lists of some thousands of rows; a longer one keeps a column
    :class:`WordsOf`.

    Args:
        found: the rows to look among, already narrowed by all else, so that fewer are read.
        text: what a person typed; without any word in it, it is in no row.
        columns: names of columns that hold text, or texts by language.

    Returns:
        A condition for the same queryset, which may be joined with others and leaves order and pages as they are. The
        keys that match stand in it as one parameter, however many they are: databases bound the number of parameters.
    """
    if not query_terms(text):
        return Q(pk__in=())
    rows = found.order_by().prefetch_related(None).values_list("pk", *columns)
    matches = words_matcher(text)
    return _among(found, [key for key, *values in rows.iterator() if matches(_texts(values))])


def _texts(values: Iterable[Any]) -> Iterable[str]:
    # Any: what columns hold
    for value in values:
        if isinstance(value, dict):
            yield from value.values()
        else:
            yield value


def _among(found: QuerySet[Any, Any], keys: list[Any]) -> Q:
    # Any: keys of whatever model
    field = found.model._meta.pk  # noqa: SLF001 - Django documents _meta for this
    written = [field.get_db_prep_value(key, connection) for key in keys]
    if connection.vendor == "postgresql":
        kept = RawSQL(f"SELECT unnest(%s::{field.db_type(connection)}[])", (written,))  # noqa: S611 - what is put in is a column type's name, no input
    else:
        kept = RawSQL("SELECT value FROM json_each(%s)", (json.dumps(written),))
    return Q(pk__in=kept)
