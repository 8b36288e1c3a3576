"""The two questions before something of ours leaves or is withdrawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.errors import IntelError
from taawun.capabilities.intel.forms import WithdrawForm
from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.presenting import report_badge
from taawun.capabilities.intel.rules import can_edit, can_publish, can_withdraw
from taawun.capabilities.intel.views.reports import found_report
from taawun.cooperation.federation.errors import ReleaseError
from taawun.cooperation.federation.presenting import shown_preview
from taawun.cooperation.people.rules import Granted, ensure
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.web.formats import number
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.components import PublishPreview

__all__ = ["report_publish", "report_withdraw"]


# ---- publishing -------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("publish:intel")
def report_publish(request: HttpRequest, actor: PersonActor, report_id: UUID) -> HttpResponseBase:
    """Who will receive this, by which clause; who will not, and why. The answer signs and sends it."""
    held = found_report(actor, report_id)
    ensure(can_publish(actor, held))
    if request.method != "POST":
        return _question(request, actor, held)
    shown, ticked = set(request.POST.getlist("shown")), set(request.POST.getlist("receivers"))
    refusal = _publish(request, actor, held)
    if refusal:
        return _question(request, actor, found_report(actor, report_id), refusal, unticked=shown - ticked)
    messages.success(request, _("Signed and on its way. Receipts appear here as its receivers sign for it."))
    return redirect("report", held.id)


def _publish(request: HttpRequest, actor: PersonActor, held: Report) -> str:
    """Publish to those who were ticked, and give the reason if that cannot be done."""
    shown, ticked = set(request.POST.getlist("shown")), set(request.POST.getlist("receivers"))
    edition, in_public = request.POST.get("edition", ""), bool(request.POST.get("public"))
    if not edition.isdecimal():
        return _("This page was not sent whole. Look at it again and repeat your answer.")
    try:
        now_entitled = {each.party for each in actions.preview_report(actor, held).receivers}
        if shown != now_entitled:
            return _("Meanwhile it changed who would receive this. Look at it again before you sign.")
        if shown and not ticked:
            return _("Nobody is ticked. Tick at least one receiver, or go back.")
        # with everybody ticked the clauses decide, so that a party that joins later is served as well
        audience = None if ticked >= shown else ticked & shown
        actions.publish_report(actor, held, audience, edition=int(edition), in_public=in_public)
    except (IntelError, ReleaseError) as refused:
        return str(refused)
    return ""


def _question(
    request: HttpRequest,
    actor: PersonActor,
    held: Report,
    refusal: str = "",
    unticked: Collection[str] = (),
) -> HttpResponse:
    preview: PublishPreview | None = None
    objects, missing, leaves_as, public = 0, tuple[str, ...](), "", None
    try:
        found = actions.preview_report(actor, held)
        preview = shown_preview(found, actor.permissions).ticked(unticked)
        objects, missing, leaves_as = found.objects, found.missing, found.leaves_as
        public = found.public if "publish:public" in actor.permissions else None
    except IntelError as refused:
        refusal = refusal or str(refused)
    context = {
        "report": held,
        "marking": Tlp(held.tlp),
        "badge": report_badge(held),
        "preview": preview,
        "refusal": refusal,
        "objects": objects,
        "missing": missing,
        "leaves_as": leaves_as,
        "public": public,
        "may_be_public": isinstance(public, Granted),
        "is_public_ticked": bool(request.POST.get("public")),
        "published": held.release.issued if held.release else None,
        "action": _action(held, preview.chosen) if preview else "",
        # what the button says for each number of boxes that may be ticked
        "actions": json.dumps([_action(held, count) for count in range(preview.entitled + 1)])
        if preview
        else "",
        "may_edit": "write:intel" in actor.permissions and isinstance(can_edit(actor, held), Granted),
    }
    return render(
        request, "intel/publish.html", context, status=422 if refusal and request.method == "POST" else 200
    )


def _action(held: Report, receivers: int) -> str:
    if not receivers:
        return _("Sign and publish")
    if held.state == Report.State.PUBLISHED:
        words = ngettext(
            "Sign and publish a new version to %(count)s party",
            "Sign and publish a new version to %(count)s parties",
            receivers,
        )
        return words % {"count": number(receivers)}
    words = ngettext(
        "Sign and publish to %(count)s party", "Sign and publish to %(count)s parties", receivers
    )
    return words % {"count": number(receivers)}


# ---- withdrawing ------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("publish:intel")
def report_withdraw(request: HttpRequest, actor: PersonActor, report_id: UUID) -> HttpResponseBase:
    """Take a published report back, after asking for the reason."""
    held = found_report(actor, report_id)
    ensure(can_withdraw(actor, held))
    form = WithdrawForm(request.POST or None, initial={"edition": held.edition})
    refusal = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.withdraw_report(actor, held, given["reason"], edition=given["edition"])
        except (IntelError, ReleaseError) as refused:
            refusal = str(refused)
            form = WithdrawForm(initial={"edition": held.edition, "reason": given["reason"]})
        else:
            messages.success(request, _("Withdrawn. Each receiver is told to delete it, with your reason."))
            return redirect("report", held.id)
    return confirm(
        request,
        question=_("Withdraw “%(title)s”?") % {"title": held.title},
        effects=[
            _("Every version of it is withdrawn at every receiver; each has to delete what it holds."),
            _("What somebody has read or done meanwhile cannot be undone."),
            _("The headers, the receipts and your reason stay in the record. It cannot be published again."),
        ],
        action=_("Withdraw it everywhere"),
        cancel_url=reverse("report", args=[held.id]),
        tone="alarm",
        form=form,
        refusal=refusal,
    )
