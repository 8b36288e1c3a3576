"""What the tests run on is what a node runs on: a SQLite file in WAL, or PostgreSQL, with real threads."""

import os
from pathlib import Path
from threading import Thread

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TestCase

from taawun.cooperation.people.models import Nation


def test_the_database_is_set_as_a_node_sets_it(db):
    on_sqlite = connection.vendor == "sqlite"
    questions = ("PRAGMA journal_mode", "PRAGMA synchronous") if on_sqlite else ("show server_version_num",)
    answers: list[object] = []
    with connection.cursor() as cursor:
        for question in questions:
            cursor.execute(question)
            answers += cursor.fetchone() or ()

    if on_sqlite:
        assert answers == ["wal", 2]  # 2 is FULL
        assert Path(connection.settings_dict["NAME"]).parent == Path(os.environ["TAAWUN_HOME"])
    else:
        assert int(str(answers[0])) // 10_000 == 18


@pytest.mark.django_db(transaction=True)
def test_threads_that_write_at_once_lose_nothing():
    codes = [first + second for first in "ABCDEF" for second in "ABCDEFGH"]

    def write(first: str) -> None:
        try:
            for code in codes:
                if code.startswith(first):
                    Nation.objects.create(code=code)
        finally:
            connections.close_all()

    threads = [Thread(target=write, args=(first,)) for first in "ABCDEF"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(Nation.objects.values_list("code", flat=True)) == sorted(codes)


@pytest.mark.django_db
def test_a_test_with_the_mark_is_run_on_both_databases(request: pytest.FixtureRequest):
    assert request.node.get_closest_marker("database")


def test_a_test_with_the_fixture_is_run_on_both_databases(request: pytest.FixtureRequest, db):
    assert request.node.get_closest_marker("database")


def test_a_test_without_is_run_once_and_may_not_ask_the_database(request: pytest.FixtureRequest):
    assert not request.node.get_closest_marker("database")
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Nation.objects.count()


class TestDjangosOwnCases(TestCase):
    """Django's classes count as well."""

    def test_a_case_of_django_sees_an_empty_database(self):
        assert Nation.objects.count() == 0


def test_the_home_of_the_tests_is_nobodys_node():
    assert Path(os.environ["TAAWUN_HOME"]).name.startswith("taawun-test-")
    assert os.environ["TAAWUN_HOME"] == str(settings.HOME)
