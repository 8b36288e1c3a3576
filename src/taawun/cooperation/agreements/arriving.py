"""Taking in what somebody else signed and a partner passes on: each text proves itself, by the key of its author."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from django.conf import settings

from taawun.cooperation.agreements import keeping
from taawun.cooperation.agreements.actions.joining import countersign
from taawun.cooperation.agreements.actions.speaking import (
    INSTRUMENT_TYP,
    SIGNATURE_TYP,
    changing,
    urn,
)
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.forwarding import MOST_DOCUMENTS, MOST_MARKS, MOST_SHOWN, PREFIXES
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.agreements.replaced_keys import Owners
from taawun.cooperation.agreements.versions import check_depositary, check_room, keep_version
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange.messages import TELLING
from taawun.cooperation.partners.identity.keys import has_key, lineage_of, own_lineage
from taawun.cooperation.partners.identity.lineage import KnownKey
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation import strict_json
from taawun.foundation.clock import now
from taawun.foundation.digests import as_sha256, sha256
from taawun.foundation.signing import SignatureRefused, VerifyKey, peek
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.identity.lineage import Lineage

__all__ = ["receive_evidence", "receive_held", "settle"]

_T = TypeVar("_T")

# agreements that are settled in one go
_AT_ONCE: Final = 100


class _Signed:
    """A signed text that a partner passed on, and its author's key, once its signature was checked."""

    def __init__(self, token: str, typ: str, keys: _Keys, owners: Owners) -> None:
        try:
            kid = peek(token).kid
            payload = strict_json.parse(peek(token).payload)
            node = str(payload["node"])
            known = keys.find(node, kid)
            payload = strict_json.parse(known.key.verify(token, typ))
        except (SignatureRefused, strict_json.JsonRefused, KeyError, TypeError) as refused:
            raise MessageRefused("signature", str(refused)) from None
        owners.check(token, typ, payload, known)
        # Any: JSON at the edge; each member is typed where it is read
        self.payload: Mapping[str, Any] = payload
        self.token, self.node, self.key = token, node, known.key


class _Keys:
    """The keys of those in whose name one message speaks. What is known of each is read once."""

    def __init__(self, message: Message, brought: Mapping[str, VerifyKey]) -> None:
        self._message, self._brought = message, brought
        self._known: dict[str, tuple[Lineage | None, bool]] = {}

    def find(self, node: str, kid: str) -> KnownKey:
        """The key of an author: one that this node knows as its, else the one that came with what it signed.

        Of a node whose key administrators compared, and of this node, no other key is believed: who passes on a word
        could have made it.

        Raises:
            MessageRefused: ``unknown-key``, or ``revoked-key``.
        """
        if node not in self._known:
            self._known[node] = _known_of(node)
        lineage, is_settled = self._known[node]
        known = lineage.find(kid) if lineage else None
        if known is None:
            found = None if is_settled else self._brought.get(kid)
            if found is None:
                raise MessageRefused("unknown-key", f"the key {kid[:12]} of {node:.100} did not come with it")
            return KnownKey(found)
        # of what comes after a key was revoked nobody knows whether its owner signed it, unless its people said so
        is_cleared = self._message.is_cleared and node == self._message.partner.node
        if known.is_doubtful(self._message.received) and not is_cleared:
            raise MessageRefused("revoked-key", "the key that signed it was revoked")
        return known


def _known_of(node: str) -> tuple[Lineage | None, bool]:
    """The keys of a node as far as they are known here, and whether no other is believed."""
    if node == settings.BASE_URL:
        return own_lineage(), True
    partner = Partner.objects.filter(node=node).exclude(kid="").first()
    if partner is None:
        return None, False
    return lineage_of(partner), partner.state == Partner.State.VERIFIED


