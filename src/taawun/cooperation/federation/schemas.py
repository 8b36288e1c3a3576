"""What federation's API takes and answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from taawun.platform.web.api import Body
from taawun.platform.web.shapes import Schema

__all__ = [
    "ClauseRef",
    "Decided",
    "Passage",
    "Question",
    "Receipt",
    "Receiver",
    "Release",
    "ReleaseFilter",
    "Unreached",
]

Marking = Annotated[str, Field(max_length=20, description="TLP 2.0, for example `TLP:AMBER+STRICT`.")]


class Question(Body):
    """What would be published."""

    kind: Annotated[str, Field(min_length=1, max_length=80, examples=["intel.report"])]
    tlp: Marking
    topics: Annotated[list[str], Field(max_length=500, description="`vocabulary:id` terms.")] = Field(
        default_factory=list
    )
    audience: Annotated[
        list[str] | None,
        Field(
            max_length=500, description="Party keys; null is everybody the clauses allow, empty is nobody."
        ),
    ] = None
    names_persons: Annotated[bool, Field(description="Whether it names the persons it is for.")] = False


class ClauseRef(Schema):
    """A clause of an agreement."""

    agreement: UUID
    code: Annotated[str, Field(description="What people on this node call the agreement.")]
    clause: str
    title: Annotated[dict[str, str], Field(description="A text by language: `ar`, `en`, `fr`.")]
    tlp_max: str
    onward: str


class Receiver(Schema):
    """A party that would receive it."""

    party: Annotated[str, Field(description="A node's base address, or `host#ref` for a guest.")]
    name: str
    clause: ClauseRef
    sentence: Annotated[str, Field(description="Why, in the language of the answer.")]
    also: Annotated[list[ClauseRef], Field(description="Further clauses that would allow it too.")]


class Unreached(Schema):
    """A party that would not receive it."""

    party: str
    name: str
    reason: Annotated[str, Field(description="Stable code.")]
    sentence: Annotated[str, Field(description="Why not, in the language of the answer.")]
    mend: Annotated[str, Field(description="What would change it; never a lower marking.")]
    step: Annotated[str, Field(description="Where the mend begins: `partner`, `agreement` or `audience`.")]
    nearest: Annotated[ClauseRef | None, Field(description="The clause that came nearest.")]


class Decided(Schema):
    """Who would receive it, by which clause; who would not, and why."""

    receivers: list[Receiver]
    others: list[Unreached]


class ReleaseFilter(Schema):
    """Which releases."""

    text: Annotated[str, Field(max_length=200, description="Part of a title; nobody finds what is RED.")] = ""
    kind: Annotated[str, Field(max_length=80)] = ""
    direction: Literal["sent", "received"] | None = None
    partner: Annotated[UUID | None, Field(description="Sent to it, or received from it.")] = None
    state: Literal["live", "withdrawn"] | None = None
    subject: Annotated[str, Field(max_length=400)] = ""


class Release(Schema):
    """One version of one thing that travelled."""

    id: UUID
    kind: str
    direction: Literal["sent", "received"]
    tlp: str
    subject: Annotated[str | None, Field(description="Null where its marking keeps it from the caller.")]
    title: Annotated[str | None, Field(description="Null where its marking keeps it from the caller.")]
    topics: Annotated[list[str] | None, Field(description="Null where its marking keeps them.")]
    restricted: Annotated[str, Field(description="Why its marking keeps it from the caller, or empty.")]
    version: str
    digest: Annotated[str, Field(description="SHA-256 of its content.")]
    size: int
    licence: str
    languages: list[str]
    origin: Annotated[UUID | None, Field(description="The partner it came from; null for our own.")]
    published_by: str
    issued: datetime
    state: Literal["live", "withdrawn"]
    withdrawn: datetime | None
    withdrawal_reason: str


class Passage(Schema):
    """A release on one lane: where ours went, or over what a partner's came."""

    lane: UUID
    seq: int
    agreement: UUID
    document: Annotated[str, Field(description="Digest of the version it went under.")]
    clause: str
    partners: Annotated[list[str], Field(description="Base addresses at the other end of the lane.")]
    issued: datetime
    ended: Annotated[datetime | None, Field(description="When it was withdrawn on this lane.")]


class Receipt(Schema):
    """A receiver's signed word that a release of ours reached it."""

    partner: Annotated[str, Field(description="Its base address.")]
    lane: UUID
    seq: int
    outcome: Annotated[
        str,
        Field(description="`done`, `unopened`, `refused` or `withdrawn`: what became of it there."),
    ]
    reason: Annotated[str, Field(description="Why it was not simply taken in, as a stable code, or empty.")]
    sentence: Annotated[str, Field(description="The reason in the language of the answer.")]
    at: datetime
