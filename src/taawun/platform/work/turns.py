"""Taking turns: what only one transaction, or one worker, of the whole node may do at a time."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection
from django.db.transaction import TransactionManagementError

from taawun.foundation.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["hold_turn", "take_turn"]

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
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(_key(name), 16)])


@contextmanager
def hold_turn(name: str) -> Iterator[bool]:
    """Have a turn for as long as the body takes, over however many transactions. Whoever dies with it gives it back.

    Args:
        name: ``room.what-is-done``, with what it is done to.

    Yields:
        Whether it is ours; somebody else has it if not, and nothing is waited for.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [int(_key(name), 16)])
            [is_ours] = cursor.fetchone()
        try:
            yield is_ours
        finally:
            if is_ours:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [int(_key(name), 16)])
        return
    folder = settings.HOME / "turns"
    folder.mkdir(exist_ok=True)
    with (folder / _key(name)).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _key(name: str) -> str:
    return sha256(name.encode())[:_KEY_DIGITS]
