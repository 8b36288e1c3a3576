"""Reading releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from taawun.cooperation.agreements.queries import readable_by
from taawun.cooperation.federation.models import Passage, Receipt, Release, ReleaseParty, ReleaseTopic
from taawun.foundation.clock import now

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

__all__ = ["passages_of", "readable_releases", "receipts_of", "releases", "with_partner"]


def releases() -> QuerySet[Release]:
    """Releases of this node and of its partners, newest first."""
    return Release.objects.select_related("origin").order_by("-id")


def readable_releases(party: str, at: datetime | None = None) -> QuerySet[Release]:
    """The live releases a party may have now, newest first: the query twin of ``Policy.decide``.

    Args:
        party: a party key.
        at: the instant; now by default.
    """
    condition = readable_by(party, at or now(), ReleaseTopic, ReleaseParty)
    return Release.objects.filter(condition, state=Release.State.LIVE).order_by("-id")


def with_partner(found: QuerySet[Release], partner: UUID) -> QuerySet[Release]:
    """Those among releases that came from a partner, or went over a lane that it reads.

    Args:
        found: releases.
        partner: the partner's id.
    """
    read = Passage.objects.filter(release=OuterRef("pk"), entry__lane__readers__partner=partner)
    return found.filter(Q(origin=partner) | Exists(read))


def passages_of(release: Release) -> QuerySet[Passage]:
    """Where a release of ours went, or over what a partner's came; oldest first."""
    return release.passages.select_related("entry__lane__sender").order_by("id")


def receipts_of(release: Release) -> QuerySet[Receipt]:
    """Who signed for a release of ours."""
    return Receipt.objects.filter(entry__passage__release=release).select_related("partner").order_by("at")
