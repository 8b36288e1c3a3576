"""Taking in what somebody else signed and a partner passes on: each text proves itself, by the key of its author."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings

from taawun.cooperation.agreements import keeping
from taawun.cooperation.agreements.actions.joining import countersign
from taawun.cooperation.agreements.actions.speaking import (
    INSTRUMENT_TYP,
    SIGNATURE_TYP,
    changing,
    next_agreement_number,
    urn,
)
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.forwarding import MOST_DOCUMENTS, MOST_MARKS, MOST_SHOWN
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    Version,
)
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation import strict_json
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SignatureRefused, VerifyKey, peek
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.partners.exchange.messages import Message

__all__ = ["receive_evidence", "receive_held", "settle"]

# agreements that are settled in one go
_AT_ONCE: Final = 100
_TELLING: Final = timedelta(seconds=120)


class _Signed:
    """A signed text that a partner passed on, and its author's key, once its signature was checked."""

    def __init__(self, token: str, typ: str, keys: Mapping[str, VerifyKey]) -> None:
        try:
            kid = peek(token).kid
            payload = strict_json.parse(peek(token).payload)
            node = str(payload["node"])
            key = _key_of(node, kid, keys)
            if key is None:
                raise MessageRefused("unknown-key", f"the key {kid[:12]} of {node:.100} did not come with it")
            payload = strict_json.parse(key.verify(token, typ))
        except (SignatureRefused, strict_json.JsonRefused, KeyError, TypeError) as refused:
            raise MessageRefused("signature", str(refused)) from None
        # Any: JSON at the edge; each member is typed where it is read
        self.payload: Mapping[str, Any] = payload
        self.token, self.node, self.key = token, node, key


def _key_of(node: str, kid: str, keys: Mapping[str, VerifyKey]) -> VerifyKey | None:
    """The key of an author: one that this node knows as its, else the one that came with what it signed.

    Of a node whose key administrators compared no other key is believed: who passes on a word could have made it.
    """
    partner = Partner.objects.filter(node=node).exclude(kid="").first()
    known = lineage_of(partner).find(kid) if partner else None
    if known is None:
        return None if partner and partner.state == Partner.State.VERIFIED else keys.get(kid)
    # of what comes after a key was revoked nobody knows whether its owner signed it
    return None if known.is_doubtful(now()) else known.key


def receive_evidence(message: Message) -> None:
    """What parties signed, passed on by one of them, or shown by the depositary to whom it invited."""
    payload, lineage = message.payload, keeping.uuid(message.payload, "agreement")
    keys = {key.kid: key for key in _keys(payload)}
    signatures = [
        _Signed(_token(each), SIGNATURE_TYP, keys) for each in _list(payload, "signatures", MOST_SHOWN)
    ]
    instruments = [
        (_Signed(_token(each.get("instrument")), INSTRUMENT_TYP, keys), each.get("document"))
        for each in _list(payload, "instruments", MOST_SHOWN)
        if isinstance(each, dict)
    ]
    documents = [_document(each) for each in _list(payload, "documents", MOST_DOCUMENTS)]
    _check_known(message, lineage, documents, [signed for signed, _text in instruments])
    with changing(lineage):
        for document in documents:
            _take_version(message, lineage, document, signatures)
        for signed in signatures:
            _take_signature(lineage, signed)
        for signed, text in instruments:
            _take_instrument(lineage, signed, text)


def _check_known(
    message: Message, lineage: UUID, documents: Sequence[Document], said: Sequence[_Signed]
) -> None:
    """Of an agreement that is not known here only its depositary speaks, and only to invite this node."""
    if any(document.id != lineage for document in documents):
        raise MessageRefused("malformed", "a version is of another agreement")
    if Agreement.objects.filter(id=lineage, versions__isnull=False).exists():
        return
    partner = message.partner
    invites_us = any(
        each.payload.get("kind") == "invited"
        and each.node == partner.node
        and _is_for_us(each.payload.get("party"))
        for each in said
    )
    is_its_own = documents and all(
        (each.depositary.node, each.depositary.kid) == (partner.node, partner.kid) for each in documents
    )
    if not invites_us or not is_its_own:
        raise MessageRefused(
            "not-a-party", "this node has no part in this agreement and was not invited to it"
        )
    waiting = Version.objects.filter(depositary=partner.node)
    if waiting.exclude(keeping.was_answered("agreement_id")).count() >= keeping.MOST_WAITING:
        raise MessageRefused("too-many-waiting", "others of this sender still wait to be answered here")


def _is_for_us(party: object) -> bool:
    return (
        isinstance(party, dict)
        and party.get("node") == settings.BASE_URL
        and own_lineage().find(str(party.get("kid"))) is not None
    )


