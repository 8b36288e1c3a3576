"""Keeping what was signed about agreements as evidence, whoever brought it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Length

from taawun.cooperation.agreements import statements, surplus
from taawun.cooperation.agreements.document import check_narrowings, parse_narrowings
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.models import (
    Agreement,
    DoubtedWord,
    PartyInstrument,
    PartySignature,
    Shown,
    Version,
)
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation import strict_json
from taawun.foundation.clock import SKEW, TimestampRefused, now, parse_timestamp
from taawun.foundation.digests import as_sha256, sha256
from taawun.foundation.signing import peek
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.partners.identity.lineage import Lineage

__all__ = [
    "MOST_WAITING",
    "MOST_WAITING_BYTES",
    "Voices",
    "check_counters",
    "check_texts_waiting",
    "check_waiting",
    "digest",
    "instant",
    "is_held",
    "keep_instrument",
    "keep_signature",
    "look_back",
    "look_for_doubts",
    "own_id",
    "record_word",
    "stands_for",
    "text",
    "uuid",
    "warn_of_two_texts",
    "warn_of_two_words",
    "was_answered",
]

# proposals of one partner that wait for our people, and as many counter-proposals; each may be of 1 MiB
MOST_WAITING: Final = 100
# bytes of either: whatever is decided is decided by reading the texts, so they have to fit the memory several times
MOST_WAITING_BYTES: Final = 4 * 1024 * 1024
# a word that was put away with its key counts as of before where it is said again within this time
_SAID_AGAIN_WITHIN: Final = timedelta(days=28)


def was_answered(lineage: str) -> Q:
    """Whether this node has signed or declared anything about a row's agreement since the row came."""
    since = {"lineage": OuterRef(lineage), "node": settings.BASE_URL, "received__gte": OuterRef("received")}
    return Q(Exists(PartySignature.objects.filter(**since))) | Q(
        Exists(PartyInstrument.objects.filter(**since))
    )


def check_waiting(waiting: QuerySet[Any]) -> None:
    """A party may have so much before our people, and not fill their list and the disk. Any: rows of several tables.

    Raises:
        MessageRefused: ``too-many-waiting``.
    """
    if waiting.count() >= MOST_WAITING:
        raise MessageRefused(
            "too-many-waiting", f"{MOST_WAITING} others of this party still wait to be answered here"
        )


def check_texts_waiting(waiting: QuerySet[Any], column: str, size: int) -> None:
    """The same of texts, which may not fill the memory either.

    Args:
        waiting: what does. Any: rows of two tables.
        column: in which their texts are.
        size: of the further text, in bytes.

    Raises:
        MessageRefused: ``too-many-waiting``.
    """
    check_waiting(waiting)
    held = waiting.aggregate(bytes=Sum(Length(column)))["bytes"] or 0
    if held + size > MOST_WAITING_BYTES:
        raise MessageRefused(
            "too-many-waiting", f"others of this party, of {held} bytes, still wait to be answered here"
        )


def check_counters(node: str, size: int) -> None:
    """The same for the counter-proposals of a party to which nobody here has said anything since they came.

    Args:
        node: its base address.
        size: of the further one, in bytes.

    Raises:
        MessageRefused: ``too-many-waiting``.
    """
    theirs = PartyInstrument.objects.filter(node=node, kind=PartyInstrument.Kind.COUNTERED)
    next_version = Version.objects.filter(
        agreement=OuterRef("lineage"), depositary=settings.BASE_URL, received__gte=OuterRef("received")
    )
    waiting = theirs.exclude(was_answered("lineage")).exclude(Exists(next_version))
    check_texts_waiting(waiting, "suggestion", size)


def keep_signature(  # noqa: PLR0913 - what is signed, by whom, with what, and when
    lineage: UUID, digest: str, node: str, *, token: str, jwk: Mapping[str, str], at: datetime
) -> bool:
    """Keep a party's signature on a version; whether it is new.

    Who signs a version twice signed it the first time, by its own word: at every node the same one, whichever it
    showed to whom. But what a revoked key signed, dated back, keeps nobody from what its owner signed with another.
    """
    signed = {"token": token, "jwk": dict(jwk)}
    row, is_new = PartySignature.objects.get_or_create(
        lineage=lineage, digest=digest, node=node, defaults={**signed, **_when(node, token, at)}
    )
    if is_new or row.token == token:
        return is_new
    rescues = _rescues(row, token)
    is_first = _signed_at(token) < _signed_at(row.token) or _is_repeated(row, token)
    if is_first if rescues is None else rescues:
        first = min(row.at, at)
        if rescues:
            # a thief may have dated back what stood here; its owner says no earlier date than this
            first = max(first, _signed_at(token)[0])
        _keep_shown(row, token)
        PartySignature.objects.filter(pk=row.pk).update(**signed, at=first)
    return False


