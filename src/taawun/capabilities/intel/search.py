"""Finding objects by words: one question, two databases.

Both look in the same column of folded words (:func:`taawun.foundation.folding.search_text`), because neither
folds Arabic letter forms, diacritics or the article by itself. Every word of the question must begin a word of the
object. The indexes are made by migration 0002. Imports, which are few beside objects, are found without one.
"""

from __future__ import annotations

import re
from functools import lru_cache, reduce
from itertools import chain
from operator import and_
from typing import TYPE_CHECKING, Final, TypeAlias

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, TextField
from django.db.models.expressions import RawSQL

from taawun.foundation.folding import query_terms, search_text
from taawun.platform.web.matching import has_words
from taawun.platform.web.questions import place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet

    from taawun.capabilities.intel.models import Import

__all__ = [
    "given_word",
    "imports_like",
    "index_words",
    "is_identifier",
    "is_newest_cheaper",
    "matching",
    "newest_matching",
    "values_of",
    "with_beginnings",
    "with_words",
    "words_begin",
    "words_of",
]

_MOST_WORDS: Final = 12
# longer than a SHA-512; PostgreSQL refuses a row for a word beyond 2,046 bytes
_LONGEST_WORD: Final = 128
_LONGEST_REMEMBERED: Final = 200
_MOST_INDEXED: Final = 20_000
_STIX_ID: Final = re.compile(
    r"[a-z0-9-]{1,250}--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)

# The column holds words that are folded and parted by spaces, so the plainest tokenizer is the right one; and nobody
# asks where in the column a word stands. A question is made of beginnings of words: where short ones stand, which begin
# many, the index knows by itself.
SQLITE_TRIGGERS = (
    """\
CREATE TRIGGER intel_object_words_added AFTER INSERT ON intel_stixobject BEGIN
    INSERT INTO intel_object_words(rowid, search) VALUES (new.id, new.search);
END
""",
    """\
CREATE TRIGGER intel_object_words_removed AFTER DELETE ON intel_stixobject BEGIN
    INSERT INTO intel_object_words(intel_object_words, rowid, search) VALUES ('delete', old.id, old.search);
END
""",
    """\
CREATE TRIGGER intel_object_words_changed AFTER UPDATE OF search ON intel_stixobject BEGIN
    INSERT INTO intel_object_words(intel_object_words, rowid, search) VALUES ('delete', old.id, old.search);
    INSERT INTO intel_object_words(rowid, search) VALUES (new.id, new.search);
END
""",
)
SQLITE_INDEX = (
    """\
CREATE VIRTUAL TABLE intel_object_words USING fts5(
    search, content='intel_stixobject', content_rowid='id', tokenize='ascii', detail=none, columnsize=0,
    prefix='1 2 3 4 5 6 7 8 9 10')
""",
    *SQLITE_TRIGGERS,
)
SQLITE_INDEX_GONE = (
    "DROP TRIGGER intel_object_words_added",
    "DROP TRIGGER intel_object_words_removed",
    "DROP TRIGGER intel_object_words_changed",
    "DROP TABLE intel_object_words",
)
# words are ours, so they become lexemes as they are, past PostgreSQL's own parser and stemmers
POSTGRESQL_VECTOR = "array_to_tsvector(string_to_array(search, ' '))"
POSTGRESQL_INDEX = (f"CREATE INDEX intel_object_words ON intel_stixobject USING gin ({POSTGRESQL_VECTOR})",)
POSTGRESQL_INDEX_GONE = ("DROP INDEX intel_object_words",)


def index_words(text: str) -> str:
    """The words by which a text is found, folded, each once; of a very long text or word the beginning."""
    words = text[:_MOST_INDEXED].split()
    if max(map(len, words), default=0) > _LONGEST_REMEMBERED:
        return " ".join(_cut(search_text(" ".join(words))))
    return " ".join(dict.fromkeys(chain.from_iterable(map(_folded, words))))


@lru_cache(maxsize=2**15)
def _folded(word: str) -> tuple[str, ...]:
    """What one written word is found by. Folding is the dearest step of an import, and most words come again."""
    return _cut(search_text(word))


def _cut(folded: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word[:_LONGEST_WORD] for word in folded.split()))


def is_identifier(question: str) -> bool:
    """Whether a question is a STIX identifier and nothing else."""
    return _STIX_ID.fullmatch(question.strip()) is not None


def matching(question: str) -> Q:
    """A condition on objects: every word of the question begins a word of the object, or it is the object's identifier.

    Args:
        question: what a person typed; beyond twelve words it is cut.

    Returns:
        A condition; an empty question matches everything, one without a letter or digit nothing.
    """
    if is_identifier(question):
        return Q(stix_id=question.strip())
    words = words_of(question)
    if words is None:
        return Q(pk__in=[])
    return with_words(len(words), values_of(words).__getitem__)


