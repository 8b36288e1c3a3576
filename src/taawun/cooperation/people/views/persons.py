"""Who works here, with their roles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taawun.cooperation.people import actions, queries
from taawun.cooperation.people.cards import organisation_card, person_card
from taawun.cooperation.people.errors import PeopleError
from taawun.cooperation.people.forms import (
    PeopleFilters,
    RoleForm,
)
from taawun.cooperation.people.letters import password_link, qr
from taawun.cooperation.people.models import DutyContact, Membership, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.role_names import role_name
from taawun.cooperation.people.rules import (
    Granted,
    begins_anew,
    ends_ways_in,
    is_anothers,
    may_manage,
    may_see_address,
)
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web.formats import with_names
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.pages import confirm
from taawun.platform.web.reader import Addressed
from taawun.platform.web.sealed import put_away, take_out
from taawun.platform.web.telling import Undo, tell_done

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "give_role",
    "new_password",
    "new_password_link",
    "people",
    "person",
    "take_role",
    "tell_begins_anew",
    "told_of_ends",
]

# a secret waits so long for the page that shows it; the browser asks for that page at once
_SHOWN_WITHIN = timedelta(minutes=5)


PEOPLE: Final = Table(
    name="people",
    caption=gettext_lazy("People"),
    columns=(
        Column("name", gettext_lazy("Name"), sort="name"),
        Column("roles", gettext_lazy("Roles")),
        Column("email", gettext_lazy("E-mail address")),
        Column("since", gettext_lazy("Here since"), sort="-since"),
        Column("state", gettext_lazy("State")),
    ),
    orders={"name": ("name", "id"), "since": ("id",)},
    sort="name",
    unfit=Empty(gettext_lazy("Nobody fits"), gettext_lazy("No person has this name, address or role.")),
    saved=("id", "name", "email", "roles", "active"),
)


@dataclass(frozen=True, slots=True)
class _Row:
    person: Person
    address: str
    roles: list[str]


@require_safe
@signed_in("read:people")
def people(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Who works on this node."""
    manages = "manage:people" in actor.permissions

    def find(wanted: Mapping[str, Any]) -> Stored[Person]:
        place = wanted.get("organisation")
        found = queries.persons(
            actor,
            wanted.get("q", ""),
            wanted.get("role", ""),
            place.id if place else None,
            wanted.get("state", ""),
        )
        return Stored(found.order_by("name", "id"))

    return show(
        request,
        PEOPLE,
        "people/people.html",
        form=PeopleFilters(request.GET, by_address=manages),
        find=find,
        draw=lambda found: [_Row(each, _address_for(actor, each), _roles_in_words(each)) for each in found],
        save=lambda found: _saved(actor, found),
        without=() if manages else {"email"},
        context={"may_manage": manages},
    )


