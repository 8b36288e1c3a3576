"""Organisations whose people work here, and whom to call at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.people import actions, editions, naming, queries
from taawun.cooperation.people.cards import contact_line, organisation_card, person_card
from taawun.cooperation.people.errors import ContactRefused, EditedMeanwhile, PeopleError
from taawun.cooperation.people.forms import (
    ContactForm,
    ContactTestForm,
    OrganisationFilters,
    OrganisationForm,
)
from taawun.cooperation.people.models import DutyContact, Membership, Organisation
from taawun.cooperation.people.rules import Granted, holds_in
from taawun.cooperation.people.sessions import signed_in
from taawun.cooperation.people.views.beside import beside
from taawun.foundation.multilingual import LANGUAGES
from taawun.platform.web.formats import called, with_names
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from django.db.models import QuerySet
    from django.forms import Form
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.drafts import Stale

__all__ = [
    "add_contact",
    "add_organisation",
    "change_contact",
    "change_organisation",
    "organisation",
    "organisations",
    "remove_contact",
    "test_contact",
]

_PEOPLE = 6


def _called(shown: Organisation) -> str:
    return called(shown.name)


ORGANISATIONS: Final = Table(
    name="organisations",
    caption=gettext_lazy("Organisations"),
    columns=(
        Column("name", gettext_lazy("Name")),
        Column("kind", gettext_lazy("Kind")),
        Column("nation", gettext_lazy("Nation")),
        Column("since", gettext_lazy("Here since"), sort="since", is_shown=False),
    ),
    orders={"since": ("created", "id")},
    sort="since",
    unfit=Empty(gettext_lazy("No organisation fits"), gettext_lazy("No organisation has this name or kind.")),
    saved=("id", *(f"name_{language}" for language in LANGUAGES), "kind", "nation", "runs_this_node"),
)


@require_safe
@signed_in("read:people")
def organisations(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The organisations whose people work here."""

    def find(wanted: Mapping[str, Any]) -> Stored[Organisation]:
        found = queries.organisations_like(wanted.get("q", ""), wanted.get("kind", ""))
        return Stored(found.order_by("created", "id"))

    def draw(found: list[Organisation]) -> list[tuple[Organisation, naming.NamedNation | None]]:
        named = naming.named_nations(each.nation_id for each in found if each.nation_id)
        return [(each, named.get(each.nation_id or "")) for each in found]

    return show(
        request,
        ORGANISATIONS,
        "people/organisations.html",
        form=OrganisationFilters(request.GET),
        find=find,
        draw=draw,
        save=_saved,
        context={"may_add": "manage:people" in actor.everywhere},
    )


