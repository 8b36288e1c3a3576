"""A form that was sent about an edition that somebody replaced meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from taawun.platform.web.drafts import Stale, differences

if TYPE_CHECKING:
    from django.http import HttpRequest, QueryDict

    from taawun.cooperation.people.forms import EditionForm
    from taawun.platform.web.drafts import Standing

__all__ = ["WRITTEN", "beside"]

_F = TypeVar("_F", bound="EditionForm")

# the id of the forms of this room
WRITTEN: Final = "written"


def beside(
    request: HttpRequest,
    make: Callable[[QueryDict | None, dict[str, Any]], _F],
    saved: dict[str, Any],
    standing: Standing | None,
) -> tuple[_F, Stale]:
    """What was typed, in its form, and what of it is otherwise than what is saved; sent again, it takes its place.

    Args:
        request: with which it was sent.
        make: makes the form of what was sent, and of what it begins with.
        saved: what is saved now, with its edition.
        standing: who saved that.
    """
    told = differences(make(None, saved), request.POST)
    given = request.POST.copy()
    given["edition"] = str(saved["edition"])
    return make(given, saved), Stale(standing, WRITTEN, "do", told)
