"""Who would receive this, by which clause; who would not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.policy import Allowed, Denied
from taawun.cooperation.agreements.queries import current_policy, policy_for_guest
from taawun.cooperation.agreements.reasons import word
from taawun.cooperation.federation.errors import NobodyReceives
from taawun.foundation.clock import now
from taawun.platform.web.formats import digits

if TYPE_CHECKING:
    from uuid import UUID

    from taawun.cooperation.agreements.policy import Decision, Facts, Grant, Policy
    from taawun.cooperation.agreements.reasons import Worded
    from taawun.cooperation.federation.models import Behalf

__all__ = ["PartyDecision", "Preview", "nobody", "policy_of_giver", "preview"]


@dataclass(frozen=True, slots=True)
class PartyDecision:
    """The decision about one party.

    Args:
        party: its key.
        decision: yes over a clause, or no with the reason.
        others: further clauses that would allow it too.
    """

    party: str
    decision: Decision
    others: tuple[Grant, ...]

    @property
    def worded(self) -> Worded:
        """The same for people; whoever publishes asks for no words."""
        return word(self.decision, digits)

    @property
    def grant(self) -> Grant | None:
        """The clause that allows it, or None."""
        return self.decision.grant if isinstance(self.decision, Allowed) else None


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer for every party of every agreement.

    Args:
        receivers: who would receive it.
        others: who would not.
    """

    receivers: tuple[PartyDecision, ...]
    others: tuple[PartyDecision, ...]

    def by_clause(self) -> dict[tuple[UUID, str], list[PartyDecision]]:
        """Receivers grouped by agreement and clause, in order."""
        groups: dict[tuple[UUID, str], list[PartyDecision]] = {}
        for each in self.receivers:
            if each.grant:
                groups.setdefault((each.grant.agreement, each.grant.clause.ref), []).append(each)
        return groups


def policy_of_giver(behalf: Behalf | None) -> Policy:
    """The rules of whoever gives something of ours: this node itself, or a guest of it.

    Args:
        behalf: the guest; None for the node itself.
    """
    return policy_for_guest(behalf.guest, behalf.agreement) if behalf else current_policy()


def preview(facts: Facts, behalf: Behalf | None = None) -> Preview:
    """Decide about every party, changing nothing.

    Args:
        facts: of what would be published.
        behalf: the guest of this node that gives it; None for what is the node's own.
    """
    policy, at = policy_of_giver(behalf), now().timestamp()
    decided = []
    for party in policy.parties:
        if party == settings.BASE_URL:
            continue  # what a guest gives lies here anyway; its host is given nothing by that
        decision = policy.decide(party, facts, at)
        others = policy.all_allowing(party, facts, at)[1:] if isinstance(decision, Allowed) else ()
        decided.append(PartyDecision(party, decision, others))
    return Preview(
        receivers=tuple(each for each in decided if each.grant),
        others=tuple(each for each in decided if not each.grant),
    )


def nobody(decided: Preview) -> NobodyReceives:
    """Why a release that nobody would receive is not published, in the words of what really stands in the way.

    Args:
        decided: a preview without receivers.
    """
    reasons = {each.decision.reason for each in decided.others if isinstance(each.decision, Denied)}
    # what stands in the way whatever the clause is asked only where a clause would allow it: it tells most
    if "onward" in reasons:
        sentence = _(
            "Nobody would receive this: a clause would allow it, but its source does not let it, or something in it, "
            "be shared onward. Ask the source, or leave out what came from there."
        )
    elif "red-unnamed" in reasons:
        sentence = _("Nobody would receive this: TLP:RED names the persons it is for, and this names nobody.")
    elif "has-it" in reasons:
        sentence = _("Nobody would receive this: it came from, or through, whoever could have it.")
    elif "audience" in reasons:
        sentence = _("Nobody would receive this: no clause in force allows it to anybody who was chosen.")
    else:
        sentence = _("Nobody would receive this: no clause in force allows it to any party.")
    return NobodyReceives(sentence)
