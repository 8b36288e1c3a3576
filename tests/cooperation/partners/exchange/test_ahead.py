"""A page that is read ahead gives the same lines as one that is read now, and ends as it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.exchange.ahead import MOST_AT_ONCE, Ahead, may_begin
from taawun.foundation.outbound import OutboundFailed


@contextmanager
def _page(
    lines: Iterable[bytes] = (), *, refused: Exception | None = None, ends: Exception | None = None
) -> Iterator[Iterator[bytes]]:
    """A page that is refused, or gives its lines, and then perhaps breaks off."""

    def come() -> Iterator[bytes]:
        yield from lines
        if ends:
            raise ends

    if refused:
        raise refused
    yield come()


def _ahead(page: AbstractContextManager[Iterator[bytes]], *, after: int = 0) -> Ahead:
    return Ahead(lambda _came: page, after, most_lines=10, most_bytes=400)


def test_its_lines_are_those_of_the_page() -> None:
    ahead = _ahead(_page([b"one", b"two"]), after=7)
    with ahead as lines:
        assert (ahead.after, list(lines)) == (7, [b"one", b"two"])


def test_no_more_are_read_ahead_while_pages_that_nobody_wants_any_more_wait_for_their_next_line() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        go_on.wait(30)
        yield b"late"

    dropped = []
    while may_begin():
        dropped.append(_ahead(_page(slow())))
        dropped[-1].drop()
        assert len(dropped) <= MOST_AT_ONCE
    assert len(dropped) == MOST_AT_ONCE
    go_on.set()
    for each in dropped:
        each._thread.join(30)
    assert may_begin()


def test_what_came_before_it_broke_off_is_given_and_then_it_breaks_off() -> None:
    page = _page([b"one"], ends=OutboundFailed("too-slow", "it took too long"))
    with _ahead(page, after=0) as lines:
        assert next(lines) == b"one"
        with pytest.raises(OutboundFailed, match="it took too long"):
            next(lines)


@pytest.mark.parametrize(
    "refused",
    [AskedTooOften(30.0, "asked-too-often", "Later."), PartnerRefused("http-500", "The node answered 500.")],
)
def test_one_that_is_refused_is_refused_where_it_is_entered(refused: Exception) -> None:
    with pytest.raises(type(refused)), _ahead(_page(refused=refused), after=0):
        pass


@pytest.mark.parametrize(("line", "read"), [(b"x" * 136, 2), (b"", 7)])
def test_no_more_of_it_is_read_than_fits_and_an_empty_line_is_not_nothing(line: bytes, read: int) -> None:
    left = iter([line] * 20)
    with _ahead(_page(left)) as kept:
        assert len(list(kept)) == read
    assert len(list(left)) == 20 - read


def test_no_more_lines_of_it_are_read_than_were_asked_for() -> None:
    left = iter([b""] * 20)
    with Ahead(lambda _came: _page(left), 0, most_lines=3, most_bytes=10**6) as kept:
        assert len(list(kept)) == 3
    assert len(list(left)) == 17


def test_one_that_is_dropped_ends_with_its_next_bytes_though_no_line_ends() -> None:
    told: list[Callable[[int], None]] = []

    def trickle() -> Iterator[bytes]:
        while True:
            time.sleep(0.01)
            told[0](1)
            yield from ()

    def page(came: Callable[[int], None]) -> AbstractContextManager[Iterator[bytes]]:
        told.append(came)
        return _page(trickle())

    ahead = Ahead(page, 0, most_lines=10, most_bytes=400)
    assert ahead._thread.is_alive()
    ahead.drop()
    ahead._thread.join(10)
    assert not ahead._thread.is_alive()


def test_one_that_is_dropped_is_read_no_further() -> None:
    asked, left = threading.Event(), iter([b"one"] * 8)

    def come() -> Iterator[bytes]:
        yield next(left)
        assert asked.wait(10)
        yield from left

    ahead = _ahead(_page(come()))
    ahead.drop()
    asked.set()
    with ahead as lines:
        assert list(lines) in ([], [b"one"])
    assert len(list(left)) >= 6