def _rescues(row: PartySignature | PartyInstrument, token: str) -> bool | None:
    """Whether the key that signed another text is a good one of its party, and that of what is held was revoked.

    Returns:
        False for the other way round, and None where that does not tell the two apart.
    """
    lineage = _lineage_of(row.node)
    held, came = (lineage.find(peek(each).kid) if lineage else None for each in (row.token, token))
    if held is None or came is None or bool(held.revoked_since) == bool(came.revoked_since):
        return None
    return held.revoked_since is not None


def _signed_at(token: str) -> tuple[datetime, str]:
    """When something was signed, by its author's own word; of two of one instant the smaller digest is the first."""
    payload = peek(token).payload
    said = strict_json.parse(payload)
    return parse_timestamp(said["at"]), sha256(payload)


def keep_instrument(
    payload: Mapping[str, Any], *, token: str, jwk: Mapping[str, str], at: datetime, suggestion: bytes | None
) -> bool:
    """Keep an instrument that was verified; whether it is new.

    Of a party that says two things under one id both are kept, and both count: so it does not matter to whom it
    showed which, nor what came first.

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
    about, chosen = digest(payload), uuid(payload, "id")
    if kind == PartyInstrument.Kind.DECLARED:
        _check_declaration(lineage, about, node, said)
    words = sha256(peek(token).payload)
    signed = {"token": token, "mark": sha256(token.encode()), "jwk": dict(jwk)}
    row, is_new = PartyInstrument.objects.get_or_create(
        node=node,
        words=words,
        defaults={
            "id": own_id(chosen, words),
            "chosen": chosen,
            "lineage": lineage,
            "kind": kind,
            "digest": about,
            "lifts": uuid(payload, "lifts") if "lifts" in payload else None,
            "answers": uuid(payload, "answers") if "answers" in payload else None,
            "of": text(payload, "of")[:300] if "answers" in payload else "",
            "note": text(payload, "note")[:4000],
            "suggestion": suggestion,
            "said": said,
            **signed,
            **_when(node, token, at),
        },
    )
    if is_new:
        warn_of_two_words(lineage, node, chosen)
        _let_go(row)
        return PartyInstrument.objects.filter(pk=row.pk).exists()
    if _is_repeated(row, token):
        _keep_shown(row, token)
        PartyInstrument.objects.filter(pk=row.pk).update(**signed)
        row.refresh_from_db()
        _let_go(row)
    return False


def _let_go(row: PartyInstrument) -> None:
    agreement = Agreement.objects.filter(id=row.lineage).first()
    if surplus.let_go(row) and agreement is not None:
        _alarm("agreements.too-many-words", agreement, row.node)


def is_held(node: str, token: str) -> bool:
    """Whether an instrument of a node is held as this very text: who says it again changes nothing."""
    row = PartyInstrument.objects.filter(node=node, words=sha256(peek(token).payload)).first()
    return row is not None and row.token == token


def own_id(chosen: UUID, words: str) -> UUID:
    """The id by which people here name an instrument: its party's own choice, unless something else has that id.

    Nothing that is signed, and no other node, knows it.

    Args:
        chosen: by its party.
        words: SHA-256 of what was signed.
    """
    return uuid5(chosen, words) if PartyInstrument.objects.filter(id=chosen).exists() else chosen


def warn_of_two_words(lineage: UUID, node: str, chosen: UUID) -> None:
    """Alarm where a party said two things under one id: each of them was perhaps meant for others."""
    agreement = Agreement.objects.filter(id=lineage).first()
    same = PartyInstrument.objects.filter(lineage=lineage, node=node, chosen=chosen)
    if agreement is None or same.count() < 2:  # noqa: PLR2004 - it takes two to contradict each other
        return
    _alarm("agreements.two-words", agreement, node)


def warn_of_two_texts(agreement: Agreement, node: str, number: int) -> None:
    """Alarm where a depositary signed two texts under one number.

    Args:
        agreement: which.
        node: the depositary.
        number: of the version.
    """
    if agreement.versions.filter(number=number).count() > 1:
        _alarm("agreements.two-texts", agreement, node)


def _alarm(kind: str, agreement: Agreement, node: str) -> None:
    raise_notice(
        kind,
        f"urn:uuid:{agreement.id}",
        Notice.Level.ALARM,
        {"agreement": str(agreement.id), "code": agreement.code, "node": node},
    )


def _when(node: str, token: str, at: datetime) -> dict[str, datetime]:
    """When something was said, and came, as columns: of what is said again after a revocation, the first time.

    Who revokes a key says all of it again at once. Who comes with it much later, and had told it here alone, would be
    believed an instant that nobody else believes.
    """
    again = DoubtedWord.objects.filter(node=node, said=sha256(peek(token).payload))
    before = again.filter(put_away__gt=now() - _SAID_AGAIN_WITHIN).first()
    again.delete()
    return {"at": before.at, "received": before.received} if before else {"at": at, "received": now()}


def _is_repeated(row: PartySignature | PartyInstrument, token: str) -> bool:
    """Whether the same words came in another signed text, and all nodes keep that one of the two.

    That is the one under a key that was not revoked, else under the later key of their party; of one key, and of keys
    that nobody here knows as its, the one that the depositary countersigned, else the one whose digest is smaller.
    Whoever copies words under a key of its own making holds up the genuine ones no longer than until people here know
    their party, and who signs its accession again and again is not countersigned for each.
    """
    held, came = peek(row.token), peek(token)
    if held.payload != came.payload:
        return False
    if held.kid != came.kid:
        rescues = _rescues(row, token)
        if rescues is not None:
            return rescues
        if stands_for(row.node, held.kid, came.kid):
            return True
        lineage = _lineage_of(row.node)
        is_held, has_come = (
            lineage is not None and lineage.find(each.kid) is not None for each in (held, came)
        )
        if is_held or has_come:
            return has_come and not is_held
    before, after = sha256(row.token.encode()), sha256(token.encode())
    seen = _countersigned(row) if isinstance(row, PartyInstrument) else frozenset()
    if (before in seen) != (after in seen):
        return after in seen
    return after < before


def _countersigned(row: PartyInstrument) -> frozenset[str]:
    """The marks under which the depositary countersigned an instrument."""
    version = Version.objects.filter(digest=row.digest, agreement_id=row.lineage).defer("text").first()
    if version is None:
        return frozenset()
    words = PartyInstrument.objects.filter(
        lineage=row.lineage,
        kind=PartyInstrument.Kind.COUNTERSIGNED,
        node=version.depositary,
        of=row.node,
        answers=row.chosen,
    )
    return frozenset(words.values_list(KT("said__sees"), flat=True))


def _keep_shown(row: PartySignature | PartyInstrument, token: str) -> None:
    """Another signed text takes the place of one; what stands under a later key is news to all."""
    held, came = peek(row.token).kid, peek(token).kid
    mark = sha256(row.token.encode())
    if held != came and stands_for(row.node, held, came):
        Shown.objects.filter(lineage=row.lineage, mark=mark).delete()
    else:
        surplus.show_instead(row.lineage, mark, sha256(token.encode()))


def _lineage_of(node: str) -> Lineage | None:
    """The keys of a node as far as they are known here."""
    if node == settings.BASE_URL:
        return own_lineage()
    partner = Partner.objects.filter(node=node).exclude(kid="").first()
    return lineage_of(partner) if partner else None


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


class Voices:
    """Who may say something about the versions of an agreement, and with which key.

    What has to be read for that is read once, however many words one message brings: a depositary may have invited
    thousands, and whoever shows words in the names of others would have them read for each of these.

    Args:
        lineage: the agreement.
    """

    def __init__(self, lineage: UUID) -> None:
        self._lineage = lineage
        self._documents: dict[str, Document | None] = {}
        self._keys: dict[str, Lineage | None] = {}
        self._named: dict[tuple[str, str], set[str]] | None = None

    def may(self, digest: str, node: str, kid: str) -> bool:
        """Whether a node is a party of a version that is held here, or its depositary invited it, under this key.

        Args:
            digest: of the version.
            node: who speaks.
            kid: the key that signed it.
        """
        document = self._document(digest)
        if document is None:
            return False
        party = document.party_of(node)
        named = {party.kid} if party else self._invited().get((document.depositary.node, node), set())
        return kid in named or any(self._stand_for(node, each, kid) for each in named)

    def invite(self, by: str, node: str, kid: str) -> None:
        """A further invitation is held now.

        Args:
            by: who invited.
            node: whom.
            kid: under which key.
        """
        if self._named is not None:
            self._named.setdefault((by, node), set()).add(kid)

    def _document(self, digest: str) -> Document | None:
        if digest not in self._documents:
            versions = Version.objects.filter(digest=digest, agreement_id=self._lineage)
            found = versions.defer("text").first()
            if found is None:
                # it may be taken in a moment later
                return None
            self._documents[digest] = found.document()
        return self._documents[digest]

    def _invited(self) -> dict[tuple[str, str], set[str]]:
        if self._named is None:
            self._named = {}
            rows = PartyInstrument.objects.filter(lineage=self._lineage, kind=PartyInstrument.Kind.INVITED)
            for by, node, kid in rows.values_list("node", KT("said__party__node"), KT("said__party__kid")):
                self._named.setdefault((by, node), set()).add(kid)
        return self._named

    def _stand_for(self, node: str, named: str, kid: str) -> bool:
        if node not in self._keys:
            self._keys[node] = _lineage_of(node)
        keys = self._keys[node]
        return keys is not None and keys.speaks_for(named, kid)


def stands_for(node: str, named: str, kid: str) -> bool:
    """Whether a key is the one that a text names for a node, or a later one of its lineage."""
    if named == kid:
        return True
    lineage = _lineage_of(node)
    return lineage is not None and lineage.speaks_for(named, kid)


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
    """Of what came before its version: drop what is refused once it is here, and tell the rest on the agreement."""
    named: set[tuple[str, UUID]] = set()
    for model in (PartySignature, PartyInstrument):
        for row in model.objects.filter(lineage=document.id, digest=document.digest).order_by("received"):
            party = document.party_of(row.node)
            if party is None:
                continue
            if not stands_for(row.node, party.kid, peek(row.token).kid) or _widens(document, row):
                row.delete()
                continue
            partner = Partner.objects.filter(node=row.node).first()
            name = partner.name.in_language("en").value if partner else row.node
            verb = row.kind if isinstance(row, PartyInstrument) else "signed"
            record_word(PartyActor(row.node, name), verb, row.lineage, row.digest)
            if isinstance(row, PartyInstrument):
                named.add((row.node, row.chosen))
    for node, chosen in named:
        warn_of_two_words(document.id, node, chosen)


def _widens(document: Document, row: PartySignature | PartyInstrument) -> bool:
    if not isinstance(row, PartyInstrument) or row.kind != PartyInstrument.Kind.DECLARED:
        return False
    try:
        _check_declaration(document.id, document.digest, row.node, row.said)
    except MessageRefused:
        return True
    return False


def look_for_doubts(agreement: Agreement) -> None:
    """Alarm where the depositary countersigned one thing twice: it told one story to some, and another to others."""
    words = PartyInstrument.objects.filter(
        lineage=agreement.id, kind=PartyInstrument.Kind.COUNTERSIGNED
    ).exclude(node=settings.BASE_URL)
    # it may name what it countersigns by its words, and by the signed text that holds them
    acceded = PartyInstrument.objects.filter(lineage=agreement.id, kind=PartyInstrument.Kind.ACCEDED)
    named = dict(acceded.values_list("mark", "words"))
    seen: set[tuple[str, str, object, object]] = set()
    for row in words.order_by("received", "id"):
        sees = row.said.get("sees")
        about = (row.node, row.of, row.answers, named.get(sees, sees))
        if about in seen:
            _alarm("agreements.two-countersignatures", agreement, row.node)
            return
        seen.add(about)


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
    if at > now() + SKEW:
        raise MessageRefused("future", "it is signed in the future: compare the two clocks")
    return at
