"""A node that was restored from a backup, until it knows again what it had said since.

Its lanes went on after the backup: what it says now would stand where something else stands already, signed with the
same key, which is a fork. So it says nothing until every partner has told it which headers of its own it holds (that is
:mod:`taawun.cooperation.partners.restored.held`), or an administrator no longer waits for that partner. A lane that
somebody reads who never told is closed for good, and another one is opened for the same purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from taawun.cooperation.partners.errors import NodeReturning, PartnerRefused
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.models import Awaited, Lane, Partner, ShownRotation
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import Actor

__all__ = [
    "SUBJECT",
    "answered",
    "awaited",
    "begin",
    "close_lanes",
    "ensure_speaking",
    "give_up",
    "is_returning",
    "is_to_be_asked",
]

SUBJECT: Final = "urn:taawun:returning"


class _Known:
    """What this process has seen once: a node that does not wait any more never begins to while it runs."""

    is_over = False


def awaited() -> QuerySet[Awaited]:
    """Every partner that was waited for, those still waited for first."""
    return Awaited.objects.select_related("partner").order_by("answered", "given_up", "partner__node")


def _open() -> QuerySet[Awaited]:
    return Awaited.objects.filter(answered=None, given_up=None)


def is_returning() -> bool:
    """Whether this node was restored and says nothing yet."""
    if _Known.is_over:
        return False
    if _open().exists():
        return True
    _Known.is_over = True
    return False


def ensure_speaking() -> None:
    """Go on only if this node may say something.

    Raises:
        NodeReturning: it was restored, and waits for its partners.
    """
    if is_returning():
        raise NodeReturning(
            _(
                "This node was restored from a backup and says nothing until its partners have told it what it had "
                "said since. The page of partners shows for whom it waits. Nothing that was written is lost."
            )
        )


def is_to_be_asked(partner: Partner) -> bool:
    """Whether a partner has yet to tell what it holds of our lanes, were it long given up."""
    return Awaited.objects.filter(partner=partner, answered=None).exists()


@transaction.atomic
def begin(actor: Actor) -> tuple[str, ...]:
    """Wait for every partner there is: what a restore does last.

    Args:
        actor: the operator at the console.

    Returns:
        Base addresses of the partners that are waited for.
    """
    _Known.is_over = False
    Awaited.objects.all().delete()
    # one that we block is told nothing and asked nothing; what we had said to it is its own affair
    spoken_to = Q(state=Partner.State.VERIFIED) | Q(reads__isnull=False)
    known = list(
        Partner.objects.filter(spoken_to)
        .exclude(kid="")
        .exclude(state=Partner.State.BLOCKED)
        .order_by("node")
        .distinct()
    )
    Awaited.objects.bulk_create(Awaited(partner=each) for each in known)
    # anybody may hold more of it, and not all of them can be asked
    close_lanes(Lane.objects.filter(purpose=Lane.Purpose.PUBLIC))
    at = now()
    Partner.objects.update(wants_pull=True, wants_push=True, not_before=at, next_poll=at, failures=0)
    nodes = tuple(each.node for each in known)
    if nodes:
        raise_notice("partners.returning", SUBJECT, Notice.Level.ALARM, {"count": str(len(nodes))})
        record(actor, "partners.returning", SUBJECT, {"awaited": list(nodes)})
    else:
        _close_those_of_the_blocked()
        _catch_up()
    return nodes


@transaction.atomic
def answered(partner: Partner) -> None:
    """A partner has told all that it holds, and all of it is known again.

    While another one shows that the key of this node was replaced after the backup, that is not all.
    """
    if ShownRotation.objects.exists():
        return
    if Awaited.objects.filter(partner=partner, answered=None).update(
        answered=now(), fault="", fault_detail=""
    ):
        resolve("partners.return-refused", f"urn:taawun:node:{partner.node}")
        _end_if_all_did()


@transaction.atomic
def give_up(actor: Actor, partner: Partner) -> None:
    """Wait for a partner no longer. Lanes that it reads are never continued; others are opened for the same purpose.

    Args:
        actor: an administrator.
        partner: for whom.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: it is not waited for.
    """
    require(actor, "manage:partners")
    if not Awaited.objects.filter(partner=partner, answered=None, given_up=None).update(given_up=now()):
        raise PartnerRefused("not-awaited", _("This node does not wait for that partner."))
    closed = close_lanes(Lane.objects.filter(readers__partner=partner))
    record(actor, "partners.return-given-up", f"urn:taawun:node:{partner.node}", {"lanes": closed})
    _end_if_all_did()


def close_lanes(among: QuerySet[Lane]) -> int:
    """Never continue these lanes of ours.

    Returns:
        How many were closed.
    """
    ids = list(among.filter(sender=None, is_closed=False).values_list("id", flat=True))
    return Lane.objects.filter(id__in=ids).update(is_closed=True)


def _end_if_all_did() -> None:
    if _open().exists():
        return
    _close_those_of_the_blocked()
    resolve("partners.returning", SUBJECT)
    told = {
        "answered": Awaited.objects.exclude(answered=None).count(),
        "given_up": Awaited.objects.filter(answered=None).count(),
    }
    record(SystemActor("partners.sync"), "partners.returned", SUBJECT, told)
    _catch_up()
    Partner.objects.exclude(state=Partner.State.BLOCKED).update(wants_push=True, wants_pull=True)


def _catch_up() -> None:
    for purpose in registry.all(LanePurpose):
        if purpose.catch_up:
            purpose.catch_up()


def _close_those_of_the_blocked() -> None:
    """Nobody asked them, so what they read is not continued either."""
    close_lanes(Lane.objects.filter(readers__partner__state=Partner.State.BLOCKED))
