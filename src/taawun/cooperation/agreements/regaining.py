"""Knowing again what this node had proposed, signed and declared before it was restored from a backup.

The messages are our own words on our own talk lanes, whose signatures and digests were verified. What our officers had
approved is not in them; the signature that it led to is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings

from taawun.cooperation.agreements import keeping
from taawun.cooperation.agreements.actions import (
    INSTRUMENT_TYP,
    SIGNATURE_TYP,
    changed,
    changing,
)
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Told, Version
from taawun.cooperation.agreements.versions import keep_version
from taawun.cooperation.partners.identity.keys import own_lineage
from taawun.foundation import strict_json
from taawun.foundation.clock import parse_timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.signing import peek

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.partners.logs.chain import Header

__all__ = ["regain_declared", "regain_evidence", "regain_held", "regain_proposed", "regain_signed"]


# Any: JSON of our own, signed by ourselves, here and below
def regain_proposed(payload: Mapping[str, Any], header: Header) -> None:
    """A version that we had proposed."""
    del header
    document = parse(str(payload["document"]).encode())
    if not Version.objects.filter(digest=document.digest).exists():
        keep_version(document, str(payload.get("proposal", "")))
        changed()
    Version.objects.filter(digest=document.digest).update(is_said=True)


def regain_signed(payload: Mapping[str, Any], header: Header) -> None:
    """A version that we had signed."""
    del header
    token = str(payload["signature"])
    said = strict_json.parse(own_lineage().verify(token, SIGNATURE_TYP))
    lineage = UUID(said["agreement"])
    with changing(lineage):
        keeping.keep_signature(
            lineage,
            said["digest"],
            settings.BASE_URL,
            token=token,
            jwk=_jwk(token),
            at=parse_timestamp(said["at"]),
        )
        own = PartySignature.objects.filter(lineage=lineage, digest=said["digest"], node=settings.BASE_URL)
        own.update(is_said=True)


def regain_declared(payload: Mapping[str, Any], header: Header) -> None:
    """What we had declared: a suspension, a notice, a counter-proposal."""
    del header
    token, document = str(payload["instrument"]), payload.get("document")
    said = strict_json.parse(own_lineage().verify(token, INSTRUMENT_TYP))
    with changing(UUID(said["agreement"])):
        keeping.keep_instrument(
            said,
            token=token,
            jwk=_jwk(token),
            at=parse_timestamp(said["at"]),
            suggestion=str(document).encode() if document and said["kind"] == "countered" else None,
        )
        own = PartyInstrument.objects.filter(node=settings.BASE_URL, words=sha256(peek(token).payload))
        own.update(is_said=True)


def _jwk(token: str) -> dict[str, str]:
    """The key of ours that signed a text, of now or of before."""
    return own_lineage().signer(token).key.to_jwk()


def regain_evidence(payload: Mapping[str, Any], header: Header) -> None:
    """What we had passed on of others: they are asked for it."""
    regain_held(payload, header)


def regain_held(payload: Mapping[str, Any], header: Header) -> None:
    """What we had said that we hold: we hold less now, and tell it anew, so that the others show the rest."""
    del header
    lineage = UUID(payload["agreement"])
    Told.objects.filter(lineage=lineage).delete()
    Agreement.objects.filter(id=lineage).update(is_uncompared=True)
