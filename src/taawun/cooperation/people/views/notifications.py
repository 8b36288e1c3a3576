"""How one wants to be told of things, and the link in each letter that ends such letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from taawun.cooperation.people import actions
from taawun.cooperation.people.forms import SummaryForm, WishesForm
from taawun.cooperation.people.letters import read_stop_mark
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import actor_of
from taawun.cooperation.people.sessions import person_of, signed_in
from taawun.cooperation.people.wishes import days_of, kinds_for, letterbox_of, standard_week, wishes_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["notifications", "stop_notifications"]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def notifications(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """How one is told of each kind of thing, and when the summary comes."""
    me = person_of(request)
    box = letterbox_of(me)
    begin = {"rhythm": box.rhythm, "hour": box.hour, "days": days_of(box, standard_week())}
    sent = request.POST if request.method == "POST" else None
    wishes = WishesForm(sent, wishes=wishes_of(actor))
    summary = SummaryForm(sent, initial=begin)
    if sent is not None and wishes.is_valid() and summary.is_valid():
        given = summary.cleaned_data
        is_standard = set(given["days"]) == set(standard_week())
        actions.choose_notifications(
            actor,
            me,
            ways=wishes.cleaned_data,
            rhythm=given["rhythm"],
            hour=given["hour"],
            days=None if is_standard else given["days"],
        )
        messages.success(request, _("Your choices are saved."))
        return redirect("notifications")
    context = {
        "wishes": wishes,
        "summary": summary,
        "zone": me.clock.key,
        "person": me,
        "sends_mail": bool(settings.EMAIL_URL),
    }
    has_errors = bool(wishes.errors or summary.errors) if sent is not None else False
    return render(request, "people/notifications.html", context, status=422 if has_errors else 200)


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop_notifications(request: HttpRequest, mark: str) -> HttpResponseBase:
    """End the letters that a letter's link names: GET asks, POST does it (RFC 8058), by whoever has the link.

    Nobody has to be signed in, and no cookie is asked for: the link proves itself, and ends letters and nothing else.
    """
    found = read_stop_mark(mark)
    if found is None:
        raise Http404
    person = get_object_or_404(Person, id=found[0])
    kinds = found[1]
    if request.method == "POST":
        if kinds is None:
            actions.stop_summary(person)
        else:
            actions.stop_letters(person, kinds)
    offered = {each.name: each for each in kinds_for(actor_of(person))}
    context = {
        "is_done": request.method == "POST",
        "is_summary": kinds is None,
        "kinds": [offered[each] for each in kinds or () if each in offered],
    }
    return render(request, "people/notifications_stop.html", context)