def newest_matching(question: str, most: int, below: int | None = None) -> Q | None:
    """The same, looking only among so many of the newest that match.

    Args:
        question: as above.
        most: how many.
        below: of those whose key is less than this one.

    Returns:
        A condition; None where that would be no cheaper than to look among all.
    """
    words = None if is_identifier(question) else words_of(question)
    if not words or not is_newest_cheaper():
        return None
    return with_words(len(words), values_of(words).__getitem__, most, below)


def is_newest_cheaper() -> bool:
    """Whether to look for words among the newest that match costs less than to look among all.

    PostgreSQL chooses by itself whether it looks among the newest or in the index.
    """
    return connection.vendor == "sqlite"


def words_begin(question: str) -> Q:
    """The same on a table without an index over its folded words, which are few enough to be read through."""
    words = words_of(question)
    return Q(pk__in=[]) if words is None else with_beginnings(len(words), values_of(words).__getitem__)


# ---- conditions that are written down once ----------------------------------------------------------------------

Told: TypeAlias = "Callable[[str], object]"


def words_of(question: str) -> list[str] | None:
    """The folded words of a question, those first of which there are likely fewer.

    These are the longer ones, and of the same length what was typed later, to narrow what came before: most rows are
    then passed over after one look.

    Args:
        question: what a person typed; beyond twelve words it is cut.

    Returns:
        Them; None where it has something, but no letter or digit: nothing answers that.
    """
    words = [word[:_LONGEST_WORD] for word in query_terms(question)[:_MOST_WORDS]]
    words.reverse()
    words.sort(key=len, reverse=True)
    return words if words or not question.strip() else None


def values_of(words: Sequence[str]) -> dict[str, str]:
    """What the conditions on so many words are told, by its name."""
    values: dict[str, str] = {}
    for number, word in enumerate(words):
        letters = connection.ops.prep_for_like_query(word)
        values |= {
            f"with{number}": f"%{letters}%",
            f"begins{number}": f"{letters}%",
            f"later{number}": f"% {letters}%",
        }
    if connection.vendor == "postgresql":
        # letters and digits in quotes: a cast takes them as they are, where to_tsquery would cut them up again
        return values | {"words": " & ".join(f"'{word}':*" for word in words)}
    return values | {"words": " ".join(f'"{word}"*' for word in words)}


def given_word(name: str) -> object:
    """A value of the above that is told with each asking."""
    return place(name, TextField())


def with_words(count: int, told: Told, newest: int | None = None, below: object = None) -> Q:
    """A condition on objects: words begin with each of these.

    Args:
        count: how many words; none match everything.
        told: gives a value of :func:`values_of` by its name, or :func:`given_word`.
        newest: to look only among so many of the newest that match.
        below: of those whose key is less than this one, where it is told.
    """
    if not count:
        return Q()
    if connection.vendor == "postgresql":
        # where it walks the newest, most rows have no such letters: to see that costs less than to make their words
        has_letters = reduce(and_, (Q(_like(told(f"with{number}"))) for number in range(count)))
        return has_letters & Q(_Matches(_Words(F("search")), _told(told("words"))))
    found, parameters = (
        "SELECT rowid FROM intel_object_words WHERE intel_object_words MATCH %s",
        [told("words")],
    )
    if below is not None:
        found, parameters = f"{found} AND rowid < %s", [*parameters, below]
    if newest is not None:
        found, parameters = f"{found} ORDER BY 1 DESC LIMIT %s", [*parameters, newest]
    return Q(id__in=RawSQL(found, parameters))  # noqa: S611 - of this module; the question is a parameter


def with_beginnings(count: int, told: Told) -> Q:
    """The same on a table without an index over its words."""
    condition = Q()
    for number in range(count):
        condition &= Q(_like(told(f"begins{number}"))) | Q(_like(told(f"later{number}")))
    return condition


def _like(pattern: object) -> _Like:
    return _Like(F("search"), _told(pattern))


def _told(value: object) -> RawSQL:
    return RawSQL("%s", (value,), TextField())


def imports_like(found: QuerySet[Import], text: str, state: str) -> QuerySet[Import]:
    """Those among some imports that are called so, in their order.

    Args:
        found: what the reader may see.
        text: words of a name, or a part of one, for most are names of files; empty for all.
        state: a value of ``Import.State``; empty for any.
    """
    found = found.filter(state=state) if state else found
    return found.filter(has_words(found, text, "name") | Q(name__icontains=text)) if text else found


class _Like(Func):
    """Whether the column has a pattern, in which a backslash stands before what is meant as it is."""

    template = "(%(expressions)s ESCAPE '\\')"
    arg_joiner = " LIKE "
    output_field = BooleanField()


class _Words(Func):
    """The column's words, written as the index has them."""

    template = POSTGRESQL_VECTOR.replace("search", "%(expressions)s")
    output_field = TextField()


class _Matches(Func):
    """Whether words match a question; asked of each row, so that PostgreSQL may begin with the newest."""

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    output_field = BooleanField()
