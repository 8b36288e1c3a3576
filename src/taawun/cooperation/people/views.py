"""The pages of people: who is here, who is invited, and what one keeps about oneself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, translate_url
from django.utils.translation import get_language, ngettext, override, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taawun.cooperation.people import actions, queries, unsent
from taawun.cooperation.people.actions import INVITATION_LIFE
from taawun.cooperation.people.errors import InvitationRefused, PeopleError
from taawun.cooperation.people.forms import (
    AcceptForm,
    InviteForm,
    PeopleFilters,
    ProfileForm,
    RoleForm,
    TokenForm,
)
from taawun.cooperation.people.letters import invitation_link, mail_invitation, password_link, qr
from taawun.cooperation.people.models import ApiToken, Invitation, Membership, Person
from taawun.cooperation.people.permissions import Permission, Role
from taawun.cooperation.people.rules import may_see_address
from taawun.cooperation.people.sessions import person_of, signed_in
from taawun.foundation.clock import now
from taawun.platform.registry import registry
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.formats import number, with_names
from taawun.platform.web.pages import confirm, refuse
from taawun.platform.web.paging import BadCursor, page
from taawun.platform.web.sealed import put_away, take_out
from taawun.platform.web.shell import THEME_COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.forms import Form
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "accept",
    "give_role",
    "invitations",
    "invite",
    "invited",
    "new_password",
    "new_password_link",
    "people",
    "person",
    "profile",
    "revoke_invitation",
    "revoke_token",
    "take_role",
    "tokens",
    "unsent_form",
]

_ON_A_PAGE = 50
_YEAR = 366 * 24 * 3600
# a secret waits so long for the page that shows it; the browser asks for that page at once
_SHOWN_WITHIN = timedelta(minutes=5)


# ---- persons -----------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:people")
def people(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Who works on this node."""
    may_manage = "manage:people" in actor.permissions
    form = PeopleFilters(request.GET, by_address=may_manage)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = queries.persons(actor, wanted.get("q", ""), wanted.get("role", ""))
    if request.GET.get("format") in {"csv", "json"}:
        everybody = found.order_by("name", "id").iterator(chunk_size=500)
        return _export_people(actor, request.GET["format"], everybody)
    try:
        shown = page(found, order=("name", "id"), after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("people")
    return render(
        request,
        "people/people.html",
        {"form": form, "page": shown, "may_manage": may_manage},
    )


def _export_people(actor: PersonActor, ending: str, found: Iterator[Person]) -> HttpResponseBase:
    head = ("id", "name", "email", "roles", "active")
    rows = (
        (str(each.id), each.name, _address_for(actor, each), _roles_of(each), each.is_active)
        for each in found
    )
    if ending == "json":
        return as_json("people", (dict(zip(head, row, strict=True)) for row in rows))
    return as_csv("people", head, ((*row[:3], " ".join(row[3]), row[4]) for row in rows))


def _address_for(actor: PersonActor, person: Person) -> str:
    return person.email if may_see_address(actor, person.id) else ""


def _roles_of(person: Person) -> list[str]:
    return sorted(membership.role for membership in person.memberships.all())


@require_safe
@signed_in("read:people")
def person(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """One person and their roles."""
    shown = get_object_or_404(queries.persons(actor), id=person_id)
    return _person_page(request, actor, shown, RoleForm())


def _person_page(request: HttpRequest, actor: PersonActor, shown: Person, form: Form) -> HttpResponse:
    context = {
        "person": shown,
        "form": form,
        "address": _address_for(actor, shown),
        "is_self": shown.id == actor.id,
        "may_manage": "manage:people" in actor.permissions,
        "may_audit": "read:audit" in actor.permissions,
    }
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


@require_POST
@signed_in("manage:people")
def give_role(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """Give a person a role."""
    receiver = get_object_or_404(queries.persons(actor), id=person_id)
    form = RoleForm(request.POST)
    if form.is_valid():
        role = form.cleaned_data["role"]
        actions.give_role(actor, receiver, form.cleaned_data["organisation"], role)
        messages.success(
            request, _("%(name)s is now %(role)s.") % {"name": receiver.name, "role": Role(role).label}
        )
        return redirect("person", receiver.id)
    return _person_page(request, actor, receiver, form)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def take_role(request: HttpRequest, actor: PersonActor, membership_id: int) -> HttpResponseBase:
    """Take a role from a person, after asking."""
    membership = get_object_or_404(
        Membership.objects.select_related("person", "organisation"), id=membership_id
    )
    back = reverse("person", args=[membership.person_id])
    refusal = ""
    if request.method == "POST":
        try:
            actions.take_role(actor, membership)
        except PeopleError as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("The role was taken."))
            return HttpResponseRedirect(back)
    names = {"name": membership.person.name, "role": Role(membership.role).label}
    return confirm(
        request,
        question=with_names(_("Take the role “%(role)s” from %(name)s?"), **names),
        effects=[
            with_names(
                _("What only this role allowed, %(name)s can no longer do, from the next page on."), **names
            ),
            _("What was done with it stays done."),
        ],
        action=_("Take the role"),
        cancel_url=back,
        tone="alarm",
        refusal=refusal,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def new_password(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """Make a link for somebody who forgot their password, after asking; the next page shows it, once."""
    receiver = get_object_or_404(queries.persons(actor), id=person_id)
    refusal = ""
    if request.method == "POST":
        try:
            minted = actions.make_password_link(actor, receiver)
        except PeopleError as refused:
            refusal = str(refused)
        else:
            put_away(request, f"password.{receiver.id}", password_link(receiver, minted.secret))
            return redirect("new-password-link", receiver.id)
    return confirm(
        request,
        question=with_names(_("Make a link for a new password of %(name)s?"), name=receiver.name),
        effects=[
            with_names(
                _(
                    "Whoever opens the link chooses the password, so be sure that it was %(name)s who asked you."
                ),
                name=receiver.name,
            ),
            _(
                "The password there is now stays until then. When there is a new one, every session of theirs ends."
            ),
            _("The trail tells who made the link."),
        ],
        action=_("Make the link"),
        cancel_url=reverse("person", args=[receiver.id]),
        refusal=refusal,
    )


@never_cache
@require_safe
@signed_in("manage:people")
def new_password_link(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """The link that was just made, shown once: whoever loads the page again is told so."""
    receiver = get_object_or_404(queries.persons(actor), id=person_id)
    link = take_out(request, f"password.{person_id}", _SHOWN_WITHIN)
    if link is None:
        messages.info(request, _("This link was shown once. Is it lost? Make a new one."))
        return redirect("person", receiver.id)
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    context = {"person": receiver, "link": link, "qr": qr(link), "hours": hours}
    return render(request, "people/new_password_link.html", context)


# ---- invitations -------------------------------------------------------------------------------------------
@require_safe
@signed_in("manage:people")
def invitations(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Who was invited, newest first, and what became of it."""
    del actor
    found = Invitation.objects.select_related("organisation", "invited_by", "person")
    try:
        shown = page(found, order=("-id",), after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("invitations")
    at = now()
    rows = [
        (each, _state_of(each, is_open=each.is_open(at)), [Role(role).label for role in each.roles])
        for each in shown.items
    ]
    return render(request, "people/invitations.html", {"page": shown, "rows": rows})


def _state_of(invitation: Invitation, *, is_open: bool) -> tuple[str, str]:
    """A key of the shell's states, and its word: an invitation has a gender of its own in Arabic and French."""
    if invitation.accepted:
        return "used", pgettext("an invitation", "Used")
    if invitation.revoked:
        return "revoked", pgettext("an invitation", "Revoked")
    if is_open:
        return "open", pgettext("an invitation", "Open")
    return "expired", pgettext("an invitation", "Expired")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def invite(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Invite somebody; without e-mail, the next page shows the link, once."""
    form = InviteForm(request.POST or None, initial={"language": get_language()})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            minted = actions.invite(
                actor,
                email=given["email"],
                organisation=given["organisation"],
                roles=given["roles"],
                language=given["language"],
            )
        except PeopleError as refused:
            form.add_error(None, str(refused))
        else:
            link = invitation_link(minted.thing, minted.secret)
            if mail_invitation(minted.thing, link):
                messages.success(
                    request, _("The invitation was sent to %(email)s.") % {"email": minted.thing.email}
                )
                return redirect("invitations")
            put_away(request, f"invitation.{minted.thing.id}", link)
            return redirect("invited", minted.thing.id)
    context = {"form": form, "days": INVITATION_LIFE.days}
    return render(request, "people/invite.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@signed_in("manage:people")
def invited(request: HttpRequest, actor: PersonActor, invitation_id: UUID) -> HttpResponseBase:
    """The link of an invitation that was just made, shown once: whoever loads the page again is told so."""
    del actor
    invitation = get_object_or_404(Invitation, id=invitation_id)
    link = take_out(request, f"invitation.{invitation_id}", _SHOWN_WITHIN)
    if link is None:
        told = _("The link of this invitation was shown once. Is it lost? Invite them again for a new one.")
        messages.info(request, told)
        return redirect("invitations")
    context = {
        "invitation": invitation,
        "link": link,
        "qr": qr(link),
        # with mail, one comes here only when the server did not take it
        "mail_failed": bool(settings.EMAIL_URL),
    }
    return render(request, "people/invited.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def revoke_invitation(request: HttpRequest, actor: PersonActor, invitation_id: UUID) -> HttpResponseBase:
    """Close an invitation, after asking."""
    invitation = get_object_or_404(Invitation, id=invitation_id)
    if request.method == "POST":
        actions.revoke_invitation(actor, invitation)
        messages.success(request, _("The invitation is closed; its link opens nothing now."))
        return redirect("invitations")
    return confirm(
        request,
        question=_("Revoke the invitation of %(email)s?") % {"email": invitation.email},
        effects=[_("Its link opens nothing any more. You can invite them again at any time.")],
        action=_("Revoke the invitation"),
        cancel_url=reverse("invitations"),
        tone="alarm",
    )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Become a person of this node: the page behind the link of an invitation."""
    invitation = queries.open_invitation(secret)
    if invitation is None:
        return refuse(
            request,
            404,
            _("This invitation cannot be used"),
            str(InvitationRefused()),
            code=InvitationRefused.code,
        )
    if isinstance(request.user, Person):
        sentence = _(
            "You are signed in as %(name)s. Sign out first, then open the link of the invitation again."
        )
        title = _("This invitation is for somebody who is not here yet")
        return refuse(request, 409, title, sentence % {"name": request.user.name}, code="signed-in")
    form = AcceptForm(request.POST or None, initial={"language": get_language()})
    if request.method == "POST" and form.is_valid() and _accepted(secret, form):
        language = form.cleaned_data["language"]
        with override(language):
            messages.success(
                request, _("Welcome. Sign in with your e-mail address and the password you chose.")
            )
            return HttpResponseRedirect(reverse("account_login"))
    context = {
        "form": form,
        "invitation": invitation,
        "roles": [Role(role).label for role in invitation.roles],
    }
    return render(request, "people/accept.html", context, status=422 if form.errors else 200)


def _accepted(secret: str, form: AcceptForm) -> bool:
    given = form.cleaned_data
    try:
        actions.accept_invitation(
            secret, name=given["name"], password=given["password"], language=given["language"]
        )
    except ValidationError as weak:
        form.add_error("password" if not hasattr(weak, "error_dict") else None, weak)
        return False
    except PeopleError as refused:
        form.add_error(None, str(refused))
        return False
    return True


# ---- oneself -----------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in()
def profile(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What one keeps about oneself."""
    me = person_of(request)
    begin = {"name": me.name, "language": me.language, "theme": request.COOKIES.get(THEME_COOKIE, "")}
    form = ProfileForm(request.POST or None, initial=begin)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        actions.rename(actor, me, given["name"])
        actions.set_language(me, given["language"])
        with override(given["language"]):
            messages.success(request, _("Your profile is saved."))
        response = HttpResponseRedirect(translate_url(reverse("profile"), given["language"]))
        response.set_cookie(
            THEME_COOKIE,
            given["theme"],
            max_age=_YEAR if given["theme"] else 0,
            secure=bool(settings.SESSION_COOKIE_SECURE),
            httponly=True,
            samesite="Lax",
        )
        return response
    memberships = Membership.objects.filter(person=me).select_related("organisation").order_by("since")
    held = [each.label for each in registry.all(Permission) if each.name in actor.permissions]
    open_tokens = ApiToken.objects.filter(person=me, revoked__isnull=True, expires__gt=now()).count()
    told = ngettext("%(count)s open token", "%(count)s open tokens", open_tokens)
    told = told % {"count": number(open_tokens)} if open_tokens else _("no open token")
    context = {"form": form, "memberships": memberships, "permissions": held, "tokens": told, "person": me}
    return render(request, "people/profile.html", context, status=422 if form.errors else 200)


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
    own = ApiToken.objects.filter(person=me).select_related("made_with").order_by("-created")
    rows = [
        (each, "revoked" if each.revoked else "active" if at < each.expires else "lapsed") for each in own
    ]
    context = {"form": form, "secret": take_out(request, "token", _SHOWN_WITHIN), "rows": rows}
    return render(request, "people/tokens.html", context, status=422 if form.errors else 200)


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
