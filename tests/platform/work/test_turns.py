"""Turns: one transaction at a time does what is named alike."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.db.transaction import TransactionManagementError

from taawun.platform.work.turns import hold_turn, take_turn


@pytest.mark.django_db(transaction=True)
def test_one_transaction_has_a_turn_until_it_ends() -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        try:
            for _ in range(5):
                with transaction.atomic():
                    take_turn("tests.turn")
                    inside.append(number)
                    time.sleep(0.005)
                    most.append(len(inside))
                    inside.remove(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert most == [1] * 20


@pytest.mark.django_db(transaction=True)
def test_another_turn_is_not_waited_for_where_writers_need_not_wait() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at any time, whatever it writes")

    def other() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                take_turn("tests.another")
        finally:
            connections.close_all()

    with transaction.atomic():
        take_turn("tests.turn")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(other).result(timeout=10) is None


@pytest.mark.django_db(transaction=True)
def test_a_turn_is_refused_outside_of_a_transaction() -> None:
    with pytest.raises(TransactionManagementError, match=r"tests\.turn"):
        take_turn("tests.turn")


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_somebody_holds_is_not_waited_for_and_comes_free_at_the_end() -> None:
    def other(name: str) -> bool:
        try:
            with hold_turn(name) as is_ours:
                return is_ours
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with hold_turn("tests.turn") as is_ours:
            assert is_ours
            assert pool.submit(other, "tests.turn").result(timeout=10) is False
            assert pool.submit(other, "tests.another").result(timeout=10) is True
        assert pool.submit(other, "tests.turn").result(timeout=10) is True


@pytest.mark.django_db(transaction=True)
def test_a_turn_is_given_back_when_what_was_done_in_it_fails() -> None:
    with pytest.raises(LookupError), hold_turn("tests.turn"):
        raise LookupError
    with ThreadPoolExecutor(1) as pool:

        def again() -> bool:
            try:
                with hold_turn("tests.turn") as is_ours:
                    return is_ours
            finally:
                connections.close_all()

        assert pool.submit(again).result(timeout=10) is True
