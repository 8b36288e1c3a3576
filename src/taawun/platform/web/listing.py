"""Lists of a room: searched, filtered, sorted, turned over, chosen from and saved, each in the same way.

A room says in a :class:`Table` what its list is; its view hands :func:`show` where the rows come from, and its template
draws a cell for each column between ``{% listing %}`` and ``{% endlisting %}``. All that a reader asks of the list
stands in its address: ``q`` and the filters, ``sort``, ``after`` and ``before``, ``format`` with ``chosen``.

Which columns a reader sees is the one thing that is remembered: in a cookie of the list, for it holds for this browser
and for a year, outlives the session, and is nothing that the database should write for. It is not signed: it holds
names of columns, of which those that the list does not have are passed over, and opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.formats import digits, number
from taawun.platform.web.forms import address, understood
from taawun.platform.web.paging import BadCursor, Page, page, page_of, reversed_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from django.db.models import Model, QuerySet
    from django.forms import Form
    from django.http import HttpRequest, HttpResponseBase
    from django.utils.functional import _StrOrPromise

__all__ = [
    "Act",
    "Column",
    "Empty",
    "Held",
    "Listing",
    "Outcome",
    "Source",
    "Stored",
    "Table",
    "act_on_each",
    "show",
]

T = TypeVar("T")
M = TypeVar("M", bound="Model")

_YEAR = 365 * 24 * 3600
# refusals are told one by one; more than these nobody reads in one message
_MOST_TOLD = 5


# ---- what a list is ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Args:
        name: by which the template draws its cells, and the reader's choice is remembered.
        label: its head, and what introduces its cells on a phone.
        sort: the order that its head asks for first: ``title``, or ``-changed`` for the newest first; empty for none.
        is_number: whether it stands at the end edge.
        is_shown: whether it is shown before the reader chose.
        is_silent: whether its head is for screen readers alone, and the reader has no choice: links to do something.
    """

    name: str
    label: _StrOrPromise
    sort: str = ""
    is_number: bool = False
    is_shown: bool = True
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands in the place of a list without rows.

    Args:
        title: what is missing.
        why: why that is, or why it matters.
        links: words and address of what to do first, the first of them above the others.
    """

    title: _StrOrPromise
    why: _StrOrPromise
    links: Sequence[tuple[_StrOrPromise, str]] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """Something that may be done with the rows that the reader chose; their keys come as ``chosen``.

    Args:
        label: names the effect; an ellipsis means that a question or a form follows.
        url: where it leads.
        posts: whether it is done at once; otherwise a page is asked for.
        icon: its icon.
        name: and ``value``: what is sent besides, for one address that knows several acts.
        value: see there.
    """

    label: _StrOrPromise
    url: str = ""
    posts: bool = False
    icon: str = ""
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """What a list is, whoever looks at it.

    Args:
        name: unique in the node; its files and its cookie are called by it.
        caption: what it lists.
        columns: the first names the row: it is drawn as its head and cannot be left out.
        orders: by the names that the address knows, each ascending and as :func:`taawun.platform.web.paging.page` takes
            it. Each is one that an index serves, or the list is short.
        sort: the order of who asks for none, as ``-changed``.
        unfit: said where nothing fits what is searched for.
        saved: columns of its CSV file; empty for a list that is not saved as a file.
        key: name of the column that tells a row from others; ``chosen`` holds its values.
        limit: rows on a page.
        flat: makes a row of the CSV file of one of the JSON file; of a list a cell holds the parts with blanks between.
    """

    name: str
    caption: _StrOrPromise
    columns: tuple[Column, ...]
    orders: Mapping[str, tuple[str, ...]]
    sort: str
    unfit: Empty
    saved: tuple[str, ...] = ()
    key: str = "id"
    limit: int = 50
    # Any: JSON values of a row
    flat: Callable[[dict[str, Any]], dict[str, Any]] | None = None


# ---- where the rows come from -----------------------------------------------------------------------------------
class Source(Protocol[T]):
    """The rows that a reader may see and asks for."""

    def page(self, order: tuple[str, ...], after: str | None, before: str | None, limit: int) -> Page[T]:
        """One page of them; see :func:`taawun.platform.web.paging.page`."""
        ...

    def all(self) -> Any:  # whatever the list saves its rows of
        """All of them, to be saved as a file."""
        ...

    def among(self, key: str, values: Sequence[str]) -> Any:  # the same
        """Those whose key is among these values."""
        ...


@dataclass(frozen=True, slots=True)
class Stored(Generic[M]):
    """Rows of the database.

    Args:
        rows: what the reader may see, filtered.
        common: what all of these have in common, as names of columns. It stands before every order, changes none, and
            says that an index holds it.
        sooner: finds the first of them in the order of who asks for none, where that costs less; see
            :func:`taawun.platform.web.paging.page`.
    """

    rows: QuerySet[M]
    common: tuple[str, ...] = ()
    # Any: a value of the last column
    sooner: Callable[[Any], Iterable[QuerySet[M]]] | None = None

    def page(self, order: tuple[str, ...], after: str | None, before: str | None, limit: int) -> Page[M]:
        """One page, by keyset."""
        names = {name.removeprefix("-") for name in order}
        whole = (*(name for name in self.common if name not in names), *order)
        return page(self.rows, order=whole, after=after, before=before, limit=limit, sooner=self.sooner)

    def all(self) -> QuerySet[M]:
        """All rows."""
        return self.rows

    def among(self, key: str, values: Sequence[str]) -> QuerySet[M]:
        """Those that were chosen; what is no key of this list is passed over."""
        column = self.rows.model._meta.get_field(key)  # noqa: SLF001 - Django documents _meta
        known = []
        for value in values:
            if "\0" in value:  # no key holds it, and PostgreSQL cannot be asked for it
                continue
            try:
                known.append(column.to_python(value))  # type: ignore[union-attr]  # a key is no relation
            except ValidationError:
                continue
        return self.rows.filter(**{f"{key}__in": known})


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """Rows of a short list that is in memory."""

    rows: Sequence[T]

    def page(self, order: tuple[str, ...], after: str | None, before: str | None, limit: int) -> Page[T]:
        """One page of them."""
        return page_of(self.rows, order=order, after=after, before=before, limit=limit)

    def all(self) -> Sequence[T]:
        """All rows."""
        return self.rows

    def among(self, key: str, values: Sequence[str]) -> Sequence[T]:
        """Those that were chosen."""
        return [row for row in self.rows if str(getattr(row, key)) in values]


# ---- showing it -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column as it is drawn.

    Args:
        column: of which.
        url: of the list in the order of this column; empty where it orders nothing.
        sorted: ``ascending`` or ``descending`` where the list is in its order now, else empty.
    """

    column: Column
    url: str
    sorted: str


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list as one reader sees it now; what ``{% listing %}`` draws."""

    table: Table
    form: Form | None
    path: str
    page: Page[T]
    rows: Sequence[tuple[str, Any]]  # key of each row, and whatever the room draws a row of
    heads: Sequence[Head]
    choice: Sequence[tuple[Column, bool]]  # what may be left out, and whether it is shown
    acts: Sequence[Act]
    is_filtered: bool
    empty: Empty
    asked: Mapping[str, str]  # what else the address asks for, for forms that keep it
    links: Mapping[str, str]

    @property
    def count(self) -> str:
        """What can be said of how many there are without counting them."""
        shown = len(self.rows)
        told = {"shown": number(shown)}
        if self.page.next or self.page.previous:
            return ngettext("%(shown)s on this page", "%(shown)s on this page", shown) % told
        return ngettext("%(shown)s in all", "%(shown)s in all", shown) % told

    @property
    def digits(self) -> str:
        """The reader's ten digits, for the count of what is chosen."""
        return digits("0123456789")


