"""The parties that acceded to an agreement and to which this node gives the history: whom somebody here confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from taawun.cooperation.agreements.history import History
from taawun.cooperation.agreements.models import Newcomer
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.spans import receivers_of, ref_of
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.agreements.history import Earlier
    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.agreements.standing import Standing

__all__ = ["Joined", "earlier_for", "joined"]


@dataclass(frozen=True, slots=True)
class Joined:
    """A party that acceded.

    Args:
        party: its entry, as it was invited.
        clauses: refs of the clauses under which this node gives it what was sent before; never empty.
        confirmed: what somebody here said of it; None while nobody has, and then it is given nothing under them.
    """

    party: Party
    clauses: tuple[str, ...]
    confirmed: Newcomer | None


def joined(agreement: Agreement, standing: Standing | None = None) -> list[Joined]:
    """The parties that acceded and to which this node gives the history under some clause, in their order.

    Args:
        agreement: which.
        standing: where it stands; it is asked where this is not told.
    """
    document = (standing or standing_of(agreement)).current
    if document is None or not document.acceded:
        return []
    said = {each.party: each for each in Newcomer.objects.filter(lineage=agreement.id)}
    found = []
    for party in document.parties:
        clauses = _giving(document, party) if document.has_acceded(party.ref) else ()
        if clauses and party.node != settings.BASE_URL:
            found.append(Joined(party, clauses, said.get(party.node)))
    return found


def _giving(document: Document, party: Party) -> tuple[str, ...]:
    me = ref_of(document, settings.BASE_URL)
    return tuple(
        clause.ref
        for clause in document.clauses
        if clause.history == "all" and party.ref in receivers_of(clause, me, document)
    )


def earlier_for(agreement: Agreement, party: str) -> list[Earlier]:
    """What a party would read of what was sent before, over all rooms that send.

    Args:
        agreement: which.
        party: its key.
    """
    return [row for each in registry.all(History) for row in each.earlier(agreement, party)]
