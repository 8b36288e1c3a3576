"""Who ratifies, joins, leaves and narrows: as sentences, and the steps that a reader may take about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from taawun.cooperation.agreements.models import Approval
from taawun.cooperation.agreements.presenting.nouns import Act, Situation
from taawun.cooperation.agreements.presenting.sentences import approvals_in_words, listed, party_name
from taawun.cooperation.agreements.rules import (
    can_accede,
    can_declare,
    can_invite,
    can_ratify,
    own_invitation,
    own_ref,
)
from taawun.cooperation.people.rules import Granted
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Document, Narrowing, Party
    from taawun.cooperation.agreements.presenting.timelines import Record
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.partners.models import Partner

__all__ = ["joining_acts", "joinings", "narrowing_in_words"]


def joinings(record: Record, standing: Standing, at: datetime) -> list[Situation]:
    """What is the case about ratifications, accessions, leaving and declarations."""
    document = standing.current
    if document is None:
        return []
    told = []
    about = standing.pending or document
    waiting = [about.party(ref) for ref in sorted(standing.signed_by - standing.ratified_by)]
    if waiting:
        names = listed([party_name(party) for party in waiting if party])
        sentence = _(
            "Version {} is signed by {} and waits for ratification; until then it does not bind them."
        )
        shown = format_html(sentence, formats.digits(about.version), names)
        if own_ref(about) in standing.signed_by - standing.ratified_by:
            counted = approvals_in_words(len(record.approved(about.digest, Approval.Step.RATIFICATION)))
            shown = format_html("{} {}", shown, format_html(_("Our ratification: {}"), counted))
        told.append(Situation("gold", shown))
    if own_invitation(standing):
        sentence = _("{} invites this node to accede to this agreement. {}")
        given = approvals_in_words(len(record.approved(document.digest, Approval.Step.ACCESSION)))
        told.append(Situation("gold", format_html(sentence, party_name(document.depositary), given)))
    told += [
        Situation(
            "neutral",
            format_html(
                _("{} has signed its accession. It counts once {} has countersigned."),
                record.party(each.node, each.digest),
                party_name(document.depositary),
            ),
        )
        for each in standing.accessions
    ]
    for ref, until in sorted(standing.leaves.items()):
        party = document.party(ref)
        if party:
            sentence = _("{} leaves on {}.") if until > at else _("{} left on {}.")
            told.append(Situation("gold", format_html(sentence, party_name(party), formats.moment(until))))
    told += _declared(standing, document)
    return told


def _declared(standing: Standing, document: Document) -> Iterator[Situation]:
    for each in standing.declared:
        party = document.party(each.party)
        if party is None:
            continue
        for narrowing in each.narrows:
            yield Situation(
                "neutral",
                format_html(_("{} declared: {}"), party_name(party), narrowing_in_words(narrowing, document)),
            )


def narrowing_in_words(narrowing: Narrowing, document: Document) -> SafeString:
    """What a declaration leaves out, as one would tell it."""
    clause = formats.digits(narrowing.clause)
    gives = narrowing.direction == "gives"
    others = [party for ref in narrowing.without if (party := document.party(ref))]
    limits = [
        *([narrowing.tlp_max.label] if narrowing.tlp_max is not None else []),
        *narrowing.kinds,
        *narrowing.topics,
    ]
    if limits:
        sentence = (
            _("under clause {} it gives no more than {}.")
            if gives
            else _("under clause {} it takes no more than {}.")
        )
        said = format_html(sentence, clause, listed([format_html("<bdi>{}</bdi>", each) for each in limits]))
        return (
            said if not others else format_html("{} {}", said, _without(clause, _named(others), gives=gives))
        )
    if others:
        return _without(clause, _named(others), gives=gives)
    return format_html(
        _("under clause {} it gives nothing.") if gives else _("under clause {} it takes nothing."), clause
    )


def _named(parties: Sequence[Party]) -> SafeString:
    return listed([party_name(party) for party in parties])


def _without(clause: str, names: SafeString, *, gives: bool) -> SafeString:
    sentence = (
        _("under clause {} it gives nothing to {}.")
        if gives
        else _("under clause {} it takes nothing from {}.")
    )
    return format_html(sentence, clause, names)


def joining_acts(
    reader: UUID, record: Record, standing: Standing, partners: Mapping[str, Partner]
) -> list[Act]:
    """Ratify, accede, leave, declare and lift, where they are possible now."""
    agreement, found = record.agreement, []
    for about in dict.fromkeys((standing.pending, standing.current)):
        if about is None:
            continue
        steps = (
            (
                Approval.Step.RATIFICATION,
                can_ratify(about, standing),
                "agreement-ratify",
                _("Ratify version %(number)s…"),
            ),
            (
                Approval.Step.ACCESSION,
                can_accede(about, standing, partners),
                "agreement-accede",
                _("Accede to version %(number)s…"),
            ),
        )
        for step, answer, name, label in steps:
            mine = any(each.person_id == reader for each in record.approved(about.digest, step))
            if isinstance(answer, Granted) and not mine:
                url = reverse(name, args=[agreement.id, about.version])
                found.append(Act(label % {"number": formats.digits(about.version)}, url, "primary", "seal"))
    if isinstance(can_invite(standing), Granted):
        found.append(Act(_("Invite to accede…"), reverse("agreement-invite", args=[agreement.id])))
    if isinstance(can_declare(standing, "declared"), Granted):
        found.append(Act(_("Declare less…"), reverse("agreement-declare", args=[agreement.id])))
    if standing.current:
        me = own_ref(standing.current)
        found += [
            Act(_("Lift our declaration…"), reverse("agreement-lift", args=[agreement.id, each.id]))
            for each in standing.declared
            if each.party == me
        ]
    if isinstance(can_declare(standing, "left"), Granted):
        leave = reverse("agreement-leave", args=[agreement.id])
        found.append(Act(pgettext("agreement", "Leave…"), leave, "danger", is_ending=True))
    return found
