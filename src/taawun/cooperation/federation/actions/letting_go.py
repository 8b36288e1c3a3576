"""What the node does by itself with what it received: it goes when its time or its agreement is over.

It says so to who sent it. Each step is a transaction of its own and finds again what a crash left: a way that is over
and stands, an ending that is not told yet.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation.bounds import MOST_IN_A_MESSAGE
from taawun.cooperation.federation.duties import over_with_their_agreement, overdue
from taawun.cooperation.federation.ending import end_here, settle
from taawun.cooperation.federation.exchange.public import ask_no_more
from taawun.cooperation.federation.models import Deletion, Passage, Release
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.logs.joining import JOINED
from taawun.cooperation.partners.logs.turns import one_ender
from taawun.cooperation.partners.models import LaneEntry
from taawun.foundation.clock import now, timestamp
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from taawun.cooperation.federation.duties import Owed

__all__ = ["COMES_AGAIN", "SOON", "let_go"]

log: Final = logging.getLogger(__name__)

# people are told this long before something goes
SOON: Final = timedelta(days=7)
# so long a restored node waits for partners to bring again what it had shared onward
COMES_AGAIN: Final = timedelta(days=7)
_ENDING: Final = "urn:taawun:federation:ending"
_BATCH: Final = 200


def let_go() -> int:
    """Let go what is over, say so to who sent it, and tell people here what will go next and who owes us a word.

    Runs as a schedule, by one worker at a time.

    Returns:
        How many ways ended.
    """
    ended = _end_each(_over_by_time(), Release.Gone.RETENTION)
    owed = over_with_their_agreement()
    for each in owed:
        if each.goes <= now():
            ended += _end_each(each.passages, Release.Gone.AGREEMENT)
            _shut(each)
    _let_go_of_the_forgotten()
    while _say_some():
        pass
    _warn(owed)
    _remind()
    ask_no_more()
    return ended


# ---- letting go -------------------------------------------------------------------------------------------------
def _over_by_time() -> QuerySet[Passage]:
    # what is in quarantine goes at its day as well, whether somebody has decided or not
    stands = Q(ended__isnull=True) | Q(why_ended=Release.Gone.ASIDE)
    over = Passage.objects.filter(stands, ends__lte=now(), entry__lane__sender__isnull=False)
    return over.order_by("ends", "id")


def _end_each(over: QuerySet[Passage], why: Release.Gone) -> int:
    """Release by release, each in its own transaction: whoever takes one in meanwhile waits for no other."""
    count, stuck = 0, set[UUID]()
    while releases := set(over.exclude(release__in=stuck).values_list("release", flat=True)[:_BATCH]):
        for release in sorted(releases):
            try:
                count += _end_one(over, release, why)
            except Exception:
                # one that cannot be let go does not keep the others here; it is tried again with the next round
                log.exception("the release %s, which is over (%s), could not be let go", release, why)
                stuck.add(release)
    return count


@transaction.atomic
def _end_one(over: QuerySet[Passage], release_id: UUID, why: Release.Gone) -> int:
    one_ender()
    release = Release.objects.select_for_update().get(id=release_id)
    passages = list(over.filter(release=release).select_related("entry__lane"))
    end_here(release, passages, why)
    return len(passages)


def _shut(owed: Owed) -> None:
    """What came under an agreement that is over and was never taken in goes unread, in quarantine or not."""
    unread = LaneEntry.objects.filter(
        lane__agreement=owed.agreement,
        lane__sender=owed.sender,
        state__in=[LaneEntry.State.PENDING, LaneEntry.State.QUARANTINED],
        action="publish",
    ).exclude(kind__in=["lane.opened", JOINED])
    unread.filter(passage=None).update(state=LaneEntry.State.UNOPENED, reason="ended", not_before=None)


def _let_go_of_the_forgotten() -> None:
    """What a restored node had shared onward, and nobody has brought again, is taken back: nothing lets it stay."""
    given = Passage.objects.filter(release=OuterRef("pk"), ended__isnull=True, entry__lane__sender=None)
    lost = Release.objects.filter(
        Exists(given),
        state=Release.State.ENDED,
        gone="",
        origin__isnull=False,
        withdrawn__lte=now() - COMES_AGAIN,
    )
    for key in list(lost.values_list("id", flat=True)):
        with transaction.atomic():
            one_ender()
            settle(Release.objects.select_for_update().get(id=key), Release.Gone.SENDER)


# ---- saying so --------------------------------------------------------------------------------------------------
@transaction.atomic
def _say_some() -> int:
    unsaid = Deletion.objects.filter(partner=None, said__isnull=True).select_related("entry__lane__sender")
    some = list(unsaid.order_by("entry__lane", "why", "at", "entry__seq")[:MOST_IN_A_MESSAGE])
    for _about, group in groupby(some, key=lambda each: (each.entry.lane_id, each.why)):
        _say(list(group))
    return len(some)


def _say(deletions: Sequence[Deletion]) -> None:
    lane = deletions[0].entry.lane
    if lane.sender is None:
        return
    said = messages.send(
        lane.sender,
        "deleted",
        {
            "lane": str(lane.wire_id),
            "why": deletions[0].why,
            "at": timestamp(max(each.at for each in deletions)),
            "entries": [
                {"seq": each.entry.seq, "digest": each.entry.digest}
                | ({"held": True} if each.is_held else {})
                for each in deletions
            ],
        },
    )
    Deletion.objects.filter(id__in=[each.id for each in deletions]).update(
        said=said.subject.removeprefix("urn:uuid:")
    )


# ---- telling people ---------------------------------------------------------------------------------------------
def _warn(owed: Sequence[Owed]) -> None:
    soon = Passage.objects.filter(
        ended__isnull=True, ends__lte=now() + SOON, entry__lane__sender__isnull=False
    )
    count = soon.values("release").distinct().count()
    if not count:
        resolve("federation.ends-soon", _ENDING)
    elif not Notice.objects.filter(kind="federation.ends-soon", resolved=None).exists():
        last = soon.aggregate(last=Max("ends"))["last"]
        facts = {"count": str(count), "until": timestamp(last)}
        raise_notice("federation.ends-soon", _ENDING, Notice.Level.WARNING, facts)
    waiting = {each.agreement: each for each in owed if each.goes > now()}
    codes = {each.id: each.code for each in Agreement.objects.filter(id__in=waiting)}
    told = Notice.objects.filter(kind="federation.ends-with-agreement", resolved=None)
    for lineage, each in waiting.items():
        subject = f"urn:uuid:{lineage}"
        if not told.filter(subject=subject).exists():
            facts = {"agreement": str(lineage), "code": codes[lineage], "at": timestamp(each.goes)}
            raise_notice("federation.ends-with-agreement", subject, Notice.Level.WARNING, facts)
    for subject in told.values_list("subject", flat=True):
        if subject not in {f"urn:uuid:{lineage}" for lineage in waiting}:
            resolve("federation.ends-with-agreement", subject)


def _remind() -> None:
    """Tell who here looks after it which parties have not said that they deleted what is ours."""
    for agreement, late in overdue():
        subject = f"urn:uuid:{agreement.id}"
        open_one = Notice.objects.filter(kind="federation.deletion-overdue", subject=subject, resolved=None)
        if not late:
            resolve("federation.deletion-overdue", subject)
        elif not open_one.exists():
            facts = {
                "agreement": str(agreement.id),
                "code": agreement.code,
                "node": ", ".join(each.partner.node for each in late[:5]),
            }
            raise_notice("federation.deletion-overdue", subject, Notice.Level.ALARM, facts)