def show(  # noqa: PLR0913 - each by its name: a list is these things
    request: HttpRequest,
    table: Table,
    template: str,
    *,
    form: Form | None,
    find: Callable[[Mapping[str, Any]], Source[T]],
    draw: Callable[[list[T]], Sequence[Any]] = list,
    save: Callable[[Any], Iterable[dict[str, Any]]] | None = None,
    acts: Sequence[Act] = (),
    empty: Empty | None = None,
    without: Collection[str] = (),
    context: Mapping[str, object] | None = None,
    status: int = 200,
) -> HttpResponseBase:
    """A page of a list, a file of it, or the address that it should be asked for at.

    Args:
        request: of the reader.
        table: the list.
        template: extends the page; holds ``{% listing %}``.
        form: search and filters, bound to ``request.GET``; None for a list without.
        find: finds the rows for what the form found in the address, as :func:`taawun.platform.web.forms.understood`
            tells it.
        draw: makes of the page's rows what the template draws, in their order; it asks the database for all of them
            at once.
        save: makes of the source's rows the objects of the JSON file, one after the other.
        acts: what this reader may do with chosen rows; saving them is always among it.
        empty: what stands there before there is any row; ``table.unfit`` where there always is one.
        without: columns that this reader has not.
        context: what else the template needs.
        status: of the page, where a form beside the list was refused.
    """
    asked = request.GET
    wanted = understood(form) if form is not None else {}
    if "columns" in asked:
        return _remember(request, table, asked.getlist("columns"))
    source = find(wanted)
    if save is not None and asked.get("format") in {"csv", "json"}:
        if form is not None and form.errors:
            # a page says what narrows it and a file does not: it would hold more than whoever asked for it believes
            return HttpResponseRedirect(address(asked))
        chosen = asked.getlist("chosen")
        return _saved(
            table, asked["format"], save(source.among(table.key, chosen) if chosen else source.all())
        )
    sort = _sort(table, asked.get("sort", ""))
    after, before = asked.get("after"), asked.get("before")
    try:
        found = source.page(_order(table, sort), after, before, table.limit)
    except BadCursor:
        found = Page([], None)
    if not found.items and (after or before):
        # a mark that this list did not give, or behind which nothing is left: it begins again
        begin = address(asked)
        return HttpResponseRedirect(begin if begin != "?" else request.path)
    columns = [column for column in table.columns if column.name not in without]
    shown = _shown(request, table, columns)
    rows = draw(found.items)
    listing = Listing(
        table=table,
        form=form,
        path=request.path,
        page=found,
        rows=[(str(getattr(item, table.key)), row) for item, row in zip(found.items, rows, strict=True)],
        heads=[_head(asked, table, column, sort) for column in columns if column.name in shown],
        choice=[(column, column.name in shown) for column in columns[1:] if not column.is_silent],
        acts=(*acts, *_saving(is_saved=save is not None)),
        is_filtered=any(wanted.values()),
        empty=empty or table.unfit,
        asked={name: asked[name] for name in asked.keys() - {"chosen", "columns", "format"}},
        links={
            "begin": address(asked),
            "clear": address(type(asked)(mutable=True), sort=asked.get("sort", "")),
            "previous": address(asked, before=found.previous) if found.previous else "",
            "next": address(asked, after=found.next) if found.next else "",
            **({name: address(asked, format=name) for name in ("csv", "json")} if save is not None else {}),
        },
    )
    return render(request, template, {**(context or {}), "listing": listing}, status=status)


