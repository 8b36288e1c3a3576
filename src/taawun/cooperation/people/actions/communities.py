"""Communities of nations: who belongs to them, as what, and when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people import roll
from taawun.cooperation.people.actions.editions import held_to
from taawun.cooperation.people.errors import PeopleError, RollRefused
from taawun.cooperation.people.models import Community, Nation, Organisation, Span
from taawun.cooperation.people.roll import Line
from taawun.cooperation.people.rules import ensure, holds_everywhere
from taawun.cooperation.people.shipped import SHIPPED
from taawun.foundation.nations import is_code
from taawun.platform.audit.actions import record
from taawun.platform.web.unit import forget
from taawun.platform.work.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from taawun.cooperation.people.actors import Actor
    from taawun.foundation.multilingual import Text

__all__ = [
    "add_community",
    "add_shipped_community",
    "begin_span",
    "end_span",
    "rename_community",
    "replace_roll",
    "strike_span",
]

_CODE: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


def _urn(community: Community) -> str:
    return f"urn:uuid:{community.id}"


def _begin(actor: Actor) -> None:
    """Spans are held against each other, so one who changes them waits for another."""
    ensure(holds_everywhere(actor, "manage:communities"))
    take_turn("people.communities")


@transaction.atomic
def add_community(actor: Actor, *, code: str, names: Text) -> Community:
    """Add a community of nations, empty as yet.

    Args:
        actor: who adds it.
        code: short and unique: small letters, digits and hyphens, at most 32.
        names: what it is called.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the code is none, or taken.
    """
    _begin(actor)
    if not _CODE.fullmatch(code):
        raise PeopleError(_("A code has 1 to 32 small letters, digits and hyphens, as in oic."))
    if Community.objects.filter(code=code).exists():
        raise PeopleError(_("There is a community with the code %(code)s already.") % {"code": code})
    community = Community.objects.create(code=code, names=names.to_json())
    record(actor, "people.community-added", _urn(community), {"code": code})
    return community


@transaction.atomic
def add_shipped_community(actor: Actor, code: str) -> Community:
    """Add a community that ships with Taawun: its members, since when is not said, and their names.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: none with this code ships, or it is here already.
    """
    shipped = SHIPPED.get(code)
    if shipped is None:
        raise PeopleError(_("No community with the code %(code)s ships with Taawun.") % {"code": code[:40]})
    community = add_community(actor, code=code, names=shipped.name)
    lines = [
        Line(nation, None, Span.Standing.MEMBER, None, None, name) for nation, name in shipped.members.items()
    ]
    return _replace(actor, community, lines)


@transaction.atomic
def rename_community(
    actor: Actor, community: Community, names: Text, *, edition: int | None = None
) -> Community:
    """Change what a community is called.

    Args:
        actor: who renames it.
        community: which.
        names: what it is called now.
        edition: the one the editor had before them; None where they are not held to it.

    Raises:
        NotAllowed: the actor may not.
        EditedMeanwhile: somebody else renamed it since.
    """
    _begin(actor)
    held = held_to(community, edition)
    if held.names != names.to_json():
        held.names, held.edition = names.to_json(), held.edition + 1
        held.save(update_fields=["names", "edition"])
        record(actor, "people.community-renamed", _urn(community), {"names": names.to_json()})
    return held


@transaction.atomic
def replace_roll(actor: Actor, community: Community, lines: Sequence[Line]) -> Community:
    """Put a roll in the place of a community's spans and of the names it gives; the trail keeps how many there were.

    Raises:
        NotAllowed: the actor may not.
        RollRefused: an organisation of it is none of this node.
    """
    _begin(actor)
    return _replace(actor, community, lines)


def _replace(actor: Actor, community: Community, lines: Sequence[Line]) -> Community:
    known = set(Organisation.objects.values_list("id", flat=True))
    for line in lines:
        if line.organisation and line.organisation not in known:
            told = _("There is no such organisation on this node.")
            raise RollRefused(told, line.number, "organisation")
    codes = sorted({line.nation for line in lines if line.nation})
    Nation.objects.bulk_create([Nation(code=code) for code in codes], ignore_conflicts=True)
    before = community.spans.count()
    community.spans.all().delete()
    Span.objects.bulk_create(
        [
            Span(
                community=community,
                nation_id=line.nation or None,
                organisation_id=line.organisation,
                standing=line.standing,
                since=line.since,
                until=line.until,
            )
            for line in lines
        ],
        batch_size=500,
    )
    community.nation_names = {
        line.nation: line.name.to_json() for line in lines if line.nation and line.name is not None
    }
    community.save(update_fields=["nation_names"])
    forget("people.names")
    facts = {"before": before, "after": len(lines), "names": len(community.nation_names)}
    record(actor, "people.roll-replaced", _urn(community), facts)
    return community


def _lines(community: Community, but: Span | None = None) -> list[Line]:
    return [
        Line(each.nation_id or "", each.organisation_id, Span.Standing(each.standing), each.since, each.until)
        for each in community.spans.all()
        if but is None or each.id != but.id
    ]


@transaction.atomic
def begin_span(  # noqa: PLR0913 - each argument is one fact of the span
    actor: Actor,
    community: Community,
    *,
    standing: str,
    nation: str = "",
    organisation: Organisation | None = None,
    since: date | None = None,
    until: date | None = None,
    name: Text | None = None,
) -> Span:
    """Write down what a nation or an organisation is, or was, to a community.

    Args:
        actor: who writes it down.
        community: to which.
        standing: a value of ``Span.Standing``.
        nation: the nation's code; or else:
        organisation: an organisation of this node.
        since: the first day; None where it is not written down.
        until: the first day no longer; None while it lasts.
        name: what the community calls the nation; None leaves that as it is.

    Raises:
        NotAllowed: the actor may not.
        RollRefused: it contradicts another span, or says nothing.
    """
    _begin(actor)
    row = {
        "nation": nation,
        "organisation": organisation.id if organisation else "",
        "standing": standing,
        "since": since,
        "until": until,
    }
    line = roll.line_of(row)
    roll.check([*_lines(community), line])
    if nation:
        Nation.objects.get_or_create(code=nation)
    span = Span.objects.create(
        community=community,
        nation_id=nation or None,
        organisation=organisation,
        standing=line.standing,
        since=since,
        until=until,
    )
    if nation and name is not None:
        _call(community, nation, name)
    record(actor, "people.span-begun", _urn(community), _facts(span))
    return span


def _call(community: Community, nation: str, name: Text) -> None:
    held = Community.objects.select_for_update().get(id=community.id)
    if is_code(nation):
        held.nation_names = {**held.nation_names, nation: name.to_json()}
        held.save(update_fields=["nation_names"])
        forget("people.names")


def _facts(span: Span) -> Mapping[str, str]:
    return {
        "of": span.nation_id or f"urn:uuid:{span.organisation_id}",
        "standing": span.standing,
        "since": span.since.isoformat() if span.since else "",
        "until": span.until.isoformat() if span.until else "",
    }


@transaction.atomic
def end_span(actor: Actor, span: Span, until: date) -> Span:
    """Write down that what one was to a community has ended; what rested on it ends with it.

    Args:
        actor: who writes it down.
        span: which lasts, or ends on another day.
        until: the first day no longer.

    Raises:
        NotAllowed: the actor may not.
        RollRefused: it would end before it began, or contradict another span.
    """
    _begin(actor)
    span.refresh_from_db()
    if span.since and not span.since < until:
        raise RollRefused(_("It ends before it begins."), column="until")
    span.until = until
    span.save(update_fields=["until"])
    record(actor, "people.span-ended", _urn(span.community), _facts(span))
    # a chair or a suspension that lasted ends with the membership that it rested on
    if span.standing in {Span.Standing.MEMBER, Span.Standing.ASSOCIATE, Span.Standing.OBSERVER}:
        upon = Span.objects.filter(
            community=span.community,
            nation=span.nation_id,
            organisation=span.organisation_id,
            standing__in=[Span.Standing.CHAIR, Span.Standing.SUSPENDED],
            until__isnull=True,
        ).exclude(since__gte=until)
        for each in upon.order_by("id"):
            each.until = until
            each.save(update_fields=["until"])
            record(actor, "people.span-ended", _urn(span.community), _facts(each))
    roll.check(_lines(span.community))
    return span


@transaction.atomic
def strike_span(actor: Actor, span: Span) -> None:
    """Strike a span that was written down by mistake; the trail keeps what it said.

    Raises:
        NotAllowed: the actor may not.
        RollRefused: another rests on it.
    """
    _begin(actor)
    roll.check(_lines(span.community, but=span))
    facts = _facts(span)
    if Span.objects.filter(id=span.id).delete()[0]:
        record(actor, "people.span-struck", _urn(span.community), facts)
