"""Lists by pages, keyset underneath: a page costs the same wherever it is, and nothing is counted."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q
from django.utils.timezone import is_aware
from django.utils.translation import gettext as _

from taawun.foundation.strict_json import JsonRefused, Limits, canonical, parse
from taawun.platform.web.questions import Question, given

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from django.db.models import QuerySet

__all__ = [
    "MAX_LIMIT",
    "BadCursor",
    "Page",
    "WrittenPages",
    "batches",
    "mark",
    "page",
    "page_of",
    "reversed_order",
]

MAX_LIMIT = 1000
_LIMITS = Limits(max_bytes=4096, max_depth=2, max_string=1024)
_FORMS: Final = 128
_AT_ONCE: Final = 500

F = TypeVar("F", bound="Hashable")
R = TypeVar("R")


class BadCursor(ValueError):
    """An ``after`` that this list did not give out."""

    code = "bad-cursor"

    def __init__(self) -> None:
        super().__init__(
            _(
                "“after” is not a mark that this list gave. Begin again without it, or use the last answer's “next”."
            )
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a list.

    Args:
        items: the rows, in the order that was asked for.
        next: what to pass as ``after`` for the following page; None on the last one.
        previous: what to pass as ``before`` for the page before; None on the first one.
    """

    items: list[R]
    next: str | None
    previous: str | None = None


def page(  # noqa: PLR0913 - each by its name
    queryset: QuerySet[Any, R],
    *,
    order: tuple[str, ...],
    after: str | None,
    limit: int,
    before: str | None = None,
    sooner: Callable[[Any], Iterable[QuerySet[Any, R]]] | None = None,
) -> Page[R]:
    """One page of a queryset.

    Args:
        queryset: what the reader may see, filtered; its own order is replaced. Its rows are objects, or named tuples
            with all that orders them.
        order: field names, each with ``-`` for descending; never-null columns, the last one unique. A name may
            reach over a relation (``release__published``), which should then be in ``select_related``.
        after: the ``next`` of the page before; None or empty for the first page.
        limit: rows on the page, 1 to 1000.
        before: the ``previous`` of the page behind; it is read in the reversed order, so an index serves it as well.
            Where fewer rows than a page stand before it, the first page is given whole.
        sooner: the first rows of the queryset in the same order, where these are found at less cost, and then more of
            the first: of all of them for None, else of those behind the row whose last column has this value. When
            they fill the page, nobody asks for the others.

    Returns:
        The page. It reads one row more than it shows, to know whether there is a following one.

    Raises:
        BadCursor: ``after`` or ``before`` was not given out by this list.
        ValueError: the limit is out of bounds.
    """
    _check(limit)
    if before:
        behind_it = _behind(reversed_order(order), mark(before, queryset.model, order))
        earlier = list(queryset.filter(behind_it).order_by(*reversed_order(order))[: limit + 1])
        if len(earlier) > limit:
            items = earlier[limit - 1 :: -1]
            return Page(items, _encode(items[-1], order), _encode(items[0], order))
        after = None
    every = queryset.order_by(*order)
    given_out = mark(after, queryset.model, order)
    behind = _behind(order, given_out) if given_out else Q()
    first = sooner(given_out[-1] if given_out else None) if sooner else ()
    found: list[R] = []
    for rows in chain(first, [every]):
        found = list(rows.filter(behind).order_by(*order)[: limit + 1])
        if len(found) > limit:
            break
    return _cut(found, order, limit, is_first=not given_out)


def batches(queryset: QuerySet[Any, R], *, order: tuple[str, ...]) -> Iterator[list[R]]:
    """All rows of a queryset, so many at once that a long file is made in little memory and few questions.

    It asks by keyset, as pages do, and not by a cursor: what is asked about the rows of each batch may be asked between
    two of them, and rows that are written meanwhile shift nothing.

    Args:
        queryset: as :func:`page` takes it.
        order: as above.
    """
    after: str | None = ""
    while after is not None:
        found = page(queryset, order=order, after=after, limit=_AT_ONCE)
        yield found.items
        after = found.next


def page_of(
    rows: Sequence[R], *, order: tuple[str, ...], after: str | None, before: str | None, limit: int
) -> Page[R]:
    """One page of a short list that is in memory, told as :func:`page` tells it.

    Args:
        rows: all of them, in any order.
        order: names of attributes, as above.
        after: as above.
        before: as above.
        limit: as above.

    Raises:
        BadCursor: ``after`` or ``before`` is of no row that is there.
        ValueError: the limit is out of bounds.
    """
    _check(limit)
    ordered = list(rows)
    for name in reversed(order):
        ordered.sort(key=partial(_value, path=name.removeprefix("-")), reverse=name.startswith("-"))
    begin = 0
    if given := before or after:
        marks = [_encode(row, order) for row in ordered]
        if given not in marks:
            raise BadCursor
        at = marks.index(given)
        begin = max(0, at - limit) if before else at + 1
    return _cut(ordered[begin : begin + limit + 1], order, limit, is_first=begin == 0)


def reversed_order(order: tuple[str, ...]) -> tuple[str, ...]:
    """The same order from its end."""
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)


