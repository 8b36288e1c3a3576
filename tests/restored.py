"""A node that lost what it said, as one does that is restored from an old backup, and what partners hold of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.conf import settings

from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.partners.identity import rotation
from taawun.cooperation.partners.logs import chain, contents
from taawun.cooperation.partners.models import GENESIS, Holding, Lane, LaneEntry
from taawun.cooperation.partners.restored import asking
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7

if TYPE_CHECKING:
    from taawun.foundation.signing import SigningKey

__all__ = ["Told", "follows", "forget"]


@dataclass
class Told:
    """What partners hold of one lane of ours, and the node after it lost all but the beginning of it."""

    lane: Lane
    lines: list[bytes]
    entries: list[LaneEntry]

    @property
    def offer(self) -> asking.HeldOffer:
        """How far they hold it."""
        last = self.entries[-1]
        return asking.HeldOffer(self.lane.wire_id, last.seq, last.digest)


def _lines(lane: Lane) -> tuple[list[bytes], list[LaneEntry]]:
    entries = list(LaneEntry.objects.filter(lane=lane).order_by("seq"))
    bodies = contents.find({each.content_digest for each in entries})
    return [chain.write_line(each.header, bodies.get(each.content_digest)) for each in entries], entries


def forget(lane: Lane, after: int) -> Told:
    """Lose what a lane, ours or a partner's, said after an entry, as a backup does."""
    lines, entries = _lines(lane)
    lost = LaneEntry.objects.filter(lane=lane, seq__gt=after)
    Passage.objects.filter(entry__in=lost).delete()
    Release.objects.filter(passages=None).delete()
    lost.delete()
    Holding.objects.filter(lane=lane).exclude(
        content_id__in=LaneEntry.objects.filter(lane=lane).values("content_digest")
    ).delete()
    last = LaneEntry.objects.filter(lane=lane).order_by("-seq").first()
    digest = last.digest if last else GENESIS
    Lane.objects.filter(id=lane.id).update(
        head_seq=after, head_digest=digest, known_seq=after, acknowledged_seq=after
    )
    if last is None:
        Lane.objects.filter(id=lane.id).delete()
    return Told(lane, lines, entries)


def follows(
    new: SigningKey, old: str, *, signed: SigningKey, by: Literal["current", "recovery"] = "current"
) -> list[str]:
    """The statement that a key of this node follows another one, in its signed texts.

    Args:
        new: the key that follows.
        old: the key id of the other one.
        signed: the key that says so beside the new one.
        by: which key that is, as the statement says.
    """
    said = rotation.write(
        id=uuid7(),
        node=settings.BASE_URL,
        key="current",
        old=old,
        new=new.public,
        at=now(),
        by=by,
        revoked_since=None,
        signers=(signed, new),
    )
    return list(said)
