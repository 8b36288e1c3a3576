"""The steps of an agreement, each asked before it is taken, with what it brings about."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions, waiting
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.forms import NoteForm
from taawun.cooperation.agreements.models import Agreement, Approval, PartyInstrument
from taawun.cooperation.agreements.presenting import (
    approvals_in_words,
    is_being_signed,
    reason_given,
    record_of,
)
from taawun.cooperation.agreements.presenting import compare as differences
from taawun.cooperation.agreements.presenting.sentences import listed
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.views.asking import (
    Step,
    approved_before,
    asked,
    edition_in,
    name_of,
    others_of,
    tried,
)
from taawun.cooperation.agreements.views.reading import clause_rows, found_version
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document
    from taawun.cooperation.agreements.models import Version
    from taawun.cooperation.agreements.presenting import Comparison
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["adopt", "approve", "counter", "discard", "propose", "turn_down"]


# ---- proposing, countering, adopting ----------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def propose(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Send the draft to the other parties as the next version, with its clauses before one's eyes."""
    held, refusal = get_object_or_404(Agreement, id=agreement_id), ""
    if request.method == "POST":
        refusal = tried(lambda: actions.propose(actor, held, edition=edition_in(request)))
        if not refusal:
            messages.success(request, _("Proposed. The other parties read it when their nodes next answer."))
            return redirect("agreement", held.id)
        # what is asked again is about the draft as it is now
        held.refresh_from_db()
    if not held.draft:
        return redirect("agreement", held.id)
    document = parse(held.draft.encode())
    names = {"title": name_of(held), "others": others_of(document)}
    effects = [
        _("The text is sent to %(others)s as it stands and cannot be changed any more; a next version can.")
        % names,
        _("They may sign it, decline it, or answer with a text of their own."),
        _("Nothing flows under it before it has the signatures that it needs and is in force."),
    ]
    window = standing_of(held).window
    # what was only proposed is not in force, and what is over is so no more
    if window and window.holds(now()):
        effects.insert(1, _("The version in force stays in force until the new one is."))
    context = {
        "agreement": held,
        "document": document,
        "clauses": clause_rows(document),
        "question": _("Propose “%(title)s” to %(others)s?") % names,
        "effects": effects,
        "action": _("Propose it"),
        "cancel_url": reverse("agreement", args=[held.id]),
        "tone": "gold",
        "hidden": {"edition": str(held.draft_edition)},
        "refusal": refusal,
    }
    return render(request, "agreements/propose.html", context, status=422 if refusal else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def counter(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Answer a proposal with the text that was written here, after showing what it changes."""
    held, refusal = get_object_or_404(Agreement, id=agreement_id), ""
    form = NoteForm(request.POST or None)
    standing = standing_of(held)
    about, is_counter = standing.pending or standing.current, is_being_signed(standing)
    if not held.draft or about is None:
        return redirect("agreement", held.id)
    suggestion = parse(held.draft.encode())
    if request.method == "POST" and form.is_valid():
        note, digest = form.cleaned_data["note"], request.POST.get("digest", "")
        refusal = tried(
            lambda: actions.counter(actor, held, suggestion, note, edition=edition_in(request), digest=digest)
        )
        if not refusal:
            messages.success(
                request,
                _("The counter-proposal is sent.") if is_counter else _("The proposal of a change is sent."),
            )
            return redirect("agreement", held.id)
    names = {"others": others_of(about)}
    context = {
        "agreement": held,
        "question": (
            _("Send this counter-proposal to %(others)s?")
            if is_counter
            else _("Propose this change to %(others)s?")
        )
        % names,
        "effects": [
            _(
                "The depositary may adopt it as the next version, which everybody then signs, or turn it down."
            ),
            _("Until then the version that was proposed stays on the table.")
            if is_counter
            else _("What is in force stays so, word for word, until a next version is signed by all."),
        ],
        "action": _("Sign and send it"),
        "cancel_url": reverse("agreement", args=[held.id]),
        "tone": "gold",
        "form": form,
        "hidden": {"edition": str(held.draft_edition), "digest": about.digest},
        "refusal": refusal,
        "comparison": differences(about, suggestion),
        "old_label": _("Version %(number)s") % {"number": formats.digits(about.version)},
        "new_label": _("Our counter-proposal") if is_counter else _("The change we propose"),
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
    refusal = ""
    if request.method == "POST":
        refusal = tried(lambda: actions.adopt(actor, held, suggestion, edition=edition_in(request)))
    if request.method == "POST" and not refusal:
        messages.success(request, _("The counter-proposal is our draft now. Propose it, or change it first."))
        return redirect("agreement-edit", held.id)
    effects = [
        *_reasons(held, suggestion),
        _("Its text becomes the draft of the next version. Nobody is bound by that."),
        _("You can still change it. When you propose it, every party signs anew."),
    ]
    if held.draft:
        effects.append(_("It replaces the draft that is being written here; that text is lost."))
    about = held.versions.filter(digest=suggestion.digest).first()
    number = formats.digits(about.number) if about else ""
    context = {
        "question": _("Adopt this counter-proposal to “%(title)s”?") % {"title": name_of(held)},
        "effects": effects,
        "action": _("Adopt it as our draft"),
        "cancel_url": reverse("agreement", args=[held.id]),
        "tone": "alarm" if held.draft else "",
        "hidden": {"edition": str(held.draft_edition)},
        "refusal": refusal,
        "comparison": _comparison(about, suggestion),
        "old_label": _("Version %(number)s") % {"number": number},
        "new_label": _("The counter-proposal"),
    }
    return render(request, "agreements/counter.html", context, status=422 if refusal else 200)


def _reasons(held: Agreement, suggestion: PartyInstrument) -> list[str]:
    """The reason that was written with a proposal, where one was."""
    reason = reason_given(record_of(held), suggestion)
    return [reason] if reason else []


def _comparison(about: Version | None, suggestion: PartyInstrument) -> Comparison | None:
    """What a proposal changes; None where it cannot be told."""
    # what an earlier version of this node kept unread may be no agreement
    with suppress(DocumentRefused):
        if about and suggestion.suggestion:
            return differences(about.document(), parse(bytes(suggestion.suggestion)))
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def turn_down(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, instrument_id: UUID
) -> HttpResponseBase:
    """Say no to a counter-proposal, after asking why."""
    held = get_object_or_404(Agreement, id=agreement_id)
    suggestion = get_object_or_404(
        PartyInstrument, id=instrument_id, lineage=held.id, suggestion__isnull=False
    )
    step = Step(
        lambda note: actions.turn_down(actor, held, suggestion, note),
        _("Turn down this proposal to “%(title)s”?") % {"title": name_of(held)},
        [
            *_reasons(held, suggestion),
            _("The other parties read that this node does not adopt it, and why."),
            _("The version it is about stays as it is. Whoever proposed it may propose something else."),
        ],
        _("Turn it down"),
        _("Turned down. The other parties are told."),
        "alarm",
    )
    return asked(request, held, step)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def discard(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Throw a draft away that nobody else has seen, after asking."""
    held = get_object_or_404(Agreement, id=agreement_id)
    if not held.draft:
        return redirect("agreement", held.id)
    is_first = not held.versions.exists()
    refusal = ""
    if request.method == "POST":
        refusal = tried(lambda: actions.discard_draft(actor, held, edition=edition_in(request)))
        if not refusal:
            messages.success(request, _("The draft is discarded."))
            return redirect("agreements") if is_first else redirect("agreement", held.id)
    effects = [_("Its text is lost. It cannot be brought back, and nobody outside this node has seen it.")]
    if is_first:
        effects.append(_("%(code)s goes with it, for nothing was ever proposed.") % {"code": held.code})
    else:
        effects.append(_("The versions that were proposed or signed are not touched."))
    effects.append(_("The trail keeps that there was a draft and who discarded it, not its words."))
    return confirm(
        request,
        question=_("Discard the draft of “%(title)s”?") % {"title": name_of(held)},
        effects=effects,
        action=_("Discard the draft"),
        cancel_url=reverse("agreement", args=[held.id]),
        tone="alarm",
        hidden={"edition": str(held.draft_edition)},
        refusal=refusal,
    )


# ---- approving --------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def approve(request: HttpRequest, actor: PersonActor, agreement_id: UUID, number: int) -> HttpResponseBase:
    """Approve a version by its digest, with its clauses before one's eyes; the second approval signs."""
    held = get_object_or_404(Agreement, id=agreement_id)
    version = found_version(held, number)
    document, refusal = version.document(), ""
    if request.method == "POST":
        digest = request.POST.get("digest", "")
        refusal = tried(lambda: actions.approve(actor, held, digest))
        if not refusal:
            messages.success(request, _approved(held, document))
            return redirect("agreement", held.id)
    approvals = list(
        version.approvals.filter(step=Approval.Step.SIGNATURE).select_related("person").order_by("at")
    )
    given = len(approvals)
    is_last = given + 1 >= actions.APPROVALS
    has_approved = any(each.person_id == actor.id for each in approvals)
    language = get_language() or "en"
    me = document.party_of(settings.BASE_URL)
    names = {
        "title": document.title.in_language(language).value,
        "number": formats.digits(number),
        "name": me.organisation.in_language(language).value if me else "",
        "others": others_of(document),
    }
    context = {
        "agreement": held,
        "document": document,
        "clauses": clause_rows(document),
        "question": _("Approve version %(number)s of “%(title)s”?") % names,
        "effects": [approved_before(given)]
        if has_approved
        else _approval_effects(document, is_last=is_last, names=names),
        "counted": approvals_in_words(given),
        "given_by": listed([format_html("<bdi>{}</bdi>", each.person.name) for each in approvals]),
        "action": "" if has_approved else _approval_action(is_last=is_last) % names,
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


def _approval_action(*, is_last: bool) -> str:
    return _("Approve and sign for %(name)s") if is_last else _("Approve version %(number)s")


def _approval_effects(document: Document, *, is_last: bool, names: dict[str, str]) -> list[str]:
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
        _when_in_force(document),
        _("You approve exactly the text whose digest is shown here; what comes later needs approval anew."),
    ]


def _when_in_force(document: Document) -> str:
    """What has to come before anything flows; a signature alone binds nobody who ratifies."""
    if any(party.ratifies for party in document.parties):
        return _(
            "When the parties whose signature it needs have signed, and those that ratify it have ratified, the nodes "
            "of the parties enforce every clause from the day it is in force."
        )
    return _(
        "When the parties whose signature it needs have signed, the nodes of the parties enforce every clause from the "
        "day it is in force."
    )
