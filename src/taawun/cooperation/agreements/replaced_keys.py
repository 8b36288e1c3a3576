"""What others pass on though only its owner can know whether it said it: it counts as far as its owner stands for it.

Of this node's own words nobody knows better than this node, whichever of its keys signed them: what it did not say, and
was not shown on its own lanes after a restore, is a thief's. On a lane an older key counts as far as the current one
stands for it. What others pass on stands on no lane of its author, and whoever finds an old key could date its words
back. So its author has to show such a word itself, or to say that it holds it.
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
from taawun.cooperation.partners.restored import returning
from taawun.foundation.digests import sha256
from taawun.foundation.signing import peek
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from taawun.cooperation.partners.exchange.messages import Message
    from taawun.cooperation.partners.identity.lineage import KnownKey

__all__ = ["Owners"]


class Owners:
    """Whether those in whose name one message speaks stand for what it says. What they told is read once.

    Args:
        message: which.
        lineage: the agreement that it is about.
    """

    def __init__(self, message: Message, lineage: UUID) -> None:
        self._message, self._lineage = message, lineage
        self._told: dict[tuple[str, str], frozenset[str]] = {}

    def check(self, token: str, typ: str, payload: Mapping[str, Any], known: KnownKey) -> None:
        """Hold a word that somebody passes on to its owner.

        Args:
            token: the signed text, verified.
            typ: of what type it is.
            payload: what was signed. Any: JSON at the edge.
            known: its key.

        Raises:
            MessageRefused: ``own-word-forged`` for a word in this node's name that it never said, about which the
                administrators are alarmed; ``retired-key`` for one under a replaced key of another, who does not stand
                for it.
        """
        message, node = self._message, keeping.text(payload, "node")
        if keeping.uuid(payload, "agreement") != self._lineage:
            return  # what is about another agreement than its message is not taken in any case
        if node == settings.BASE_URL:
            if not self._is_said(token, typ, keeping.digest(payload)):
                raise MessageRefused(
                    "own-word-forged",
                    "it is signed with a key of this node, and this node never said it",
                    alarm=None if returning.is_returning() else partial(self._alarm, known.kid),
                )
            return
        if known.replaced is None or message.partner.node == node or message.received <= known.replaced:
            return
        if not self._is_listed(node, token, typ, payload) and not _is_of_before(
            self._lineage, payload, known
        ):
            raise MessageRefused(
                "retired-key",
                "its author has replaced the key that signed it, and does not say that it holds it",
            )

    def _is_said(self, token: str, typ: str, digest: str) -> bool:
        """Whether this node said something itself, be it signed again since."""
        said, lineage = peek(token).payload, self._lineage
        if typ == INSTRUMENT_TYP:
            own_words = PartyInstrument.objects.filter(node=settings.BASE_URL, is_said=True)
            return own_words.filter(words=sha256(said)).exists()
        if typ == SIGNATURE_TYP:
            own = PartySignature.objects.filter(node=settings.BASE_URL, is_said=True)
            tokens = own.filter(lineage=lineage, digest=digest).values_list("token", flat=True)
            return any(peek(each).payload == said for each in tokens)
        return Version.objects.filter(digest=digest, depositary=settings.BASE_URL, is_said=True).exists()

    def _is_listed(self, node: str, token: str, typ: str, payload: Mapping[str, Any]) -> bool:
        """Whether its author told last that it holds a word; a proposal is known by the version that it is about."""
        is_word = typ in (INSTRUMENT_TYP, SIGNATURE_TYP)
        mark = sha256(token.encode()) if is_word else keeping.digest(payload)
        return any(mark in self._marks(node, prefix) for prefix in ("", mark[0]))

    def _marks(self, node: str, prefix: str) -> frozenset[str]:
        if (node, prefix) not in self._told:
            told = Comparison.objects.filter(lineage=self._lineage, node=node, prefix=prefix)
            self._told[node, prefix] = frozenset(told.values_list("held", flat=True).first() or ())
        return self._told[node, prefix]

    def _alarm(self, kid: str) -> None:
        agreement, partner = Agreement.objects.filter(id=self._lineage).first(), self._message.partner
        facts = {
            "node": partner.node,
            "partner": str(partner.id),
            "code": agreement.code if agreement and agreement.code else str(self._lineage),
            "kid": kid,
        }
        raise_notice(
            "agreements.own-word-forged", f"urn:taawun:node:{partner.node}", Notice.Level.ALARM, facts
        )


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
