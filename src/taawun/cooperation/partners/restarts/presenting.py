"""What pages show of stopped lanes that go on, and of lanes with two histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.cooperation.partners import queries
from taawun.cooperation.partners.models import Reset
from taawun.cooperation.partners.wording import stop_reason
from taawun.platform.web import formats
from taawun.platform.web.components import Fact
from taawun.platform.web.home import Line
from taawun.platform.web.templatetags.components import code

if TYPE_CHECKING:
    from datetime import datetime

    from taawun.cooperation.partners.models import Partner

__all__ = [
    "RestartStanding",
    "Step",
    "fork_lines",
    "restart_facts",
    "restart_lines",
    "restart_standing",
    "steps_of",
]

_MOST = 20


@dataclass(frozen=True, slots=True)
class RestartStanding:
    """Where a restart stands.

    Args:
        badge: a key of the shell's ``STATES``.
        word: what is written.
        sentence: whose turn it is.
    """

    badge: str
    word: str
    sentence: str


def restart_standing(reset: Reset) -> RestartStanding:
    """Where a restart stands, in words."""
    is_ours = reset.lane.sender_id is None
    if reset.state == Reset.State.PROPOSED:
        sentence = (
            _("Its reader has said what it holds. Answer with where your lane goes on.")
            if is_ours
            else _("The sender has been told what is held here. Its administrator answers.")
        )
        return RestartStanding("waiting", _("proposed"), sentence)
    if reset.state == Reset.State.ANSWERED:
        sentence = (
            _("You have signed for where it goes on. Its reader confirms.")
            if is_ours
            else _("The sender has signed for where it goes on. Confirm, and the lane starts again.")
        )
        return RestartStanding("waiting", _("answered"), sentence)
    if reset.state == Reset.State.DONE:
        return RestartStanding("done", _("restarted"), _("Both have signed, and the lane goes on."))
    return RestartStanding("superseded", _("replaced"), _("It was proposed anew; nothing came of this one."))


def restart_facts(reset: Reset) -> list[Fact]:
    """What a restart is about."""
    point = queries.point_of(reset)
    facts = [
        Fact(_("Stopped because"), stop_reason(reset.stop_reason)),
        Fact(_("Last entry the reader held"), formats.number(reset.held_seq)),
        Fact(_("Its digest"), code(reset.held_digest, short=12)),
    ]
    if point is not None:
        facts.append(
            Fact(_("Last entry on which both agree"), formats.number(point) if point >= 0 else _("none"))
        )
        facts.append(Fact(_("Entries left behind"), formats.number(max(0, reset.held_seq - point))))
    return facts


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a restart.

    Args:
        label: whose and what.
        at: when it was signed, as it was noted here; None while it is not.
        token: the statement.
    """

    label: str
    at: datetime | None
    token: str


def steps_of(reset: Reset) -> list[Step]:
    """The three statements of a restart, as far as they are signed."""
    return [
        Step(_("Proposed by the reader"), reset.proposed, reset.proposal),
        Step(_("Answered by the sender"), reset.answered, reset.answer),
        Step(_("Confirmed by the reader"), reset.confirmed, reset.confirmation),
    ]


def restart_lines(partner: Partner) -> list[Line]:
    """The restarts of lanes with a partner, newest first."""
    found = Reset.objects.filter(partner=partner).select_related("lane").order_by("-proposed")[:_MOST]
    lines = []
    for reset in found:
        title = _("A lane of this node") if reset.lane.sender_id is None else _("A lane of this partner")
        at = reset.confirmed or reset.answered or reset.proposed
        address = reverse("partner-restart", args=[reset.id])
        lines.append(Line(title, address, restart_standing(reset).sentence, at))
    return lines


def fork_lines(partner: Partner) -> list[Line]:
    """The proofs that a partner signed two histories, or that it showed us two of ours."""
    shown = queries.forks_with(partner).order_by("-found").values_list("seq", "shown_by__node", "found")
    return [
        Line(
            _("Two histories at entry %(seq)s") % {"seq": formats.number(seq)},
            "",
            _("shown by %(node)s") % {"node": node} if node else _("shown by its sender itself"),
            found,
        )
        for seq, node, found in shown[:_MOST]
    ]
