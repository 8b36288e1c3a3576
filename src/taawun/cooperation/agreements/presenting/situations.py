"""Where an agreement stands, in one sentence, and what the reader may do about it now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from taawun.cooperation.agreements.models import Approval
from taawun.cooperation.agreements.presenting.joining import joining_acts, joinings
from taawun.cooperation.agreements.presenting.newcomers import newcomer_acts, newcomer_situations
from taawun.cooperation.agreements.presenting.nouns import Act, Situation
from taawun.cooperation.agreements.presenting.sentences import approvals_in_words, listed, party_name
from taawun.cooperation.agreements.presenting.terms import term_day
from taawun.cooperation.agreements.rules import can_declare, can_sign
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.people.rules import Granted
from taawun.platform.web import formats
from taawun.platform.web.components import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.models import PartyInstrument
    from taawun.cooperation.agreements.presenting.timelines import Record
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.partners.models import Partner
    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "Act",
    "Badge",
    "Situation",
    "acts",
    "badge",
    "is_being_signed",
    "open_counters",
    "situation",
]

WRITE = "write:agreements"
APPROVE = "approve:agreements"


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as icon and word.

    Args:
        name: a key of the shell's ``STATES``.
        word: what is written.
    """

    name: str
    word: str


def badge(state: State | str) -> Badge:
    """How a state is shown."""
    name = str(state)
    if name in STATES:
        return Badge(name, str(STATES[name].word))
    # a proposal that was turned down looks like what ended
    return Badge("terminated", pgettext("state", "Declined"))


def open_counters(record: Record, standing: Standing) -> list[PartyInstrument]:
    """Others' counter-proposals to the version on the table, or their proposals to change it, newest first."""
    is_open = {each.id for each in standing.proposals}
    return [
        each
        for each in reversed(record.instruments)
        if each.id in is_open and each.node != settings.BASE_URL and each.suggestion is not None
    ]


def is_being_signed(standing: Standing) -> bool:
    """Whether a version waits for signatures; else what is proposed is a change of one that has them."""
    return standing.pending is not None or standing.state in {State.PROPOSED, State.COUNTERED}


# ---- the sentence -----------------------------------------------------------------------------------------------
def situation(record: Record, standing: Standing, at: datetime) -> list[Situation]:
    """What is the case, the most pressing first."""
    told = [_counter(record, standing, each) for each in open_counters(record, standing)[:1]]
    told += _own_proposals(record, standing)
    told += _negotiation(record, standing)
    told += joinings(record, standing, at)
    told += newcomer_situations(record.agreement, standing)
    if standing.suspensions:
        told += [_suspension(record, standing)]
    if standing.ends and standing.ends > at:
        sentence = (
            _("Too few parties remain, or the depositary leaves. The agreement ends on {}.")
            if standing.is_deserted
            else _("Notice of termination was given. The agreement ends on {}.")
        )
        told.append(Situation("gold", format_html(sentence, formats.moment(standing.ends))))
    if record.agreement.draft and standing.current is not None:
        told.append(_draft(record))
    return told or [_standing(record, standing)]


def _draft(record: Record) -> Situation:
    edit = reverse("agreement-edit", args=[record.agreement.id])
    return Situation(
        "neutral",
        format_html("{}", _("A draft of a next version is being written here. Nobody else has seen it.")),
        _("Read or change the draft"),
        edit,
    )


def _negotiation(record: Record, standing: Standing) -> list[Situation]:
    about = standing.pending or standing.current
    if about is None or not is_being_signed(standing):
        return []
    told = []
    missing = [
        party for party in about.parties if party.kind == "node" and party.ref not in standing.signed_by
    ]
    me = about.party_of(settings.BASE_URL)
    number = formats.digits(about.version)
    if me in missing:
        given = len(record.approved(about.digest, Approval.Step.SIGNATURE))
        sentence = _safe(
            _("Version %(number)s waits for our signature. %(approvals)s")
            % {"number": number, "approvals": approvals_in_words(given)}
        )
        told.append(Situation("gold", sentence, *_reading(record, standing, about)))
    others = [party for party in missing if party is not me]
    if others:
        names = listed([party_name(party) for party in others])
        told.append(
            Situation("neutral", format_html(_("Version {} waits for the signature of {}."), number, names))
        )
    return told


