"""The lineage of a node's keys: which keys it had, which of them may still sign, and how one follows another. Pure.

Source: docs/protocol.md, "Keys". Who knew an older key walks over the statements of a descriptor to the current one;
each step is proven by a key that is known already.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from taawun.cooperation.partners.identity.rotation import BY_CURRENT, RECOVERY, Rotation
from taawun.foundation.signing import SignatureRefused, peek

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from taawun.foundation.signing import VerifyKey

__all__ = ["MOST_KEYS", "KnownKey", "Lineage", "Verifier", "Walk", "walk"]

# keys of one node that are remembered; a key a month is twenty years
MOST_KEYS: Final = 256


class Verifier(Protocol):
    """Whatever can say whether a signed text is a node's: one key, or the lineage of its keys."""

    def verify(self, token: str, typ: str) -> bytes:
        """The bytes that were signed; raises ``SignatureRefused``."""

    def __hash__(self) -> int:
        """What was verified is remembered by it."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One key of a lineage.

    Args:
        key: the key.
        since, until: when the node began and ended to sign with it, by its own word; None where it did not say.
        learned: when this node came to know it; None for those before any was kept.
        replaced: when this node came to know its successor; None for the current one.
        revoked_since: what came after this instant under it is not believed; None for one that was not revoked.
    """

    key: VerifyKey
    since: datetime | None = None
    until: datetime | None = None
    learned: datetime | None = None
    replaced: datetime | None = None
    revoked_since: datetime | None = None

    @property
    def kid(self) -> str:
        """Its thumbprint."""
        return self.key.kid

    def is_doubtful(self, received: datetime) -> bool:
        """Whether what first came here at an instant under this key may be a thief's word."""
        return self.revoked_since is not None and received > self.revoked_since


class Lineage:
    """The keys of one node, oldest first; the last one is the one that it signs with.

    Args:
        keys: at least one.
    """

    def __init__(self, keys: Sequence[KnownKey]) -> None:
        self.keys = tuple(keys)
        self._places = {known.kid: place for place, known in enumerate(self.keys)}

    def __eq__(self, other: object) -> bool:
        """Alike are those that know the same keys: what one verifies the other does."""
        return isinstance(other, Lineage) and self._places == other._places

    def __hash__(self) -> int:
        return hash(self.current.kid)

    @property
    def current(self) -> KnownKey:
        """The key that the node signs with now, as far as is known here."""
        return self.keys[-1]

    @property
    def is_single(self) -> bool:
        """Whether the node has had no other key: then nothing more needs to be asked."""
        return len(self.keys) == 1

    def find(self, kid: str) -> KnownKey | None:
        """The key with a thumbprint; None where it is none of this node's."""
        place = self._places.get(kid)
        return None if place is None else self.keys[place]

    def place(self, kid: str) -> int:
        """How many keys of the node came before this one; −1 where it is none of this node's."""
        return self._places.get(kid, -1)

    def signer(self, token: str) -> KnownKey:
        """The key that a text says it is signed with; whether it is, :meth:`verify` tells.

        Raises:
            SignatureRefused: ``other-key`` where it is none of this node's; also when it is no signed text.
        """
        kid = peek(token).kid
        known = self.find(kid)
        if known is None:
            raise SignatureRefused(
                "other-key",
                f"The token names the key {kid!a:.60}, none of this sender's, not {self.current.kid}.",
            )
        return known

    def verify(self, token: str, typ: str) -> bytes:
        """The bytes of a text that one of these keys has signed.

        Raises:
            SignatureRefused: as :meth:`~taawun.foundation.signing.VerifyKey.verify`.
        """
        known = self.current if self.is_single else self.signer(token)
        return known.key.verify(token, typ)

    def speaks_for(self, named: str, kid: str) -> bool:
        """Whether one key stands for another that a document names: it is that one, or a later one of this lineage."""
        return 0 <= self.place(named) <= self.place(kid)


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a reader came to over the statements of a descriptor.

    Args:
        lineage: the keys, with those that the statements added.
        recovery: the recovery key that is pinned now; None where none is.
        steps: the statements that proved something new, in order.
    """

    lineage: Lineage
    recovery: VerifyKey | None
    steps: tuple[Rotation, ...]


def walk(held: Lineage, recovery: VerifyKey | None, statements: Iterable[Rotation], *, at: datetime) -> Walk:
    """Walk from the keys that are known to those that statements prove; what proves nothing is passed over.

    A key is followed by another on its own word, while it is the current one, or on the word of the pinned recovery
    key, at any place: a thief who rotated the key away loses it by that, and whatever followed on the thief's word
    counts as revoked with it. No key comes back.

    Args:
        held: the keys that are known.
        recovery: the pinned recovery key; None where none is, and then no recovery key proves anything.
        statements: of the node, oldest first.
        at: now: when what is new was learned.
    """
    keys, steps = list(held.keys), list[Rotation]()
    for said in statements:
        if said.key == RECOVERY:
            if recovery and said.old == recovery.kid and said.is_signed_by(recovery, keys[-1].key):
                recovery = said.new
                steps.append(said)
            continue
        if len(keys) >= MOST_KEYS or any(each.kid == said.new.kid for each in keys):
            continue
        followed = _followed(keys, recovery, said)
        if followed is None:
            continue
        keys = [*keys[:followed], *_left(keys[followed:], said, at)]
        keys.append(KnownKey(said.new, since=said.at, learned=at))
        steps.append(said)
    return Walk(Lineage(keys), recovery, tuple(steps))


def _followed(keys: Sequence[KnownKey], recovery: VerifyKey | None, said: Rotation) -> int | None:
    """The place of the key that a statement proves to be followed; None where it proves nothing."""
    if said.by == BY_CURRENT:
        last = len(keys) - 1
        is_proven = said.old == keys[last].kid and said.is_signed_by(keys[last].key, said.new)
        return last if is_proven else None
    place = next((place for place, each in enumerate(keys) if each.kid == said.old), None)
    if place is None or recovery is None or not said.is_signed_by(recovery, said.new):
        return None
    return place


def _left(left: Sequence[KnownKey], said: Rotation, at: datetime) -> list[KnownKey]:
    """The keys from the one that is followed on, as they are held from now."""
    found = []
    for place, each in enumerate(left):
        revoked = said.revoked_since
        if place and revoked is None:
            # it followed on the word of a key whose owner knows nothing of it
            revoked = each.learned or each.since or said.at
        known = [moment for moment in (each.revoked_since, revoked) if moment is not None]
        found.append(
            replace(
                each,
                until=each.until or said.at,
                replaced=each.replaced or at,
                revoked_since=min(known, default=None),
            )
        )
    return found
