"""The tests of the node look at pages, and at what becomes of it without its key."""

from collections.abc import Iterator

import pytest

from tests.pages import pages, stranger_client, visit

__all__ = ["forgotten_key", "pages", "stranger_client", "visit"]


@pytest.fixture
def forgotten_key() -> Iterator[None]:
    """A process that has not read the node's key yet."""
    # this file is read before Django is started
    from taawun.cooperation.partners.keys import node_key  # noqa: PLC0415 - models need Django to be up, which it is when the fixture runs

    node_key.cache_clear()
    yield
    node_key.cache_clear()
