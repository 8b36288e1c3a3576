"""Sharing a partner's release onward, as it came and with where it came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.policy import Denied
from taawun.cooperation.federation.actions.publishing import append, long_header, urn
from taawun.cooperation.federation.decisions import PartyDecision, Preview, nobody, preview
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.hops import OriginRefused, inner_headers
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.rules import for_the_trail
from taawun.cooperation.federation.standing import goes_to_everybody
from taawun.cooperation.federation.ways import best_way
from taawun.cooperation.partners.logs import contents, lanes
from taawun.cooperation.partners.logs.chain import HeaderTooLong, said_in
from taawun.cooperation.people.rules import require
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Collection

    from taawun.cooperation.federation.models import Passage
    from taawun.cooperation.people.actors import Actor

__all__ = ["ensure_live", "preview_onward", "share_onward", "way_of"]


def preview_onward(release: Release, audience: Collection[str] | None = None) -> Preview:
    """Who would receive a partner's release if it were shared onward, by which clause; who would not, and why.

    Args:
        release: one that was received and stands.
        audience: party keys that were chosen; None for everybody whom each hop's clause and one of ours allow.

    Raises:
        ReleaseRefused: it is ours, or does not stand here.
    """
    way = way_of(release)
    decided = preview(replace(release.facts(), audience=None if audience is None else frozenset(audience)))
    walked = _walked(way)
    back = [each for each in decided.receivers if each.party.partition("#")[0] in walked]
    kept = tuple(each for each in decided.receivers if each not in back)
    return Preview(kept, tuple(sorted((*decided.others, *map(_has_it, back)), key=lambda each: each.party)))


def way_of(release: Release) -> Passage:
    """The way by which a partner's release came, of those by which it stands here the one that counts.

    Raises:
        ReleaseRefused: it is ours, or does not stand here.
    """
    if release.origin_id is None:
        raise ReleaseRefused("ours", _("It is a release of this node: publish it itself."))
    if release.is_for_guests:
        raise ReleaseRefused(
            "for-guests", _("It came for guests of this node alone, so this node cannot share it.")
        )
    ensure_live(release)
    way = best_way(release)
    if way is None:
        raise _gone()
    return way


def ensure_live(release: Release) -> None:
    """Go on only with what stands here.

    Raises:
        ReleaseRefused: it does not.
    """
    if release.state != Release.State.LIVE:
        raise _gone()


def _gone() -> ReleaseRefused:
    return ReleaseRefused("not-live", _("Its content is gone here, so it cannot be shared onward."))


def _walked(way: Passage) -> frozenset[str]:
    """The nodes it went through on its way here."""
    header = said_in(way.entry.header)
    try:
        return frozenset({header.sender, *(each.sender for _token, each in inner_headers(header))})
    except OriginRefused:
        raise ReleaseRefused("not-live", _("The way by which it came cannot be read any more.")) from None


def _has_it(decided: PartyDecision) -> PartyDecision:
    return PartyDecision(decided.party, Denied("has-it", decided.grant), ())


@transaction.atomic
def share_onward(actor: Actor, release: Release, audience: Collection[str] | None = None) -> Release:
    """Share a partner's release onward: the same bytes under our clauses, with the header under which it came.

    Args:
        actor: who; needs the kind's permission.
        release: one that was received and stands.
        audience: party keys that were chosen; None for everybody whom each hop's clause and one of ours allow.

    Returns:
        The release. Sharing it again on a lane on which it stands changes nothing there.

    Raises:
        NotAllowed: the actor may not publish this kind.
        NobodyReceives: no clause lets anybody have it, or its source lets it go to nobody.
        ReleaseRefused: it is ours, it does not stand here, or its way is too long for a header.
    """
    require(actor, registry.get(ReleaseKind, release.kind).permission)
    held = Release.objects.select_for_update().get(id=release.id)
    decided = preview_onward(held, audience)
    if not decided.receivers:
        raise nobody(decided)
    way = way_of(held)
    facts = held.facts()
    # without a bound it may be known to everybody whom a clause gives to; else only to those who may have it
    narrowed = audience is not None or not goes_to_everybody(facts)
    item = lanes.Item(
        kind=held.kind,
        subject=held.subject,
        version=held.version,
        action="publish",
        tlp=Tlp(held.tlp),
        content=contents.get(held.digest),
        topics=tuple(sorted(facts.topics)),
        licence=held.licence,
        languages=tuple(held.languages),
        origin=way.entry.header,
    )
    try:
        groups = sorted(decided.by_clause().items(), key=lambda each: each[0])
        is_new = [append(held, item, group, narrowed=narrowed) for _clause, group in groups]
    except HeaderTooLong:
        raise long_header() from None
    if any(is_new):
        record(
            actor,
            "federation.shared-onward",
            urn(held),
            for_the_trail(
                Tlp(held.tlp),
                {
                    "kind": held.kind,
                    "subject": held.subject,
                    "tlp": Tlp(held.tlp).label,
                    "receivers": sorted(each.party for each in decided.receivers),
                },
            ),
        )
    return held
