"""What the tests of intelligence are made of: files that were imported, releases that arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.models import Import, StixObject
from taawun.cooperation.agreements.models import Version
from taawun.cooperation.federation.exchange import CLAUSE_LANES
from taawun.cooperation.partners.logs import chain, contents
from taawun.cooperation.partners.models import GENESIS, Lane, LaneEntry
from taawun.cooperation.people.actors import SystemActor
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.tlp import Tlp, stix_marking_id
from tests.capabilities.intel.stix.examples import bundle, sdo
from tests.cast import PartnerNode, agreement_in_force, partner

if TYPE_CHECKING:
    from taawun.cooperation.partners.logs.purposes import Outcome
    from taawun.cooperation.people.actors import Actor

__all__ = ["SYSTEM", "Sender", "Silent", "bring", "current", "indicator", "marked", "report", "sender"]

SYSTEM = SystemActor("tests")


class Silent:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[tuple[int, int | None]] = []

    def progress(self, done: int, total: int | None = None) -> None:
        self.said.append((done, total))


def bring(
    *objects: dict[str, Any],
    actor: Actor = SYSTEM,
    tlp: Tlp = Tlp.CLEAR,
    raw: bytes | None = None,
    leave_out_refused: bool = False,
    name: str = "file.json",
) -> Import:
    """Import objects, or a raw file, at once."""
    data = bundle(*objects) if raw is None else raw
    held = actions.begin_import(actor, data, name=name, default_tlp=tlp, leave_out_refused=leave_out_refused)
    actions.run_import(Silent(), str(held.id))
    held.refresh_from_db()
    return held


def current(stix_id: str) -> StixObject:
    """The current version of an object."""
    return StixObject.objects.get(stix_id=stix_id, is_current=True)


def indicator(number: int = 1, /, **properties: Any) -> dict[str, Any]:
    """A valid indicator."""
    given = {
        "name": f"Indicator {number}",
        "pattern": f"[domain-name:value = 'host{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2024-01-31T12:00:00.000Z",
    }
    return sdo("indicator", number, **{**given, **properties})


def report(number: int, *refs: str, **properties: Any) -> dict[str, Any]:
    """A valid report on these objects."""
    given = {"name": f"Report {number}", "published": "2024-01-31T12:00:00.000Z", "object_refs": list(refs)}
    return sdo("report", number, **{**given, **properties})


def marked(value: dict[str, Any], tlp: Tlp) -> dict[str, Any]:
    """The same object with a marking of its own."""
    return {**value, "object_marking_refs": [stix_marking_id(tlp)]}


@dataclass
class Sender:
    """A partner that sends over one lane of a clause in force."""

    partner: PartnerNode
    lane: Lane

    @property
    def node(self) -> str:
        return self.partner.node

    def publish(
        self,
        *objects: dict[str, Any],
        about: str = "",
        version: str | None = None,
        kind: str = "intel.report",
        tlp: Tlp = Tlp.AMBER,
        topics: tuple[str, ...] = (),
        persons: tuple[str, ...] = (),
        audience: tuple[str, ...] = (),
        raw: bytes | None = None,
    ) -> Outcome:
        """Send a bundle about one of its objects; the first one by default."""
        content = bundle(*objects) if raw is None else raw
        named = next((each for each in objects if each["id"] == about), objects[0] if objects else {})
        header = self._header(
            action="publish",
            kind=kind,
            subject=f"urn:taawun:stix:{about or named['id']}",
            version=named.get("modified", "") if version is None else version,
            tlp=tlp,
            topics=topics,
            persons=persons,
            audience=audience,
            digest=sha256(content),
            size=len(content),
        )
        return self._take_in(header, content)

    def withdraw(self, value: dict[str, Any], *, kind: str = "intel.report", tlp: Tlp = Tlp.AMBER) -> Outcome:
        """Withdraw a version that was sent."""
        header = self._header(
            action="withdraw",
            kind=kind,
            subject=f"urn:taawun:stix:{value['id']}",
            version=value["modified"],
            tlp=tlp,
            digest="",
            size=0,
        )
        return self._take_in(header, None)

    def _header(self, **members: Any) -> chain.Header:
        self.lane.refresh_from_db()
        return chain.Header(
            lane=self.lane.id,
            sender=self.node,
            seq=self.lane.head_seq + 1,
            prev=self.lane.head_digest,
            issued=now(),
            agreement=self.document,
            clause=self.lane.clause,
            **members,
        )

    @property
    def document(self) -> str:
        return Version.objects.get(agreement=self.lane.agreement).digest

    def _take_in(self, header: chain.Header, content: bytes | None) -> Outcome:
        token = chain.write_header(header, self.partner.key)
        entry = LaneEntry.objects.create(
            lane=self.lane,
            seq=header.seq,
            header=token,
            digest=chain.digest_of(token),
            kind=header.kind,
            subject=header.subject,
            version=header.version,
            action=header.action,
            content_digest=header.digest,
            size=header.size,
            issued=header.issued,
            state=LaneEntry.State.PENDING,
        )
        self.lane.head_seq, self.lane.head_digest = header.seq, entry.digest
        self.lane.save()
        if content is not None:
            contents.put(self.lane, content)
        outcome = CLAUSE_LANES.accepts(self.lane, header) or CLAUSE_LANES.receive(entry, header, content)
        LaneEntry.objects.filter(id=entry.id).update(state=outcome.state, reason=outcome.reason)
        return outcome


def sender(name: str = "Southern CERT", nation: str = "XS", **members: Any) -> Sender:
    """A partner with an agreement in force; takes what an agreement's document takes."""
    node = partner(name, nation=nation)
    agreement = agreement_in_force(node, **members)
    lane = Lane.objects.create(
        id=uuid4(), purpose=Lane.Purpose.CLAUSE, sender=node.row, agreement=agreement.id, clause="1"
    )
    assert lane.head_digest == GENESIS
    assert node.node != settings.BASE_URL
    return Sender(node, lane)
