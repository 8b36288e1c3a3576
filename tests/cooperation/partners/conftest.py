"""The tests of partners look at pages, and knock at the inbox."""

from tests.pages import pages, stranger_client, visit

__all__ = ["pages", "stranger_client", "visit"]
