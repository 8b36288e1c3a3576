"""A node that was restored from a backup, until it knows again what it had said since.

Its lanes went on after the backup: what it says now would stand where something else stands already, signed with the
same key, which is a fork. So it says nothing until every partner has told it which headers of its own it holds (that is
:mod:`taawun.cooperation.partners.restored.held`), or an administrator no longer waits for that partner. A lane that
somebody reads who never told is closed for good, and another one is opened for the same purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.partners.errors import NodeReturning, PartnerRefused
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Awaited, Lane, LaneReader, Partner, ShownKeys
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
    "heard",
    "is_returning",
    "is_to_be_asked",
    "may_take",
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
    """Whether a partner has yet to tell what it holds of our lanes.

    Of one that was given up nothing is taken any more: what our keys sign becomes known to it again over lanes that
    are opened anew, and whoever comes with more may have signed that with a key of ours that he stole.
    """
    return _open().filter(partner=partner).exists()


def may_take() -> bool:
    """Whether it is known which of our keys signed what: everybody who is waited for had a say, and that is settled."""
    return not (_open().filter(heard=None).exists() or ShownKeys.objects.exists())


def heard(partner: Partner) -> None:
    """A partner has had its say on our keys; once all have, they are asked for what they hold."""
    if _open().filter(partner=partner, heard=None).update(heard=now()) and may_take():
        others = Partner.objects.filter(id__in=_open().values("partner")).exclude(id=partner.id)
        others.update(wants_pull=True, not_before=now())


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
    # who is waited for shows it again, and of anybody else it would be waited for for ever
    ShownKeys.objects.all().delete()
    # one that we block is told nothing and asked nothing, and of what a stranger holds nobody can say whose word it is
    known = list(Partner.objects.filter(state=Partner.State.VERIFIED).exclude(kid="").order_by("node"))
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
        _close_those_not_told_of()
        _catch_up()
    return nodes


@transaction.atomic
def answered(partner: Partner) -> None:
    """A partner has told all that it holds, and all of it is known again.

    While another one shows that the key of this node was replaced after the backup, that is not all.
    """
    # of the last two, each would see the other one still waited for
    one_speaker()
    if ShownKeys.objects.exists():
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
    one_speaker()
    if not Awaited.objects.filter(partner=partner, answered=None, given_up=None).update(given_up=now()):
        raise PartnerRefused("not-awaited", _("This node does not wait for that partner."))
    # whom nobody believes any more does not deny what the others show
    ShownKeys.objects.filter(partner=partner).delete()
    Partner.objects.filter(id__in=_open().values("partner")).update(wants_pull=True, not_before=now())
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
    _close_those_not_told_of()
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


def _close_those_not_told_of() -> None:
    """What is read by somebody who never told, were it that nobody asked, is not continued."""
    told = Awaited.objects.exclude(answered=None).values("partner")
    close_lanes(Lane.objects.filter(readers__in=LaneReader.objects.exclude(partner__in=told)))
