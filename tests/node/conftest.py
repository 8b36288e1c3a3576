"""The tests of the node look at pages."""

from tests.pages import pages, stranger_client, visit

__all__ = ["pages", "stranger_client", "visit"]
