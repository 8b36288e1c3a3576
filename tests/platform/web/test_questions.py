"""Questions that are written down once: they answer as a queryset would, and only values change."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import CharField, DateTimeField, F, QuerySet, UUIDField
from django.test.utils import CaptureQueriesContext

from taawun.platform.notices.models import Notice
from taawun.platform.web.questions import Question, given

AT = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)


def since(written: list[str]) -> Question:
    """Notices of a kind since an instant, and how often that is written down."""

    def write() -> QuerySet[Notice, Any]:
        written.append(threading.current_thread().name)
        return (
            Notice.objects.filter(
                kind=given("kind", CharField()),
                last_seen__gt=given("since", DateTimeField()),
                level="warning",
            )
            .order_by("-last_seen")
            .values_list("id", "subject", "last_seen", "params")
        )

    return Question(write)


def raised(subject: str, minutes: int, kind: str = "tests.kind") -> Notice:
    return Notice.objects.create(
        kind=kind,
        level="warning",
        subject=subject,
        last_seen=AT + timedelta(minutes=minutes),
        params={"of": [1]},
    )


@pytest.mark.django_db
def test_a_question_answers_with_the_rows_of_its_queryset_whatever_values_it_is_asked_with() -> None:
    first, second = raised("urn:a", 0), raised("urn:b", 1)
    other = raised("urn:%s'\"", 2, kind="tests.'; --")
    written: list[str] = []
    question = since(written)
    assert question.ask(kind="tests.kind", since=AT - timedelta(microseconds=1)) == [
        (second.id, "urn:b", second.last_seen, {"of": [1]}),
        (first.id, "urn:a", AT, {"of": [1]}),
    ]
    assert question.ask(kind="tests.kind", since=AT) == [(second.id, "urn:b", second.last_seen, {"of": [1]})]
    assert question.ask(kind="tests.'; --", since=AT) == [
        (other.id, "urn:%s'\"", other.last_seen, {"of": [1]})
    ]
    assert question.ask(kind="tests.none", since=AT) == []
    assert len(written) == 1


@pytest.mark.django_db
def test_a_question_sees_what_was_written_since_it_was_asked_last_and_costs_one_query() -> None:
    question = Question(lambda: Notice.objects.filter(id=given("id", UUIDField())).values_list("subject"))
    held = raised("urn:a", 0)
    assert question.ask(id=held.id) == [("urn:a",)]
    Notice.objects.filter(id=held.id).update(subject="urn:changed")
    with CaptureQueriesContext(connection) as asked:
        assert question.ask(id=held.id) == [("urn:changed",)]
    assert len(asked) == 1
    held.delete()
    assert question.ask(id=held.id) == []


@pytest.mark.django_db
def test_a_value_that_is_not_told_is_named() -> None:
    with pytest.raises(KeyError, match="since"):
        since([]).ask(kind="tests.kind")


@pytest.mark.django_db
def test_a_value_may_stand_beside_others_in_an_expression() -> None:
    held = raised("urn:a", 0)
    question = Question(
        lambda: Notice.objects.filter(subject=F("subject"), kind=given("kind", CharField())).values_list(
            "id"
        )[:1]
    )
    assert question.ask(kind="tests.kind") == [(held.id,)]


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_over_its_own_connection() -> None:
    held = raised("urn:a", 0)
    written: list[str] = []
    question = since(written)
    found: list[Any] = []

    def ask() -> None:
        try:
            found.extend(question.ask(kind="tests.kind", since=AT - timedelta(days=1)) for _again in range(2))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, name=name) for name in ("first", "second")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [[(held.id, "urn:a", AT, {"of": [1]})]] * 4
    assert sorted(written) == ["first", "second"]


@pytest.mark.django_db(transaction=True)
def test_a_question_is_asked_again_after_its_connection_was_closed() -> None:
    held = raised("urn:a", 0)
    question = since([])
    for _again in range(2):
        assert [row[0] for row in question.ask(kind="tests.kind", since=AT - timedelta(days=1))] == [held.id]
        connection.close()
