"""Knowing again what this node had proposed, signed and declared before it was restored from a backup.

The messages are our own words on our own talk lanes, whose signatures and digests were verified. What our officers had
approved is not in them; the signature that it led to is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings

from taawun.cooperation.agreements import statements
from taawun.cooperation.agreements.actions import (
    INSTRUMENT_TYP,
    SIGNATURE_TYP,
    changed,
    changing,
    next_agreement_number,
)
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.partners.identity.keys import node_key
from taawun.foundation import strict_json
from taawun.foundation.clock import parse_timestamp
from taawun.foundation.digests import sha256
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.partners.logs.chain import Header

__all__ = ["regain_declared", "regain_proposed", "regain_signed"]


# Any: JSON of our own, signed by ourselves, here and below
def regain_proposed(payload: Mapping[str, Any], header: Header) -> None:
    """A version that we had proposed."""
    del header
    text = str(payload["document"]).encode()
    document = parse(text)
    if Version.objects.filter(digest=document.digest).exists():
        return
    agreement = Agreement.objects.select_for_update().filter(id=document.id).first()
    if agreement is None:
        take_turn("agreements.number")
        agreement = Agreement.objects.create(
            id=document.id, number=next_agreement_number(), titles=document.title.to_json()
        )
    Version.objects.create(
        agreement=agreement,
        number=document.version,
        text=text,
        digest=document.digest,
        depositary=settings.BASE_URL,
    )
    agreement.titles = document.title.to_json()
    agreement.save(update_fields=["titles"])
    changed()


def regain_signed(payload: Mapping[str, Any], header: Header) -> None:
    """A version that we had signed."""
    del header
    token = str(payload["signature"])
    said = strict_json.parse(node_key().public.verify(token, SIGNATURE_TYP))
    lineage = UUID(said["agreement"])
    with changing(lineage):
        PartySignature.objects.get_or_create(
            lineage=lineage,
            digest=said["digest"],
            node=settings.BASE_URL,
            defaults={"token": token, "at": parse_timestamp(said["at"])},
        )


def regain_declared(payload: Mapping[str, Any], header: Header) -> None:
    """What we had declared: a suspension, a notice, a counter-proposal."""
    del header
    token = str(payload["instrument"])
    said = strict_json.parse(node_key().public.verify(token, INSTRUMENT_TYP))
    lineage, document = UUID(said["agreement"]), payload.get("document")
    with changing(lineage):
        PartyInstrument.objects.get_or_create(
            id=UUID(said["id"]),
            defaults={
                "lineage": lineage,
                "kind": said["kind"],
                "node": settings.BASE_URL,
                "digest": said["digest"],
                "lifts": UUID(said["lifts"]) if "lifts" in said else None,
                "answers": UUID(said["answers"]) if "answers" in said else None,
                "note": str(said.get("note", ""))[:4000],
                "suggestion": str(document).encode() if document and said["kind"] == "countered" else None,
                "said": statements.check(said["kind"], said),
                "token": token,
                "mark": sha256(token.encode()),
                "at": parse_timestamp(said["at"]),
            },
        )
