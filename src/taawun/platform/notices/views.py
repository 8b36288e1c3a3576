"""The page of notices: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from taawun.foundation.clock import now
from taawun.platform.notices.actions import reopen, settle
from taawun.platform.notices.forms import NoticeFilters
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import open_notices, resolved_notices
from taawun.platform.registry import registry
from taawun.platform.web.access import signed_in
from taawun.platform.web.bearer import token_door
from taawun.platform.web.components import Tab
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.formats import moment
from taawun.platform.web.paging import BadCursor, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.platform.notices.queries import Reader

__all__ = ["history", "notices", "reopen_notice", "resolve_notice"]

_ON_A_PAGE = 50
_AT_ONCE = 500
_ORDER: Final = ("-last_seen", "-id")
_RESOLVED: Final = ("-resolved", "-id")
_UNDONE_WITHIN: Final = timedelta(minutes=10)
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
    began: str
    ended: str


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
    may_settle = "manage:notices" in actor.permissions
    context = {
        "form": form,
        "page": shown,
        "notices": [_shown(each) for each in shown.items],
        "is_filtered": bool(level),
        "may_settle": may_settle,
        "settled": _just_settled(request, actor) if may_settle else None,
        "tabs": _tabs(is_open=True),
    }
    return render(request, "notices/notices.html", context)


def _just_settled(request: HttpRequest, actor: Reader) -> Notice | None:
    """The notice that was marked as dealt with a moment ago, so that it can be undone."""
    try:
        asked = UUID(request.GET.get("settled", ""))
    except ValueError:
        return None
    return resolved_notices(actor.permissions).filter(id=asked, resolved__gt=now() - _UNDONE_WITHIN).first()


@require_safe
@signed_in()
def history(request: HttpRequest, actor: Reader) -> HttpResponseBase:
    """What is over and was meant for the reader, what was resolved last first."""
    form = NoticeFilters(request.GET)
    level = form.cleaned_data["level"] if form.is_valid() else ""
    found = resolved_notices(actor.permissions, level)
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], found, _RESOLVED)
    try:
        shown = page(found, order=_RESOLVED, after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("notices-history")
    context = {
        "form": form,
        "page": shown,
        "notices": [_shown(each) for each in shown.items],
        "is_filtered": bool(level),
        "may_settle": "manage:notices" in actor.permissions,
        "tabs": _tabs(is_open=False),
    }
    return render(request, "notices/history.html", context)


def _tabs(*, is_open: bool) -> list[Tab]:
    return [
        Tab(_("Still open"), reverse("notices"), current=is_open),
        Tab(_("Dealt with"), reverse("notices-history"), current=not is_open),
    ]


@require_POST
@signed_in("manage:notices")
def resolve_notice(_request: HttpRequest, actor: Reader, notice_id: UUID) -> HttpResponseBase:
    """Close a notice. It opens anew when the same thing happens again."""
    notice = get_object_or_404(open_notices(actor.permissions), id=notice_id)
    settle(notice, lambda verb, subject: token_door().record(actor, verb, subject))
    # the page says so, with a form that undoes it
    return redirect(f"{reverse('notices')}?{urlencode({'settled': str(notice.id)})}")


@require_POST
@signed_in("manage:notices")
def reopen_notice(request: HttpRequest, actor: Reader, notice_id: UUID) -> HttpResponseBase:
    """Undo that a notice was marked as dealt with."""
    notice = get_object_or_404(resolved_notices(actor.permissions), id=notice_id)
    if reopen(notice, lambda verb, subject: token_door().record(actor, verb, subject)):
        messages.success(request, _("The notice is open again."))
    else:
        messages.info(request, _("The same was told anew meanwhile: that notice is open."))
    return redirect("notices")


def _export(ending: str, found: QuerySet[Notice], order: tuple[str, str] = _ORDER) -> HttpResponseBase:
    if ending == "json":
        return as_json("notices", _rows(found, order))
    return as_csv("notices", _COLUMNS, (list(row.values()) for row in _rows(found, order)))


def _rows(found: QuerySet[Notice], order: tuple[str, str]) -> Iterator[dict[str, str | int]]:
    after: str | None = ""
    while after is not None:
        batch = page(found, order=order, after=after, limit=_AT_ONCE)
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
        moment(notice.created),
        moment(notice.resolved) if notice.resolved else "",
    )
