"""Turns that verbs about lanes take, since each of them locks in an order of its own."""

from __future__ import annotations

from taawun.platform.work.turns import take_turn

__all__ = ["one_ender", "one_speaker"]


def one_speaker() -> None:
    """Wait until no other transaction writes to lanes of ours; it is ours until the transaction ends.

    Whoever speaks locks a lane, then its readers, then maybe another lane; each verb has its own order, so they take
    turns instead. A transaction that locks a lane or a partner before it speaks takes the turn first. One that writes
    to the store as well takes that turn before this one.
    """
    take_turn("partners.speak")


def one_ender() -> None:
    """Wait until no other transaction takes out what partners' entries brought; it is ours until the transaction ends.

    Why it goes differs (its sender took it back, its time is over, its key was revoked), and with it what is locked
    first: an entry, or what it brought. It is taken before the turn of the store and before that to speak.
    """
    take_turn("partners.end")
