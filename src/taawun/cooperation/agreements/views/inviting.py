"""Inviting a node to accede, as the depositary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.forms import InvitationForm
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.rules import can_invite
from taawun.cooperation.agreements.views.asking import name_of, tried
from taawun.cooperation.people.rules import Granted
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["invite"]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("approve:agreements")
def invite(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Invite a node that the agreement does not name to accede to it."""
    held = get_object_or_404(Agreement, id=agreement_id)
    standing = standing_of(held)
    document, answer = standing.current, can_invite(standing)
    if document is None or not isinstance(answer, Granted):
        messages.warning(
            request,
            _("No version was proposed yet.") if isinstance(answer, Granted) else answer.sentence,
        )
        return redirect("agreement", held.id)
    form = InvitationForm(request.POST or None, document=document, open_days=actions.OPEN_DAYS)
    if not form.is_possible:
        messages.warning(
            request,
            _("There is nobody to invite: compare the fingerprint of a partner that is no party, first."),
        )
        return redirect("agreement", held.id)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        refusal = tried(
            lambda: actions.invite(
                actor,
                held,
                form.partner(),
                form.party(),
                form.cleaned_data["note"],
                parts=form.parts(),
                until=form.until(),
            )
        )
        if not refusal:
            messages.success(
                request, _("Invited. It is shown the agreement, and the other parties are told.")
            )
            return redirect("agreement", held.id)
    page = confirm(
        request,
        question=_("Invite a node to accede to “%(title)s”?") % {"title": name_of(held)},
        effects=[
            _("It is shown every version of the agreement, who its parties are and what they signed."),
            _("It accedes once two of its officers have approved; this node then countersigns by itself."),
            _(
                "Under a clause that gives newcomers what was sent before, each sender confirms it first; until "
                "then that sender gives it nothing under the clause."
            ),
        ],
        action=_("Sign the invitation"),
        cancel_url=reverse("agreement", args=[held.id]),
        tone="gold",
        form=form,
        refusal=refusal,
    )
    if form.errors or refusal:
        page.status_code = 422
    return page
