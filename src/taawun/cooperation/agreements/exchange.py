"""How agreements travel: messages of the talk lane become evidence, whatever order they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from taawun.cooperation.agreements import doubting, keeping, proposals
from taawun.cooperation.agreements.actions import (
    INSTRUMENT_TYP,
    SIGNATURE_TYP,
    changing,
    urn,
)
from taawun.cooperation.agreements.arriving import receive_evidence, receive_held
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.models import PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.regaining import (
    regain_declared,
    regain_evidence,
    regain_held,
    regain_proposed,
    regain_signed,
)
from taawun.cooperation.agreements.versions import check_depositary, check_room, keep_version
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange.messages import MessageKind
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation import strict_json
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SignatureRefused
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.partners.exchange.messages import Message

__all__ = ["MESSAGE_KINDS"]


def receive_proposed(message: Message) -> None:
    """A version from its depositary."""
    text = keeping.text(message.payload, "document").encode()
    try:
        document = parse(text)
    except DocumentRefused as refused:
        raise MessageRefused("document-refused", str(refused)) from None
    if Version.objects.filter(digest=document.digest).exists():
        return
    _check_parties(document, message)
    keys = lineage_of(message.partner)
    proposal = proposals.check(message.payload.get("proposal"), document, keys)
    if keys.signer(proposal).is_doubtful(message.received) and not message.is_cleared:
        raise MessageRefused("revoked-key", "the key that signed it was revoked")
    check_room(document)
    with changing(document.id):
        check_depositary(document, message.partner.kid)
        agreement = keep_version(document, proposal)
    record(
        _party(message),
        "agreements.proposed",
        urn(agreement),
        {"version": document.version, "digest": document.digest},
    )


def _check_parties(document: Document, message: Message) -> None:
    partner = message.partner
    keys = lineage_of(partner)
    if document.depositary.node != partner.node or keys.find(document.depositary.kid) is None:
        raise MessageRefused("not-depositary", "a version is proposed by its depositary, under its own key")
    me = document.party_of(settings.BASE_URL)
    if me is None or own_lineage().find(me.kid) is None:
        raise MessageRefused(
            "not-a-party", "this node, with a key of its own, is not a party of the document"
        )


def receive_signed(message: Message) -> None:
    """A party's signature on a version."""
    token = keeping.text(message.payload, "signature")
    payload = _verified(message, token, SIGNATURE_TYP)
    lineage, digest, at = keeping.uuid(payload, "agreement"), keeping.digest(payload), _at(message, payload)
    _check_key(message, token, digest)
    if PartySignature.objects.filter(lineage=lineage, node=message.partner.node, token=token).exists():
        return
    with changing(lineage):
        is_new = keeping.keep_signature(
            lineage, digest, message.partner.node, token=token, jwk=_jwk(message, token), at=at
        )
        if is_new:
            keeping.record_word(_party(message), "signed", lineage, digest)


def receive_declared(message: Message) -> None:
    """A party signs an instrument: docs/protocol.md, "Signatures and instruments"."""
    token = keeping.text(message.payload, "instrument")
    payload = _verified(message, token, INSTRUMENT_TYP)
    kind, lineage = keeping.text(payload, "kind"), keeping.uuid(payload, "agreement")
    if kind not in PartyInstrument.Kind.values:
        raise MessageRefused("unknown-instrument", f"this node does not know the instrument {kind!r:.40}")
    suggestion = _suggestion(message, payload) if kind == PartyInstrument.Kind.COUNTERED else None
    if suggestion is not None:
        keeping.check_counters(message.partner.node, len(suggestion))
    digest = keeping.digest(payload)
    _check_key(message, token, digest)
    if keeping.is_held(message.partner.node, token):
        return
    with changing(lineage, kind):
        is_new = keeping.keep_instrument(
            payload,
            token=token,
            jwk=_jwk(message, token),
            at=_at(message, payload),
            suggestion=suggestion,
        )
        if is_new:
            keeping.record_word(_party(message), kind, lineage, digest)


def _jwk(message: Message, token: str) -> dict[str, str]:
    """The key of the sender that signed a text, which was verified."""
    return lineage_of(message.partner).signer(token).key.to_jwk()


def _check_key(message: Message, token: str, digest: str) -> None:
    """A party speaks with the key that the version names for it, or with one that followed that key.

    A version that comes later looks back.
    """
    keys = lineage_of(message.partner)
    if keys.signer(token).is_doubtful(message.received) and not message.is_cleared:
        raise MessageRefused("revoked-key", "the key that signed it was revoked")
    version = Version.objects.filter(digest=digest).first()
    party = version.document().party_of(message.partner.node) if version else None
    if party is not None and not keys.speaks_for(party.kid, keys.signer(token).kid):
        raise MessageRefused("other-key", "the version names another key for this party")


def _suggestion(message: Message, payload: Mapping[str, Any]) -> bytes:
    text = keeping.text(message.payload, "document").encode()
    if sha256(text) != payload.get("suggestion"):
        raise MessageRefused("digest", "the counter-proposal is not the one that was signed for")
    try:
        parse(text)
    except DocumentRefused as refused:
        raise MessageRefused("document-refused", str(refused)) from None
    return text


def _verified(message: Message, token: str, typ: str) -> Mapping[str, Any]:
    # Any: JSON at the edge; each member is typed where it is read
    try:
        payload = strict_json.parse(lineage_of(message.partner).verify(token, typ))
    except (SignatureRefused, strict_json.JsonRefused) as refused:
        raise MessageRefused("signature", str(refused)) from None
    if not isinstance(payload, dict) or payload.get("node") != message.partner.node:
        raise MessageRefused("signature", "it is not signed in the sender's own name")
    addressed = payload.get("to")
    if not isinstance(addressed, list) or settings.BASE_URL not in addressed:
        raise MessageRefused("not-to-us", "it is not addressed to this node")
    return payload


def _at(message: Message, payload: Mapping[str, Any]) -> datetime:
    """When something was signed, as far as the sender is to be believed."""
    return message.believed(keeping.instant(payload))


def _party(message: Message) -> PartyActor:
    return PartyActor(message.partner.node, message.partner.name.in_language("en").value)


MESSAGE_KINDS: Final = (
    MessageKind("agreement.proposed", receive_proposed, regain_proposed, doubting.put_away_proposed),
    MessageKind("agreement.signed", receive_signed, regain_signed, doubting.put_away_signed),
    MessageKind("agreement.declared", receive_declared, regain_declared, doubting.put_away_declared),
    # what others signed stays where a revoked key only passed it on; what it signed itself goes by that key
    MessageKind("agreement.evidence", receive_evidence, regain_evidence),
    MessageKind("agreement.held", receive_held, regain_held, doubting.put_away_held),
)