class _Attempts:
    """Taking in one thing after another: what cannot be taken in hinders none of the others."""

    def __init__(self) -> None:
        self._refused: MessageRefused | None = None
        # of what is to be told to the administrators whatever becomes of the rest
        self.alarm: Callable[[], None] | None = None
        self._is_any_taken = False

    def read(self, reading: Callable[[], _T]) -> Iterator[_T]:
        """What a reading gives, or nothing where that is refused."""
        try:
            yield reading()
        except MessageRefused as refused:
            self._refused = self._refused or refused
            self.alarm = self.alarm or refused.alarm

    def take(self, taking: Callable[[], bool]) -> None:
        """Take in one thing, of which nothing is written before it may be refused; it answers whether it is held."""
        try:
            self._is_any_taken |= taking()
        except MessageRefused as refused:
            self._refused = self._refused or refused

    def finish(self) -> None:
        """Refuse the message of which nothing could be taken in.

        Raises:
            MessageRefused: as the first thing in it was.
        """
        if self._refused and not self._is_any_taken:
            raise self._refused


def receive_evidence(message: Message) -> None:
    """What parties signed, passed on by one of them, or shown by the depositary to whom it invited.

    Each thing in it stands for itself. The message is refused where nothing in it could be taken in.
    """
    attempts = _Attempts()
    try:
        _take_in(message, attempts)
    except MessageRefused as refused:
        refused.alarm = attempts.alarm
        raise
    if attempts.alarm:
        attempts.alarm()


def _take_in(message: Message, attempts: _Attempts) -> None:
    payload, lineage = message.payload, keeping.uuid(message.payload, "agreement")
    keys, owners = _Keys(message, _brought(payload)), Owners(message, lineage)

    def once(values: Iterable[object]) -> list[str]:
        found = (each for value in values for each in attempts.read(partial(_text, value)))
        return list(dict.fromkeys(found))

    def verified(tokens: Iterable[str], typ: str) -> list[_Signed]:
        new = (each for each in tokens if each not in held)
        return [signed for each in new for signed in attempts.read(partial(_Signed, each, typ, keys, owners))]

    tokens = once(_list(payload, "signatures", MOST_SHOWN))
    shown = [each for each in _list(payload, "instruments", MOST_SHOWN) if isinstance(each, dict)]
    words = once(each.get("instrument") for each in shown)
    offered = once(_list({"proposals": [], **payload}, "proposals", MOST_SHOWN))
    held = _held(lineage, tokens, words, offered)
    signatures = verified(tokens, SIGNATURE_TYP)
    instruments = verified(words, INSTRUMENT_TYP)
    proposed = verified(offered, PROPOSAL_TYP)
    texts = {str(each.get("instrument")): each.get("document") for each in reversed(shown)}
    documents = [
        document
        for each in _list(payload, "documents", MOST_DOCUMENTS)
        for document in attempts.read(partial(_document, each, lineage))
    ]
    _check_known(message, lineage, documents, instruments)
    voices = keeping.Voices(lineage)
    with changing(lineage):
        for document in documents:
            attempts.take(partial(_take_version, message, document, signatures, proposed))
        for signed in signatures:
            attempts.take(partial(_take_signature, lineage, signed, voices))
        # who was invited speaks once its invitation is here
        for signed in sorted(instruments, key=lambda each: each.payload.get("kind") != "invited"):
            attempts.take(partial(_take_instrument, lineage, signed, texts.get(signed.token), voices))
    if not held:
        attempts.finish()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise MessageRefused("malformed", "what was signed is not a text")
    return value


def _held(
    lineage: UUID, signatures: Iterable[str], instruments: Iterable[str], proposals: Iterable[str]
) -> frozenset[str]:
    """Those signed texts that are held already: what signed them was checked when they came."""
    marks = {sha256(each.encode()): each for each in instruments}
    words = PartyInstrument.objects.filter(lineage=lineage, mark__in=marks).values_list("mark", flat=True)
    versions = Version.objects.filter(agreement=lineage)
    # a version that is not held is taken by its depositary's signature, though that is
    signed = PartySignature.objects.filter(
        lineage=lineage, digest__in=versions.values("digest"), token__in=list(signatures)
    )
    proposed = versions.filter(proposal__in=list(proposals))
    return frozenset(
        (
            *(marks[mark] for mark in words),
            *signed.values_list("token", flat=True),
            *proposed.values_list("proposal", flat=True),
        )
    )


