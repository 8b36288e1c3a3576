"""A page that is read ahead gives the same lines as one that is read now, and ends as it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.exchange.ahead import Ahead
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


def test_its_lines_are_those_of_the_page() -> None:
    ahead = Ahead(_page([b"one", b"two"]), 7, most_bytes=100)
    with ahead as lines:
        assert (ahead.after, list(lines)) == (7, [b"one", b"two"])


def test_what_came_before_it_broke_off_is_given_and_then_it_breaks_off() -> None:
    page = _page([b"one"], ends=OutboundFailed("too-slow", "it took too long"))
    with Ahead(page, 0, most_bytes=100) as lines:
        assert next(lines) == b"one"
        with pytest.raises(OutboundFailed, match="it took too long"):
            next(lines)


@pytest.mark.parametrize(
    "refused",
    [AskedTooOften(30.0, "asked-too-often", "Later."), PartnerRefused("http-500", "The node answered 500.")],
)
def test_one_that_is_refused_is_refused_where_it_is_entered(refused: Exception) -> None:
    with pytest.raises(type(refused)), Ahead(_page(refused=refused), 0, most_bytes=100):
        pass


def test_no_more_of_it_is_read_than_fits() -> None:
    left = iter([b"x" * 60] * 5)
    with Ahead(_page(left), 0, most_bytes=100) as kept:
        assert len(list(kept)) == 2
    assert len(list(left)) == 3
