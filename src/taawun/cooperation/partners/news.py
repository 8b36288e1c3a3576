"""What people are told of partners, if they want to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from taawun.cooperation.partners.home import count_waiting, uncompared
from taawun.platform.notices.news import NewsKind, Topic, Way, risks_of
from taawun.platform.web import formats

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from taawun.cooperation.partners.models import Partner

__all__ = ["NEWS"]


def _met(after: datetime, until: datetime) -> QuerySet[Partner]:
    return uncompared().filter(created__gt=after, created__lte=until)


NEWS: Final = (
    NewsKind(
        "partners.uncompared",
        Topic.WAITING,
        _("A partner’s fingerprint waits to be compared"),
        "manage:partners",
        lambda count: (
            ngettext(
                "%(count)s fingerprint waits to be compared.",
                "%(count)s fingerprints wait to be compared.",
                count,
            )
            % {"count": formats.number(count)}
        ),
        "partners",
        lambda after, until: _met(after, until).exists(),
        lambda _actor, after, until: _met(after, until).count(),
        count_waiting,
        Way.SUMMARY,
    ),
    *risks_of("partners", "read:partners", {"manage:partners"}),
)
