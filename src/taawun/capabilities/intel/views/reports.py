"""The list of reports, and the page of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Count, Max, Min
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_safe

from taawun.capabilities.intel import picturing, queries
from taawun.capabilities.intel.actions.reporting import urn
from taawun.capabilities.intel.composing import bundle_chunks
from taawun.capabilities.intel.forms import ReportFilters
from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.presenting import (
    Badge,
    history,
    object_rows,
    release_of,
    report_badge,
    sighting_rows,
    terms_of,
)
from taawun.capabilities.intel.reach import how_often_seen, reach_of, who_may_see
from taawun.capabilities.intel.rules import can_edit, can_publish, can_withdraw
from taawun.cooperation.federation.decisions import preview
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.presenting import release_rows, shown_preview
from taawun.cooperation.federation.provenance import provenance
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.people.rules import Granted
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from taawun.platform.web import formats
from taawun.platform.web.downloads import attachment
from taawun.platform.web.formats import number
from taawun.platform.web.listing import Column, Empty, Stored, Table, show
from taawun.platform.web.templatetags.components import tlp as mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase
    from django.utils.safestring import SafeString

    from taawun.capabilities.intel.models import StixObject
    from taawun.cooperation.federation.presenting import ReleaseRow
    from taawun.cooperation.people.actors import PersonActor

__all__ = ["found_report", "report", "report_bundle", "report_picture", "reports"]

_OBJECTS_ON_THE_PAGE: Final = 10
_SIGHTINGS: Final = 50


def found_report(actor: PersonActor, report_id: UUID) -> Report:
    """A report the actor may see.

    Raises:
        Http404: there is none; one that they may not see is not there for them.
    """
    found = queries.report_named(actor, report_id)
    if found is None:
        raise Http404
    return found


# ---- the list ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Row:
    report: Report
    badge: Badge
    passed: ReleaseRow | None

    @property
    def marking(self) -> Tlp:
        return Tlp(self.report.tlp)


REPORTS: Final = Table(
    name="reports",
    caption=gettext_lazy("Reports"),
    columns=(
        Column("title", gettext_lazy("Report"), sort="title"),
        Column("origin", gettext_lazy("From")),
        Column("marking", gettext_lazy("Marking")),
        Column("clause", pgettext_lazy("clause", "By")),
        Column("state", gettext_lazy("State")),
        Column("changed", gettext_lazy("Changed"), sort="-changed"),
        Column("created", gettext_lazy("Here since"), sort="-created", is_shown=False),
    ),
    orders={"created": ("id",), "changed": ("changed", "id"), "title": ("title", "id")},
    sort="-created",
    unfit=Empty(
        gettext_lazy("No report fits"), gettext_lazy("None has these words, this state and this marking.")
    ),
    saved=("id", "stix_id", "title", "tlp", "state", "topics", "partner", "created", "changed"),
)


@require_safe
@signed_in("read:intel")
def reports(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Ours and partners', newest first."""
    may_write = "write:intel" in actor.permissions
    first = ((_("Import a file…"), reverse("import-new")), (_("Write a report"), reverse("report-new")))
    return show(
        request,
        REPORTS,
        "intel/reports.html",
        form=ReportFilters(request.GET),
        find=lambda wanted: Stored(queries.reports(actor, _filters(wanted))),
        draw=lambda found: _rows(actor, found),
        save=_saved,
        empty=Empty(
            _("No report yet"),
            _(
                "Import a file of STIX or MISP, or write a report of your own. What partners publish to you appears "
                "here by itself."
            ),
            first if may_write else (),
        ),
        context={"may_write": may_write},
    )


def _filters(wanted: Mapping[str, str]) -> queries.ReportFilters:
    return queries.ReportFilters(
        text=wanted.get("q", ""),
        state=wanted.get("state", ""),
        tlp=Tlp.parse(wanted["tlp"]) if wanted.get("tlp") else None,
        only_warnings=bool(wanted.get("warnings")),
    )


def _rows(actor: PersonActor, found: Sequence[Report]) -> list[_Row]:
    passed = {row.release.id: row for row in release_rows(list(_releases(found)), reader_of(actor))}
    return [
        _Row(each, report_badge(each), passed.get(each.release_id) if each.release_id else None)
        for each in found
    ]


def _releases(found: Sequence[Report]) -> QuerySet[Release]:
    return Release.objects.filter(id__in=[each.release_id for each in found if each.release_id])


