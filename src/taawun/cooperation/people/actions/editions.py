"""Two who change one thing: whoever saves second learns of the first."""

from __future__ import annotations

from typing import TypeVar

from taawun.cooperation.people.errors import EditedMeanwhile
from taawun.cooperation.people.models import Community, DutyContact, IdentityProvider, Organisation

__all__ = ["held_to"]

_Edited = TypeVar("_Edited", Community, DutyContact, IdentityProvider, Organisation)


def held_to(row: _Edited, edition: int | None) -> _Edited:
    """The row as it stands, locked until the unit of work ends. Whoever saves it counts its edition up.

    Args:
        row: which.
        edition: the one the editor had before them; None where they are not held to it.

    Raises:
        EditedMeanwhile: it has another by now.
    """
    held = type(row).objects.select_for_update().get(pk=row.pk)
    if edition is not None and held.edition != edition:
        raise EditedMeanwhile
    return held
