"""What people are told of releases, if they want to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.rules import can_see_content, findable, reader_of
from taawun.cooperation.people.rules import Granted
from taawun.foundation.identifiers import lowest_uuid7
from taawun.foundation.tlp import Tlp
from taawun.platform.notices.news import NewsKind, Topic, risks_of
from taawun.platform.web import formats

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from taawun.cooperation.people.actors import PersonActor

__all__ = ["NEWS"]


def _received(after: datetime, until: datetime) -> QuerySet[Release]:
    """What came from partners between two instants and still stands."""
    # by their keys, which have an index: they are made here when a release comes
    came = Release.objects.filter(id__gte=lowest_uuid7(after), id__lt=lowest_uuid7(until))
    return came.filter(origin__isnull=False, state=Release.State.LIVE)


def _received_for(actor: PersonActor, after: datetime, until: datetime) -> int:
    reader, came = reader_of(actor), _received(after, until)
    named = came.filter(tlp=Tlp.RED, names_persons=True)
    red = sum(isinstance(can_see_content(reader, each), Granted) for each in named)
    return came.filter(findable(reader)).count() + red


NEWS: Final = (
    NewsKind(
        "federation.received",
        Topic.NEWS,
        _("A partner sends a release"),
        "read:federation",
        lambda count: (
            ngettext("%(count)s release came from partners.", "%(count)s releases came from partners.", count)
            % {"count": formats.number(count)}
        ),
        "releases",
        lambda after, until: _received(after, until).exists(),
        _received_for,
    ),
    *risks_of("federation", "read:federation", {"manage:guests", "publish:public", "approve:agreements"}),
)
