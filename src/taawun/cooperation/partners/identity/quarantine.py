"""What came under a key that its owner has revoked since: set aside at once, and decided by a person here.

Source: docs/protocol.md, "Revocation". What is in quarantine is a state of its entry, so nothing of it is forgotten by
a kill: what was taken in before is marked together with the revocation, and what it brought is taken out entry by
entry, each in its own transaction, by whoever comes first.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.purposes import LanePurpose, Revocation
from taawun.cooperation.partners.logs.turns import one_ender
from taawun.cooperation.partners.models import LaneEntry, Partner, PartnerKey
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

    from taawun.cooperation.partners.identity.lineage import Lineage
    from taawun.cooperation.people.actors import Actor

__all__ = [
    "DROPPED",
    "SET_ASIDE",
    "carry_out",
    "decide_on",
    "drop",
    "in_quarantine",
    "mark",
    "take_in",
    "tell",
]

log = logging.getLogger(__name__)

# why an entry is in quarantine: what it brought is out, or is about to be
SET_ASIDE: Final = "revoked-key"
_TO_SET_ASIDE: Final = "to-set-aside"
DROPPED: Final = "dropped"
# entries that the audit row of one decision names
_NAMED: Final = 200
_BATCH: Final = 500


def mark(partner: Partner, lineage: Lineage) -> int:
    """Put what was taken in under revoked keys, after the instant of their revocation, into quarantine.

    Inside the transaction in which the revocation is learned. That it was withdrawn meanwhile stays so.

    Args:
        partner: whose keys they are.
        lineage: all of them.

    Returns:
        How many entries.
    """
    taken = LaneEntry.objects.filter(lane__sender=partner, state=LaneEntry.State.DONE, cleared=None)
    taken = taken.filter(action="publish").exclude(kind="lane.opened")
    revoked = [known for known in lineage.keys if known.revoked_since]
    marked = sum(_mark(taken.filter(kid=known.kid, recorded__gt=known.revoked_since)) for known in revoked)
    if marked:
        tell(partner)
    return marked


def _mark(taken: QuerySet[LaneEntry]) -> int:
    # who locked one is just ending it, and may wait for us: it is marked with the next look, if it still stands then
    free = taken.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    ids = list(free.order_by("id").values_list("id", flat=True))
    for some in _batches(ids):
        LaneEntry.objects.filter(id__in=some).update(state=LaneEntry.State.QUARANTINED, reason=_TO_SET_ASIDE)
    return len(ids)


def tell(partner: Partner) -> None:
    """Let somebody here look at what is in quarantine: one notice for all of a partner."""
    facts = {"node": partner.node, "partner": str(partner.id)}
    raise_notice("partners.quarantined", f"urn:taawun:node:{partner.node}", Notice.Level.ALARM, facts)


def carry_out(partner: Partner) -> int:
    """Take out again what entries in quarantine have brought, the newest first; it may be done twice.

    Returns:
        How many entries were dealt with.
    """
    for key in partner.earlier_keys.filter(revoked_since__isnull=False, is_swept=False):
        _sweep(partner, key)
    done = 0
    marked = in_quarantine(partner).filter(reason=_TO_SET_ASIDE).order_by("-id")
    for entry_id in list(marked.values_list("id", flat=True)):
        try:
            done += _set_aside(entry_id)
        except Exception:
            # the others are not kept waiting by one of them, which is tried again at the next look
            log.exception("what entry %s brought could not be set aside", entry_id)
    return done


@transaction.atomic
def _sweep(partner: Partner, key: PartnerKey) -> None:
    """Put away what others passed on under a revoked key: its entries are of other lanes, and under other keys."""
    if key.revoked_since is None:
        return
    # what somebody was just ending when the revocation was learned is looked at once more
    one_ender()
    mark(partner, lineage_of(partner))
    put_away = sum(each.put_away(partner, key.kid, key.revoked_since) for each in registry.all(Revocation))
    PartnerKey.objects.filter(pk=key.pk).update(is_swept=True)
    if put_away:
        tell(partner)


@transaction.atomic
def _set_aside(entry_id: int) -> bool:
    one_ender()
    entry = LaneEntry.objects.select_for_update().get(id=entry_id)
    if (entry.state, entry.reason) != (LaneEntry.State.QUARANTINED, _TO_SET_ASIDE):
        return False
    registry.get(LanePurpose, entry.lane.purpose).set_aside(entry, False)
    LaneEntry.objects.filter(id=entry.id).update(reason=SET_ASIDE)
    return True


def in_quarantine(partner: Partner) -> QuerySet[LaneEntry]:
    """The entries of a partner that somebody here decides about, newest first."""
    found = LaneEntry.objects.filter(lane__sender=partner, state=LaneEntry.State.QUARANTINED)
    return found.select_related("lane").order_by("-id")


def decide_on(partner: Partner, entries: Collection[int] | None) -> list[int]:
    """The entries that a decision is about.

    Args:
        partner: whose.
        entries: their ids; None for all that are in quarantine.

    Raises:
        PartnerRefused: ``not-in-quarantine`` where one of them is not, by now.
    """
    held = in_quarantine(partner)
    found = list((held if entries is None else held.filter(id__in=entries)).values_list("id", flat=True))
    if entries is not None and len(found) != len(set(entries)):
        raise PartnerRefused(
            "not-in-quarantine",
            _("Somebody has decided about one of these already. Look at the list again."),
        )
    return found


def take_in(actor: Actor, partner: Partner, entries: Collection[int] | None) -> int:
    """Take in what is in quarantine, as the partner's administrator said that it is genuine.

    Each entry waits from now on like one that arrives, and is held to its clause as such.

    Args:
        actor: who decides; needs ``manage:partners``.
        partner: who sent it.
        entries: their ids; None for all.

    Returns:
        How many.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: as :func:`decide_on`.
    """
    require(actor, "manage:partners")
    carry_out(partner)
    with transaction.atomic():
        chosen = decide_on(partner, entries)
        for some in _batches(chosen):
            LaneEntry.objects.filter(_still(), id__in=some).update(
                # what was in before is taken in by itself: it may have to be put where it was
                state=LaneEntry.State.PENDING,
                reason="",
                attempts=1,
                not_before=None,
                cleared=now(),
            )
        Partner.objects.filter(id=partner.id).update(wants_pull=True, not_before=now())
        _note(actor, partner, "taken-in", chosen)
    return len(chosen)


def drop(actor: Actor, partner: Partner, entries: Collection[int] | None) -> int:
    """Drop what is in quarantine for good: its headers stay, as all do.

    Args:
        actor: who decides; needs ``manage:partners``.
        partner: who sent it.
        entries: their ids; None for all.

    Returns:
        How many.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: as :func:`decide_on`.
    """
    require(actor, "manage:partners")
    carry_out(partner)
    chosen = decide_on(partner, entries)
    for entry_id in chosen:
        _drop(entry_id)
    with transaction.atomic():
        _note(actor, partner, "dropped", chosen)
    return len(chosen)


@transaction.atomic
def _drop(entry_id: int) -> None:
    one_ender()
    entry = LaneEntry.objects.select_for_update().filter(_still(), id=entry_id).first()
    if entry is None:
        return
    registry.get(LanePurpose, entry.lane.purpose).set_aside(entry, True)
    LaneEntry.objects.filter(id=entry.id).update(state=LaneEntry.State.REFUSED, reason=DROPPED)
    contents.drop_unused(entry.content_digest)


def _still() -> Q:
    return Q(state=LaneEntry.State.QUARANTINED)


def _note(actor: Actor, partner: Partner, what: str, chosen: Collection[int]) -> None:
    """One row of the trail for one decision, which names the entries that it was about."""
    if not in_quarantine(partner).exists():
        resolve("partners.quarantined", f"urn:taawun:node:{partner.node}")
    if not chosen:
        return
    named = LaneEntry.objects.filter(id__in=sorted(chosen)[:_NAMED]).order_by("id")
    facts = {
        "count": len(chosen),
        "entries": [f"{lane} {seq}" for lane, seq in named.values_list("lane_id", "seq")],
    }
    record(actor, f"partners.quarantine-{what}", f"urn:taawun:node:{partner.node}", facts)


def _batches(chosen: list[int]) -> list[list[int]]:
    return [chosen[start : start + _BATCH] for start in range(0, len(chosen), _BATCH)]
