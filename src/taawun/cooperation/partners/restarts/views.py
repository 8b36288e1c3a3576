"""The pages of stopped lanes: how they go on, one signed step after another, and the proofs of two histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.partners import queries
from taawun.cooperation.partners.errors import MessageRefused, PartnerRefused
from taawun.cooperation.partners.forms import StatementForm
from taawun.cooperation.partners.models import Partner, Reset
from taawun.cooperation.partners.restarts import resets, restarting
from taawun.cooperation.partners.restarts.presenting import restart_facts, restart_standing, steps_of
from taawun.cooperation.partners.wording import entry_reason, stop_reason
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats
from taawun.platform.web.exports import as_json
from taawun.platform.web.formats import called
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["answer", "confirmed", "proofs", "propose", "restart", "statement"]

_MANAGE = "manage:partners"


@require_safe
@signed_in("read:partners")
def restart(request: HttpRequest, actor: PersonActor, restart_id: UUID) -> HttpResponseBase:
    """One restart: where it stands, what each side signed, and the next step."""
    reset = _found(restart_id)
    context = {
        "reset": reset,
        "partner": reset.partner,
        "standing": restart_standing(reset),
        "facts": restart_facts(reset),
        "steps": steps_of(reset),
        "may_manage": _MANAGE in actor.permissions,
        "is_ours": reset.lane.sender_id is None,
    }
    return render(request, "partners/restart.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def propose(request: HttpRequest, actor: PersonActor, partner_id: UUID, lane_id: UUID) -> HttpResponseBase:
    """Propose to a lane's sender that it goes on, after asking."""
    known = get_object_or_404(Partner, id=partner_id)
    lane = queries.lane_with(known, lane_id)
    if lane is None:
        raise Http404

    def act() -> Reset:
        return restarting.propose(actor, lane)

    effects = [
        _("It stopped at entry %(seq)s: %(reason)s.")
        % {"seq": formats.number(lane.stopped_at or 0), "reason": stop_reason(lane.stop_reason)}
        if lane.stop_reason
        else _("It is not stopped."),
        _("Telephone its administrator first, and find out what happened."),
        _(
            "Your node signs for what it holds and sends it. Nothing changes until its administrator has answered and "
            "you have confirmed."
        ),
    ]
    question = formats.with_names(_("Ask %(name)s to restart this lane?"), name=_name(known))
    return _step(
        request, act, question, effects, _("Sign and send the proposal"), reverse("partner", args=[known.id])
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def answer(request: HttpRequest, actor: PersonActor, restart_id: UUID) -> HttpResponseBase:
    """Answer the reader of one of our lanes, after asking."""
    reset = _found(restart_id)
    effects = [
        _("It stopped because: %(reason)s.") % {"reason": stop_reason(reset.stop_reason)},
        _agreement(reset),
        _(
            "Your node signs for that entry, and that its present lane goes on from it. What it signed before and does "
            "not stand in that lane, it owns up to."
        ),
    ]
    question = formats.with_names(_("Let %(name)s read on in this lane?"), name=_name(reset.partner))
    return _step(
        request,
        lambda: restarting.answer(actor, reset),
        question,
        effects,
        _("Sign and send the answer"),
        reverse("partner-restart", args=[reset.id]),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def confirmed(request: HttpRequest, actor: PersonActor, restart_id: UUID) -> HttpResponseBase:
    """Confirm where a lane goes on, after asking."""
    reset = _found(restart_id)
    effects = [
        _agreement(reset),
        _(
            "What stands after it here is left behind: it stays as proof and as provenance, and what was taken in from "
            "it stays. Withdrawals among it are carried out."
        ),
        _(
            "From then on the lane is read again from its sender, and held to everything that it was held to before."
        ),
    ]
    question = formats.with_names(_("Restart this lane of %(name)s?"), name=_name(reset.partner))
    return _step(
        request,
        lambda: restarting.confirm(actor, reset),
        question,
        effects,
        _("Confirm and restart"),
        reverse("partner-restart", args=[reset.id]),
    )


def _step(  # noqa: PLR0913, PLR0917 - each argument is one part of the question
    request: HttpRequest,
    act: Callable[[], Reset],
    question: str,
    effects: Sequence[str],
    action: str,
    cancel_url: str,
) -> HttpResponseBase:
    refusal = ""
    if request.method == "POST":
        try:
            return redirect("partner-restart", act().id)
        except PartnerRefused as refused:
            refusal = str(refused)
    return confirm(
        request,
        question=question,
        effects=effects,
        action=action,
        cancel_url=cancel_url,
        tone="gold",
        refusal=refusal,
    )


def _agreement(reset: Reset) -> str:
    point = queries.point_of(reset)
    if point is None:
        return _("The sender has not said yet where it goes on.")
    left = max(0, reset.held_seq - point)
    behind = ngettext(
        "%(count)s entry after it is left behind.", "%(count)s entries after it are left behind.", left
    )
    behind %= {"count": formats.number(left)}
    if point < 0:
        return _("The two nodes agree on no entry: the lane begins anew.") + " " + behind
    return _("The last entry on which both agree is %(seq)s.") % {"seq": formats.number(point)} + " " + behind


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def statement(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Take a partner's statement that was brought by hand."""
    known = get_object_or_404(Partner, id=partner_id)
    form = StatementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            taken = resets.take(actor, known, form.cleaned_data["statement"])
        except MessageRefused as refused:
            form.add_error(
                "statement", _("It was not taken: %(reason)s.") % {"reason": entry_reason(refused.code)}
            )
        else:
            messages.success(request, _("The statement is genuine and was noted."))
            return redirect("partner-restart", taken.id)
    context = {"partner": known, "form": form}
    return render(request, "partners/statement.html", context, status=422 if form.errors else 200)


@require_safe
@signed_in("read:partners")
def proofs(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """The proofs of two histories as a file that anybody can verify."""
    del request, actor
    known = get_object_or_404(Partner, id=partner_id)
    return as_json(
        "proofs",
        (
            {
                "lane": str(fork.lane.wire_id),
                "sender_key": fork.lane.sender.jwk if fork.lane.sender else None,
                "seq": fork.seq,
                "held": fork.held,
                "shown": fork.shown,
                "shown_by": fork.shown_by.node if fork.shown_by else None,
                "found": fork.found.isoformat(),
            }
            for fork in queries.forks_with(known).order_by("-found")
        ),
    )


def _found(restart_id: UUID) -> Reset:
    return get_object_or_404(Reset.objects.select_related("lane", "partner"), id=restart_id)


def _name(known: Partner) -> str:
    return called(known.name)
