"""The page of notices: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from taawun.platform.notices.actions import settle
from taawun.platform.notices.forms import NoticeFilters
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import open_notices
from taawun.platform.registry import registry
from taawun.platform.web.access import signed_in
from taawun.platform.web.bearer import token_door
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.paging import BadCursor, page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.platform.notices.queries import Reader

__all__ = ["notices", "resolve_notice"]

_ON_A_PAGE = 50
_AT_ONCE = 500
_ORDER: Final = ("-last_seen", "-id")
_COLUMNS: Final = (
    "id",
    "level",
    "kind",
    "sentence",
    "mend",
    "subject",
    "created",
    "last_seen",
    "times",
)
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
    form = NoticeFilters(request.GET)
    level = form.cleaned_data["level"] if form.is_valid() else ""
    found = open_notices(actor.permissions, level)
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], found)
    try:
        shown = page(found, order=_ORDER, after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("notices")
    context = {
        "form": form,
        "page": shown,
        "notices": [_shown(each) for each in shown.items],
        "is_filtered": bool(level),
        "may_settle": "manage:notices" in actor.permissions,
    }
    return render(request, "notices/notices.html", context)


@require_POST
@signed_in("manage:notices")
def resolve_notice(request: HttpRequest, actor: Reader, notice_id: UUID) -> HttpResponseBase:
    """Close a notice. It opens anew when the same thing happens again."""
    notice = get_object_or_404(open_notices(actor.permissions), id=notice_id)
    settle(notice, lambda verb, subject: token_door().record(actor, verb, subject))
    messages.success(request, _("The notice is marked as dealt with."))
    return redirect("notices")


def _export(ending: str, found: QuerySet[Notice]) -> HttpResponseBase:
    if ending == "json":
        return as_json("notices", _rows(found))
    return as_csv("notices", _COLUMNS, (list(row.values()) for row in _rows(found)))


def _rows(found: QuerySet[Notice]) -> Iterator[dict[str, str | int]]:
    after: str | None = ""
    while after is not None:
        batch = page(found, order=_ORDER, after=after, limit=_AT_ONCE)
        for notice in batch.items:
            told = _shown(notice)
            values = (
                str(notice.id),
                notice.level,
                notice.kind,
                told.sentence,
                told.mend,
                notice.subject,
                notice.created.isoformat(),
                notice.last_seen.isoformat(),
                notice.times,
            )
            yield dict(zip(_COLUMNS, values, strict=True))
        after = batch.next


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
