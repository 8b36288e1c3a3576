"""The two questions before a partner's release goes on from here, or is taken back from those it went on to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from taawun.cooperation.federation import actions, queries
from taawun.cooperation.federation.errors import ReleaseError
from taawun.cooperation.federation.forms import ReasonForm
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.presenting import shown_preview, title_of, with_passages
from taawun.cooperation.federation.provenance import ways_shown
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web.formats import number
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.people.actors import PersonActor
    from taawun.platform.web.components import PublishPreview

__all__ = ["onward_share", "onward_withdraw"]


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("read:federation")
def onward_share(request: HttpRequest, actor: PersonActor, release_id: UUID) -> HttpResponseBase:
    """Who will receive a partner's release onward, by which clause; who will not, and why. The answer sends it."""
    held = _found(actor, release_id)
    if request.method != "POST":
        return _question(request, actor, held)
    shown, ticked = set(request.POST.getlist("shown")), set(request.POST.getlist("receivers"))
    refusal = _share(actor, held, shown, ticked)
    if refusal:
        return _question(request, actor, held, refusal, unticked=shown - ticked)
    messages.success(request, _("Signed and on its way. Receipts appear here as its receivers sign for it."))
    return redirect("release", held.id)


def _found(actor: PersonActor, release_id: UUID) -> Release:
    held = get_object_or_404(with_passages(queries.releases()), id=release_id)
    require(actor, registry.get(ReleaseKind, held.kind).permission)
    return held


def _share(actor: PersonActor, held: Release, shown: set[str], ticked: set[str]) -> str:
    """Share with those who were ticked, and give the reason if that cannot be done."""
    try:
        now_entitled = {each.party for each in actions.preview_onward(held).receivers}
        if shown != now_entitled:
            return _("Meanwhile it changed who would receive this. Look at it again before you sign.")
        if shown and not ticked:
            return _("Nobody is ticked. Tick at least one receiver, or go back.")
        actions.share_onward(actor, held, None if ticked >= shown else ticked & shown)
    except ReleaseError as refused:
        return str(refused)
    return ""


def _question(
    request: HttpRequest, actor: PersonActor, held: Release, refusal: str = "", unticked: Collection[str] = ()
) -> HttpResponse:
    preview: PublishPreview | None = None
    try:
        preview = shown_preview(actions.preview_onward(held), actor.permissions).ticked(unticked)
    except ReleaseError as refused:
        refusal = refusal or str(refused)
    context = {
        "release": held,
        "title": title_of(held, reader_of(actor)),
        "marking": Tlp(held.tlp),
        "preview": preview,
        "refusal": refusal,
        "ways": [each for each in ways_shown(list(held.passages.all())) if each.passage.ended is None],
        "action": _action(preview.entitled) if preview else "",
    }
    status = 422 if refusal and request.method == "POST" else 200
    return render(request, "federation/onward.html", context, status=status)


def _action(receivers: int) -> str:
    words = ngettext(
        "Sign and share onward to %(count)s party", "Sign and share onward to %(count)s parties", receivers
    )
    return words % {"count": number(receivers)}


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("read:federation")
def onward_withdraw(request: HttpRequest, actor: PersonActor, release_id: UUID) -> HttpResponseBase:
    """Take a partner's release back from those to whom this node shared it onward, after asking for the reason."""
    held = _found(actor, release_id)
    form, refusal = ReasonForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            actions.take_back_onward(actor, held, form.cleaned_data["reason"])
        except ReleaseError as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("Taken back. Each receiver is told to delete it, with your reason."))
            return redirect("release", held.id)
    return confirm(
        request,
        question=_("Take back “%(title)s” from those it was shared with?")
        % {"title": title_of(held, reader_of(actor))},
        effects=[
            _("Everybody to whom this node shared it onward is told to delete it; it stays here."),
            _("Who has it by another way too may keep it: only its source can withdraw it everywhere."),
        ],
        action=_("Take it back"),
        cancel_url=reverse("release", args=[held.id]),
        tone="alarm",
        form=form,
        refusal=refusal,
    )