def _check_known(
    message: Message, lineage: UUID, documents: Sequence[Document], said: Sequence[_Signed]
) -> None:
    """Of an agreement that is not known here only its depositary speaks, and only to invite this node.

    Others do where their versions name it as a party: a depositary may have told it to some of them only.
    """
    if Agreement.objects.filter(id=lineage, versions__isnull=False).exists():
        return
    if documents and all(_names_us(each) for each in documents):
        return
    partner = message.partner
    invites_us = any(
        each.payload.get("kind") == "invited"
        and each.node == partner.node
        and _is_for_us(each.payload.get("party"))
        for each in said
    )
    is_its_own = documents and all(
        each.depositary.node == partner.node and has_key(partner, each.depositary.kid) for each in documents
    )
    if not invites_us or not is_its_own:
        raise MessageRefused(
            "not-a-party", "this node has no part in this agreement and was not invited to it"
        )


def _names_us(document: Document) -> bool:
    """Whether a version names a key of this node, and its depositary is a node that it has met, under its own key."""
    me, depositary = document.party_of(settings.BASE_URL), document.depositary
    met = Partner.objects.filter(node=depositary.node).exclude(kid="").first()
    is_met = met is not None and has_key(met, depositary.kid)
    return is_met and me is not None and own_lineage().find(me.kid) is not None


def _is_for_us(party: object) -> bool:
    return (
        isinstance(party, dict)
        and party.get("node") == settings.BASE_URL
        and own_lineage().find(str(party.get("kid"))) is not None
    )


def _take_version(
    message: Message, document: Document, signatures: Sequence[_Signed], proposed: Sequence[_Signed]
) -> bool:
    """A version counts by its depositary's word that it proposed or signed it, whoever brings it."""
    if Version.objects.filter(digest=document.digest).exists():
        return True
    own, me = document.depositary, document.party_of(settings.BASE_URL)

    def of_depositary(words: Sequence[_Signed]) -> _Signed | None:
        said = (str(document.id), document.digest)
        about = [
            each for each in words if (each.payload.get("agreement"), each.payload.get("digest")) == said
        ]
        own_words = (each for each in about if each.node == own.node)
        return next((each for each in own_words if keeping.stands_for(own.node, own.kid, each.key.kid)), None)

    proposal = of_depositary(proposed)
    signed = proposal or of_depositary(signatures)
    if signed is None:
        raise MessageRefused("unsigned", "a version is passed on with its depositary's word or signature")
    # a version may leave this node out; where it names it, it names a key of its own
    if me is not None and own_lineage().find(me.kid) is None:
        raise MessageRefused("not-a-party", "the version names another key for this node")
    check_depositary(document, signed.key.kid)
    check_room(document)
    held = keep_version(document, proposal.token if proposal else "")
    record(
        PartyActor(message.partner.node, message.partner.name.in_language("en").value),
        "agreements.shown",
        urn(held),
        {"version": document.version, "digest": document.digest},
    )
    return True


def _take_signature(lineage: UUID, signed: _Signed, voices: keeping.Voices) -> bool:
    digest = keeping.digest(signed.payload)
    if not _is_about(lineage, signed, digest, voices):
        return False
    is_new = keeping.keep_signature(
        lineage, digest, signed.node, token=signed.token, jwk=signed.key.to_jwk(), at=_at(signed)
    )
    if is_new:
        keeping.record_word(_author(signed), "signed", lineage, digest)
    return True


def _take_instrument(lineage: UUID, signed: _Signed, text: object, voices: keeping.Voices) -> bool:
    digest, kind = keeping.digest(signed.payload), str(signed.payload.get("kind"))
    if kind not in PartyInstrument.Kind.values or not _is_about(lineage, signed, digest, voices):
        return False
    suggestion = _suggestion(signed, text) if kind == PartyInstrument.Kind.COUNTERED else None
    is_new = keeping.keep_instrument(
        signed.payload,
        token=signed.token,
        jwk=signed.key.to_jwk(),
        at=_at(signed),
        suggestion=suggestion,
    )
    if is_new:
        keeping.record_word(_author(signed), kind, lineage, digest)
    if is_new and kind == PartyInstrument.Kind.INVITED:
        party = signed.payload["party"]
        voices.invite(signed.node, party["node"], party["kid"])
    return True