def _saved(actor: PersonActor, found: QuerySet[Person]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found.iterator(chunk_size=500):
        yield {
            "id": str(each.id),
            "name": each.name,
            "email": _address_for(actor, each),
            "roles": _roles_of(each),
            "active": each.is_active,
        }


def _address_for(actor: PersonActor, person: Person) -> str:
    return person.email if may_see_address(actor, person) else ""


def _roles_in_words(person: Person) -> list[str]:
    return [str(Role(membership.role).label) for membership in person.memberships.all()]


def _roles_of(person: Person) -> list[str]:
    return sorted(membership.role for membership in person.memberships.all())


@require_safe
@signed_in("read:people")
def person(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """One person and their roles."""
    shown = get_object_or_404(queries.persons(actor), id=person_id)
    return _person_page(request, actor, shown, None)


def _person_page(
    request: HttpRequest, actor: PersonActor, shown: Person, form: RoleForm | None
) -> HttpResponse:
    places = list(queries.organisations(actor, "manage:people"))
    managed = {each.id for each in places}
    by_place: dict[UUID, list[Membership]] = {}
    for membership in shown.memberships.all():
        by_place.setdefault(membership.organisation_id, []).append(membership)
    may_give = bool(places) and ("manage:people" in actor.everywhere or not managed.isdisjoint(by_place))
    if form is None and may_give:
        form = RoleForm(places=queries.organisations(actor, "manage:people"))
    contacts: dict[UUID, list[DutyContact]] = {}
    for each in DutyContact.objects.filter(organisation__in=list(by_place)).order_by("id"):
        contacts.setdefault(each.organisation_id, []).append(each)
    context = {
        "person": shown,
        "card": person_card(actor, shown),
        "organisations": [
            organisation_card(held[0].organisation, contacts.get(place, ()))
            for place, held in by_place.items()
        ],
        "form": form,
        "address": _address_for(actor, shown),
        "is_anothers": is_anothers(shown),
        "is_self": shown.id == actor.id,
        "places": [(held[0].organisation, held, place in managed) for place, held in by_place.items()],
        "may_manage": isinstance(may_manage(actor, shown), Granted),
        "may_audit": "read:audit" in actor.permissions,
    }
    return render(request, "people/person.html", context, status=422 if form and form.errors else 200)


@require_POST
@signed_in("manage:people")
def give_role(request: HttpRequest, actor: PersonActor, person_id: UUID) -> HttpResponseBase:
    """Give a person a role."""
    receiver = get_object_or_404(queries.persons(actor), id=person_id)
    form = RoleForm(request.POST, places=queries.organisations(actor, "manage:people"))
    if form.is_valid():
        role, place = form.cleaned_data["role"], form.cleaned_data["organisation"]
        anew = begins_anew(receiver, place)
        given = actions.give_role(actor, receiver, place, role)
        # what let them in until now has ended, and taking the role away would not bring it back
        undo = None if anew else Undo(reverse("role-take", args=[given.id]))
        names = {"name": receiver.name, "role": role_name(role, Addressed(receiver.addressed))}
        tell_done(request, _("%(name)s is now %(role)s.") % names, undo)
        if anew:
            tell_begins_anew(request, receiver)
        return redirect("person", receiver.id)
    return _person_page(request, actor, receiver, form)


def told_of_ends(person: Person, taken: Collection[Membership]) -> list[SafeString]:
    """What is asked before roles are taken, where whoever had them signs in no more by what there is."""
    if not ends_ways_in(person, taken):
        return []
    told = _(
        "%(name)s belongs to no organisation then: password, passkeys, codes and tokens end, and coming back takes a "
        "link for a new password."
    )
    return [with_names(told, name=person.name)]


def tell_begins_anew(request: HttpRequest, person: Person) -> None:
    """Say that what let somebody in until now does so no more, and what to do about it."""
    told = _(
        "Until now another organisation managed the account of %(name)s, so all that opened it has ended. Make sure "
        "who they are, then make them a link for a new password."
    )
    messages.warning(request, with_names(told, name=person.name))


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
        undo = _giving_back(membership)
        try:
            actions.take_role(actor, membership)
        except PeopleError as refused:
            refusal = str(refused)
        else:
            tell_done(request, _("The role was taken."), undo)
            return HttpResponseRedirect(back)
    names = {"name": membership.person.name, "role": membership.role_name}
    return confirm(
        request,
        question=with_names(_("Take the role “%(role)s” from %(name)s?"), **names),
        effects=[
            with_names(
                _("What only this role allowed, %(name)s can no longer do, from the next page on."), **names
            ),
            _("What was done with it stays done."),
            *told_of_ends(membership.person, [membership]),
        ],
        action=_("Take the role"),
        cancel_url=back,
        tone="alarm",
        refusal=refusal,
    )


def _giving_back(membership: Membership) -> Undo | None:
    """The act that gives a role back; None where more ended with it than that would bring back."""
    if ends_ways_in(membership.person, [membership]):
        return None
    fields = {"role": [membership.role], "organisation": [str(membership.organisation_id)]}
    return Undo(reverse("role-give", args=[membership.person_id]), fields)


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
