"""Searching a short list of the database by words, folded as every search of this node folds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from taawun.foundation.folding import query_terms, words_matcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

__all__ = ["has_words"]


def has_words(found: QuerySet[Any, Any], text: str, *columns: str) -> Q:
    """The rows in which every word of a text begins a word of some columns, whatever its accents, case or article.

    A database folds no Arabic, and SQLite knows the small letters of ASCII alone: so the keys and these columns of all
    rows are read and matched here. That is for lists of some thousands of rows; a longer one keeps a column of
    :func:`~taawun.foundation.folding.search_text`.

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
    field = found.model._meta.pk  # noqa: SLF001 - Django documents _meta
    written = [field.get_db_prep_value(key, connection) for key in keys]
    if connection.vendor == "postgresql":
        kept = RawSQL(f"SELECT unnest(%s::{field.db_type(connection)}[])", (written,))  # noqa: S611 - a type's name
    else:
        kept = RawSQL("SELECT value FROM json_each(%s)", (json.dumps(written),))
    return Q(pk__in=kept)
