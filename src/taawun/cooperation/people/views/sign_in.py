"""Signing in by an organisation's own provider, and the pages on which its administrator says which."""

from __future__ import annotations

import json
import logging
import math
import secrets
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from allauth.account.internal.flows.login import perform_login, record_authentication
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taawun.cooperation.people import actions, editions, oidc, queries, saml
from taawun.cooperation.people.errors import EditedMeanwhile, ProviderRefused, SignInRefused
from taawun.cooperation.people.forms import ProviderFilters, ProviderForm
from taawun.cooperation.people.models import IdentityProvider
from taawun.cooperation.people.sessions import signed_in
from taawun.cooperation.people.views.beside import beside
from taawun.cooperation.people.wording import refused_because
from taawun.foundation.clock import SKEW, now
from taawun.foundation.digests import sha256
from taawun.foundation.folding import words_match
from taawun.platform.web.components import Tab
from taawun.platform.web.formats import with_names
from taawun.platform.web.limits import Buckets, Rate, network_of
from taawun.platform.web.listing import Column, Empty, Held, Table, show
from taawun.platform.web.pages import confirm, refuse
from taawun.platform.web.sealed import put_away, seal, take_out, unseal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase, QueryDict

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.drafts import Stale

__all__ = [
    "VISITS",
    "add_provider",
    "change_provider",
    "come_back",
    "go_to_provider",
    "providers",
    "remove_provider",
    "take_answer",
    "tell_metadata",
]

log: Final = logging.getLogger(__name__)
# so long a browser may take to come back
_AWAY: Final = timedelta(minutes=10)
# a session holds so many attempts; a further one forgets the oldest
_ATTEMPTS: Final = 5
# a whole office may come in by one address in the morning
VISITS: Final = Buckets(Rate(burst=60, per_second=0.5))
# a signed answer waits so long for the browser that brought it, which comes at once
_TICKET_SECONDS: Final = 120
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


def _idp(provider: IdentityProvider) -> saml.Idp:
    return saml.Idp(provider.issuer, provider.sign_in_url, provider.certificates, provider.groups_claim)


def _service(provider: IdentityProvider) -> saml.Service:
    with override("en"):
        entity, consumer = (
            settings.BASE_URL + reverse(name, args=[provider.id])
            for name in ("provider-metadata", "provider-answer")
        )
    return saml.Service(entity, consumer)


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
        if provider.protocol == IdentityProvider.Protocol.SAML:
            # a request's id is to an assertion what the nonce is to an ID token
            attempt = replace(attempt, nonce=saml.request_id(), verifier="")
            target = saml.begin(_idp(provider), _service(provider), attempt.nonce, state)
        else:
            target = oidc.begin(_client(provider), attempt, state)
    except oidc.OidcRefused as refused:
        actions.refuse_identity(provider, refused.code)
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
            if provider.protocol == IdentityProvider.Protocol.SAML:
                claims = _claims_of_ticket(provider, attempt, request.GET.get("ticket", ""))
            else:
                claims = oidc.finish(_client(provider), attempt, request.GET.dict())
            person = actions.admit_identity(provider, claims)
        except (oidc.OidcRefused, saml.SamlRefused) as refused:
            actions.refuse_identity(provider, refused.code)
            return _failed(request, provider, refused)
        except SignInRefused as refused:
            actions.refuse_identity(provider, refused.code)
            return refuse(request, 403, _("Signing in did not work"), str(refused), code="not-admitted")
        record_authentication(request, person, method=provider.protocol, provider=str(provider.id))
        answer: HttpResponseBase = perform_login(request, _login(person, attempt.following))
        return answer


@never_cache
@csrf_exempt
@require_POST
def take_answer(request: HttpRequest, provider_id: UUID) -> HttpResponseBase:
    """Take the answer that a SAML provider has the browser post here, from its own page.

    No cookie of this node comes with a form of another site. So the answer is held to its signature here, waits under a
    ticket, and is taken where the browser is led next, with the session that asked for it.
    """
    if refusal := _too_often(request):
        return refusal
    wanted = IdentityProvider.objects.filter(is_active=True, protocol=IdentityProvider.Protocol.SAML)
    provider = get_object_or_404(wanted, id=provider_id)
    try:
        answer = saml.finish(_idp(provider), _service(provider), request.POST.get("SAMLResponse", ""))
        _take_once(provider, answer)
    except saml.SamlRefused as refused:
        actions.refuse_identity(provider, refused.code)
        return _failed(request, provider, refused)
    ticket = secrets.token_urlsafe(32)
    said = asdict(answer.claims) | {"groups": sorted(answer.claims.groups)}
    waiting = json.dumps({"provider": str(provider.id), "request": answer.request, "claims": said})
    cache.set(_ticket_key(ticket), seal(waiting), _TICKET_SECONDS)
    with override("en"):
        back = reverse("provider-back", args=[provider.id])
    # read with the session that asked: a browser sends its cookie along with this, which is a plain visit
    query = urlencode({"state": request.POST.get("RelayState", "")[:200], "ticket": ticket})
    return HttpResponse(status=303, headers={"Location": f"{back}?{query}"})


