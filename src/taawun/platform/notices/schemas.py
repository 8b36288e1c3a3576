"""What notices' API answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from taawun.platform.web.shapes import Schema

__all__ = ["Notice", "NoticeFilters"]


class NoticeFilters(Schema):
    """Which notices are listed."""

    level: Annotated[
        Literal["information", "warning", "alarm"] | None, Field(description="How much it matters.")
    ] = None
    state: Annotated[
        Literal["open", "resolved"], Field(description="Those that are open, or those that were resolved.")
    ] = "open"


class Notice(Schema):
    """Something that happened and that somebody must know."""

    id: UUID
    kind: str
    level: Literal["information", "warning", "alarm"]
    subject: Annotated[str, Field(description="URN of what it is about.")]
    sentence: Annotated[str, Field(description="What happened, in the language of the answer.")]
    mend: Annotated[str, Field(description="What to do about it.")]
    address: Annotated[str, Field(description="The page where to do it, or empty.")]
    created: datetime
    last_seen: datetime
    times: int
    resolved: datetime | None
