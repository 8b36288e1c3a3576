"""Who calls with a guest's token: it opens what is for guests, and no other token does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from taawun.cooperation.federation.guests import Guest
from taawun.cooperation.federation.models import GuestToken
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.tokens import note_use
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.platform.audit.actions import record
from taawun.platform.web.bearer import Bearer, TokenDoor

if TYPE_CHECKING:
    from taawun.platform.web.api import ApiRequest

__all__ = ["DOOR", "GUESTS", "guest_of"]

GUESTS: Final = "guests"


def bearer(secret: str) -> Bearer | None:
    """Which guest a token belongs to, or None when it opens nothing (unknown, revoked, expired)."""
    token = GuestToken.objects.filter(
        digest=sha256(secret.encode()), revoked__isnull=True, expires__gt=now()
    ).first()
    if token is None:
        return None
    note_use(GuestToken.objects.filter(id=token.id), token.last_used)
    return Bearer(Guest(token), token.id, token.expires, frozenset(), secret)


def guest_of(request: ApiRequest) -> Guest:
    """The guest behind a request that passed the gate.

    Raises:
        TypeError: it did not pass the gate of guests' tokens.
    """
    guest = request.auth.actor
    if not isinstance(guest, Guest):
        raise TypeError("the bearer of a guest's token is a guest")
    return guest


DOOR: Final = TokenDoor(GUESTS, bearer, require, record, _("Ask the node that hosts you for one."))
