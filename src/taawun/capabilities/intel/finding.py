"""What intelligence answers to the search of the header."""

from __future__ import annotations

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.forms import TYPES
from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.presenting import report_badge
from taawun.capabilities.intel.wording import type_name
from taawun.cooperation.people.actors import PersonActor
from taawun.foundation.tlp import Tlp
from taawun.platform.web.paging import page
from taawun.platform.web.search import Found, Narrowing, Wanted

__all__ = ["NARROWED", "find_objects", "find_reports", "object_kinds", "report_kinds"]

NARROWED: Final = frozenset(Narrowing)
_SNIPPET: Final = 160
_WARNING: Final = "warning"


def report_kinds() -> list[tuple[str, str]]:
    """The kinds by which reports are told apart: an early warning is one."""
    return [(_WARNING, _("Early warning"))]


def object_kinds() -> list[tuple[str, str]]:
    """The types of objects that people look for."""
    return [(each, type_name(each)) for each in TYPES]


def find_reports(actor: object, wanted: Wanted, limit: int) -> list[Found]:
    """Reports with these words that the actor may see, newest first."""
    if not isinstance(actor, PersonActor):
        return []
    return [
        Found(
            each.title,
            reverse("report", args=[each.id]),
            _("Report"),
            _told(each),
            Tlp(each.tlp).label,
        )
        for each in queries.reports(
            actor,
            queries.ReportFilters(
                text=wanted.text,
                tlp=wanted.tlp,
                only_warnings=wanted.kind == _WARNING,
                origin=wanted.origin,
                since=wanted.since,
                until=wanted.until,
            ),
        )[:limit]
    ]


def _told(report: Report) -> str:
    word = report_badge(report).word
    if not report.summary:
        return word
    # Translators: the state of a report, and how its summary begins
    return _("%(state)s, %(summary)s") % {"state": word, "summary": report.summary[:_SNIPPET]}


def find_objects(actor: object, wanted: Wanted, limit: int) -> list[Found]:
    """Objects with these words, or with this identifier, that the actor may see, newest first."""
    if not isinstance(actor, PersonActor):
        return []
    filters = queries.ObjectFilters(
        text=wanted.text,
        type=wanted.kind,
        tlp=wanted.tlp,
        origin=wanted.origin,
        since=wanted.since,
        until=wanted.until,
    )
    found, first = queries.objects_and_first(actor, filters)
    return [
        Found(
            each.name or each.stix_id,
            reverse("object", args=[each.stix_id]),
            type_name(each.type),
            each.summary[:_SNIPPET],
            Tlp(each.tlp).label,
        )
        for each in page(found, order=filters.order, after=None, limit=limit, sooner=first).items
    ]
