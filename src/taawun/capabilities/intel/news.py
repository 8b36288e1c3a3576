"""What people are told of intelligence, if they want to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from taawun.capabilities.intel import queries
from taawun.capabilities.intel.home import drafts_of
from taawun.capabilities.intel.models import Import, Report, Sighting
from taawun.foundation.identifiers import lowest_uuid7
from taawun.platform.notices.news import NewsKind, Topic
from taawun.platform.web import formats

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


__all__ = ["NEWS"]


def _sighted(after: datetime, until: datetime) -> QuerySet[Sighting]:
    """What partners saw of what this node holds."""
    found = Sighting.objects.filter(id__gte=lowest_uuid7(after), id__lt=lowest_uuid7(until))
    return found.exclude(seen_by="").filter(withdrawn__isnull=True)


def _warned(after: datetime, until: datetime) -> QuerySet[Report]:
    """Early warnings of partners; a further version is no new one."""
    found = Report.objects.filter(id__gte=lowest_uuid7(after), id__lt=lowest_uuid7(until), is_warning=True)
    return found.exclude(origin="").exclude(state=Report.State.WITHDRAWN)


def _ended(after: datetime, until: datetime) -> QuerySet[Import]:
    # the newest imports are few, and their table is small beside what they brought
    return Import.objects.filter(finished__gt=after, finished__lte=until)


NEWS: Final = (
    NewsKind(
        "intel.warning",
        Topic.NEWS,
        _("A partner sends an early warning"),
        "read:intel",
        lambda count: (
            ngettext(
                "%(count)s early warning came from partners.",
                "%(count)s early warnings came from partners.",
                count,
            )
            % {"count": formats.number(count)}
        ),
        "reports",
        lambda after, until: _warned(after, until).exists(),
        lambda actor, after, until: (
            queries.reports(actor).filter(id__in=_warned(after, until).values("id")).order_by().count()
        ),
    ),
    NewsKind(
        "intel.sighted",
        Topic.NEWS,
        _("A partner has seen what this node holds"),
        "read:intel",
        lambda count: (
            ngettext(
                "%(count)s sighting came from partners.", "%(count)s sightings came from partners.", count
            )
            % {"count": formats.number(count)}
        ),
        "objects",
        lambda after, until: _sighted(after, until).exists(),
        lambda actor, after, until: (
            queries.sightings(actor).filter(id__in=_sighted(after, until).values("id")).order_by().count()
        ),
    ),
    NewsKind(
        "intel.imported",
        Topic.NEWS,
        _("An import of yours ends"),
        "write:intel",
        lambda count: (
            ngettext("%(count)s import of yours ended.", "%(count)s imports of yours ended.", count)
            % {"count": formats.number(count)}
        ),
        "imports",
        lambda after, until: _ended(after, until).exists(),
        lambda actor, after, until: _ended(after, until).filter(person_id=actor.id).count(),
    ),
    NewsKind(
        "intel.draft",
        Topic.WAITING,
        _("A report of yours is not published"),
        "write:intel",
        lambda count: (
            ngettext(
                "%(count)s report of yours is not published.",
                "%(count)s reports of yours are not published.",
                count,
            )
            % {"count": formats.number(count)}
        ),
        "reports",
        # it comes from nobody else: it waits, and never begins to
        lambda _after, _until: False,
        lambda _actor, _after, _until: 0,
        lambda actor: drafts_of(actor).count(),
    ),
)
