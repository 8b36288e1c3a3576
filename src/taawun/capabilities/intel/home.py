"""What intelligence tells on the first page: drafts that wait for their author, and the first import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from taawun.capabilities.intel.models import Import, Report
from taawun.foundation.tlp import Tlp
from taawun.platform.web.home import Hint, Line
from taawun.platform.web.templatetags.components import tlp

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["drafts_of", "hints", "waiting"]

_WRITE = "write:intel"
_MOST = 10


def waiting(actor: PersonActor) -> list[Line]:
    """The actor's own reports that nobody has published yet, the one last changed first."""
    if _WRITE not in actor.permissions:
        return []
    return [
        Line(
            _("Finish the report “%(title)s”") % {"title": report.title},
            reverse("report", args=[report.id]),
            format_html("{} <span>{}</span>", tlp(Tlp(report.tlp)), _("draft, not published")),
            report.changed,
            kind="intel.draft",
        )
        for report in drafts_of(actor)[:_MOST]
    ]


def drafts_of(actor: PersonActor) -> QuerySet[Report]:
    """The actor's own reports that nobody has published yet, the one last changed first."""
    return Report.objects.filter(author_id=actor.id, state=Report.State.DRAFT).order_by("-changed", "-id")


def hints(actor: PersonActor) -> list[Hint]:
    """The first step with intelligence: bring some in."""
    if _WRITE not in actor.permissions or Import.objects.exists() or Report.objects.exists():
        return []
    return [
        Hint(
            _("Import threat intelligence"),
            _("A file of STIX or MISP, or text pasted from one. Nothing leaves the node by importing."),
            _("Import…"),
            reverse("import-new"),
            order=30,
        )
    ]
