"""The person of this node whom a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.node.cli import CannotDo

if TYPE_CHECKING:
    from taawun.cooperation.people.models import Person

__all__ = ["person_called"]


def person_called(email: str) -> Person:
    """Who works here under an e-mail address.

    Raises:
        CannotDo: nobody does, or not any more.
    """
    from taawun.cooperation.people.models import Person, has_address

    person = Person.objects.filter(has_address(email), is_active=True).first()
    if person is None:
        raise CannotDo(f"{email} is nobody on this node; invite them first")
    return person
