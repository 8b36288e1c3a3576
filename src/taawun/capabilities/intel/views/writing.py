"""Writing a report and changing it, with a search for objects on the same page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from taawun.capabilities.intel import actions, queries
from taawun.capabilities.intel.errors import EditedMeanwhile, ReportRefused
from taawun.capabilities.intel.forms import ReportForm, lines_of
from taawun.capabilities.intel.models import ReportObject
from taawun.capabilities.intel.presenting import object_rows
from taawun.capabilities.intel.rules import can_edit
from taawun.capabilities.intel.views.reports import found_report
from taawun.cooperation.people.rules import ensure
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.multilingual import OWN_NAMES
from taawun.foundation.tlp import Tlp
from taawun.platform.web.drafts import Stale, differences, gone_on_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

    from taawun.capabilities.intel.models import Report
    from taawun.capabilities.intel.presenting import ObjectRow
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["report_edit", "report_new"]

_FOUND: Final = 20
_FORM: Final = "report-form"
# which field of the page a refusal belongs to
_FIELDS: Final = {
    **{name: name for name in ("title", "summary", "tlp", "topics", "objects", "persons")},
    "languages": "other_languages",
}
# as many as a report may name
_MOST_NAMED: Final = 20_000


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("write:intel")
def report_new(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Begin a report of ours."""
    if request.method != "POST":
        return _page(
            request, actor, ReportForm(initial={"objects": "\n".join(_asked_for(actor, request))}), None
        )
    return _answered(request, actor, None)


def _asked_for(actor: PersonActor, request: HttpRequest) -> Sequence[str]:
    """The objects with which a new report begins: one, those chosen in the list, or what an import brought."""
    try:
        imported = UUID(request.GET.get("import", ""))
    except ValueError:
        return lines_of(" ".join([request.GET.get("object", ""), *request.GET.getlist("chosen")]))
    return queries.named_by_import(actor, imported, _MOST_NAMED)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("write:intel")
def report_edit(request: HttpRequest, actor: PersonActor, report_id: UUID) -> HttpResponseBase:
    """Change a report of ours; its receivers see the change with the next version."""
    held = found_report(actor, report_id)
    ensure(can_edit(actor, held))
    if request.method != "POST":
        return _page(request, actor, ReportForm(initial=_written(held)), held)
    return _answered(request, actor, held)


def _written(held: Report) -> dict[str, Any]:
    # Any: initial values of fields
    named = ReportObject.objects.filter(report=held).order_by("id").values_list("stix_id", flat=True)
    return {
        "edition": held.edition,
        "title": held.title,
        "summary": held.summary,
        "tlp": Tlp(held.tlp).label,
        "topics": "\n".join(held.topics),
        "languages": [each for each in held.languages if each in OWN_NAMES],
        "other_languages": " ".join(each for each in held.languages if each not in OWN_NAMES),
        "persons": "\n".join(held.persons),
        "is_warning": held.is_warning,
        "objects": "\n".join(named),
    }


def _answered(request: HttpRequest, actor: PersonActor, held: Report | None) -> HttpResponseBase:
    given = _with_added(request.POST)
    form = ReportForm(given)
    if _is_search(given):
        # what was typed so far is shown again as it is; nothing is judged before it is saved
        typed = given.dict() | {"languages": given.getlist("languages")}
        return _page(request, actor, ReportForm(initial=typed), held, find=given.get("find", ""))
    # what the form takes and the rule does not is told together with what the form does not take
    form.full_clean()
    for fault in actions.faults_of(actor, _fields(form.cleaned_data)):
        _tell(form, fault)
    if form.is_valid():
        try:
            saved = _save(actor, held, form.cleaned_data)
        except ReportRefused as refused:
            if held is not None and isinstance(refused, EditedMeanwhile):
                return _stale_page(request, actor, found_report(actor, held.id), given)
            _tell(form, refused)
        else:
            messages.success(request, _("Saved. Nobody outside this node sees it before it is published."))
            return redirect("report", saved.id)
    return _page(request, actor, form, held, status=422)


def _stale_page(
    request: HttpRequest, actor: PersonActor, now_saved: Report, given: QueryDict
) -> HttpResponse:
    """What was typed beside what somebody saved meanwhile; sent again, it takes its place."""
    told = differences(ReportForm(initial=_written(now_saved)), given)
    given["edition"] = str(now_saved.edition)
    stale = Stale(queries.edited(actor, {"report_id": now_saved.id}), _FORM, "step", told)
    return _page(request, actor, ReportForm(given), now_saved, status=409, stale=stale)


def _with_added(posted: QueryDict) -> QueryDict:
    """What was posted, with the objects that were ticked in the search behind those that stood there."""
    given = posted.copy()
    ticked = [each for each in posted.getlist("add") if each]
    if ticked:
        given["objects"] = "\n".join(dict.fromkeys([*lines_of(posted.get("objects", "")), *ticked]))
    return given


def _is_search(given: QueryDict) -> bool:
    """Whether somebody searches: by the button, or by Enter in the field of the search."""
    is_asked_anew = given.get("find", "").strip() != given.get("found", "").strip()
    return given.get("step") in {"find", "add"} or is_asked_anew


def _tell(form: ReportForm, refused: ReportRefused) -> None:
    """Put a refusal to its field, unless the form has said what is wrong with that."""
    field = _FIELDS.get(refused.field)
    if field is None or field not in form.errors:
        form.add_error(field, str(refused))


def _fields(given: Mapping[str, Any]) -> actions.ReportFields:
    """What was written, with nothing in the place of what the form did not take."""

    def lines(name: str) -> tuple[str, ...]:
        return lines_of(given.get(name, "").replace(",", " "))

    return actions.ReportFields(
        title=given.get("title", ""),
        summary=given.get("summary", ""),
        tlp=Tlp.parse(given["tlp"]) if "tlp" in given else Tlp.CLEAR,
        topics=lines_of(given.get("topics", "")),
        object_ids=lines_of(given.get("objects", "")),
        languages=tuple(dict.fromkeys([*given.get("languages", ()), *lines("other_languages")])),
        persons=lines("persons"),
        is_warning=given.get("is_warning", False),
    )


def _save(actor: PersonActor, held: Report | None, given: Mapping[str, Any]) -> Report:
    fields = _fields(given)
    if held is None:
        return actions.create_report(actor, fields)
    return actions.edit_report(actor, held, fields, edition=given["edition"] or 0)


@dataclass(frozen=True, slots=True)
class _Found:
    row: ObjectRow
    is_named: bool


def _page(  # noqa: PLR0913 - each is a part of the page
    request: HttpRequest,
    actor: PersonActor,
    form: ReportForm,
    held: Report | None,
    *,
    find: str = "",
    status: int = 200,
    stale: Stale | None = None,
) -> HttpResponse:
    draft = gone_on_with(request, _FORM)
    # the template fills the form with what was typed then
    objects = draft.typed.get("objects") if draft else form["objects"].value()
    named = set(lines_of(str(objects or "")))
    context = {
        "form": form,
        "report": held,
        "find": find,
        "found": _find(actor, find, named) if find.strip() else None,
        "named": len(named),
        "back": reverse("report", args=[held.id]) if held else reverse("reports"),
        "stale": stale,
    }
    return render(request, "intel/report_form.html", context, status=status)


def _find(actor: PersonActor, words: str, named: set[str]) -> list[_Found]:
    found = list(queries.objects(actor, queries.ObjectFilters(text=words[:200]))[:_FOUND])
    return [_Found(row, row.object.stix_id in named) for row in object_rows(actor, found)]