def _take_version(message: Message, lineage: UUID, document: Document, signatures: Sequence[_Signed]) -> None:
    """A version counts by its depositary's signature, whoever brings it."""
    if Version.objects.filter(digest=document.digest).exists():
        return
    own = document.depositary
    is_signed = any(
        (each.payload.get("digest"), each.node, each.key.kid) == (document.digest, own.node, own.kid)
        for each in signatures
    )
    if not is_signed:
        raise MessageRefused("unsigned", "a version is passed on with its depositary's signature")
    held = Agreement.objects.select_for_update().filter(id=lineage).first()
    first = held.versions.order_by("number").first() if held else None
    if first and first.document().depositary.node != own.node:
        raise MessageRefused("not-depositary", "another node is the depositary of this agreement")
    if held and held.versions.filter(number=document.version).exists():
        _alarm(held, own.node)
        raise MessageRefused("version-conflict", "the depositary signed another text under this number")
    if held is None:
        take_turn("agreements.number")
        held = Agreement.objects.create(
            id=lineage, number=next_agreement_number(), titles=document.title.to_json()
        )
    Version.objects.create(
        agreement=held,
        number=document.version,
        text=document.text,
        digest=document.digest,
        depositary=own.node,
    )
    newest = held.versions.order_by("-number").first()
    if newest and newest.digest == document.digest:
        Agreement.objects.filter(id=lineage).update(titles=document.title.to_json())
    keeping.look_back(document)
    record(
        PartyActor(message.partner.node, message.partner.name.in_language("en").value),
        "agreements.shown",
        urn(held),
        {"version": document.version, "digest": document.digest},
    )


def _take_signature(lineage: UUID, signed: _Signed) -> None:
    digest = keeping.digest(signed.payload)
    if not _is_about(lineage, signed, digest):
        return
    is_new = keeping.keep_signature(
        lineage, digest, signed.node, token=signed.token, jwk=signed.key.to_jwk(), at=_at(signed)
    )
    if is_new:
        keeping.record_word(_author(signed), "signed", lineage, digest)


def _take_instrument(lineage: UUID, signed: _Signed, text: object) -> None:
    digest, kind = keeping.digest(signed.payload), str(signed.payload.get("kind"))
    if kind not in PartyInstrument.Kind.values or not _is_about(lineage, signed, digest):
        return
    suggestion = text.encode() if isinstance(text, str) else None
    if kind == PartyInstrument.Kind.COUNTERED and (
        suggestion is None or sha256(suggestion) != signed.payload.get("suggestion")
    ):
        return
    is_new = keeping.keep_instrument(
        signed.payload,
        token=signed.token,
        jwk=signed.key.to_jwk(),
        at=_at(signed),
        suggestion=suggestion if kind == PartyInstrument.Kind.COUNTERED else None,
    )
    if is_new:
        keeping.record_word(_author(signed), kind, lineage, digest)


def _is_about(lineage: UUID, signed: _Signed, digest: str) -> bool:
    """Whether it is on a version that is held here, by a party of it or whom its depositary invited, with its key."""
    if signed.payload.get("agreement") != str(lineage):
        return False
    version = Version.objects.filter(digest=digest, agreement_id=lineage).first()
    if version is None:
        return False
    return keeping.speaks_with(version.document(), signed.node, signed.key.kid)


def _at(signed: _Signed) -> Any:
    """When it was signed, as far as its author is to be believed: as if it had said so itself. Any: an instant."""
    at = keeping.instant(signed.payload)
    partner = Partner.objects.filter(node=signed.node).first()
    heard = partner.heard_until if partner else None
    return max(at, min(heard, now()) - _TELLING) if heard else at


def _author(signed: _Signed) -> PartyActor:
    partner = Partner.objects.filter(node=signed.node).first()
    return PartyActor(signed.node, partner.name.in_language("en").value if partner else signed.node)


def _document(text: object) -> Document:
    if not isinstance(text, str):
        raise MessageRefused("malformed", "a version is not a text")
    try:
        return parse(text.encode())
    except DocumentRefused as refused:
        raise MessageRefused("document-refused", str(refused)) from None


def _token(value: object) -> str:
    if not isinstance(value, str):
        raise MessageRefused("malformed", "what was signed is not a text")
    return value


def _keys(payload: Mapping[str, Any]) -> Iterator[VerifyKey]:
    for each in _list(payload, "keys", MOST_SHOWN):
        try:
            yield VerifyKey.from_jwk(each)
        except (SignatureRefused, AttributeError, TypeError):
            raise MessageRefused("malformed", "one of the keys is none") from None


def _list(payload: Mapping[str, Any], member: str, most: int) -> list[Any]:
    value = payload.get(member)
    if not isinstance(value, list) or len(value) > most:
        raise MessageRefused("malformed", f"{member} is not a list of at most {most}")
    return value


def _alarm(agreement: Agreement, node: str) -> None:
    raise_notice(
        "agreements.two-texts",
        urn(agreement),
        Notice.Level.ALARM,
        {"agreement": str(agreement.id), "code": agreement.code, "node": node},
    )


def receive_held(message: Message) -> None:
    """A party tells what it holds of an agreement; what it lacks is shown to it afterwards."""
    lineage = keeping.uuid(message.payload, "agreement")
    held = _list(message.payload, "held", MOST_MARKS)
    if not all(isinstance(each, str) and len(each) == 64 for each in held):  # noqa: PLR2004 - of a SHA-256
        raise MessageRefused("malformed", "held is not a list of digests")
    if not Agreement.objects.filter(id=lineage).exists():
        raise MessageRefused("not-a-party", "this node has no part in this agreement")
    Comparison.objects.update_or_create(
        lineage=lineage,
        node=message.partner.node,
        defaults={"held": held, "received": now(), "is_waiting": True},
    )


def settle() -> int:
    """Do what follows from new evidence: countersign as the depositary; how many were done."""
    waiting = (
        Agreement.objects.filter(is_unsettled=True, versions__isnull=False).distinct().order_by("number")
    )
    settled = list(waiting[:_AT_ONCE])
    for agreement in settled:
        Agreement.objects.filter(id=agreement.id).update(is_unsettled=False)
        countersign(agreement)
        keeping.look_for_doubts(agreement)
    return len(settled)
