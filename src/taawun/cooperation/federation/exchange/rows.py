"""Rows for what partners publish, as its headers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.federation.models import Release, ReleaseTopic
from taawun.cooperation.federation.ways import reach_of_a_way, write_parties
from taawun.platform.work.rows import insert_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.agreements.policy import Origin
    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Partner

__all__ = ["create"]


def create(owner: Partner, source: str, headers: Sequence[Header]) -> list[Release]:
    """Rows for publications that are not here yet, with their topics and parties, each as its header says.

    Args:
        owner: whose they are, or who vouches for them.
        source: whose they are by the word of the owner alone; empty for what is the owner's.
        headers: each of another subject or version.
    """
    reaches = [reach_of_a_way(header) for header in headers]
    made = list(zip(headers, reaches, strict=True))
    releases = [_row(header, owner, source, reach) for header, reach in made]
    insert_rows(releases)
    insert_rows(
        ReleaseTopic(owner=release, topic=topic)
        for release, header in zip(releases, headers, strict=True)
        for topic in sorted(set(header.topics))
    )
    write_parties(list(zip(releases, reaches, strict=True)))
    return releases


def _row(header: Header, owner: Partner, source: str, reach: Origin) -> Release:
    return Release(
        kind=header.kind,
        tlp=header.tlp,
        names_persons=bool(header.persons),
        onward=reach.rule,
        onward_agreement=reach.agreement,
        is_bound=reach.bound is not None,
        subject=header.subject,
        version=header.version,
        digest=header.digest,
        size=header.size,
        licence=header.licence,
        languages=list(header.languages),
        persons=list(header.persons),
        origin=owner,
        source=source,
        published_by=owner.name.in_language("en").value[:200],
        issued=header.issued,
    )