def _take_once(provider: IdentityProvider, answer: saml.Answer) -> None:
    """Remember an assertion for as long as it is good.

    Raises:
        SamlRefused: it was taken before.
    """
    key = sha256(f"{provider.id} {answer.assertion}".encode())
    # it is taken a little longer than it says
    life = (answer.until - now() + 2 * SKEW).total_seconds()
    if not cache.add(f"saml.used.{key}", 1, max(life, 1)):
        raise saml.SamlRefused("replayed", "The assertion was taken before.")


def _claims_of_ticket(provider: IdentityProvider, attempt: oidc.Attempt, ticket: str) -> oidc.Claims:
    """What a signed assertion said that waits under a ticket, once, and only where it answers this attempt.

    Raises:
        SamlRefused: nothing waits there, or it answers another request.
    """
    key = _ticket_key(ticket)
    sealed = cache.get(key)
    cache.delete(key)
    opened = unseal(sealed) if isinstance(sealed, str) else None
    kept = json.loads(opened) if opened else None
    if kept is None or kept["provider"] != str(provider.id):
        raise saml.SamlRefused("no-answer", "No answer of the provider waits for this browser.")
    if not secrets.compare_digest(str(kept["request"]), attempt.nonce):
        raise saml.SamlRefused("unasked", "The assertion answers another request.")
    said = kept["claims"]
    return oidc.Claims(said["subject"], said["email"], said["name"], frozenset(said["groups"]))


def _ticket_key(ticket: str) -> str:
    return f"saml.ticket.{sha256(ticket.encode())}"


