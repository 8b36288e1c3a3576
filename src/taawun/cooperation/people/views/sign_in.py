"""Signing in by an organisation's own provider, and the pages on which its administrator says which."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from allauth.account.internal.flows.login import perform_login, record_authentication
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.people import actions, oidc, queries
from taawun.cooperation.people.errors import ProviderRefused, SignInRefused
from taawun.cooperation.people.forms import ProviderForm
from taawun.cooperation.people.models import IdentityProvider
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.formats import with_names
from taawun.platform.web.limits import Buckets, Rate, network_of
from taawun.platform.web.pages import confirm, refuse
from taawun.platform.web.sealed import put_away, take_out, unseal

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "VISITS",
    "add_provider",
    "change_provider",
    "come_back",
    "go_to_provider",
    "providers",
    "remove_provider",
]

log: Final = logging.getLogger(__name__)
# so long a browser may take to come back
_AWAY: Final = timedelta(minutes=10)
# a session holds so many attempts; a further one forgets the oldest
_ATTEMPTS: Final = 5
# a whole office may come in by one address in the morning
VISITS: Final = Buckets(Rate(burst=60, per_second=0.5))
_ATTEMPTS_KEY: Final = "people.sign-in"


def _client(provider: IdentityProvider) -> oidc.Client:
    # one address for every language: the provider is told it once
    with override("en"):
        redirect_to = settings.BASE_URL + reverse("provider-back", args=[provider.id])
    secret = unseal(provider.secret) if provider.secret else ""
    return oidc.Client(
        issuer=provider.issuer,
        id=provider.client,
        secret=secret or "",
        redirect=redirect_to,
        groups_claim=provider.groups_claim,
    )


@never_cache
@require_safe
def go_to_provider(request: HttpRequest, provider_id: UUID) -> HttpResponseBase:
    """Send the browser to a provider."""
    if refusal := _too_often(request):
        return refusal
    provider = get_object_or_404(IdentityProvider, id=provider_id, is_active=True)
    if request.user.is_authenticated:
        return redirect("home")
    following = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(following, allowed_hosts=None) or not following.startswith("/"):
        following = reverse("home")
    attempt, state = oidc.attempt_at(str(provider.id), get_language() or "en", following)
    try:
        target = oidc.begin(_client(provider), attempt, state)
    except oidc.OidcRefused as refused:
        return _failed(request, provider, refused)
    states = [*request.session.get(_ATTEMPTS_KEY, []), state]
    for old in states[:-_ATTEMPTS]:
        request.session.pop(f"sealed.oidc.{old}", None)
    request.session[_ATTEMPTS_KEY] = states[-_ATTEMPTS:]
    put_away(request, f"oidc.{state}", asdict(attempt))
    return HttpResponseRedirect(target)


@never_cache
@require_safe
def come_back(request: HttpRequest, provider_id: UUID) -> HttpResponseBase:
    """Let somebody in by the answer with which a provider sent them back, or not."""
    if refusal := _too_often(request):
        return refusal
    provider = get_object_or_404(IdentityProvider.objects.select_related("organisation"), id=provider_id)
    state = request.GET.get("state", "")
    kept = take_out(request, f"oidc.{state}", _AWAY) if state.isascii() else None
    # the answer to a question that this browser did not ask, asked long ago, or another provider
    if kept is None or kept["provider"] != str(provider.id) or not provider.is_active:
        sentence = _(
            "This answer belongs to no sign-in that was begun here. Begin again on the sign-in page."
        )
        return refuse(request, 400, _("Signing in did not work"), sentence, code="no-attempt")
    attempt = oidc.Attempt(**kept)
    with override(attempt.language):
        try:
            claims = oidc.finish(_client(provider), attempt, request.GET.dict())
            person = actions.admit_identity(provider, claims)
        except oidc.OidcRefused as refused:
            actions.refuse_identity(provider, refused.code)
            return _failed(request, provider, refused)
        except SignInRefused as refused:
            actions.refuse_identity(provider, refused.code)
            return refuse(request, 403, _("Signing in did not work"), str(refused), code="not-admitted")
        record_authentication(request, person, method="oidc", provider=str(provider.id))
        answer: HttpResponseBase = perform_login(request, _login(person, attempt.following))
        return answer


def _too_often(request: HttpRequest) -> HttpResponse | None:
    """The refusal of a network that comes too often: each visit may call the provider, which takes its time."""
    wait = VISITS.take(network_of(request.META.get("REMOTE_ADDR", "")))
    if not wait:
        return None
    seconds = math.ceil(wait)
    sentence = _("Too many requests. Try again in %(seconds)d s.") % {"seconds": seconds}
    answer = refuse(request, 429, _("Signing in did not work"), sentence, code="too-many-requests")
    answer["Retry-After"] = str(seconds)
    return answer


def _login(person: object, following: str) -> object:
    # imported late: allauth's models may only be loaded once Django's registry is complete
    from allauth.account.models import Login  # noqa: PLC0415 - see above

    return Login(user=person, redirect_url=following)


def _failed(request: HttpRequest, provider: IdentityProvider, refused: oidc.OidcRefused) -> HttpResponse:
    log.warning("signing in by the provider %s failed: %s", provider.id, refused)
    sentence = with_names(
        _(
            "Signing in with %(name)s did not work (%(code)s). "
            "Try again; an administrator finds the reason among the notices."
        ),
        name=provider.name,
        code=refused.code,
    )
    return refuse(request, 502, _("Signing in did not work"), sentence, code="provider-failed")


# ---- which providers ---------------------------------------------------------------------------------------
@require_safe
@signed_in("manage:people")
def providers(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """By which providers the people of one's organisations sign in."""
    with override("en"):
        rows = [
            (each, settings.BASE_URL + reverse("provider-back", args=[each.id]))
            for each in queries.providers(actor)
        ]
    return render(request, "people/providers.html", {"rows": rows})


