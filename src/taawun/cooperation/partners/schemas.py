"""What partners' API takes and answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from taawun.foundation.multilingual import LANGUAGES, Language
from taawun.platform.web.api import Body
from taawun.platform.web.shapes import Flag, Schema, Whole

__all__ = [
    "Fingerprint",
    "FingerprintQuery",
    "Lane",
    "LaneFilters",
    "Meeting",
    "Node",
    "OwnKeys",
    "Partner",
    "PartnerFilter",
    "PastKey",
    "QuarantineDecided",
    "QuarantineDecision",
    "QuarantinedEntry",
    "Verification",
]

Words = Annotated[dict[str, str], Field(description=f"A text by language: {', '.join(LANGUAGES)}.")]


class Fingerprint(Schema):
    """A key as two administrators compare it: both read out the same, each in their own language."""

    kid: Annotated[str, Field(description="The key's thumbprint (RFC 7638).")]
    language: str
    words: list[str]
    digits: list[str]


class FingerprintQuery(Schema):
    """In which language the words of fingerprints are."""

    language: Annotated[
        Language | None, Field(description="Of the fingerprint's words; that of the answer by default.")
    ] = None


class PartnerFilter(FingerprintQuery):
    """Which partners."""

    state: Literal["claimed", "met", "verified", "blocked"] | None = None


class Node(Schema):
    """This node, as its descriptor describes it."""

    node: Annotated[str, Field(description="Its base address.")]
    kind: str
    name: Words
    nation: str | None
    nation_name: Words | None
    fingerprint: Fingerprint
    issued: datetime
    valid_until: datetime
    descriptor: Annotated[str, Field(description="The signed descriptor (JWS), as partners fetch it.")]


class Partner(Schema):
    """Another node, as its own descriptor describes it."""

    id: UUID
    node: Annotated[str, Field(description="Its base address.")]
    kind: str
    name: Words
    nation: str | None
    nation_name: Words | None
    state: Annotated[
        Literal["claimed", "met", "verified", "blocked"],
        Field(description="Only a verified partner receives anything or signs with us."),
    ]
    fingerprint: Annotated[Fingerprint | None, Field(description="Null until it has answered.")]
    is_current: Annotated[bool, Field(description="Whether its descriptor is still valid.")]
    is_reachable: Annotated[
        bool, Field(description="Whether it can be called; one that cannot calls this node and delivers.")
    ]
    is_followed: Annotated[
        bool, Field(description="Whether this node takes in what stands on its public lane.")
    ]
    is_follower: Annotated[bool, Field(description="Whether it says that it does so with ours.")]
    descriptor_issued: datetime | None
    descriptor_valid_until: datetime | None
    verified: datetime | None
    verified_by: str
    created: datetime
    last_contact: datetime | None
    last_error: Annotated[
        str, Field(description="Why the last call to it failed, in the language of the answer, or empty.")
    ]
    last_error_code: Annotated[str, Field(description="The same as a stable code.")]


class Meeting(Body):
    """A node to be asked for an introduction."""

    node: Annotated[
        str,
        Field(
            min_length=1,
            max_length=400,
            examples=["https://cert.example"],
            description="Its base address, or what the QR code of its fingerprint says: then only its key is taken.",
        ),
    ]
    calls_us: Annotated[
        Flag, Field(description="It cannot be called: it calls this node, and is waited for.")
    ] = False


class Verification(Body):
    """The key whose fingerprint two administrators compared."""

    kid: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{43}$")]


class LaneFilters(Schema):
    """Which lanes of a partner are listed."""

    direction: Annotated[
        Literal["sent", "received"] | None, Field(description="What we send, or what it sends.")
    ] = None
    state: Annotated[
        Literal["running", "waiting", "stopped", "left"] | None,
        Field(description="`waiting` runs, and there is something to fetch or to sign for."),
    ] = None


class Lane(Schema):
    """A signed log between this node and a partner."""

    id: UUID
    direction: Literal["sent", "received"]
    purpose: Literal["talk", "clause", "public"]
    agreement: UUID | None
    clause: str
    state: Annotated[
        Literal["running", "stopped", "left"], Field(description="`left` is what a restart left behind.")
    ]
    part_of: Annotated[
        UUID | None, Field(description="Of one that was left behind: the lane that went on without it.")
    ]
    stale_since: Annotated[
        datetime | None,
        Field(description="Since when its other readers are shown more of it, or null."),
    ]
    stop_reason: str
    stop_sentence: Annotated[str, Field(description="The reason in the language of the answer.")]
    stop_detail: Annotated[str, Field(description="What was expected and what came; English.")]
    stopped_at: Annotated[int | None, Field(description="Number of the entry at which it broke.")]
    head: Annotated[int, Field(description="Number of the last entry held; −1 for none.")]
    known: Annotated[int, Field(description="Number of the last entry the sender signed for.")]
    acknowledged: Annotated[int, Field(description="Number of the last entry the receiver signed for.")]
    opened: datetime
    last_entry: datetime | None


class Awaited(Schema):
    """A partner whose word a restored node waits for, or waited for."""

    partner: UUID
    node: str
    name: dict[str, str]
    since: datetime
    answered: datetime | None
    given_up: Annotated[datetime | None, Field(description="When an administrator stopped waiting for it.")]
    fault: Annotated[
        str, Field(description="Code of why what it told was not taken; empty where nothing was wrong.")
    ]
    fault_sentence: Annotated[str, Field(description="The same in the language of the answer.")]


class Return(Schema):
    """How far the return of a restored node is."""

    is_returning: Annotated[bool, Field(description="Whether this node says nothing yet.")]
    partners: list[Awaited]


class PastKey(Schema):
    """A key of a node's lineage."""

    kid: Annotated[str, Field(description="Its thumbprint (RFC 7638).")]
    is_current: bool
    since: Annotated[datetime | None, Field(description="By the node's own word; null for its first.")]
    until: datetime | None
    revoked_since: Annotated[
        datetime | None, Field(description="What first came under it after this instant is not believed.")
    ]


class OwnKeys(Schema):
    """This node's keys; private ones are never told."""

    keys: Annotated[list[PastKey], Field(description="Oldest first.")]
    recovery: Annotated[str | None, Field(description="Thumbprint of the recovery key; null without one.")]
    is_recovery_here: Annotated[
        bool,
        Field(description="Whether the private recovery key still lies on the node, where it should not."),
    ]


class QuarantinedEntry(Schema):
    """An entry that came under a key which was revoked since, until somebody decides."""

    id: int
    lane: UUID
    seq: int
    kind: str
    digest: Annotated[str, Field(description="Of its header: by it the partner's administrator finds it.")]
    size: Annotated[int, Field(description="Bytes of its content.")]
    issued: Annotated[datetime, Field(description="By its sender's word, which proves nothing here.")]
    received: datetime
    key: Annotated[str, Field(description="Thumbprint of the key that signed it.")]


class QuarantineDecision(Body):
    """About which entries somebody decides."""

    entries: Annotated[
        list[Annotated[Whole, Field(ge=1, lt=2**63)]] | None,
        Field(max_length=1000, description="Their ids; null for all that are in quarantine."),
    ] = None


class QuarantineDecided(Schema):
    """How many entries a decision was about."""

    count: int