def _reading(record: Record, standing: Standing, about: Document) -> tuple[str, str]:
    """Where a version is read: what it changes where another is in force, else its text."""
    if standing.pending and standing.current:
        query = f"?old=v{standing.current.version}&new=v{about.version}"
        return _("See what it changes"), reverse("agreement-compare", args=[record.agreement.id]) + query
    url = reverse("agreement-version", args=[record.agreement.id, about.version])
    return _("Read the exact text"), url


def _counter(record: Record, standing: Standing, instrument: PartyInstrument) -> Situation:
    sentence = (
        _("{} made a counter-proposal.")
        if is_being_signed(standing)
        else _("{} proposes a change. What is in force stays so until a next version is signed by all.")
    )
    return Situation(
        "gold",
        format_html(sentence, record.party(instrument.node, instrument.digest)),
        _("See what it changes"),
        _compared(record, instrument),
    )


def _own_proposals(record: Record, standing: Standing) -> list[Situation]:
    """The change that this node proposed last, while its depositary has not answered."""
    is_open = {each.id for each in standing.proposals}
    ours = [each for each in record.instruments if each.id in is_open and each.node == settings.BASE_URL]
    if not ours or is_being_signed(standing):
        return []
    sentence = _(
        "This node proposed a change; the depositary has not answered yet. What is in force stays so."
    )
    return [Situation("neutral", _safe(sentence), _("See what it changes"), _compared(record, ours[-1]))]


def _compared(record: Record, instrument: PartyInstrument) -> str:
    query = f"?old=v{record.number(instrument.digest)}&new=c{instrument.id}"
    return reverse("agreement-compare", args=[record.agreement.id]) + query


def reason_given(record: Record, row: PartyInstrument) -> SafeString:
    """Why a party declared what it did, in its own words; empty where it says nothing."""
    if not row.note:
        return _safe("")
    return format_html(_("{} gives this reason: {}"), record.party(row.node, row.digest), _quoted(row.note))


def _quoted(words: str) -> SafeString:
    return format_html('<bdi dir="auto">{}</bdi>', words)


def _suspension(record: Record, standing: Standing) -> Situation:
    held = standing.suspensions[0]
    row = next(each for each in record.instruments if each.id == held.id)
    sentence = format_html(
        _("Suspended by {} since {}: nothing flows under it."),
        record.party(row.node, row.digest),
        formats.moment(held.at),
    )
    return Situation("gold", format_html("{} <bdi>{}</bdi>", sentence, row.note))


def _standing(record: Record, standing: Standing) -> Situation:
    if standing.state is State.DRAFT:
        return Situation("neutral", _safe(_("This is a draft. Nobody else sees it until it is proposed.")))
    if standing.state is State.DECLINED:
        row = [each for each in record.instruments if each.kind == "declined" and not each.answers][-1]
        sentence = format_html(
            _("Declined by {} on {}."), record.party(row.node, row.digest), formats.moment(row.at)
        )
        return Situation("neutral", format_html("{} <bdi>{}</bdi>", sentence, row.note))
    if standing.state is State.TERMINATED:
        return Situation(
            "neutral", _safe(_("This agreement was terminated: nothing flows under it any more."))
        )
    if standing.state is State.EXPIRED:
        return Situation("neutral", _safe(_("This agreement has expired: nothing flows under it any more.")))
    if standing.state is State.SIGNED:
        ready = _("Signed by all whose signature it needs. In force from {}.")
        return Situation("green", format_html(ready, term_day(standing.windows[-1].opens)))
    return Situation("green", _safe(_("In force: the nodes of the parties enforce every clause below.")))


def _safe(sentence: str) -> SafeString:
    return format_html("{}", sentence)


