"""What stood for everybody before a restore, and whether it does again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from taawun.cooperation.federation import actions, queries
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.forms import TitleFilter
from taawun.cooperation.federation.presenting import kind_label
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.web.exports import as_csv, as_json
from taawun.platform.web.formats import number
from taawun.platform.web.matching import words_begin
from taawun.platform.web.paging import BadCursor, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["public_again"]

_ON_A_PAGE: Final = 50
_HEAD: Final = ("id", "kind", "subject", "version", "title", "issued", "size")
_FOR_ALL: Final[dict[str, actions.Verb]] = {"put-back-all": "put-back", "leave-off-all": "leave-off"}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("publish:public")
def public_again(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What waits after a restore; posted, what somebody decides about it."""
    refusal = _decide(request, actor) if request.method == "POST" else ""
    if request.method == "POST" and not refusal:
        return redirect("public-again")
    form = TitleFilter(request.GET)
    text = form.cleaned_data.get("q", "") if form.is_valid() else ""
    found = queries.waiting_for_everybody().select_related("origin").prefetch_related("topics", "parties")
    if text:
        found = found.filter(words_begin("words", text))
    if request.GET.get("format") in {"csv", "json"}:
        return _export(request.GET["format"], found)
    try:
        shown = page(found, order=("-id",), after=request.GET.get("after"), limit=_ON_A_PAGE)
    except BadCursor:
        return redirect("public-again")
    why = actions.refusals(shown.items)
    rows = [
        {
            "release": each,
            "title": each.title or each.subject,
            "kind": kind_label(each.kind),
            "marking": Tlp(each.tlp),
            "refusal": why.get(each.id, ""),
        }
        for each in shown.items
    ]
    context = {"rows": rows, "page": shown, "form": form, "is_filtered": bool(text), "refusal": refusal}
    return render(request, "federation/public_again.html", context, status=409 if refusal else 200)


def _decide(request: HttpRequest, actor: PersonActor) -> str:
    """Carry out a decision; why it was not, or empty."""
    asked = request.POST.get("decide", "")
    if verb := _FOR_ALL.get(asked):
        actions.decide_about_all(actor, verb)
        messages.success(request, _("It is being done, one after the other. Look again in a moment."))
        return ""
    chosen = _ids(request.POST.getlist("release"))
    if not chosen:
        return _("Choose at least one of them.")
    is_back = asked == "put-back"
    try:
        done = (actions.put_back if is_back else actions.leave_off)(actor, chosen)
    except ReleaseRefused as refused:
        return str(refused)
    if done.count:
        messages.success(request, _done(done.count, is_back=is_back))
    if done.kept:
        words = ngettext(
            "%(count)s release was not put back; the list says why.",
            "%(count)s releases were not put back; the list says why.",
            done.kept,
        )
        messages.warning(request, words % {"count": number(done.kept)})
    return ""


def _done(count: int, *, is_back: bool) -> str:
    words = (
        ngettext(
            "%(count)s release stands for everybody again.",
            "%(count)s releases stand for everybody again.",
            count,
        )
        if is_back
        else ngettext(
            "%(count)s release is left off the public lane.",
            "%(count)s releases are left off the public lane.",
            count,
        )
    )
    return words % {"count": number(count)}


def _ids(told: Iterable[str]) -> list[UUID]:
    found = []
    for each in told:
        try:
            found.append(UUID(each))
        except ValueError:
            continue
    return found


def _export(ending: str, found: QuerySet[Release]) -> HttpResponseBase:
    rows = (_line(each) for each in found)
    if ending == "json":
        return as_json("public-again", list(rows))
    return as_csv("public-again", _HEAD, _cells(rows))


def _line(each: Release) -> dict[str, object]:
    return {
        "id": str(each.id),
        "kind": each.kind,
        "subject": each.subject,
        "version": each.version,
        "title": each.title,
        "issued": each.issued,
        "size": each.size,
    }


def _cells(rows: Iterable[dict[str, object]]) -> Iterator[list[object]]:
    for row in rows:
        yield [row[column] for column in _HEAD]
