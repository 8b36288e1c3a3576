"""What background work's API answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from taawun.platform.web.shapes import Schema

__all__ = ["Job"]


class Job(Schema):
    """A piece of background work and how far it is."""

    id: UUID
    kind: str
    label: Annotated[str, Field(description="What it is, in the language of the answer.")]
    subject_id: Annotated[str, Field(description="Id of the thing it works on.")]
    state: Literal["queued", "running", "done", "failed"]
    done: int
    total: Annotated[int | None, Field(description="Null while it is not known how much there is.")]
    result: dict[str, Any]  # JSON values that the job's kind chose
    error: Annotated[str, Field(description="Why it failed, in the language of the answer, or empty.")]
    error_code: Annotated[str, Field(description="The same as a stable code.")]
    created: datetime
    started: datetime | None
    finished: datetime | None
