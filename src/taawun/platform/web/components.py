"""What views hand to the components: small frozen things, so that a template never builds a dictionary.

The template tags that draw them are in :mod:`taawun.platform.web.templatetags.components`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import pgettext_lazy

from taawun.platform.web.charts import Picture, Table

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.utils.functional import _StrOrPromise

__all__ = [
    "STATES",
    "Chart",
    "ClauseReceivers",
    "Fact",
    "Moment",
    "NonReceiver",
    "PublishPreview",
    "Receiver",
    "State",
    "Station",
    "Step",
    "Tab",
    "Tone",
]


class Tone(StrEnum):
    """What a colour means: green is action and verified, gold a clause or what waits, alarm errors and endings."""

    NEUTRAL = "neutral"
    GREEN = "green"
    GOLD = "gold"
    ALARM = "alarm"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class State:
    """How a state is shown: always an icon and a word, never a colour alone."""

    icon: str
    word: _StrOrPromise
    tone: Tone = Tone.NEUTRAL


STATES: dict[str, State] = {
    # of agreements
    "draft": State("ring", pgettext_lazy("state", "Draft"), Tone.MUTED),
    "proposed": State("arrow", pgettext_lazy("state", "Proposed"), Tone.GOLD),
    "countered": State("return", pgettext_lazy("state", "Countered"), Tone.GOLD),
    "signed": State("seal", pgettext_lazy("state", "Signed"), Tone.GREEN),
    "in-force": State("check", pgettext_lazy("state", "In force"), Tone.GREEN),
    "suspended": State("pause", pgettext_lazy("state", "Suspended"), Tone.GOLD),
    "expired": State("clock", pgettext_lazy("state", "Expired"), Tone.MUTED),
    "terminated": State("close", pgettext_lazy("state", "Terminated"), Tone.ALARM),
    "superseded": State("dash", pgettext_lazy("state", "Superseded"), Tone.MUTED),
    # of partners and signatures
    "verified": State("seal", pgettext_lazy("state", "verified"), Tone.GREEN),
    "not-compared": State("eye", pgettext_lazy("state", "not yet compared, receives nothing"), Tone.GOLD),
    "kept-unopened": State("close", pgettext_lazy("state", "kept unopened"), Tone.ALARM),
    # of long work
    "queued": State("clock", pgettext_lazy("state", "Waiting"), Tone.MUTED),
    "running": State("half", pgettext_lazy("state", "Running"), Tone.GOLD),
    "done": State("check", pgettext_lazy("state", "Done"), Tone.GREEN),
    "failed": State("close", pgettext_lazy("state", "Failed"), Tone.ALARM),
    # of releases
    "received": State("check", pgettext_lazy("state", "Received"), Tone.GREEN),
    "waiting": State("clock", pgettext_lazy("state", "Waiting"), Tone.GOLD),
    "withdrawn": State("close", pgettext_lazy("state", "Withdrawn"), Tone.ALARM),
    "ended": State("clock", pgettext_lazy("state", "Ended"), Tone.MUTED),
    # of invitations and tokens
    "open": State("ring", pgettext_lazy("state", "Open"), Tone.GOLD),
    "used": State("check", pgettext_lazy("state", "Used"), Tone.GREEN),
    "revoked": State("close", pgettext_lazy("state", "Revoked"), Tone.MUTED),
    "lapsed": State("clock", pgettext_lazy("state of a token", "Expired"), Tone.MUTED),
    "active": State("check", pgettext_lazy("state", "Active"), Tone.GREEN),
    "inactive": State("pause", pgettext_lazy("state", "Inactive"), Tone.MUTED),
}


@dataclass(frozen=True, slots=True)
class Station:
    """One of the four stations of a provenance strip: came from, allowed by, signature, matched.

    Args:
        label: what the station is.
        value: what it found; may be markup made with ``format_html`` (a tile and a name, a clause chip).
        icon: its icon.
        detail: a second line; may be markup too.
        tone: gold for the clause, green for a signature that verifies, alarm for a failure. The stations after a
            failed one read “not reached” by themselves.
    """

    label: _StrOrPromise
    value: _StrOrPromise
    icon: str
    detail: _StrOrPromise = ""
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a definition list; the value may be markup made with ``format_html``."""

    label: _StrOrPromise
    value: _StrOrPromise


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a history, newest first.

    Args:
        title: what happened.
        at: when; None shows none.
        detail: by whom, how; may be markup made with ``format_html``.
        marked: a gold dot, for what matters to us.
        url: where it can be read in full.
    """

    title: _StrOrPromise
    at: datetime | None = None
    detail: _StrOrPromise = ""
    marked: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One dot of a state line.

    Args:
        label: the state's word.
        detail: when and by whom.
        when: ``done``, ``now`` or ``future``.
    """

    label: _StrOrPromise
    detail: _StrOrPromise = ""
    when: str = "done"


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; each is a page of its own with an address."""

    label: _StrOrPromise
    url: str
    current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who will receive.

    Args:
        code: two letters of the nation.
        name: the partner's name.
        value: what the box sends when it is ticked.
        note: when it will be there, or why not yet.
        chosen: whether the box is ticked.
    """

    code: str
    name: str
    value: str
    note: _StrOrPromise = ""
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class ClauseReceivers:
    """The receivers that one clause entitles.

    Args:
        agreement: the agreement's code.
        clause: the clause's number.
        url: the clause's page.
        allows: what the clause allows, in one line.
        receivers: at least one.
    """

    agreement: str
    clause: str
    url: str
    allows: _StrOrPromise
    receivers: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True)
class NonReceiver:
    """Somebody who will not receive.

    Args:
        code: two letters of the nation.
        name: the partner's name.
        reason: the one reason.
        mend: words of the one link that would change it, or who could; never a lower marking.
        mend_url: where that link leads; empty where the reader can only ask somebody.
    """

    code: str
    name: str
    reason: _StrOrPromise
    mend: _StrOrPromise = ""
    mend_url: str = ""


@dataclass(frozen=True, slots=True)
class PublishPreview:
    """Who will receive, by which clause; who will not, and why.

    Args:
        groups: receivers by clause.
        others: everybody else that this node knows.
        name: name of the boxes in the form.
    """

    groups: tuple[ClauseReceivers, ...]
    others: tuple[NonReceiver, ...] = field(default=())
    name: str = "receivers"

    def ticked(self, unticked: Collection[str]) -> PublishPreview:
        """The same, with the boxes as they were left.

        Args:
            unticked: values of those that are not chosen.
        """
        groups = tuple(
            replace(
                group,
                receivers=tuple(replace(each, chosen=each.value not in unticked) for each in group.receivers),
            )
            for group in self.groups
        )
        return replace(self, groups=groups)

    @property
    def chosen(self) -> int:
        """How many will receive as the boxes stand."""
        return sum(receiver.chosen for group in self.groups for receiver in group.receivers)

    @property
    def entitled(self) -> int:
        """How many could receive."""
        return sum(len(group.receivers) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in its frame: title, finding, drawing, what its marks mean, and the table behind it.

    Args:
        id: unique on the page.
        title: what it shows.
        finding: what one sees in it, as a sentence.
        picture: what is drawn.
        behind: the table, where it tells more than the picture's own.
        is_titled: whether the title is shown; not where a sheet's heading says the same just above. The drawing bears
            it all the same.
        unfolds: whether boxes of a graph show their neighbours in place.
    """

    id: str
    title: _StrOrPromise
    finding: _StrOrPromise
    picture: Picture
    behind: Table | None = None
    is_titled: bool = True
    unfolds: bool = False
