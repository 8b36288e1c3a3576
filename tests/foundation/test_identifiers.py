"""UUID version 7: sorted by time, and by making within one millisecond."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

from taawun.foundation import clock
from taawun.foundation.identifiers import _Sequence, lowest_uuid7, uuid7

FAR = datetime(2200, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)


def test_an_identifier_is_a_uuid_of_version_7():
    made = uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_its_first_48_bits_are_the_milliseconds_of_the_clock():
    with clock.frozen(FAR):
        assert uuid7().int >> 80 == int(FAR.timestamp() * 1000)


def test_a_hundred_thousand_in_one_millisecond_are_in_order_and_distinct():
    with clock.frozen(FAR + timedelta(days=1)):
        made = [uuid7() for _ in range(100_000)]
    assert made == sorted(set(made))


def test_identifiers_stay_in_order_when_the_clock_goes_back():
    with clock.frozen(FAR + timedelta(days=2)) as held:
        before = uuid7()
        held.advance(timedelta(hours=-1))
        assert uuid7() > before


def test_a_full_counter_carries_into_the_next_millisecond():
    sequence = _Sequence()
    sequence.next(5)
    sequence._counter = (1 << 42) - 1
    millisecond, counter = sequence.next(5)
    assert millisecond == 6
    assert counter < 1 << 41


def test_threads_never_make_the_same_identifier_and_each_sees_its_own_in_order():
    made: list[list[uuid.UUID]] = [[] for _ in range(4)]

    def work(mine: list[uuid.UUID]) -> None:
        mine.extend(uuid7() for _ in range(5_000))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mine == sorted(mine) for mine in made)
    assert len({each for mine in made for each in mine}) == 20_000


def test_what_was_made_since_an_instant_is_found_by_its_key():
    begin = datetime(2100, 1, 1, tzinfo=UTC)
    with clock.frozen(begin) as stopped:
        first = uuid7()
        stopped.advance(timedelta(milliseconds=1))
        second = uuid7()
        assert lowest_uuid7(begin) <= first < lowest_uuid7(stopped.now()) <= second


def test_before_the_epoch_nothing_was_made():
    assert lowest_uuid7(datetime(1900, 1, 1, tzinfo=UTC)) == lowest_uuid7(datetime(1970, 1, 1, tzinfo=UTC))
    assert lowest_uuid7(datetime(1900, 1, 1, tzinfo=UTC)) < uuid7()
