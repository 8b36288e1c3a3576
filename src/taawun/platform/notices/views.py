"""The page of notices: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import open_notices
from taawun.platform.registry import registry
from taawun.platform.web.access import signed_in
from taawun.platform.web.paging import BadCursor, page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from taawun.platform.notices.queries import Reader

__all__ = ["notices"]

_ON_A_PAGE = 50
_TONES = {Notice.Level.INFORMATION: "neutral", Notice.Level.WARNING: "gold", Notice.Level.ALARM: "alarm"}


@dataclass(frozen=True, slots=True)
class _Shown:
    notice: Notice
    sentence: str
    mend: str
    address: str
    tone: str


@require_safe
@signed_in()
def notices(request: HttpRequest, actor: Reader) -> HttpResponseBase:
    """What is open and meant for the reader, newest first."""
    found = open_notices(actor.permissions)
    try:
        shown = page(found, order=("-last_seen", "-id"), after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("notices")
    context = {"page": shown, "notices": [_shown(each) for each in shown.items]}
    return render(request, "notices/notices.html", context)


def _shown(notice: Notice) -> _Shown:
    kind = registry.get(NoticeKind, notice.kind)
    facts = notice.params
    return _Shown(
        notice,
        kind.sentence(facts),
        kind.mend(facts),
        kind.address(facts),
        _TONES[Notice.Level(notice.level)],
    )