# ---- the steps --------------------------------------------------------------------------------------------------
def acts(
    actor: PersonActor, record: Record, standing: Standing, partners: Mapping[str, Partner]
) -> list[Act]:
    """The steps that the state of the agreement and the reader's permissions allow now; the main one last.

    Args:
        actor: the reader.
        record: of the agreement.
        standing: where it stands.
        partners: the parties that are partners, by address.
    """
    found: list[Act] = []
    if APPROVE in actor.permissions:
        found += _officer_acts(actor, record, standing, partners)
    about, counters = standing.pending or standing.current, open_counters(record, standing)
    if counters and about and _is_depositary(about):
        # to sign on would be to pass over what a party has just answered: the main step is to answer it
        found = [replace(act, style="") if act.style == "primary" else act for act in found]
        if WRITE in actor.permissions and not record.agreement.draft:
            found.append(Act(_("See what it changes"), _compared(record, counters[0]), "primary", "arrow"))
    if WRITE in actor.permissions:
        found += _writer_acts(record, standing)
    # one primary act a page: the approval before a draft that may still be written on
    main = next((act for act in found if act.style == "primary"), None)
    quiet = [replace(act, style="") if act.style == "primary" else act for act in found]
    return [*(act for act in quiet if main is None or act.url != main.url), *([main] if main else [])]


def _officer_acts(
    actor: PersonActor, record: Record, standing: Standing, partners: Mapping[str, Partner]
) -> list[Act]:
    agreement = record.agreement
    about = standing.pending or standing.current
    found = []
    for kind, name, label, style in (
        ("terminated", "agreement-terminate", _("Terminate…"), "danger"),
        ("suspended", "agreement-suspend", _("Suspend…"), "danger"),
        ("declined", "agreement-decline", _("Decline…"), "danger"),
        ("resumed", "agreement-resume", _("Lift our suspension…"), ""),
    ):
        if isinstance(can_declare(standing, kind), Granted):
            is_ending = kind in {"terminated", "suspended"}
            url = reverse(name, args=[agreement.id])
            found.append(Act(label, url, style, is_ending=is_ending, is_answer=kind == "declined"))
    found += joining_acts(actor.id, record, standing, partners)
    found += newcomer_acts(agreement, standing)
    if about and isinstance(can_sign(about, standing, partners), Granted):
        given = record.approved(about.digest, Approval.Step.SIGNATURE)
        if all(each.person_id != actor.id for each in given):
            url = reverse("agreement-approve", args=[agreement.id, about.version])
            found.append(
                Act(
                    _("Approve version %(number)s…") % {"number": formats.digits(about.version)},
                    url,
                    "primary",
                    "seal",
                    is_answer=True,
                )
            )
    return found


def _writer_acts(record: Record, standing: Standing) -> list[Act]:
    agreement = record.agreement
    document = standing.pending or standing.current
    edit = reverse("agreement-edit", args=[agreement.id])
    discard = Act(
        _("Discard the draft…"), reverse("agreement-discard", args=[agreement.id]), "danger", "remove"
    )
    is_over = standing.state in {State.DECLINED, State.TERMINATED}
    if is_over and agreement.draft:
        return [discard]
    if document is None or _is_depositary(document):
        if agreement.draft:
            send = reverse("agreement-propose", args=[agreement.id])
            propose = Act(_("Propose…"), send, "primary", "arrow", is_answer=True)
            return [discard, Act(_("Edit the draft"), edit, "", "edit"), propose]
        return [] if is_over else [Act(_("Write a next version"), edit, "", "edit", is_answer=True)]
    if not isinstance(can_declare(standing, "countered"), Granted):
        # what was written before the other parties went on can still be thrown away
        return [discard] if agreement.draft else []
    is_counter = is_being_signed(standing)
    if agreement.draft:
        send = reverse("agreement-counter", args=[agreement.id])
        words = (
            (_("Edit the counter-proposal"), _("Send the counter-proposal…"))
            if is_counter
            else (_("Edit the change"), _("Send the proposal of a change…"))
        )
        return [
            discard,
            Act(words[0], edit, "", "edit"),
            Act(words[1], send, "primary", "return", is_answer=True),
        ]
    words_of_it = _("Counter…") if is_counter else _("Propose a change…")
    return [Act(words_of_it, edit, "", "return", is_answer=True)]


def _is_depositary(document: Document) -> bool:
    return document.depositary.node == settings.BASE_URL
