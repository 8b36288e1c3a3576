"""What one keeps about oneself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, translate_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.people import actions, queries, unsent
from taawun.cooperation.people.cards import person_card
from taawun.cooperation.people.errors import PeopleError
from taawun.cooperation.people.forms import (
    ProfileForm,
    TokenFilters,
    TokenForm,
)
from taawun.cooperation.people.models import ApiToken, Membership
from taawun.cooperation.people.permissions import matrix
from taawun.cooperation.people.sessions import person_of, signed_in
from taawun.foundation.clock import now
from taawun.platform.web.formats import listed, number
from taawun.platform.web.listing import Act, Column, Empty, Stored, Table, act_on_each, show
from taawun.platform.web.pages import confirm
from taawun.platform.web.sealed import put_away, take_out
from taawun.platform.web.shell import THEME_COOKIE

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["profile", "revoke_token", "revoke_tokens", "tokens", "unsent_form"]

_YEAR = 366 * 24 * 3600
# a secret waits so long for the page that shows it; the browser asks for that page at once
_SHOWN_WITHIN = timedelta(minutes=5)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def profile(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What one keeps about oneself."""
    me = person_of(request)
    form = ProfileForm(request.POST or None, me)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        actions.rename(actor, me, given["name"])
        actions.set_language(me, given["language"])
        actions.set_reading(me, form.reading)
        with override(given["language"]):
            messages.success(request, _("Your profile is saved."))
        response = HttpResponseRedirect(translate_url(reverse("profile"), given["language"]))
        response.set_cookie(
            THEME_COOKIE,
            given["theme"],
            max_age=_YEAR,
            secure=bool(settings.SESSION_COOKIE_SECURE),
            httponly=True,
            samesite="Lax",
        )
        return response
    memberships = (
        Membership.objects.filter(person=me).select_related("organisation", "person").order_by("since")
    )
    held = [each.label for each in matrix().permissions if each.name in actor.permissions]
    open_tokens = ApiToken.objects.filter(person=me, revoked__isnull=True, expires__gt=now()).count()
    told = ngettext("%(count)s open token", "%(count)s open tokens", open_tokens)
    told = told % {"count": number(open_tokens)} if open_tokens else _("no open token")
    context = {
        "form": form,
        "card": person_card(actor, me),
        "memberships": memberships,
        "permissions": held,
        "tokens": told,
    }
    return render(request, "people/profile.html", context, status=422 if form.errors else 200)


TOKENS: Final = Table(
    name="tokens",
    caption=gettext_lazy("Your tokens"),
    columns=(
        Column("name", gettext_lazy("What it is for"), sort="name"),
        Column("hint", gettext_lazy("Begins with")),
        Column("scopes", gettext_lazy("What it may do")),
        Column("used", gettext_lazy("Last used")),
        Column("expires", gettext_lazy("Valid until"), sort="-expires"),
        Column("state", gettext_lazy("State")),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={"created": ("id",), "name": ("name", "id"), "expires": ("expires", "id")},
    sort="-created",
    unfit=Empty(gettext_lazy("No token fits"), gettext_lazy("None is for this, in this state.")),
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def tokens(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """One's keys for machines; a new one is shown once, by the page to which making it leads."""
    me = person_of(request)
    form = TokenForm(request.POST or None, permissions=actor.permissions)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            minted = actions.create_token(
                actor, me, name=given["name"], scopes=given["scopes"], life=timedelta(days=given["days"])
            )
        except PeopleError as refused:
            form.add_error(None, str(refused))
        else:
            put_away(request, "token", minted.secret)
            return redirect("tokens")
    at = now()
    return show(
        request,
        TOKENS,
        "people/tokens.html",
        form=TokenFilters(request.GET),
        find=lambda wanted: Stored(
            queries.tokens(me, wanted.get("q", ""), wanted.get("state", "")).select_related("made_with")
        ),
        draw=lambda found: [(each, _state_of(each, at)) for each in found],
        acts=(Act(_("Revoke…"), url=reverse("tokens-revoke"), icon="close"),),
        empty=Empty(_("No token yet"), _("Make one when a program should import or read for you.")),
        context={"form": form, "secret": take_out(request, "token", _SHOWN_WITHIN)},
        status=422 if form.errors else 200,
    )


def _state_of(token: ApiToken, at: datetime) -> str:
    """A key of the shell's states."""
    if token.revoked:
        return "revoked"
    return "active" if at < token.expires else "lapsed"


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def revoke_tokens(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Revoke those of one's tokens that were chosen in the list, after asking."""
    own = Stored(queries.tokens(person_of(request)))
    chosen = own.among("id", request.GET.getlist("chosen")).order_by("-id")
    count = len(chosen)
    if request.method == "POST" or not count:
        outcome = act_on_each(chosen, lambda each: _revoked(actor, each), lambda each: each.name)
        sentence = ngettext(
            "%(shown)s token opens nothing now.", "%(shown)s tokens open nothing now.", outcome.done
        )
        outcome.tell(request, sentence % {"shown": number(outcome.done)})
        return redirect("tokens")
    question = ngettext("Revoke %(shown)s token?", "Revoke %(shown)s tokens?", count)
    return confirm(
        request,
        question=question % {"shown": number(count)},
        effects=[
            listed([each.name for each in chosen]),
            _("Whatever uses them is refused at once. A revoked token cannot be brought back."),
            _("The tokens that were made with them are revoked too."),
        ],
        action=_("Revoke them"),
        cancel_url=reverse("tokens"),
        tone="alarm",
    )


def _revoked(actor: PersonActor, token: ApiToken) -> str:
    """Revoke it; answers why it was not."""
    return "" if actions.revoke_token(actor, token.id) else _("It was revoked already.")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def revoke_token(request: HttpRequest, actor: PersonActor, token_id: UUID) -> HttpResponseBase:
    """Revoke one of one's tokens, after asking."""
    token = get_object_or_404(ApiToken, id=token_id, person_id=actor.id)
    if request.method == "POST":
        actions.revoke_token(actor, token.id)
        messages.success(request, _("The token opens nothing now."))
        return redirect("tokens")
    effects = [_("Whatever uses it is refused at once. A revoked token cannot be brought back.")]
    if token.made.filter(revoked__isnull=True, expires__gt=now()).exists():
        effects.append(_("The tokens that were made with it are revoked too."))
    return confirm(
        request,
        question=_("Revoke the token “%(name)s”?") % {"name": token.name},
        effects=effects,
        action=_("Revoke the token"),
        cancel_url=reverse("tokens"),
        tone="alarm",
    )


@never_cache
@require_safe
@signed_in()
def unsent_form(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What one sent when the session had ended: to be looked at, and sent now."""
    del actor
    held = unsent.kept(request, person_of(request))
    if held is None:
        messages.info(request, _("Nothing that you wrote is waiting to be sent."))
        return redirect("home")
    return render(request, "people/unsent.html", {"unsent": held})
