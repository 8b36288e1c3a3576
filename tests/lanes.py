"""A lane of another node, written with its own key as that node would write it: also what it ought not to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.errors import DocumentRefused
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.partners.exchange.receiving import process_pending, take_page
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.models import GENESIS, Lane, LaneEntry, Partner
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from tests.cast import PartnerNode

__all__ = ["Entry", "TheirLane", "clause_lane", "nothing_to_fetch", "talk_lane"]


@dataclass(frozen=True)
class Entry:
    """One entry of the lane.

    Attributes:
        header: what it says.
        token: the signed header.
        content: its content, or None.
    """

    header: chain.Header
    token: str
    content: bytes | None

    @property
    def line(self) -> bytes:
        """As it is served."""
        return chain.write_line(self.token, self.content)

    @property
    def digest(self) -> str:
        """The header's digest."""
        return chain.digest_of(self.token)


def nothing_to_fetch(partner: Partner, digest: str, size: int) -> Iterable[bytes]:
    """A partner that is asked for nothing by digest."""
    raise AssertionError(f"{digest} of {partner.node} ({size} bytes) was asked for")


class TheirLane:
    """A partner's lane to us, empty until something is written.

    Args:
        sender: the partner.
        members: what every header says besides: ``agreement``, ``clause`` and so on.
        row: the lane as we keep it.
    """

    def __init__(self, sender: PartnerNode, row: Lane, **members: Any) -> None:
        self.sender, self.row, self.members = sender, row, members
        self.entries: list[Entry] = []

    def write(self, *, key: SigningKey | None = None, **changes: Any) -> Entry:
        """Append an entry that continues the lane, but for what is changed.

        Args:
            key: who signs; the partner by default.
            changes: members of the header, and ``content``.
        """
        content: bytes | None = changes.pop("content", b'{"a":1}')
        header = chain.Header(
            **{
                "lane": self.row.wire_id,
                "sender": self.sender.node,
                "seq": len(self.entries),
                "prev": self.entries[-1].digest if self.entries else GENESIS,
                "kind": "tests.thing",
                "subject": f"urn:test:{len(self.entries)}",
                "version": "",
                "action": "publish",
                "tlp": Tlp.GREEN,
                "digest": "" if content is None else sha256(content),
                "size": 0 if content is None else len(content),
                "issued": now(),
                **self.members,
                **changes,
            }
        )
        entry = Entry(header, chain.write_header(header, key or self.sender.key), content)
        self.entries.append(entry)
        return entry

    def open(self, **changes: Any) -> Entry:
        """Append the entry that opens a lane; ``changes`` are members of its header."""
        row, said = self.row, {"sender": self.sender.node, "purpose": self.row.purpose}
        if row.purpose == Lane.Purpose.TALK:
            members: dict[str, Any] = {"to": settings.BASE_URL}
        else:
            said |= {"agreement": str(row.agreement)} if row.agreement else {}
            members, said["clause"] = {}, row.clause
        return self.write(kind="lane.opened", **{"content": canonical(said), **members, **changes})

    def say(self, kind: str, payload: Mapping[str, object], **changes: Any) -> Entry:
        """Append a message to us."""
        message = {"id": str(uuid7()), "to": settings.BASE_URL, **self._proposed(kind, payload)}
        # members of a header are of several types
        members: dict[str, Any] = {
            "to": settings.BASE_URL,
            "tlp": Tlp.AMBER_STRICT,
            "content": canonical(message),
        }
        return self.write(kind=kind, **(members | changes))

    def _proposed(self, kind: str, payload: Mapping[str, object]) -> Mapping[str, object]:
        """A version comes with its sender's word that it proposed it, unless the message has one already."""
        text = payload.get("document")
        if kind != "agreement.proposed" or "proposal" in payload or not isinstance(text, str):
            return payload
        try:
            lineage = parse(text.encode()).id
        except DocumentRefused:
            return payload
        said = {
            "agreement": str(lineage),
            "digest": sha256(text.encode()),
            "node": self.sender.node,
            "at": timestamp(now()),
        }
        return {**payload, "proposal": self.sender.key.sign(canonical(said), PROPOSAL_TYP)}

    def withdraw(self, entry: Entry) -> Entry:
        """Append the withdrawal of an earlier entry."""
        about = entry.header
        return self.write(
            kind=about.kind, subject=about.subject, version=about.version, action="withdraw", content=None
        )

    def forged(self, entry: Entry, key: SigningKey | None = None, **changes: Any) -> Entry:
        """An entry in the place of another, signed like it, with something changed."""
        header = replace(entry.header, **changes)
        return replace(entry, header=header, token=chain.write_header(header, key or self.sender.key))

    def head(
        self, seq: int | None = None, *, at: datetime | None = None, key: SigningKey | None = None
    ) -> str:
        """The signed head at an entry; at the last one by default."""
        last = len(self.entries) - 1 if seq is None else seq
        digest = self.entries[last].digest if last >= 0 else GENESIS
        return chain.write_head(
            chain.Head(self.row.wire_id, last, digest, at or now()), key or self.sender.key
        )

    def page(self, after: int = -1) -> list[bytes]:
        """What the partner serves after an entry."""
        return [*(entry.line for entry in self.entries[after + 1 :]), chain.write_head_line(self.head())]

    def take(self, lines: Iterable[bytes] | None = None) -> int:
        """Let this node take a page; what is new by default."""
        self.row.refresh_from_db()
        return take_page(self.row, self.sender.row, self.page(self.row.head_seq) if lines is None else lines)

    def deliver(self) -> list[tuple[str, str]]:
        """Let this node take what is new and deal with it; the state and reason of each entry it has."""
        self.take()
        process_pending(self.row, self.sender.row, nothing_to_fetch)
        return self.outcomes()

    def outcomes(self) -> list[tuple[str, str]]:
        """The state and reason of each entry that this node has."""
        return list(LaneEntry.objects.filter(lane=self.row).order_by("seq").values_list("state", "reason"))


def talk_lane(sender: PartnerNode) -> TheirLane:
    """A partner's talk lane to us, already opened."""
    lane = TheirLane(sender, Lane.objects.create(purpose=Lane.Purpose.TALK, sender=sender.row))
    lane.open()
    return lane


def clause_lane(
    sender: PartnerNode, agreement: Agreement | None, clause: str = "1", **members: Any
) -> TheirLane:
    """A partner's lane of a clause, already opened; without an agreement it names one we do not have."""
    lineage: UUID = agreement.id if agreement else uuid4()
    version = Version.objects.filter(agreement=agreement).order_by("-number").first() if agreement else None
    row = Lane.objects.create(
        purpose=Lane.Purpose.CLAUSE, sender=sender.row, agreement=lineage, clause=clause
    )
    lane = TheirLane(
        sender, row, **{"agreement": version.digest if version else "d" * 64, "clause": clause, **members}
    )
    lane.open()
    return lane
