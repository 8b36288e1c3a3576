"""Ratifying, acceding, leaving, and declaring that less is given or taken, each with what will follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import narrowing_json
from taawun.cooperation.agreements.forms import DeclarationForm
from taawun.cooperation.agreements.models import Agreement, Approval
from taawun.cooperation.agreements.presenting import approvals_in_words
from taawun.cooperation.agreements.presenting.joining import narrowing_in_words
from taawun.cooperation.agreements.presenting.sentences import listed, party_name
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.rules import own_ref
from taawun.cooperation.agreements.views.asking import (
    Step,
    approved_before,
    asked,
    name_of,
    notice_in_words,
    tried,
)
from taawun.cooperation.agreements.views.reading import clause_rows, found_version
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.strict_json import canonical
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.agreements.document import Document, Narrowing
    from taawun.cooperation.people.actors import Actor, PersonActor

__all__ = ["accede", "declare", "leave", "lift", "ratify"]


@dataclass(frozen=True, slots=True)
class _Binding:
    """A step that two officers approve.

    Args:
        step: which.
        act: takes it, with the digest that was read.
        question, action: words of the page.
        effect: what the second approval brings about.
    """

    step: Approval.Step
    act: Callable[[Actor, Agreement, str], object]
    question: str
    action: str
    effect: str


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def ratify(request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int) -> HttpResponseBase:
    """Approve the ratification of a version; the second approval ratifies it."""
    binding = _Binding(
        Approval.Step.RATIFICATION,
        actions.ratify,
        _("Ratify version %(number)s of “%(title)s”?"),
        _("Approve the ratification"),
        _("With the second approval this node ratifies: from then on its signature binds it."),
    )
    return _bind(request, actor, agreement_id, number, binding)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def accede(request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int) -> HttpResponseBase:
    """Approve the accession to a version; the second approval signs it."""
    binding = _Binding(
        Approval.Step.ACCESSION,
        actions.accede,
        _("Accede to version %(number)s of “%(title)s”?"),
        _("Approve the accession"),
        _(
            "With the second approval this node signs its accession. It is a party once the depositary has "
            "countersigned; parties that it has not compared yet receive nothing from it and send it nothing."
        ),
    )
    return _bind(request, actor, agreement_id, number, binding)


def _bind(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int, binding: _Binding
) -> HttpResponseBase:
    held = get_object_or_404(Agreement, id=agreement_id)
    version = found_version(held, number)
    document, refusal = version.document(), ""
    approvals = version.approvals.filter(step=binding.step).select_related("person").order_by("at")
    if request.method == "POST":
        digest = request.POST.get("digest", "")
        refusal = tried(lambda: binding.act(actor, held, digest))
        if not refusal:
            messages.success(
                request,
                _("Approved. What two officers approved is signed, and the other parties are told.")
                if approvals.count() >= actions.APPROVALS
                else _("Approved. Another officer has to approve it too; then this node signs."),
            )
            return redirect("agreement", held.id)
    given = list(approvals)
    has_approved = any(each.person_id == actor.id for each in given)
    names = {
        "title": called(document.title),
        "number": formats.digits(number),
    }
    context = {
        "agreement": held,
        "document": document,
        "clauses": clause_rows(document),
        "question": binding.question % names,
        "effects": [approved_before(len(given))] if has_approved else _binding_effects(binding, len(given)),
        "counted": approvals_in_words(len(given)),
        "given_by": listed([format_html("<bdi>{}</bdi>", each.person.name) for each in given]),
        "action": "" if has_approved else binding.action,
        "cancel_url": reverse("agreement", args=[held.id]),
        "tone": "gold",
        "hidden": {"digest": document.digest},
        "refusal": refusal,
    }
    return render(request, "agreements/approve.html", context, status=422 if refusal else 200)


def _binding_effects(binding: _Binding, given: int) -> list[str]:
    is_last = given + 1 >= actions.APPROVALS
    return [
        _("Yours is the second approval: it is done at once.")
        if is_last
        else _("Yours is the first of two approvals."),
        binding.effect,
        _("You approve exactly the text whose digest is shown here; what comes later needs approval anew."),
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def leave(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Give notice of leaving, after asking why."""
    held = get_object_or_404(Agreement, id=agreement_id)
    step = Step(
        lambda note: actions.leave(actor, held, note),
        _("Leave “%(title)s”?") % {"title": name_of(held)},
        [
            *notice_in_words(
                standing_of(held), _("This node gives and takes nothing under it from this moment on.")
            ),
            _("From then on this node gives and takes nothing under it."),
            _("The agreement goes on among the others, or ends where too few remain."),
            _("Withdrawals and receipts still pass. Notice is final."),
        ],
        _("Give notice of leaving"),
        _("Notice is given. The other parties are told."),
        "alarm",
    )
    return asked(request, held, step)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def lift(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, instrument_id: UUID
) -> HttpResponseBase:
    """Lift a declaration of this node, after asking."""
    held = get_object_or_404(Agreement, id=agreement_id)
    step = Step(
        lambda note: actions.lift(actor, held, instrument_id, note),
        _("Lift our declaration on “%(title)s”?") % {"title": name_of(held)},
        [_("What the clause allows flows again at once.")],
        _("Lift the declaration"),
        _("The declaration is lifted."),
        "gold",
    )
    return asked(request, held, step)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def declare(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Declare that this node gives or takes less than a clause allows."""
    held = get_object_or_404(Agreement, id=agreement_id)
    document = standing_of(held).current
    if document is None:
        return redirect("agreement", held.id)
    form = DeclarationForm(request.POST or None, document=document, me=own_ref(document))
    refusal, told, read = "", [], ""
    if request.method == "POST" and form.is_valid():
        narrowing = form.narrowing
        read = canonical(narrowing_json(narrowing)).decode()
        told = [_as_others_read_it(document, narrowing)]
        # what is changed after it was shown is shown again
        if request.POST.get("read") == read:
            refusal = tried(lambda: actions.declare(actor, held, [narrowing], form.cleaned_data["note"]))
            if not refusal:
                messages.success(request, _("Declared. It counts at once; the other parties are told."))
                return redirect("agreement", held.id)
    answer = confirm(
        request,
        question=_("Declare that this node gives or takes less under “%(title)s”?")
        % {"title": name_of(held)},
        effects=[
            *told,
            _("It counts at once, and until this node lifts it. It can only take from what a clause allows."),
            *([] if told else [_("Before it is signed you are shown in words what it says.")]),
        ],
        action=_("Sign the declaration") if told else _("Show what it will say"),
        cancel_url=reverse("agreement", args=[held.id]),
        tone="gold",
        form=form,
        hidden={"read": read},
        refusal=refusal,
    )
    if form.errors or refusal:
        answer.status_code = 422
    return answer


def _as_others_read_it(document: Document, narrowing: Narrowing) -> SafeString:
    """What the page of the agreement will tell at every node."""
    me = document.party_of(settings.BASE_URL)
    said = narrowing_in_words(narrowing, document)
    return format_html(
        _("The other parties will read: “{}”"),
        format_html(_("{} declared: {}"), party_name(me), said) if me else said,
    )
