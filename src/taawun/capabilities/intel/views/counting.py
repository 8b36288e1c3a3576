"""The question before sightings are shared as a count: what it says, who will receive it, and who will not and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.errors import IntelError
from taawun.capabilities.intel.presenting import names_of
from taawun.capabilities.intel.views.objects import found_object
from taawun.cooperation.federation.errors import ReleaseError
from taawun.cooperation.federation.presenting import shown_preview
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["sighting_count"]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("publish:intel")
def sighting_count(request: HttpRequest, actor: PersonActor, stix_id: str) -> HttpResponseBase:
    """What a count of sightings says, and to whom it goes. The answer signs and sends it."""
    found_object(actor, stix_id)
    if request.method != "POST":
        return _question(request, actor, stix_id)
    shown, ticked = set(request.POST.getlist("shown")), set(request.POST.getlist("receivers"))
    refusal = _publish(actor, stix_id, shown, ticked)
    if refusal:
        return _question(request, actor, stix_id, refusal)
    messages.success(request, _("Signed and on its way."))
    return redirect("object", stix_id)


def _publish(actor: PersonActor, stix_id: str, shown: set[str], ticked: set[str]) -> str:
    """Publish to those who were ticked, and give the reason if that cannot be done."""
    try:
        entitled = {each.party for each in actions.count_sightings(actor, stix_id).preview.receivers}
        if shown != entitled:
            return _("Meanwhile it changed who would receive this. Look at it again before you sign.")
        if shown and not ticked:
            return _("Nobody is ticked. Tick at least one receiver, or go back.")
        # with everybody ticked the clauses decide, so that a party that joins later is served as well
        actions.publish_count(actor, stix_id, None if ticked >= shown else ticked & shown)
    except (IntelError, ReleaseError) as refused:
        return str(refused)
    return ""


def _question(request: HttpRequest, actor: PersonActor, stix_id: str, refusal: str = "") -> HttpResponse:
    held = found_object(actor, stix_id)
    context: dict[str, object] = {"object": held, "name": names_of(actor, [held])[held.pk]}
    try:
        counted = actions.count_sightings(actor, stix_id)
        context |= {
            "counted": counted,
            "preview": shown_preview(counted.preview, actor.permissions),
            "first": formats.month(f"{counted.first:%Y-%m}"),
            "last": formats.month(f"{counted.last:%Y-%m}"),
        }
    except IntelError as refused:
        refusal = refusal or str(refused)
    context["refusal"] = refusal
    return render(
        request, "intel/sighting_count.html", context, status=422 if request.method == "POST" else 200
    )
