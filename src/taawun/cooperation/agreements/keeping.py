"""Keeping what was signed about agreements as evidence, whoever brought it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from taawun.cooperation.agreements import statements
from taawun.cooperation.agreements.document import check_narrowings, parse_narrowings
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.models import (
    Agreement,
    DoubtedWord,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.clock import TimestampRefused, now, parse_timestamp
from taawun.foundation.digests import as_sha256, sha256
from taawun.foundation.signing import peek
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from taawun.cooperation.agreements.document import Document

__all__ = [
    "MOST_WAITING",
    "digest",
    "instant",
    "keep_instrument",
    "keep_signature",
    "look_back",
    "look_for_doubts",
    "record_word",
    "speaks_with",
    "stands_for",
    "text",
    "uuid",
    "was_answered",
]

_SKEW: Final = timedelta(seconds=60)
# proposals of one partner that wait for our people, and as many counter-proposals; each may be of 1 MiB
MOST_WAITING: Final = 100


def was_answered(lineage: str) -> Q:
    """Whether this node has signed or declared anything about a row's agreement since the row came."""
    since = {"lineage": OuterRef(lineage), "node": settings.BASE_URL, "received__gte": OuterRef("received")}
    return Q(Exists(PartySignature.objects.filter(**since))) | Q(
        Exists(PartyInstrument.objects.filter(**since))
    )


def keep_signature(  # noqa: PLR0913 - what is signed, by whom, with what, and when
    lineage: UUID, digest: str, node: str, *, token: str, jwk: Mapping[str, str], at: datetime
) -> bool:
    """Keep a party's signature on a version; whether it is new.

    Who signs a version twice signed it the first time, at every node, whichever it showed to whom.
    """
    signed = {"token": token, "jwk": dict(jwk)}
    row, is_new = PartySignature.objects.get_or_create(
        lineage=lineage, digest=digest, node=node, defaults={**signed, **_when(node, token, at)}
    )
    if not is_new and _is_repeated(row, token):
        PartySignature.objects.filter(pk=row.pk).update(**signed)
        return False
    if not is_new and row.token != token and at < row.at:
        PartySignature.objects.filter(pk=row.pk).update(token=token, jwk=dict(jwk), at=at)
    return is_new


def keep_instrument(
    payload: Mapping[str, Any], *, token: str, jwk: Mapping[str, str], at: datetime, suggestion: bytes | None
) -> bool:
    """Keep an instrument that was verified; whether it is new.

    Args:
        payload: what was signed. Any: JSON at the edge.
        token: the signed text.
        jwk: the key that signed it.
        at: when it was signed, as far as its author is to be believed.
        suggestion: a counter-proposal's text.

    Raises:
        MessageRefused: it cannot be read, or is a declaration that would widen a clause.
    """
    kind, node, lineage = text(payload, "kind"), text(payload, "node"), uuid(payload, "agreement")
    try:
        said = statements.check(kind, payload)
    except DocumentRefused as refused:
        raise MessageRefused("malformed", f"{refused.place}: {refused.message}") from None
    about = digest(payload)
    if kind == PartyInstrument.Kind.DECLARED:
        _check_declaration(lineage, about, node, said)
    signed = {"token": token, "mark": sha256(token.encode()), "jwk": dict(jwk)}
    row, is_new = PartyInstrument.objects.get_or_create(
        id=_own_id(node, uuid(payload, "id")),
        defaults={
            "lineage": lineage,
            "kind": kind,
            "node": node,
            "digest": about,
            "lifts": _own_id(node, uuid(payload, "lifts")) if "lifts" in payload else None,
            "answers": _own_id(text(payload, "of"), uuid(payload, "answers"))
            if "answers" in payload
            else None,
            "note": text(payload, "note")[:4000],
            "suggestion": suggestion,
            "said": said,
            **signed,
            **_when(node, token, at),
        },
    )
    if not is_new and _is_repeated(row, token):
        PartyInstrument.objects.filter(pk=row.pk).update(**signed)
    return is_new


def _when(node: str, token: str, at: datetime) -> dict[str, datetime]:
    """When something was said, and came, as columns: of what is said again after a revocation, the first time."""
    again = DoubtedWord.objects.filter(node=node, said=sha256(peek(token).payload))
    before = again.first()
    if before is None:
        return {"at": at, "received": now()}
    again.delete()
    return {"at": before.at, "received": before.received}


def _is_repeated(row: PartySignature | PartyInstrument, token: str) -> bool:
    """Whether the same words came under a later key of their party: all nodes keep the later one of the two."""
    held, came = peek(row.token), peek(token)
    return held.kid != came.kid and held.payload == came.payload and stands_for(row.node, held.kid, came.kid)


def _check_declaration(lineage: UUID, about: str, node: str, said: Mapping[str, Any]) -> None:
    version = Version.objects.filter(digest=about, agreement_id=lineage).first()
    document = version.document() if version else None
    party = document.party_of(node) if document else None
    if document is None or party is None:
        return  # of what is not known here, or of a newcomer: what would widen has no effect in any case
    try:
        check_narrowings(document, party.ref, parse_narrowings(said["narrows"]))
    except DocumentRefused as refused:
        # whom somebody else's accession made a party is not in the text
        if "/without/" not in refused.place:
            raise MessageRefused("widens", f"{refused.place}: {refused.message}") from None


