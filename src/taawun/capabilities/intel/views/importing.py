"""Bringing files in, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import Count, F, Window
from django.db.models.functions import RowNumber
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from taawun.capabilities.intel import actions, queries
from taawun.capabilities.intel.errors import ImportRefused
from taawun.capabilities.intel.forms import ImportFilters, ImportForm
from taawun.capabilities.intel.models import Import, ImportIssue, StixObject
from taawun.capabilities.intel.presenting import (
    Badge,
    import_badge,
    import_counts,
    import_outcome,
    report_badge,
)
from taawun.capabilities.intel.reports import REPORT_TYPES
from taawun.capabilities.intel.search import imports_like
from taawun.capabilities.intel.wording import isolated, issue_markup
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.components import Fact
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.paging import BadCursor, page
from taawun.platform.web.templatetags.components import moment, text, tlp
from taawun.platform.work.models import Job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.capabilities.intel.models import Report
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["import_new", "import_page", "imports"]

_ISSUES_ON_A_PAGE: Final = 50
_OF_A_KIND: Final = 50
_REPORTS: Final = 50
_GRAVITY: Final = {"error": 0, "warning": 1, "info": 2}
_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"


# ---- the list ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Row:
    held: Import
    badge: Badge
    counts: list[Fact]


IMPORTS: Final = Table(
    name="imports",
    caption=gettext_lazy("Imports"),
    columns=(
        Column("file", gettext_lazy("File")),
        Column("state", gettext_lazy("State")),
        Column("outcome", gettext_lazy("What came of it")),
        Column("size", gettext_lazy("Size"), is_number=True),
        Column("person", pgettext_lazy("person", "By")),
        Column("begun", gettext_lazy("Begun"), sort="-begun"),
    ),
    orders={"begun": ("id",)},
    sort="-begun",
    unfit=Empty(gettext_lazy("No import fits"), gettext_lazy("None has this name and state.")),
    saved=("id", "name", "format", "size", "tlp", "state", "person", "created", "finished"),
)


@require_safe
@signed_in("write:intel")
def imports(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """What was brought in, newest first."""
    return show(
        request,
        IMPORTS,
        "intel/imports.html",
        form=ImportFilters(request.GET),
        find=lambda wanted: Stored(
            imports_like(queries.imports(actor), wanted.get("q", ""), wanted.get("state", ""))
        ),
        draw=lambda found: [_Row(each, import_badge(each), import_counts(each)[:3]) for each in found],
        save=_saved,
        empty=Empty(
            _("Nothing was imported yet"),
            _(
                "Bring in a file of STIX 2.1, STIX 2.0 or MISP. Its reports become drafts that you can publish."
            ),
            ((_("Import a file…"), reverse("import-new")),),
        ),
    )


def _saved(found: QuerySet[Import]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found.iterator(chunk_size=500):
        yield {
            "id": str(each.id),
            "name": each.name,
            "format": each.format,
            "size": each.size,
            "tlp": Tlp(each.default_tlp).label,
            "state": each.state,
            "counts": each.counts,
            "person": each.person.name if each.person else None,
            "created": each.created,
            "finished": each.finished,
        }


# ---- bringing in ------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("write:intel")
def import_new(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Take a file or a paste; what is no intelligence is refused at once, with its place."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("import", _begin(actor, form.cleaned_data).id)
        except ImportRefused as why:
            form.add_error("file" if form.cleaned_data.get("file") else "paste", _refusal(why))
    context = {"form": form}
    return render(request, "intel/import_new.html", context, status=422 if form.errors else 200)


def _refusal(why: ImportRefused) -> SafeString:
    """The sentence with its place in the file; that of the reader names line and column, and mostly the place."""
    sentence, place = conditional_escape(str(why)), why.pointer
    if place and place not in str(why):
        sentence = format_html(_("{sentence} Place: {place}."), sentence=sentence, place=isolated(place))
    return format_html(_("{sentence} Nothing was stored."), sentence=sentence)


def _begin(actor: PersonActor, given: Mapping[str, Any]) -> Import:
    # Any: what the form's fields hold
    file = given["file"]
    if not file:
        _check_paste(given["paste"])
    return actions.begin_import(
        actor,
        file.read() if file else given["paste"].encode(),
        name=given["name"] or (file.name if file else _("pasted text")),
        default_tlp=Tlp.parse(given["tlp"]),
        leave_out_refused=given["leave_out_refused"],
    )


def _check_paste(paste: str) -> None:
    """Refuse what a form was sent in another encoding: Django puts a sign in place of what it cannot read."""
    place = paste.find(_UNREADABLE)
    if place >= 0:
        line, column = paste.count("\n", 0, place) + 1, place - paste.rfind("\n", 0, place)
        raise ImportRefused(
            "not-utf8",
            _("Line %(line)s, column %(column)s: %(sentence)s")
            % {
                "line": formats.digits(line),
                "column": formats.digits(column),
                "sentence": _(
                    "here stands the sign � for a character that could not be read. Send the text as a file in UTF-8."
                ),
            },
            line=line,
            column=column,
        )


# ---- one import -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Issue:
    issue: ImportIssue
    sentence: SafeString
    badge: Badge


@dataclass(frozen=True, slots=True)
class _Kind:
    """What was noticed several times: the first in full, some others behind it, and how many those are in all."""

    first: _Issue
    others: list[_Issue]
    count: int

    @property
    def is_cut(self) -> bool:
        return self.count > len(self.others)


@dataclass(frozen=True, slots=True)
class _Brought:
    report: Report
    badge: Badge

    @property
    def marking(self) -> Tlp:
        return Tlp(self.report.tlp)


@require_safe
@signed_in("write:intel")
def import_page(request: HttpRequest, actor: PersonActor, import_id: UUID) -> HttpResponseBase:
    """How far an import is, and what came of it."""
    held = queries.imports(actor).filter(id=import_id).first()
    if held is None:
        raise Http404
    job = Job.objects.filter(kind="intel.import", subject_id=str(held.id)).order_by("-id").first()
    found = queries.issues_of(actor, held)
    code = request.GET.get("code", "")
    try:
        shown = page(
            found.filter(code=code), order=("id",), after=request.GET.get("after"), limit=_ISSUES_ON_A_PAGE
        )
    except BadCursor:
        return redirect("import", held.id)
    context = {
        "held": held,
        # it asks while something may still come of it
        "rhythm": 1 if held.state == Import.State.WAITING else 0,
        "watches": f"audit work:{job.id}" if job else "audit",
        "badge": import_badge(held),
        "outcome": import_outcome(held),
        "job": job,
        "counts": import_counts(held),
        "facts": _facts(held),
        "page": shown,
        "issues": [_shown_issue(each) for each in shown.items],
        "kinds": [] if code else _kinds(found),
        "is_flawless": not held.issues.exists(),
        "brought": [_Brought(each, report_badge(each)) for each in _reports(actor, held)],
    }
    return render(request, "intel/import.html", context)


def _facts(held: Import) -> list[Fact]:
    formats_of = {"stix-2.1": "STIX 2.1", "stix-2.0": "STIX 2.0", "misp": "MISP"}
    facts = [
        Fact(_("Format"), formats_of.get(held.format, held.format)),
        Fact(_("Size"), formats.filesize(held.size)),
        Fact(_("Unmarked objects"), tlp(Tlp(held.default_tlp))),
        Fact(
            _("Not valid"),
            pgettext("what is not valid", "left out") if held.leave_out_refused else _("stops the import"),
        ),
        Fact(_("Brought by"), text(held.person.name) if held.person else _("this node")),
        Fact(_("Begun"), moment(held.created)),
    ]
    return [*facts, Fact(_("Finished"), moment(held.finished))] if held.finished else facts


def _kinds(found: QuerySet[ImportIssue]) -> list[_Kind]:
    """What was noticed, kind by kind, the gravest first; an import keeps a thousand of each severity."""
    kind = [F("severity"), F("code")]
    first = found.annotate(
        nth=Window(RowNumber(), partition_by=kind, order_by="id"),
        alike=Window(Count("*"), partition_by=kind),
    ).filter(nth__lte=_OF_A_KIND + 1)
    kinds: dict[tuple[int, str], list[Any]] = {}
    for each in first.order_by("id"):
        kinds.setdefault((_GRAVITY.get(each.severity, len(_GRAVITY)), each.code), []).append(each)
    ordered = sorted(kinds.items(), key=lambda item: item[0][0])
    return [
        _Kind(_shown_issue(issues[0]), [_shown_issue(each) for each in issues[1:]], issues[0].alike - 1)
        for _key, issues in ordered
    ]


def _shown_issue(issue: ImportIssue) -> _Issue:
    badges = {
        "error": Badge("failed", _("error")),
        "warning": Badge("waiting", _("warning")),
        "info": Badge("open", _("remark")),
    }
    return _Issue(issue, issue_markup(issue.code, issue.params), badges.get(issue.severity, badges["info"]))


def _reports(actor: PersonActor, held: Import) -> QuerySet[Report]:
    brought = StixObject.objects.filter(type__in=REPORT_TYPES, sources__imported=held)
    found = queries.reports(actor).filter(origin="", stix_id__in=brought.values("stix_id"))
    return found[:_REPORTS]
