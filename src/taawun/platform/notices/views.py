"""The page of notices: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from taawun.platform.notices.actions import reopen, settle
from taawun.platform.notices.forms import NoticeFilters
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.notices.queries import open_notices, resolved_notices
from taawun.platform.registry import registry
from taawun.platform.web.access import signed_in
from taawun.platform.web.bearer import token_door
from taawun.platform.web.components import Tab
from taawun.platform.web.formats import number
from taawun.platform.web.listing import Act, Column, Empty, Stored, Table, act_on_each, show
from taawun.platform.web.paging import batches
from taawun.platform.web.telling import Undo, tell_done

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.platform.notices.queries import Reader

__all__ = ["history", "notices", "reopen_notice", "resolve_notice", "resolve_notices"]

_ORDER: Final = ("-last_seen", "-id")
_RESOLVED: Final = ("-resolved", "-id")
# how each is shown: an icon, and its tone
_MARKS = {
    Notice.Level.INFORMATION: ("info", "muted"),
    Notice.Level.WARNING: ("alert", "gold"),
    Notice.Level.ALARM: ("close", "alarm"),
}


@dataclass(frozen=True, slots=True)
class _Shown:
    notice: Notice
    sentence: str
    mend: str
    address: str
    icon: str
    tone: str


NOTICES: Final = Table(
    name="notices",
    caption=gettext_lazy("Notices"),
    columns=(
        Column("notice", gettext_lazy("What happened")),
        Column("level", gettext_lazy("How much it matters")),
        Column("seen", gettext_lazy("Last time"), sort="-seen"),
        Column("times", gettext_lazy("Times"), is_number=True),
        Column("created", gettext_lazy("First time"), is_shown=False),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={"seen": ("last_seen", "id")},
    sort="-seen",
    unfit=Empty(gettext_lazy("No notice fits"), gettext_lazy("Nothing that is open matters this much.")),
    saved=("id", "level", "kind", "sentence", "mend", "subject", "created", "last_seen", "times"),
)


@require_safe
@signed_in()
def notices(request: HttpRequest, actor: Reader) -> HttpResponseBase:
    """What is open and meant for the reader, newest first."""
    may_settle = "manage:notices" in actor.permissions
    settling = Act(_("Mark as dealt with"), url=reverse("notices-resolve"), posts=True, icon="check")
    return show(
        request,
        NOTICES,
        "notices/notices.html",
        form=NoticeFilters(request.GET),
        find=lambda wanted: Stored(open_notices(actor.permissions, wanted.get("level", ""))),
        draw=lambda found: [_shown(each) for each in found],
        save=_saved,
        acts=(settling,) if may_settle else (),
        empty=Empty(
            _("Nothing to mend"),
            _("When a lane stops, a signature fails or an agreement nears its end, it is told here."),
        ),
        without=() if may_settle else {"act"},
        context={
            "tabs": _tabs(is_open=True),
        },
    )


HISTORY: Final = Table(
    name="notices-history",
    caption=gettext_lazy("Notices dealt with"),
    columns=(
        Column("notice", gettext_lazy("What happened")),
        Column("level", gettext_lazy("How much it matters")),
        Column("created", gettext_lazy("First time")),
        Column("resolved", gettext_lazy("Dealt with"), sort="-resolved"),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={"resolved": ("resolved", "id")},
    sort="-resolved",
    unfit=Empty(gettext_lazy("No notice fits"), gettext_lazy("Nothing that is over mattered this much.")),
    saved=NOTICES.saved,
)


@require_safe
@signed_in()
def history(request: HttpRequest, actor: Reader) -> HttpResponseBase:
    """What is over and was meant for the reader, what was resolved last first."""
    return show(
        request,
        HISTORY,
        "notices/history.html",
        form=NoticeFilters(request.GET),
        find=lambda wanted: Stored(resolved_notices(actor.permissions, wanted.get("level", ""))),
        draw=lambda found: [_shown(each) for each in found],
        save=lambda found: _saved(found, _RESOLVED),
        empty=Empty(_("Nothing is over yet"), _("A notice that was dealt with stands here.")),
        without=() if "manage:notices" in actor.permissions else {"act"},
        context={"tabs": _tabs(is_open=False)},
    )


def _tabs(*, is_open: bool) -> list[Tab]:
    return [
        Tab(_("Still open"), reverse("notices"), current=is_open),
        Tab(_("Dealt with"), reverse("notices-history"), current=not is_open),
    ]


@require_POST
@signed_in("manage:notices")
def resolve_notices(request: HttpRequest, actor: Reader) -> HttpResponseBase:
    """Close the notices that were chosen in the list."""
    chosen = Stored(open_notices(actor.permissions)).among("id", request.POST.getlist("chosen"))

    def close(notice: Notice) -> str:
        is_closed = settle(notice, lambda verb, subject: token_door().record(actor, verb, subject))
        return "" if is_closed else _("It was dealt with already.")

    outcome = act_on_each(chosen, close, lambda notice: _shown(notice).sentence)
    sentence = ngettext(
        "%(shown)s notice is marked as dealt with.",
        "%(shown)s notices are marked as dealt with.",
        outcome.done,
    )
    outcome.tell(request, sentence % {"shown": number(outcome.done)})
    return redirect("notices")


@require_POST
@signed_in("manage:notices")
def resolve_notice(request: HttpRequest, actor: Reader, notice_id: UUID) -> HttpResponseBase:
    """Close a notice. It opens anew when the same thing happens again."""
    notice = get_object_or_404(open_notices(actor.permissions), id=notice_id)
    settle(notice, lambda verb, subject: token_door().record(actor, verb, subject))
    undo = Undo(reverse("notice-reopen", args=[notice.id]))
    tell_done(request, _("The notice is marked as dealt with."), undo)
    return redirect("notices")


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


def _saved(found: QuerySet[Notice], order: tuple[str, str] = _ORDER) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for batch in batches(found, order=order):
        for notice in batch:
            told = _shown(notice)
            yield {
                "id": str(notice.id),
                "level": notice.level,
                "kind": notice.kind,
                "sentence": told.sentence,
                "mend": told.mend,
                "subject": notice.subject,
                "created": notice.created,
                "last_seen": notice.last_seen,
                "times": notice.times,
            }


def _shown(notice: Notice) -> _Shown:
    kind = registry.get(NoticeKind, notice.kind)
    facts = notice.params
    return _Shown(
        notice,
        kind.sentence(facts),
        kind.mend(facts),
        kind.address(facts),
        *_MARKS[Notice.Level(notice.level)],
    )
