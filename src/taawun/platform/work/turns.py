"""Taking turns: what only one transaction of the whole node may do at a time."""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.db.transaction import TransactionManagementError

from taawun.foundation.digests import sha256

__all__ = ["take_turn"]

_KEY_DIGITS: Final = 15  # hexadecimal: 60 bits, which PostgreSQL's signed 64 hold


def take_turn(name: str) -> None:
    """Wait until no other transaction has this turn; it is ours until our transaction ends.

    Taken before the first row is read or written, it spares two transactions that lock the same rows from waiting for
    each other in a circle. SQLite has one writer at any time and needs no turns.

    Args:
        name: ``room.what-is-done``, for example ``audit.seal``; whoever takes the same name waits.

    Raises:
        TransactionManagementError: no transaction is open, so the turn would end at once.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError(f"The turn {name!r} is taken outside of a transaction.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            key = int(sha256(name.encode())[:_KEY_DIGITS], 16)
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
