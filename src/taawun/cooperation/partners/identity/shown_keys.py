"""What partners show a restored node of how its keys went on after the backup, and whose word leads.

Every statement is genuine, or it would not be here. But whoever has the key of the backup can let a key of his own
follow it, and sign that; so each partner's list is walked by itself, from the keys that are known here, and no two
are ever made one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from taawun.cooperation.partners.identity import keys, rotation
from taawun.cooperation.partners.identity.lineage import walk
from taawun.cooperation.partners.identity.rotation import CURRENT
from taawun.cooperation.partners.models import ShownKeys
from taawun.foundation.clock import now
from taawun.foundation.signing import VerifyKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.partners.identity.lineage import Lineage, Walk
    from taawun.cooperation.partners.identity.rotation import Rotation
    from taawun.cooperation.partners.models import Partner

__all__ = ["Leading", "Shown", "leading", "shown_by"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One partner's word.

    Args:
        partner: whose.
        statements: as it showed them, oldest first.
        walk: where they lead from the keys that are known here.
    """

    partner: Partner
    statements: tuple[Rotation, ...]
    walk: Walk

    @property
    def end(self) -> str:
        """Thumbprint of the key to which it leads."""
        return self.walk.lineage.current.kid

    @property
    def is_news(self) -> bool:
        """Whether it proves that a key followed which is not known here."""
        return any(step.key == CURRENT for step in self.walk.steps)

    def leads(self, other: Shown) -> bool:
        """Whether one that believed the other so far would follow this one, and none that believes this one the other.

        It is so where this one goes on where the other ends, and where the recovery key has said so.
        """
        return self.end == other.end or (self._overrules(other) and not other._overrules(self))

    def _overrules(self, other: Shown) -> bool:
        return _walk(other.walk.lineage, self.statements).lineage.current.kid == self.end


@dataclass(frozen=True, slots=True)
class Leading:
    """The word that leads, and one that denies it.

    Args:
        shown: what leads.
        denied_by: what leads to another key, and neither follows the other; None where all are of one mind.
    """

    shown: Shown
    denied_by: Shown | None


def leading() -> Leading | None:
    """Whose word leads; None where nobody shows anything."""
    everybody = _all()
    if not everybody:
        return None
    found, denying = everybody[0], list[Shown]()
    for each in everybody[1:]:
        if each.leads(found):
            found = each
        elif not found.leads(each):
            denying.append(each)
    # who came last may lead those as well
    return Leading(found, next((each for each in denying if not found.leads(each)), None))


def _all() -> list[Shown]:
    rows = ShownKeys.objects.select_related("partner")
    read = [
        shown_by(
            row.partner,
            [rotation.read(each, node=settings.BASE_URL, at=row.shown) for each in row.statements],
        )
        for row in rows
    ]
    return [each for each in read if each.is_news]


def shown_by(partner: Partner, statements: Sequence[Rotation]) -> Shown:
    """A partner's word, walked from the keys that this node knows to be its own.

    Args:
        partner: whose.
        statements: oldest first, not believed yet.
    """
    return Shown(partner, tuple(statements), _walk(keys.own_lineage(), statements))


def _walk(known: Lineage, statements: Sequence[Rotation]) -> Walk:
    recovery = keys.recovery_jwk()
    return walk(known, VerifyKey.from_jwk(recovery) if recovery else None, statements, at=now())
