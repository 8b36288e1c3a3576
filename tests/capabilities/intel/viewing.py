"""Looking at the pages of intelligence: where they are, and what a mistake is answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.actions import ReportFields
from taawun.capabilities.intel.models import Report, StixObject
from taawun.foundation.tlp import Tlp
from tests.capabilities.intel.factories import bring, indicator
from tests.capabilities.intel.stix.examples import identifier
from tests.cast import Member, agreement_in_force, clause, partner
from tests.pages import Markup, read

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["FIRST", "LIST", "SECOND", "draft", "page_of", "refused", "shown", "three_partners"]

LIST = "/en/intel/"
FIRST, SECOND = identifier("indicator", 1), identifier("indicator", 2)


def page_of(held: Report, step: str = "") -> str:
    return f"{LIST}reports/{held.id}/{step}"


def draft(member: Member, **changes: Any) -> Report:
    """A draft of somebody's on the first indicator."""
    if not StixObject.objects.filter(stix_id=FIRST).exists():
        bring(indicator(1), indicator(2))
    given = {"title": "Wave 3", "summary": "A lure.", "tlp": Tlp.GREEN, "object_ids": (FIRST,)}
    return actions.create_report(member.actor, ReportFields(**{**given, **changes}))


def shown(client: Client, path: str, status: int = 200) -> Markup:
    return read(client.get(path), status)


def refused(client: Client, path: str, given: dict[str, Any]) -> Markup:
    return read(client.post(path, given), 422)


def three_partners() -> tuple[str, str]:
    """Two partners that a clause lets have reports, and one whose agreement goes up to TLP:CLEAR; their addresses."""
    south, east, west = (
        partner("South", nation="XS"),
        partner("East", nation="XE"),
        partner("West", nation="XW"),
    )
    agreement_in_force(south, east)
    agreement_in_force(west, clauses=(clause(tlp_max=Tlp.CLEAR),))
    return south.node, east.node
