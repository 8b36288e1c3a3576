"""The tests of the node look at pages, and make nodes of their own."""

from tests.pages import pages, stranger_client, visit
from tests.tables import tables

__all__ = ["pages", "stranger_client", "tables", "visit"]
