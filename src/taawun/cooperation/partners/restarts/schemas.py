"""What the API of stopped lanes takes and answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from taawun.platform.web.api import Body

__all__ = ["Fork", "Restart", "StatementBrought"]


class Restart(Schema):
    """The restart of a stopped lane, with what each side signed."""

    id: UUID
    partner: Annotated[
        UUID, Field(description="The other node: the lane's sender, or its reader where it is ours.")
    ]
    lane: UUID
    direction: Annotated[
        Literal["sent", "received"], Field(description="Whether the lane is ours, or the partner's.")
    ]
    state: Annotated[
        Literal["proposed", "answered", "done", "dropped"],
        Field(
            description="`proposed` waits for the sender, `answered` for the reader; `dropped` was replaced."
        ),
    ]
    held: Annotated[int, Field(description="Number of the last entry that the reader held; -1 for none.")]
    held_digest: str
    stopped_at: Annotated[
        int, Field(description="Number of the entry at which it stopped; -1 where none is known.")
    ]
    stop_reason: str
    stop_sentence: Annotated[str, Field(description="The reason in the language of the answer.")]
    point: Annotated[
        int | None,
        Field(
            description="The last entry on which both agree: of a proposal to us, what our answer would sign for."
        ),
    ]
    leaves_behind: Annotated[
        int | None,
        Field(description="How many entries the reader holds after that point; null until there is one."),
    ]
    proposal: Annotated[str, Field(description="Signed by the reader (JWS).")]
    answer: Annotated[str, Field(description="Signed by the sender (JWS), or empty.")]
    confirmation: Annotated[str, Field(description="Signed by the reader (JWS), or empty.")]
    proposed: datetime
    answered: datetime | None
    confirmed: datetime | None


class StatementBrought(Body):
    """A statement of a partner that came by another way than the talk lane."""

    statement: Annotated[str, Field(min_length=1, max_length=40_000, description="A JWS.")]


class Fork(Schema):
    """The proof that a lane has two histories: two words of its sender that contradict each other."""

    lane: UUID
    sender: Annotated[str, Field(description="Base address of who signed both.")]
    seq: Annotated[int, Field(description="Number of the entry that they name differently.")]
    held: Annotated[str, Field(description="What is held here (JWS).")]
    shown: Annotated[str, Field(description="What was shown (JWS).")]
    shown_by: Annotated[str | None, Field(description="Who showed it; null for the sender itself.")]
    found: datetime