class WrittenPages(Generic[F, R]):
    """Pages of a list that programs ask for again and again; how it asks the database is written down once a form.

    To write a list down takes Django as long as all else that is done for a page of it.

    Args:
        model: whose rows they are.
        write: gives the queryset of a form: filtered, its rows by :meth:`~django.db.models.QuerySet.values_list`, with
            :func:`~taawun.platform.web.questions.given` where a value is told with each asking. What it gives hangs on
            the form alone: not on what is held, nor on the hour.
        into: makes a row of its values, with a name for each that orders the list.
    """

    def __init__(
        self, model: type[Model], write: Callable[[F], QuerySet[Any, Any]], into: Callable[..., R]
    ) -> None:
        self._model = model
        self._write = write
        self._into = into
        self._question = lru_cache(maxsize=_FORMS)(self._new_question)

    def page(
        self,
        forms: Sequence[F],
        *,
        order: tuple[str, ...],
        after: str | None,
        limit: int,
        **values: object,
    ) -> Page[R]:
        """One page, as :func:`page` gives it.

        Args:
            forms: what is asked for; of several the next is asked only where the one before does not fill the page.
            order: as above.
            after: as above.
            limit: as above.
            values: what is given, by its name.

        Raises:
            BadCursor: ``after`` was not given out by this list.
            ValueError: the limit is out of bounds.
        """
        _check(limit)
        behind = mark(after, self._model, order)
        values |= {f"behind{number}": value for number, value in enumerate(behind)}
        found: list[R] = []
        for form in forms:
            if len(found) <= limit:
                rows = self._question(form, order, limit, is_behind=bool(behind)).ask(**values)
                found = [self._into(*row) for row in rows]
        return _cut(found, order, limit)

    def _new_question(self, form: F, order: tuple[str, ...], limit: int, *, is_behind: bool) -> Question:
        def write() -> QuerySet[Any, Any]:
            rows = self._write(form).order_by(*order)
            if is_behind:
                fields = [_field(self._model, name.removeprefix("-")) for name in order]
                behind = [given(f"behind{number}", field) for number, field in enumerate(fields)]
                rows = rows.filter(_behind(order, behind))
            return rows[: limit + 1]

        return Question(write)


def _check(limit: int) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(_("A page has 1 to %(most)d rows.") % {"most": MAX_LIMIT})


def _cut(found: list[R], order: tuple[str, ...], limit: int, *, is_first: bool = True) -> Page[R]:
    items = found[:limit]
    return Page(
        items,
        _encode(items[-1], order) if len(found) > limit else None,
        _encode(items[0], order) if items and not is_first else None,
    )


def _behind(order: tuple[str, ...], values: list[Any]) -> Q:
    """Rows behind these values: (a > x) or (a = x and b > y) or …, with a >= x outside for the index."""
    names = [name.removeprefix("-") for name in order]
    comparisons = ["lt" if name.startswith("-") else "gt" for name in order]
    either = Q()
    for depth, (name, comparison) in enumerate(zip(names, comparisons, strict=True)):
        level = Q(**{f"{name}__{comparison}": values[depth]})
        for before in range(depth):
            level &= Q(**{names[before]: values[before]})
        either |= level
    return Q(**{f"{names[0]}__{comparisons[0]}e": values[0]}) & either


def _encode(row: object, order: tuple[str, ...]) -> str:
    values = [_plain(_value(row, name.removeprefix("-"))) for name in order]
    return _packed(canonical([list(order), values]))


def _packed(document: bytes) -> str:
    return base64.urlsafe_b64encode(document).rstrip(b"=").decode("ascii")


def _value(row: object, path: str) -> Any:
    # a column's value is of any type until _plain has looked at it
    found: Any = row
    for name in path.split("__"):
        found = getattr(found, name)
    return found


def _plain(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise TypeError(f"a list cannot be ordered by {value!r}")


def mark(after: str | None, model: type[Model], order: tuple[str, ...]) -> list[Any]:
    """The values behind which a page begins, in the order of the columns; none for the first page.

    Raises:
        BadCursor: ``after`` was not given out by this list.
    """
    if not after:
        return []
    try:
        document = base64.urlsafe_b64decode(after.encode("ascii") + b"=" * (-len(after) % 4))
        given = parse(document, _LIMITS)
    except (UnicodeEncodeError, binascii.Error, JsonRefused):
        raise BadCursor from None
    # a mark has one spelling, and belongs to one order: what was changed by hand mostly fails here
    if not isinstance(given, list) or len(given) != 2 or given[0] != list(order):  # noqa: PLR2004 - order, values
        raise BadCursor
    values = given[1]
    if not isinstance(values, list) or len(values) != len(order) or _packed(canonical(given)) != after:
        raise BadCursor
    return [_typed(model, name.removeprefix("-"), value) for name, value in zip(order, values, strict=True)]


def _typed(model: type[Model], path: str, value: Any) -> Any:
    field = _field(model, path)
    try:
        typed = field.to_python(value)
    except (ValidationError, TypeError, OverflowError):
        raise BadCursor from None
    if typed is None or _plain(typed) != value or (isinstance(typed, datetime) and not is_aware(typed)):
        raise BadCursor
    return typed


def _field(model: type[Model], path: str) -> Field[Any, Any]:
    *relations, name = path.split("__")
    for relation in relations:
        related = model._meta.get_field(relation).related_model  # noqa: SLF001 - Django documents _meta
        if not isinstance(related, type):
            raise TypeError(f"{path} does not lead from {model.__name__} to a column")
        model = related
    field = model._meta.get_field(name)  # noqa: SLF001 - Django documents _meta
    if not isinstance(field, Field):
        raise TypeError(f"{name} of {model.__name__} is no column")
    return field
