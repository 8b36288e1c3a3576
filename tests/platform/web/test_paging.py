"""Pages by keyset: every row once, in order, and no mark that the list did not give."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import CharField, QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taawun.cooperation.people.models import Membership, Organisation
from taawun.platform.audit.models import Entry
from taawun.platform.notices.models import Notice
from taawun.platform.web.paging import BadCursor, Page, WrittenPages, batches, page
from taawun.platform.web.questions import given as told
from tests.cast import Cast

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ORDER = ("-last_seen", "-id")


def raise_notices(count: int) -> list[Notice]:
    """Notices of which each two were seen at the same instant."""
    made = [
        Notice(
            kind="tests.kind",
            level="warning",
            subject=f"urn:{number}",
            last_seen=START + timedelta(microseconds=number // 2),
        )
        for number in range(count)
    ]
    return Notice.objects.bulk_create(made)


def walk(order: tuple[str, ...], limit: int) -> list[Notice]:
    seen: list[Notice] = []
    after: str | None = None
    while True:
        found = page(Notice.objects.all(), order=order, after=after, limit=limit)
        assert len(found.items) <= limit
        seen += found.items
        if found.next is None:
            return seen
        after = found.next


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (3, [3]), (500, [500]), (501, [500, 1])])
def test_all_rows_come_in_batches_each_with_one_question(count: int, sizes: list[int]) -> None:
    raise_notices(count)
    with CaptureQueriesContext(connection) as asked:
        found = list(batches(Notice.objects.all(), order=ORDER))
    assert [len(each) for each in found] == sizes
    assert len(asked) == len(sizes)
    assert [each for batch in found for each in batch] == list(Notice.objects.order_by(*ORDER))


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("order", [ORDER, ("last_seen", "id"), ("-last_seen", "id"), ("subject",)])
def test_every_row_is_on_one_page_in_the_order_asked_for(order: tuple[str, ...], limit: int) -> None:
    raise_notices(7)
    assert [each.id for each in walk(order, limit)] == list(
        Notice.objects.order_by(*order).values_list("id", flat=True)
    )


@pytest.mark.django_db
def test_a_row_that_comes_in_between_shifts_nothing() -> None:
    raise_notices(4)
    first = page(Notice.objects.all(), order=ORDER, after=None, limit=2)
    Notice.objects.create(kind="k", level="alarm", subject="new", last_seen=START + timedelta(days=1))
    second = page(Notice.objects.all(), order=ORDER, after=first.next, limit=2)
    assert {each.id for each in first.items}.isdisjoint(each.id for each in second.items)
    assert second.next is None


def test_an_order_may_reach_over_a_relation(cast: Cast) -> None:
    rows = Membership.objects.select_related("person")
    order = ("person__name", "id")
    first = page(rows, order=order, after=None, limit=2)
    second = page(rows, order=order, after=first.next, limit=2)
    names = [each.person.name for each in (*first.items, *second.items)]
    assert names == sorted(names)
    assert len(names) == 4


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_what_is_no_mark_is_refused_and_nothing_else_happens(after: str) -> None:
    if not after:
        return
    with pytest.raises(BadCursor):
        page(Notice.objects.all(), order=ORDER, after=after, limit=5)


def forged(document: object) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(document, separators=(",", ":")).encode()).rstrip(b"=").decode()
    )


GOOD_ID = "01a202d3-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        [["-last_seen", "-id"]],
        [["-id"], [GOOD_ID]],
        [["-last_seen", "-id"], [GOOD_ID]],
        [["-last_seen", "-id"], ["2026-11-22T08:00:00", GOOD_ID]],
        [["-last_seen", "-id"], ["2026-11-22 08:00:00+00:00", GOOD_ID]],
        [["-last_seen", "-id"], ["2026-11-22T08:00:00+00:00", GOOD_ID.upper()]],
        [["-last_seen", "-id"], ["2026-11-22T08:00:00+00:00", 7]],
        [["-last_seen", "-id"], [None, GOOD_ID]],
        [["-last_seen", "-id"], [["2026-11-22T08:00:00+00:00"], GOOD_ID]],
        [["-last_seen", "-id"], ["2026-99-22T08:00:00+00:00", GOOD_ID]],
    ],
)
@pytest.mark.django_db
def test_a_mark_made_by_hand_is_refused(document: object) -> None:
    with pytest.raises(BadCursor):
        page(Notice.objects.all(), order=ORDER, after=forged(document), limit=5)


@pytest.mark.django_db
def test_a_mark_has_one_spelling_and_belongs_to_one_order() -> None:
    raise_notices(3)
    given_out = page(Notice.objects.all(), order=ORDER, after=None, limit=1).next
    assert given_out is not None
    padded = given_out + "=" * (-len(given_out) % 4)
    for other in {padded + "=", given_out + "\n", " " + given_out}:
        with pytest.raises(BadCursor):
            page(Notice.objects.all(), order=ORDER, after=other, limit=1)
    with pytest.raises(BadCursor):
        page(Notice.objects.all(), order=("last_seen", "id"), after=given_out, limit=1)


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_bounds_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        page(Entry.objects.all(), order=("-id",), after=None, limit=limit)


def test_a_list_is_not_ordered_by_what_is_no_column(node: Organisation) -> None:
    with pytest.raises(FieldError):
        page(Organisation.objects.all(), order=("nothing",), after=forged([["nothing"], [1]]), limit=1)


@pytest.mark.django_db
def test_a_list_cannot_be_ordered_by_what_may_be_missing() -> None:
    Entry.objects.bulk_create(
        Entry(actor_kind="system", actor_id="t", actor_label="t", verb="t.t", subject="urn:t")
        for _ in range(2)
    )
    with pytest.raises(TypeError, match="cannot be ordered by None"):
        page(Entry.objects.all(), order=("seq",), after=None, limit=1)


@pytest.mark.django_db
def test_rows_that_are_found_sooner_are_asked_for_first_and_the_others_only_where_they_do_not_fill_the_page() -> (
    None
):
    Entry.objects.bulk_create(
        Entry(actor_kind="system", actor_id="t", actor_label="t", verb="t.t", subject=f"urn:{number}")
        for number in range(6)
    )
    every = Entry.objects.all()

    def three(behind: int | None) -> Iterator[QuerySet[Entry]]:
        rest = every if behind is None else every.filter(id__lt=behind)
        for most in (3, 5):
            yield every.filter(id__in=list(rest.order_by("-id").values_list("id", flat=True)[:most]))

    def subjects(limit: int, after: str | None = None) -> list[str]:
        shown = page(every, order=("-id",), after=after, limit=limit, sooner=three)
        return [each.subject for each in shown.items]

    with CaptureQueriesContext(connection) as asked:
        assert subjects(2) == ["urn:5", "urn:4"]
    assert len(asked) == 2
    # one more than the page has tells whether there is another: the first five, and then all
    for limit, questions in ((4, 4), (5, 5)):
        with CaptureQueriesContext(connection) as asked:
            assert subjects(limit) == ["urn:5", "urn:4", "urn:3", "urn:2", "urn:1"][:limit]
        assert len(asked) == questions
    second = page(every, order=("-id",), after=None, limit=2, sooner=three).next
    with CaptureQueriesContext(connection) as asked:
        assert subjects(2, second) == ["urn:3", "urn:2"]
    assert len(asked) == 2


# ---- lists that are written down once ---------------------------------------------------------------------------


class Row(NamedTuple):
    """What such a list tells of a notice, under names of its own."""

    id: object
    last_seen: datetime
    about: str


class Written:
    """Pages of notices of a kind, and which forms of them were written down."""

    def __init__(self) -> None:
        self.forms: list[str] = []
        self.pages = WrittenPages(Notice, self._write, Row)

    def _write(self, form: str) -> QuerySet[Notice, Any]:
        self.forms.append(form)
        found = Notice.objects.filter(kind=told("kind", CharField()))
        if form == "early":
            found = found.filter(last_seen__lt=START + timedelta(microseconds=1))
        return (Notice.objects.none() if form == "nothing" else found).values_list(
            "id", "last_seen", "subject"
        )

    def page(
        self, *forms: str, after: str | None = None, limit: int = 3, kind: str = "tests.kind"
    ) -> Page[Row]:
        return self.pages.page(forms, order=ORDER, after=after, limit=limit, kind=kind)


@pytest.mark.django_db
def test_a_list_that_is_written_down_once_has_the_pages_and_marks_of_its_queryset() -> None:
    raise_notices(7)
    Notice.objects.create(kind="another", level="warning", subject="other", last_seen=START)
    written, after = Written(), None
    for _page in range(3):
        plain = page(Notice.objects.filter(kind="tests.kind"), order=ORDER, after=after, limit=3)
        found = written.page("all", after=after)
        assert [(row.id, row.about) for row in found.items] == [(row.id, row.subject) for row in plain.items]
        assert found.next == plain.next
        after = found.next
    assert after is None
    assert [row.about for row in written.page("all", kind="another").items] == ["other"]
    assert written.forms == ["all", "all"]  # the first page, and one behind a mark


@pytest.mark.django_db
def test_another_form_is_asked_only_where_the_one_before_does_not_fill_the_page() -> None:
    raise_notices(5)
    written = Written()
    every = list(Notice.objects.order_by(*ORDER).values_list("id", flat=True))
    early = list(Notice.objects.filter(last_seen=START).order_by(*ORDER).values_list("id", flat=True))
    assert [row.id for row in written.page("early", "all", limit=1).items] == early[:1]
    assert [row.id for row in written.page("early", "all", limit=2).items] == every[:2]
    assert written.forms == ["early", "early", "all"]
    assert written.page("nothing") == Page([], None)
    assert written.page() == Page([], None)


@pytest.mark.django_db
def test_a_written_list_takes_no_mark_and_no_limit_that_another_would_not() -> None:
    raise_notices(3)
    written = Written()
    mark = page(Notice.objects.all(), order=("last_seen", "id"), after=None, limit=1).next
    for foreign in (mark, "x", "é"):
        with pytest.raises(BadCursor):
            written.page("all", after=foreign)
    for limit in (0, 1001):
        with pytest.raises(ValueError, match="1 to 1000"):
            written.page("all", limit=limit)
    assert written.forms == []
