"""Knowing again what this node had published and withdrawn before it was restored from a backup.

The releases come from our own headers, which say less than a release is held with: who published it and what it is
called here is gone. Its content is held again where a partner had it, so that it can be served and withdrawn.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.conf import settings

from taawun.cooperation.agreements.document import ANY
from taawun.cooperation.federation.ending import take_back
from taawun.cooperation.federation.exchange.rows import create
from taawun.cooperation.federation.guests import lay_ready, named_here
from taawun.cooperation.federation.hops import OriginRefused, agreed_under, inner_headers
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import (
    LONGEST_REASON,
    Behalf,
    Passage,
    Release,
    ReleaseParty,
    ReleaseTopic,
)
from taawun.cooperation.federation.readers import readers_of
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from taawun.cooperation.partners.logs.chain import Header

__all__ = ["catch_up", "regain", "regain_reason", "regain_receipt"]


class _Somewhere(Enum):
    """The organisation of something that stays inside one, where nobody knows any more which one it was."""

    HERE = "here"


# what stays inside an organisation is shown to none, rather than to the wrong one: it can be withdrawn all the same
_SOMEWHERE: Final = _Somewhere.HERE


def regain(entry: LaneEntry, header: Header, content: bytes | None) -> None:
    """What an entry of a clause lane of ours, or of our public one, says."""
    if header.action == "withdraw":
        _regain_withdrawal(entry, header)
        return
    _regain_publication(entry, header, content)
    # said to those alone who read it, on a lane that was told before this one
    for said in _beside(entry).filter(action="withdraw", issued__gte=entry.issued):
        _regain_withdrawal(said, said_in(said.header))


def _beside(entry: LaneEntry) -> QuerySet[LaneEntry]:
    """What our other lanes of the same clause say of the same."""
    about = LaneEntry.objects.filter(subject=entry.subject, version=entry.version, lane__sender=None)
    lane = entry.lane
    if lane.agreement is None:
        return about.none()
    return about.filter(lane__agreement=lane.agreement, lane__clause=lane.clause).exclude(lane=lane)


def _regain_publication(entry: LaneEntry, header: Header, content: bytes | None) -> None:
    if header.origin:
        if release := _received(header):
            _pass(entry, header, release)
        return
    held = Release.objects.filter(subject=header.subject, version=header.version, origin=None).first()
    home = _home_of(header)
    behalf = _behalf_of(header)
    release = held or _regained(header, home, behalf)
    if header.audience:
        ReleaseParty.objects.bulk_create(
            (
                ReleaseParty(owner=release, role=ReleaseParty.Role.AUDIENCE, party=party)
                for party in sorted(set(header.audience))
            ),
            ignore_conflicts=True,
        )
    _pass(entry, header, release)
    kind = registry.find(ReleaseKind, release.kind)
    if (
        kind
        and kind.regain
        and content is not None
        and held is None
        and home is not _SOMEWHERE
        and not behalf
    ):
        kind.regain(release, header, content)


def _pass(entry: LaneEntry, header: Header, release: Release) -> None:
    passage, _is_new = Passage.objects.get_or_create(
        entry=entry,
        defaults={
            **Passage.place_of(entry),
            "release": release,
            "size": entry.size,
            "agreement": entry.lane.agreement,
            "document": header.agreement,
            "clause": header.clause,
        },
    )
    lay_ready([(passage, named_here(entry.lane, header).guests)])


def _received(header: Header) -> Release | None:
    """A partner's release that we had shared onward: its row alone, for its content is the partner's to bring again.

    Whose it is was looked at when it came, and our own signature stands for that.

    Returns:
        The release; None where the partner from whom it came is not known here any more.
    """
    try:
        (_token, came), *before = inner_headers(header)
    except OriginRefused:
        return None
    sender = Partner.objects.filter(node=came.sender).first()
    if sender is None:
        return None
    node = before[-1][1].sender if before else came.sender
    source = Partner.objects.filter(node=node, verified__isnull=False).exclude(kid="").first()
    owner, vouched = (source, "") if source else (sender, node if before else "")
    same = Release.objects.filter(
        subject=header.subject, version=header.version, origin=owner, source=vouched
    ).first()
    if same is None:
        (same,) = create(owner, vouched, [came])
        Release.objects.filter(id=same.id).update(state=Release.State.ENDED, withdrawn=now())
    return same


def _behalf_of(header: Header) -> Behalf | None:
    """For which guest of this node something of ours was given: no header says that, but its clause may."""
    agreed = agreed_under(header)
    if agreed is None:
        return None
    document, clause = agreed
    me = document.party_of(settings.BASE_URL)
    if me is None or ANY in clause.senders or me.ref in clause.senders:
        return None
    guests = [party for party in document.parties if party.host == me.ref and party.ref in clause.senders]
    if not guests:
        return None
    # of several nobody knows which it was: then it is served to nobody, and can be withdrawn
    return Behalf(document.key_of(guests[0]) if len(guests) == 1 else "", document.id)


def _home_of(header: Header) -> Organisation | _Somewhere | None:
    """Inside which organisation something of ours stays: no header says that.

    Returns:
        That of another version of the same; None for the one that runs the node, where that is the only one.
    """
    if header.tlp != Tlp.AMBER_STRICT or not Organisation.objects.filter(is_host=False).exists():
        return None
    other = Release.objects.filter(subject=header.subject, origin=None).select_related("organisation")
    known = other.order_by("-id").first()
    return known.organisation if known else _SOMEWHERE


def _regained(header: Header, home: Organisation | _Somewhere | None, behalf: Behalf | None) -> Release:
    release = Release.objects.create(
        kind=header.kind,
        tlp=header.tlp,
        has_audience=bool(header.audience),
        names_persons=bool(header.persons),
        organisation=None if isinstance(home, _Somewhere) else home,
        subject=header.subject,
        version=header.version,
        digest=header.digest,
        size=header.size,
        licence=header.licence,
        languages=list(header.languages),
        persons=list(header.persons),
        issued=header.issued,
        on_behalf=behalf.guest if behalf else "",
        on_behalf_under=behalf.agreement if behalf else None,
    )
    ReleaseTopic.objects.bulk_create(
        ReleaseTopic(owner=release, topic=topic) for topic in sorted(set(header.topics))
    )
    return release


def _regain_withdrawal(entry: LaneEntry, header: Header) -> None:
    """The content goes here too. Lanes on which it was not withdrawn yet are told once the node speaks."""
    earlier = _taken_back_by(entry)
    Passage.objects.filter(entry__in=earlier, ended=None).update(ended=header.issued)
    headers = [said_in(token) for token in earlier.values_list("header", flat=True)]
    earlier.update(state=LaneEntry.State.WITHDRAWN)
    if all(each.origin for each in headers or [header]):
        # what was shared onward was taken back there; ours of that name, if there is one, is another
        return
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


def _taken_back_by(entry: LaneEntry) -> QuerySet[LaneEntry]:
    """What a withdrawal of ours took back: on its lane, and on others of the clause that its readers alone read."""
    on_it = LaneEntry.objects.filter(
        lane=entry.lane, seq__lt=entry.seq, subject=entry.subject, version=entry.version, action="publish"
    )
    ids = dict(on_it.values_list("id", "content_digest"))
    beside = _beside(entry).filter(action="publish", issued__lte=entry.issued)
    if not ids:
        return beside
    told = {each.partner_id for each in entry.lane.readers.all()}
    # whoever else reads one of those is still to be told, once the node speaks
    heard = [
        each.id
        for each in beside.filter(content_digest__in=ids.values()).prefetch_related("lane__readers__partner")
        if told.issuperset(reader.id for reader in readers_of(each))
    ]
    return LaneEntry.objects.filter(id__in=[*ids, *heard])


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
