"""A newcomer that accedes to an agreement of this node, with its own signed words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP
from taawun.cooperation.agreements.document import Party
from taawun.cooperation.agreements.models import Agreement
from taawun.cooperation.partners.identity.keys import own_lineage
from taawun.cooperation.partners.logs import chain
from taawun.foundation.clock import now, timestamp
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical
from tests.lanes import TheirLane, talk_lane

if TYPE_CHECKING:
    from taawun.cooperation.people.actors import Actor
    from tests.cast import PartnerNode

__all__ = ["accede", "entries_of", "offers"]


def accede(officer: Actor, agreement: Agreement, newcomer: PartnerNode, ref: str = "new") -> TheirLane:
    """Invite a partner, let it accede and countersign; its talk lane, on which it may say more."""
    entry = Party(ref, "node", "", "", newcomer.row.nation, Text.of(en=ref), "")
    invitation = actions.invite(officer, agreement, newcomer.row, entry, "")
    said = {
        "id": str(uuid4()),
        "kind": "acceded",
        "agreement": str(agreement.id),
        "digest": invitation.digest,
        "node": newcomer.node,
        "at": timestamp(now()),
        "note": "",
        "to": [settings.BASE_URL],
        "answers": str(invitation.id),
        "of": settings.BASE_URL,
    }
    lane = talk_lane(newcomer)
    lane.say("agreement.declared", {"instrument": newcomer.key.sign(canonical(said), INSTRUMENT_TYP)})
    assert lane.deliver()[-1] == ("done", "")
    actions.countersign(agreement)
    return lane


def offers(reader: PartnerNode) -> list[dict[str, object]]:
    """The clause lanes that a partner is offered."""
    listed = json.loads(reader.request("GET", "/federation/lanes").content)["lanes"]
    return [each for each in listed if each["purpose"] == "clause"]


def entries_of(
    reader: PartnerNode, offer: dict[str, object], after: int = -1
) -> list[tuple[chain.Header, bytes | None]]:
    """What a partner is served of a lane, from wherever it asks."""
    page = reader.request("GET", f"/federation/lanes/{offer['lane']}?after={after}").content
    lines = [chain.read_line(line) for line in page.splitlines()]
    return [(chain.read_header(line.header, own_lineage()), line.content) for line in lines if line.header]
