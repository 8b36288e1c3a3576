"""Our own lanes: opening them, and appending to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from taawun.cooperation.partners.identity.keys import node_key, own_lineage
from taawun.cooperation.partners.logs import chain, contents
from taawun.cooperation.partners.logs.purposes import LanePurpose
from taawun.cooperation.partners.logs.turns import one_speaker
from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.partners.rules import can_receive
from taawun.cooperation.people.rules import Refused
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.foundation.signing import SigningKey

__all__ = [
    "Item",
    "append",
    "audience_digest",
    "head_of",
    "open_clause_lane",
    "open_lane",
    "own_public_lanes",
    "public_lane",
    "read_by",
    "talk_lane",
]


@dataclass(frozen=True, slots=True)
class Item:
    """What is to be appended; the lane adds its own seq, prev and signature.

    Args:
        kind: release kind or message kind.
        subject: URN of what it is about.
        version: the subject's version.
        action: ``publish`` or ``withdraw``.
        tlp: marking of the content.
        content: its bytes, without raw line breaks, or None.
        topics, agreement, clause, audience, persons, licence, languages, to, origin: as in
            :class:`~taawun.cooperation.partners.logs.chain.Header`.
    """

    kind: str
    subject: str
    version: str
    action: str
    tlp: Tlp
    content: bytes | None
    topics: tuple[str, ...] = ()
    agreement: str = ""
    clause: str = ""
    audience: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    licence: str = ""
    languages: tuple[str, ...] = ()
    to: str = ""
    origin: str = ""


@transaction.atomic
def talk_lane(partner: Partner) -> Lane:
    """Our talk lane to a partner, opened at the first word."""
    one_speaker()
    digest = audience_digest([partner.node])
    opened = Lane.objects.filter(
        sender=None, purpose=Lane.Purpose.TALK, audience_digest=digest, is_closed=False
    )
    if lane := opened.first():
        return lane
    # two first words at once open one lane
    Partner.objects.select_for_update().get(id=partner.id)
    if lane := opened.all().first():
        return lane
    lane = Lane.objects.create(purpose=Lane.Purpose.TALK, audience_digest=digest)
    LaneReader.objects.create(lane=lane, partner=partner)
    append(lane, [_opening({"purpose": "talk"}, to=partner.node)])
    return lane


@transaction.atomic
def open_clause_lane(
    *, agreement: UUID, document: str, clause: str, readers: Collection[Partner], audience: Collection[str]
) -> Lane:
    """The lane of a clause and a choice of readers; opened when it is first used.

    Args:
        agreement: lineage of the agreement.
        document: digest of its document in force.
        clause: the clause's ref.
        readers: the partners that may read it. Empty only where guests of this node alone do: an empty list reaches
            nobody, so it needs no lane.
        audience: base addresses and guests' refs, as entry 0 states them.

    Raises:
        ValueError: there is nobody to read it.
    """
    one_speaker()
    opened = Lane.objects.filter(
        sender=None,
        purpose=Lane.Purpose.CLAUSE,
        agreement=agreement,
        clause=clause,
        audience_digest=audience_digest(audience),
        is_closed=False,
        is_whole=False,
    )
    return opened.first() or open_lane(
        agreement=agreement, document=document, clause=clause, readers=readers, audience=audience
    )


@transaction.atomic
def open_lane(  # noqa: PLR0913 - what a lane is made of
    *,
    agreement: UUID,
    document: str,
    clause: str,
    readers: Collection[Partner],
    audience: Collection[str],
    is_whole: bool = False,
) -> Lane:
    """A new lane of a clause.

    Args:
        agreement: lineage of the agreement.
        document: digest of its document in force.
        clause: the clause's ref.
        readers: the partners that may read it; never empty.
        audience: base addresses and guests' refs, as entry 0 states them.
        is_whole: whether it is for all whom the clause gives to, and goes on when somebody joins them.

    Raises:
        ValueError: there is nobody to read it.
    """
    if not readers and not any(key.startswith(f"{settings.BASE_URL}#") for key in audience):
        raise ValueError("a lane without a reader is never opened")
    one_speaker()
    lane = Lane.objects.create(
        purpose=Lane.Purpose.CLAUSE,
        agreement=agreement,
        clause=clause,
        audience_digest=audience_digest(audience),
        is_whole=is_whole,
    )
    LaneReader.objects.bulk_create(LaneReader(lane=lane, partner=reader) for reader in readers)
    content: dict[str, object] = {
        "purpose": "clause",
        "agreement": str(agreement),
        "clause": clause,
        "audience": sorted(audience),
    }
    if is_whole:
        content["whole"] = True
    append(lane, [_opening(content, agreement=document, clause=clause, audience=tuple(sorted(audience)))])
    return lane


@transaction.atomic
def public_lane() -> Lane:
    """The lane of this node that anybody may read; opened when something is first put on it.

    After a restore it is another one: nobody knows who read the one before, so nobody could be asked how it went on.
    """
    one_speaker()
    lane, created = Lane.objects.get_or_create(sender=None, purpose=Lane.Purpose.PUBLIC, is_closed=False)
    if created:
        # who reads the one before is told of what is withdrawn, also where it follows no longer
        before = Q(reads__lane__sender=None, reads__lane__purpose=Lane.Purpose.PUBLIC)
        followers = Partner.objects.filter(before | Q(is_follower=True)).distinct()
        LaneReader.objects.bulk_create(LaneReader(lane=lane, partner=each) for each in followers)
        append(lane, [replace(_opening({"purpose": "public"}), tlp=Tlp.CLEAR)])
    return lane


def own_public_lanes() -> QuerySet[Lane]:
    """The public lane of this node, and those that it took the place of."""
    return Lane.objects.filter(sender=None, purpose=Lane.Purpose.PUBLIC)


def _opening(
    content: Mapping[str, object],
    *,
    to: str = "",
    agreement: str = "",
    clause: str = "",
    audience: tuple[str, ...] = (),
) -> Item:
    return Item(
        kind="lane.opened",
        subject=f"urn:taawun:node:{settings.BASE_URL}",
        version="",
        action="publish",
        tlp=Tlp.AMBER,
        content=canonical({"sender": settings.BASE_URL, **content}),
        to=to,
        agreement=agreement,
        clause=clause,
        audience=audience,
    )


@transaction.atomic
def append(lane: Lane, items: Iterable[Item]) -> list[LaneEntry]:
    """Append to one of our lanes, sign, and ask the sync loop to tell its readers.

    Runs inside the caller's transaction: what is published and its entries are committed together or not at all.

    Returns:
        The entries, in order.

    Raises:
        NodeReturning: this node was restored, and does not know yet how its lanes go on.
        ValueError: it is for the public lane, and is not for everybody.
    """
    returning.ensure_speaking()
    one_speaker()
    items = list(items)
    if lane.purpose == Lane.Purpose.PUBLIC and not all(_is_for_everybody(item) for item in items):
        # whoever decides has refused it before; this is the last door
        raise ValueError("a public lane carries nothing but TLP:CLEAR that is for everybody")
    if lane.is_closed and items:
        return append(_following(lane, items[0]), items)
    locked = Lane.objects.select_for_update().get(id=lane.id)
    key, at = node_key(), now()
    entries, bodies = [], dict[str, bytes]()
    for item in items:
        entry = _entry(locked, item, at=at)
        token = chain.write_header(entry, key)
        digest = chain.digest_of(token)
        if item.content is not None:
            bodies[entry.digest] = item.content
        entries.append(
            LaneEntry(
                lane=locked,
                seq=entry.seq,
                header=token,
                digest=digest,
                kind=entry.kind,
                subject=entry.subject,
                version=entry.version,
                action=entry.action,
                content_digest=entry.digest,
                size=entry.size,
                issued=at,
                recorded=at,
                state=LaneEntry.State.DONE,
            )
        )
        locked.head_seq, locked.head_digest = entry.seq, digest
    contents.put_all(locked, bodies)
    LaneEntry.objects.bulk_create(entries)
    locked.known_seq, locked.last_entry = locked.head_seq, at
    locked.save(update_fields=["head_seq", "head_digest", "known_seq", "last_entry"])
    Partner.objects.filter(reads__lane=locked).exclude(state=Partner.State.BLOCKED).update(wants_push=True)
    lane.refresh_from_db()
    return entries


def _is_for_everybody(item: Item) -> bool:
    bounds = (item.audience, item.persons, item.agreement, item.clause, item.to)
    return item.tlp == Tlp.CLEAR and not any(bounds)


def _following(lane: Lane, item: Item) -> Lane:
    """The lane that takes the place of one that is never continued."""
    if lane.purpose == Lane.Purpose.PUBLIC:
        return public_lane()
    readers = list(Partner.objects.filter(reads__lane=lane))
    if lane.agreement is None:
        return talk_lane(readers[0])
    opening = chain.read_header(LaneEntry.objects.get(lane=lane, seq=0).header, own_lineage())
    # who joined it later stands among its readers, and not in its first entry
    audience = {*opening.audience, *(reader.node for reader in readers)}
    return open_clause_lane(
        agreement=lane.agreement,
        document=item.agreement,
        clause=lane.clause,
        readers=readers,
        audience=audience,
    )


def _entry(lane: Lane, item: Item, *, at: datetime) -> chain.Header:
    content = item.content
    return chain.Header(
        lane=lane.id,
        sender=settings.BASE_URL,
        seq=lane.head_seq + 1,
        prev=lane.head_digest,
        kind=item.kind,
        subject=item.subject,
        version=item.version,
        action=item.action,
        tlp=item.tlp,
        digest=sha256(content) if content is not None else "",
        size=len(content) if content is not None else 0,
        issued=at,
        topics=item.topics,
        agreement=item.agreement,
        clause=item.clause,
        audience=item.audience,
        persons=item.persons,
        licence=item.licence,
        languages=item.languages,
        to=item.to,
        origin=item.origin,
    )


def read_by(partner: Partner, among: QuerySet[Lane]) -> list[Lane]:
    """Those of our lanes that a partner may read at this moment, in their order.

    Args:
        partner: who asks. Nobody but a verified partner whose descriptor holds reads more than the talk and what
            anybody may read: not so much as a header leaves for anybody else.
        among: lanes of whatever sender.
    """
    opened_for_it = LaneReader.objects.filter(partner=partner).values("lane")
    is_public = Q(purpose=Lane.Purpose.PUBLIC)
    opened = among.filter(is_public | Q(id__in=opened_for_it), sender=None)
    if isinstance(can_receive(partner, now()), Refused):
        opened = opened.filter(is_public | Q(purpose=Lane.Purpose.TALK))
    held = list(opened)
    served: set[UUID] = set()
    for purpose in {lane.purpose for lane in held}:
        these = [lane for lane in held if lane.purpose == purpose]
        answers = registry.get(LanePurpose, purpose).serves(these, partner)
        served |= {lane.id for lane, may in zip(these, answers, strict=True) if may}
    return [lane for lane in held if lane.id in served]


def head_of(lane: Lane, key: SigningKey) -> str:
    """Our signed word on how far a lane of ours reaches.

    Args:
        lane: as it was read after the key.
        key: the node's key. Were the lane read first, an entry under the key before might follow what this one signs,
            and readers would take that for a thief's.

    Raises:
        NodeReturning: this node was restored, and does not know.
    """
    returning.ensure_speaking()
    return chain.write_head(chain.Head(lane.id, lane.head_seq, lane.head_digest, now()), key)


def audience_digest(audience: Collection[str]) -> str:
    """By which the lane of a choice of readers is found."""
    return sha256(canonical(sorted(set(audience))))
