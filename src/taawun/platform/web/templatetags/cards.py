"""Cards of persons and organisations, and times on two clocks, as template tags; they are built in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from taawun.platform.web import formats

if TYPE_CHECKING:
    from datetime import datetime

    from django.utils.safestring import SafeString

    from taawun.platform.web.cards import ContactLine, NationMark, OrganisationCard, PersonCard

register = template.Library()


@register.inclusion_tag("web/components/person_card.html")
def person_card(card: PersonCard) -> dict[str, Any]:
    """A person: a round seal with their initials, name, roles, organisation and nation."""
    return {"card": card}


@register.inclusion_tag("web/components/organisation_card.html")
def organisation_card(card: OrganisationCard) -> dict[str, Any]:
    """An organisation: its nation's tile, name, kind, working days, and whom to call at which hours."""
    return {"card": card}


@register.inclusion_tag("web/components/contact_hours.html")
def contact_hours(line: ContactLine) -> dict[str, Any]:
    """When a contact answers: on the clock there, then on the reader's where it differs, and whether now."""
    return {"line": line}


@register.inclusion_tag("web/components/nation_mark.html")
def nation_mark(mark: NationMark) -> dict[str, Any]:
    """A nation's tile and name, as a link to its page."""
    return {"mark": mark}


@register.simple_tag
def event_time(value: datetime, zone: str) -> SafeString:
    """When something happens elsewhere: first on the clock there, then “12:00 here” where the reader's differs.

    Args:
        value: the instant.
        zone: IANA name of the time zone where it happens.
    """
    told = formats.event_time(value, zone)
    stamp = value.isoformat()
    if not told.here:
        return format_html('<time datetime="{}" title="{}">{}</time>', stamp, stamp, told.there)
    # Translators: when something happens on the clock there and its city, then the time where the reader is
    words = _("{there} ({place}), {here} here")
    return format_html(
        '<time class="event-time" datetime="{}" title="{}">{}</time>',
        stamp,
        stamp,
        format_html(
            words,
            there=told.there,
            place=format_html("<bdi>{}</bdi>", told.place),
            here=format_html("<b>{}</b>", told.here),
        ),
    )
