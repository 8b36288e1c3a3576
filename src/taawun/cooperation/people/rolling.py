"""A community's spans as lines of a roll, for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.people.queries import spans
from taawun.foundation.multilingual import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from uuid import UUID

    from taawun.cooperation.people.models import Community

__all__ = ["rolled"]


def rolled(community: Community, among: Collection[UUID] | None = None) -> Iterator[dict[str, str | None]]:
    """The history of a community, a row a span, with the columns that :mod:`~.roll` reads.

    Args:
        community: whose.
        among: ids of the spans that are wanted; None for the whole history.
    """
    for span in spans(community).order_by("nation", "organisation", "since", "id"):
        if among is not None and span.id not in among:
            continue
        names = community.nation_names.get(span.nation_id or "", {})
        yield {
            "nation": span.nation_id,
            "organisation": str(span.organisation_id) if span.organisation_id else None,
            "standing": span.standing,
            "since": span.since.isoformat() if span.since else None,
            "until": span.until.isoformat() if span.until else None,
            **{f"name_{language}": names.get(language) for language in LANGUAGES},
        }
