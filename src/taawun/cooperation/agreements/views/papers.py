"""The paper instrument that an agreement is the annex of: its digest, and its scan as this node keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from taawun.cooperation.agreements import actions, queries, waiting
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.forms import InstrumentForm, ScanForm
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.agreements.views.asking import draft_or_text, edition_in, tried_on_draft
from taawun.cooperation.people.rules import require
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.multilingual import LANGUAGES
from taawun.platform.files import actions as files
from taawun.platform.files.errors import FileGone, FileTooLarge
from taawun.platform.web import formats
from taawun.platform.web.components import Fact
from taawun.platform.web.downloads import attachment
from taawun.platform.web.templatetags.components import code, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.http import HttpRequest, HttpResponseBase

    from taawun.cooperation.agreements.document import Document, Paper
    from taawun.cooperation.agreements.models import Scan
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["draft_scan", "scan", "scan_file"]

_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Shown:
    """A paper instrument on the page, with the scan of it that is kept here."""

    paper: Paper
    facts: list[Fact]
    scan: Scan | None


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("read:agreements")
def scan(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Which paper the agreement belongs to, and its scan; who writes agreements attaches it."""
    held = get_object_or_404(Agreement, id=agreement_id)
    is_sent = request.method == "POST"
    form = ScanForm(request.POST, request.FILES) if is_sent else ScanForm()
    if is_sent:
        require(actor, waiting.WRITE)
        if form.is_valid() and _attached(request, actor, held, form):
            return redirect("agreement-scan", held.id)
    context = {
        "agreement": held,
        "shown": [_shown(paper, found) for paper, found in queries.papers_of(held)],
        "form": form,
        "may_write": waiting.WRITE in actor.permissions,
    }
    return render(request, "agreements/scan.html", context, status=422 if form.errors else 200)


def _attached(request: HttpRequest, actor: PersonActor, held: Agreement, form: ScanForm) -> bool:
    file = form.cleaned_data["file"]
    try:
        actions.attach_scan(actor, held, file.chunks(_PIECE), file.name)
    except (StepRefused, FileTooLarge) as refused:
        form.add_error("file", str(refused))
        return False
    messages.success(request, _("The scan is kept here. Its digest is the one that the agreement names."))
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(waiting.WRITE)
def draft_scan(request: HttpRequest, actor: PersonActor, agreement_id: UUID) -> HttpResponseBase:
    """Name in the draft the paper instrument that it is the annex of, keeping its scan at once; or name none."""
    held = get_object_or_404(Agreement, id=agreement_id)
    base, refusal, status = draft_or_text(held), "", 200
    languages = dict.fromkeys([*LANGUAGES, *(base.instrument.title.by_language if base.instrument else ())])
    is_sent = request.method == "POST"
    is_removed = is_sent and request.POST.get("do") == "remove"
    sent = (request.POST, request.FILES) if is_sent and not is_removed else ()
    form = InstrumentForm(*sent, base=base, languages=list(languages), most=actions.MAX_SCAN_BYTES)
    if is_removed or (is_sent and form.is_valid()):
        named = None if is_removed else form
        refusal, status = tried_on_draft(lambda: _name_paper(actor, held, base, named, edition_in(request)))
        if not refusal:
            messages.success(
                request,
                _("The draft names no paper any more.") if is_removed else _("The draft names this paper."),
            )
            return redirect("agreement-edit", held.id)
    found = queries.papers_of(held, with_draft=True)
    context = {
        "agreement": held,
        "form": form,
        "refusal": refusal,
        "edition": edition_in(request) if is_sent else held.draft_edition,
        "named": next((_shown(*each) for each in found if each[0] == base.instrument), None),
    }
    status = 422 if form.errors else status
    return render(request, "agreements/draft_scan.html", context, status=status)


@transaction.atomic
def _name_paper(
    actor: PersonActor, held: Agreement, base: Document, form: InstrumentForm | None, edition: int
) -> None:
    paper = form.paper() if form else None
    actions.edit_draft(actor, held, replace(base, instrument=paper), edition=edition)
    if form and (file := form.cleaned_data["file"]):
        actions.attach_scan(actor, held, file.chunks(_PIECE), file.name)


def _shown(paper: Paper, found: Scan | None) -> _Shown:
    facts = [
        Fact(_("Title"), text(paper.title)),
        Fact(_("Date"), formats.day(paper.date)),
        Fact(_("Digest of its scan (SHA-256)"), code(paper.digest)),
    ]
    if found:
        facts += [
            Fact(_("File"), found.name or _("without a name")),
            Fact(_("Size"), formats.filesize(found.size)),
            Fact(_("Attached by"), found.attached_by),
            Fact(_("Attached"), formats.moment(found.at)),
        ]
    return _Shown(paper, facts, found)


@require_safe
@signed_in("read:agreements")
def scan_file(request: HttpRequest, actor: PersonActor, agreement_id: UUID, digest: str) -> HttpResponseBase:
    """A scan that is kept here, to save."""
    del request
    held = get_object_or_404(Agreement, id=agreement_id)
    papers = queries.papers_of(held, with_draft=waiting.WRITE in actor.permissions)
    found = next((each for _paper, each in papers if each and each.digest == digest), None)
    if found is None:
        raise Http404
    try:
        pieces = _pieces(digest)
    except FileGone:
        raise Http404 from None
    return attachment(pieces, name=found.name or f"{held.code}-scan")


def _pieces(digest: str) -> Iterator[bytes]:
    handle = files.open_file(digest)

    def read() -> Iterator[bytes]:
        with handle:
            while piece := handle.read(_PIECE):
                yield piece

    return read()
