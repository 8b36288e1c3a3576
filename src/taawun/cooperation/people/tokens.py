"""Who calls with a bearer token: from the secret to the one who acts."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from taawun.cooperation.people.actors import PersonActor
from taawun.cooperation.people.models import ApiToken
from taawun.cooperation.people.queries import actor_for_token
from taawun.cooperation.people.rules import require
from taawun.foundation.clock import now
from taawun.platform.audit.actions import record
from taawun.platform.web.bearer import Bearer, TokenDoor

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from taawun.platform.web.api import ApiRequest

__all__ = ["DOOR", "acting", "bearer", "note_use"]

log: Final = logging.getLogger(__name__)

# when a token was last used is told to the minute: a write for every request would cost more than the requests
_NOTED_EVERY: Final = timedelta(minutes=1)


def bearer(secret: str) -> Bearer | None:
    """Who a token belongs to, or None when it opens nothing (unknown, revoked, expired, inactive)."""
    found = actor_for_token(secret)
    if found is None:
        return None
    actor, token = found
    note_use(ApiToken.objects.filter(id=token.id), token.last_used)
    return Bearer(actor, token.id, token.expires, actor.permissions, secret)


def note_use(token: QuerySet[Any], last_used: datetime | None) -> None:
    """Note that a token is used now.

    Args:
        token: its row, of whatever kind of token, which has ``last_used``.
        last_used: as it was read.
    """
    at = now()
    if last_used is not None and at - last_used < _NOTED_EVERY:
        return
    try:
        with transaction.atomic():
            token.filter(Q(last_used__isnull=True) | Q(last_used__lt=at)).update(last_used=at)
    except OperationalError as busy:
        # a note, which the next request makes; whoever reads need not wait for whoever writes
        log.info("the use of a token is not noted: %s", busy)


def acting(request: ApiRequest) -> PersonActor:
    """The person behind a request that passed the gate.

    Raises:
        TypeError: it did not pass the gate of people's tokens.
    """
    actor = request.auth.actor
    if not isinstance(actor, PersonActor):
        raise TypeError("the bearer of an API token is a person")
    return actor


DOOR: Final = TokenDoor("people", bearer, require, record, _("Make one on your profile's page."))
