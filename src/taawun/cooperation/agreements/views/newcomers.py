"""Confirming a newcomer, having seen what it would read, and taking that back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions, newcomers
from taawun.cooperation.agreements.forms import NewcomerForm
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.presenting.newcomers import earlier_rows, how_it_reads
from taawun.cooperation.agreements.views.asking import tried
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats
from taawun.platform.web.formats import called
from taawun.platform.web.pages import confirm as confirmation

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.newcomers import Joined
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["confirm_newcomer", "take_back_newcomer"]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def confirm_newcomer(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, ref: str
) -> HttpResponseBase:
    """Confirm a party that acceded: from where it reads what this node sends."""
    held, found = _found(agreement_id, ref)
    said = found.confirmed
    initial = {"reads": ("everything" if said.reads_earlier else "accession") if said else ""}
    form = NewcomerForm(request.POST if request.method == "POST" else None, initial=initial)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        refusal = tried(
            lambda: actions.confirm_newcomer(actor, held, found.party.node, reads_earlier=form.reads_earlier)
        )
        if not refusal:
            messages.success(request, _("Confirmed. It reads from there at its next call."))
            return redirect("agreement", held.id)
    rows = earlier_rows(newcomers.earlier_for(held, found.party.node))
    names = {"name": _name_of(found), "clauses": formats.listed([formats.digits(r) for r in found.clauses])}
    context = {
        "agreement": held,
        "question": _("Confirm %(name)s?") % names,
        "effects": [
            _(
                "It acceded to this agreement. Clauses that give newcomers what was sent before give it nothing from "
                "this node until somebody here confirms it: %(clauses)s."
            )
            % names,
            _(
                "What was sent to some parties only, TLP:RED and what was withdrawn never reaches it, whichever you "
                "choose."
            ),
            _("What it has read stays with it, as the clauses say."),
        ],
        "state": how_it_reads(said) if said else "",
        "rows": rows,
        "total": sum(each.count for each in rows),
        "action": _("Confirm the newcomer"),
        "cancel_url": reverse("agreement", args=[held.id]),
        "take_back_url": reverse("agreement-newcomer-back", args=[held.id, ref]) if said else "",
        "tone": "gold",
        "form": form,
        "refusal": refusal,
    }
    status = 422 if form.errors or refusal else 200
    return render(request, "agreements/newcomer.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def take_back_newcomer(
    request: HttpRequest, actor: PersonActor, agreement_id: UUID, ref: str
) -> HttpResponseBase:
    """Take a confirmation back, after asking."""
    held, found = _found(agreement_id, ref)
    refusal = ""
    if request.method == "POST":
        refusal = tried(lambda: actions.take_back_newcomer(actor, held, found.party.node))
        if not refusal:
            messages.success(
                request, _("Taken back. It is given nothing under these clauses until it is confirmed anew.")
            )
            return redirect("agreement", held.id)
    return confirmation(
        request,
        question=_("Take back the confirmation of %(name)s?") % {"name": _name_of(found)},
        effects=[
            _(
                "From now on this node gives it nothing under the clauses that give newcomers what was sent before, "
                "neither that nor what follows."
            ),
            _(
                "That is for a mistake: it is possible until it has signed for something. Afterwards declare that "
                "this node gives it less, or suspend the agreement."
            ),
        ],
        action=_("Take the confirmation back"),
        cancel_url=reverse("agreement-newcomer", args=[held.id, ref]),
        tone="alarm",
        refusal=refusal,
    )


def _found(agreement_id: UUID, ref: str) -> tuple[Agreement, Joined]:
    held = get_object_or_404(Agreement, id=agreement_id)
    found = next((each for each in newcomers.joined(held) if each.party.ref == ref), None)
    if found is None:
        raise Http404
    return held, found


def _name_of(found: Joined) -> str:
    return called(found.party.organisation)
