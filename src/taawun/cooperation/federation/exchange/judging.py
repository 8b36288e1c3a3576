"""Whether an entry of a partner's clause lane may be opened: its sender is held to its own clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from taawun.cooperation.agreements.decision import reads
from taawun.cooperation.agreements.policy import Facts
from taawun.cooperation.federation.bounds import are_within
from taawun.cooperation.federation.guests import policies_of
from taawun.cooperation.federation.hops import agreed_under, giving_history
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.partners.logs.joining import JOINED
from taawun.cooperation.partners.logs.purposes import Outcome
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.foundation.clock import SKEW, now
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.policy import Grant, Policy
    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Lane

__all__ = ["accepts", "grants_to_us"]

_MENDABLE: Final = frozenset({"unsigned", "unratified", "not-begun", "suspended"})


def accepts(lane: Lane, header: Header) -> Outcome | None:
    """Hold a partner to its own clause: what it may not send is not opened here either."""
    if header.kind in {"lane.opened", JOINED} or header.action == "withdraw":
        return None
    sender = lane.sender
    outside = (
        (registry.find(ReleaseKind, header.kind) is None, "unknown-kind"),
        (bool(header.audience) and not _is_for_us(header.audience), "not-in-audience"),
        (sender is None or lane.agreement is None or header.clause != lane.clause, "other-clause"),
        (header.tlp == Tlp.RED and not header.persons, "red-unnamed"),
        # cut short, two of them may be alike, and none says what it said
        (not _names_little(header), "long-header"),
    )
    closed = next((reason for is_so, reason in outside if is_so), "")
    if closed or sender is None:
        return Outcome(LaneEntry.State.UNOPENED, closed)
    if sender.state != Partner.State.VERIFIED:
        return Outcome(LaneEntry.State.PENDING, "not-verified")
    return _under_its_clause(lane, sender, header)


def _under_its_clause(lane: Lane, sender: Partner, header: Header) -> Outcome | None:
    facts = Facts(
        kind=header.kind,
        tlp=header.tlp,
        topics=frozenset(header.topics),
        names_persons=bool(header.persons),
    )
    # its host signs what a guest of it gives: the clause of either will do
    policies = policies_of(sender.node)
    held = [(policy, grant) for policy in policies for grant in grants_to_us(policy, lane)]
    # who goes on under a version that ended names it still; one that this node never agreed to gives nobody anything
    if not any(grant.digest == header.agreement for _policy, grant in held):
        if history := _history(held, header):
            return _as_history(history, header, facts)
        # its agreement, or the last signature on it, may still be on its way over the talk lane
        reason = policies[0].unopened(lane.agreement) if lane.agreement and not held else ""
        return _judge([reason]) if reason else Outcome(LaneEntry.State.PENDING, "unknown-agreement")
    return _judge(_obstacles(held, facts))


def _obstacles(held: Sequence[tuple[Policy, Grant]], facts: Facts) -> list[str]:
    # a clock that is a little ahead never stops a lane at the beginning of a version
    moments = [now().timestamp(), (now() + SKEW).timestamp()]
    return [each for policy, grant in held for each in policy.obstacles([grant], facts, moments)]


def _history(held: Sequence[tuple[Policy, Grant]], header: Header) -> list[tuple[Policy, Grant]]:
    """What a clause gives us, where a header was sent under a version that is held here and bound us never."""
    agreed, issued = agreed_under(header), header.issued.timestamp()
    if agreed is None:
        return []
    return [each for each in held if each[1].agreement == agreed[0].id and issued < each[1].joined]


def _as_history(held: Sequence[tuple[Policy, Grant]], header: Header, facts: Facts) -> Outcome | None:
    """Judge what was sent before this node joined by the clause as it binds it now, as its sender does."""
    gave = bool(giving_history({header.agreement}, header.clause))
    issued = header.issued.timestamp()
    open_to_us = [each for each in held if reads(each[1], issued, gave_history=gave)]
    if not open_to_us:
        # its sender serves no content for it either
        return Outcome(LaneEntry.State.UNOPENED, "before-accession")
    return _judge(_obstacles(open_to_us, facts))


def grants_to_us(policy: Policy, lane: Lane) -> list[Grant]:
    """What a lane's clause gives this node and its guests, in every version."""
    if lane.agreement is None:
        return []
    clause = (lane.agreement, lane.clause)
    return [grant for key in policy.keys_of(settings.BASE_URL) for grant in policy.grants_over(key, clause)]


def _judge(obstacles: Sequence[str]) -> Outcome | None:
    if "" in obstacles:
        return None
    # what a signature, time or a resumption may mend waits, whichever version of the clause it is that hopes;
    # what the clause never covered stays closed
    hopeful = next((reason for reason in obstacles if reason in _MENDABLE), None)
    return (
        Outcome(LaneEntry.State.PENDING, hopeful)
        if hopeful
        else Outcome(LaneEntry.State.UNOPENED, obstacles[0])
    )


def _names_little(header: Header) -> bool:
    return are_within(
        topics=header.topics, audience=header.audience, persons=header.persons, languages=header.languages
    )


def _is_for_us(keys: Sequence[str]) -> bool:
    own = settings.BASE_URL
    return any(key == own or key.startswith(f"{own}#") for key in keys)
