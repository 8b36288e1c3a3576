"""What a partner takes back goes here too: over one lane its provenance there, by its source everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from taawun.cooperation.federation.exchange.regaining import regain_reason
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import LONGEST_REASON, Passage, Release
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.partners import contents, messages
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.partners.purposes import Outcome
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from taawun.cooperation.partners.chain import Header
    from taawun.cooperation.partners.models import Partner

__all__ = ["WITHDRAWN", "receive_withdrawal"]


def receive_withdrawal(entry: LaneEntry, header: Header) -> Outcome:
    """A partner takes back what it sent on this lane."""
    partner = entry.lane.sender
    earlier = LaneEntry.objects.filter(
        lane=entry.lane, seq__lt=entry.seq, subject=header.subject, version=header.version, action="publish"
    )
    if not earlier.exists():
        # its sender never continues the lane on which it published this, and withdraws it on the one that follows
        earlier = LaneEntry.objects.filter(
            lane__sender=partner,
            lane__agreement=entry.lane.agreement,
            lane__clause=entry.lane.clause,
            subject=header.subject,
            version=header.version,
            action="publish",
        )
    passages = Passage.objects.filter(entry__in=earlier, ended__isnull=True)
    touched = list(Release.objects.filter(passages__in=passages).distinct())
    passages.update(ended=now())
    digests = set(earlier.values_list("content_digest", flat=True))
    earlier.update(state=LaneEntry.State.WITHDRAWN)
    for release in touched:
        # the source's own withdrawal removes every provenance; a re-sharer's only its own
        if release.origin_id == (partner.id if partner else None):
            release.passages.filter(ended__isnull=True).update(ended=now())
        if not release.passages.filter(ended__isnull=True).exists():
            _take_out(release, partner)
    for digest in digests:
        contents.drop_unused(digest)
    return Outcome(LaneEntry.State.DONE)


def _take_out(release: Release, partner: Partner | None) -> None:
    release.state, release.withdrawn = Release.State.WITHDRAWN, now()
    release.save(update_fields=["state", "withdrawn"])
    registry.get(ReleaseKind, release.kind).withdraw(release)
    if partner:
        record(
            PartyActor(partner.node, partner.name.in_language("en").value),
            "federation.withdrawn-by-source",
            f"urn:uuid:{release.id}",
            for_the_trail(Tlp(release.tlp), {"subject": release.subject}),
        )


def receive_reason(message: messages.Message) -> None:
    """The source says why it took a release back; it may be said before the withdrawal itself has come."""
    try:
        named = {name: str(message.payload[name]) for name in ("subject", "version", "digest")}
        reason = str(message.payload["reason"])[:LONGEST_REASON]
    except KeyError as missing:
        raise MessageRefused("malformed", f"the reason of a withdrawal lacks {missing}") from None
    if not Release.objects.filter(origin=message.partner, **named).update(withdrawal_reason=reason):
        raise MessageRefused("unknown-release", "nothing of this kind came from the sender of this reason")


WITHDRAWN: Final = messages.MessageKind("withdrawn", receive_reason, regain_reason)
