"""What a partner withdraws goes here too: over one lane its provenance there, by its source everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Q

from taawun.cooperation.federation.ending import end_provenances, settle
from taawun.cooperation.federation.exchange.onward import alarm, is_the_sources_withdrawal, noted
from taawun.cooperation.federation.exchange.regaining import regain_reason
from taawun.cooperation.federation.hops import OriginRefused, came_by
from taawun.cooperation.federation.models import LONGEST_REASON, Passage, Release
from taawun.cooperation.federation.ways import is_forgotten
from taawun.cooperation.partners.errors import MessageRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.logs.chain import said_in
from taawun.cooperation.partners.logs.purposes import Outcome
from taawun.cooperation.partners.logs.turns import one_ender
from taawun.cooperation.partners.models import LaneEntry
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Partner

__all__ = ["WITHDRAWN", "receive_withdrawal"]


def receive_withdrawal(entry: LaneEntry, header: Header) -> Outcome:
    """A partner withdraws what it sent on this lane, or carries on that its source withdrew it everywhere."""
    partner = entry.lane.sender
    if partner is None:
        return Outcome(LaneEntry.State.REFUSED, "no-sender")
    one_ender()
    try:
        source = is_the_sources_withdrawal(header)
    except OriginRefused as refused:
        # it withdraws what is the sender's to withdraw, and no more
        alarm(partner, header, refused.code)
        source = None
    about = {"subject": header.subject, "version": header.version}
    earlier = _published_before(entry)
    stands = Q(ended__isnull=True) | Q(why_ended=Release.Gone.ASIDE)
    passages = Passage.objects.filter(stands, entry__in=earlier)
    touched = {each.id: each for each in Release.objects.filter(passages__in=passages).distinct()}
    if source is not None:
        here = [Release.State.LIVE, Release.State.ASIDE]
        found = Release.objects.filter(origin=source, source="", state__in=here, **about)
        touched |= {each.id: each for each in found}
    touched |= {each.id: each for each in _forgotten(partner, header)}
    # before its ways are touched, as whoever ends one by another reason does
    locked = Release.objects.select_for_update().filter(id__in=touched).order_by("id")
    touched = {each.id: each for each in locked}
    passages.update(ended=now(), why_ended=Release.Gone.SENDER)
    digests = set(earlier.values_list("content_digest", flat=True))
    earlier.update(state=LaneEntry.State.WITHDRAWN)
    for _id, release in sorted(touched.items()):
        is_sources = _is_the_source(release, partner) or (
            source is not None and source.id == release.origin_id
        )
        if is_sources:
            end_provenances(release, Release.Gone.SOURCE)
        said = (entry.header if _is_the_source(release, partner) else header.origin) if is_sources else ""
        settle(release, Release.Gone.SOURCE if is_sources else Release.Gone.SENDER, by=partner, said=said)
    for digest in digests:
        contents.drop_unused(digest)
    return Outcome(LaneEntry.State.DONE, noted(source))


def _published_before(entry: LaneEntry) -> QuerySet[LaneEntry]:
    """What a withdrawal takes back: what its sender published of it before, on this lane and its others of the clause.

    Who joined a lane further on is not to see a withdrawal of what stands before, and a lane that its sender never
    continues is followed by another. Which lane is read first is not to matter.
    """
    published = LaneEntry.objects.filter(subject=entry.subject, version=entry.version, action="publish")
    # also what came in a history of the lane that a restart left behind
    on_it = published.filter(Q(lane=entry.lane, seq__lt=entry.seq) | Q(lane__part_of=entry.lane))
    beside = published.filter(
        lane__sender=entry.lane.sender,
        lane__purpose=entry.lane.purpose,
        lane__agreement=entry.lane.agreement,
        lane__clause=entry.lane.clause,
    ).exclude(lane=entry.lane)
    ids = dict(on_it.values_list("id", "content_digest"))
    # what was published again since stands, and so does what only has the same name
    before = beside.filter(issued__lte=entry.issued)
    found = {
        *ids,
        *(before.filter(content_digest__in=ids.values()) if ids else before).values_list("id", flat=True),
    }
    # where nothing is older by its sender's clock, that was set back: a withdrawal is heeded whatever its date
    return LaneEntry.objects.filter(id__in=found) if found else beside


def _forgotten(partner: Partner, header: Header) -> list[Release]:
    """What came from a partner, was shared onward, and is known here again by that alone."""
    about = {"subject": header.subject, "version": header.version}
    shared = Passage.objects.filter(
        release__origin__isnull=False, release__state=Release.State.ENDED, ended__isnull=True
    ).filter(entry__lane__sender=None, **{f"release__{name}": value for name, value in about.items()})
    return [
        each.release
        for each in shared.select_related("release", "entry")
        if is_forgotten(each.release) and came_by(said_in(each.entry.header)) == partner.node
    ]


def _is_the_source(release: Release, partner: Partner) -> bool:
    return release.origin_id == partner.id and not release.source


def receive_reason(message: messages.Message) -> None:
    """The source says why it took a release back; it may be said before the withdrawal itself has come."""
    named, reason = _reason(message)
    told = Release.objects.filter(_told_by(message, withdrawal_reason=""), **named).values_list(
        "id", flat=True
    )
    if not Release.objects.filter(id__in=list(told)).update(withdrawal_reason=reason):
        raise MessageRefused("unknown-release", "nothing of this kind came from the sender of this reason")


def _reason(message: messages.Message) -> tuple[dict[str, str], str]:
    """What a reason is about, and the reason."""
    try:
        named = {name: str(message.payload[name]) for name in ("subject", "version", "digest")}
        return named, str(message.payload["reason"])[:LONGEST_REASON]
    except KeyError as missing:
        raise MessageRefused("malformed", f"the reason of a withdrawal lacks {missing}") from None


def _told_by(message: messages.Message, **onward: str) -> Q:
    """Releases that a partner may say something of.

    Args:
        message: what it says.
        onward: what must hold of those that it shared onward: it does not speak for their source.
    """
    return Q(origin=message.partner) | Q(passages__entry__lane__sender=message.partner, **onward)


def put_away_reason(message: messages.Message) -> None:
    """What a thief gave as the reason is no reason; that it was withdrawn stays so."""
    named, reason = _reason(message)
    Release.objects.filter(_told_by(message), **named, withdrawal_reason=reason).update(withdrawal_reason="")


WITHDRAWN: Final = messages.MessageKind("withdrawn", receive_reason, regain_reason, put_away_reason)
