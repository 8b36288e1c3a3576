"""What anybody may read here, and the question before something of ours joins it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.federation import actions, queries
from taawun.cooperation.federation.errors import ReleaseError
from taawun.cooperation.federation.forms import PublicFilters
from taawun.cooperation.federation.presenting import kind_label, title_of
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.partners.exchange.serving import ANYBODY
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.web.limits import network_of
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.matching import words_begin
from taawun.platform.web.pages import confirm
from taawun.platform.web.views import too_many_requests

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["public_releases", "release_public"]

PUBLIC: Final = Table(
    name="public",
    caption=gettext_lazy("For everybody"),
    columns=(
        Column("title", gettext_lazy("Release")),
        Column("marking", gettext_lazy("Marking")),
        Column("published", gettext_lazy("Published"), sort="-published"),
        Column("size", gettext_lazy("Size"), is_number=True),
        Column("download", gettext_lazy("Download"), is_silent=True),
    ),
    orders={"published": ("id",)},
    sort="-published",
    unfit=Empty(
        gettext_lazy("No release fits"),
        gettext_lazy("Nothing that this node has published to everybody has this title and is of this kind."),
    ),
)


@require_safe
def public_releases(request: HttpRequest) -> HttpResponseBase:
    """What this node has published to everybody, for anybody; there is no such page while that is nothing."""
    if ANYBODY.take(network_of(request.META.get("REMOTE_ADDR", ""))):
        return too_many_requests(request)
    every = queries.public_releases()

    def find(wanted: Mapping[str, Any]) -> Stored[Release]:
        found = every.select_related("origin")
        if wanted.get("q"):
            found = found.filter(words_begin("words", wanted["q"]))
        if wanted.get("kind"):
            found = found.filter(kind=wanted["kind"])
        return Stored(found)

    def draw(found: list[Release]) -> list[dict[str, object]]:
        if not found and not every.exists():
            raise Http404
        return [
            {
                "release": each,
                "title": each.title or each.subject,
                "kind": kind_label(each.kind),
                "marking": Tlp(each.tlp),
            }
            for each in found
        ]

    return show(
        request,
        PUBLIC,
        "federation/public.html",
        form=PublicFilters(request.GET),
        find=find,
        draw=draw,
        context={"address": settings.BASE_URL + reverse("federation-public")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("publish:public")
def release_public(request: HttpRequest, actor: PersonActor, release_id: UUID) -> HttpResponseBase:
    """Put a release on the public lane, after saying who may read it then: anybody."""
    held = get_object_or_404(queries.releases(), id=release_id)
    try:
        if request.method == "POST":
            actions.publish_to_everybody(actor, held)
            messages.success(request, _("It stands on the public lane: anybody may read it now."))
            return redirect("release", held.id)
        actions.ensure_public(held.facts(), held.behalf)
    except ReleaseError as refused:
        messages.error(request, str(refused))
        return redirect("release", held.id)
    return confirm(
        request,
        question=_("Publish “%(title)s” to everybody?") % {"title": title_of(held, reader_of(actor))},
        effects=[
            _(
                "Anybody may read the release: every node that asks, and everybody on the internet, without signing in."
            ),
            _("It can be withdrawn later. What somebody has read or copied by then cannot be called back."),
            _("Nobody but nodes that follow this one signs for it, so you will not know who has read it."),
        ],
        action=_("Sign and publish to everybody"),
        cancel_url=reverse("release", args=[held.id]),
        tone="alarm",
    )
