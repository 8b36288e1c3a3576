"""Token buckets: so many at once, so many in the long run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from taawun.foundation.clock import frozen
from taawun.platform.web import limits
from taawun.platform.web.limits import Buckets, Rate, network_of

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_who_has_one_address_of_a_network_counts_as_its_owner(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_full_bucket_gives_its_burst_and_then_tells_how_long_to_wait() -> None:
    with frozen(NOON):
        buckets = Buckets(Rate(burst=3, per_second=0.5))
        assert [buckets.take("a") for _ in range(5)] == [0, 0, 0, 2, 2]


def test_a_bucket_fills_evenly_and_never_above_its_burst() -> None:
    with frozen(NOON) as clock:
        buckets = Buckets(Rate(burst=2, per_second=1))
        assert [buckets.take("a") for _ in range(3)] == [0, 0, 1]
        clock.advance(timedelta(seconds=0.25))
        assert buckets.take("a") == pytest.approx(0.75)
        clock.advance(timedelta(seconds=0.75))
        assert [buckets.take("a") for _ in range(2)] == [0, 1]
        clock.advance(timedelta(hours=1))
        assert [buckets.take("a") for _ in range(3)] == [0, 0, 1]


def test_one_caller_does_not_take_from_another() -> None:
    with frozen(NOON):
        buckets = Buckets(Rate(burst=1, per_second=1))
        assert [buckets.take("a"), buckets.take("b"), buckets.take("a")] == [0, 0, 1]


def test_callers_whose_bucket_is_full_again_are_forgotten_when_there_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "_MOST_CALLERS", 3)
    with frozen(NOON) as clock:
        buckets = Buckets(Rate(burst=1, per_second=1))
        for caller in "abc":
            buckets.take(caller)
        clock.advance(timedelta(seconds=1))
        buckets.take("d")
        assert set(buckets._left) == {"d"}