def _saved(found: QuerySet[Report]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found.iterator(chunk_size=500):
        yield {
            "id": str(each.id),
            "stix_id": each.stix_id,
            "title": each.title,
            "tlp": Tlp(each.tlp).label,
            "state": each.state,
            "topics": each.topics,
            "partner": each.origin or None,
            "created": each.created,
            "changed": each.changed,
        }


# ---- one report -------------------------------------------------------------------------------------------------
@require_safe
@signed_in("read:intel")
def report(request: HttpRequest, actor: PersonActor, report_id: UUID) -> HttpResponseBase:
    """One report: where it came from, what it says and names, who has it, and what may be done with it."""
    held = found_report(actor, report_id)
    named = _named(actor, held)
    sightings = list(queries.sightings_of(actor, named.seen_by)[:_SIGHTINGS])
    rows = sighting_rows(actor, sightings)
    # two that are compared
    is_seen_by_many = len(sightings) == _SIGHTINGS or len({each.seen_by for each in sightings}) > 1
    context = {
        "report": held,
        "marking": Tlp(held.tlp),
        "badge": report_badge(held),
        "objects": object_rows(actor, named.first),
        "note": _counted(named.count, len(named.first), named.tlp),
        "has_one_marking": named.tlp is not None,
        "languages": formats.listed([formats.language_name(each) for each in held.languages]),
        "count": named.count,
        "picture": picturing.picture_of(actor, held, named=named.all),
        "sightings": rows,
        "how_often_seen": how_often_seen(actor, named.seen_by) if is_seen_by_many else None,
        "who_may_see": who_may_see(held),
        "history": history(actor, held, rows),
        "subject": urn(held),
        **_travelled(actor, held),
        **_permitted(actor, held),
    }
    return render(request, "intel/report.html", context)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a report names, as its page tells of it.

    Args:
        first: as many as stand on the page.
        count: how many there are; ties among them are not counted.
        tlp: the marking that all of them bear; None where they bear several.
        all: everything, where it is little enough for a picture.
        seen_by: what sightings are looked for of.
    """

    first: Sequence[StixObject]
    count: int
    tlp: int | None
    all: Sequence[StixObject] | None
    seen_by: Sequence[str] | QuerySet[StixObject]


def _named(actor: PersonActor, held: Report) -> _Named:
    found = queries.objects_of(actor, held)
    rows = list(found.defer(*queries.NOT_LISTED, "summary")[: picturing.MOST_DRAWN + 1])
    if len(rows) <= picturing.MOST_DRAWN:
        listed = [each for each in rows if each.type != "relationship"]
        markings = {each.tlp for each in listed}
        first, tlp = listed[:_OBJECTS_ON_THE_PAGE], markings.pop() if len(markings) == 1 else None
        return _Named(first, len(listed), tlp, rows, [each.stix_id for each in rows])
    counted = found.exclude(type="relationship")
    told = counted.order_by().aggregate(count=Count("pk"), least=Min("tlp"), most=Max("tlp"))
    first = list(counted.defer(*queries.NOT_LISTED)[:_OBJECTS_ON_THE_PAGE])
    tlp = told["least"] if told["least"] == told["most"] else None
    return _Named(first, told["count"], tlp, None, queries.objects_of(actor, held, is_inner=True))


def _counted(count: int, shown: int, tlp: int | None) -> SafeString | str:
    """How many objects there are, how many of them stand on the page, and the marking that all of them bear."""
    if not count:
        return ""
    if count > shown:
        words = ngettext("%(shown)s of %(count)s object", "%(shown)s of %(count)s objects", count)
    else:
        words = ngettext("%(count)s object", "%(count)s objects", count)
    sentence = words % {"shown": number(shown), "count": number(count)}
    if tlp is None:
        return sentence
    # Translators: how many objects, and the marking that each of them bears
    return format_html(_("{objects}, marked {marking}"), objects=sentence, marking=mark(Tlp(tlp)))


@require_safe
@signed_in("read:intel")
def report_picture(request: HttpRequest, actor: PersonActor, report_id: UUID) -> HttpResponseBase:
    """How a report hangs together, with more of it unfolded (``?open=``), for the place of the picture on its page."""
    held = found_report(actor, report_id)
    if not request.headers.get("HX-Request"):
        return redirect("report", held.id)
    picture = picturing.picture_of(actor, held, request.GET.getlist("open"))
    return render(request, "intel/picture.html", {"picture": picture})


def _travelled(actor: PersonActor, held: Report) -> dict[str, object]:
    """Where it went or came from, as far as it travelled at all."""
    release = release_of(held)
    if release is None:
        return {}
    found: dict[str, object] = {"release": release, "reach": reach_of(release)}
    if held.origin:
        kind = registry.find(ReleaseKind, release.kind)
        may_share = kind is not None and kind.permission in actor.permissions
        return {
            **found,
            "stations": provenance(release),
            "terms": terms_of(release),
            "may_share": may_share and release.state == Release.State.LIVE and release.goes_onward,
        }
    is_out = held.state == Report.State.PUBLISHED
    others = shown_preview(preview(release.facts()), actor.permissions).others if is_out else ()
    return {**found, "others": others}


def _permitted(actor: PersonActor, held: Report) -> dict[str, bool]:
    is_publishable = isinstance(can_publish(actor, held), Granted)
    return {
        "may_edit": isinstance(can_edit(actor, held), Granted) and "write:intel" in actor.permissions,
        "may_publish": is_publishable and "publish:intel" in actor.permissions,
        "may_withdraw": isinstance(can_withdraw(actor, held), Granted)
        and "publish:intel" in actor.permissions,
        "may_write": "write:intel" in actor.permissions,
        "may_audit": "read:audit" in actor.permissions,
    }


@require_safe
@signed_in("read:intel")
def report_bundle(_request: HttpRequest, actor: PersonActor, report_id: UUID) -> HttpResponseBase:
    """The report and what it names, as one STIX 2.1 bundle to save."""
    held = found_report(actor, report_id)
    return attachment(
        bundle_chunks(queries.texts_with(actor, held)),
        name=f"{held.stix_id}.json",
        content_type="application/stix+json;version=2.1",
    )
