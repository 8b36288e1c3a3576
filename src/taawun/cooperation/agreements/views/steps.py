"""The steps of an agreement, each asked before it is taken, with what it brings about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions, waiting
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import AgreementError
from taawun.cooperation.agreements.forms import NoteForm
from taawun.cooperation.agreements.models import Agreement, PartyInstrument
from taawun.cooperation.agreements.presenting import compare as differences
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.views.reading import clause_rows
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["adopt", "approve", "counter", "decline", "propose", "resume", "suspend", "terminate"]


def _tried(act: Callable[[], object]) -> str:
    """Take a step; the reason when the agreement's state does not allow it, else empty."""
    try:
        act()
    except NotAllowed as refused:
        # who lacks the permission was turned away at the door; here a rule of the agreement speaks
        return refused.sentence
    except AgreementError as refused:
        return str(refused)
    return ""


def _name(held: Agreement) -> str:
    return held.title.in_language(get_language() or "en").value


def _others(document: Document) -> str:
    language = get_language() or "en"
    names = [
        party.organisation.in_language(language).value
        for party in document.parties
        if party.kind == "node" and party.node != settings.BASE_URL
    ]
    return ", ".join(names)


# ---- proposing, countering, adopting ----------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def propose(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Send the draft to the other parties as the next version, after asking."""
    held = get_object_or_404(Agreement, id=agreement_id)
    if not held.draft:
        return redirect("agreement", held.id)
    refusal = _tried(lambda: actions.propose(actor, held)) if request.method == "POST" else ""
    if request.method == "POST" and not refusal:
        messages.success(request, _("Proposed. The other parties read it when their nodes next answer."))
        return redirect("agreement", held.id)
    document = parse(held.draft.encode())
    names = {"title": _name(held), "others": _others(document)}
    effects = [
        _("The text is sent to %(others)s as it stands and cannot be changed any more; a next version can.")
        % names,
        _("They may sign it, decline it, or answer with a text of their own."),
        _("Nothing flows under it before every party has signed and it is in force."),
    ]
    current = standing_of(held).current
    if current:
        effects.insert(1, _("The version in force stays in force until the new one is."))
    return confirm(
        request,
        question=_("Propose “%(title)s” to %(others)s?") % names,
        effects=effects,
        action=_("Propose it"),
        cancel_url=reverse("agreement", args=[held.id]),
        tone="gold",
        refusal=refusal,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def counter(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Answer a proposal with the text that was written here, after showing what it changes."""
    held = get_object_or_404(Agreement, id=agreement_id)
    standing = standing_of(held)
    about = standing.pending or standing.current
    if not held.draft or about is None:
        return redirect("agreement", held.id)
    suggestion = parse(held.draft.encode())
    form, refusal = NoteForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["note"]
        refusal = _tried(lambda: actions.counter(actor, held, suggestion, note))
        if not refusal:
            messages.success(request, _("The counter-proposal is sent."))
            return redirect("agreement", held.id)
    context = {
        "agreement": held,
        "question": _("Send this counter-proposal to %(others)s?") % {"others": _others(about)},
        "effects": [
            _("The depositary may adopt it as the next version, which everybody then signs, or leave it."),
            _("Until then the version that was proposed stays on the table."),
        ],
        "action": _("Sign and send it"),
        "cancel_url": reverse("agreement", args=[held.id]),
        "tone": "gold",
        "form": form,
        "refusal": refusal,
        "comparison": differences(about, suggestion),
        "old_label": _("Version %(number)s") % {"number": formats.digits(about.version)},
        "new_label": _("Our counter-proposal"),
    }
    status = 422 if refusal or form.errors else 200
    return render(request, "agreements/counter.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def adopt(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, instrument_id: UUID
) -> HttpResponseBase:
    """Take a counter-proposal as our draft of the next version, after asking."""
    held = get_object_or_404(Agreement, id=agreement_id)
    suggestion = get_object_or_404(
        PartyInstrument, id=instrument_id, lineage=held.id, suggestion__isnull=False
    )
    refusal = _tried(lambda: actions.adopt(actor, held, suggestion)) if request.method == "POST" else ""
    if request.method == "POST" and not refusal:
        messages.success(request, _("The counter-proposal is our draft now. Propose it, or change it first."))
        return redirect("agreement-edit", held.id)
    effects = [
        _("Its text becomes the draft of the next version. Nobody is bound by that."),
        _("You can still change it. When you propose it, every party signs anew."),
    ]
    if held.draft:
        effects.append(_("It replaces the draft that is being written here; that text is lost."))
    return confirm(
        request,
        question=_("Adopt this counter-proposal to “%(title)s”?") % {"title": _name(held)},
        effects=effects,
        action=_("Adopt it as our draft"),
        cancel_url=reverse("agreement", args=[held.id]),
        tone="alarm" if held.draft else "",
        refusal=refusal,
    )


# ---- approving --------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def approve(request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int) -> HttpResponseBase:
    """Approve a version by its digest, with its clauses before one's eyes; the second approval signs."""
    held = get_object_or_404(Agreement, id=agreement_id)
    version = get_object_or_404(held.versions, number=number)
    document, refusal = version.document(), ""
    if request.method == "POST":
        digest = request.POST.get("digest", "")
        refusal = _tried(lambda: actions.approve(actor, held, digest))
        if not refusal:
            messages.success(request, _approved(held, document))
            return redirect("agreement", held.id)
    given = version.approvals.count()
    is_last = given + 1 >= actions.APPROVALS
    language = get_language() or "en"
    me = document.party_of(settings.BASE_URL)
    names = {
        "title": document.title.in_language(language).value,
        "number": formats.digits(number),
        "name": me.organisation.in_language(language).value if me else "",
        "others": _others(document),
    }
    context = {
        "agreement": held,
        "document": document,
        "clauses": clause_rows(document),
        "question": _("Approve version %(number)s of “%(title)s”?") % names,
        "effects": _approval_effects(is_last=is_last, names=names),
        "counted": _("%(given)s of %(needed)s approvals")
        % {"given": formats.number(given), "needed": formats.number(actions.APPROVALS)},
        "given_by": [each.person.name for each in version.approvals.select_related("person").order_by("at")],
        "action": _("Approve and sign for %(name)s") % names
        if is_last
        else _("Approve version %(number)s") % names,
        "cancel_url": reverse("agreement", args=[held.id]),
        "tone": "gold",
        "hidden": {"digest": document.digest},
        "refusal": refusal,
    }
    return render(request, "agreements/approve.html", context, status=422 if refusal else 200)


def _approved(held: Agreement, document: Document) -> str:
    me = document.party_of(settings.BASE_URL)
    if me and me.ref in standing_of(held).signed_by:
        return _("Approved and signed. The other parties are told.")
    return _("Approved. Another officer has to approve it too; then this node signs.")


def _approval_effects(*, is_last: bool, names: dict[str, str]) -> list[str]:
    if not is_last:
        return [
            _(
                "Yours is the first of two approvals. When another officer has approved the same text, this node signs."
            ),
            _(
                "You approve exactly the text whose digest is shown here; what comes later needs approval anew."
            ),
        ]
    return [
        _(
            "Yours is the second approval: this node signs at once in the name of %(name)s and tells %(others)s."
        )
        % names,
        _("When every party has signed, both nodes enforce every clause from the day it is in force."),
        _("You approve exactly the text whose digest is shown here; what comes later needs approval anew."),
    ]


# ---- declining, suspending, resuming, terminating ---------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Step:
    """One of the steps that need a reason."""

    act: Callable[[PersonActor, Agreement, str], object]
    question: str
    effects: Sequence[str]
    action: str
    done: str
    tone: str


def _asked(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, step_of: Callable[[Agreement], _Step]
) -> HttpResponseBase:
    """Ask for a reason, then take the step."""
    held = get_object_or_404(Agreement, id=agreement_id)
    step, form, refusal = step_of(held), NoteForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        note = form.cleaned_data["note"]
        refusal = _tried(lambda: step.act(actor, held, note))
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


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def decline(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Say no to the version that was proposed, after asking why."""
    return _asked(request, actor, agreement_id, _declining)


def _declining(held: Agreement) -> _Step:
    return _Step(
        actions.decline,
        _("Decline “%(title)s”?") % {"title": _name(held)},
        [
            _("The other parties read that this node does not sign this version, and why."),
            _(
                "A version that is in force stays in force. To change the text instead, make a counter-proposal."
            ),
        ],
        _("Decline this version"),
        _("Declined. The other parties are told."),
        "alarm",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def suspend(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Suspend an agreement at once, after asking why."""
    return _asked(request, actor, agreement_id, _suspending)


def _suspending(held: Agreement) -> _Step:
    return _Step(
        actions.suspend,
        _("Suspend “%(title)s”?") % {"title": _name(held)},
        [
            _("From this moment nothing more flows under it, in either direction."),
            _("What was received before is kept, and withdrawals and receipts still pass."),
            _("Only this node can lift its own suspension."),
        ],
        _("Suspend it at once"),
        _("Suspended. Nothing flows under it until this node lifts the suspension."),
        "alarm",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def resume(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Lift our own suspension, after asking."""
    return _asked(request, actor, agreement_id, _resuming)


def _resuming(held: Agreement) -> _Step:
    return _Step(
        actions.resume,
        _("Lift our suspension of “%(title)s”?") % {"title": _name(held)},
        [
            _("What its clauses allow flows again at once, unless another party has suspended it too."),
            _("What waited at both nodes is sent and taken in now."),
        ],
        _("Lift the suspension"),
        _("The suspension is lifted."),
        "gold",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def terminate(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Give notice of termination, after asking why."""
    return _asked(request, actor, agreement_id, _terminating)


def _terminating(held: Agreement) -> _Step:
    document = standing_of(held).current
    days = document.notice_days if document else 0
    deleting = (
        [clause for clause in document.clauses if clause.on_termination == "delete"] if document else []
    )
    effects = [_when_it_ends(days)]
    if deleting:
        count = len(deleting)
        sentence = ngettext(
            "Under %(count)s clause, what was received has then to be deleted, here and at the other parties.",
            "Under %(count)s clauses, what was received has then to be deleted, here and at the other parties.",
            count,
        )
        effects.append(sentence % {"count": formats.number(count)})
    effects.append(_("Notice cannot be taken back. A new agreement can be drafted at any time."))
    return _Step(
        actions.terminate,
        _("Terminate “%(title)s”?") % {"title": _name(held)},
        effects,
        _("Give notice of termination"),
        _("Notice is given. The other parties are told."),
        "alarm",
    )


def _when_it_ends(days: int) -> str:
    if not days:
        return _("The agreement ends at once: nothing more flows under it, in either direction.")
    sentence = ngettext(
        "The agreement ends in %(count)s day, the notice it asks for; until then everything flows as before.",
        "The agreement ends in %(count)s days, the notice it asks for; until then everything flows as before.",
        days,
    )
    return sentence % {"count": formats.number(days)}
