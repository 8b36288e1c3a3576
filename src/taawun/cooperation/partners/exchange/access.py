"""Who is calling: signed requests of other nodes (RFC 9421), each taken once."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import IntegrityError, transaction

from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.identity import descriptor as descriptors
from taawun.cooperation.partners.identity import succession
from taawun.cooperation.partners.models import Nonce, Partner, PartnerKey
from taawun.foundation import request_signatures
from taawun.foundation.clock import now
from taawun.foundation.request_signatures import RequestRefused
from taawun.foundation.signing import VerifyKey
from taawun.platform.web.limits import Buckets, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

__all__ = ["KeyIsReplaced", "caller", "introduce"]

# What one partner may ask of one web process. A month of releases, each with a content of its own to fetch, is read at
# once; what goes on beyond it is a loop that went wild. One that nobody compared reads a lane of fifty messages.
PARTNERS: Final = Buckets(Rate(burst=20_000, per_second=50))
UNCOMPARED: Final = Buckets(Rate(burst=200, per_second=0.5))
# a request that was signed just before its node changed its key lives for a minute, and two clocks may differ by one
_REPLACED: Final = timedelta(seconds=120)


class KeyIsReplaced(RequestRefused):
    """A request that is signed with a key that its node replaced.

    Args:
        key: the row of that key.
        code, message: as of every refusal.
    """

    def __init__(self, key: PartnerKey, code: str, message: str) -> None:
        super().__init__(code, message)
        self.rotations = succession.shown_by(key.partner, key.position)


def caller(request: HttpRequest) -> Partner:
    """The partner that signed this request.

    Raises:
        RequestRefused: it is not signed as it must be, or was seen before; ``retired-key`` where its node signs with
            another key by now.
        PartnerRefused: the partner is blocked.
        AskedTooOften: it asks more often than it needs to.
    """
    found: list[Partner] = []

    def resolve(kid: str) -> VerifyKey | None:
        partner = Partner.objects.filter(kid=kid).first()
        if partner is None:
            return _replaced(kid, found)
        found.append(partner)
        return VerifyKey.from_jwk(partner.jwk)

    _take_once(request, resolve, lambda: _admit(found[0]))
    return found[0]


def _replaced(kid: str, found: list[Partner]) -> VerifyKey | None:
    """A key that a partner has replaced: good for what was on its way, and for nothing after that."""
    row = PartnerKey.objects.select_related("partner").filter(kid=kid).first()
    if row is None:
        return None
    if row.revoked_since or now() > row.replaced + _REPLACED:
        raise KeyIsReplaced(
            row,
            "retired-key",
            "Your node has replaced the key that signed this request. If it was restored from a backup, give it the "
            "key that it signed with last.",
        )
    found.append(row.partner)
    return VerifyKey.from_jwk(row.jwk)


def _admit(partner: Partner) -> None:
    """Whether one that signed its request is answered now: asked before anything is written for it."""
    if partner.state == Partner.State.BLOCKED:
        raise PartnerRefused("partner-blocked", "This node does not talk to yours.")
    buckets = PARTNERS if partner.state == Partner.State.VERIFIED else UNCOMPARED
    if wait := buckets.take(str(partner.id)):
        said = f"Your node asks too often. Try again in {math.ceil(wait)} s."
        raise AskedTooOften(wait, "asked-too-often", said)


def introduce(request: HttpRequest, token: str) -> None:
    """Check that a request is signed by the key of the descriptor it carries.

    Raises:
        DescriptorRefused: the descriptor is not valid.
        RequestRefused: the request is not signed by its key, or was seen before.
    """
    told = descriptors.read(token, at=now())
    _take_once(request, lambda kid: told.key if kid == told.key.kid else None)


def _take_once(
    request: HttpRequest,
    resolve: request_signatures.KeyResolver,
    admit: Callable[[], None] = lambda: None,
) -> None:
    # the configured address, never the Host header: a request meant for another node is not for us
    url = settings.BASE_URL + request.get_full_path()
    signed = request_signatures.verify(
        request.method or "", url, dict(request.headers), request.body, resolve, at=now()
    )
    admit()
    try:
        with transaction.atomic():
            Nonce.objects.create(kid=signed.kid, nonce=signed.nonce, expires=signed.expires)
    except IntegrityError:
        raise RequestRefused("replayed", "This request was seen before.") from None
