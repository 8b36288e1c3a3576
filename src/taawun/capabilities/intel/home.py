"""What intelligence tells on the first page: drafts that wait for their author, and the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.capabilities.intel.models import Import, Report
from taawun.capabilities.intel.rules import visible_reports
from taawun.foundation.tlp import Tlp
from taawun.platform.web.guide import GuideStep
from taawun.platform.web.home import Line
from taawun.platform.web.templatetags.components import tlp

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["STEPS", "counts", "drafts_of", "waiting"]

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


def counts(actor: PersonActor) -> dict[str, int]:
    """How many they are."""
    return {"intel.draft": drafts_of(actor).count()} if _WRITE in actor.permissions else {}


def drafts_of(actor: PersonActor) -> QuerySet[Report]:
    """The actor's own reports that nobody has published yet, the one last changed first.

    What stays inside an organisation is no longer for whoever wrote it there and left.
    """
    drafts = Report.objects.filter(visible_reports(actor), author_id=actor.id, state=Report.State.DRAFT)
    return drafts.order_by("-changed", "-id")


STEPS: Final = (
    GuideStep(
        "intel.first",
        70,
        gettext_lazy("Bring in or write the first report"),
        gettext_lazy(
            "A file of STIX or MISP, or text pasted from one. Nothing leaves the node by importing."
        ),
        lambda _actor: Import.objects.exists() or Report.objects.exists(),
        gettext_lazy("Import…"),
        lambda: reverse("import-new"),
        permission=_WRITE,
    ),
)
