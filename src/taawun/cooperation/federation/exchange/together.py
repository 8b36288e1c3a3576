"""Taking in many releases of one lane at once, where nothing has to be said about any of them."""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from taawun.cooperation.federation.exchange.arriving import end_of, read, told
from taawun.cooperation.federation.exchange.rows import create
from taawun.cooperation.federation.guests import lay_ready, named_here
from taawun.cooperation.federation.kinds import Arrival, ContentRefused, ReleaseKind
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.logs.purposes import OneByOne
from taawun.cooperation.people.actors import PartyActor
from taawun.platform.audit.actions import record_all
from taawun.platform.registry import registry
from taawun.platform.work.rows import insert_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from uuid import UUID

    from taawun.cooperation.partners.logs.purposes import Arrived
    from taawun.cooperation.partners.models import Lane, Partner

__all__ = ["together"]


def together(lane: Lane, arrived: Sequence[Arrived]) -> Callable[[], int]:
    """Read many contents outside the transaction, and answer what is left to do in it.

    Args:
        lane: a partner's.
        arrived: publications that may be opened, oldest first.
    """
    plain = _plain(arrived)
    # the entry that opens the lane is of none
    kind = registry.find(ReleaseKind, plain[0].header.kind) if plain else None
    partner, agreement = lane.sender, lane.agreement
    if kind is None or kind.receive_together is None or partner is None:
        return lambda: 0
    named = named_here(lane, plain[0].header)
    if not named.is_for_node:
        return lambda: 0
    found: list[object] = []
    for each in plain:
        was_read = read(each.header, each.content)
        if isinstance(was_read, ContentRefused):
            break
        found.append(was_read)
    receive = kind.receive_together
    return partial(_receive, partner, agreement, named.guests, list(zip(plain, found, strict=False)), receive)


def _plain(arrived: Sequence[Arrived]) -> list[Arrived]:
    """The first of them: of one kind, for the same readers, each another version, without persons, of their sender."""
    seen: set[tuple[str, str]] = set()

    def is_plain(each: Arrived) -> bool:
        header, known = each.header, len(seen)
        seen.add((header.subject, header.version))
        is_own = not header.origin and not header.persons
        first = arrived[0].header
        # for the same readers: what is for guests of this node is asked once
        is_alike = (header.kind, header.audience) == (first.kind, first.audience)
        return is_alike and is_own and len(seen) > known

    return list(takewhile(is_plain, arrived))


def _receive(
    partner: Partner,
    agreement: UUID | None,
    guests: Collection[str],
    waiting: Sequence[tuple[Arrived, object]],
    receive: Callable[[Sequence[Arrival]], None],
) -> int:
    held = Release.objects.filter(
        origin=partner, subject__in=[each.header.subject for each, _read in waiting]
    )
    known = set(held.values_list("subject", "version"))
    fresh = list(takewhile(lambda one: (one[0].header.subject, one[0].header.version) not in known, waiting))
    if not fresh:
        return 0
    releases = create(partner, "", [each.header for each, _read in fresh])
    passages = [
        Passage(
            **Passage.place_of(each.entry),
            release=release,
            entry=each.entry,
            size=each.entry.size,
            agreement=agreement,
            document=each.header.agreement,
            clause=each.header.clause,
            ends=end_of(each.header, each.entry.recorded),
        )
        for release, (each, _read) in zip(releases, fresh, strict=True)
    ]
    if guests:
        # what lies ready names the passage by its key
        Passage.objects.bulk_create(passages)
        lay_ready((passage, guests) for passage in passages)
    else:
        insert_rows(passages)
    arrivals = [
        Arrival(release, each.content, partner, was_read, each.header.topics)
        for release, (each, was_read) in zip(releases, fresh, strict=True)
    ]
    try:
        receive(arrivals)
    except ContentRefused as refused:
        raise OneByOne(refused.code) from refused
    record_all(
        PartyActor(partner.node, partner.name.in_language("en").value),
        "federation.received",
        (
            (f"urn:uuid:{release.id}", told(each.header))
            for release, (each, _read) in zip(releases, fresh, strict=True)
        ),
    )
    return len(fresh)
