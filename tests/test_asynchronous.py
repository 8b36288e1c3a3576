"""Asynchronous code is tested whatever ran before in the same process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.asynchronous import run_apart


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


async def failure() -> None:
    raise LookupError("nothing there")


def test_it_runs_also_where_an_event_loop_runs_already() -> None:
    async def as_with_a_browser() -> int:
        return run_apart(answer())

    assert run_apart(as_with_a_browser()) == 42


def test_an_error_comes_through() -> None:
    with pytest.raises(LookupError, match="nothing there"):
        run_apart(failure())


def test_no_test_starts_a_loop_on_the_thread_that_a_browser_may_hold() -> None:
    here = Path(__file__).resolve().parent
    direct = "asyncio" + ".run("
    users = [path.name for path in here.rglob("*.py") if direct in path.read_text(encoding="utf-8")]

    assert users == []
