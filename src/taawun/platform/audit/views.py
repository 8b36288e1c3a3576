"""The page of the trail: who did what, filtered, exported, and whether the chain is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from taawun.foundation.clock import timestamp
from taawun.platform.audit.actions import verify
from taawun.platform.audit.queries import Filters, chain, entries
from taawun.platform.web.access import signed_in
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.formats import number
from taawun.platform.web.paging import BadCursor, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.platform.audit.models import Entry

__all__ = ["check_chain", "trail"]

_ON_A_PAGE = 100
# about two seconds of walking; a longer chain is walked at the console
_LONGEST_WALK = 50_000
_COLUMNS = ("seq", "at", "actor_kind", "actor_id", "actor_label", "verb", "subject", "details", "digest")


class TrailFilters(forms.Form):
    """What to see of the trail."""

    verb = forms.CharField(label=_("Act"), required=False, max_length=80)
    subject = forms.CharField(label=_("Thing"), required=False, max_length=400)
    actor = forms.CharField(label=_("Who"), required=False, max_length=300)


@require_safe
@signed_in("read:audit")
def trail(request: HttpRequest, actor: object) -> HttpResponseBase:
    """The trail, newest first."""
    del actor
    form = TrailFilters(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = entries(Filters(**wanted))
    if request.GET.get("format") == "csv":
        return as_csv("audit", _COLUMNS, ([row[name] for name in _COLUMNS] for row in _rows(found)))
    if request.GET.get("format") == "json":
        return as_json("audit", _rows(found))
    try:
        shown = page(found, order=("-id",), after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("audit")
    state = chain()
    context = {"form": form, "page": shown, "chain": state, "may_walk": state.rows <= _LONGEST_WALK}
    return render(request, "audit/trail.html", context)


@require_POST
@signed_in("read:audit")
def check_chain(request: HttpRequest, actor: object) -> HttpResponseBase:
    """Walk the chain and say what was found."""
    del actor
    if chain().rows > _LONGEST_WALK:
        messages.warning(request, _("The chain is long. Let the operator check it: taawun audit verify."))
        return redirect("audit")
    found = verify()
    if found.broken_at is None:
        told = ngettext(
            "The chain is whole: %(count)s row fits the one before it.",
            "The chain is whole: each of %(count)s rows fits the one before it.",
            found.rows,
        )
        messages.success(request, told % {"count": number(found.rows)})
    else:
        broken = _(
            "The chain is broken at row %(row)s. Compare with a backup, and find out who wrote to the database."
        )
        messages.error(request, broken % {"row": number(found.broken_at)})
    return redirect("audit")


def _rows(found: QuerySet[Entry]) -> Iterator[dict[str, Any]]:
    for entry in found.iterator(chunk_size=1000):
        yield {
            "seq": entry.seq,
            "at": timestamp(entry.at),
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id,
            "actor_label": entry.actor_label,
            "verb": entry.verb,
            "subject": entry.subject,
            "details": entry.details,
            "digest": entry.digest,
        }
