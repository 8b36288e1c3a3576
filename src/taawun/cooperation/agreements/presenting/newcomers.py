"""Newcomers as an agreement's page tells of them, and what one would read of what was sent before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.newcomers import joined
from taawun.cooperation.agreements.presenting.nouns import Act, Situation
from taawun.cooperation.agreements.presenting.sentences import kinds_in_words, listed, party_name
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.history import Earlier
    from taawun.cooperation.agreements.models import Agreement, Newcomer
    from taawun.cooperation.agreements.standing import Standing
    from taawun.foundation.tlp import Tlp

__all__ = ["EarlierRow", "earlier_rows", "how_it_reads", "newcomer_acts", "newcomer_situations"]


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """What of one kind and marking a newcomer would read under one clause."""

    clause: str
    kind: SafeString
    tlp: Tlp
    count: int
    since: str


def earlier_rows(found: Sequence[Earlier]) -> list[EarlierRow]:
    """For a table, by clause, kind and marking."""
    return [
        EarlierRow(
            formats.digits(each.clause),
            kinds_in_words([each.kind]),
            each.tlp,
            each.count,
            formats.moment(each.since),
        )
        for each in found
    ]


def how_it_reads(said: Newcomer) -> str:
    """What somebody here said of a newcomer."""
    sentence = (
        _("Confirmed by %(name)s on %(day)s: it reads everything sent before.")
        if said.reads_earlier
        else _("Confirmed by %(name)s on %(day)s: it reads from its accession on.")
    )
    return sentence % {"name": said.confirmed_by, "day": formats.moment(said.at)}


def newcomer_situations(agreement: Agreement, standing: Standing) -> list[Situation]:
    """Who waits for somebody here to confirm it."""
    return [
        Situation(
            "gold",
            format_html(
                _(
                    "{} acceded, and receives nothing from this node under clause {} until it is confirmed here."
                ),
                party_name(each.party),
                listed([formats.digits(ref) for ref in each.clauses]),
            ),
        )
        for each in joined(agreement, standing)
        if each.confirmed is None
    ]


def newcomer_acts(agreement: Agreement, standing: Standing) -> list[Act]:
    """Where newcomers are confirmed, and where that is changed."""
    language = get_language() or "en"
    found = []
    for each in joined(agreement, standing):
        url = reverse("agreement-newcomer", args=[agreement.id, each.party.ref])
        name = {"name": each.party.organisation.in_language(language).value}
        if each.confirmed is None:
            found.append(Act(_("Confirm %(name)s…") % name, url, "primary"))
        else:
            found.append(Act(_("What %(name)s reads…") % name, url))
    return found
