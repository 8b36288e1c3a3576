"""The tests of partners look at pages, and knock at the inbox."""

from collections.abc import Iterator

import pytest

from tests.pages import pages, stranger_client, visit

__all__ = ["nobody_knocked_before", "pages", "stranger_client", "visit"]


@pytest.fixture(autouse=True)
def nobody_knocked_before() -> Iterator[None]:
    """Every test comes from the same address."""
    # this file is read before Django is started
    from taawun.cooperation.partners.exchange.serving import INTRODUCTIONS  # noqa: PLC0415 - models need Django to be up, which it is when the fixture runs

    yield
    INTRODUCTIONS.empty()
