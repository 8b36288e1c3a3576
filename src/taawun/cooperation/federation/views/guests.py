"""The pages of guests: whom this node hosts, and the tokens by which they come."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation import actions
from taawun.cooperation.federation.errors import GuestRefused
from taawun.cooperation.federation.forms import GuestFilters, GuestTokenForm
from taawun.cooperation.federation.guests import hosted, tokens_of
from taawun.cooperation.federation.models import GuestToken
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.pages import confirm
from taawun.platform.web.paging import BadCursor, page
from taawun.platform.web.sealed import put_away, take_out

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.guests import Hosted
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["guests", "new_guest_token", "revoke_guest_token"]

_ON_A_PAGE: Final = 50
# a secret waits so long for the page that shows it; the browser asks for that page at once
_SHOWN_WITHIN: Final = timedelta(minutes=5)


@never_cache
@require_safe
@signed_in("read:federation")
def guests(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The guests of this node, what they read, and, for who lets them in, their tokens."""
    form = GuestFilters(request.GET)
    text = form.cleaned_data.get("q", "") if form.is_valid() else ""
    found = [each for each in hosted() if _fits(each, text)]
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], found)
    may_manage = "manage:guests" in actor.permissions
    context = {"form": form, "guests": found, "is_filtered": bool(text), "may_manage": may_manage}
    if may_manage:
        try:
            shown = page(
                tokens_of(text=text), order=("-id",), after=request.GET.get("after"), limit=_ON_A_PAGE
            )
        except BadCursor:
            return redirect("guests")
        at = now()
        codes = {
            each.id: each.code for each in Agreement.objects.filter(id__in={t.agreement for t in shown.items})
        }
        context |= {
            "page": shown,
            "rows": [(each, codes.get(each.agreement, ""), _state(each, at)) for each in shown.items],
            "secret": take_out(request, "guest-token", _SHOWN_WITHIN),
        }
    return render(request, "federation/guests.html", context)


def _fits(guest: Hosted, text: str) -> bool:
    told = (guest.ref, guest.agreement.code, *guest.name.to_json().values())
    return any(text.casefold() in each.casefold() for each in told)


def _state(token: GuestToken, at: datetime) -> str:
    if token.revoked:
        return "revoked"
    return "active" if token.is_open(at) else "lapsed"


def _export(ending: str, found: Sequence[Hosted]) -> HttpResponseBase:
    language = get_language() or "en"
    rows = [
        {
            "agreement": each.agreement.code,
            "guest": each.ref,
            "name": each.name.in_language(language).value,
            "state": each.standing.state.value,
            "tokens": each.tokens,
            "read": each.read,
            "last_read": each.last_read.isoformat() if each.last_read else "",
        }
        for each in found
    ]
    if ending == "json":
        return as_json("guests", rows)
    head = ("agreement", "guest", "name", "state", "tokens", "read", "last_read")
    return as_csv("guests", head, ([row[column] for column in head] for row in rows))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:guests")
def new_guest_token(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Make a token for a guest; the page that it leads to shows it, once."""
    begin = {"guest": request.GET.get("guest", "")}
    form = GuestTokenForm(request.POST or None, guests=hosted(), initial=begin)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        agreement, ref = form.chosen
        try:
            minted = actions.issue_guest_token(
                actor,
                agreement,
                ref,
                name=given["name"],
                email=given["email"],
                life=timedelta(days=given["days"]),
            )
        except GuestRefused as refused:
            form.add_error(None, str(refused))
        else:
            put_away(request, "guest-token", minted.secret)
            return redirect("guests")
    return render(request, "federation/guest_token.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:guests")
def revoke_guest_token(request: HttpRequest, actor: PersonActor, token_id: UUID) -> HttpResponseBase:
    """End a guest's token, after asking."""
    token = get_object_or_404(GuestToken, id=token_id)
    if request.method == "POST":
        actions.revoke_guest_token(actor, token)
        messages.success(request, _("The token opens nothing now."))
        return redirect("guests")
    return confirm(
        request,
        question=_("Revoke the token “%(name)s”?") % {"name": token.name},
        effects=[_("Whatever uses it is refused at once. A revoked token cannot be brought back.")],
        action=_("Revoke the token"),
        cancel_url=reverse("guests"),
        tone="alarm",
    )