def speaks_with(document: Document, node: str, kid: str) -> bool:
    """Whether a node is a party of a version, or its depositary invited it, and this is the key named for it there."""
    party = document.party_of(node)
    if party is not None:
        return stands_for(node, party.kid, kid)
    invitations = PartyInstrument.objects.filter(
        lineage=document.id, kind=PartyInstrument.Kind.INVITED, node=document.depositary.node
    )
    named = [each.said.get("party", {}) for each in invitations]
    return any(each.get("node") == node and stands_for(node, str(each.get("kid")), kid) for each in named)


def stands_for(node: str, named: str, kid: str) -> bool:
    """Whether a key is the one that a text names for a node, or a later one of its lineage."""
    if named == kid:
        return True
    if node == settings.BASE_URL:
        return own_lineage().speaks_for(named, kid)
    partner = Partner.objects.filter(node=node).exclude(kid="").first()
    return partner is not None and lineage_of(partner).speaks_for(named, kid)


def record_word(speaker: PartyActor, verb: str, lineage: UUID, digest: str) -> None:
    """Record what a partner said: on the agreement where it is a party of that version, else on the partner itself.

    Whoever we have met may name any agreement. Its word counts for nothing there, and is not told there either.
    """
    version = Version.objects.filter(digest=digest, agreement_id=lineage).first()
    document = version.document() if version else None
    is_party = document is not None and (
        document.party_of(speaker.node) or verb == PartyInstrument.Kind.ACCEDED
    )
    if document is not None and is_party:
        record(
            speaker,
            f"agreements.{verb}",
            f"urn:uuid:{lineage}",
            {"version": document.version, "digest": digest},
        )
    else:
        about = {"agreement": str(lineage), "digest": digest}
        record(speaker, f"agreements.{verb}", f"urn:taawun:node:{speaker.node}", about)


def look_back(document: Document) -> None:
    """Of what came before its version: drop what another key said, and tell the rest on the agreement."""
    for model in (PartySignature, PartyInstrument):
        for row in model.objects.filter(lineage=document.id, digest=document.digest).order_by("received"):
            party = document.party_of(row.node)
            if party is None:
                continue
            partner = Partner.objects.filter(node=row.node).first()
            if not stands_for(row.node, party.kid, peek(row.token).kid):
                row.delete()
                continue
            name = partner.name.in_language("en").value if partner else row.node
            verb = row.kind if isinstance(row, PartyInstrument) else "signed"
            record_word(PartyActor(row.node, name), verb, row.lineage, row.digest)


def look_for_doubts(agreement: Agreement) -> None:
    """Alarm where the depositary countersigned one thing twice: it told one story to some, and another to others."""
    words = PartyInstrument.objects.filter(
        lineage=agreement.id, kind=PartyInstrument.Kind.COUNTERSIGNED
    ).exclude(node=settings.BASE_URL)
    seen: set[tuple[str, object]] = set()
    for row in words.order_by("received", "id"):
        about = (row.node, row.answers)
        if about in seen:
            raise_notice(
                "agreements.two-countersignatures",
                f"urn:uuid:{agreement.id}",
                Notice.Level.ALARM,
                {"agreement": str(agreement.id), "code": agreement.code, "node": row.node},
            )
            return
        seen.add(about)


def _own_id(node: str, chosen: UUID) -> UUID:
    """The id under which a party's instrument is kept: its own choice, unless another party's has that id.

    Instruments reach every party, so one of them could give its own the id of another's and send it on faster:
    the other's, a suspension perhaps, would then pass for known and count for nothing.
    """
    is_taken = PartyInstrument.objects.filter(id=chosen).exclude(node=node).exists()
    return uuid5(chosen, node) if is_taken else chosen


def text(payload: Mapping[str, Any], member: str) -> str:
    """A member that is a text. Any: JSON at the edge."""
    value = payload.get(member)
    if not isinstance(value, str):
        raise MessageRefused("malformed", f"{member} is missing")
    return value


def digest(payload: Mapping[str, Any]) -> str:
    """The digest of the version that is spoken about."""
    try:
        return as_sha256(text(payload, "digest"))
    except ValueError:
        raise MessageRefused("malformed", "digest is no SHA-256") from None


def uuid(payload: Mapping[str, Any], member: str) -> UUID:
    """A member that is a UUID."""
    try:
        return UUID(text(payload, member))
    except ValueError:
        raise MessageRefused("malformed", f"{member} is no UUID") from None


def instant(payload: Mapping[str, Any]) -> datetime:
    """When something was signed, by its own word, which never lies ahead."""
    try:
        at = parse_timestamp(text(payload, "at"))
    except TimestampRefused:
        raise MessageRefused("malformed", "at is no instant") from None
    if at > now() + _SKEW:
        raise MessageRefused("future", "it is signed in the future: compare the two clocks")
    return at
