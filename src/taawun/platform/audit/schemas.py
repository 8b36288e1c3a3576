"""What the audit trail's API answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from taawun.platform.web.shapes import Schema

__all__ = ["AuditActor", "AuditChain", "AuditChainChecked", "AuditEntry", "AuditFilter"]


class AuditFilter(Schema):
    """Which rows of the trail; empty means all."""

    verb: Annotated[
        str, Field(max_length=80, description="A verb, or a room when it ends in a dot: `agreements.`")
    ] = ""
    subject: Annotated[str, Field(max_length=400, description="URN of the thing acted on.")] = ""
    actor: Annotated[str, Field(max_length=300, description="Id of who acted.")] = ""


class AuditActor(Schema):
    """Who acted."""

    kind: Annotated[str, Field(description="`person`, `party` or `system`.")]
    id: str
    label: str


class AuditEntry(Schema):
    """One act."""

    id: UUID
    at: datetime
    actor: AuditActor
    verb: str
    subject: str
    details: dict[str, Any]  # JSON values that the acting room chose
    seq: Annotated[int | None, Field(description="Its place in the chain; null until the sweep seals it.")]
    digest: Annotated[str, Field(description="SHA-256 over this row and the digest before it.")]


class AuditChain(Schema):
    """Where the chain of the trail stands."""

    rows: Annotated[int, Field(description="Rows that are sealed.")]
    head: Annotated[str, Field(description="Digest of the last of them; empty before the first.")]
    waiting: Annotated[int, Field(description="Rows that the sweep has not sealed yet.")]


class AuditChainChecked(AuditChain):
    """What a walk over the chain found; `rows` and `head` are of what is whole."""

    broken_at: Annotated[
        int | None, Field(description="`seq` of the first row that does not fit the one before it, or null.")
    ]
