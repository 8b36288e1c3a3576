"""Who is calling: signed requests of other nodes (RFC 9421), each taken once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction

from taawun.cooperation.partners import descriptor as descriptors
from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.models import Nonce, Partner
from taawun.foundation import request_signatures
from taawun.foundation.clock import now
from taawun.foundation.request_signatures import RequestRefused
from taawun.foundation.signing import VerifyKey

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["caller", "introduce"]


def caller(request: HttpRequest) -> Partner:
    """The partner that signed this request.

    Raises:
        RequestRefused: it is not signed as it must be, or was seen before.
        PartnerRefused: the key is nobody's, or the partner is blocked.
    """
    found: list[Partner] = []

    def resolve(kid: str) -> VerifyKey | None:
        partner = Partner.objects.filter(kid=kid).first()
        if partner is None:
            return None
        found.append(partner)
        return VerifyKey.from_jwk(partner.jwk)

    _take_once(request, resolve)
    partner = found[0]
    if partner.state == Partner.State.BLOCKED:
        raise PartnerRefused("partner-blocked", "This node does not talk to yours.")
    return partner


def introduce(request: HttpRequest, token: str) -> None:
    """Check that a request is signed by the key of the descriptor it carries.

    Raises:
        DescriptorRefused: the descriptor is not valid.
        RequestRefused: the request is not signed by its key, or was seen before.
    """
    told = descriptors.read(token, at=now())
    _take_once(request, lambda kid: told.key if kid == told.key.kid else None)


def _take_once(request: HttpRequest, resolve: request_signatures.KeyResolver) -> None:
    # the configured address, never the Host header: a request meant for another node is not for us
    url = settings.BASE_URL + request.get_full_path()
    signed = request_signatures.verify(
        request.method or "", url, dict(request.headers), request.body, resolve, at=now()
    )
    try:
        with transaction.atomic():
            Nonce.objects.create(kid=signed.kid, nonce=signed.nonce, expires=signed.expires)
    except IntegrityError:
        raise RequestRefused("replayed", "This request was seen before.") from None
