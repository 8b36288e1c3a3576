"""What a process keeps to its end is not looked through for what is unreachable."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from taawun.node.memory import imported_to_stay


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    gc.enable()


def test_what_is_imported_within_is_not_looked_through_then_and_never_again() -> None:
    before = gc.get_freeze_count()

    with imported_to_stay():
        assert not gc.isenabled()
        kept = [[each] for each in range(1000)]

    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)


def test_an_import_that_fails_leaves_the_collector_at_work() -> None:
    with pytest.raises(ImportError), imported_to_stay():
        raise ImportError

    assert gc.isenabled()
