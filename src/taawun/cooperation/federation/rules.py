"""Who on this node may see what a release is about (FIRST, TLP 2.0; docs/protocol.md, "Decision").

That something passed over a lane is for everybody who may see what was given and received. What it is about is
marked content: AMBER+STRICT stays inside the receiving organisation, also within a node, and RED is for the
persons it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.people.actors import PartyActor
from taawun.cooperation.people.models import Person
from taawun.cooperation.people.queries import host
from taawun.cooperation.people.rules import Granted, Refused, has_permission
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taawun.cooperation.federation.models import Behalf, Release
    from taawun.cooperation.people.actors import Actor, PersonActor
    from taawun.cooperation.people.rules import Answer

__all__ = ["Reader", "can_see_content", "findable", "for_the_trail", "may_speak_for", "reader_of"]


_ABOUT: Final = frozenset({"subject", "of", "name", "reason"})


@dataclass(frozen=True, slots=True)
class Reader:
    """What the rule asks about a person; read once for a whole list.

    Args:
        email: their address, in small letters.
        is_inside: whether they belong to the organisation that runs this node, which is the one that receives.
        organisations: ids of all the organisations they belong to.
    """

    email: str
    is_inside: bool
    organisations: frozenset[UUID]


def for_the_trail(
    tlp: Tlp, details: Mapping[str, object], *, is_for_guests: bool = False
) -> dict[str, object]:
    """What of an act on marked content the audit trail may tell, whose readers its marking does not ask for.

    Args:
        tlp: the marking.
        details: what the act was about, as ``subject``, ``of``, ``name`` or ``reason``, and whatever else is to
            be told.
        is_for_guests: whether it came for guests of this node alone, which nobody of the node reads.

    Returns:
        All of it; beyond TLP:AMBER, and of what is for guests, only what does not say what the act was about. The
        row's own subject still names the release, the report or the file.
    """
    is_open = tlp <= Tlp.AMBER and not is_for_guests
    return {name: value for name, value in details.items() if is_open or name not in _ABOUT}


def may_speak_for(actor: Actor, kind: str, behalf: Behalf | None) -> Answer:
    """Whether the actor may publish, or withdraw, what is this node's or a guest's of it.

    Args:
        actor: who. What a guest gave, it alone withdraws, or who here publishes that kind.
        kind: of the release.
        behalf: the guest whose it is; None for what is the node's own.
    """
    if behalf and isinstance(actor, PartyActor) and actor.node == behalf.guest:
        return Granted()
    return has_permission(actor, registry.get(ReleaseKind, kind).permission)


def reader_of(actor: PersonActor) -> Reader:
    """A person as the reader of releases."""
    email = Person.objects.values_list("email", flat=True).get(id=actor.id)
    return Reader(email.lower(), host().id in actor.organisations, actor.organisations)


def can_see_content(reader: Reader, release: Release) -> Answer:
    """Whether the reader may see what a release is about."""
    if release.is_for_guests:
        return Refused("guests", _("It is for guests of this node alone, for whom it is held here."))
    if release.tlp == Tlp.RED and not _is_named(reader, release):
        return Refused("red", _("TLP:RED is for the persons it names, and you are none of them."))
    if release.tlp == Tlp.AMBER_STRICT and not _is_inside(reader, release):
        if release.organisation_id:
            return Refused(
                "amber-strict", _("TLP:AMBER+STRICT stays inside the organisation that published it.")
            )
        return Refused(
            "amber-strict", _("TLP:AMBER+STRICT stays inside the organisation that runs this node.")
        )
    return Granted()


def _is_named(reader: Reader, release: Release) -> bool:
    """Whether it names them, where their word for their address is good: elsewhere here whoever likes may bear it."""
    return _is_inside(reader, release) and reader.email in {str(each).lower() for each in release.persons}


def _is_inside(reader: Reader, release: Release) -> bool:
    if release.organisation_id:
        return release.organisation_id in reader.organisations
    return reader.is_inside


def findable(reader: Reader) -> Q:
    """Releases that the reader finds by what they are about: RED ones are read by whom they name, found by nobody."""
    found = Q(tlp__lte=Tlp.AMBER) | Q(tlp=Tlp.AMBER_STRICT, organisation__in=reader.organisations)
    if reader.is_inside:
        found |= Q(tlp=Tlp.AMBER_STRICT, organisation=None)
    return found & Q(is_for_guests=False)
