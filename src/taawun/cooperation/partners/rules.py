"""What may pass between this node and another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.rules import Granted, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.people.rules import Answer

__all__ = ["can_receive", "can_talk"]


def can_talk(partner: Partner) -> Answer:
    """Whether messages may be exchanged: with everybody we met, unless blocked."""
    if partner.state == Partner.State.BLOCKED:
        return Refused("partner-blocked", _("This partner is blocked. Unblock it first."))
    return Granted()


def can_receive(partner: Partner, at: datetime) -> Answer:
    """Whether the partner may receive anything under an agreement."""
    talk = can_talk(partner)
    if isinstance(talk, Refused):
        return talk
    if partner.state != Partner.State.VERIFIED:
        return Refused(
            "not-verified",
            _("Its fingerprint has not been compared yet. Compare it with its administrator by telephone."),
        )
    if not partner.is_current(at):
        return Refused(
            "descriptor-lapsed",
            _("Its descriptor has lapsed. Nothing is sent until its node answers with a new one."),
        )
    return Granted()
