"""Knowing again what this node had published and withdrawn before it was restored from a backup.

The releases come from our own headers, which say less than a release is held with: who published it and what it is
called here is gone. Its content is held again where a partner had it, so that it can be served and withdrawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taawun.cooperation.federation.ending import take_back
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import LONGEST_REASON, Passage, Release, ReleaseParty, ReleaseTopic
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.partners.logs.chain import Header

__all__ = ["catch_up", "regain", "regain_reason", "regain_receipt"]


def regain(entry: LaneEntry, header: Header, content: bytes | None) -> None:
    """What an entry of a clause lane of ours says."""
    if header.action == "withdraw":
        _regain_withdrawal(entry, header)
        return
    same = Release.objects.filter(subject=header.subject, version=header.version, digest=header.digest)
    # what was shared onward is a partner's, which may be here again by now
    held = (
        same.filter(origin__isnull=False).first()
        if header.origin
        else Release.objects.filter(subject=header.subject, version=header.version, origin=None).first()
    )
    release = held or _regained(header)
    if header.audience and release.origin_id is None:
        ReleaseParty.objects.bulk_create(
            (
                ReleaseParty(owner=release, role=ReleaseParty.Role.AUDIENCE, party=party)
                for party in sorted(set(header.audience))
            ),
            ignore_conflicts=True,
        )
    lane = entry.lane
    if lane.agreement is None:
        return
    Passage.objects.get_or_create(
        entry=entry,
        defaults={
            "release": release,
            "agreement": lane.agreement,
            "document": header.agreement,
            "clause": header.clause,
        },
    )
    kind = registry.find(ReleaseKind, release.kind)
    if kind and kind.regain and content is not None and held is None:
        kind.regain(release, header, content)


def _regained(header: Header) -> Release:
    release = Release.objects.create(
        kind=header.kind,
        tlp=header.tlp,
        has_audience=bool(header.audience),
        names_persons=bool(header.persons),
        # what it was bound by elsewhere is not in its header: it goes nowhere it has not gone
        onward=Release.Onward.NONE if header.origin else Release.Onward.OWN,
        subject=header.subject,
        version=header.version,
        digest=header.digest,
        size=header.size,
        licence=header.licence,
        languages=list(header.languages),
        persons=list(header.persons),
        issued=header.issued,
    )
    ReleaseTopic.objects.bulk_create(
        ReleaseTopic(owner=release, topic=topic) for topic in sorted(set(header.topics))
    )
    return release


def _regain_withdrawal(entry: LaneEntry, header: Header) -> None:
    """The content goes here too. Lanes on which it was not withdrawn yet are told once the node speaks."""
    earlier = LaneEntry.objects.filter(
        lane=entry.lane, seq__lt=entry.seq, subject=header.subject, version=header.version, action="publish"
    )
    Passage.objects.filter(entry__in=earlier, ended=None).update(ended=header.issued)
    earlier.update(state=LaneEntry.State.WITHDRAWN)
    release = Release.objects.filter(subject=header.subject, version=header.version, origin=None).first()
    if release is None:
        return
    if release.state != Release.State.WITHDRAWN:
        Release.objects.filter(id=release.id).update(state=Release.State.WITHDRAWN, withdrawn=header.issued)
        kind = registry.find(ReleaseKind, release.kind)
        if kind and kind.regain_withdrawal:
            release.refresh_from_db()
            kind.regain_withdrawal(release)
    contents.drop_unused(release.digest)


def catch_up() -> None:
    """Withdraw on every lane what was withdrawn on some of them when the node was lost."""
    unsaid = Release.objects.filter(origin=None, state=Release.State.WITHDRAWN, passages__ended=None)
    for release in unsaid.filter(passages__isnull=False).distinct():
        take_back(release)
        contents.drop_unused(release.digest)


def regain_receipt(payload: Mapping[str, Any], header: Header) -> None:
    """What we have signed for is not signed for again. Any: JSON of our own, signed by ourselves."""
    lane_id, last = UUID(str(payload["lane"])), int(payload["to_seq"])
    theirs = Lane.objects.filter(sender__node=header.to)
    for lane in (*theirs.filter(id=lane_id, alias=None), *theirs.filter(alias=lane_id)):
        Lane.objects.filter(id=lane.id, acknowledged_seq__lt=last).update(acknowledged_seq=last)


def regain_reason(payload: Mapping[str, Any], header: Header) -> None:
    """Why we withdrew something. Any: as above."""
    del header
    Release.objects.filter(
        origin=None, subject=str(payload["subject"]), version=str(payload["version"]), withdrawal_reason=""
    ).update(withdrawal_reason=str(payload["reason"])[:LONGEST_REASON])