def _saved(found: QuerySet[Organisation]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found.iterator(chunk_size=500):
        yield {
            "id": str(each.id),
            **{f"name_{language}": each.names.get(language, "") for language in LANGUAGES},
            "kind": each.kind,
            "nation": each.nation_id,
            "runs_this_node": each.is_host,
        }


@require_safe
@signed_in("read:people")
def organisation(request: HttpRequest, actor: PersonActor, organisation_id: UUID) -> HttpResponseBase:
    """One organisation, and whom to call at it."""
    shown = get_object_or_404(Organisation, id=organisation_id)
    held = Membership.objects.filter(person=OuterRef("pk"), organisation=shown)
    people = queries.persons(actor).filter(Exists(held), is_active=True).order_by("name", "id")
    some = list(people[: _PEOPLE + 1])
    context = {
        "organisation": shown,
        "card": organisation_card(shown),
        "is_own_week": bool(shown.working_days),
        "contacts": [(each, contact_line(each)) for each in shown.duty_contacts.order_by("id")],
        "people": [person_card(actor, each, shown) for each in some[:_PEOPLE]],
        "has_more": len(some) > _PEOPLE,
        "may_change": isinstance(holds_in(actor, "manage:people", shown.id), Granted),
        "may_keep": isinstance(holds_in(actor, "manage:contacts", shown.id), Granted),
    }
    return render(request, "people/organisation.html", context)


def _form_page(  # noqa: PLR0913 - each is a part of the page
    request: HttpRequest,
    form: Form,
    title: str,
    action: str,
    of: Organisation | None,
    *,
    stale: Stale | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "action": action,
        "organisation_name": _called(of) if of else "",
        "back": reverse("organisation", args=[of.id]) if of else reverse("organisations"),
        "stale": stale,
    }
    status = 409 if stale else 422 if form.errors else 200
    return render(request, "people/organisation_form.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def add_organisation(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Add an organisation whose people will work here."""
    form = OrganisationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            added = actions.add_organisation(
                actor,
                names=given["name"],
                kind=Organisation.Kind(given["kind"]),
                nation=given["nation"] or None,
                working_days=given["working_days"],
            )
        except PeopleError as refused:
            form.add_error("nation", str(refused))
        else:
            return redirect("organisation", added.id)
    return _form_page(request, form, _("Add an organisation"), _("Add the organisation"), None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:people")
def change_organisation(request: HttpRequest, actor: PersonActor, organisation_id: UUID) -> HttpResponseBase:
    """Change what an organisation is called, what it is, and of which nation."""
    shown, stale = get_object_or_404(Organisation, id=organisation_id), None
    form = OrganisationForm(request.POST if request.method == "POST" else None, initial=_written(shown))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.change_organisation(
                actor,
                shown,
                names=given["name"],
                kind=Organisation.Kind(given["kind"]),
                nation=given["nation"] or None,
                working_days=given["working_days"],
                edition=form.opened,
            )
        except EditedMeanwhile:
            shown.refresh_from_db()
            standing = editions.organisation_standing(actor, {"organisation_id": shown.id})
            form, stale = beside(
                request, lambda sent, begin: OrganisationForm(sent, initial=begin), _written(shown), standing
            )
        except PeopleError as refused:
            form.add_error("nation", str(refused))
        else:
            return redirect("organisation", shown.id)
    return _form_page(request, form, _("Change the organisation"), _("Save"), shown, stale=stale)


def _written(shown: Organisation) -> dict[str, Any]:
    # Any: initial values of fields
    return {f"name_{language}": words for language, words in shown.names.items()} | {
        "kind": shown.kind,
        "nation": shown.nation_id or "",
        "working_days": shown.working_days,
        "edition": shown.edition,
    }


# ---- duty contacts -----------------------------------------------------------------------------------------
def _given(form: ContactForm) -> actions.ContactFields:
    given = form.cleaned_data
    return actions.ContactFields(
        name=given["name"],
        zone=given["zone"].strip(),
        is_always=given["is_always"],
        days=tuple(given["days"]),
        opens=given["opens"],
        closes=given["closes"],
        languages=given["languages"],
        phone=given["phone"],
        email=given["email"],
        pgp_key=given["pgp_key"],
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:contacts")
def add_contact(request: HttpRequest, actor: PersonActor, organisation_id: UUID) -> HttpResponseBase:
    """Add whom to call at an organisation."""
    shown = get_object_or_404(Organisation, id=organisation_id)
    form = ContactForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_contact(actor, shown, _given(form))
        except ContactRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            return redirect("organisation", shown.id)
    return _form_page(request, form, _("Add a duty contact"), _("Add the contact"), shown)


def _contact(contact_id: UUID) -> DutyContact:
    return get_object_or_404(DutyContact.objects.select_related("organisation"), id=contact_id)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:contacts")
def change_contact(request: HttpRequest, actor: PersonActor, contact_id: UUID) -> HttpResponseBase:
    """Change what is said of a contact."""
    contact, stale = _contact(contact_id), None
    form = ContactForm(request.POST if request.method == "POST" else None, initial=_said_of(contact))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_contact(actor, contact, _given(form), edition=form.opened)
        except EditedMeanwhile:
            contact.refresh_from_db()
            standing = editions.contact_standing(actor, {"contact_id": contact.id})
            form, stale = beside(
                request, lambda sent, begin: ContactForm(sent, initial=begin), _said_of(contact), standing
            )
        except ContactRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            return redirect("organisation", contact.organisation_id)
    title = _("Change the duty contact")
    return _form_page(request, form, title, _("Save"), contact.organisation, stale=stale)


def _said_of(contact: DutyContact) -> dict[str, Any]:
    # Any: initial values of fields
    names = ("zone", "is_always", "days", "opens", "closes", "phone", "email", "pgp_key", "edition")
    said = {name: getattr(contact, name) for name in names} | {"languages": " ".join(contact.languages)}
    return said | {f"name_{language}": words for language, words in contact.names.items()}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:contacts")
def test_contact(request: HttpRequest, actor: PersonActor, contact_id: UUID) -> HttpResponseBase:
    """Write down that a contact was tried now."""
    contact = _contact(contact_id)
    form = ContactTestForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.record_contact_test(actor, contact, form.cleaned_data["outcome"])
        messages.success(request, _("The test is written down."))
        return redirect("organisation", contact.organisation_id)
    title = _("Write down a test")
    return _form_page(request, form, title, _("Write it down"), contact.organisation)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:contacts")
def remove_contact(request: HttpRequest, actor: PersonActor, contact_id: UUID) -> HttpResponseBase:
    """Remove a contact, after asking."""
    contact = _contact(contact_id)
    back = reverse("organisation", args=[contact.organisation_id])
    if request.method == "POST":
        actions.remove_contact(actor, contact)
        return HttpResponseRedirect(back)
    name = called(contact.name)
    return confirm(
        request,
        question=with_names(_("Remove the duty contact %(name)s?"), name=name),
        effects=[_("Partners no longer see it once they have read this node’s descriptor again.")],
        action=_("Remove the contact"),
        cancel_url=back,
        tone="alarm",
    )
