"""How a step of an agreement is asked for: what it will bring about, and a reason for the other parties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.actions import APPROVALS
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import AgreementError, StepRefused
from taawun.cooperation.agreements.forms import NoteForm
from taawun.cooperation.agreements.presenting.terms import term_day
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.agreements.standing import Standing

__all__ = [
    "Step",
    "approved_before",
    "asked",
    "draft_or_text",
    "edition_in",
    "name_of",
    "notice_in_words",
    "others_of",
    "tried",
    "tried_on_draft",
]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that needs a reason.

    Args:
        act: takes it, with the reason.
        question: what is asked.
        effects: what will follow, a sentence each.
        action: the words of the button.
        done: what is said when it was taken.
        tone: of the question.
    """

    act: Callable[[str], object]
    question: str
    effects: Sequence[str]
    action: str
    done: str
    tone: str


def asked(request: HttpRequest, held: Agreement, step: Step) -> HttpResponseBase:
    """Ask for a reason, then take the step."""
    form, refusal = NoteForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["note"]
        refusal = tried(lambda: step.act(note))
        if not refusal:
            messages.success(request, step.done)
            return redirect("agreement", held.id)
    answer = confirm(
        request,
        question=step.question,
        effects=step.effects,
        action=step.action,
        cancel_url=reverse("agreement", args=[held.id]),
        tone=step.tone,
        form=form,
        refusal=refusal,
    )
    if form.errors:
        answer.status_code = 422
    return answer


def approved_before(given: int) -> str:
    """What a page says to an officer who has approved already what two of them approve.

    Args:
        given: how many have.
    """
    if given >= APPROVALS:
        return _("You have approved it already, and so has somebody else.")
    return _("You have approved it already. It waits for somebody else.")


def notice_in_words(standing: Standing, at_once: str) -> list[str]:
    """When the notice that somebody is about to give is over: its days and the day on which the obligation ends.

    Args:
        standing: where the agreement stands.
        at_once: what is said of an agreement that asks for no notice.
    """
    document = standing.current
    if document is None:
        return []
    if not document.notice_days:
        return [at_once]
    sentence = ngettext(
        "The notice is %(count)s day: the obligation ends on %(day)s. Until then everything flows as before.",
        "The notice is %(count)s days: the obligation ends on %(day)s. Until then everything flows as before.",
        document.notice_days,
    )
    over = now() + timedelta(days=document.notice_days)
    names = {"count": formats.number(document.notice_days), "day": formats.day(over)}
    closes = standing.window.closes if standing.window else None
    if closes is None or closes >= over:
        return [sentence % names]
    sooner = _("The agreement itself is over sooner, on %(day)s.")
    return [sentence % names, sooner % {"day": term_day(closes, is_end=True)}]


def draft_or_text(held: Agreement) -> Document:
    """What is edited: the draft, else the text on the table."""
    if held.draft:
        return parse(held.draft.encode())
    standing = standing_of(held)
    about = standing.pending or standing.current
    if about is None:
        raise LookupError(f"{held.code} has neither a draft nor a version")
    return about


def edition_in(request: HttpRequest) -> int:
    """The edition of the draft that they had before them; without one they had none, which no draft is."""
    given = request.POST.get("edition", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 9 else 0  # noqa: PLR2004 - a column's width


def tried(act: Callable[[], object]) -> str:
    """Take a step; the reason when the agreement's state does not allow it, else empty."""
    try:
        act()
    except NotAllowed as refused:
        # who lacks the permission was turned away at the door; here a rule of the agreement speaks
        return refused.sentence
    except AgreementError as refused:
        return str(refused)
    return ""


def tried_on_draft(act: Callable[[], object]) -> tuple[str, int]:
    """Change a draft; the reason why it cannot be and the status that says so, else empty and 200.

    What does not hold together is a mistake in the form (422). That somebody else changed the draft meanwhile is
    none (409): the same form would be taken once the draft was loaded again.
    """
    try:
        act()
    except StepRefused as refused:
        return str(refused), 409
    except AgreementError as refused:
        return str(refused), 422
    return "", 200


def name_of(held: Agreement) -> str:
    """The agreement's title in the reader's language."""
    return called(held.title)


def others_of(document: Document) -> str:
    """The other parties that have nodes, in a row."""
    language = get_language() or "en"
    return formats.listed(
        [
            party.organisation.in_language(language).value
            for party in document.parties
            if party.kind == "node" and party.node != settings.BASE_URL
        ]
    )