@require_safe
def tell_metadata(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """What this node tells a SAML provider of itself, for who sets it up there."""
    del request
    wanted = IdentityProvider.objects.filter(protocol=IdentityProvider.Protocol.SAML)
    provider = get_object_or_404(wanted, id=provider_id)
    return HttpResponse(saml.metadata(_service(provider)), content_type="application/samlmetadata+xml")


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


def _failed(
    request: HttpRequest, provider: IdentityProvider, refused: oidc.OidcRefused | saml.SamlRefused
) -> HttpResponse:
    log.warning("signing in by the provider %s failed: %s", provider.id, refused)
    sentence = with_names(
        _(
            "Signing in with %(name)s did not work: %(why)s. "
            "Try again; an administrator finds the reason among the notices."
        ),
        name=provider.name,
        why=refused_because(refused.code),
    )
    # an answer by SAML the browser brings: whose fault it is, nobody can tell from here
    status = 502 if isinstance(refused, oidc.OidcRefused) else 400
    return refuse(request, status, _("Signing in did not work"), sentence, code="provider-failed")


# ---- which providers ---------------------------------------------------------------------------------------
PROVIDERS: Final = Table(
    name="providers",
    caption=gettext_lazy("Identity providers"),
    columns=(
        Column("name", gettext_lazy("Name"), sort="name"),
        Column("organisation", gettext_lazy("Organisation")),
        Column("protocol", gettext_lazy("What it speaks")),
        Column("issuer", gettext_lazy("Issuer"), is_shown=False),
        Column("register", gettext_lazy("To register at the provider")),
        Column("domains", gettext_lazy("Domains")),
        Column("state", gettext_lazy("State")),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={"name": ("name", "id")},
    sort="name",
    unfit=Empty(
        gettext_lazy("No identity provider fits"),
        gettext_lazy("None has this name, issuer or domain, speaks this and is in this state."),
    ),
    saved=("id", "name", "organisation", "protocol", "issuer", "domains", "register", "active"),
)


@require_safe
@signed_in("manage:people")
def providers(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """By which providers the people of one's organisations sign in."""

    def find(wanted: Mapping[str, Any]) -> Held[IdentityProvider]:
        return Held(
            [
                each
                for each in queries.providers(actor)
                if words_match(wanted.get("q", ""), (each.name, each.issuer, *each.domains))
                and wanted.get("protocol", "") in {"", each.protocol}
                and wanted.get("state", "") in {"", "active" if each.is_active else "inactive"}
            ]
        )

    return show(
        request,
        PROVIDERS,
        "people/providers.html",
        form=ProviderFilters(request.GET),
        find=find,
        draw=lambda found: [(each, *_registered(each)) for each in found],
        save=_saved,
        empty=Empty(
            _("No identity provider yet"),
            _("People sign in with a passkey or a password until an organisation brings its own provider."),
            ((_("Add an identity provider…"), reverse("provider-new")),),
        ),
    )


def _registered(provider: IdentityProvider) -> tuple[str, str]:
    """The address that is registered at a provider, and by SAML the one to which it posts its answers."""
    if provider.protocol == IdentityProvider.Protocol.SAML:
        service = _service(provider)
        return service.entity, service.consumer
    # one address for every language: the provider is told it once
    with override("en"):
        return settings.BASE_URL + reverse("provider-back", args=[provider.id]), ""


def _saved(found: Iterable[IdentityProvider]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found:
        yield {
            "id": str(each.id),
            "name": each.name,
            "organisation": each.organisation.name.in_language("en").value,
            "protocol": each.protocol,
            "issuer": each.issuer,
            "domains": list(each.domains),
            "register": _registered(each)[0],
            "active": each.is_active,
        }


def _given(form: ProviderForm) -> actions.ProviderFields:
    given = form.cleaned_data
    return actions.ProviderFields(
        name=given["name"],
        issuer=given["issuer"],
        client=given.get("client", ""),
        secret=given.get("secret", ""),
        domains=given["domains"],
        groups_claim=given["groups_claim"],
        roles_by_group=given["roles_by_group"],
        is_active=given["is_active"],
        protocol=given["protocol"],
        sign_in_url=given.get("sign_in_url", ""),
        certificates=given.get("certificates", ""),
    )


def _next_step(provider: IdentityProvider) -> str:
    if provider.protocol == IdentityProvider.Protocol.SAML:
        told = _(
            "%(name)s is saved. Give the provider this node's metadata, whose address stands below; then sign in by it "
            "once yourself."
        )
    else:
        told = _(
            "%(name)s is saved. Register the address that stands below at the provider; then sign in by it once "
            "yourself."
        )
    return with_names(told, name=provider.name)


def _form_page(
    request: HttpRequest, form: ProviderForm, title: str, action: str, stale: Stale | None = None
) -> HttpResponse:
    tabs = [
        Tab(label, f"?protocol={protocol}", current=protocol == form.spoken)
        for protocol, label in IdentityProvider.Protocol.choices
    ]
    context = {"form": form, "title": title, "action": action, "tabs": tabs, "stale": stale}
    status = 409 if stale else 422 if form.errors else 200
    return render(request, "people/provider_form.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def add_provider(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Let an organisation's people sign in by its own provider."""
    places = queries.organisations(actor, "manage:people")
    asked = request.GET.get("protocol", "")
    form = ProviderForm(request.POST if request.method == "POST" else None, protocol=asked, places=places)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.add_provider(actor, form.cleaned_data["organisation"], _given(form))
        except ProviderRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, _next_step(made))
            return redirect("providers")
    return _form_page(request, form, _("Add an identity provider"), _("Add the provider"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def change_provider(request: HttpRequest, actor: PersonActor, provider_id: UUID) -> HttpResponseBase:
    """Change what is said of a provider; its secret stays where none is given."""
    provider, stale = get_object_or_404(queries.providers(actor), id=provider_id), None
    asked = request.GET.get("protocol", provider.protocol)

    def make(sent: QueryDict | None, begin: dict[str, object]) -> ProviderForm:
        return ProviderForm(sent, protocol=asked, initial=begin)

    form = make(request.POST if request.method == "POST" else None, _said_of(provider))
    if request.method == "POST" and form.is_valid():
        try:
            changed = actions.change_provider(actor, provider, _given(form), edition=form.opened)
        except EditedMeanwhile:
            provider.refresh_from_db()
            standing = editions.provider_standing(actor, {"provider_id": provider.id})
            form, stale = beside(request, make, _said_of(provider), standing)
        except ProviderRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, _next_step(changed))
            return redirect("providers")
    return _form_page(request, form, _("Change the identity provider"), _("Save"), stale)


def _said_of(provider: IdentityProvider) -> dict[str, object]:
    names = (
        "name",
        "issuer",
        "client",
        "sign_in_url",
        "certificates",
        "groups_claim",
        "is_active",
        "edition",
    )
    return {name: getattr(provider, name) for name in names} | {
        "domains": " ".join(provider.domains),
        "roles_by_group": ProviderForm.lines(provider.roles_by_group),
    }


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
