"""What others pass on under a key that its owner has replaced: it counts as far as its owner stands for it.

On a lane an older key counts as far as the current one stands for it. What others pass on stands on no lane of its
author, and whoever finds an old key could date its words back. So its author has to show such a word itself, or to say
that it holds it; of this node's own words nobody knows better than this node.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings

from taawun.cooperation.agreements import keeping
from taawun.cooperation.agreements.actions.speaking import INSTRUMENT_TYP, SIGNATURE_TYP
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.partners.errors import MessageRefused
from taawun.foundation.digests import sha256
from taawun.foundation.signing import peek
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.identity.lineage import KnownKey

__all__ = ["check_turn"]


def check_turn(message: Message, token: str, typ: str, payload: Mapping[str, Any], known: KnownKey) -> None:
    """Hold a word that somebody passes on to the turn of the key that signed it.

    Args:
        message: in which it came.
        token: the signed text, verified.
        typ: of what type it is.
        payload: what was signed. Any: JSON at the edge.
        known: its key.

    Raises:
        MessageRefused: ``own-word-forged`` for a word in this node's name that it does not hold, about which the
            administrators are alarmed; ``retired-key`` for another's for which its author does not stand.
    """
    if known.replaced is None:
        return
    node, lineage = keeping.text(payload, "node"), keeping.uuid(payload, "agreement")
    if node == settings.BASE_URL:
        if not _is_held(lineage, token, typ, keeping.digest(payload)):
            raise MessageRefused(
                "own-word-forged",
                "it is signed with a key that this node has replaced, and this node never said it",
                alarm=partial(_alarm, message, lineage, known.kid),
            )
        return
    if message.partner.node == node or message.received <= known.replaced:
        return
    if not _is_listed(lineage, node, token, typ, payload) and not _is_of_before(lineage, payload, known):
        raise MessageRefused(
            "retired-key", "its author has replaced the key that signed it, and does not say that it holds it"
        )


def _is_held(lineage: UUID, token: str, typ: str, digest: str) -> bool:
    """Whether a word of this node is held here, be it signed again since."""
    said = peek(token).payload
    if typ == INSTRUMENT_TYP:
        return PartyInstrument.objects.filter(node=settings.BASE_URL, words=sha256(said)).exists()
    if typ == SIGNATURE_TYP:
        own = PartySignature.objects.filter(lineage=lineage, digest=digest, node=settings.BASE_URL)
        return any(peek(each).payload == said for each in own.values_list("token", flat=True))
    return Version.objects.filter(digest=digest, depositary=settings.BASE_URL).exists()


def _is_listed(lineage: UUID, node: str, token: str, typ: str, payload: Mapping[str, Any]) -> bool:
    """Whether its author told last that it holds a word; a proposal is known by the version that it is about."""
    is_word = typ in (INSTRUMENT_TYP, SIGNATURE_TYP)
    mark = sha256(token.encode()) if is_word else keeping.digest(payload)
    told = Comparison.objects.filter(lineage=lineage, node=node, prefix__in=("", mark[0]))
    return any(mark in held for held in told.values_list("held", flat=True))


def _is_of_before(lineage: UUID, payload: Mapping[str, Any], known: KnownKey) -> bool:
    """Whether a word may be told to a newcomer, to whom its author does not speak yet: by its own date, nothing else.

    A node that has said nothing about an agreement gives and takes nothing under it. Once it has, each author tells it
    what it holds.
    """
    ended = known.until or known.replaced
    if ended is None or keeping.instant(payload) > ended:
        return False
    said = (PartySignature.objects, PartyInstrument.objects)
    return not any(each.filter(lineage=lineage, node=settings.BASE_URL).exists() for each in said)


def _alarm(message: Message, lineage: UUID, kid: str) -> None:
    agreement, partner = Agreement.objects.filter(id=lineage).first(), message.partner
    facts = {
        "node": partner.node,
        "partner": str(partner.id),
        "code": agreement.code if agreement and agreement.code else str(lineage),
        "kid": kid,
    }
    raise_notice("agreements.own-word-forged", f"urn:taawun:node:{partner.node}", Notice.Level.ALARM, facts)
