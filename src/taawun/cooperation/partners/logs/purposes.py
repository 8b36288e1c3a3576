"""The part a room registers for the kind of lane it fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Lane, LaneEntry, Partner

__all__ = ["Arrived", "LanePurpose", "OneByOne", "Outcome", "Revocation", "all_of_them", "nobody_else"]


def all_of_them(lanes: Sequence[Lane], reader: Partner) -> list[bool]:
    """Whoever a lane was opened for reads it."""
    del reader
    return [True] * len(lanes)


def nobody_else(lanes: Sequence[Lane]) -> dict[UUID, frozenset[str]]:
    """A lane that is for its receiver alone."""
    return {lane.id: frozenset() for lane in lanes}


def nothing_to_set_aside(entry: LaneEntry, for_good: bool) -> None:  # noqa: FBT001 - as LanePurpose names it
    """What came over the lane has left nothing behind."""
    del entry, for_good


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an entry.

    Args:
        state: a :class:`~taawun.cooperation.partners.models.LaneEntry.State` value.
        reason: a stable code where it was not simply taken in.
    """

    state: str
    reason: str = ""


class OneByOne(Exception):
    """Something has to be said about one of many entries, so each of them is taken in by itself."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An entry with its content, on its way in.

    Args:
        entry: the row.
        header: what it says, verified.
        content: the exact bytes.
    """

    entry: LaneEntry
    header: Header
    content: bytes


@dataclass(frozen=True, slots=True)
class LanePurpose:
    """How the lanes of one purpose are read and taken in.

    Args:
        name: the purpose, as in ``Lane.Purpose``.
        readable: which of these entries' contents a reader may have now, in the order given; None is somebody of whom
            nothing is known. The chain itself is served to whom ``serves`` says.
        accepts: None if a header that continues its lane may be opened here; else what becomes of its entry: left
            waiting (``pending``) or kept unopened. Asked before its content is fetched.
        receive: takes in one entry, idempotently, inside a transaction; the content is None for a withdrawal.
        acknowledge: signs for what was taken in since ``lane.acknowledged_seq``, and moves that on.
        serves: which of these lanes, all opened for this reader, it may read now: their chains, and that they exist.
        readers: for these lanes of partners, by their ids, the base addresses of the nodes that may know of each and
            read it too. Whoever does not stand there is never told of it, and not heard about it.
        regain: makes known again what an entry of ours said, after a restore, idempotently, inside a transaction; the
            content is None where nobody has it any more.
        catch_up: says what was left unsaid when the node was lost, inside a transaction, once it may speak again.
        urgent_kinds: which kinds of entries go before all others on a slow line (:mod:`.urgency`).
        prepare: reads a content before the transaction, in which nobody else may be able to write, and answers what is
            left to do in it instead of ``receive``; None where reading is nothing.
        together: the same for many publications of a lane, oldest first, which nothing stands in the way of. What it
            answers takes in as many of them, from the first on, as need nothing said about them, and says how many
            these were; whatever else there is to say of an entry is said by ``receive``, and ``OneByOne`` leaves all
            of them to it. None where few ever come.
        set_aside: takes out again what a locked entry brought, idempotently: its key was revoked; with True it was
            dropped for good. What is taken in after all comes to ``receive`` once more.
    """

    name: str
    readable: Callable[[Lane, Sequence[LaneEntry], Partner | None], list[bool]]
    accepts: Callable[[Lane, Header], Outcome | None]
    receive: Callable[[LaneEntry, Header, bytes | None], Outcome]
    acknowledge: Callable[[Lane, Partner], None]
    serves: Callable[[Sequence[Lane], Partner], list[bool]] = all_of_them
    prepare: Callable[[Lane, Header, bytes], Callable[[LaneEntry], Outcome]] | None = None
    readers: Callable[[Sequence[Lane]], dict[UUID, frozenset[str]]] = nobody_else
    regain: Callable[[LaneEntry, Header, bytes | None], None] | None = None
    catch_up: Callable[[], None] | None = None
    together: Callable[[Lane, Sequence[Arrived]], Callable[[], int]] | None = None
    urgent_kinds: Callable[[], Collection[str]] = tuple
    set_aside: Callable[[LaneEntry, bool], None] = nothing_to_set_aside


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a room does when a key is revoked: one of this node, or a partner's.

    Args:
        name: the room, for example ``agreements``.
        repeat: signs again with the current key what the room holds of this node under a revoked one, and tells
            partners; inside the transaction that revokes. It is given the instant, and answers how many.
        put_away: takes out what the room holds under a key of a partner that came after an instant, whoever brought
            it: a thief's word may have been passed on by somebody else. Inside a transaction; it answers how much.
    """

    name: str
    repeat: Callable[[datetime], int]
    put_away: Callable[[Partner, str, datetime], int]