def _saving(*, is_saved: bool) -> tuple[Act, ...]:
    if not is_saved:
        return ()
    return (
        Act(_("Save as CSV"), icon="download", name="format", value="csv"),
        Act(_("Save as JSON"), icon="download", name="format", value="json"),
    )


def _saved(table: Table, ending: str, rows: Iterable[dict[str, Any]]) -> HttpResponseBase:
    if ending == "json":
        return as_json(table.name, rows)
    flat = rows if table.flat is None else map(table.flat, rows)
    return as_csv(table.name, table.saved, ([_cell(row[name]) for name in table.saved] for row in flat))


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value


# ---- orders -----------------------------------------------------------------------------------------------------
def _sort(table: Table, asked: str) -> str:
    """The order that is asked for; that of who asks for none where this list has no such order."""
    return asked if asked.removeprefix("-") in table.orders else table.sort


def _order(table: Table, sort: str) -> tuple[str, ...]:
    order = table.orders[sort.removeprefix("-")]
    return reversed_order(order) if sort.startswith("-") else order


def _head(asked: Any, table: Table, column: Column, sort: str) -> Head:  # a QueryDict
    if not column.sort:
        return Head(column, "", "")
    if column.sort.removeprefix("-") != sort.removeprefix("-"):
        return Head(column, address(asked, sort="" if column.sort == table.sort else column.sort), "")
    other = sort[1:] if sort.startswith("-") else f"-{sort}"
    url = address(asked, sort="" if other == table.sort else other)
    return Head(column, url, "descending" if sort.startswith("-") else "ascending")


# ---- which columns ----------------------------------------------------------------------------------------------
def _cookie(table: Table) -> str:
    return f"taawun-columns-{table.name}"


def _shown(request: HttpRequest, table: Table, columns: Sequence[Column]) -> set[str]:
    kept = request.COOKIES.get(_cookie(table))
    chosen = None if kept is None else set(kept.split("."))
    return {
        column.name
        for at, column in enumerate(columns)
        if at == 0 or column.is_silent or (column.is_shown if chosen is None else column.name in chosen)
    }


def _remember(request: HttpRequest, table: Table, chosen: Sequence[str]) -> HttpResponseBase:
    """The list again, after its columns were chosen."""
    back = request.GET.copy()
    del back["columns"]
    answer = HttpResponseRedirect(f"?{back.urlencode()}" if back else request.path)
    known = [column.name for column in table.columns if column.name in chosen]
    answer.set_cookie(
        _cookie(table),
        ".".join(known),
        max_age=_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


# ---- doing something with what was chosen -----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of doing something to each of several things.

    Args:
        done: to how many it was done.
        refused: for each of the others a line: what it is called, and why.
    """

    done: int
    refused: Sequence[str]

    def tell(self, request: HttpRequest, sentence: str) -> None:
        """Tell it in one message.

        Args:
            request: of the reader.
            sentence: how many were done.
        """
        lines = list(self.refused[:_MOST_TOLD])
        if more := len(self.refused) - len(lines):
            lines.append(
                ngettext("%(shown)s more was refused.", "%(shown)s more were refused.", more)
                % {"shown": number(more)}
            )
        if not self.done and not lines:
            messages.info(request, _("Nothing was chosen. Tick the boxes of the rows first."))
        elif lines:
            messages.warning(request, " ".join([sentence, *lines] if self.done else lines))
        else:
            messages.success(request, sentence)


@transaction.atomic
def act_on_each(items: Iterable[T], act: Callable[[T], str], name: Callable[[T], str]) -> Outcome:
    """Do something to each of several things in one unit of work; what is refused leaves the others done.

    Args:
        items: to which.
        act: calls an action of the room, which checks, writes and records; answers why it was not done, or nothing.
        name: what a person calls one.
    """
    done, refused = 0, []
    for item in items:
        if reason := act(item):
            refused.append(_("%(name)s: %(reason)s") % {"name": name(item), "reason": reason})
        else:
            done += 1
    return Outcome(done, refused)
