"""Releases in the reader's words: who would receive, what travelled over which clause, and who signed for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from taawun.cooperation.agreements.presenting.sentences import kinds_in_words
from taawun.cooperation.agreements.queries import named_parties, party_name
from taawun.cooperation.federation.models import Deletion, Passage, Receipt, Release
from taawun.cooperation.federation.queries import withdrawals_signed
from taawun.cooperation.federation.readers import readers_of
from taawun.cooperation.federation.rows import (
    ClauseMark,
    ReleaseRow,
    can_see,
    clause_marks,
    codes_of,
    kind_label,
    release_rows,
    title_of,
)
from taawun.cooperation.partners.models import LaneEntry, Partner
from taawun.cooperation.partners.wording import entry_reason
from taawun.cooperation.people.queries import holders
from taawun.platform.web import formats
from taawun.platform.web.components import (
    ClauseReceivers,
    NonReceiver,
    PublishPreview,
    Receiver,
)
from taawun.platform.web.templatetags.components import text, tlp
from taawun.platform.web.unit import once

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from taawun.cooperation.agreements.document import Clause
    from taawun.cooperation.federation.decisions import PartyDecision, Preview

__all__ = [
    "ClauseMark",
    "Delivery",
    "ReleaseRow",
    "arrived_at",
    "can_see",
    "clause_marks",
    "deliveries",
    "kind_label",
    "release_rows",
    "shown_preview",
    "title_of",
    "what_it_allows",
    "with_passages",
]


# ---- who would receive ------------------------------------------------------------------------------------------
def shown_preview(preview: Preview, permissions: Collection[str]) -> PublishPreview:
    """Who would receive, by which clause; who would not, why, and which step would change it.

    Args:
        preview: the decisions.
        permissions: of the reader; who may not take a step is told who may.

    Returns:
        What the component ``publish_preview`` draws; boxes carry party keys.
    """
    known = Partner.objects.only("node", "nation", "names", "state", "failures")
    partners = {partner.node: partner for partner in known}
    groups = []
    for decided in preview.by_clause().values():
        grant = next(each.grant for each in decided if each.grant)
        groups.append(
            ClauseReceivers(
                agreement=grant.code,
                clause=grant.clause.ref,
                url=f"{reverse('agreement', args=[grant.agreement])}#clause-{grant.clause.ref}",
                allows=what_it_allows(grant.clause),
                receivers=tuple(_receiver(each, partners) for each in decided),
            )
        )
    others = tuple(_non_receiver(each, partners, permissions) for each in preview.others)
    return PublishPreview(tuple(groups), others)


def what_it_allows(clause: Clause) -> SafeString:
    """What a clause allows, as one line: its title, the kinds of release, the strictest marking."""
    return format_html(
        # Translators: what a clause allows: its title, the kinds of release, the strictest marking
        _("{title}: {kinds}, up to {marking}"),
        title=text(clause.title),
        kinds=kinds_in_words(clause.kinds),
        marking=tlp(clause.tlp_max),
    )


def _receiver(decided: PartyDecision, partners: Mapping[str, Partner]) -> Receiver:
    partner, name = _party(decided.party, partners)
    note = ""
    if partner and partner.failures:
        note = _("when its node is back")
    elif decided.others:
        count = len(decided.others)
        words = ngettext("by %(count)s more clause", "by %(count)s more clauses", count)
        note = words % {"count": formats.number(count)}
    return Receiver(_nation(decided.party, partner), name, decided.party, note)


def _non_receiver(
    decided: PartyDecision, partners: Mapping[str, Partner], permissions: Collection[str]
) -> NonReceiver:
    partner, name = _party(decided.party, partners)
    worded = decided.worded
    url = _mend_url(decided, worded.step, partner, name)
    mend = worded.mend if url else ""
    if mend and worded.needs and worded.needs not in permissions:
        # a link that leads to a page without the button helps nobody
        key = f"federation.whom-to-ask.{worded.needs}"
        mend, url = f"{mend}. {once(key, partial(_whom_to_ask, worded.needs), str)}", ""
    return NonReceiver(_nation(decided.party, partner), name, worded.sentence, mend, url)


def _whom_to_ask(permission: str) -> str:
    """Who may do what the reader may not."""
    names = formats.listed(holders(permission))
    if permission.endswith(":partners"):
        sentence = _("Ask it of those who administer this node: %(names)s.")
        return sentence % {"names": names} if names else _("Ask it of those who administer this node.")
    sentence = _("Ask it of those who hold agreements: %(names)s.")
    return sentence % {"names": names} if names else _("Ask it of those who hold agreements.")


def _mend_url(decided: PartyDecision, step: str, partner: Partner | None, name: str) -> str:
    """Where the step begins that would change a refusal."""
    if step == "partner":
        if partner is None:
            return reverse("partners")
        compare = partner.state == Partner.State.MET
        return reverse("partner-verify" if compare else "partner", args=[partner.id])
    if step != "agreement":
        return ""
    grant = getattr(decided.decision, "grant", None)
    if grant is not None:
        return reverse("agreement", args=[grant.agreement])
    if getattr(decided.decision, "reason", "") == "no-agreement" and partner:
        return f"{reverse('agreement-new')}?partner={partner.id}"
    return f"{reverse('agreements')}?{urlencode({'q': name})}"


def _nation(key: str, partner: Partner | None) -> str:
    """The nation's letters of a party: by the partner's own word where we have it, else as an agreement names it."""
    if partner:
        return partner.nation
    entry = named_parties().get(key)
    return entry.nation if entry else ""


def _party(key: str, partners: Mapping[str, Partner]) -> tuple[Partner | None, str]:
    return partners.get(key.partition("#")[0]), party_name(key, partners)


def arrived_at(release: Release) -> datetime | None:
    """When a partner's release first came here; None where no way by which it came is left.

    Args:
        release: as :func:`with_passages` reads it.
    """
    return min((each.entry.recorded for each in release.passages.all() if not each.is_given), default=None)


# ---- one release ------------------------------------------------------------------------------------------------
def with_passages(found: QuerySet[Release]) -> QuerySet[Release]:
    """Releases together with the lanes they travelled over, and who reads those: for the page of one."""
    passages = Passage.objects.select_related("entry__lane__sender").prefetch_related(
        "entry__lane__readers__partner"
    )
    return found.select_related("origin").prefetch_related(
        Prefetch("passages", passages.order_by("id")), "topics"
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """A release of ours on its way to one partner over one clause.

    Args:
        partner: to whom.
        clause: over which clause.
        sent: when it was appended to the lane.
        badge: a key of the shell's ``STATES``.
        outcome: what became of it there, in words.
        signed: when the partner signed for it; None if it has not yet.
        ended: when it was withdrawn on this lane.
        deleted: when the partner says that it deleted it, or None.
        is_held: whether it says that it keeps it by another way.
        taken_back: when the partner signed for the withdrawal, or None.
    """

    partner: Partner
    clause: ClauseMark
    sent: datetime
    badge: str
    outcome: str
    signed: datetime | None
    ended: datetime | None
    deleted: datetime | None = None
    is_held: bool = False
    taken_back: datetime | None = None


def deliveries(*releases: Release) -> list[Delivery]:
    """Where releases went from here, clause by clause and partner by partner, with their receipts.

    Args:
        releases: in the order in which they are told; as :func:`with_passages` reads them.
    """
    passages = [each for release in releases for each in release.passages.all() if each.is_given]
    codes = codes_of(passage.agreement for passage in passages)
    receipts = {
        (receipt.entry_id, receipt.partner_id): receipt
        for receipt in Receipt.objects.filter(entry__in=[passage.entry_id for passage in passages])
    }
    deleted = {
        (each.entry_id, each.partner_id): each
        for each in Deletion.objects.filter(
            entry__in=[passage.entry_id for passage in passages], partner__isnull=False
        )
    }
    signed = withdrawals_signed(passages)
    found = []
    for passage in passages:
        (mark,) = clause_marks([passage], codes)
        for partner in readers_of(passage.entry):
            receipt = receipts.get((passage.entry_id, partner.id))
            gone = deleted.get((passage.entry_id, partner.id))
            badge, outcome = _outcome(receipt)
            found.append(
                Delivery(
                    partner,
                    mark,
                    passage.entry.recorded,
                    badge,
                    outcome,
                    receipt.at if receipt else None,
                    passage.ended,
                    gone.at if gone else None,
                    is_held=gone is not None and gone.is_held,
                    taken_back=signed.get((passage.entry.lane_id, partner.id)),
                )
            )
    return found


def _outcome(receipt: Receipt | None) -> tuple[str, str]:
    if receipt is None:
        return "waiting", _("not signed for yet")
    words = {
        LaneEntry.State.DONE: ("received", _("taken in")),
        LaneEntry.State.UNOPENED: ("kept-unopened", _("kept unopened")),
        LaneEntry.State.REFUSED: ("failed", _("refused")),
        LaneEntry.State.QUARANTINED: ("waiting", _("in quarantine")),
        LaneEntry.State.WITHDRAWN: ("withdrawn", _("withdrawn before it was opened")),
    }
    badge, word = words.get(LaneEntry.State(receipt.outcome), ("waiting", receipt.outcome))
    if not receipt.reason:
        return badge, word
    # Translators: what became of a release at its receiver, and why
    return badge, _("%(outcome)s: %(reason)s") % {"outcome": word, "reason": entry_reason(receipt.reason)}
