"""What came under a key that its partner revoked since, and what somebody here decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from taawun.cooperation.partners.errors import PartnerRefused
from taawun.cooperation.partners.forms import QuarantineFilters
from taawun.cooperation.partners.identity import quarantine
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.web import formats
from taawun.platform.web.listing import Act, Column, Empty, Stored, Table, show
from taawun.platform.web.paging import batches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.partners.models import LaneEntry
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["quarantined"]


QUARANTINE: Final = Table(
    name="quarantine",
    caption=gettext_lazy("Quarantine"),
    columns=(
        Column("kind", gettext_lazy("Kind")),
        Column("header", gettext_lazy("Header")),
        Column("entry", gettext_lazy("Entry"), is_number=True),
        Column("issued", gettext_lazy("Issued"), is_shown=False),
        Column("received", gettext_lazy("Received"), sort="-received"),
    ),
    orders={"received": ("id",)},
    sort="-received",
    unfit=Empty(gettext_lazy("Nothing in quarantine fits"), gettext_lazy("Nothing there is of this kind.")),
    saved=("id", "lane", "seq", "kind", "digest", "size", "issued", "received", "key"),
)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("manage:partners")
def quarantined(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """What came under a key that was revoked since; somebody here decides about it."""
    known = get_object_or_404(Partner, id=partner_id)
    refusal = _decide(request, actor, known) if request.method == "POST" else ""
    if request.method == "POST" and not refusal:
        return redirect("partner-quarantine", known.id)
    return show(
        request,
        QUARANTINE,
        "partners/quarantine.html",
        form=QuarantineFilters(request.GET),
        find=lambda wanted: Stored(_of_kind(quarantine.in_quarantine(known), wanted.get("q", ""))),
        save=_saved,
        acts=(
            Act(_("Take in the chosen"), url="?decide=take-in", posts=True, icon="check"),
            Act(_("Drop the chosen"), url="?decide=drop", posts=True, icon="remove"),
        ),
        empty=Empty(
            _("Nothing is in quarantine"),
            _("What comes under a key that its owner revoked is set aside here."),
        ),
        context={"partner": known, "refusal": refusal},
        status=409 if refusal else 200,
    )


def _of_kind(found: QuerySet[LaneEntry], words: str) -> QuerySet[LaneEntry]:
    return found.filter(kind__icontains=words) if words else found


def _decide(request: HttpRequest, actor: PersonActor, known: Partner) -> str:
    """Carry out a decision; why it was not, or empty."""
    # the buttons of the chosen name it in their address, those of all in the form
    asked = request.POST.get("decide") or request.GET.get("decide", "")
    chosen = [int(each) for each in request.POST.getlist("chosen") if each.isascii() and each.isdecimal()]
    if not asked.endswith("-all") and not chosen:
        return _("Choose at least one of them.")
    entries = None if asked.endswith("-all") else chosen
    verb = quarantine.take_in if asked.startswith("take-in") else quarantine.drop
    try:
        count = verb(actor, known, entries)
    except PartnerRefused as refused:
        return str(refused)
    done = (
        ngettext("%(count)s entry is taken in.", "%(count)s entries are taken in.", count)
        if verb is quarantine.take_in
        else ngettext("%(count)s entry was dropped.", "%(count)s entries were dropped.", count)
    )
    messages.success(request, done % {"count": formats.number(count)})
    return ""


def _saved(found: QuerySet[LaneEntry]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for batch in batches(found, order=("-id",)):
        for each in batch:
            yield {
                "id": each.id,
                "lane": str(each.lane_id),
                "seq": each.seq,
                "kind": each.kind,
                "digest": each.digest,
                "size": each.size,
                "issued": each.issued,
                "received": each.recorded,
                "key": each.kid,
            }