def _given(form: ProviderForm) -> actions.ProviderFields:
    given = form.cleaned_data
    return actions.ProviderFields(
        name=given["name"],
        issuer=given["issuer"],
        client=given["client"],
        secret=given["secret"],
        domains=given["domains"],
        groups_claim=given["groups_claim"],
        roles_by_group=given["roles_by_group"],
        is_active=given["is_active"],
    )


def _form_page(request: HttpRequest, form: ProviderForm, title: str, action: str) -> HttpResponse:
    context = {"form": form, "title": title, "action": action}
    return render(request, "people/provider_form.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def add_provider(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Let an organisation's people sign in by its own provider."""
    places = queries.organisations(actor, "manage:people")
    form = ProviderForm(request.POST if request.method == "POST" else None, places=places)
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_provider(actor, form.cleaned_data["organisation"], _given(form))
        except ProviderRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            return redirect("providers")
    return _form_page(request, form, _("Add an identity provider"), _("Add the provider"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def change_provider(request: HttpRequest, actor: PersonActor, provider_id: UUID) -> HttpResponseBase:
    """Change what is said of a provider; its secret stays where none is given."""
    provider = get_object_or_404(queries.providers(actor), id=provider_id)
    names = ("name", "issuer", "client", "groups_claim", "is_active")
    begin = {name: getattr(provider, name) for name in names} | {
        "domains": " ".join(provider.domains),
        "roles_by_group": ProviderForm.lines(provider.roles_by_group),
    }
    form = ProviderForm(request.POST if request.method == "POST" else None, initial=begin)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_provider(actor, provider, _given(form))
        except ProviderRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            return redirect("providers")
    return _form_page(request, form, _("Change the identity provider"), _("Save"))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def remove_provider(request: HttpRequest, actor: PersonActor, provider_id: UUID) -> HttpResponseBase:
    """Let nobody sign in by a provider any more, after asking."""
    provider = get_object_or_404(queries.providers(actor), id=provider_id)
    back = reverse("providers")
    if request.method == "POST":
        actions.remove_provider(actor, provider)
        messages.success(request, _("Nobody signs in by this provider any more."))
        return HttpResponseRedirect(back)
    return confirm(
        request,
        question=with_names(_("Remove the identity provider %(name)s?"), name=provider.name),
        effects=[
            _("Nobody signs in by it any more. Whoever has no password here needs a link for one."),
            _("Sessions that were begun by it last until they end."),
        ],
        action=_("Remove the provider"),
        cancel_url=back,
        tone="alarm",
    )
