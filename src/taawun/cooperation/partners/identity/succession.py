"""How a partner's keys follow each other here, and what that means on its lanes (docs/protocol.md, "Keys")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.partners.errors import ChainBroken, DescriptorRefused
from taawun.cooperation.partners.identity import quarantine
from taawun.cooperation.partners.identity.descriptor import CARRIED_ROTATIONS
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.identity.lineage import walk
from taawun.cooperation.partners.identity.rotation import CURRENT
from taawun.cooperation.partners.models import Lane, Partner, PartnerKey
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.clock import now, timestamp
from taawun.foundation.signing import VerifyKey
from taawun.platform.audit.actions import record
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from taawun.cooperation.partners.identity.descriptor import Descriptor
    from taawun.cooperation.partners.identity.lineage import Lineage, Walk
    from taawun.cooperation.partners.identity.rotation import Rotation

__all__ = ["KeyTurns", "follow", "is_its_turn", "is_proven", "met", "shown_by"]


class KeyTurns:
    """Which of its sender's keys may go on with a lane, and how far the current one stands for it.

    A key that was replaced signs nothing new: once a newer one was seen on a lane, an older one does not continue it.
    What an older one signed counts as far as the current one stands for it: by an entry that follows in the same chain,
    or by a head that names what is held.

    Args:
        lane: a partner's lane.
        keys: its sender's.
    """

    def __init__(self, lane: Lane, keys: Lineage) -> None:
        self._lane, self._keys = lane, keys
        self._newest, self._until, self._vouched = lane.newest_kid, lane.older_until, lane.vouched_seq

    def signer(self, token: str) -> str:
        """The thumbprint of the key that a verified text is signed with."""
        return self._keys.current.kid if self._keys.is_single else self._keys.signer(token).kid

    def entry(self, kid: str, seq: int) -> None:
        """Note who signed the next entry.

        Raises:
            ChainBroken: ``signature``: a newer key of the sender had its turn before.
        """
        self._see(kid, seq, older_until=seq - 1)
        if kid == self._keys.current.kid:
            self._vouched = max(self._vouched, seq)

    def head(self, kid: str, seq: int, *, is_held: bool) -> None:
        """Note who signed a head.

        Args:
            kid: its signer.
            seq: the entry that it names.
            is_held: whether the header it names at this place is held, so that it stands for all before it.

        Raises:
            ChainBroken: ``signature``: it goes beyond what a newer key of the sender has left to older ones.
        """
        self._see(kid, seq, older_until=seq)
        if is_held and kid == self._keys.current.kid:
            self._vouched = max(self._vouched, seq)

    def _see(self, kid: str, seq: int, *, older_until: int) -> None:
        place, newest = self._keys.place(kid), self._keys.place(self._newest)
        if place < newest and seq > self._until:
            raise ChainBroken(
                "signature", seq, "it is signed with a key that its sender had replaced by then"
            )
        if place > newest:
            self._newest, self._until = kid, older_until

    def is_vouched(self, kid: str, seq: int) -> bool:
        """Whether an entry needs no further word of the current key."""
        return kid == self._keys.current.kid or seq <= self._vouched

    def keep(self) -> None:
        """Write down what was noted; of a sender that has only ever had one key there is nothing to note."""
        if self._keys.is_single:
            return
        noted = {"newest_kid": self._newest, "older_until": self._until, "vouched_seq": self._vouched}
        if any(getattr(self._lane, name) != value for name, value in noted.items()):
            Lane.objects.filter(id=self._lane.id).update(**noted)


def is_its_turn(lane: Lane, keys: Lineage, kid: str, seq: int) -> bool:
    """Whether a key may have signed something of a place of a lane, by what is known of the keys after it.

    Args:
        lane: a partner's lane.
        keys: of its sender.
        kid: the key.
        seq: the place.
    """
    return keys.place(kid) >= keys.place(lane.newest_kid) or seq <= lane.older_until


def met(held: Partner, found: Descriptor) -> None:
    """Keep the keys that a node had before it was met: its current key, which is to be compared, vouches for them."""
    earlier = {each.key.kid: each for each in found.retired if each.key.kid != found.key.kid}
    PartnerKey.objects.bulk_create(
        PartnerKey(
            partner=held,
            position=position,
            kid=kid,
            jwk=each.key.to_jwk(),
            since=each.since,
            until=each.until,
            revoked_since=each.revoked_since,
        )
        for position, (kid, each) in enumerate(earlier.items())
    )


def is_proven(known: Partner, told: Descriptor) -> bool:
    """Whether a descriptor names a key that provably followed the one that is held; nothing is written."""
    pinned = VerifyKey.from_jwk(known.recovery) if known.recovery else None
    walked = walk(lineage_of(known), pinned, told.rotations, at=now())
    return bool(walked.steps) and walked.lineage.current.kid == told.key.kid


def shown_by(partner: Partner, since: int = 0) -> list[list[str]]:
    """The statements by which a partner's keys followed each other, for the partner itself: it may have forgotten them.

    Args:
        partner: whose.
        since: from the key at this place on.

    Returns:
        The two halves of each, oldest first, the last 8 of them.
    """
    later = PartnerKey.objects.filter(partner=partner, position__gte=since).order_by("position")
    return [each.proof for each in later if each.proof][-CARRIED_ROTATIONS:]


def follow(held: Partner, found: Descriptor) -> None:
    """Let a partner's key be followed by another, where its descriptor proves it; inside the caller's transaction.

    Args:
        held: the partner, locked; its row is the caller's to save.
        found: its new descriptor.

    Raises:
        DescriptorRefused: ``key-changed`` where nothing proves the key that it names, ``retired-key`` where that is
            one that was replaced before.
    """
    lineage = lineage_of(held)
    pinned = VerifyKey.from_jwk(held.recovery) if held.recovery else None
    walked = walk(lineage, pinned, found.rotations, at=now())
    if walked.lineage.current.kid != found.key.kid:
        if lineage.find(found.key.kid):
            raise DescriptorRefused("retired-key", "The descriptor names a key that the node had replaced.")
        raise DescriptorRefused("key-changed", "The descriptor names another key than the one that is held.")
    if walked.steps:
        _keep(held, walked)
    _look_at_recovery(held, found)


def _keep(held: Partner, walked: Walk) -> None:
    proofs = {step.old: list(step.tokens) for step in walked.steps if step.key == CURRENT}
    swept = set(held.earlier_keys.filter(is_swept=True).values_list("kid", "revoked_since"))
    for position, known in enumerate(walked.lineage.keys[:-1]):
        PartnerKey.objects.update_or_create(
            partner=held,
            kid=known.kid,
            defaults={
                "position": position,
                "jwk": known.key.to_jwk(),
                "since": known.since,
                "until": known.until,
                "learned": known.learned,
                "replaced": known.replaced or now(),
                "revoked_since": known.revoked_since,
                "is_swept": (known.kid, known.revoked_since) in swept,
                **({"proof": proofs[known.kid]} if known.kid in proofs else {}),
            },
        )
    current = walked.lineage.current
    held.key_since, held.key_learned = current.since, current.learned
    held.recovery = walked.recovery.to_jwk() if walked.recovery else {}
    if proofs:
        # what an older key signed counts once the new one stands for it
        Lane.objects.filter(sender=held).update(vouched_seq=-1)
    for step in walked.steps:
        _tell(held, step)
    quarantine.mark(held, walked.lineage)


def _tell(held: Partner, step: Rotation) -> None:
    """Trust stays, and is not moved in silence."""
    replaced = "key-revoked" if step.revoked_since else "key-rotated"
    what = replaced if step.key == CURRENT else "recovery-key-changed"
    facts = {"from": step.old, "to": step.new.kid, "by": step.by, "at": timestamp(step.at)}
    if step.revoked_since:
        facts["since"] = timestamp(step.revoked_since)
    subject = f"urn:taawun:node:{held.node}"
    record(PartyActor(held.node, held.name.in_language("en").value), f"partners.{what}", subject, facts)
    level = Notice.Level.ALARM if step.revoked_since else Notice.Level.WARNING
    raise_notice(f"partners.{what}", subject, level, {**facts, "node": held.node, "partner": str(held.id)})


def _look_at_recovery(held: Partner, found: Descriptor) -> None:
    """Another recovery key than the pinned one counts for nothing, and whoever shows it may be a thief of the other."""
    subject = f"urn:taawun:node:{held.node}"
    named = found.recovery.kid if found.recovery else ""
    if not held.recovery or named == held.recovery.get("kid"):
        resolve("partners.recovery-unproven", subject)
        return
    facts = {"node": held.node, "partner": str(held.id), "kid": named}
    raise_notice("partners.recovery-unproven", subject, Notice.Level.ALARM, facts)
