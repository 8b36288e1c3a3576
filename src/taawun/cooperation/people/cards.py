"""Persons, organisations and whom to call, as cards show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from taawun.cooperation.people import naming
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.rules import may_see_address
from taawun.cooperation.people.sessions import host
from taawun.foundation.clock import now
from taawun.platform.web import formats
from taawun.platform.web.cards import ContactLine, NationMark, OrganisationCard, PersonCard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from taawun.cooperation.people.actors import PersonActor
    from taawun.cooperation.people.models import DutyContact, Organisation, Person

__all__ = ["contact_line", "nation_mark", "organisation_card", "person_card"]


def nation_mark(code: str | None) -> NationMark | None:
    """A nation as cards bear it; None where there is none."""
    if not code:
        return None
    own = host()
    is_own = own is not None and own.code == code
    return NationMark(code, naming.named_nation(code).name, reverse("nation", args=[code]), is_own)


def contact_line(contact: DutyContact) -> ContactLine:
    """Whom to call, at which hours there and here."""
    return ContactLine(
        name=contact.name,
        hours=formats.hours_of_week(contact.days, contact.opens, contact.closes),
        place="" if contact.is_always else formats.zone_name(contact.zone),
        here=formats.hours_here(contact.days, contact.opens, contact.closes, contact.zone),
        answers=contact.answers_at(now()),
        languages=formats.listed([formats.language_name(tag) for tag in contact.languages]),
        phone=contact.phone,
        email=contact.email,
    )


def organisation_card(
    shown: Organisation, contacts: Iterable[DutyContact] = (), *, leads_on: bool = True
) -> OrganisationCard:
    """An organisation at a glance.

    Args:
        shown: which.
        contacts: those of its duty contacts that the card names.
        leads_on: whether its reader may open its page.
    """
    return OrganisationCard(
        name=shown.name,
        url=reverse("organisation", args=[shown.id]) if leads_on else "",
        kind=shown.get_kind_display(),
        nation=nation_mark(shown.nation_id),
        is_host=shown.is_host,
        week=formats.days_of_week(shown.week),
        contacts=[contact_line(each) for each in contacts],
    )


def person_card(actor: PersonActor, shown: Person, at: Organisation | None = None) -> PersonCard:
    """A person at a glance, as somebody may see them.

    Args:
        actor: who looks.
        shown: with their memberships, and the organisations of these.
        at: the organisation on whose page the card stands, which then goes without saying; None elsewhere.
    """
    held = [each for each in shown.memberships.all() if at is None or each.organisation_id == at.id]
    held.sort(key=lambda each: list(Role).index(Role(each.role)))
    place = held[0].organisation if held and at is None else None
    return PersonCard(
        name=shown.name,
        url=reverse("person", args=[shown.id]),
        roles=formats.listed([each.role_name for each in held]),
        place=place.name if place else None,
        place_url=reverse("organisation", args=[place.id]) if place else "",
        nation=nation_mark(place.nation_id) if place else None,
        email=shown.email if may_see_address(actor, shown) else "",
        is_active=shown.is_active,
    )
