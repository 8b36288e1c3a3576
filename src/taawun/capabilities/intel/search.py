"""Finding objects by words: one question, two databases.

Both look in the same column of folded words (:func:`taawun.foundation.folding.search_text`), because neither
folds Arabic letter forms, diacritics or the article by itself. Every word of the question must begin a word of the
object. The indexes are made by migration 0002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from taawun.foundation.folding import query_terms

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["matching"]

MOST_WORDS = 12

SQLITE_INDEX = """
CREATE VIRTUAL TABLE intel_object_words USING fts5(
    search, content='intel_stixobject', content_rowid='id', tokenize='unicode61 remove_diacritics 0');
CREATE TRIGGER intel_object_words_added AFTER INSERT ON intel_stixobject BEGIN
    INSERT INTO intel_object_words(rowid, search) VALUES (new.id, new.search);
END;
CREATE TRIGGER intel_object_words_removed AFTER DELETE ON intel_stixobject BEGIN
    INSERT INTO intel_object_words(intel_object_words, rowid, search) VALUES ('delete', old.id, old.search);
END;
CREATE TRIGGER intel_object_words_changed AFTER UPDATE OF search ON intel_stixobject BEGIN
    INSERT INTO intel_object_words(intel_object_words, rowid, search) VALUES ('delete', old.id, old.search);
    INSERT INTO intel_object_words(rowid, search) VALUES (new.id, new.search);
END;
"""
SQLITE_INDEX_GONE = """
DROP TRIGGER intel_object_words_added;
DROP TRIGGER intel_object_words_removed;
DROP TRIGGER intel_object_words_changed;
DROP TABLE intel_object_words;
"""
# words are ours, so they become lexemes as they are, past PostgreSQL's own parser and stemmers
POSTGRESQL_VECTOR = "array_to_tsvector(string_to_array(search, ' '))"
POSTGRESQL_INDEX = f"CREATE INDEX intel_object_words ON intel_stixobject USING gin ({POSTGRESQL_VECTOR})"
POSTGRESQL_INDEX_GONE = "DROP INDEX intel_object_words"


def matching(question: str) -> Q:
    """A condition on objects: every word of the question begins a word of the object.

    Args:
        question: what a person typed; beyond twelve words it is cut.

    Returns:
        A condition; an empty question matches everything, one without a letter or digit nothing.
    """
    if not question.strip():
        return Q()
    words = query_terms(question)[:MOST_WORDS]
    if not words:
        return Q(pk__in=[])
    return _on_postgresql(words) if connection.vendor == "postgresql" else _on_sqlite(words)


def _on_sqlite(words: Sequence[str]) -> Q:
    asked = " ".join(f'"{word}"*' for word in words)
    found = RawSQL("SELECT rowid FROM intel_object_words WHERE intel_object_words MATCH %s", [asked])  # noqa: S611 - the question is a parameter
    return Q(id__in=found)


def _on_postgresql(words: Sequence[str]) -> Q:
    asked = " & ".join(f"'{word}':*" for word in words)
    found = RawSQL(  # noqa: S611 - the question is a parameter; the expression is the constant of the index
        f"SELECT id FROM intel_stixobject WHERE {POSTGRESQL_VECTOR} @@ to_tsquery('simple', %s)",  # noqa: S608
        [asked],
    )
    return Q(id__in=found)
