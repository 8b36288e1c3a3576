"""Where somebody belongs, and whether they work here at all: changing roles, leaving, moving, disabling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.cooperation.people import actions, queries
from taawun.cooperation.people.errors import PeopleError
from taawun.cooperation.people.forms import MoveForm, RolesForm
from taawun.cooperation.people.models import Membership, Organisation, Person
from taawun.cooperation.people.rules import begins_anew, is_anothers
from taawun.cooperation.people.sessions import signed_in
from taawun.cooperation.people.views.persons import tell_begins_anew, told_of_ends
from taawun.platform.web.formats import called, with_names
from taawun.platform.web.pages import confirm
from taawun.platform.web.telling import Undo, tell_done

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["change_roles", "disable", "enable", "leave", "move"]


def _belonging(actor: PersonActor, person_id: UUID, organisation_id: UUID) -> tuple[Person, Organisation]:
    """A person and an organisation of theirs in which the actor manages people; 404 where there is none."""
    person = get_object_or_404(queries.persons(actor), id=person_id)
    place = get_object_or_404(queries.organisations(actor, "manage:people"), id=organisation_id)
    get_object_or_404(Membership.objects.filter(person=person, organisation=place)[:1])
    return person, place


def _called(organisation: Organisation) -> str:
    return called(organisation.name)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def change_roles(
    request: HttpRequest, actor: PersonActor, person_id: UUID, organisation_id: UUID
) -> HttpResponseBase:
    """What a person is in one organisation."""
    person, place = _belonging(actor, person_id, organisation_id)
    held = list(Membership.objects.filter(person=person, organisation=place).values_list("role", flat=True))
    form = RolesForm(request.POST if request.method == "POST" else None, initial={"roles": held})
    if request.method == "POST" and form.is_valid():
        try:
            actions.set_roles(actor, person, place, form.cleaned_data["roles"])
        except PeopleError as refused:
            form.add_error(None, str(refused))
        else:
            undo = Undo(reverse("person-roles", args=[person.id, place.id]), {"roles": held})
            tell_done(request, _("The roles of %(name)s are changed.") % {"name": person.name}, undo)
            return redirect("person", person.id)
    context = {"form": form, "person": person, "organisation": place}
    return render(request, "people/change_roles.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def move(
    request: HttpRequest, actor: PersonActor, person_id: UUID, organisation_id: UUID
) -> HttpResponseBase:
    """Let a person leave one organisation for another."""
    person, place = _belonging(actor, person_id, organisation_id)
    others = queries.organisations(actor, "manage:people").exclude(id=place.id)
    form = MoveForm(request.POST if request.method == "POST" else None, places=others)
    if request.method == "POST" and form.is_valid():
        after = form.cleaned_data["organisation"]
        anew = begins_anew(person, after)
        try:
            actions.move(actor, person, place, after, form.cleaned_data["roles"])
        except PeopleError as refused:
            form.add_error(None, str(refused))
        else:
            told = _("%(name)s belongs to %(organisation)s now.")
            messages.success(request, told % {"name": person.name, "organisation": _called(after)})
            if anew:
                tell_begins_anew(request, person)
            return redirect("person", person.id)
    context = {
        "form": form,
        "person": person,
        "organisation": place,
        "has_others": others.exists(),
        "is_anothers": is_anothers(person),
    }
    return render(request, "people/move.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def leave(
    request: HttpRequest, actor: PersonActor, person_id: UUID, organisation_id: UUID
) -> HttpResponseBase:
    """End what a person is in an organisation, after asking."""
    person, place = _belonging(actor, person_id, organisation_id)
    back = reverse("person", args=[person.id])
    refusal, is_done = _attempt(request, lambda: actions.leave(actor, person, place))
    if is_done:
        told = _("%(name)s does not belong to %(organisation)s any more.")
        messages.success(request, told % {"name": person.name, "organisation": _called(place)})
        return HttpResponseRedirect(back)
    names = {"name": person.name, "organisation": _called(place)}
    return confirm(
        request,
        question=with_names(_("Take every role in %(organisation)s from %(name)s?"), **names),
        effects=[
            with_names(
                _(
                    "%(name)s no longer sees what only people of %(organisation)s may see, from the next page on."
                ),
                **names,
            ),
            _("What they did stays done, and the trail keeps which roles they had."),
            *told_of_ends(
                person, list(person.memberships.filter(organisation=place).select_related("organisation"))
            ),
        ],
        action=_("Take every role"),
        cancel_url=back,
        tone="alarm",
        refusal=refusal,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def disable(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """Let somebody in no more, after asking."""
    person = get_object_or_404(queries.persons(actor), id=person_id)
    back = reverse("person", args=[person.id])
    refusal, is_done = _attempt(request, lambda: actions.disable(actor, person))
    if is_done:
        tell_done(
            request,
            _("%(name)s is not let in any more.") % {"name": person.name},
            Undo(reverse("person-enable", args=[person.id])),
        )
        return HttpResponseRedirect(back)
    return confirm(
        request,
        question=with_names(_("Let %(name)s in no more?"), name=person.name),
        effects=[
            _("Every session of theirs ends at once, and their API tokens are revoked for good."),
            _("Their roles stay, for the day you let them in again."),
        ],
        action=_("Disable the person"),
        cancel_url=back,
        tone="alarm",
        refusal=refusal,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def enable(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """Let somebody in again, after asking."""
    person = get_object_or_404(queries.persons(actor), id=person_id)
    back = reverse("person", args=[person.id])
    refusal, is_done = _attempt(request, lambda: actions.enable(actor, person))
    if is_done:
        tell_done(
            request,
            _("%(name)s may sign in again.") % {"name": person.name},
            Undo(reverse("person-disable", args=[person.id])),
        )
        return HttpResponseRedirect(back)
    return confirm(
        request,
        question=with_names(_("Let %(name)s in again?"), name=person.name),
        effects=[
            with_names(_("%(name)s signs in as before, with the roles they have now."), name=person.name),
            _("Revoked tokens stay revoked."),
        ],
        action=_("Enable the person"),
        cancel_url=back,
        refusal=refusal,
    )


def _attempt(request: HttpRequest, act: Callable[[], None]) -> tuple[str, bool]:
    """Do what was confirmed: why it could not be done, and whether it was."""
    if request.method != "POST":
        return "", False
    try:
        act()
    except PeopleError as refused:
        return str(refused), False
    return "", True
