"""The pages of guests: whom this node hosts, and the tokens by which they come."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.federation import actions
from taawun.cooperation.federation.errors import GuestRefused
from taawun.cooperation.federation.forms import GuestFilters, GuestTokenFilters, GuestTokenForm
from taawun.cooperation.federation.guests import hosted, tokens_of
from taawun.cooperation.federation.models import GuestToken
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.platform.web.listing import Column, Empty, Held, Stored, Table, show
from taawun.platform.web.pages import confirm
from taawun.platform.web.paging import batches
from taawun.platform.web.sealed import put_away, take_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.guests import Hosted
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["guest_tokens", "guests", "new_guest_token", "revoke_guest_token"]

# a secret waits so long for the page that shows it; the browser asks for that page at once
_SHOWN_WITHIN: Final = timedelta(minutes=5)


GUESTS: Final = Table(
    name="guests",
    caption=gettext_lazy("Guests of this node"),
    columns=(
        Column("guest", gettext_lazy("Guest")),
        Column("agreement", gettext_lazy("Agreement"), sort="agreement"),
        Column("tokens", gettext_lazy("Open tokens"), sort="-tokens", is_number=True),
        Column("came", gettext_lazy("Last came")),
        Column("read", gettext_lazy("Read"), sort="-read", is_number=True),
        Column("last", gettext_lazy("Last read")),
    ),
    orders={
        "agreement": ("agreement__number", "ref"),
        "tokens": ("tokens", "key"),
        "read": ("read", "key"),
    },
    sort="agreement",
    unfit=Empty(
        gettext_lazy("No guest fits"), gettext_lazy("None has this name, in no agreement of this code.")
    ),
    saved=("agreement", "guest", "name", "state", "tokens", "read", "last_read"),
    key="key",
)


@require_safe
@signed_in("read:federation")
def guests(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The guests of this node, and what they read."""
    return show(
        request,
        GUESTS,
        "federation/guests.html",
        form=GuestFilters(request.GET),
        find=lambda wanted: Held([each for each in hosted() if _fits(each, wanted.get("q", ""))]),
        save=_saved,
        empty=Empty(
            _("No guest yet"),
            _("A guest is named in an agreement, as a party for which this node speaks."),
            ((_("See the agreements"), reverse("agreements")),),
        ),
        context={"may_manage": "manage:guests" in actor.permissions},
    )


def _fits(guest: Hosted, text: str) -> bool:
    told = (guest.ref, guest.agreement.code, *guest.name.to_json().values())
    return any(text.casefold() in each.casefold() for each in told)


def _saved(found: Iterable[Hosted]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    language = get_language() or "en"
    for each in found:
        yield {
            "agreement": each.agreement.code,
            "guest": each.ref,
            "name": each.name.in_language(language).value,
            "state": each.standing.state.value,
            "tokens": each.tokens,
            "read": each.read,
            "last_read": each.last_read,
        }


# ---- tokens -----------------------------------------------------------------------------------------------------
TOKENS: Final = Table(
    name="guest-tokens",
    caption=gettext_lazy("Tokens of guests"),
    columns=(
        Column("name", gettext_lazy("What it is for")),
        Column("guest", gettext_lazy("Guest")),
        Column("hint", gettext_lazy("Begins with")),
        Column("used", gettext_lazy("Last used")),
        Column("expires", gettext_lazy("Valid until")),
        Column("state", gettext_lazy("State")),
        Column("made", gettext_lazy("Created"), sort="-made", is_shown=False),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={"made": ("id",)},
    sort="-made",
    unfit=Empty(
        gettext_lazy("No token fits"),
        gettext_lazy("None is for this purpose, this guest or this holder, and in this state."),
    ),
    saved=("id", "name", "guest", "agreement", "email", "hint", "state", "created", "expires", "last_used"),
)


@never_cache
@require_safe
@signed_in("manage:guests")
def guest_tokens(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The tokens by which guests come, with those that are over; a new one is shown here, once."""
    del actor
    at = now()

    def draw(found: list[GuestToken]) -> list[tuple[GuestToken, str, str]]:
        codes = _codes(found)
        return [(each, codes.get(each.agreement, ""), _state(each, at)) for each in found]

    return show(
        request,
        TOKENS,
        "federation/guest_tokens.html",
        form=GuestTokenFilters(request.GET),
        find=lambda wanted: Stored(
            _in_state(tokens_of(text=wanted.get("q", "")), wanted.get("state", ""), at)
        ),
        draw=draw,
        save=_saved_tokens,
        empty=Empty(
            _("No token yet"),
            _("A guest comes to this node with a token, and reads what its agreement gives it."),
            ((_("Let a guest in…"), reverse("guest-token-new")),),
        ),
        context={"secret": take_out(request, "guest-token", _SHOWN_WITHIN)},
    )


def _codes(found: Sequence[GuestToken]) -> dict[UUID, str]:
    return {each.id: each.code for each in Agreement.objects.filter(id__in={t.agreement for t in found})}


def _in_state(found: QuerySet[GuestToken], state: str, at: datetime) -> QuerySet[GuestToken]:
    if state == "revoked":
        return found.exclude(revoked=None)
    if state == "active":
        return found.filter(revoked=None, expires__gt=at)
    return found.filter(revoked=None, expires__lte=at) if state == "lapsed" else found


def _state(token: GuestToken, at: datetime) -> str:
    if token.revoked:
        return "revoked"
    return "active" if token.is_open(at) else "lapsed"


def _saved_tokens(found: QuerySet[GuestToken]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    at = now()
    for batch in batches(found, order=("-id",)):
        codes = _codes(batch)
        for each in batch:
            yield {
                "id": str(each.id),
                "name": each.name,
                "guest": each.guest,
                "agreement": codes.get(each.agreement, ""),
                "email": each.email,
                "hint": each.hint,
                "state": _state(each, at),
                "created": each.created,
                "expires": each.expires,
                "last_used": each.last_used,
            }


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
            return redirect("guest-tokens")
    return render(request, "federation/guest_token.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:guests")
def revoke_guest_token(request: HttpRequest, actor: PersonActor, token_id: UUID) -> HttpResponseBase:
    """End a guest's token, after asking."""
    token = get_object_or_404(GuestToken, id=token_id)
    if request.method == "POST":
        actions.revoke_guest_token(actor, token)
        messages.success(request, _("The token opens nothing now."))
        return redirect("guest-tokens")
    return confirm(
        request,
        question=_("Revoke the token “%(name)s”?") % {"name": token.name},
        effects=[_("Whatever uses it is refused at once. A revoked token cannot be brought back.")],
        action=_("Revoke the token"),
        cancel_url=reverse("guest-tokens"),
        tone="alarm",
    )
