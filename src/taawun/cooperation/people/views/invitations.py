"""Who is invited, and how they come in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.people import actions, queries
from taawun.cooperation.people.actions import INVITATION_LIFE
from taawun.cooperation.people.cards import organisation_card
from taawun.cooperation.people.errors import InvitationRefused, PeopleError
from taawun.cooperation.people.forms import (
    AcceptForm,
    InvitationFilters,
    InviteForm,
)
from taawun.cooperation.people.letters import invitation_link, mail_invitation, qr
from taawun.cooperation.people.models import Invitation, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.clock import now
from taawun.platform.web.formats import listed, number
from taawun.platform.web.listing import Act, Column, Empty, Stored, Table, act_on_each, show
from taawun.platform.web.pages import confirm, refuse
from taawun.platform.web.paging import batches
from taawun.platform.web.sealed import put_away, take_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["accept", "invitations", "invite", "invited", "revoke_invitation", "revoke_invitations"]

# a secret waits so long for the page that shows it; the browser asks for that page at once
_SHOWN_WITHIN = timedelta(minutes=5)


INVITATIONS: Final = Table(
    name="invitations",
    caption=gettext_lazy("Invitations"),
    columns=(
        Column("email", gettext_lazy("E-mail address")),
        Column("roles", gettext_lazy("Roles")),
        Column("state", gettext_lazy("State")),
        Column("by", gettext_lazy("Invited by")),
        Column("created", gettext_lazy("Invited"), sort="-created", is_shown=False),
        Column("expires", gettext_lazy("Valid until"), sort="-expires"),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={"created": ("id",), "expires": ("expires", "id")},
    sort="-created",
    unfit=Empty(
        gettext_lazy("No invitation fits"), gettext_lazy("None went to such an address and is in this state.")
    ),
    saved=("id", "email", "organisation", "roles", "state", "invited_by", "expires"),
)


@require_safe
@signed_in("manage:people")
def invitations(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Who was invited, newest first, and what became of it."""
    at = now()
    return show(
        request,
        INVITATIONS,
        "people/invitations.html",
        form=InvitationFilters(request.GET),
        find=lambda wanted: Stored(queries.invitations(actor, wanted.get("q", ""), wanted.get("state", ""))),
        draw=lambda found: [
            (each, _state_of(each, is_open=each.is_open(at)), [Role(role).label for role in each.roles])
            for each in found
        ],
        save=_saved,
        acts=(Act(_("Revoke…"), url=reverse("invitations-revoke"), icon="close"),),
        empty=Empty(
            _("Nobody was invited yet"),
            _("Nobody signs up by themselves here: a person comes in by an invitation."),
            ((_("Invite somebody…"), reverse("invite")),),
        ),
    )


def _saved(found: QuerySet[Invitation]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    at = now()
    for batch in batches(found, order=("-id",)):
        for each in batch:
            yield {
                "id": str(each.id),
                "email": each.email,
                "organisation": each.organisation.name.in_language("en").value,
                "roles": list(each.roles),
                "state": "accepted" if each.accepted else _state_of(each, is_open=each.is_open(at))[0],
                "invited_by": each.invited_by.name if each.invited_by else None,
                "expires": each.expires,
            }


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
    places = queries.organisations(actor, "manage:people")
    form = InviteForm(request.POST or None, places=places, initial={"language": get_language()})
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
    invitation = get_object_or_404(queries.invitations(actor), id=invitation_id)
    link = take_out(request, f"invitation.{invitation_id}", _SHOWN_WITHIN)
    if link is None:
        told = _("The link of this invitation was shown once. Is it lost? Invite them again for a new one.")
        messages.info(request, told)
        return redirect("invitations")
    context = {
        "invitation": invitation,
        "card": organisation_card(invitation.organisation),
        "roles": [Role(role).label for role in invitation.roles],
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
    invitation = get_object_or_404(queries.invitations(actor), id=invitation_id)
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


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def revoke_invitations(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Close the invitations that were chosen in the list, after asking."""
    chosen = Stored(queries.invitations(actor)).among("id", request.GET.getlist("chosen")).order_by("-id")
    count = len(chosen)
    if request.method == "POST" or not count:
        outcome = act_on_each(chosen, lambda each: _closed(actor, each), lambda each: each.email)
        sentence = ngettext(
            "%(shown)s invitation is closed; its link opens nothing now.",
            "%(shown)s invitations are closed; their links open nothing now.",
            outcome.done,
        )
        outcome.tell(request, sentence % {"shown": number(outcome.done)})
        return redirect("invitations")
    question = ngettext("Revoke %(shown)s invitation?", "Revoke %(shown)s invitations?", count)
    return confirm(
        request,
        question=question % {"shown": number(count)},
        effects=[
            listed([each.email for each in chosen]),
            _("Their links open nothing any more. You can invite them again at any time."),
        ],
        action=_("Revoke them"),
        cancel_url=reverse("invitations"),
        tone="alarm",
    )


def _closed(actor: PersonActor, invitation: Invitation) -> str:
    """Close it; answers why it was not."""
    if invitation.accepted or invitation.revoked:
        return _("It was not open any more.")
    actions.revoke_invitation(actor, invitation)
    return ""


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
    form = AcceptForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _accepted(secret, form):
        messages.success(request, _("Welcome. Sign in with your e-mail address and the password you chose."))
        return HttpResponseRedirect(reverse("account_login"))
    context = {
        "form": form,
        "invitation": invitation,
        "card": organisation_card(invitation.organisation, leads_on=False),
        "roles": [Role(role).label for role in invitation.roles],
    }
    return render(request, "people/accept.html", context, status=422 if form.errors else 200)


def _accepted(secret: str, form: AcceptForm) -> bool:
    given = form.cleaned_data
    try:
        # the link opens in the language of the invitation; whoever turned to another goes on in that
        language = (get_language() or "en").partition("-")[0]
        actions.accept_invitation(secret, name=given["name"], password=given["password"], language=language)
    except ValidationError as weak:
        form.add_error("password" if not hasattr(weak, "error_dict") else None, weak)
        return False
    except PeopleError as refused:
        form.add_error(None, str(refused))
        return False
    return True