def _suggestion(signed: _Signed, text: object) -> bytes:
    found = text.encode() if isinstance(text, str) else b""
    if sha256(found) != signed.payload.get("suggestion"):
        raise MessageRefused("digest", "the counter-proposal is not the one that was signed for")
    keeping.check_counters(signed.node, len(found))
    try:
        parse(found)
    except DocumentRefused as refused:
        raise MessageRefused("document-refused", str(refused)) from None
    return found


def _is_about(lineage: UUID, signed: _Signed, digest: str, voices: keeping.Voices) -> bool:
    """Whether it is on a version that is held here, by a party of it or whom its depositary invited, with its key."""
    if signed.payload.get("agreement") != str(lineage):
        return False
    return voices.may(digest, signed.node, signed.key.kid)


def _at(signed: _Signed) -> Any:
    """When it was signed, as far as its author is to be believed: as if it had said so itself. Any: an instant."""
    at = keeping.instant(signed.payload)
    partner = Partner.objects.filter(node=signed.node).first()
    heard = partner.heard_until if partner else None
    return max(at, min(heard, now()) - TELLING) if heard else at


def _author(signed: _Signed) -> PartyActor:
    partner = Partner.objects.filter(node=signed.node).first()
    return PartyActor(signed.node, partner.name.in_language("en").value if partner else signed.node)


def _document(text: object, lineage: UUID) -> Document:
    if not isinstance(text, str):
        raise MessageRefused("malformed", "a version is not a text")
    try:
        document = parse(text.encode())
    except DocumentRefused as refused:
        raise MessageRefused("document-refused", str(refused)) from None
    if document.id != lineage:
        raise MessageRefused("malformed", "a version is of another agreement")
    return document


def _brought(payload: Mapping[str, Any]) -> dict[str, VerifyKey]:
    found = {}
    for each in _list(payload, "keys", MOST_SHOWN):
        # what is no key verifies nothing
        with suppress(SignatureRefused, AttributeError, TypeError):
            key = VerifyKey.from_jwk(each)
            found[key.kid] = key
    return found


def _list(payload: Mapping[str, Any], member: str, most: int) -> list[Any]:
    value = payload.get(member)
    if not isinstance(value, list) or len(value) > most:
        raise MessageRefused("malformed", f"{member} is not a list of at most {most}")
    return value


def receive_held(message: Message) -> None:
    """A party tells what it holds of an agreement; what it lacks is shown to it afterwards."""
    lineage = keeping.uuid(message.payload, "agreement")
    held = _list(message.payload, "held", MOST_MARKS)
    try:
        for each in held:
            as_sha256(each)
    except ValueError:
        raise MessageRefused("malformed", "held is not a list of digests") from None
    if not Agreement.objects.filter(id=lineage).exists():
        _check_may_tell(message.partner)
    prefix = message.payload.get("prefix", "")
    if prefix not in ("", *PREFIXES):
        raise MessageRefused("malformed", "prefix is no hexadecimal digit")
    Comparison.objects.update_or_create(
        lineage=lineage,
        node=message.partner.node,
        prefix=prefix,
        defaults={"held": held, "received": now(), "is_waiting": True, "not_before": None},
    )


def _check_may_tell(partner: Partner) -> None:
    """Of agreements that are not known here, a partner whose key was compared may tell of some: it shows them then."""
    if partner.state != Partner.State.VERIFIED:
        raise MessageRefused("not-a-party", "this node has no part in this agreement")
    unknown = Comparison.objects.filter(node=partner.node)
    keeping.check_waiting(unknown.exclude(lineage__in=Agreement.objects.values("id")))


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
