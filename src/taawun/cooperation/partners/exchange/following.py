"""Following the public lane of a partner: an administrator's choice, and the word by which the partner knows of it.

Nobody has to say that they read a public lane. Who says so is told of news, is delivered to by a node that nobody can
call, and signs receipts, so that its sender knows how far it reached (docs/protocol.md, "The public lane").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.partners.actions import urn
from taawun.cooperation.partners.errors import MessageRefused, PartnerRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs.lanes import own_public_lanes
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.people.actors import Actor

__all__ = ["FOLLOWED", "NOT_FOLLOWED", "follow", "unfollow"]

# why an entry of a public lane that is read on is not opened
NOT_FOLLOWED: Final = "not-followed"


@transaction.atomic
def follow(actor: Actor, partner: Partner) -> Partner:
    """Read the public lane of a partner from now on, from its beginning, and tell the partner.

    Args:
        actor: an administrator.
        partner: one whose fingerprint was compared.

    Raises:
        NotAllowed: the actor may not.
        PartnerRefused: nobody has compared it, or it is blocked.
        NodeReturning: this node was restored, and may not say anything yet.
    """
    require(actor, "manage:partners")
    if partner.state != Partner.State.VERIFIED:
        raise PartnerRefused(
            "not-compared",
            _("Compare the fingerprint of this partner first: only then is it known who publishes."),
        )
    if _choose(actor, partner, is_followed=True):
        # what came while it was not followed is opened now; its contents are fetched
        unopened = LaneEntry.objects.filter(
            lane__sender=partner,
            lane__purpose=Lane.Purpose.PUBLIC,
            state=LaneEntry.State.UNOPENED,
            reason=NOT_FOLLOWED,
        )
        unopened.update(state=LaneEntry.State.PENDING, reason="", attempts=0, not_before=None)
    return Partner.objects.get(id=partner.id)


@transaction.atomic
def unfollow(actor: Actor, partner: Partner) -> Partner:
    """Take nothing more in from the public lane of a partner. What came stays, and is still withdrawn with it.

    Args:
        actor: an administrator.
        partner: one that is followed.

    Raises:
        NotAllowed: the actor may not.
        NodeReturning: this node was restored, and may not say anything yet.
    """
    require(actor, "manage:partners")
    _choose(actor, partner, is_followed=False)
    return Partner.objects.get(id=partner.id)


def _choose(actor: Actor, partner: Partner, *, is_followed: bool) -> bool:
    """Whether the choice is another than before; then it is said to the partner."""
    one_speaker()
    changed = Partner.objects.filter(id=partner.id).exclude(is_followed=is_followed)
    if not changed.update(is_followed=is_followed, wants_pull=True, not_before=now()):
        return False
    messages.send(partner, "lane.followed", {"follows": is_followed})
    record(actor, "partners.followed" if is_followed else "partners.unfollowed", urn(partner), {})
    return True


def _hear(message: messages.Message) -> None:
    """A partner says that it reads our public lane, or that it takes nothing more in from it."""
    follows = message.payload.get("follows")
    if not isinstance(follows, bool):
        raise MessageRefused("malformed", "`follows` is true or false")
    Partner.objects.filter(id=message.partner.id).update(is_follower=follows)
    lane = own_public_lanes().filter(is_closed=False).first()
    # one that follows no longer is still told what is withdrawn
    if follows and lane is not None:
        LaneReader.objects.get_or_create(lane=lane, partner=message.partner)


def _regain(payload: Mapping[str, Any], header: Header) -> None:
    """What an administrator had chosen after the backup. Any: JSON of our own, signed by ourselves."""
    Partner.objects.filter(node=header.to).update(is_followed=payload["follows"] is True)


FOLLOWED: Final = messages.MessageKind("lane.followed", _hear, _regain)
