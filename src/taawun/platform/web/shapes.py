"""The base of every shape that the machine interface takes or answers."""

from __future__ import annotations

from pydantic import BaseModel

__all__ = ["Schema"]


class Schema(BaseModel):
    """A shape of the machine interface.

    Answers are made here by name, never read from rows: ninja's own ``Schema`` looks up every member of every row
    through a getter for Django's objects, which was a third of what a list of a hundred rows cost.
    """
