"""The public lane: how it is served to anybody, and how what stands on a partner's is taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from taawun.cooperation.federation.bounds import are_within
from taawun.cooperation.federation.exchange.arriving import prepare, receive
from taawun.cooperation.federation.exchange.receipts import acknowledge
from taawun.cooperation.federation.exchange.regaining import regain
from taawun.cooperation.federation.exchange.serving import urgent_kinds
from taawun.cooperation.federation.exchange.setting_aside import set_aside
from taawun.cooperation.federation.exchange.together import together
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.federation.queries import facts_of, waiting_for_everybody
from taawun.cooperation.federation.standing import may_be_public
from taawun.cooperation.partners.exchange.following import NOT_FOLLOWED
from taawun.cooperation.partners.logs.purposes import LanePurpose, Outcome
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.people.rules import Granted
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.actions import raise_notice, resolve
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.partners.logs.chain import Header

__all__ = ["PUBLIC_LANES", "accepts", "ask_anew", "ask_no_more", "readable"]

_WAITS: Final = "federation.public-waits"
_SUBJECT: Final = "urn:taawun:federation:public-waits"


def readable(lane: Lane, entries: Sequence[LaneEntry], reader: Partner | None) -> list[bool]:
    """Which contents anybody may have at this moment: what stands, and is still for everybody.

    Of a lane that a restore closed nobody knows what was taken back since, so nothing stands there any more.
    """
    del reader
    if lane.is_closed:
        return [entry.kind == "lane.opened" for entry in entries]
    passages = (
        Passage.objects.filter(entry__in=[entry.id for entry in entries if entry.action == "publish"])
        .filter(ended=None, release__state=Release.State.LIVE)
        .select_related("release")
    )
    facts = facts_of(each.release for each in passages)
    standing = {
        each.entry_id for each in passages if isinstance(may_be_public(facts[each.release_id]), Granted)
    }
    return [entry.kind == "lane.opened" or entry.id in standing for entry in entries]


# ---- what a partner put on its own ------------------------------------------------------------------------------


def accepts(lane: Lane, header: Header) -> Outcome | None:
    """Open nothing but what is TLP:CLEAR and for everybody, of a partner that somebody here chose to follow."""
    if header.seq == 0 or header.action == "withdraw":
        return None
    if header.tlp != Tlp.CLEAR:
        return Outcome(LaneEntry.State.REFUSED, "not-clear")
    if _names_somebody(header):
        return Outcome(LaneEntry.State.REFUSED, "not-public")
    sender = lane.sender
    little = are_within(topics=header.topics, audience=(), persons=(), languages=header.languages)
    outside = (
        (registry.find(ReleaseKind, header.kind) is None, "unknown-kind"),
        (not little, "long-header"),
        (sender is None or not sender.is_followed, NOT_FOLLOWED),
    )
    closed = next((reason for is_so, reason in outside if is_so), "")
    if closed or sender is None:
        return Outcome(LaneEntry.State.UNOPENED, closed)
    if sender.state != Partner.State.VERIFIED:
        return Outcome(LaneEntry.State.PENDING, "not-verified")
    return None


def _names_somebody(header: Header) -> bool:
    return any((header.audience, header.persons, header.agreement, header.clause, header.to))


# ---- after a restore --------------------------------------------------------------------------------------------


def ask_anew() -> None:
    """Tell people here that what stood for everybody before a restore waits for them, while anything does.

    Readers without a name could be asked nothing. So what was withdrawn from everybody since the backup may be known
    here to stand, and goes to nobody by itself.
    """
    if waiting_for_everybody().exists():
        raise_notice(_WAITS, _SUBJECT, Notice.Level.WARNING, {})


def ask_no_more() -> None:
    """Say that nothing waits any more: somebody decided, or it was withdrawn."""
    if not waiting_for_everybody().exists():
        resolve(_WAITS, _SUBJECT)


PUBLIC_LANES: Final = LanePurpose(
    "public",
    readable,
    accepts,
    receive,
    acknowledge,
    prepare=prepare,
    together=together,
    regain=regain,
    catch_up=ask_anew,
    urgent_kinds=urgent_kinds,
    set_aside=set_aside,
)
