"""Pages of lanes on a disk: files to take along to a partner, and one that was brought, with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taawun.cooperation.partners.carried import carrying
from taawun.cooperation.partners.carried.wording import refusal_words
from taawun.cooperation.partners.logs.lane_files import FileRefused
from taawun.cooperation.partners.models import Lane, Partner
from taawun.cooperation.partners.presenting import lane_captions
from taawun.cooperation.partners.wording import stop_reason
from taawun.cooperation.people.sessions import signed_in
from taawun.platform.files.errors import FileTooLarge
from taawun.platform.web.components import Fact
from taawun.platform.web.downloads import confine
from taawun.platform.web.formats import number
from taawun.platform.web.templatetags.components import code, text
from taawun.platform.work.models import Job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["brought", "lane_file", "lane_files"]


@dataclass(frozen=True, slots=True)
class _Row:
    """A lane that can be taken along.

    Args:
        lane: the lane.
        held: the last entry of which the partner signed a receipt: what follows it is enough.
        caption: what it is for.
    """

    lane: Lane
    held: int
    caption: SafeString

    @property
    def entries(self) -> int:
        """How many entries it has."""
        return self.lane.head_seq + 1

    @property
    def missing(self) -> int:
        """How many of them the partner has not signed for."""
        return self.lane.head_seq - self.held


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(carrying.MANAGE)
def lane_files(request: HttpRequest, actor: PersonActor, partner_id: UUID) -> HttpResponseBase:
    """Which lanes can be carried to a partner; posted, a file that was brought."""
    partner = get_object_or_404(Partner, id=partner_id)
    if request.method != "POST":
        return _page(request, partner)
    file = request.FILES.get("file")
    if file is None:
        return _page(request, partner, _("Choose the file that the partner’s node wrote."))
    try:
        job = carrying.begin_import(actor, file.chunks(), name=file.name or "")
    except FileRefused as refused:
        return _page(request, partner, refusal_words(refused.code, refused.line))
    except FileTooLarge:
        return _page(request, partner, _("The file is larger than this node accepts."))
    return redirect("partner-lane-brought", partner.id, job.id)


def _page(request: HttpRequest, partner: Partner, refusal: str = "") -> HttpResponse:
    signed = dict(partner.reads.values_list("lane", "receipt_seq"))
    lanes = carrying.readable(partner)
    captions = lane_captions(lanes)
    rows = [_Row(each, signed.get(each.id, -1), captions[each.id]) for each in lanes]
    context = {"partner": partner, "rows": rows, "refusal": refusal}
    return render(request, "partners/lane_files.html", context, status=422 if refusal else 200)


@require_POST
@signed_in(carrying.MANAGE)
def lane_file(request: HttpRequest, actor: PersonActor, partner_id: UUID, lane_id: UUID) -> HttpResponseBase:
    """A lane of ours as a file for a partner: all of it, or what it has not signed for."""
    partner = get_object_or_404(Partner, id=partner_id)
    lane = get_object_or_404(Lane, id=lane_id, sender=None)
    signed = partner.reads.filter(lane=lane).values_list("receipt_seq", flat=True).first()
    after = signed if request.POST.get("part") == "missing" and signed is not None else -1
    try:
        _done, file = carrying.written(actor, lane, partner, after=after)
    except FileRefused as refused:
        return _page(request, partner, refusal_words(refused.code))
    except OSError:
        return _page(request, partner, _("There is no room on this node’s disk to write the file."))
    return confine(FileResponse(file, content_type="application/octet-stream"), f"lane-{lane.id}.taawun")


def _facts(found: Mapping[str, Any]) -> list[Fact]:
    # Any: JSON values of the job's result
    if "sender" not in found:
        return []
    sender = Partner.objects.filter(node=found["sender"]).first()
    return [
        Fact(_("Partner"), text(sender.name) if sender else code(found["sender"])),
        Fact(_("Entries"), number(found["entries"])),
        Fact(_("new"), number(found["new"])),
        Fact(_("waiting"), number(found["waiting"])),
    ]


@require_safe
@signed_in(carrying.MANAGE)
def brought(request: HttpRequest, actor: PersonActor, partner_id: UUID, job_id: UUID) -> HttpResponseBase:
    """What becomes of a file that was brought."""
    del actor
    partner = get_object_or_404(Partner, id=partner_id)
    job = Job.objects.filter(id=job_id, kind=carrying.IMPORT).first()
    if job is None:
        raise Http404
    found = job.result
    context = {
        "partner": partner,
        "job": job,
        "is_open": job.state in {Job.State.QUEUED, Job.State.RUNNING},
        "found": found,
        "refusal": refusal_words(found["refused"], found.get("line")) if found.get("refused") else "",
        "stopped": stop_reason(found["stopped"]) if found.get("stopped") else "",
        "facts": _facts(found),
    }
    return render(request, "partners/lane_brought.html", context)
