"""The part a capability registers for each kind of release it publishes and takes in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Partner

__all__ = ["Arrival", "ContentRefused", "ReleaseKind"]


class ContentRefused(ValueError):
    """A release whose content cannot be taken in; its entry is marked refused, with the code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Arrival:
    """A release that arrived and that a clause in force allows.

    Args:
        release: the row.
        content: its exact bytes; their digest is the one the sender signed.
        partner: who sent it.
        read: what the kind read from it, where it reads.
        topics: what it is about, as its header says.
    """

    release: Release
    content: bytes
    partner: Partner
    read: Any = None  # each kind reads something of its own
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseKind:
    """How a kind of release is published, taken in and withdrawn.

    Args:
        name: ``room.thing``, for example ``intel.report``.
        label: what a person reads; a lazy translation.
        permission: what a person needs to publish it.
        receive: takes an arrival in, idempotently, inside a transaction; raises ``ContentRefused``.
        withdraw: takes a received release out again, idempotently, inside a transaction.
        address: the page that shows it, or empty.
        opens: the permission that this page asks for, or empty.
        set_aside: takes a received release out of sight, idempotently, inside a transaction, until somebody decides:
            its key was revoked. As ``withdraw`` does where it is None; ``receive`` brings it back.
        read: reads a content, outside any transaction and without the database, for ``receive`` to find in its arrival;
            raises ``ContentRefused``. None where that takes no time.
        receive_together: takes many arrivals in, in order, as ``receive`` does one after the other, inside a
            transaction; of what names no persons. Where it raises ``ContentRefused`` each of them is received by
            itself; so it is where it fails, which the log tells. None where few ever come at once.
        regain: makes known again a release of ours that a restored node had forgotten, by its header and content;
            idempotently, inside a transaction.
        regain_withdrawal: the same for the withdrawal of one.
        check_guest: looks at what a guest of this node gives, as ``read`` read it; raises ``ContentRefused``. None for
            a kind that guests do not give.
        is_urgent: whether it goes before all others on a slow line, as an early warning does.
    """

    name: str
    label: Any  # a lazy translation
    permission: str
    receive: Callable[[Arrival], None]
    withdraw: Callable[[Release], None]
    address: Callable[[Release], str]
    opens: str = ""
    read: Callable[[Header, bytes], object] | None = None
    receive_together: Callable[[Sequence[Arrival]], None] | None = None
    regain: Callable[[Release, Header, bytes], None] | None = None
    regain_withdrawal: Callable[[Release], None] | None = None
    is_urgent: bool = False
    set_aside: Callable[[Release], None] | None = None
    check_guest: Callable[[Any], None] | None = None

    def page_for(self, permissions: frozenset[str], release: Release) -> str:
        """The page that shows it to somebody with these permissions; empty where there is none, or not for them."""
        return self.address(release) if not self.opens or self.opens in permissions else ""
