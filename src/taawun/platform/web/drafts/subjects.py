"""What forms are about: rooms tell how it stands now, so that a page learns when somebody saved it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import Resolver404, resolve
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.platform.registry import registry
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taawun.platform.web.drafts.showing import Difference

__all__ = ["DraftSubject", "Stale", "Standing", "standing_at"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How the subject of a form stands now.

    Args:
        version: its edition.
        who: who saved it last; empty where nobody is known.
        at: when; None where that is not known.
    """

    version: str
    who: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        if self.at is None or not self.who:
            return _("It was saved since you opened it.")
        names = {"day": formats.day(self.at), "time": formats.time_of_day(self.at)}
        return formats.with_names(
            _("%(who)s saved it on %(day)s at %(time)s, after you opened it."), who=self.who, **names
        )


@dataclass(frozen=True, slots=True)
class Stale:
    """A form that was sent about an edition that somebody replaced meanwhile: what ``web/drafts/stale.html`` shows.

    Args:
        standing: who saved what is there now.
        form: id of the form, in which everything stands as it was typed.
        name: of the buttons that send it.
        differences: what was typed otherwise than what is saved, field by field.
    """

    standing: Standing | None
    form: str
    name: str
    differences: Sequence[Difference] = ()


@dataclass(frozen=True, slots=True)
class DraftSubject:
    """A form whose subject has editions; the room of the form registers it.

    Args:
        name: name of the form's address.
        read: called with the actor and the arguments of the address; None where they do not see it.
    """

    name: str
    # Any: the actor is the room of people's, the arguments are what the address takes
    read: Callable[[Any, Mapping[str, Any]], Standing | None]


def standing_at(actor: Any, page: str) -> Standing | None:  # Any: as above
    """How the subject of the form at an address stands; None where it has no editions.

    Args:
        actor: who asks.
        page: as its mark names it.
    """
    try:
        found = resolve(f"/{get_language()}{page.partition('#')[0]}")
    except Resolver404:
        return None
    subject = registry.find(DraftSubject, found.url_name or "")
    return subject.read(actor, found.kwargs) if subject else None
