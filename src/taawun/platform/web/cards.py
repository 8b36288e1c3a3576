"""What a card of a person or of an organisation shows; the room of people fills them.

The tags that draw them are in :mod:`taawun.platform.web.templatetags.cards`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.foundation.multilingual import Text

__all__ = ["ContactLine", "NationMark", "OrganisationCard", "PersonCard"]


@dataclass(frozen=True, slots=True)
class NationMark:
    """A nation as a card bears it: its tile, its name, and where its page is.

    Args:
        code: ISO 3166-1 alpha-2.
        name: what it is called.
        url: of its page.
        is_own: whether this node speaks for it.
    """

    code: str
    name: Text
    url: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class ContactLine:
    """Whom to call at an organisation.

    Args:
        name: of a person or a function.
        hours: when, on the clock there.
        place: what the time zone there is called by its city; empty where somebody answers at any hour.
        here: the same hours on the reader's clock; empty where that shows the same.
        answers: whether somebody answers at this hour.
        languages: in which, joined; empty where nobody said.
        phone: a telephone number, or empty.
        email: an address, or empty.
    """

    name: Text
    hours: str
    place: str
    here: str
    answers: bool
    languages: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A person at a glance.

    Args:
        name: as they call themselves.
        url: of their page.
        roles: what they are, in words, in a row.
        place: the organisation where they are that; None where they have no role.
        place_url: of its page.
        nation: that of the organisation, if it has one.
        email: their address, for who may see it.
        is_active: whether they still work here.
    """

    name: str
    url: str
    roles: str = ""
    place: Text | None = None
    place_url: str = ""
    nation: NationMark | None = None
    email: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class OrganisationCard:
    """An organisation at a glance.

    Args:
        name: what it is called.
        url: of its page.
        kind: what it is, in words.
        nation: its nation, if it has one.
        is_host: whether it runs this node.
        week: on which days it works, in words.
        contacts: whom to call at it.
    """

    name: Text
    url: str
    kind: str
    nation: NationMark | None = None
    is_host: bool = False
    week: str = ""
    contacts: Sequence[ContactLine] = ()
