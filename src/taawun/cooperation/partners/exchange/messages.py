"""The talk lane: every message between two nodes (docs/protocol.md, "Lanes")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from taawun.cooperation.partners.logs import lanes
from taawun.foundation.clock import SKEW
from taawun.foundation.identifiers import uuid7
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import LaneEntry, Partner

__all__ = ["TELLING", "Message", "MessageKind", "send"]

# two clocks may differ by a minute, and a word is signed up to a minute before the lane that carries it has it
TELLING: Final = 2 * SKEW


@dataclass(frozen=True, slots=True)
class Message:
    """A verified message that arrived.

    Args:
        partner: who sent it; the signature on the entry is theirs.
        kind: for example ``agreement.proposed``.
        id: its own id, chosen by the sender.
        payload: its content, parsed.
        sent: when the sender signed it.
        received: when it was recorded here.
        is_cleared: whether somebody here took it in though its key was revoked.
    """

    partner: Partner
    kind: str
    id: UUID
    payload: Mapping[str, Any]  # JSON; the kind's handler types it
    sent: datetime
    received: datetime
    is_cleared: bool = False

    def believed(self, at: datetime) -> datetime:
        """When something in it was said, as far as the sender is to be believed.

        It says so itself, so it could say anything. But it signs heads of its lane, too: when it was last asked, it
        signed that it had not said this. Where the clocks are right that changes nothing, however late a word
        arrives, so the two nodes come to the same instant.

        Args:
            at: when it was said, by the sender's word.
        """
        heard = self.partner.heard_until
        # what waited here since it came was said before it came
        return max(at, min(heard, self.received) - TELLING) if heard else at


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message a room understands.

    Args:
        name: ``room.what-happened``.
        receive: takes it in, idempotently, inside a transaction; raises ``MessageRefused`` with the reason.
        regain: makes known again what a message of ours said, by its content and header, after this node was restored;
            idempotently, inside a transaction. None where nothing here came of saying it.
        set_aside: takes out again what it brought, idempotently, inside a transaction: its key was revoked. None where
            it left nothing that counts.
    """

    name: str
    receive: Callable[[Message], None]
    regain: Callable[[Mapping[str, Any], Header], None] | None = None
    set_aside: Callable[[Message], None] | None = None


def send(partner: Partner, kind: str, payload: Mapping[str, object]) -> LaneEntry:
    """Append a message to our talk lane with a partner, inside the caller's transaction.

    Args:
        partner: to whom.
        kind: name of the kind.
        payload: JSON members; ``to`` and ``id`` are added.

    Returns:
        The entry.
    """
    message_id = uuid7()
    content = canonical({**payload, "id": str(message_id), "to": partner.node})
    item = lanes.Item(
        kind=kind,
        subject=f"urn:uuid:{message_id}",
        version="",
        action="publish",
        # what two nodes say to each other stays between the two organisations
        tlp=Tlp.AMBER_STRICT,
        content=content,
        to=partner.node,
    )
    return lanes.append(lanes.talk_lane(partner), [item])[0]
