"""The shape of refusals."""

import pickle

from taawun.foundation.clock import TimestampRefused


def test_an_error_reads_as_its_sentence_and_keeps_its_code():
    error = TimestampRefused("no-zone", "An instant needs a time zone.")
    assert (error.code, str(error)) == ("no-zone", "An instant needs a time zone.")
    assert isinstance(error, ValueError)


def test_an_error_survives_the_way_between_processes():
    error = TimestampRefused("no-zone", "An instant needs a time zone.")
    # The bytes are made one line above: nothing foreign is unpickled.
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own pickle, of a moment ago
    assert (type(again), again.code, str(again)) == (TimestampRefused, error.code, str(error))
