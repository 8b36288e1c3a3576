"""Taking in many entries of a lane in one transaction: a partner that was away for a month catches up by thousands.

What is plain, which is nearly all, is taken in together. Everything that something has to be said about (a refusal, a
content that did not come along, a withdrawal, a version that is held) is left to be taken in by itself, which is slower
and tells everything. Whoever reads the outcome cannot tell one way from the other.
"""

from __future__ import annotations

import logging
import traceback
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q

from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.chain import INLINE_BYTES
from taawun.cooperation.partners.logs.purposes import Arrived, LanePurpose, OneByOne
from taawun.cooperation.partners.models import LaneEntry
from taawun.platform.registry import registry
from taawun.platform.web.unit import unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.logs.purposes import Outcome
    from taawun.cooperation.partners.models import Lane

__all__ = ["take_in_together", "withdrawn_beside"]

log = logging.getLogger(__name__)

# fewer are not worth looking at twice
_LEAST: Final = 4
# what is read into memory at once, and what one transaction holds the only writer of SQLite for
_MOST_BYTES: Final = 1024 * 1024


def take_in_together(
    lane: Lane,
    waiting: Sequence[LaneEntry],
    *,
    read: Callable[[LaneEntry], Header],
    obstacle: Callable[[Lane, Header], Outcome | None],
) -> int:
    """Take in as many entries as are plain, from the first on, all of them or none.

    Args:
        lane: a partner's lane.
        waiting: entries that wait, oldest first.
        read: verifies an entry and reads its header; whatever it raises is found again, and told, one by one.
        obstacle: why an entry is not opened now; None where it is.

    Returns:
        How many were taken in.
    """
    take = registry.get(LanePurpose, lane.purpose).together
    plain = list(takewhile(_is_plain, waiting)) if take else []
    if take is None or len(plain) < _LEAST:
        return 0
    try:
        # who is trusted and what is agreed is looked up once for all of them
        with unit():
            headers = [(entry, read(entry)) for entry in plain]
            arrived = _arrived(lane, headers, obstacle)
            return _take_in(arrived, take(lane, arrived)) if len(arrived) >= _LEAST else 0
    except (ChainBroken, OneByOne):
        # whichever of them it was, it is found, and told about, when it is taken in by itself
        return 0
    except Exception as fault:  # noqa: BLE001 - each of them is tried by itself, and would be slow for no known reason
        _tell_once(lane, fault)
        return 0


class _Told:
    """Which faults of taking in together this process has told of."""

    of: Final[set[tuple[str, str]]] = set()


def _tell_once(lane: Lane, fault: Exception) -> None:
    last = traceback.extract_tb(fault.__traceback__)[-1]
    place = (type(fault).__name__, f"{last.filename}:{last.lineno}")
    if place in _Told.of:
        return
    _Told.of.add(place)
    log.error(
        "entries of lane %s are taken in one by one, which is slow: %s. This fault is told once.",
        lane.id,
        place[0],
        exc_info=fault,
    )


def _is_plain(entry: LaneEntry) -> bool:
    is_small = bool(entry.content_digest) and entry.size <= INLINE_BYTES
    return entry.action == "publish" and is_small and not entry.attempts


def _arrived(
    lane: Lane,
    plain: Sequence[tuple[LaneEntry, Header]],
    obstacle: Callable[[Lane, Header], Outcome | None],
) -> list[Arrived]:
    """Those of which the contents are here and that nothing stands in the way of, up to the first other one."""
    bodies = contents.find_held(lane, {header.digest for _entry, header in plain})
    withdrawn = _withdrawn(lane, [entry for entry, _header in plain])
    found: list[Arrived] = []
    size = 0
    for entry, header in plain:
        content = bodies.get(header.digest)
        size += header.size
        if content is None or size > _MOST_BYTES or (entry.subject, entry.version) in withdrawn:
            break
        if obstacle(lane, header) is not None:
            break
        found.append(Arrived(entry, header, content))
    return found


def withdrawn_beside(lane: Lane) -> Q | None:
    """Of all withdrawals those that were carried out and that a sender said on another lane of the same clause.

    It may have come before what it withdraws: lanes are read one after the other.

    Args:
        lane: a partner's.

    Returns:
        The condition; None where there are no such lanes.
    """
    if lane.agreement is None or lane.sender_id is None:
        return None
    of_the_clause = Q(lane__sender=lane.sender_id, lane__agreement=lane.agreement, lane__clause=lane.clause)
    return of_the_clause & Q(state=LaneEntry.State.DONE) & ~Q(lane=lane.id)


def _withdrawn(lane: Lane, entries: Sequence[LaneEntry]) -> set[tuple[str, str]]:
    """Which subjects and versions of these are withdrawn further along the lane, or in what it left behind."""
    further = Q(lane=lane, seq__gt=entries[0].seq) | Q(lane__part_of=lane)
    if beside := withdrawn_beside(lane):
        # it may have been published anew since: then it is looked at by itself
        further |= beside
    later = LaneEntry.objects.filter(further, action="withdraw")
    return set(later.filter(subject__in={each.subject for each in entries}).values_list("subject", "version"))


@transaction.atomic
def _take_in(arrived: Sequence[Arrived], take: Callable[[], int]) -> int:
    ids = [each.entry.id for each in arrived]
    locked = LaneEntry.objects.select_for_update().filter(id__in=ids, state=LaneEntry.State.PENDING)
    if len(locked.order_by("seq").values_list("id", flat=True)) != len(ids):
        return 0  # somebody else is at it
    taken = take()
    done = LaneEntry.objects.filter(id__in=ids[:taken])
    done.update(state=LaneEntry.State.DONE, reason="", not_before=None)
    return taken
