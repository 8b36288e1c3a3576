"""The clock: frozen time for every thread, and timestamps in one strict form."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation import clock
from taawun.foundation.clock import TimestampRefused

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_the_present_is_aware_and_in_utc():
    before = datetime.now(UTC)
    present = clock.now()
    assert before <= present <= datetime.now(UTC)
    assert present.utcoffset() == timedelta(0)


def test_frozen_time_stands_still_until_it_is_advanced():
    with clock.frozen(NOON) as held:
        assert clock.now() == NOON
        assert clock.now() == NOON
        assert held.advance(timedelta(minutes=5)) == NOON + timedelta(minutes=5)
        assert clock.now() == NOON + timedelta(minutes=5)
    assert clock.now() > NOON + timedelta(minutes=5)


def test_another_thread_sees_the_frozen_time():
    seen = []
    with clock.frozen(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen == [NOON]


def test_the_innermost_frozen_clock_answers_and_the_outer_one_returns_after_it():
    later = NOON + timedelta(days=1)
    with clock.frozen(NOON):
        with clock.frozen(later):
            assert clock.now() == later
        assert clock.now() == NOON


def test_time_flows_again_after_an_error_inside_the_block():
    with pytest.raises(RuntimeError), clock.frozen(NOON):
        raise RuntimeError
    assert clock.now() != NOON


def test_an_instant_without_a_zone_is_refused():
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(TimestampRefused) as refused, clock.frozen(naive):
        pass
    assert refused.value.code == "no-zone"
    with pytest.raises(TimestampRefused):
        clock.timestamp(naive)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-01-31T12:00:00.000000Z"),
        (NOON.replace(microsecond=7), "2026-01-31T12:00:00.000007Z"),
        (datetime(2026, 1, 31, 15, tzinfo=timezone(timedelta(hours=3))), "2026-01-31T12:00:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_timestamp_is_rfc_3339_in_utc_with_microseconds(at, text):
    assert clock.timestamp(at) == text


def test_a_timestamp_without_an_argument_is_of_the_present():
    with clock.frozen(NOON):
        assert clock.timestamp() == "2026-01-31T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00.5Z", NOON.replace(microsecond=500_000)),
        ("2026-01-31T12:00:00.000123Z", NOON.replace(microsecond=123)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_timestamp_is_read(text, at):
    read = clock.parse_timestamp(text)
    assert read == at
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-a-timestamp"),
        ("2026-01-31", "not-a-timestamp"),
        ("2026-01-31T12:00:00", "not-a-timestamp"),
        ("2026-01-31T12:00:00+00:00", "not-a-timestamp"),
        ("2026-01-31t12:00:00z", "not-a-timestamp"),
        ("2026-01-31 12:00:00Z", "not-a-timestamp"),
        ("2026-01-31T12:00:00.Z", "not-a-timestamp"),
        ("2026-01-31T12:00:00.1234567Z", "not-a-timestamp"),
        ("2026-01-31T12:00:00Z\n", "not-a-timestamp"),
        ("٢٠٢٦-01-31T12:00:00Z", "not-a-timestamp"),
        ("2026-02-29T12:00:00Z", "no-such-time"),
        ("2026-01-31T24:00:00Z", "no-such-time"),
        ("2016-12-31T23:59:60Z", "no-such-time"),
        ("0000-01-01T00:00:00Z", "no-such-time"),
        ("1899-12-31T23:59:59.999999Z", "no-such-time"),
        ("9000-01-01T00:00:00Z", "no-such-time"),
        ("9999-12-31T23:59:59Z", "no-such-time"),
    ],
)
def test_what_is_no_strict_timestamp_is_refused(text, code):
    with pytest.raises(TimestampRefused) as refused:
        clock.parse_timestamp(text)
    assert refused.value.code == code
    assert str(refused.value).endswith(".")


@given(st.datetimes(datetime(1900, 1, 1), datetime(8999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - the zone follows
def test_what_is_written_is_read_back(at):
    assert clock.parse_timestamp(clock.timestamp(at)) == at


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_the_order_of_the_texts_is_the_order_of_the_instants(one, other):
    assert (clock.timestamp(one) < clock.timestamp(other)) == (one < other)
