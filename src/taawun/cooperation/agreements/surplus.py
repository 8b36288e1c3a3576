"""Letting go of what a party said too often, so that all nodes keep the same of what matters, whoever was shown what.

Source: docs/protocol.md, "Agreement document". One more is kept than a party may say: it shows that there was more,
and under that version nothing flows (:func:`~taawun.cooperation.agreements.standing.words.overfull`). So a party
takes nothing back by saying more. Of what says nothing of what flows no more is kept than may be said, and what came
first stays: else whoever makes up digest after digest gives all nodes news without end. What is signed with a key
counts against that key alone: whoever makes up a key in somebody's name pushes out none of its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db.models import Q

from taawun.cooperation.agreements.models import PartyInstrument, Shown, Version
from taawun.cooperation.agreements.standing.words import SAYS_NOTHING_OF_WHAT_FLOWS, most_of
from taawun.foundation import strict_json
from taawun.foundation.clock import parse_timestamp
from taawun.foundation.signing import peek

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

__all__ = ["let_go", "show_instead"]

_Kind = PartyInstrument.Kind
# of several of these only the earliest matters: a notice, or a word that binds
_ONCE: Final = frozenset({_Kind.LEFT, _Kind.TERMINATED, _Kind.RATIFIED})
# instruments about one agreement, whoever signed them; beyond these nothing more that says nothing of what flows
MOST_IN_ALL: Final = 10_000


def let_go(row: PartyInstrument) -> bool:
    """Delete what of a kind is not kept, now that a further one came.

    Args:
        row: what came.

    Returns:
        Whether there was too much.
    """
    key = row.jwk.get("kid")
    alike = PartyInstrument.objects.filter(
        lineage=row.lineage,
        node=row.node,
        kind=row.kind,
        digest=row.digest,
        **({"jwk__kid": key} if key else {"jwk__kid__isnull": True}),
    )
    most, is_own = most_of(row.kind), row.node == settings.BASE_URL
    if row.kind in SAYS_NOTHING_OF_WHAT_FLOWS and not is_own:
        gone = [row] if alike.count() > most or _is_full(row) else []
        is_surplus = bool(gone)
    else:
        is_surplus = alike.count() > most
        gone = _beyond(row, alike, most + 1) if is_surplus else []
    if gone:
        PartyInstrument.objects.filter(pk__in=[each.pk for each in gone]).delete()
        if row.pk not in {each.pk for each in gone}:
            show_instead(row.lineage, gone[0].mark, row.mark)
        Shown.objects.filter(lineage=row.lineage, mark__in=[each.mark for each in gone]).delete()
    return is_surplus


def show_instead(lineage: UUID, before: str, after: str) -> None:
    """Let what was shown of a word count for the one that takes its place: it is shown as seldom as that would be.

    Else whoever says one thing after another, of which each is kept instead of the one before it, has all nodes show
    each to all.

    Args:
        lineage: the agreement.
        before: the mark of what is not kept any more.
        after: of what is.
    """
    Shown.objects.filter(lineage=lineage, mark=after).delete()
    Shown.objects.filter(lineage=lineage, mark=before).update(mark=after)


def _is_full(row: PartyInstrument) -> bool:
    return PartyInstrument.objects.filter(lineage=row.lineage).count() > MOST_IN_ALL


def _beyond(row: PartyInstrument, alike: QuerySet[PartyInstrument], most: int) -> list[PartyInstrument]:
    if row.node == settings.BASE_URL:
        # what this node said it knows itself
        return [row] if alike.count() > most else []
    if row.kind in _ONCE:
        return _later(sorted(alike, key=_dated), most)
    pinned = _countersigned(row) if row.kind == _Kind.ACCEDED else frozenset()
    others = alike.exclude(Q(mark__in=pinned) | Q(words__in=pinned))
    return list(others.only("pk", "mark").order_by("words")[most:])


def _later(earliest_first: list[PartyInstrument], most: int) -> list[PartyInstrument]:
    """All but the earliest by their party's own word.

    It says that it said the first before these. So that is believed as far back as they are: who gives notice again,
    and dates it back, puts nothing off.
    """
    first, over = earliest_first[0], earliest_first[most:]
    if over:
        first.at = min(first.at, *(each.at for each in over))
        first.received = min(first.received, *(each.received for each in over))
        first.save(update_fields=["at", "received"])
    return over


def _dated(row: PartyInstrument) -> tuple[datetime, str]:
    return parse_timestamp(strict_json.parse(peek(row.token).payload)["at"]), row.words


def _countersigned(row: PartyInstrument) -> frozenset[str]:
    """What the depositary countersigned of a party's accessions: who became a party so stays one."""
    version = Version.objects.filter(digest=row.digest, agreement_id=row.lineage).first()
    if version is None:
        return frozenset()
    words = PartyInstrument.objects.filter(
        lineage=row.lineage,
        digest=row.digest,
        node=version.depositary,
        kind=_Kind.COUNTERSIGNED,
        of=row.node,
    )
    return frozenset(str(said.get("sees")) for said in words.values_list("said", flat=True))
