"""What intelligence answers to the search of the header."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.models import Report
from taawun.capabilities.intel.presenting import report_badge
from taawun.capabilities.intel.wording import type_name
from taawun.cooperation.people.actors import PersonActor
from taawun.foundation.tlp import Tlp
from taawun.platform.web.search import Found

__all__ = ["find_objects", "find_reports"]

_SNIPPET = 160


def find_reports(actor: object, text: str, limit: int) -> list[Found]:
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
        for each in queries.reports(actor, queries.ReportFilters(text=text))[:limit]
    ]


def _told(report: Report) -> str:
    word = report_badge(report).word
    if not report.summary:
        return word
    # Translators: the state of a report, and how its summary begins
    return _("%(state)s, %(summary)s") % {"state": word, "summary": report.summary[:_SNIPPET]}


def find_objects(actor: object, text: str, limit: int) -> list[Found]:
    """Objects with these words, or with this identifier, that the actor may see, newest first."""
    if not isinstance(actor, PersonActor):
        return []
    return [
        Found(
            each.name or each.stix_id,
            reverse("object", args=[each.stix_id]),
            type_name(each.type),
            each.summary[:_SNIPPET],
            Tlp(each.tlp).label,
        )
        for each in queries.objects(actor, queries.ObjectFilters(text=text))[:limit]
    ]
